//! Other letters for letters and other digits for digits, by FF1.
//!
//! A value of digits alone, or of letters alone, is a text of radix 10 or 26. One of both is a number
//! in a domain of its own size; it is enciphered as decimal digits, again and again until the result
//! lies in that domain, which keeps it one to one.
//!
//! What has a form beyond letters and digits keeps it in [`forms`]: addresses and dates stay such.

mod forms;

use bartizan_core::operator::MaskKey;
use zeroize::Zeroizing;

use super::ff1::{Ff1, NUMERALS_MAX};
use super::keys::{KeyError, derive};
use crate::checks::luhn::check_digit;

/// Most rounds until a result lies in the domain. One in ten or more does; that none does in this many
/// happens to nobody.
const WALKS_MAX: usize = 1000;

pub(super) struct Preserver {
    ff1: Ff1,
}

impl Preserver {
    pub(super) fn new(key: &MaskKey) -> Result<Self, KeyError> {
        Ok(Self { ff1: Ff1::new(&*derive(key, "format-preserving")?)? })
    }

    /// The value with other letters and digits; none where it has too few of them to be hidden among,
    /// too many, or letters of other scripts. The number of a card stays one that adds up, an address of a
    /// device or network stays one, a date stays a day of the calendar, and an e-mail address keeps its
    /// topmost domain.
    pub(super) fn preserve(&self, label: &str, value: &str) -> Option<String> {
        if !value.is_ascii() {
            return None;
        }
        match label {
            "MAC_ADDRESS" => self.device(value),
            "IP_ADDRESS" => self.network(value),
            "DATE_TIME" | "DATE_OF_BIRTH" => self.date(label, value),
            "EMAIL_ADDRESS" => self.mailbox(value),
            _ => self.letters_and_digits(label, value),
        }
    }

    fn letters_and_digits(&self, label: &str, value: &str) -> Option<String> {
        let mut numerals = Zeroizing::new(Vec::new());
        let mut radixes = Vec::new();
        for byte in value.bytes() {
            let (radix, numeral) = match byte {
                b'0'..=b'9' => (10, byte - b'0'),
                b'a'..=b'z' => (26, byte - b'a'),
                b'A'..=b'Z' => (26, byte - b'A'),
                _ => continue,
            };
            radixes.push(radix);
            numerals.push(numeral);
        }
        let check = (label == "CREDIT_CARD" && radixes.iter().all(|radix| *radix == 10))
            .then(|| numerals.pop().map(|given| (given, check_digit(&numerals))))
            .flatten();
        radixes.truncate(numerals.len());
        if numerals.len() > NUMERALS_MAX {
            return None;
        }
        let mut tweak = label.as_bytes().to_vec();
        tweak.push(0);
        tweak.extend_from_slice(&radixes);
        let mut written = self.encipher(&tweak, &radixes, &numerals)?;
        if let Some((given, right)) = check {
            // A wrong check digit stays wrong by as much.
            let digit = check_digit(&written);
            written.push((digit + 10 + given - right) % 10);
        }
        let mut written = written.iter();
        let fill = |byte: u8| match byte {
            b'0'..=b'9' => written.next().map(|numeral| b'0' + numeral),
            b'a'..=b'z' => written.next().map(|numeral| b'a' + numeral),
            b'A'..=b'Z' => written.next().map(|numeral| b'A' + numeral),
            separator => Some(separator),
        };
        String::from_utf8(value.bytes().map(fill).collect::<Option<_>>()?).ok()
    }

    /// Enciphers again and again until the result is one of those that count, as `numerals` are.
    fn until(
        &self,
        radix: u8,
        tweak: &str,
        numerals: &[u8],
        counts: impl Fn(&[u8]) -> bool,
    ) -> Option<Zeroizing<Vec<u8>>> {
        if !counts(numerals) {
            return None;
        }
        let mut written = Zeroizing::new(numerals.to_vec());
        for _ in 0..WALKS_MAX {
            written = self.ff1.encrypt(radix, tweak.as_bytes(), &written)?;
            if counts(&written) {
                return Some(written);
            }
        }
        None
    }

    fn encipher(
        &self,
        tweak: &[u8],
        radixes: &[u8],
        numerals: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let first = *radixes.first()?;
        if radixes.iter().all(|radix| *radix == first) {
            return self.ff1.encrypt(first, tweak, numerals);
        }
        let largest: Vec<u8> = radixes.iter().map(|radix| radix - 1).collect();
        let largest = to_decimal(radixes, &largest);
        let zeros = largest.iter().take_while(|digit| **digit == 0).count();
        let largest = largest.get(zeros..)?;
        let mut decimal = to_decimal(radixes, numerals);
        decimal.drain(..zeros);
        if largest.len() < 7 {
            return None;
        }
        for _ in 0..WALKS_MAX {
            decimal = self.ff1.encrypt(10, tweak, &decimal)?;
            if decimal.as_slice() <= largest {
                return Some(from_decimal(radixes, decimal));
            }
        }
        None
    }
}

/// The number in decimal digits, most significant first, with zeros before it.
fn to_decimal(radixes: &[u8], numerals: &[u8]) -> Zeroizing<Vec<u8>> {
    // A letter takes less than two digits.
    let mut decimal = Zeroizing::new(vec![0_u8; radixes.len() * 2]);
    for (radix, numeral) in radixes.iter().zip(numerals) {
        let mut carry = u32::from(*numeral);
        for digit in decimal.iter_mut().rev() {
            carry += u32::from(*digit) * u32::from(*radix);
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
    }
    decimal
}

/// What [`to_decimal`] reads, from its digits.
fn from_decimal(radixes: &[u8], mut decimal: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let mut numerals = Zeroizing::new(vec![0_u8; radixes.len()]);
    for (radix, numeral) in radixes.iter().zip(numerals.iter_mut()).rev() {
        let mut rest = 0_u32;
        for digit in decimal.iter_mut() {
            rest = rest * 10 + u32::from(*digit);
            *digit = (rest / u32::from(*radix)) as u8;
            rest %= u32::from(*radix);
        }
        *numeral = rest as u8;
    }
    numerals
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::tests::key;
    use super::*;
    use crate::checks::luhn::luhn;

    fn preserver() -> Preserver {
        Preserver::new(&key()).unwrap()
    }

    /// What a character is, apart from which.
    fn class(c: char) -> char {
        match c {
            '0'..='9' => '0',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            c => c,
        }
    }

    #[test]
    fn a_card_stays_a_card() {
        let written = preserver().preserve("CREDIT_CARD", "4111 1111-1111 1111").unwrap();
        assert!(luhn(written.as_bytes()), "{written}");
        assert_ne!(written, "4111 1111-1111 1111");
        let wrong = preserver().preserve("CREDIT_CARD", "4111 1111-1111 1112").unwrap();
        assert!(!luhn(wrong.as_bytes()), "{wrong}");
    }

    #[test]
    fn too_small_and_foreign_values_are_left_to_others() {
        for value in ["12345", "abcd", "a1b2", "", "@", "müller@example.org"] {
            assert_eq!(preserver().preserve("X", value), None, "{value}");
        }
        assert!(preserver().preserve("X", "123456").is_some());
        assert!(preserver().preserve("X", "a1b2c").is_some(), "26 · 10 · 26 · 10 · 26 is enough");
    }

    #[test]
    fn values_of_both_kinds_stay_apart() {
        let all: BTreeSet<String> = (0..3000)
            .map(|n| preserver().preserve("X", &format!("ab{n:04}c@d.e")).unwrap())
            .collect();
        assert_eq!(all.len(), 3000);
    }

    proptest! {
        #[test]
        fn the_form_stays(value in "[a-zA-Z0-9@. -]{0,90}") {
            if let Some(written) = preserver().preserve("X", &value) {
                prop_assert!(value.chars().map(class).eq(written.chars().map(class)), "{}", written);
                prop_assert_eq!(preserver().preserve("X", &value), Some(written));
            }
        }

        #[test]
        fn numbers_of_mixed_radix_read_back(
            parts in proptest::collection::vec((prop_oneof![Just(10_u8), Just(26)], 0_u8..10), 1..40),
        ) {
            let (radixes, numerals): (Vec<u8>, Vec<u8>) = parts.into_iter().unzip();
            let back = from_decimal(&radixes, to_decimal(&radixes, &numerals));
            prop_assert_eq!(back.as_slice(), numerals.as_slice());
        }
    }
}
