//! Folding: one spelling for every way to write the same letters.
//!
//! Each character is mapped on its own: compatibility decomposition (NFKD), combining marks and
//! invisible characters dropped, look-alike letters of other scripts to Latin, digits of all
//! scripts to ASCII, dashes, quotes and spaces unified, other letters lowercased. ASCII keeps its
//! case, since keys and tokens need it. NFKD without recomposition is used where other guards use
//! NFKC, because it needs no look at neighbours: folding a prefix gives a prefix of the folding.
//!
//! One thing does depend on what came before: of a run of characters that leave nothing, those
//! beyond the first [`MAX_GAP`] become line breaks. So no match reaches over more of the original
//! than a stream can keep, whatever is hidden in it; `hidden-unicode` reports such a run.

use std::borrow::Cow;
use std::sync::LazyLock;

use bartizan_model::bytes::position;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::confusables::confusable;
use super::offsets::Offsets;

/// Characters below this are folded by table.
const TABLE_END: usize = 0x3100;

/// Most characters in a row that leave nothing. Writing needs fewer than ten, and nobody reads words
/// with more between their letters.
pub(crate) const MAX_GAP: usize = 64;

/// What one character folds to, up to three bytes inline; longer ones are computed.
static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    (0..TABLE_END as u32)
        .map(|code| {
            char::from_u32(code).map_or(Entry::LONG, |c| {
                let mut text = String::new();
                fold_slow(c, &mut text);
                Entry::new(&text)
            })
        })
        .collect()
});

#[derive(Clone, Copy)]
struct Entry {
    len: u8,
    bytes: [u8; 3],
}

impl Entry {
    const LONG: Self = Self { len: u8::MAX, bytes: [0; 3] };

    fn new(text: &str) -> Self {
        let mut bytes = [0; 3];
        match bytes.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text.as_bytes());
                Self { len: text.len() as u8, bytes }
            }
            None => Self::LONG,
        }
    }

    fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.len as usize)?).ok()
    }
}

/// Folds a text and says where each byte came from. ASCII comes back borrowed.
pub fn fold(text: &str) -> (Cow<'_, str>, Offsets) {
    if is_plain(text) {
        return (Cow::Borrowed(text), Offsets::Shifted(0));
    }
    let (folded, offsets) = fold_with(text, Apart::No);
    (Cow::Owned(folded), offsets)
}

/// Folds a text with a space for each run of invisible characters that may part words; `None` when
/// it has none. Models read `ignore` and `rules` with a zero-width space between them as two words.
pub fn fold_apart(text: &str) -> Option<(String, Offsets)> {
    others(text).any(|(_, c)| parts_words(c)).then(|| fold_with(text, Apart::Outside))
}

/// What becomes of runs of invisible characters that may part words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Apart {
    /// They leave nothing.
    No,
    /// The next one is a space.
    Outside,
    /// The last character was one.
    Inside,
}

fn fold_with(text: &str, mut apart: Apart) -> (String, Offsets) {
    let mut folder = Folder::new(text.len());
    let mut table: Vec<(u32, u32)> = Vec::with_capacity(text.len());
    let mut copied = 0;
    for (start, c) in others(text) {
        if folder.copy(text, copied, start, &mut table) && apart == Apart::Inside {
            apart = Apart::Outside;
        }
        copied = start + c.len_utf8();
        folder.push(match apart {
            Apart::Outside if parts_words(c) => ' ',
            _ => c,
        });
        if apart != Apart::No {
            apart = if parts_words(c) { Apart::Inside } else { Apart::Outside };
        }
        table.resize(folder.folded.len(), (start as u32, copied as u32));
    }
    folder.copy(text, copied, text.len(), &mut table);
    (folder.folded, Offsets::Table(table))
}

/// The characters that folding may change, with their places.
fn others(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + position(rest.as_bytes(), changes)?;
        let c = text.get(start..)?.chars().next()?;
        at = start + c.len_utf8();
        Some((start, c))
    })
}

/// Invisible characters but those that choose the shape of the one before.
const fn parts_words(c: char) -> bool {
    is_control(c)
        || c as u32 > 0x7F
            && is_invisible(c)
            && !matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether folding changes nothing.
fn is_plain(text: &str) -> bool {
    position(text.as_bytes(), changes).is_none()
}

/// Whether folding may change a character that begins with this byte.
const fn changes(byte: u8) -> bool {
    !byte.is_ascii() || byte < b' ' && !matches!(byte, 9..=13) || byte == 0x7F
}

/// Control characters of ASCII that are no blanks. Nobody sees them, and models read past them.
const fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0E'..='\x1F' | '\x7F')
}

/// Folds a text when its origin does not matter, as for word lists.
pub fn fold_to_string(text: &str) -> String {
    let mut folder = Folder::new(text.len());
    text.chars().for_each(|c| folder.push(c));
    folder.folded
}

/// Whether folding drops the character.
pub(crate) fn leaves_nothing(c: char) -> bool {
    if let Some(entry) = TABLE.get(c as usize) {
        return entry.len == 0;
    }
    if matches!(c, '\u{4E00}'..='\u{9FFF}') || tag_ascii(c).is_some() {
        return false;
    }
    let mut nothing = true;
    if !is_invisible(c) {
        decompose_compatible(c, |part| nothing &= is_combining_mark(part) || is_invisible(part));
    }
    nothing
}

struct Folder {
    folded: String,
    /// Characters just before that left nothing.
    gap: usize,
}

impl Folder {
    fn new(capacity: usize) -> Self {
        Self { folded: String::with_capacity(capacity), gap: 0 }
    }

    /// Adds a stretch of characters that folding leaves as they are; false where it is empty.
    fn copy(&mut self, text: &str, from: usize, to: usize, table: &mut Vec<(u32, u32)>) -> bool {
        let Some(part) = text.get(from..to).filter(|part| !part.is_empty()) else { return false };
        self.folded.push_str(part);
        self.gap = 0;
        table.extend((from as u32..to as u32).map(|at| (at, at + 1)));
        true
    }

    fn push(&mut self, c: char) {
        let before = self.folded.len();
        fold_char(c, &mut self.folded);
        if self.folded.len() > before {
            self.gap = 0;
        } else if self.gap < MAX_GAP {
            self.gap += 1;
        } else {
            self.folded.push('\n');
        }
    }
}

fn fold_char(c: char, out: &mut String) {
    if c.is_ascii() {
        if !is_control(c) {
            out.push(c);
        }
    } else if let Some(entry) = TABLE.get(c as usize) {
        match entry.as_str() {
            Some(text) => out.push_str(text),
            None => fold_slow(c, out),
        }
    } else if matches!(c, '\u{4E00}'..='\u{9FFF}') {
        out.push(c);
    } else {
        fold_slow(c, out);
    }
}

fn fold_slow(c: char, out: &mut String) {
    if let Some(hidden) = tag_ascii(c) {
        out.push(hidden);
    } else if !is_invisible(c) && !is_control(c) {
        decompose_compatible(c, |part| push_part(part, out));
    }
}

fn push_part(c: char, out: &mut String) {
    match c {
        c if c.is_ascii() => out.push(c),
        c if is_combining_mark(c) || is_invisible(c) => {}
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{02D7}'
        | '\u{058A}'
        | '\u{FE58}'
        | '\u{2E3A}'
        | '\u{2E3B}' => out.push('-'),
        '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{02BC}' | '\u{FF40}' | '\u{00B4}' => {
            out.push('\'');
        }
        '\u{201C}'..='\u{201F}' | '\u{2033}' => out.push('"'),
        '\u{3002}' => out.push('.'),
        '\u{2044}' | '\u{2215}' => out.push('/'),
        '\u{0085}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
        c if c.is_whitespace() => out.push(' '),
        c => {
            if let Some(digit) = ascii_digit(c) {
                out.push(digit);
            } else if let Some(letter) = enclosed_letter(c) {
                out.push(letter);
            } else {
                push_letter(c, out);
            }
        }
    }
}

fn push_letter(c: char, out: &mut String) {
    for lower in c.to_lowercase() {
        match confusable(lower) {
            Some(latin) if lower == c => out.push_str(latin),
            // A capital look-alike becomes a capital, since keys are case-sensitive.
            Some(latin) => out.extend(latin.chars().map(|l| l.to_ascii_uppercase())),
            None if is_combining_mark(lower) => {}
            None => out.push(lower),
        }
    }
}

/// Letters hidden in Unicode's tag block, which models read and people do not see.
pub const fn tag_ascii(c: char) -> Option<char> {
    match c {
        '\u{E0020}'..='\u{E007E}' => Some((c as u32 - 0xE0000) as u8 as char),
        _ => None,
    }
}

/// Characters without a glyph that break up words: zero-width, bidirectional controls, soft
/// hyphens, variation selectors, tags and fillers (Unicode's `Default_Ignorable_Code_Point`).
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Decimal digits of other scripts.
fn ascii_digit(c: char) -> Option<char> {
    /// First code point of each block of ten decimal digits (Unicode general category Nd).
    const ZEROS: [u32; 24] = [
        0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
        0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0,
        0xA8D0, 0xABF0,
    ];
    let code = c as u32;
    let zero = ZEROS.iter().rev().find(|zero| **zero <= code)?;
    char::from_digit(code - zero, 10)
}

/// Letters in circles and squares that have no decomposition, and regional indicators.
const fn enclosed_letter(c: char) -> Option<char> {
    let offset = match c {
        '\u{1F150}'..='\u{1F169}' => c as u32 - 0x1F150,
        '\u{1F170}'..='\u{1F189}' => c as u32 - 0x1F170,
        '\u{1F1E6}'..='\u{1F1FF}' => c as u32 - 0x1F1E6,
        _ => return None,
    };
    Some((b'a' + offset as u8) as char)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(fold(text).0, expected, "{text:?}");
    }

    #[test]
    fn removes_disguises() {
        check("ｉｇｎｏｒｅ", "ignore");
        check("ig\u{200B}no\u{00AD}re", "ignore");
        check("іgnоrе", "ignore");
        check("𝗂𝗀𝗇𝗈𝗋𝖾 𝓹𝓻𝓮", "ignore pre");
        check("ⓘⓖⓝⓞⓡⓔ 🅘🅖", "ignore ig");
        check("123–45—6789", "123-45-6789");
        check("１２３ ٤٥٦ ४५६", "123 456 456");
        check("\u{E0069}\u{E0067}\u{E006E}", "ign");
        check("é e\u{301} ø ß", "e e o ss");
        check("АKIА", "AKIA");
    }

    #[test]
    fn keeps_what_is_not_a_disguise() {
        check("AKIA plain ASCII\n", "AKIA plain ASCII\n");
        check("中文字符", "中文字符");
        assert_eq!(fold_to_string("한국어"), fold_to_string("한국어"));
    }

    #[test]
    fn long_gaps_break_words() {
        let gap = |len: usize| format!("a{}b", "\u{200B}\u{301}".repeat(len / 2));
        check(&gap(MAX_GAP), "ab");
        check(&gap(MAX_GAP + 2), "a\n\nb");
    }

    #[test]
    fn invisible_characters_may_part_words() {
        let apart = |text| fold_apart(text).map(|(folded, _)| folded);
        assert_eq!(apart("ignore\u{200B}\u{AD}àll").as_deref(), Some("ignore all"));
        assert_eq!(apart("❤\u{FE0F} plain é"), None);
    }

    #[test]
    fn maps_matches_back_to_the_original_bytes() {
        let text = "x i\u{200B}g y";
        let (folded, offsets) = fold(text);
        let at = folded.find("ig").unwrap();
        let span = offsets.to_source(at, at + 2);
        assert_eq!(&text[span.range()], "i\u{200B}g");
    }

    proptest! {
        #[test]
        fn folding_a_prefix_gives_a_prefix(text in "\\PC{0,40}", cut in 0usize..40) {
            let cut = text.char_indices().nth(cut).map_or(text.len(), |(at, _)| at);
            let whole = fold_to_string(&text);
            prop_assert!(whole.starts_with(&fold_to_string(&text[..cut])));
        }

        #[test]
        fn knows_which_characters_leave_nothing(c in any::<char>()) {
            prop_assert_eq!(leaves_nothing(c), fold_to_string(c.encode_utf8(&mut [0; 4])).is_empty());
        }

        #[test]
        fn spans_lie_in_the_text_on_character_boundaries(text in "\\PC{0,40}") {
            let (folded, offsets) = fold(&text);
            for (start, c) in folded.char_indices() {
                let span = offsets.to_source(start, start + c.len_utf8());
                prop_assert!(text.get(span.range()).is_some_and(|source| !source.is_empty()));
            }
        }

        #[test]
        fn folding_twice_changes_nothing_more(text in "\\PC{0,40}") {
            let once = fold_to_string(&text);
            prop_assert_eq!(fold_to_string(&once), once);
        }
    }
}
