//! IMEI numbers of mobile devices: fifteen digits with a Luhn check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::luhn::luhn;
use crate::identifier::{Identifier, Number, Proof, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999999999", "99-999999-999999-9", "999999-99-999999-9"],
    prove,
    topics: &[],
    words: &[
        "imei*",
        "device id",
        "device identifier*",
        "gerätenummer",
        "numéro imei",
        "número imei",
        "手机串号",
        "串号",
        "단말기",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "imei",
    summary: "The IMEI number of a mobile device",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "IMEI",
    docs: Docs {
        finds: "Fifteen digits, together or as `49-015420-323751-8`, with a correct Luhn check digit.",
        matters: docs::DEVICE,
        example: "`IMEI 490154203237518` becomes `IMEI <IMEI_1>`.",
        fix: docs::MASK,
        limits: "Without dashes and without a word that names it, it scores below the default threshold, \
                 since one plain number in ten has the right check digit.",
    },
    references: &[
        Reference::Spec("3GPP TS 23.003 section 6.2"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["IMEI 490154203237518", "49-015420-323751-8", "imei: 35-209900-176148-1"],
    passes: &["490154203237519", "49015420323751", "4901542032375180", "000000000000000"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let fits = luhn(chars) && !chars.ends_with(b"00000000") && !chars.starts_with(b"00000");
    fits.then_some(Proof::when(number.is_grouped(), Proof::Likely, Proof::Checked))
}
