//! Cases about personal data: which of our detectors answers for which of the other recognisers.

use serde_json::Value;

use super::cases::{Case, Expect, Way, test_of};

/// Recognisers, as in `test_NAME_recognizer.py`, and our detector for the same entity.
const ENTITIES: &[(&str, &str)] = &[
    ("aba_routing", "us-aba-routing"),
    ("au_abn", "au-abn"),
    ("au_acn", "au-acn"),
    ("au_medicare", "au-medicare"),
    ("au_tfn", "au-tfn"),
    ("ca_sin", "ca-sin"),
    ("certificate_number", "us-dea"),
    ("credit_card", "credit-card"),
    ("crypto", "crypto-address"),
    ("date", "date-time"),
    ("de_bsnr", "de-bsnr"),
    ("de_fuehrerschein", "de-driver-license"),
    ("de_handelsregister", "de-trade-register"),
    ("de_health_insurance", "de-health-insurance"),
    ("de_id_card", "de-id-card"),
    ("de_kfz", "de-license-plate"),
    ("de_lanr", "de-lanr"),
    ("de_passport", "de-passport"),
    ("de_plz", "de-postcode"),
    ("de_social_security", "de-social-security"),
    ("de_tax_id", "de-tax-id"),
    ("de_tax_number", "de-tax-number"),
    ("de_vat_id", "de-vat-id"),
    ("email", "email"),
    ("es_nie", "es-nie"),
    ("es_nif", "es-nif"),
    ("es_passport", "es-passport"),
    ("fi_personal_identity_code", "fi-personal-identity"),
    ("iban", "iban"),
    ("in_aadhaar", "in-aadhaar"),
    ("in_gstin", "in-gstin"),
    ("in_pan", "in-pan"),
    ("in_passport", "in-passport"),
    ("in_vehicle_registration", "in-vehicle-registration"),
    ("in_voter", "in-voter-id"),
    ("ip", "ip-address"),
    ("it_driver_license", "it-driver-license"),
    ("it_fiscal_code", "it-fiscal-code"),
    ("it_identity_card", "it-id-card"),
    ("it_passport", "it-passport"),
    ("it_vat_code", "it-vat"),
    ("kr_brn", "kr-brn"),
    ("kr_driver_license", "kr-driver-license"),
    ("kr_frn", "kr-frn"),
    ("kr_passport", "kr-passport"),
    ("kr_rrn", "kr-rrn"),
    ("mac", "mac-address"),
    ("ng_nin", "ng-nin"),
    ("ng_vehicle_registration", "ng-vehicle-registration"),
    ("ph_mobile_number", "phone-number"),
    ("ph_tin", "ph-tin"),
    ("phone", "phone-number"),
    ("pl_pesel", "pl-pesel"),
    ("se_organisationsnummer", "se-organisation-number"),
    ("se_personnummer", "se-personal-number"),
    ("sg_fin", "sg-nric"),
    ("sg_uen", "sg-uen"),
    ("th_tnin", "th-tnin"),
    ("tr_license_plate", "tr-license-plate"),
    ("tr_national_id", "tr-national-id"),
    ("tr_phone_number", "phone-number"),
    ("uk_driving_licence", "uk-driving-licence"),
    ("uk_nhs", "uk-nhs"),
    ("uk_nino", "uk-nino"),
    ("uk_passport", "uk-passport"),
    ("uk_postcode", "uk-postcode"),
    ("uk_vehicle_registration", "uk-vehicle-registration"),
    ("url", "url"),
    ("us_bank", "us-bank-account"),
    ("us_driver_license", "us-driver-license"),
    ("us_itin", "us-itin"),
    ("us_mbi", "us-mbi"),
    ("us_npi", "us-npi"),
    ("us_passport", "us-passport"),
    ("us_ssn", "us-ssn"),
    ("za_id_number", "za-id"),
];

/// A policy that reports every finding of these detectors.
const POLICY: &str = "version: 1
providers: { demo: { demo: {} } }
endpoints:
  conformance:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g, on: input, detect: pii, entities: [IDS], action: flag, threshold: 0 }
";

/// A policy that reports every finding of all of them.
pub(super) fn policy() -> String {
    let ids: Vec<&str> = ENTITIES.iter().map(|(_, rule)| *rule).collect();
    POLICY.replace("IDS", &ids.join(", "))
}

/// The default threshold.
const SURE: f64 = 0.5;

/// Members that hold the text of a case.
const TEXTS: [&str; 6] = ["text", "iban", "number", "pesel", "gstin", "id_number"];

/// A case that says how many findings there are, or whether a number is valid.
pub(super) fn case(record: &Value) -> Option<Case> {
    let file = record.get("file")?.as_str()?.rsplit('/').next()?;
    let recogniser = file.strip_prefix("test_")?.strip_suffix("_recognizer.py")?;
    let (_, rule) = ENTITIES.iter().find(|(name, _)| *name == recogniser)?;
    let params = record.get("params")?;
    // How strictly a telephone number is read is no option of ours.
    if params.get("leniency").is_some() {
        return None;
    }
    let text = TEXTS.iter().find_map(|name| params.get(name))?.as_str()?;
    let asked = record.get("test").and_then(Value::as_str).unwrap_or_default();
    let spans = spans(params);
    let listed =
        ["expected_positions", "expected_res"].iter().any(|name| params.get(name).is_some());
    let count = match (params.get("expected_len"), params.get("expected")) {
        (Some(count), _) => count.as_u64()? as usize,
        (None, Some(valid)) => usize::from(valid.as_bool()?),
        (None, None) if listed => spans.len(),
        (None, None) if asked.contains("invalid") => 0,
        (None, None) => return None,
    };
    Some(Case {
        suite: format!("presidio {recogniser}"),
        test: test_of(record),
        text: text.to_owned(),
        channel: "user",
        way: Way::Entities,
        expect: Expect::Entities {
            rule,
            count,
            spans: if count == 0 { Vec::new() } else { spans },
            // Its strict mode drops what ours reports with a low score.
            score: if asked.contains("strict_mode") { SURE } else { 0.0 },
        },
    })
}

/// Where the findings are, in characters; empty when the case does not say.
fn spans(params: &Value) -> Vec<(usize, usize)> {
    let pair =
        |span: &Value| Some((span.get(0)?.as_u64()? as usize, span.get(1)?.as_u64()? as usize));
    let lists = ["expected_positions", "expected_res"].iter().find_map(|name| params.get(name));
    let single = params.get("expected_position").and_then(pair);
    let lists = lists.and_then(Value::as_array).into_iter().flatten().filter_map(pair);
    let ends = params.get("expected_start").zip(params.get("expected_end"));
    let ends =
        ends.and_then(|(start, end)| Some((start.as_u64()? as usize, end.as_u64()? as usize)));
    lists.chain(single).chain(ends).collect()
}
