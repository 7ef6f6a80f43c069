//! A few characters of a value, and a sign for each of the others.

/// Keeps at most `first` letters and digits at the beginning and `last` at the end, with the blanks and
/// signs beside them, and writes `with` for each of the other characters. Never more than half of the
/// letters and digits are kept; where there is not room for both ends, the last ones come first, since
/// people know their numbers by those.
pub fn partial(value: &str, first: usize, last: usize, with: char) -> String {
    // A sign stands for a character, so that a second time changes nothing.
    let counts = |c: char| c.is_alphanumeric() || c == with;
    let count = value.chars().filter(|c| counts(*c)).count();
    let last = last.min(count / 2);
    let first = first.min(count / 2 - last);
    let mut before = 0;
    let shown = |c: char| {
        let is_kept = if counts(c) {
            before += 1;
            before <= first || before > count - last
        } else {
            before < first || count - last < before
        };
        if is_kept { c } else { with }
    };
    value.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_the_ends() {
        assert_eq!(partial("4111111111111111", 0, 4, '*'), "************1111");
        assert_eq!(
            partial("DE89 3704 0044 0532 0130 00", 2, 4, '*'),
            "DE********************30 00"
        );
        assert_eq!(partial("bob@example.com", 1, 4, '•'), "b•••••••••e.com");
        assert_eq!(partial("Müßig", 2, 0, '*'), "Mü***");
    }

    #[test]
    fn keeps_no_more_than_half() {
        assert_eq!(partial("123456", 4, 4, '*'), "***456");
        assert_eq!(partial("12345", 4, 1, '*'), "1***5");
        assert_eq!(partial("1", 4, 4, '*'), "*");
        assert_eq!(partial("1-2!", 0, 4, '*'), "**2!");
        assert_eq!(partial("😈😈", 1, 1, '*'), "**");
        assert_eq!(partial("", 4, 4, '*'), "");
    }

    proptest! {
        #[test]
        fn a_second_time_changes_nothing_and_half_is_gone(
            value in "(\\PC|[a-z0-9 .-]){0,24}",
            first in 0usize..20,
            last in 0usize..20,
        ) {
            let once = partial(&value, first, last, '\u{1}');
            prop_assert_eq!(&partial(&once, first, last, '\u{1}'), &once);
            prop_assert_eq!(once.chars().count(), value.chars().count());
            let of = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            prop_assert!(of(&once) * 2 <= of(&value), "{:?}", once);
        }
    }
}
