//! The Verhoeff check digit, by which India and Nigeria number people.
//!
//! J. Verhoeff, "Error Detecting Decimal Codes", Mathematical Centre Tract 29, 1969: digits are
//! elements of the dihedral group of order ten, permuted by place before they are multiplied.

/// The permutation that place 1 applies; place n applies it n times.
const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Product in the dihedral group: 0 to 4 are rotations, 5 to 9 reflections.
const fn product(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// Whether the digits end in their check digit. Bytes that are no digits are skipped.
pub(crate) fn verhoeff(number: &[u8]) -> bool {
    let permuted = |place: usize, digit: u8| {
        (0..place % 8)
            .fold(digit, |digit, _| PERMUTATION.get(usize::from(digit)).copied().unwrap_or(digit))
    };
    let digits = super::digits(number).rev().enumerate();
    digits.fold(0, |sum, (place, digit)| product(sum, permuted(place, digit))) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_published_numbers() {
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
        assert!(verhoeff(b"123451") && verhoeff(b"142857 0"));
    }

    proptest! {
        #[test]
        fn wrong_and_swapped_digits_are_noticed(number in "[0-9]{2,14}", at in 0usize..14, add in 1u8..10) {
            let fits = |check: &u8| verhoeff(format!("{number}{check}").as_bytes());
            let check = (0..10).find(fits).unwrap();
            let right = format!("{number}{check}").into_bytes();
            let mut wrong = right.clone();
            let at = at % wrong.len();
            wrong[at] = (wrong[at] - b'0' + add) % 10 + b'0';
            prop_assert!(!verhoeff(&wrong));
            let mut swapped = right.clone();
            let last = swapped.len() - 1;
            swapped.swap(at.min(last - 1), at.min(last - 1) + 1);
            prop_assert_eq!(verhoeff(&swapped), swapped == right);
        }
    }
}
