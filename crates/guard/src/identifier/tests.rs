//! What holds for every identifier of the catalogue.

use bartizan_core::settings::{Detect, Guardrail};
use bartizan_core::{Action, Category, Channel};

use proptest::prelude::*;

use super::shape::{LEAD_BYTES, LEADS, RUN_BYTES};
use crate::detectors::ALL;
use crate::{Session, testing};

#[test]
fn shapes_can_be_found() {
    for detector in ALL {
        for pattern in detector.shapes() {
            let shape = super::shape::Shape::parse(pattern);
            let id = detector.meta().id;
            assert!(shape.leads <= LEADS, "{id}: {pattern}");
            assert!(
                !shape.lengths().is_empty() && shape.lengths().end <= RUN_BYTES + 1,
                "{id}: {pattern}"
            );
            let groups = pattern.split([' ', '-', '.', '/', ':', '+', '_', '~']);
            for (index, group) in groups.enumerate() {
                let braces = group.find('{').is_none_or(|_| group.ends_with('}'));
                assert!(braces && !group.is_empty(), "{id}: {pattern}");
                let lead = index < shape.leads;
                assert!(
                    !lead || group.contains('{') || group.len() <= LEAD_BYTES,
                    "{id}: {pattern}"
                );
            }
        }
    }
}

#[test]
fn examples_of_the_documentation_are_masked_by_default() {
    let mut wrong = Vec::new();
    for detector in ALL.iter().filter(|detector| !detector.shapes().is_empty()) {
        let meta = detector.meta();
        assert_eq!(meta.category, Category::Pii);
        let (text, masked) = meta.docs.example.split_once("` becomes `").unwrap();
        let text = text.trim_start_matches('`');
        let rail = testing::rail(Detect::Detectors(vec![meta.id]), Action::Mask);
        let guard = testing::guard(&[Guardrail { threshold: 0.5, ..rail }]);
        let report = guard.inspect(Channel::User, text, &Session::default());
        let rewritten = format!("{}`.", report.rewrite(text));
        if rewritten != masked {
            wrong.push((meta.id, rewritten));
        }
    }
    assert_eq!(wrong, []);
}

/// Numbers with check digits, by detector: `?` is any digit, `#` a check digit that is looked for.
/// One wrong digit never goes unnoticed in these.
const CHECKED: &[(&str, &str)] = &[
    ("au-abn", "##???????59"),
    ("au-tfn", "????????#"),
    ("be-national-number", "850730???##"),
    ("ca-sin", "1???????#"),
    ("ch-ahv", "756?????????#"),
    ("cn-resident-id", "11010519491231???#"),
    ("de-health-insurance", "A????????#"),
    ("de-vat-id", "DE????????#"),
    ("es-nie", "X0123???L"),
    ("fr-nir", "255081416????##"),
    ("imei", "35????????????#"),
    ("in-aadhaar", "2??????????#"),
    ("it-vat", "1?????????#"),
    ("ng-nin", "??????????#"),
    ("nl-bsn", "????????#"),
    ("pl-pesel", "440514????#"),
    ("se-organisation-number", "556??????#"),
    ("se-personal-number", "19910924???#"),
    ("tr-national-id", "1????????##"),
    ("uk-nhs", "?????????#"),
    ("us-aba-routing", "01??????#"),
    ("us-npi", "1????????#"),
    ("za-id", "800101????08#"),
];

/// Whether a number, alone, is found with a score that a right check digit earns.
fn is_found(guard: &crate::Guard, number: &str) -> bool {
    !guard.inspect(Channel::User, number, &Session::default()).judged.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn one_wrong_digit_is_noticed(
        pick in 0..CHECKED.len(),
        digits in proptest::collection::vec(b'0'..=b'9', 16),
        at in any::<proptest::sample::Index>(),
        add in 1u8..10,
    ) {
        let (id, template) = CHECKED[pick];
        let rail = testing::rail(Detect::Detectors(vec![id]), Action::Flag);
        let guard = testing::guard(&[Guardrail { threshold: 0.35, ..rail }]);
        let mut free = digits.iter();
        let template: String =
            template.chars().map(|c| if c == '?' { char::from(*free.next().unwrap()) } else { c }).collect();
        let fill = |check: usize| {
            let mut check = format!("{check:02}").into_bytes().into_iter();
            if template.matches('#').count() == 1 {
                check.next();
            }
            template.chars().map(|c| if c == '#' { char::from(check.next().unwrap()) } else { c }).collect()
        };
        let found: Option<String> = (0..100).map(fill).find(|number: &String| is_found(&guard, number));
        // Of some heads no check digit makes a number.
        prop_assume!(found.is_some());
        let mut wrong = found.clone().unwrap().into_bytes();
        // The check digit of a Swedish number does not see the century.
        let first = if id == "se-personal-number" { 2 } else { 0 };
        let places: Vec<usize> =
            (first..wrong.len()).filter(|at| wrong[*at].is_ascii_digit()).collect();
        let at = places[at.index(places.len())];
        wrong[at] = (wrong[at] - b'0' + add) % 10 + b'0';
        prop_assert!(!is_found(&guard, &String::from_utf8(wrong).unwrap()), "{id}: {found:?} at {at}");
    }
}

#[test]
fn published_numbers_prove_themselves() {
    let wrong: Vec<_> = [
        ("au-abn", "51824753556"),
        ("au-medicare", "2123456701"),
        ("br-cnpj", "12.ABC.345/01DE-35"),
        ("br-cpf", "52998224725"),
        ("cn-resident-id", "11010519491231002X"),
        ("de-social-security", "65070803A019"),
        ("de-tax-id", "86095742719"),
        ("fi-personal-identity", "131052-308T"),
        ("fr-nir", "255081416802538"),
        ("in-gstin", "27AAPFU0939F1ZV"),
        ("it-fiscal-code", "RSSMRA85T10A562S"),
        ("jp-my-number", "123456789018"),
        ("kr-brn", "1048656659"),
        ("kr-rrn", "9601211021413"),
        ("mx-curp", "HEGG560427MVZRRL04"),
        ("mx-rfc", "GODE561231GR8"),
        ("sg-nric", "S1234567D"),
        ("sg-uen", "53125226D"),
        ("th-tnin", "1234567890121"),
        ("us-dea", "BB1388568"),
        ("vin", "1M8GDM9AXKP042788"),
    ]
    .into_iter()
    .filter(|(id, number)| {
        let rail = testing::rail(Detect::Detectors(vec![id]), Action::Flag);
        !is_found(&testing::guard(&[Guardrail { threshold: 0.35, ..rail }]), number)
    })
    .collect();
    assert_eq!(wrong, []);
}

#[test]
fn a_number_is_named_in_many_languages() {
    for (id, texts) in [
        (
            "us-passport",
            &[
                "passport 912803456",
                "Reisepass-Nr. 912803456",
                "numéro de passeport : 912803456",
                "número de pasaporte: 912803456",
                "passaporto n. 912803456",
                "paspoortnummer 912803456",
                "numer paszportu 912803456",
                "номер паспорта 912803456",
                "护照号码912803456",
                "パスポート番号 912803456",
                "여권번호 912803456",
                "pasaport no 912803456",
                "جواز السفر 912803456",
                "หนังสือเดินทาง 912803456",
                "{\"passportNumber\": \"912803456\"}",
                "PASSPORT_NO=912803456",
            ][..],
        ),
        (
            "us-bank-account",
            &["Kontonummer 1234567890", "numéro de compte 1234567890", "银行账号：1234567890"][..],
        ),
        (
            "us-driver-license",
            &["permis de conduire H12234567", "rijbewijs H12234567", "운전면허 H12234567"][..],
        ),
    ] {
        let rail = testing::rail(Detect::Detectors(vec![id]), Action::Flag);
        let guard = testing::guard(&[rail]);
        for text in texts {
            assert!(is_found(&guard, text), "{id}: {text}");
        }
    }
}

#[test]
fn plain_numbers_are_left_alone_by_default() {
    let ids = ALL
        .iter()
        .filter(|detector| !detector.shapes().is_empty())
        .map(|detector| detector.meta().id);
    let guard = testing::guard(&[testing::rail(Detect::Detectors(ids.collect()), Action::Flag)]);
    let mut found = Vec::new();
    for text in [
        "The order 1234567890 was shipped in 2 parts on 2024-03-15 at 10:30.",
        "Version 10.4.2 of 12 000 000 lines, build 20240315, commit 3f2a9c1d0b",
        "Population 435 418 165, of which 876 543 210 are online; 51 824 753 people moved.",
        "id=44051401458&ts=1712151234567&seq=000123456789",
        "call (415) 555-0132 or 030 1234567, fax 401-023-2137",
        "Row 12 AB 345 and HH AB 1234, model AB12CDE, part ABC-123DE",
        "The car is in 12 pieces and the vehicle registration of 12 of 34 is due; the 3d car, a 12 the plate",
        "account settings and the address of ticket 12345, software licence 12345678, CRM 12345678",
        "page 12 of 34, was in 12 to 20 of 99, May 21",
        "sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "uuid 3d6f0b1a-9c1e-4b7a-8a70-1f2e3d4c5b6a",
        "0.123456789012 3,141592653589 1e-9 0xDEADBEEF12345678",
        "UPC 036000291452, EAN 4006381333931, ISBN 978-0-306-40615-7",
    ] {
        let report = guard.inspect(Channel::User, text, &Session::default());
        found.extend(report.judged.iter().map(|judged| {
            (judged.finding.rule, text.get(judged.finding.span.range()).unwrap_or_default())
        }));
    }
    assert_eq!(found, []);
}
