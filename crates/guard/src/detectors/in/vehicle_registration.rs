//! Indian vehicle registrations: state, district, series and number.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "AA99AA9999",
        "AA99A9999",
        "AA99AAA9999",
        "AA9A9999",
        "AA9AA9999",
        "AA9AAA9999",
        "AA_99_A{1,3}_9999",
        "AA_9_A{1,3}_9999",
        "AAA9{3,4}",
        "A99999",
        "AA9999",
    ],
    prove,
    topics: &[Topic::Vehicle],
    words: &["rto", "vehicle registration", "bike s registration"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "in-vehicle-registration",
    summary: "An Indian vehicle registration",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "IN_VEHICLE_REGISTRATION",
    docs: Docs {
        finds: "Two letters of a state, one or two digits, one to three letters and four digits, together or \
                with spaces or dashes; old series of three letters and up to four digits; and diplomatic or \
                military numbers.",
        matters: docs::VEHICLE,
        example: "`KA53ME3456 was parked` becomes `<IN_VEHICLE_REGISTRATION_1> was parked`.",
        fix: docs::MASK,
        limits: "Old series, diplomatic and military numbers look like many other codes and score below the \
                 default threshold without a word that names them.",
    },
    references: &[
        Reference::Spec("Central Motor Vehicles Rules 1989, rule 50"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "KA53ME3456 was parked",
        "GJ 09 AB 1234",
        "vehicle MH-12-A-1234",
        "registration number MCX1243",
    ],
    passes: &[
        "I15432",
        "ZZ53ME3456",
        "KA00ME3456",
        "KA53ME0000",
        "KA53ME345",
        "KA53ME34567",
        "KA-53 ME 3456",
    ],
};

/// Codes of states and territories, old ones too.
const STATES: &[u8] = b"AN AP AR AS BH BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY RJ SK TN TR TS TG UA UK UP WB";

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    match number.shape {
        // A letter of the army or a diplomatic mission and five digits.
        9 => return Some(Proof::Faint),
        8 => return Some(Proof::when(number.is_upper(), Proof::Shaped, Proof::Faint)),
        _ => {}
    }
    let known = STATES.split(|byte| *byte == b' ').any(|state| chars.starts_with(state));
    let district = chars.iter().skip(2).take_while(|byte| byte.is_ascii_digit());
    let fits = known && district.clone().any(|byte| *byte != b'0') && !chars.ends_with(b"0000");
    fits.then_some(Proof::when(number.is_upper(), Proof::Likely, Proof::Shaped))
}
