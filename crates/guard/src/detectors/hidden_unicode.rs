//! Characters without a glyph that carry text or break words up.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::segments;
use crate::text::View;
use crate::text::fold::{MAX_GAP, is_invisible, leaves_nothing, tag_ascii};

pub(super) static DETECTOR: HiddenUnicode = HiddenUnicode;

/// Finds text hidden in invisible characters.
pub(super) struct HiddenUnicode;

/// Combining marks, enough to break a word.
macro_rules! marks {
    () => {
        concat!(marks!(16), marks!(16), marks!(16), marks!(16), "\u{301}")
    };
    (16) => {
        "\u{301}\u{302}\u{303}\u{304}\u{306}\u{307}\u{308}\u{30A}\u{316}\u{317}\u{318}\u{319}\u{31C}\u{31D}\u{31E}\u{31F}"
    };
}

static META: Meta = Meta {
    id: "hidden-unicode",
    summary: "Invisible characters that carry text or break words up",
    severity: Severity::High,
    category: Category::Disguise,
    label: "HIDDEN_UNICODE",
    docs: Docs {
        finds: "Unicode tag characters outside flag emoji; four or more variation selectors in a row, which encode \
                bytes; three or more zero-width characters, four or more invisible characters of any kinds, or 64 of \
                these and combining marks in a row; and a zero-width character between two letters of a Latin, Greek or \
                Cyrillic word.",
        matters: "Models read such characters and people do not, so a text says one thing to its reviewer and another to \
                  the model; filters that compare words are passed as well.",
        example: "`Nice weather` followed by tag characters that spell an order.",
        fix: "Mask it everywhere, or block it: prose has no use for it.",
        limits: "A single zero-width character between spaces, digits or punctuation is left alone, as are joiners in \
                 emoji, Arabic, Persian and Indic words, a byte order mark, and soft hyphens. Of a run of more than 64 \
                 characters the rest is reported in parts of up to 512 bytes, and reads as line breaks.",
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
        "ig\u{00AD}\u{200B}nore",
        "hello\u{00AD}\u{061C}\u{00AD}\u{061C} world",
        concat!("word", marks!(), "word"),
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
        "kiss: 👩🏽\u{200D}❤\u{FE0F}\u{200D}💋\u{200D}👨🏻 1\u{FE0F}\u{20E3}",
        "e\u{301}\u{323}te\u{301} שָׁלוֹם \u{200F}\u{202B}שלום\u{202C}\u{200F}",
    ],
};

/// Characters of a run that decide about it.
const HEAD: usize = MAX_GAP;
/// Longest name of a region in a flag emoji, in tag characters with the closing one.
const FLAG_TAGS: usize = 7;

impl Detector for HiddenUnicode {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn look_behind(&self) -> usize {
        (HEAD + 2) * 4
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let text = view.text();
        if text.is_ascii() {
            return;
        }
        let mut chars = text.char_indices().peekable();
        while let Some((start, c)) = chars.next() {
            if !is_unseen(c) {
                continue;
            }
            let mut run = Run::default();
            run.take(c);
            let mut head = start + c.len_utf8();
            let mut end = head;
            while let Some((at, c)) = chars.next_if(|(_, c)| is_unseen(*c)) {
                end = at + c.len_utf8();
                if run.count < HEAD {
                    run.take(c);
                    head = end;
                }
            }
            let before = text.get(..start).and_then(|before| before.chars().next_back());
            if let Some(score) = run.score(before, chars.peek().map(|(_, c)| *c)) {
                findings.push(start, head, score);
            }
            let last = if head == end {
                start
            } else {
                segments::pieces(view, head, end, |from, to| findings.push(from, to, 0.95))
            };
            if end == text.len() {
                // The run may go on, and so may the word around it.
                findings.undecided(last);
            }
        }
    }
}

/// The beginning of a run of characters that cannot be seen.
#[derive(Default)]
struct Run {
    count: usize,
    tags: usize,
    selectors: usize,
    zero_width: usize,
    /// Zero-width characters that break words up; the others shape letters.
    breakers: usize,
    marks: usize,
}

impl Run {
    fn take(&mut self, c: char) {
        self.count += 1;
        match c {
            '\u{E0001}' | '\u{E0020}'..='\u{E007F}' => self.tags += 1,
            '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => self.selectors += 1,
            '\u{034F}' => self.zero_width += 1,
            '\u{200B}'..='\u{200D}'
            | '\u{2060}'..='\u{2064}'
            | '\u{FEFF}'
            | '\u{180E}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{FFA0}' => {
                self.zero_width += 1;
                self.breakers += 1;
            }
            c if !is_invisible(c) => self.marks += 1,
            _ => {}
        }
    }

    fn score(&self, before: Option<char>, after: Option<char>) -> Option<f32> {
        let flag = before == Some('\u{1F3F4}') && self.tags == self.count && self.tags <= FLAG_TAGS;
        let in_word = || [before, after].into_iter().all(|c| c.is_some_and(is_alphabetic_script));
        // Marks stand on letters in any number that writing needs; the rest has no such excuse.
        let unseen = self.count - self.marks;
        match self.tags {
            _ if flag => None,
            0 if self.selectors >= 4 => Some(0.95),
            0 if self.zero_width >= 3 || unseen >= 4 || self.count == HEAD => Some(0.75),
            0 => (self.breakers > 0 && in_word()).then_some(0.7),
            1 | 2 => Some(0.6),
            _ => Some(0.95),
        }
    }
}

/// Whether the character has no glyph of its own.
fn is_unseen(c: char) -> bool {
    c > '\u{7F}' && (tag_ascii(c).is_some() || leaves_nothing(c))
}

/// Letters of Latin, Greek and Cyrillic, whose words need no joiners.
fn is_alphabetic_script(c: char) -> bool {
    c.is_ascii_alphabetic() || (matches!(c, '\u{00C0}'..='\u{052F}') && c.is_alphabetic())
}
