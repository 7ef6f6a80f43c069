//! Stand-ins: made-up values of the same kind, always the same for a value under a key, from ranges
//! that nobody is given.
//!
//! A value that already has the form of a stand-in of its kind stays as it is. That makes a second pass
//! change nothing, and gives nothing away: the forms hold no more than a name of our own list and digits,
//! in ranges that nobody is given. A value of another kind is no stand-in, whatever its digits.

mod names;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::hmac;
use bartizan_core::operator::MaskKey;

use super::base32;
use super::evened;
use super::keys::{KeyError, for_hmac, mac};
use crate::checks::luhn::{check_digit, luhn};
use names::{FIRST, LAST};

/// A kind of value that there are stand-ins for.
struct Kind {
    label: &'static str,
    /// Makes one, given what it stands for.
    make: fn(&mut Draw, &str) -> String,
    /// Whether a value has the form of one.
    is: fn(&str) -> bool,
}

const KINDS: [Kind; 8] = [
    Kind { label: "EMAIL_ADDRESS", make: email, is: is_email },
    Kind { label: "PHONE_NUMBER", make: phone, is: is_phone },
    Kind { label: "CREDIT_CARD", make: card, is: is_card },
    Kind { label: "IBAN_CODE", make: iban, is: is_iban },
    Kind { label: "IP_ADDRESS", make: ip, is: is_ip },
    Kind { label: "MAC_ADDRESS", make: mac_address, is: is_mac_address },
    Kind { label: "US_SSN", make: ssn, is: is_ssn },
    Kind { label: "URL", make: url, is: is_url },
];

/// Whether there are stand-ins for values of a label.
pub fn has_stand_in(label: &str) -> bool {
    KINDS.iter().any(|kind| kind.label == label)
}

/// Whether a value that was found as one of a label has the form of a stand-in for those.
pub(super) fn is_stand_in(label: &str, value: &str) -> bool {
    value.len() <= 64 && KINDS.iter().any(|kind| kind.label == label && (kind.is)(value))
}

/// Makes stand-ins.
pub(super) struct Maker {
    key: hmac::Key,
}

impl Maker {
    pub(super) fn new(key: &MaskKey) -> Result<Self, KeyError> {
        Ok(Self { key: for_hmac(key, "synthetic")? })
    }

    /// The stand-in for a value; none for kinds that have none.
    pub(super) fn make(&self, label: &str, value: &str) -> Option<String> {
        let kind = KINDS.iter().find(|kind| kind.label == label)?;
        let tag = mac(&self.key, &[label.as_bytes(), evened(label, value).as_bytes()]);
        let (first, _) = tag.as_ref().split_first_chunk::<16>()?;
        Some((kind.make)(&mut Draw(u128::from_be_bytes(*first)), value))
    }
}

/// Numbers drawn from one large number.
struct Draw(u128);

impl Draw {
    /// A number below `bound`. The bounds of one kind multiply to far less than 2¹²⁸, so that each is
    /// as likely as any other.
    fn below(&mut self, bound: u64) -> u64 {
        let bound = u128::from(bound.max(1));
        let drawn = self.0 % bound;
        self.0 /= bound;
        drawn as u64
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let index = self.below(list.len() as u64) as usize;
        list.get(index).copied().unwrap_or_default()
    }

    fn digits(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(10) as u8).collect()
    }
}

/// At a domain that is reserved for examples (RFC 2606).
fn email(draw: &mut Draw, _: &str) -> String {
    let (first, last) = (draw.of(&FIRST), draw.of(&LAST));
    format!("{first}.{last}{:06}@example.org", draw.below(1_000_000))
}

fn is_email(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let parts = value.strip_suffix("@example.org").and_then(|name| name.split_once('.'));
    parts.is_some_and(|(first, rest)| {
        let (last, digits) =
            rest.split_at_checked(rest.len().saturating_sub(6)).unwrap_or_default();
        FIRST.contains(&first) && LAST.contains(&last) && is_digits(digits, 6)
    })
}

/// 555-0100 to 555-0199, which North American area codes keep for fiction.
fn phone(draw: &mut Draw, _: &str) -> String {
    let area = loop {
        let area = 200 + draw.below(800);
        // Codes such as 211 and 911 are services, and a 9 in the middle is no area yet.
        if area % 100 != 11 && area / 10 % 10 != 9 {
            break area;
        }
        if draw.0 == 0 {
            break 212;
        }
    };
    format!("+1 {area}-555-01{:02}", draw.below(100))
}

/// With the signs between the parts, or with the code of the country: ten digits alone may be a number of any
/// country.
fn is_phone(value: &str) -> bool {
    let is_sign = |c: char| matches!(c, '-' | ' ' | '.' | '(' | ')');
    let (is_national, rest) = match value.strip_prefix("+1") {
        Some(rest) => (false, rest),
        None => (true, value),
    };
    let mut parts = rest.split(is_sign).filter(|part| !part.is_empty());
    let (area, office, line) = (parts.next(), parts.next(), parts.next());
    let is_apart = parts.next().is_none()
        && area.is_some_and(|area| is_digits(area, 3) && area >= "2")
        && office == Some("555")
        && line.is_some_and(|line| is_digits(line, 4) && line.starts_with("01"));
    let is_one = !is_national
        && is_digits(rest, 10)
        && rest.starts_with(|c| c >= '2')
        && rest.get(3..8) == Some("55501");
    is_apart || is_one
}

/// Begins with 9999: cards that begin with 9 belong to the country whose number follows, and 999 is
/// no country.
fn card(draw: &mut Draw, _: &str) -> String {
    let mut digits = vec![9; 4];
    digits.extend(draw.digits(11));
    digits.push(check_digit(&digits));
    let groups: Vec<String> = digits.chunks(4).map(as_text).collect();
    groups.join(" ")
}

fn is_card(value: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-');
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    value.chars().all(is_part)
        && digits.len() == 16
        && digits.starts_with("9999")
        && luhn(digits.as_bytes())
}

/// Of a German bank whose number begins with 0, which no bank's does.
fn iban(draw: &mut Draw, _: &str) -> String {
    let account = format!("00000000{:010}", draw.below(10_000_000_000));
    let written = format!("DE{:02}{account}", 98 - remainder_of_iban(&account));
    let groups: Vec<&str> = (0..written.len())
        .step_by(4)
        .filter_map(|start| written.get(start..written.len().min(start + 4)))
        .collect();
    groups.join(" ")
}

/// The remainder of a German account number with the check digits 00.
fn remainder_of_iban(account: &str) -> u64 {
    // D is 13, E is 14 (ISO 13616).
    let digits = account.bytes().chain(*b"131400");
    digits.fold(0, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % 97)
}

fn is_iban(value: &str) -> bool {
    let value: String = value.chars().filter(|c| *c != ' ').collect();
    let Some((head, account)) = value.split_at_checked(4) else { return false };
    account.starts_with("00000000")
        && is_digits(account, 18)
        && head.eq_ignore_ascii_case(&format!("DE{:02}", 98 - remainder_of_iban(account)))
}

/// Of the networks that are kept for documentation (RFC 5737, RFC 3849).
fn ip(draw: &mut Draw, value: &str) -> String {
    if value.contains(':') {
        let mut group = || draw.below(1 << 16) as u16;
        return Ipv6Addr::new(0x2001, 0xDB8, group(), group(), group(), group(), group(), group())
            .to_string();
    }
    let network = draw.of(&["192.0.2", "198.51.100", "203.0.113"]);
    format!("{network}.{}", 1 + draw.below(254))
}

fn is_ip(value: &str) -> bool {
    match value.parse() {
        Ok(IpAddr::V4(address)) => {
            matches!(address.octets(), [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _])
                && address != Ipv4Addr::UNSPECIFIED
        }
        Ok(IpAddr::V6(address)) => matches!(address.segments(), [0x2001, 0xDB8, ..]),
        Err(_) => false,
    }
}

/// Locally administered, so that no maker of devices has it.
fn mac_address(draw: &mut Draw, _: &str) -> String {
    let mut byte = || draw.below(256);
    format!("02:00:00:{:02x}:{:02x}:{:02x}", byte(), byte(), byte())
}

fn is_mac_address(value: &str) -> bool {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.');
    let digits: String = value.chars().filter(char::is_ascii_hexdigit).collect();
    value.chars().all(is_part)
        && value.len() > digits.len()
        && digits.len() == 12
        && digits.starts_with("020000")
}

/// Numbers that begin with 9 are no social security numbers, and those of taxpayers that do have a
/// middle part from 50 on.
fn ssn(draw: &mut Draw, _: &str) -> String {
    let (area, group) = (900 + draw.below(100), 1 + draw.below(49));
    format!("{area}-{group:02}-{:04}", 1 + draw.below(9999))
}

fn is_ssn(value: &str) -> bool {
    let mut parts = value.split('-');
    let (area, group, serial) = (parts.next(), parts.next(), parts.next());
    parts.next().is_none()
        && area.is_some_and(|area| is_digits(area, 3) && area.starts_with('9'))
        && group.is_some_and(|group| is_digits(group, 2) && group < "50")
        && serial.is_some_and(|serial| is_digits(serial, 4))
}

/// At a domain that is reserved for examples (RFC 2606).
fn url(draw: &mut Draw, _: &str) -> String {
    let mut path = String::new();
    base32::encode(draw.0.to_be_bytes().get(..5).unwrap_or_default(), &mut path);
    format!("https://example.org/{}", path.to_ascii_lowercase())
}

fn is_url(value: &str) -> bool {
    value.strip_prefix("https://example.org/").is_some_and(|path| {
        path.len() == 8
            && path.bytes().all(|byte| base32::is_digit(byte) && !byte.is_ascii_uppercase())
    })
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn as_text(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{key, other_key};
    use super::*;

    #[test]
    fn known_forms() {
        assert_eq!(remainder_of_iban("370400440532013000"), 98 - 89, "DE89 3704 0044 0532 0130 00");
        let is_any = |value| KINDS.iter().any(|kind| is_stand_in(kind.label, value));
        for value in [
            "lena.weber000000@example.org",
            "+1 (212) 555-0199",
            "(212) 555-0199",
            "+12125550199",
            "203.0.113.7",
            "2001:db8::1",
        ] {
            assert!(is_any(value), "{value}");
        }
        for value in [
            "lena.weber@example.org",
            "x.weber000000@example.org",
            "lena.weber000000@example.com",
            "+1 212-555-0200",
            "2125550199",
            "1234555019",
            "+49 2125550199",
            "212-5550199",
            "4111 1111 1111 1111",
            "DE89 3704 0044 0532 0130 00",
            "8.8.8.8",
            "123-45-6789",
            "950-50-1234",
            "https://example.org/index-of",
        ] {
            assert!(!is_any(value), "{value}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_no_stand_in() {
        assert!(is_stand_in("PHONE_NUMBER", "+1 212-555-0199"));
        for (label, value) in [
            ("US_BANK_NUMBER", "+1 212-555-0199"),
            ("IBAN_CODE", "9999 0000 0000 0004"),
            ("PASSWORD", "203.0.113.7"),
            ("API_KEY", "02:00:00:12:34:56"),
        ] {
            assert!(!is_stand_in(label, value), "{label} {value}");
        }
    }

    #[test]
    fn spellings_of_one_value_have_one_stand_in() {
        let maker = Maker::new(&key()).unwrap();
        let card = |value: &str| maker.make("CREDIT_CARD", value);
        assert_eq!(card("4111 1111 1111 1111"), card("4111-1111-1111-1111"));
        assert_ne!(card("4111 1111 1111 1111"), card("4242 4242 4242 4242"));
        assert_eq!(
            maker.make("EMAIL_ADDRESS", "Bob@x.de"),
            maker.make("EMAIL_ADDRESS", "bob@x.de")
        );
        let other = Maker::new(&other_key()).unwrap();
        assert_ne!(
            other.make("EMAIL_ADDRESS", "bob@x.de"),
            maker.make("EMAIL_ADDRESS", "bob@x.de")
        );
        assert_eq!(maker.make("PASSPORT_MRZ", "P<UTO"), None);
    }

    proptest! {
        #[test]
        fn every_stand_in_has_the_form_of_one(value in "\\PC{0,30}", kind in 0..KINDS.len()) {
            let kind = &KINDS[kind];
            let made = Maker::new(&key()).unwrap().make(kind.label, &value).unwrap();
            prop_assert!((kind.is)(&made), "{}", made);
        }
    }
}
