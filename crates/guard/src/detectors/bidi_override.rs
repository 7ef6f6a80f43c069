//! Characters that make text show in another order than it is read.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::View;

pub(super) static DETECTOR: BidiOverride = BidiOverride;

/// Finds bidirectional overrides and isolates that are never closed.
pub(super) struct BidiOverride;

static META: Meta = Meta {
    id: "bidi-override",
    summary: "Characters that show text in another order than it is read",
    severity: Severity::High,
    category: Category::Disguise,
    label: "BIDI_OVERRIDE",
    docs: Docs {
        finds: "The overrides U+202D and U+202E, and embeddings and isolates (U+202A, U+202B, U+2066 to U+2068) that are \
                not closed on their line.",
        matters: "Reviewers see `gpj.exe` where the machine reads `exe.jpg`, and comments where the compiler reads code.",
        example: "`photo_\\u{202E}gpj.exe`",
        fix: "Block or mask it; Arabic and Hebrew do not need it.",
        limits: "A line of more than 512 bytes after the opening character is not judged for closing. Balanced isolates \
                 and the marks U+200E, U+200F and U+061C pass.",
    },
    references: &[
        Reference::Cwe(451),
        Reference::Spec("Unicode Standard Annex 9"),
        Reference::Owasp("LLM01:2025"),
    ],
    flags: &[
        "photo_\u{202E}gpj.exe",
        "if admin { /* \u{2066} check \n }",
        "value \u{202D}123\u{202C} text",
        "note: \u{202B}hidden tail\nnext",
    ],
    passes: &[
        "שלום\u{200F}, עולם",
        "name: \u{2068}Алиса\u{2069} joined",
        "\u{202B}مرحبا\u{202C} said she",
        "العربية (Arabic)\u{200E} is written from right to left.",
        "plain text",
    ],
};

/// Bytes after an opening character in which it must be closed.
const LINE_BYTES: usize = 512;

impl Detector for BidiOverride {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let text = view.text();
        // All of these begin with the byte E2.
        for start in memchr::memchr_iter(0xE2, view.bytes()) {
            let Some(c) = view.char_at(start) else { continue };
            let (closing, end) = match c {
                '\u{202D}' | '\u{202E}' => {
                    findings.push(start, start + c.len_utf8(), 0.85);
                    continue;
                }
                '\u{202A}' | '\u{202B}' => ('\u{202C}', start + c.len_utf8()),
                '\u{2066}'..='\u{2068}' => ('\u{2069}', start + c.len_utf8()),
                _ => continue,
            };
            match closed(text, end, closing) {
                Closing::Closed => {}
                Closing::Missing => findings.push(start, end, 0.65),
                Closing::Open if view.is_complete() => findings.push(start, end, 0.65),
                Closing::Open => findings.undecided(start),
            }
        }
    }
}

enum Closing {
    Closed,
    Missing,
    /// The text ends first.
    Open,
}

fn closed(text: &str, from: usize, closing: char) -> Closing {
    let limit = text.floor_char_boundary((from + LINE_BYTES).min(text.len()));
    let mut depth = 1usize;
    for c in text.get(from..limit).unwrap_or_default().chars() {
        match c {
            '\n' | '\r' | '\u{2029}' => return Closing::Missing,
            c if c == closing => depth -= 1,
            '\u{202A}' | '\u{202B}' | '\u{202D}' | '\u{202E}' if closing == '\u{202C}' => {
                depth += 1;
            }
            '\u{2066}'..='\u{2068}' if closing == '\u{2069}' => depth += 1,
            _ => {}
        }
        if depth == 0 {
            return Closing::Closed;
        }
    }
    // Past the limit nobody counts; an honest paragraph may be long.
    if from + LINE_BYTES < text.len() { Closing::Closed } else { Closing::Open }
}
