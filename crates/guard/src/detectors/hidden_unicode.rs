//! Characters without a glyph that carry text or break words up.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::View;

pub(super) static DETECTOR: HiddenUnicode = HiddenUnicode;

/// Finds text hidden in invisible characters.
pub(super) struct HiddenUnicode;

static META: Meta = Meta {
    id: "hidden-unicode",
    summary: "Invisible characters that carry text or break words up",
    severity: Severity::High,
    category: Category::Disguise,
    label: "HIDDEN_UNICODE",
    docs: Docs {
        finds: "Unicode tag characters outside flag emoji, three or more zero-width characters in a row, a zero-width \
                character between two letters of a Latin, Greek or Cyrillic word, and four or more variation selectors in \
                a row, which encode bytes.",
        matters: "Models read such characters and people do not, so a text says one thing to its reviewer and another to \
                  the model; filters that compare words are passed as well.",
        example: "`Nice weather` followed by tag characters that spell an order.",
        fix: "Mask it everywhere, or block it: prose has no use for it.",
        limits: "A single zero-width character between spaces, digits or punctuation is left alone, as are joiners in \
                 emoji, Arabic, Persian and Indic words, a byte order mark, and soft hyphens. A run of more than 64 \
                 characters is reported in parts.",
    },
    references: &[
        Reference::Owasp("LLM01:2025"),
        Reference::Atlas("AML.T0068"),
        Reference::Cwe(451),
        Reference::Spec("Unicode 16.0 section 23.9, tag characters"),
    ],
    flags: &[
        "Nice weather\u{E0069}\u{E0067}\u{E006E}\u{E006F}\u{E0072}\u{E0065}",
        "ig\u{200B}nore",
        "i\u{200B}g\u{200B}n\u{200B}o\u{200B}r\u{200B}e all",
        "hello\u{200B}\u{200C}\u{200D}\u{200B} world",
        "smile 😀\u{FE01}\u{FE05}\u{E0101}\u{E0123}\u{FE02}",
        "при\u{2060}вет",
    ],
    passes: &[
        "\u{FEFF}a file with a byte order mark",
        "family: 👨\u{200D}👩\u{200D}👧 and ❤\u{FE0F}",
        "می\u{200C}خواهم کتاب بخوانم",
        "क्\u{200D}ष",
        "England \u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} won",
        "Donau\u{00AD}dampf\u{00AD}schiff",
        "ภาษา\u{200B}ไทย",
        "a line\u{200B}\nand a path/\u{200B}name",
    ],
};

/// Longest stretch that is reported as one, in characters.
const STRETCH: usize = 64;
/// Longest name of a region in a flag emoji, in tag characters with the closing one.
const FLAG_TAGS: usize = 7;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tag,
    ZeroWidth,
    Selector,
}

impl Detector for HiddenUnicode {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn look_behind(&self) -> usize {
        (STRETCH + 2) * 4
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let text = view.text();
        if text.is_ascii() {
            return;
        }
        for (start, c) in text.char_indices().filter(|(_, c)| *c >= '\u{115F}') {
            let Some(kind) = kind(c) else { continue };
            let before = text.get(..start).unwrap_or_default();
            let same = before.chars().rev().take(STRETCH).take_while(|c| is(*c, kind)).count();
            if same > 0 && same < STRETCH {
                continue;
            }
            let rest = text.get(start..).unwrap_or_default();
            let most = if same == 0 { STRETCH } else { 1 };
            let count = rest.chars().take(most).take_while(|c| is(*c, kind)).count();
            let len: usize = rest.chars().take(count).map(char::len_utf8).sum();
            if start + len == text.len() {
                // The run may go on, and so may the word around it.
                findings.undecided(start);
            }
            let run = Run { count, same, before, after: rest.get(len..).unwrap_or_default() };
            if let Some(score) = run.score(kind, c) {
                findings.push(start, start + len, score);
            }
        }
    }
}

/// Invisible characters of one kind in a row.
struct Run<'t> {
    count: usize,
    /// Characters of the kind before the run that belong to it.
    same: usize,
    before: &'t str,
    after: &'t str,
}

impl Run<'_> {
    fn score(&self, kind: Kind, first: char) -> Option<f32> {
        let long = self.same > 0;
        match kind {
            Kind::Tag => {
                let flag = self.before.ends_with('\u{1F3F4}') && self.count <= FLAG_TAGS;
                match self.count {
                    _ if long => Some(0.95),
                    _ if flag => None,
                    1 | 2 => Some(0.6),
                    _ => Some(0.95),
                }
            }
            Kind::Selector => (long || self.count >= 4).then_some(0.95),
            Kind::ZeroWidth if long || self.count >= 3 => Some(0.75),
            // A joiner shapes letters; the others have no business inside a word.
            Kind::ZeroWidth => {
                let left = self.before.chars().next_back().is_some_and(is_alphabetic_script);
                let right = self.after.chars().next().is_some_and(is_alphabetic_script);
                (left && right && first != '\u{034F}').then_some(0.7)
            }
        }
    }
}

fn is(c: char, wanted: Kind) -> bool {
    kind(c) == Some(wanted)
}

const fn kind(c: char) -> Option<Kind> {
    Some(match c {
        '\u{E0001}' | '\u{E0020}'..='\u{E007F}' => Kind::Tag,
        '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => Kind::Selector,
        '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{180E}'
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' => Kind::ZeroWidth,
        _ => return None,
    })
}

/// Letters of Latin, Greek and Cyrillic, whose words need no joiners.
fn is_alphabetic_script(c: char) -> bool {
    c.is_ascii_alphabetic() || (matches!(c, '\u{00C0}'..='\u{052F}') && c.is_alphabetic())
}
