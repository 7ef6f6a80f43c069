//! What stays the same in texts that are nearly the same.
//!
//! A program that goes round in circles says the same with another number, time or id in it, and who wants to pass
//! unseen writes it in another way. So letters are folded as the guard folds them (disguises, case, what nobody sees),
//! every number becomes one mark, and of what stands between words only that it parts them.

use bartizan_guard::text::fold_to_string;

/// Stands for a number.
const MARK: char = '0';
/// Characters of a UUID, and where its dashes are.
const UUID: (usize, [usize; 4]) = (36, [8, 13, 18, 23]);
/// Letters from which on a word of hexadecimal digits is no word.
const HEX_LETTERS: usize = 3;

/// Words with one space between; a text without any word is what it is without its blanks. Doing it twice changes
/// nothing.
pub(super) fn normal(text: &str) -> String {
    let mut folded = fold_to_string(text);
    folded.make_ascii_lowercase();
    let mut normal = Normal { out: String::with_capacity(folded.len()), ends_in_mark: false };
    let mut rest = folded.as_str();
    while let Some(start) = rest.find(char::is_alphanumeric) {
        rest = rest.get(start..).unwrap_or_default();
        let is_over = |c: char| !c.is_alphanumeric();
        let end = if is_uuid(rest) { UUID.0 } else { rest.find(is_over).unwrap_or(rest.len()) };
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        normal.push(word);
        rest = after;
    }
    if normal.out.is_empty() {
        folded.retain(|c| !c.is_whitespace());
        return folded;
    }
    normal.out
}

struct Normal {
    out: String,
    ends_in_mark: bool,
}

impl Normal {
    fn push(&mut self, word: &str) {
        let is_mark = stands_for_number(word);
        // Several numbers in a row are one: nobody can tell a time from them, or how many there are.
        if is_mark && self.ends_in_mark {
            return;
        }
        if !self.out.is_empty() {
            self.out.push(' ');
        }
        self.ends_in_mark = is_mark;
        if is_mark {
            self.out.push(MARK);
            return;
        }
        let mut was_digit = false;
        for c in word.chars() {
            let is_digit = c.is_numeric();
            if !is_digit {
                self.out.push(c);
            } else if !was_digit {
                self.out.push(MARK);
            }
            was_digit = is_digit;
        }
    }
}

/// Whether a word is a number or an id: digits, hexadecimal digits, or letters and digits in turn. Only what does not
/// change with the number decides.
fn stands_for_number(word: &str) -> bool {
    let (mut runs, mut letters, mut is_hex, mut was_digit) = (0, 0, true, false);
    for c in word.chars() {
        let is_digit = c.is_numeric();
        runs += usize::from(is_digit && !was_digit);
        letters += usize::from(!is_digit);
        is_hex &= is_digit || c.is_ascii_hexdigit();
        was_digit = is_digit;
    }
    match runs {
        _ if is_uuid(word) => true,
        0 => false,
        1 => letters == 0 || is_hex && letters >= HEX_LETTERS,
        _ => true,
    }
}

/// Whether a text begins with a UUID.
fn is_uuid(text: &str) -> bool {
    let (length, dashes) = UUID;
    let Some(start) = text.as_bytes().get(..length) else { return false };
    let fits = |(at, byte): (usize, &u8)| {
        if dashes.contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    let goes_on = text.get(length..).and_then(|rest| rest.chars().next());
    start.iter().enumerate().all(fits) && !goes_on.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_ids_and_times_are_one_mark() {
        for (text, said) in [
            ("Try again, attempt 17", "try again attempt 0"),
            ("Try again, attempt 1,017.5!", "try again attempt 0"),
            ("row 12 of 40", "row 0 of 0"),
            ("job 0191e7a0-0000-7000-8000-00000000abcd failed", "job 0 failed"),
            ("job deadbeef-cafe-babe-dead-beefdeadbeef failed", "job 0 failed"),
            ("commit 9f86d081884c7d65", "commit 0"),
            ("commit deadbe4f", "commit 0"),
            ("2026-11-29T08:41:59.123Z start", "0 0z start"),
            ("2026-11-29 08:41:59 start", "0 start"),
            ("at 08:41 and 0x1F", "at 0 and 0"),
            ("user42 and user43", "user0 and user0"),
            ("h2o", "h0o"),
            ("facade", "facade"),
            ("", ""),
            ("  \n", ""),
            ("? !", "?!"),
        ] {
            assert_eq!(normal(text), said, "{text}");
        }
    }

    #[test]
    fn disguises_say_the_same() {
        let said = normal("please summarise the report");
        for text in [
            "  PLEASE\tsummarise\n\nthe   report!!! ",
            "please, summarise: the report.",
            "ple\u{200b}ase summ\u{ad}arise the report",
            "ｐｌｅａｓｅ summarise the report",
            "pl\u{435}as\u{435} summ\u{430}rise th\u{435} r\u{435}port",
            "please\u{202e} summarise the report",
            "ple\u{301}ase summarise the report",
        ] {
            assert_eq!(normal(text), said, "{text:?}");
        }
        assert_ne!(normal("please summarise the letter"), said);
    }

    proptest! {
        #[test]
        fn doing_it_twice_changes_nothing(text in "\\PC{0,60}|[0-9a-f -]{0,80}") {
            let once = normal(&text);
            prop_assert_eq!(normal(&once), once);
        }

        #[test]
        fn numbers_case_and_blanks_do_not_count(
            words in proptest::collection::vec("[a-z]{1,8}|[a-z]{0,4}#[a-z]{0,4}", 1..12),
            numbers in proptest::collection::vec(0u64..1_000_000, 24),
            gaps in proptest::collection::vec("[ \t\n]{1,3}", 24),
            is_upper in proptest::bool::ANY,
        ) {
            let written = |numbers: &[u64], gaps: &[String]| {
                let words = words.iter().zip(numbers).zip(gaps);
                words
                    .map(|((word, number), gap)| word.replace('#', &number.to_string()) + gap)
                    .collect::<String>()
            };
            let (some, others) = numbers.split_at(12);
            let (narrow, wide) = gaps.split_at(12);
            let mut other = written(others, wide);
            if is_upper {
                other.make_ascii_uppercase();
            }
            prop_assert_eq!(normal(&written(some, narrow)), normal(&other));
        }
    }
}
