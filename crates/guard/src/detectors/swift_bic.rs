//! Business identifier codes (SWIFT codes) after their name.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::is_glue;
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: SwiftBic = SwiftBic;

/// Finds business identifier codes.
pub(super) struct SwiftBic;

static META: Meta = Meta {
    id: "swift-bic",
    summary: "A business identifier code (SWIFT code) of a bank",
    severity: Severity::Low,
    category: Category::Pii,
    label: "SWIFT_CODE",
    docs: Docs {
        finds: "Eight or eleven capitals and digits with a country in the middle, after `BIC` or `SWIFT`.",
        matters: "The code names the bank of somebody, and with an account number moves money.",
        example: "`BIC: DEUTDEFF500` becomes `BIC: <SWIFT_CODE_1>`.",
        fix: "Mask it together with the account; it is public and harmless without one.",
        limits: "Words of eight letters look like it, so that it is found only after its name, with at most six small \
                 words between, and only in capitals.",
    },
    references: &[Reference::Spec("ISO 9362"), Reference::Cwe(359), Reference::Owasp("LLM02:2025")],
    flags: &[
        "BIC: DEUTDEFF500",
        "the SWIFT code is NEDSZAJJ",
        "swift/bic=BNPAFRPP;",
        "{\"bic\":\"COBADEFFXXX\"}",
        "BIC/SWIFT-Code der Bank: COBADEFF",
    ],
    passes: &[
        "a SWIFT RESPONSE",
        "DEUTDEFF500",
        "bic deutdeff",
        "BIC DEUTDEFF5",
        "cubic DEUTDEFF",
        "SWIFT: see DEUTDEFF",
        "BIC DEUTXXFF",
    ],
};

/// Bytes read ahead: small words, the code, and what follows.
const CAP_BYTES: usize = 64;
/// Longest code and one byte more.
const CODE_BYTES: usize = 12;
/// Most small words before the code.
const WORDS: usize = 6;

/// Words that may stand between the name and the code.
const FILLERS: &[&str] = &[
    "code", "bic", "swift", "number", "no", "nr", "id", "is", "of", "the", "bank", "der", "die",
    "ist", "lautet", "de", "la", "du", "est", "es", "del", "e", "banco", "banca", "kod", "koodi",
    "kodu",
];

/// Countries and territories of ISO 3166-1, and Kosovo.
const COUNTRIES: &[u8] = b"\
    ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCX\
    CYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIR\
    ISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNE\
    NFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTF\
    TGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";

impl Detector for SwiftBic {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        ["bic", "swift"].map(str::to_owned).to_vec()
    }

    fn begins_word(&self, _: usize) -> bool {
        true
    }

    fn look_behind(&self) -> usize {
        CAP_BYTES + 16
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            let named =
                hit.start.checked_sub(1).and_then(|at| bytes.get(at)).copied().is_some_and(is_glue);
            if named {
                continue;
            }
            let mut cursor = Cursor::new(bytes, hit.end, CAP_BYTES);
            let found = find(&mut cursor);
            if cursor.starved() {
                findings.undecided(hit.end);
            }
            if let Some((start, end)) = found {
                findings.push(start, end, 0.9);
            }
        }
    }
}

/// Start and end of the code that follows the name.
fn find(cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    if cursor.peek().is_some_and(is_glue) {
        return None;
    }
    for _ in 0..=WORDS {
        cursor.run(CAP_BYTES, |byte| {
            matches!(
                byte,
                b' ' | b':' | b'/' | b'=' | b'-' | b'.' | b'"' | b'\'' | b'(' | b')' | b'#'
            )
        });
        let start = cursor.at();
        let word = cursor.run(CODE_BYTES, |byte| byte.is_ascii_alphanumeric());
        if is_code(word) && !cursor.peek().is_some_and(is_glue) {
            return Some((start, cursor.at()));
        }
        if !FILLERS.iter().any(|filler| word.eq_ignore_ascii_case(filler.as_bytes())) {
            return None;
        }
    }
    None
}

fn is_code(word: &[u8]) -> bool {
    let country = word.get(4..6).unwrap_or_default();
    matches!(word.len(), 8 | 11)
        && !word.iter().any(u8::is_ascii_lowercase)
        && word.iter().take(6).all(u8::is_ascii_uppercase)
        && COUNTRIES.chunks(2).any(|known| known == country)
}
