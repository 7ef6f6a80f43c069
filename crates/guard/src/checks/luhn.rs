//! The Luhn check digit: ISO/IEC 7812-1 annex B.

/// Whether the digits end in their Luhn check digit. Bytes that are no digits are skipped.
pub(crate) fn luhn(number: &[u8]) -> bool {
    let mut sum = 0;
    let mut count = 0;
    for (place, digit) in super::digits(number).rev().enumerate() {
        let twice = u32::from(digit) * 2;
        sum += match place % 2 {
            0 => u32::from(digit),
            _ => twice / 10 + twice % 10,
        };
        count += 1;
    }
    count > 1 && sum % 10 == 0
}

/// The check digit behind digits that are given as numbers.
pub(crate) fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let twice = u32::from(*digit) * 2;
        sum + if place % 2 == 0 { twice / 10 + twice % 10 } else { u32::from(*digit) }
    });
    ((10 - sum % 10) % 10) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_published_numbers() {
        // The example of ISO/IEC 7812-1 and the test numbers of card networks.
        for number in ["79927398713", "4111111111111111", "378282246310005", "6011 1111-1111 1117"]
        {
            assert!(luhn(number.as_bytes()), "{number}");
        }
        for number in ["79927398710", "4111111111111112", "", "0", "x"] {
            assert!(!luhn(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn completes_published_numbers() {
        for number in ["79927398713", "4111111111111111", "378282246310005"] {
            let digits: Vec<u8> = super::super::digits(number.as_bytes()).collect();
            let (last, rest) = digits.split_last().unwrap();
            assert_eq!(check_digit(rest), *last);
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_noticed(number in "[0-9]{2,18}", at in 0usize..18, add in 1u8..10) {
            let fits = |check: &u8| luhn(format!("{number}{check}").as_bytes());
            let check = (0..10).find(fits);
            prop_assert!(check.is_some());
            let mut wrong = format!("{number}{}", check.unwrap_or_default()).into_bytes();
            let at = at % wrong.len();
            wrong[at] = (wrong[at] - b'0' + add) % 10 + b'0';
            prop_assert!(!luhn(&wrong));
        }
    }
}
