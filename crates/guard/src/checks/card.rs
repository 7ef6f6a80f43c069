//! Payment cards: issuer ranges with their lengths (ISO/IEC 7812), and the check digit.

use super::luhn::luhn;

/// Fewest and most digits of a card.
pub(crate) const DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// First and last issuer number of a range, as six digits, and the lengths in use.
const ISSUERS: [(u32, u32, &[usize]); 32] = [
    // Mir, Mastercard's second range, Diners Club, American Express
    (220_000, 220_499, &[16, 17, 18, 19]),
    (222_100, 272_099, &[16]),
    (300_000, 305_999, &[14, 16]),
    (309_500, 309_599, &[14, 16]),
    (340_000, 349_999, &[15]),
    // JCB, Diners Club
    (352_800, 358_999, &[16, 17, 18, 19]),
    (360_000, 369_999, &[14]),
    (370_000, 379_999, &[15]),
    (380_000, 399_999, &[14, 16]),
    // Visa; cards of thirteen digits are long gone and look like bar codes
    (400_000, 499_999, &[16, 19]),
    // Maestro, Dankort, Elo, Verve, RuPay
    (501_800, 501_899, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (501_900, 501_999, &[16]),
    (502_000, 502_099, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (503_800, 503_899, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (506_099, 506_198, &[16, 18, 19]),
    (506_699, 506_778, &[16]),
    (507_865, 507_964, &[16, 18, 19]),
    (508_000, 508_999, &[16]),
    // Mastercard, Maestro
    (510_000, 559_999, &[16]),
    (589_300, 589_399, &[12, 13, 14, 15, 16, 17, 18, 19]),
    // Discover, Hipercard, RuPay, UnionPay, Maestro, InstaPayment, Elo
    (601_100, 601_199, &[16, 17, 18, 19]),
    (606_000, 608_999, &[16]),
    (620_000, 629_999, &[16, 17, 18, 19]),
    (630_400, 630_499, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (636_297, 636_297, &[16]),
    (636_368, 636_369, &[16]),
    (637_000, 639_999, &[16]),
    (644_000, 659_999, &[16, 17, 18, 19]),
    (675_900, 675_999, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (676_100, 676_399, &[12, 13, 14, 15, 16, 17, 18, 19]),
    // RuPay and UnionPay, Troy
    (810_000, 829_999, &[16, 17, 18, 19]),
    (979_200, 979_299, &[16]),
];

/// Whether the digits, without separators, are a card number of a known issuer.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    let issuer = super::number(digits.get(..6).unwrap_or_default());
    DIGITS.contains(&digits.len())
        && ISSUERS.iter().any(|(first, last, lengths)| {
            (u64::from(*first)..=u64::from(*last)).contains(&issuer)
                && lengths.contains(&digits.len())
        })
        && luhn(digits)
        // Zeros add nothing to the check sum; tables and dumps are full of them.
        && !digits.ends_with(b"000000000")
}

/// Ways to write a number in groups; a shorter last group is listed on its own.
const LAYOUTS: [&[usize]; 9] = [
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4, 1],
    &[4, 4, 4, 3],
    &[4, 4, 4, 2],
    &[8, 8],
];

/// Whether cards are written in groups of these lengths, from the first to some later one; gives
/// the number of groups, longest first.
pub(crate) fn layouts(groups: &[usize]) -> impl Iterator<Item = usize> {
    let fits = |layout: &&[usize]| groups.starts_with(layout);
    let mut counts: smallvec::SmallVec<[usize; 4]> =
        LAYOUTS.into_iter().filter(fits).map(<[usize]>::len).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_test_numbers_of_each_network() {
        for number in [
            "4111111111111111",
            "4012888888881881",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "371449635398431",
            "6011111111111117",
            "30569309025904",
            "38520000023237",
            "3530111333300000",
            "6200000000000005",
            "5019717010103742",
            "6759649826438453",
            "2200000000000004",
        ] {
            assert!(is_card(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn rejects_other_numbers() {
        for number in [
            "4111111111111112",
            // Luhn holds; no issuer.
            "0000000000000000",
            "1234567812345670",
            "9999999999999995",
            // Luhn holds; the issuer has another length.
            "378282246310009991",
            "49927398716",
            "",
        ] {
            assert!(!is_card(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn issuer_ranges_are_sorted_and_apart() {
        assert!(ISSUERS.iter().all(|(first, last, _)| first <= last));
        assert!(ISSUERS.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn layouts_come_longest_first() {
        assert_eq!(layouts(&[4, 4, 4, 4, 3]).collect::<Vec<_>>(), [5, 4]);
        assert_eq!(layouts(&[4, 6, 5]).collect::<Vec<_>>(), [3]);
        assert!(layouts(&[3, 3, 4]).next().is_none());
    }
}
