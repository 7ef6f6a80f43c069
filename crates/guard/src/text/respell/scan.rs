//! Stretches without blanks, and as much about each as tells most of them apart from words in disguise.

use super::relation::{figure, letter};

/// Longest stretch with marks inside that is looked at, in bytes.
const MARKED_BYTES: usize = 40;

/// What a stretch may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// ASCII letters, perhaps between marks.
    Word,
    /// Letters with marks or digits among them, or a mark before them that may be a letter.
    Marked,
    /// Neither.
    Other,
}

/// A stretch without blanks.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    /// First letter or digit, and the place behind the last.
    pub(super) core: (usize, usize),
    pub(super) kind: Kind,
    /// Sum over its letters.
    pub(super) signature: u64,
    /// Whether a letter stands twice in a row.
    pub(super) is_doubled: bool,
    /// Sums of what its characters stand for, when figures and marks are letters: between the first and
    /// the last letter or digit, with the marks before, and with those behind.
    pub(super) figures: [u64; 3],
    /// Stretches of letters between marks of which the list may know the word.
    pub(super) known_parts: usize,
    /// Whether `()` stands before a letter.
    pub(super) has_ring: bool,
}

/// What stands at a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Letter,
    Digit,
    Mark,
    High,
}

static CLASSES: [Class; 256] = {
    let mut table = [Class::Mark; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::indexing_slicing, reason = "the loop stops at the end of the table")]
        {
            table[byte] = match byte as u8 {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0C => Class::Blank,
                b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
                b'0'..=b'9' => Class::Digit,
                0x80.. => Class::High,
                _ => Class::Mark,
            };
        }
        byte += 1;
    }
    table
};

fn class(byte: u8) -> Class {
    CLASSES.get(byte as usize).copied().unwrap_or(Class::Mark)
}

/// The pieces of a text, in order. `knows` says whether a list may hold a word with such letters.
pub(super) fn pieces(text: &str, knows: impl Fn(u64) -> bool) -> impl Iterator<Item = Piece> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while class(*bytes.get(at)?) == Class::Blank {
            at += 1;
        }
        let piece = piece(bytes, at, &knows);
        at = piece.end;
        Some(piece)
    })
}

#[inline]
fn piece(bytes: &[u8], start: usize, knows: impl Fn(u64) -> bool) -> Piece {
    let mut core: Option<(usize, usize)> = None;
    let (mut signature, mut part, mut part_len, mut known_parts) = (0_u64, 0_u64, 0_usize, 0);
    // What marks stand for: before the first letter, and since the last.
    let (mut ahead, mut inner, mut behind) = (0_u64, 0_u64, 0_u64);
    let (mut is_doubled, mut has_ring, mut is_high) = (false, false, false);
    let (mut is_mixed, mut has_letter, mut has_apostrophe, mut may_begin) =
        (false, false, false, false);
    let mut last = 0_u8;
    let mut at = start;
    while let Some(byte) = bytes.get(at).copied() {
        let class = class(byte);
        match class {
            Class::Blank => break,
            Class::Letter | Class::Digit => {
                if core.is_some() && !last.is_ascii_alphanumeric() {
                    // Marks among the letters after all.
                    is_mixed = true;
                    inner = inner.wrapping_add(behind);
                    behind = 0;
                }
                core = Some((core.map_or(at, |(first, _)| first), at + 1));
                inner = inner.wrapping_add(figure(byte));
                if class == Class::Letter {
                    has_letter = true;
                    has_ring |= last == b')';
                    is_doubled |= last | 0x20 == byte | 0x20;
                    signature = signature.wrapping_add(letter(byte));
                    part = part.wrapping_add(letter(byte));
                    part_len += 1;
                } else {
                    is_mixed = true;
                }
            }
            Class::Mark => {
                has_apostrophe |= byte == b'\'' && core.is_some();
                may_begin |= core.is_none() && matches!(byte, b'@' | b'$' | b'!' | b'|');
                if core.is_some() {
                    behind = behind.wrapping_add(figure(byte));
                } else {
                    ahead = ahead.wrapping_add(figure(byte));
                }
                known_parts += usize::from(part_len >= 4 && knows(part));
                (part, part_len) = (0, 0);
            }
            Class::High => is_high = true,
        }
        last = byte;
        at += 1;
    }
    if core.is_some_and(|(_, end)| end < at) {
        // An apostrophe behind the last letter is a quotation mark.
        has_apostrophe &= is_mixed;
    }
    known_parts += usize::from(part_len >= 4 && is_mixed && knows(part));
    let kind = if is_high || !has_letter {
        Kind::Other
    } else if !is_mixed && !may_begin {
        Kind::Word
    } else if at - start <= MARKED_BYTES && !has_apostrophe {
        Kind::Marked
    } else {
        Kind::Other
    };
    let with_ahead = ahead.wrapping_add(inner);
    Piece {
        start,
        end: at,
        core: core.unwrap_or((start, start)),
        kind,
        signature,
        is_doubled,
        figures: [inner, with_ahead, with_ahead.wrapping_add(behind)],
        known_parts,
        has_ring,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(&str, &str, Kind)> {
        let piece = |piece: Piece| {
            (&text[piece.start..piece.end], &text[piece.core.0..piece.core.1], piece.kind)
        };
        pieces(text, |_| false).map(piece).collect()
    }

    #[test]
    fn pieces_are_told_apart_by_what_stands_among_their_letters() {
        assert_eq!(
            all(" (Say) \"it\", g0 a-b @ll, it's né 12 -- a''\n"),
            [
                ("(Say)", "Say", Kind::Word),
                ("\"it\",", "it", Kind::Word),
                ("g0", "g0", Kind::Marked),
                ("a-b", "a-b", Kind::Marked),
                ("@ll,", "ll", Kind::Marked),
                ("it's", "it's", Kind::Other),
                ("né", "n", Kind::Other),
                ("12", "12", Kind::Other),
                ("--", "", Kind::Other),
                ("a''", "a", Kind::Word),
            ]
        );
        assert_eq!(all(""), []);
    }

    #[test]
    fn letters_add_up_whatever_their_case_and_order() {
        let sum = |text| pieces(text, |_| false).map(|piece| piece.signature).collect::<Vec<_>>();
        let sums = sum("abc CAB (b-ca) abd");
        assert_eq!(sums[0], sums[1]);
        assert_eq!(sums[0], sums[2]);
        assert_ne!(sums[0], sums[3]);
    }
}
