//! Check digits by weighted sums, as most registers use them.

use super::digits;

/// Sum of digits times weights, from the first digit; digits beyond the weights do not count.
pub(crate) fn sum(number: &[u8], weights: &[u32]) -> u32 {
    digits(number).zip(weights).map(|(digit, weight)| u32::from(digit) * weight).sum()
}

/// The value of a digit, or of a letter by its place after 9: A is 10, Z is 35.
pub(crate) const fn value(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => (byte - b'0') as u32,
        b'A'..=b'Z' => (byte - b'A') as u32 + 10,
        b'a'..=b'z' => (byte - b'a') as u32 + 10,
        _ => 0,
    }
}

/// The digit at a place, counted from 0.
pub(crate) fn digit(number: &[u8], at: usize) -> Option<u32> {
    number.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| value(*byte))
}

/// Whether all digits are the same.
pub(crate) fn is_uniform(number: &[u8]) -> bool {
    number.iter().all(|byte| Some(byte) == number.first())
}

/// The check digit of a machine-readable travel document: weights 7, 3 and 1 over digits, letters
/// (A is 10) and fillers (0), modulo 10 (ICAO 9303 part 3, section 4.9).
pub(crate) fn icao(chars: &[u8]) -> u32 {
    chars
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .map(|(byte, weight)| value(*byte) * weight)
        .sum::<u32>()
        % 10
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_published_examples() {
        // ICAO 9303 part 4, appendix B: document number, date of birth, date of expiry.
        assert_eq!([icao(b"L898902C3"), icao(b"740812"), icao(b"120415")], [6, 2, 9]);
        assert_eq!(sum(b"12-3", &[3, 2, 1]), 3 + 4 + 3);
        assert!(is_uniform(b"777") && !is_uniform(b"778"));
        assert_eq!((value(b'z'), digit(b"1x", 0), digit(b"1x", 1)), (35, Some(1), None));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_noticed(number in "[0-9]{1,12}", at in 0usize..12, add in 1u8..10) {
            let mut wrong = number.clone().into_bytes();
            let at = at % wrong.len();
            wrong[at] = (wrong[at] - b'0' + add) % 10 + b'0';
            // Each of the weights has an inverse modulo 10.
            prop_assert_ne!(icao(number.as_bytes()), icao(&wrong));
        }
    }
}
