//! The catalogue of detectors, and detectors made from words that policy gives.

mod policy;

use crate::detector::Detector;

pub use policy::POLICY_MADE;
pub(crate) use policy::{RefinedAttack, from_policy};

bartizan_core::catalog! {
    pub ALL: dyn Detector as DETECTOR;
    email, us_ssn, crypto_address, mac_address, ip_address, iban, credit_card, phone_number, instruction_override, prompt_extraction, role_play_jailbreak, chat_template_token, delimiter_trick, hidden_unicode, bidi_override, homoglyph, spaced_letters, encoded_instruction,
    known_key, shaped_key, private_key, connection_secret, kubernetes_secret, generic_secret, sample_secret, data_link, html_loader, hidden_text, active_markup, terminal_escape,
    prompt_attack, planted_request, adversarial_suffix, many_shot, spread_attack,
    hate, harassment, violence, sexual, sexual_minors, self_harm, dangerous, profanity,
    sql_injection, shell_injection, template_injection, dangerous_code, unsupported_claim,
    person_name, organisation_name, place_name, postal_address,
    system_prompt_leak, canary_leak, repetition, token_flood,
    date_of_birth, imei, medical_license, passport_mrz, swift_bic, vin, date_time, url;
    au { abn, acn, medicare, tfn }
    be { national_number }
    br { cnpj, cpf }
    ca { sin }
    ch { ahv }
    cn { resident_id }
    de { bsnr, driver_license, health_insurance, id_card, lanr, license_plate, passport, postcode, social_security, tax_id, tax_number, trade_register, vat_id }
    es { nie, nif, passport }
    fi { personal_identity }
    fr { nir }
    r#in { aadhaar, gstin, pan, passport, vehicle_registration, voter_id }
    it { driver_license, fiscal_code, id_card, passport, vat }
    jp { my_number }
    kr { brn, driver_license, frn, passport, rrn }
    mx { curp, rfc }
    ng { nin, vehicle_registration }
    nl { bsn }
    ph { tin, umid }
    pl { pesel }
    se { organisation_number, personal_number }
    sg { nric, uen }
    th { tnin }
    tr { license_plate, national_id }
    uk { driving_licence, nhs, nino, passport, postcode, vehicle_registration }
    us { aba_routing, bank_account, dea, driver_license, itin, mbi, npi, passport }
    za { id }
}

/// Detectors that `detect:` with a category leaves out unless they are named: what they find is
/// everywhere, and most of it harmless, or they are not sure enough for what is done about others of the category.
pub const ON_REQUEST: &[&str] = &[
    "date-time",
    "organisation-name",
    "person-name",
    "place-name",
    "planted-request",
    "postal-address",
    "url",
];

/// The detector with this id.
pub fn find(id: &str) -> Option<&'static dyn Detector> {
    ALL.iter().copied().find(|detector| detector.meta().id == id)
}

#[cfg(test)]
pub(crate) mod tests;
