//! International bank account numbers: ISO 13616, with the account structures of the SWIFT registry.

/// How many characters of which kind: `n` digits, `a` letters, `c` either.
type Part = (u8, u8);

/// Country, and structure of the account part.
const COUNTRIES: [(&[u8; 2], &[Part]); 89] = [
    (b"AD", &[(8, b'n'), (12, b'c')]),
    (b"AE", &[(19, b'n')]),
    (b"AL", &[(8, b'n'), (16, b'c')]),
    (b"AT", &[(16, b'n')]),
    (b"AZ", &[(4, b'a'), (20, b'c')]),
    (b"BA", &[(16, b'n')]),
    (b"BE", &[(12, b'n')]),
    (b"BG", &[(4, b'a'), (6, b'n'), (8, b'c')]),
    (b"BH", &[(4, b'a'), (14, b'c')]),
    (b"BI", &[(23, b'n')]),
    (b"BR", &[(23, b'n'), (1, b'a'), (1, b'c')]),
    (b"BY", &[(4, b'c'), (4, b'n'), (16, b'c')]),
    (b"CH", &[(5, b'n'), (12, b'c')]),
    (b"CR", &[(18, b'n')]),
    (b"CY", &[(8, b'n'), (16, b'c')]),
    (b"CZ", &[(20, b'n')]),
    (b"DE", &[(18, b'n')]),
    (b"DJ", &[(23, b'n')]),
    (b"DK", &[(14, b'n')]),
    (b"DO", &[(4, b'c'), (20, b'n')]),
    (b"EE", &[(16, b'n')]),
    (b"EG", &[(25, b'n')]),
    (b"ES", &[(20, b'n')]),
    (b"FI", &[(14, b'n')]),
    (b"FK", &[(2, b'a'), (12, b'n')]),
    (b"FO", &[(14, b'n')]),
    (b"FR", &[(10, b'n'), (11, b'c'), (2, b'n')]),
    (b"GB", &[(4, b'a'), (14, b'n')]),
    (b"GE", &[(2, b'a'), (16, b'n')]),
    (b"GI", &[(4, b'a'), (15, b'c')]),
    (b"GL", &[(14, b'n')]),
    (b"GR", &[(7, b'n'), (16, b'c')]),
    (b"GT", &[(24, b'c')]),
    (b"HN", &[(4, b'a'), (20, b'n')]),
    (b"HR", &[(17, b'n')]),
    (b"HU", &[(24, b'n')]),
    (b"IE", &[(4, b'a'), (14, b'n')]),
    (b"IL", &[(19, b'n')]),
    (b"IQ", &[(4, b'a'), (15, b'n')]),
    (b"IS", &[(22, b'n')]),
    (b"IT", &[(1, b'a'), (10, b'n'), (12, b'c')]),
    (b"JO", &[(4, b'a'), (4, b'n'), (18, b'c')]),
    (b"KW", &[(4, b'a'), (22, b'c')]),
    (b"KZ", &[(3, b'n'), (13, b'c')]),
    (b"LB", &[(4, b'n'), (20, b'c')]),
    (b"LC", &[(4, b'a'), (24, b'c')]),
    (b"LI", &[(5, b'n'), (12, b'c')]),
    (b"LT", &[(16, b'n')]),
    (b"LU", &[(3, b'n'), (13, b'c')]),
    (b"LV", &[(4, b'a'), (13, b'c')]),
    (b"LY", &[(21, b'n')]),
    (b"MC", &[(10, b'n'), (11, b'c'), (2, b'n')]),
    (b"MD", &[(20, b'c')]),
    (b"ME", &[(18, b'n')]),
    (b"MK", &[(3, b'n'), (10, b'c'), (2, b'n')]),
    (b"MN", &[(16, b'n')]),
    (b"MR", &[(23, b'n')]),
    (b"MT", &[(4, b'a'), (5, b'n'), (18, b'c')]),
    (b"MU", &[(4, b'a'), (19, b'n'), (3, b'a')]),
    (b"NI", &[(4, b'a'), (20, b'n')]),
    (b"NL", &[(4, b'a'), (10, b'n')]),
    (b"NO", &[(11, b'n')]),
    (b"OM", &[(3, b'n'), (16, b'c')]),
    (b"PK", &[(4, b'a'), (16, b'c')]),
    (b"PL", &[(24, b'n')]),
    (b"PS", &[(4, b'a'), (21, b'c')]),
    (b"PT", &[(21, b'n')]),
    (b"QA", &[(4, b'a'), (21, b'c')]),
    (b"RO", &[(4, b'a'), (16, b'c')]),
    (b"RS", &[(18, b'n')]),
    (b"RU", &[(14, b'n'), (15, b'c')]),
    (b"SA", &[(2, b'n'), (18, b'c')]),
    (b"SC", &[(4, b'a'), (20, b'n'), (3, b'a')]),
    (b"SD", &[(14, b'n')]),
    (b"SE", &[(20, b'n')]),
    (b"SI", &[(15, b'n')]),
    (b"SK", &[(20, b'n')]),
    (b"SM", &[(1, b'a'), (10, b'n'), (12, b'c')]),
    (b"SO", &[(19, b'n')]),
    (b"ST", &[(21, b'n')]),
    (b"SV", &[(4, b'a'), (20, b'n')]),
    (b"TL", &[(19, b'n')]),
    (b"TN", &[(20, b'n')]),
    (b"TR", &[(6, b'n'), (16, b'c')]),
    (b"UA", &[(6, b'n'), (19, b'c')]),
    (b"VA", &[(18, b'n')]),
    (b"VG", &[(4, b'a'), (16, b'n')]),
    (b"XK", &[(16, b'n')]),
    (b"YE", &[(4, b'a'), (4, b'n'), (18, b'c')]),
];

/// Longest number of the registry, in characters without separators.
pub(crate) const MAX_CHARS: usize = 34;

/// Characters that a number of this country has, without separators; `None` for a country that has
/// no such numbers. The country is read in either case.
pub(crate) fn length(country: &[u8]) -> Option<usize> {
    structure(country)
        .map(|parts| 4 + parts.iter().map(|(count, _)| usize::from(*count)).sum::<usize>())
}

fn structure(country: &[u8]) -> Option<&'static [Part]> {
    let [first, second] = country else { return None };
    let country = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    let at = COUNTRIES.binary_search_by(|(code, _)| (*code).cmp(&country)).ok()?;
    COUNTRIES.get(at).map(|(_, parts)| *parts)
}

/// Whether the characters, without separators and in either case, are a number with the structure
/// of its country and correct check digits (ISO 7064, mod 97-10).
pub(crate) fn is_iban(number: &[u8]) -> bool {
    let Some((country, rest)) = number.split_at_checked(2) else { return false };
    let Some((check, account)) = rest.split_at_checked(2) else { return false };
    let fits = length(country) == Some(number.len())
        && check.iter().all(u8::is_ascii_digit)
        && structure(country).is_some_and(|parts| has_structure(account, parts));
    // Check digits run from 02 to 98; 00, 01 and 99 leave the same remainder as others.
    fits && (2..=98).contains(&super::number(check))
        && remainder(account.iter().chain(country).chain(check)) == 1
}

fn has_structure(account: &[u8], parts: &[Part]) -> bool {
    let kinds = parts.iter().flat_map(|(count, kind)| (0..*count).map(move |_| *kind));
    account.iter().zip(kinds).all(|(byte, kind)| match kind {
        b'n' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        _ => byte.is_ascii_alphanumeric(),
    })
}

/// Remainder by 97 of the number that results when letters count from 10.
fn remainder<'a>(text: impl Iterator<Item = &'a u8>) -> u32 {
    text.fold(0, |sum, byte| match char::from(*byte).to_digit(36) {
        Some(digit @ 0..=9) => (sum * 10 + digit) % 97,
        Some(letter) => (sum * 100 + letter) % 97,
        None => sum,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_within_the_longest() {
        assert!(COUNTRIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(COUNTRIES.iter().all(|(code, _)| length(*code).unwrap() <= MAX_CHARS));
    }

    #[test]
    fn accepts_the_examples_of_the_registry() {
        for number in [
            "AD1200012030200359100100",
            "AE070331234567890123456",
            "AT611904300234573201",
            "BE68539007547034",
            "BR1800360305000010009795493C1",
            "CH9300762011623852957",
            "DE89370400440532013000",
            "EG380019000500000000263180002",
            "ES9121000418450200051332",
            "FR1420041010050500013M02606",
            "GB29NWBK60161331926819",
            "gb29nwbk60161331926819",
            "IT60X0542811101000000123456",
            "LC55HEMM000100010012001200023015",
            "MT84MALT011000012345MTLCAST001S",
            "MU17BOMM0101101030300200000MUR",
            "NL91ABNA0417164300",
            "NO9386011117947",
            "PL61109010140000071219812874",
            "SC18SSCB11010000000000001497USD",
            "SE4550000000058398257466",
            "TR330006100519786457841326",
            "UA213223130000026007233566001",
            "VG96VPVG0000012345678901",
            "XK051212012345678906",
        ] {
            assert!(is_iban(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn rejects_wrong_checks_lengths_and_structures() {
        for number in [
            "DE89370400440532013001",
            "DE8937040044053201300",
            "ZZ89370400440532013000",
            "GB291WBK60161331926819",
            "DEAA370400440532013000",
            "DE",
            "",
        ] {
            assert!(!is_iban(number.as_bytes()), "{number}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_noticed(at in 2usize..22, add in 1u8..10) {
            let mut number = *b"DE89370400440532013000";
            number[at] = (number[at] - b'0' + add) % 10 + b'0';
            prop_assert!(!is_iban(&number));
        }
    }
}
