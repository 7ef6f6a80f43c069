//! Check digits of ISO/IEC 7064.

use super::{digits, weighted};

/// Whether the digits end in their check digit by MOD 11,10, a hybrid system: German tax and VAT
/// numbers have it.
pub(crate) fn mod_11_10(number: &[u8]) -> bool {
    let Some((last, head)) = number.split_last() else { return false };
    let mut product = 10;
    for digit in digits(head) {
        let sum = (u32::from(digit) + product) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    last.is_ascii_digit() && (11 - product) % 10 == weighted::value(*last)
}

/// Whether the characters end in their check character by MOD 11-2, where X stands for ten:
/// Chinese identity numbers have it.
pub(crate) fn mod_11_2(number: &[u8]) -> bool {
    let Some((last, head)) = number.split_last() else { return false };
    let sum = digits(head).fold(0, |sum, digit| (sum + u32::from(digit)) * 2 % 11);
    let check = if *last == b'X' { 10 } else { weighted::value(*last) };
    check <= 10 && (sum + check) % 11 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_published_numbers() {
        // The example of the standard for MOD 11,10; for MOD 11-2 one of ISO 27729 and one of GB 11643.
        assert!(mod_11_10(b"07945") && !mod_11_10(b"07946") && !mod_11_10(b""));
        assert!(mod_11_2(b"0000000121032683") && mod_11_2(b"11010519491231002X"));
        assert!(!mod_11_2(b"110105194912310021") && !mod_11_2(b""));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_noticed(number in "[0-9]{2,17}", at in 0usize..17, add in 1u8..10) {
            for (fits, checks) in [
                (mod_11_10 as fn(&[u8]) -> bool, "0123456789"),
                (mod_11_2, "0123456789X"),
            ] {
                let with = |check: char| format!("{number}{check}").into_bytes();
                let mut wrong = checks.chars().map(with).find(|number| fits(number)).unwrap();
                let at = at % number.len();
                wrong[at] = (wrong[at] - b'0' + add) % 10 + b'0';
                prop_assert!(!fits(&wrong));
            }
        }
    }
}
