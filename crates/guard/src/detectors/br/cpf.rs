//! Brazilian CPF numbers: eleven digits, the last two check digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999.999.999-99", "99999999999", "999999999-99", "999 999 999 99"],
    prove,
    topics: &[Topic::Tax],
    words: &["cpf", "cpf nº", "cadastro de pessoas físicas"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "br-cpf",
    summary: "A Brazilian CPF number",
    severity: Severity::High,
    category: Category::Pii,
    label: "BR_CPF",
    docs: Docs {
        finds: "Eleven digits, together or as `111.444.777-35`, that are not all the same and whose two check \
                digits are correct.",
        matters: docs::TAX,
        example: "`CPF 111.444.777-35` becomes `CPF <BR_CPF_1>`.",
        fix: docs::MASK,
        limits: "Written without dots and without a word that names it, it scores below the default \
                 threshold, since one plain number in a hundred has the right check digits.",
    },
    references: &[
        Reference::Spec("Receita Federal do Brasil, CPF"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["CPF 111.444.777-35", "529.982.247-25", "cpf: 52998224725"],
    passes: &[
        "111.444.777-36",
        "111.111.111-11",
        "111.444.777-350",
        "1114447773",
        "111-444-777-35",
    ],
};

/// Whether the last digit is the check digit of those before, by weights that rise to the left.
pub(super) fn checks(chars: &[u8], most: u32) -> Option<bool> {
    let (last, head) = chars.split_last()?;
    let weights = (2..=most).cycle();
    let sum: u32 =
        head.iter().rev().zip(weights).map(|(byte, weight)| weighted::value(*byte) * weight).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    Some(check == weighted::value(*last))
}

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let fits = checks(chars.get(..10)?, 11)? && checks(chars, 11)? && !weighted::is_uniform(chars);
    fits.then_some(Proof::when(number.is_grouped(), Proof::Sure, Proof::Checked))
}
