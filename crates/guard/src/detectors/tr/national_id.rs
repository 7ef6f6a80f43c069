//! Turkish identity numbers: eleven digits, the last two check digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999999"],
    prove,
    topics: &[Topic::Identity],
    words: &["tckn", "tc no", "tc kimlik*", "t c kimlik*", "kimlik no", "kimlik numarası"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "tr-national-id",
    summary: "A Turkish identity number",
    severity: Severity::High,
    category: Category::Pii,
    label: "TR_NATIONAL_ID",
    docs: Docs {
        finds: "Eleven digits that do not begin with 0 and whose two check digits are correct.",
        matters: docs::IDENTITY,
        example: "`TC Kimlik No: 10000000146` becomes `TC Kimlik No: <TR_NATIONAL_ID_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in a hundred has the right check digits.",
    },
    references: &[
        Reference::Spec("Nüfus Hizmetleri Kanunu 5490, article 46"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["TC Kimlik No: 10000000146", "TCKN 36493665440", "Türk kimlik numarası 53857632436"],
    passes: &["00000000000", "02531814694", "12345678900", "10000000145", "1234567890"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let odd = weighted::sum(chars, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted::sum(chars, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let tenth = (odd * 7 + 100 - even) % 10;
    let last = (odd + even + tenth) % 10;
    let fits = !chars.starts_with(b"0")
        && tenth == weighted::digit(chars, 9)?
        && last == weighted::digit(chars, 10)?;
    fits.then_some(Proof::Checked)
}
