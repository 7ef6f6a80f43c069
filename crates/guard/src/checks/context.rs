//! The words before a number, which say what it is when its shape does not.

/// How far back words are read, in bytes.
pub(crate) const WINDOW_BYTES: usize = 32;

/// The words before `at`, nearest first: runs of ASCII letters, or of any bytes beyond ASCII, since
/// scripts without spaces have no smaller unit. Runs with digits come back empty. A word that begins
/// before the window is left out.
pub(crate) fn words_before(bytes: &[u8], at: usize) -> impl Iterator<Item = &[u8]> {
    let from = at.saturating_sub(WINDOW_BYTES);
    let cut = super::byte_before(bytes, from, 1).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let window = bytes.get(from..at).unwrap_or_default();
    let window = if cut {
        let end = window.iter().position(|byte| !byte.is_ascii_alphanumeric());
        window.get(end.unwrap_or(window.len())..).unwrap_or_default()
    } else {
        window
    };
    window
        .rsplit(|byte| is_separator(*byte))
        .filter(|word| !word.is_empty())
        .map(|word| if word.iter().any(u8::is_ascii_digit) { &[] } else { word })
}

const fn is_separator(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric()
}

/// Whether the word is one of the list, in any case.
pub(crate) fn is_one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter().any(|entry| word.eq_ignore_ascii_case(entry.as_bytes()))
}

/// Whether the word begins with one of the list, in any case.
pub(crate) fn starts_with_one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter().any(|entry| {
        word.get(..entry.len()).is_some_and(|start| start.eq_ignore_ascii_case(entry.as_bytes()))
    })
}

/// Whether the word ends with one of the list, in any case.
pub(crate) fn ends_with_one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter().any(|entry| {
        let start = word.len().checked_sub(entry.len());
        start
            .and_then(|start| word.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(entry.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        words_before(text.as_bytes(), text.len())
            .map(|word| std::str::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn reads_words_from_the_nearest() {
        assert_eq!(words("my phone_number (home): "), ["home", "number", "phone", "my"]);
        assert_eq!(words("room 12b tel "), ["tel", "", "room"]);
        assert_eq!(words("我的电话是 "), ["我的电话是"]);
        assert!(words("").is_empty());
    }

    #[test]
    fn leaves_out_a_word_that_the_window_cuts() {
        assert_eq!(
            words("telephone xxxxxxxxxx xxxxxxxxxx xxxxx "),
            ["xxxxx", "xxxxxxxxxx", "xxxxxxxxxx"]
        );
        assert!(words(&"a".repeat(40)).is_empty());
    }

    #[test]
    fn compares_in_any_case() {
        assert!(is_one_of(b"SSN", &["tin", "ssn"]) && !is_one_of(b"assn", &["ssn"]));
        assert!(
            starts_with_one_of(b"Phones", &["phone"]) && !starts_with_one_of(b"ph", &["phone"])
        );
        assert!(ends_with_one_of(b"homePhone", &["phone"]) && !ends_with_one_of(b"e", &["phone"]));
    }
}
