//! German tax numbers of the tax offices, as states write them and as ELSTER does.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9{2,3}/9{3,4}/9{4,5}", "99999/99999", "9{2,3} 9{3,4} 9{4,5}", "9999999999999"],
    prove,
    topics: &[Topic::Tax],
    words: &["steuernummer*", "st nr", "stnr", "steuer nr", "finanzamt"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-tax-number",
    summary: "A German tax number",
    severity: Severity::High,
    category: Category::Pii,
    label: "DE_TAX_NUMBER",
    docs: Docs {
        finds: "Groups of two or three, three or four, and four or five digits with slashes, as the states \
                write the number, or thirteen digits that begin with the number of a state or of its tax \
                offices.",
        matters: docs::TAX,
        example: "`Steuernummer 12/345/67890` becomes `Steuernummer <DE_TAX_NUMBER_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit that all states share. Without a word that names it, it scores below \
                 the default threshold.",
    },
    references: &[
        Reference::Spec("ELSTER, Prüfung der Steuernummer"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["Steuernummer 12/345/67890", "St.-Nr. 987/654/32100", "Steuernummer: 2893081508152"],
    passes: &[
        "1781508150001",
        "0081508150001",
        "028150815012",
        "12/345/678",
        "1/345/67890",
        "12/345/678901",
    ],
};

/// First digits of the thirteen in which ELSTER writes the tax offices of a state.
const OFFICES: [&[u8]; 15] = [
    b"9", b"5", b"10", b"11", b"21", b"22", b"23", b"24", b"26", b"27", b"28", b"30", b"31", b"32",
    b"40",
];

fn prove(number: &Number<'_>) -> Option<Proof> {
    if number.is_grouped() {
        return (number.chars().len() <= 12).then_some(Proof::when(
            number.text.contains(&b'/'),
            Proof::Shaped,
            Proof::Named,
        ));
    }
    let chars = number.chars();
    // ELSTER puts a zero behind the tax office.
    let offices =
        OFFICES.iter().any(|office| chars.starts_with(office)) || chars.starts_with(b"41");
    let elster = offices && chars.get(4) == Some(&b'0');
    let state = crate::checks::number(chars.get(..2)?);
    (elster || (1..=16).contains(&state)).then_some(Proof::when(
        elster,
        Proof::Shaped,
        Proof::Faint,
    ))
}
