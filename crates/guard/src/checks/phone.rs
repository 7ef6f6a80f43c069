//! Telephone numbers: country codes, lengths, and the groups in which countries write them.

use super::context::{ends_with_one_of, is_one_of, starts_with_one_of, words_before};
use crate::text::fold_to_string;

/// Fewest and most digits of an international number: ITU-T E.164 allows fifteen; the shortest in
/// use have seven with the country code.
pub(crate) const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Fewest and most national digits where the numbering plan says so; elsewhere see [`NATIONAL`].
const PLANS: [(u64, usize, usize); 76] = [
    (1, 10, 10),
    (7, 10, 10),
    (20, 8, 10),
    (27, 9, 9),
    (30, 10, 10),
    (31, 9, 9),
    (32, 8, 9),
    (33, 9, 9),
    (34, 9, 9),
    (36, 8, 9),
    (39, 6, 12),
    (40, 9, 9),
    (41, 9, 9),
    (43, 6, 13),
    (44, 9, 10),
    (45, 8, 8),
    (46, 7, 10),
    (47, 8, 8),
    (48, 9, 9),
    (49, 6, 12),
    (51, 8, 9),
    (52, 10, 11),
    (53, 8, 8),
    (54, 10, 11),
    (55, 10, 11),
    (56, 9, 9),
    (57, 8, 10),
    (58, 10, 10),
    (60, 8, 10),
    (61, 9, 9),
    (62, 8, 12),
    (63, 8, 10),
    (64, 8, 10),
    (65, 8, 8),
    (66, 8, 9),
    (81, 9, 10),
    (82, 8, 10),
    (84, 9, 10),
    (86, 10, 11),
    (90, 10, 10),
    (91, 10, 10),
    (92, 9, 10),
    (93, 9, 9),
    (94, 9, 9),
    (95, 7, 10),
    (98, 10, 10),
    (212, 9, 9),
    (213, 8, 9),
    (216, 8, 8),
    (234, 8, 10),
    (254, 9, 9),
    (351, 9, 9),
    (352, 5, 11),
    (353, 7, 10),
    (354, 7, 9),
    (356, 8, 8),
    (357, 8, 8),
    (358, 6, 12),
    (359, 7, 9),
    (370, 8, 8),
    (371, 8, 8),
    (372, 7, 8),
    (380, 9, 9),
    (381, 8, 10),
    (385, 8, 9),
    (386, 8, 8),
    (420, 9, 9),
    (421, 9, 9),
    (852, 8, 8),
    (853, 8, 8),
    (886, 8, 9),
    (961, 7, 8),
    (966, 9, 9),
    (971, 8, 9),
    (972, 8, 9),
    (974, 8, 8),
];

/// National digits of countries that are not in the table.
const NATIONAL: std::ops::RangeInclusive<usize> = 5..=12;

/// Countries whose national numbers may begin with a zero.
const LEADING_ZERO: [u64; 5] = [39, 225, 241, 242, 378];

/// Digits of the country code with which an international number begins; `None` when no country has
/// it (ITU-T E.164 list of assigned codes, by zone).
pub(crate) fn country_code_len(number: &[u8]) -> Option<usize> {
    let first = *number.first()?;
    let second = *number.get(1)?;
    Some(match (first, second) {
        (b'1' | b'7', _) => 1,
        (b'2', b'8') | (b'8', b'3' | b'9') | (b'0', _) => return None,
        (b'2', b'0' | b'7')
        | (b'3', b'0'..=b'4' | b'6' | b'9')
        | (b'4', b'0' | b'1' | b'3'..=b'9')
        | (b'5', b'1'..=b'8')
        | (b'6', b'0'..=b'6')
        | (b'8', b'1' | b'2' | b'4' | b'6')
        | (b'9', b'0'..=b'5' | b'8') => 2,
        _ => 3,
    })
}

/// Whether the digits are a country code and a national number of plausible length.
pub(crate) fn is_international(number: &[u8]) -> bool {
    let Some((country, national)) =
        country_code_len(number).and_then(|len| number.split_at_checked(len))
    else {
        return false;
    };
    let code = super::number(country);
    let plan = PLANS.binary_search_by_key(&code, |(code, ..)| *code).ok();
    let lengths =
        plan.and_then(|at| PLANS.get(at)).map_or(NATIONAL, |(_, fewest, most)| *fewest..=*most);
    DIGITS.contains(&number.len())
        && lengths.contains(&national.len())
        && (national.first() != Some(&b'0') || LEADING_ZERO.contains(&code))
        && (code != 1 || is_north_american(national))
}

/// Whether ten digits are an area code, an exchange and a line of the North American plan: neither
/// area nor exchange begins with 0 or 1 or ends in 11, and no area has a 9 in the middle. Area 555
/// belongs to nobody and takes any exchange, since people write it in place of a real one.
pub(crate) fn is_north_american(digits: &[u8]) -> bool {
    let [n1, x1, y1, n2, x2, y2, _, _, _, _] = digits else { return false };
    let starts = |digit: &u8| (b'2'..=b'9').contains(digit);
    let service = |middle: &u8, last: &u8| *middle == b'1' && *last == b'1';
    let fictional = digits.starts_with(b"555");
    let exchange = starts(n2) && !service(x2, y2);
    starts(n1) && *x1 != b'9' && !service(x1, y1) && (exchange || fictional)
}

/// What stands between two groups of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// One space.
    Space,
    /// One dash.
    Dash,
    /// One full stop.
    Dot,
    /// One slash.
    Slash,
    /// An opening bracket, perhaps after a space or dash.
    Open,
    /// A closing bracket, perhaps before a space or another separator.
    Close,
}

/// How sure a national number in these groups is, 0..=1, when some country writes its numbers so.
/// `bracket` says whether the first group stands in brackets.
pub(crate) fn national(
    groups: &[usize],
    gaps: &[Gap],
    digits: &[u8],
    bracket: bool,
) -> Option<f32> {
    if !is_even(groups, gaps) {
        return None;
    }
    let digit = |at: usize| digits.get(at).copied().unwrap_or_default();
    let rest = digits.get(1..).unwrap_or_default();
    let trunk = digit(0) == b'0' && digit(1) != b'0';
    let spaced = gaps.iter().all(|gap| *gap == Gap::Space);
    Some(match groups {
        [3, 3, 4] if is_north_american(digits) => match (bracket, spaced) {
            (true, _) => 0.9,
            (false, false) => 0.8,
            (false, true) => 0.6,
        },
        [3, 7] if bracket && is_north_american(digits) => 0.85,
        [1, 3, 3, 4] if digit(0) == b'1' && is_north_american(rest) => 0.85,
        // Russia with its trunk 8, Turkey with its trunk 0.
        [1, 3, 3, 2, 2] | [1, 3, 7] if matches!(digit(0), b'0' | b'8') => 0.7,
        // Brazil
        [2, 5, 4] if bracket || digit(2) == b'9' => 0.7,
        [2, 4, 4] if bracket || trunk => 0.7,
        // Mobile numbers of China; Japan, Korea and London with their trunk.
        [3, 4, 4] if trunk || (digit(0) == b'1' && digit(1) >= b'3') => 0.75,
        [3, 3, 2, 2] if trunk || digit(0) == b'5' => 0.65,
        // Spain
        [3, 2, 2, 2] if trunk || digit(0) >= b'6' => 0.55,
        [2 | 3, 2, 2, 2, 2]
        | [2 | 3, 3, 4]
        | [2, 3, 3, 2]
        | [2 | 4, 3, 2, 2]
        | [4, 3 | 4, 3 | 4]
        | [4 | 5, 2, 2, 2]
        | [5, 3, 3]
            if trunk =>
        {
            0.7
        }
        [3, 3, 3] if trunk => 0.5,
        // Area code and number: Germany, Italy, the Netherlands, Britain. With a dash it may as
        // well be a part number.
        [2..=5, 4..=8] if trunk && (9..=12).contains(&digits.len()) => match gaps.first() {
            Some(Gap::Space) if digits.len() < 10 => 0.45,
            Some(Gap::Space) => 0.55,
            Some(Gap::Close) => 0.7,
            Some(Gap::Slash) => 0.6,
            _ => 0.45,
        },
        _ => return None,
    })
}

/// Whether the separators are those of one number: full stops all the way or not at all, at most
/// one change between space and dash, brackets around the area code only.
fn is_even(groups: &[usize], gaps: &[Gap]) -> bool {
    let lead = usize::from(groups.first() == Some(&1));
    let plain = || gaps.iter().filter(|gap| matches!(gap, Gap::Space | Gap::Dash | Gap::Dot));
    let changes = plain().zip(plain().skip(1)).filter(|(left, right)| left != right).count();
    let dots = plain().filter(|gap| **gap == Gap::Dot).count();
    let brackets_fit = gaps.iter().enumerate().all(|(at, gap)| match gap {
        Gap::Open => at == 0 && lead == 1 && gaps.get(1) == Some(&Gap::Close),
        Gap::Close => at == 0 || (at == 1 && gaps.first() == Some(&Gap::Open)),
        Gap::Slash => at == lead,
        _ => true,
    });
    changes <= 1 + lead && (dots == 0 || dots == plain().count()) && brackets_fit
}

/// Whether the groups are a telephone number when a word before them asks to call it: an exchange and
/// a line, ten digits of a number that does not exist, or a mobile number of India.
pub(crate) fn is_dialled(groups: &[usize], gaps: &[Gap], digits: &[u8]) -> bool {
    let first = digits.first().copied().unwrap_or_default();
    match groups {
        [3, 4] => gaps == [Gap::Dash] && first >= b'2',
        [3, 3, 4] => is_even(groups, gaps),
        [5, 5] => first >= b'6' && matches!(gaps, [Gap::Space | Gap::Dash]),
        _ => false,
    }
}

/// Whether digits without separators have the shape of a national number.
pub(crate) fn is_bare_national(digits: &[u8]) -> bool {
    let first = digits.first().copied().unwrap_or_default();
    let second = digits.get(1).copied().unwrap_or_default();
    match digits.len() {
        9 => first == b'0' && second != b'0',
        10 => is_north_american(digits) || first >= b'6' || (first == b'0' && second != b'0'),
        11 => {
            (first == b'0' && second != b'0')
                || (first == b'1' && second >= b'3')
                || (first == b'1' && is_north_american(digits.get(1..).unwrap_or_default()))
        }
        _ => false,
    }
}

/// Whether the groups read as a date or as two years.
pub(crate) fn is_date(groups: &[usize], digits: &[u8]) -> bool {
    let year = |at: usize| digits.get(at..at + 2).is_some_and(|two| two == b"19" || two == b"20");
    match groups {
        [8] => year(0) && matches!(digits.get(4..5), Some(b"0" | b"1")),
        [4, 1 | 2, 1 | 2, ..] => year(0),
        [day @ (1 | 2), month @ (1 | 2), 4, ..] => year(day + month),
        [4, 4, ..] => year(0) && year(4),
        _ => false,
    }
}

/// What the words before a number say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    /// Nothing.
    None,
    /// It may be dialled: `call`, `my number is`.
    Hint,
    /// It is a telephone number: `phone:`, `mobile no.`
    Label,
    /// It is something else: `order`, `invoice no.`
    Other,
}

const LABELS: &[&str] = &["tel", "tlf", "telf", "ph", "fax", "gsm", "sms", "cep", "mob", "tfno"];
const LABEL_STARTS: &[&str] = &[
    "phone",
    "teleph",
    "telefon",
    "telefax",
    "mobil",
    "movil",
    "whatsapp",
    "cellphone",
    "celular",
    "cellul",
    "rufnummer",
    "portable",
];
const LABEL_ENDS: &[&str] = &["phone", "telefon", "mobil", "mobile"];
/// Labels in other scripts, which may stand inside a longer run of letters; folded as views are.
static LABEL_PARTS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
    ["телефон", "тел", "моб", "電話", "电话", "手机", "手機", "携帯", "전화", "هاتف", "फ़ोन", "फोन"]
        .map(fold_to_string)
        .to_vec()
});
const HINTS: &[&str] = &[
    "call", "text", "dial", "contact", "ring", "reach", "number", "numbers", "nummer", "numero",
    "hotline", "helpline", "cell", "handy", "signal", "viber", "telegram", "calling", "callback",
];
const FILLERS: &[&str] = &[
    "is", "are", "was", "no", "nr", "num", "n", "o", "at", "me", "us", "on", "my", "the", "our",
    "your", "his", "her", "their", "or", "and", "home", "work", "office", "direct", "main",
    "under", "to", "for", "of", "de", "der", "ist", "lautet", "es", "est", "e", "s", "a", "code",
];
const OTHERS: &[&str] = &[
    "order",
    "invoice",
    "serial",
    "account",
    "acct",
    "ticket",
    "case",
    "tracking",
    "part",
    "model",
    "sku",
    "isbn",
    "issn",
    "reference",
    "ref",
    "patent",
    "upc",
    "ean",
    "gtin",
    "barcode",
    "policy",
    "claim",
    "license",
    "licence",
    "passport",
    "vat",
    "tax",
    "item",
    "product",
    "id",
    "ids",
    "uuid",
    "version",
    "build",
    "batch",
    "lot",
    "iban",
    "bic",
    "card",
    "routing",
    "transaction",
    "txn",
    "imei",
    "iccid",
    "doi",
    "pmid",
    "po",
    "article",
    "bestellung",
    "rechnung",
    "auftrag",
];

/// Reads the words before the number at `at`, and says whether only filler words lie between the
/// deciding word and the number.
pub(crate) fn context(bytes: &[u8], at: usize) -> (Context, bool) {
    let mut near = true;
    let mut hint = Context::None;
    for word in words_before(bytes, at) {
        let labels = is_one_of(word, LABELS)
            || starts_with_one_of(word, LABEL_STARTS)
            || ends_with_one_of(word, LABEL_ENDS)
            || (!word.is_ascii() && has_label_part(word));
        if labels {
            return (Context::Label, near);
        } else if near && is_one_of(word, OTHERS) {
            return (Context::Other, true);
        } else if is_one_of(word, HINTS) {
            hint = Context::Hint;
        } else if !is_one_of(word, FILLERS) {
            near = false;
        }
    }
    (hint, near)
}

fn has_label_part(word: &[u8]) -> bool {
    LABEL_PARTS.iter().any(|part| memchr::memmem::find(word, part.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_sorted() {
        assert!(PLANS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, fewest, most) in PLANS {
            let text = format!("{code}0");
            assert_eq!(country_code_len(text.as_bytes()), Some(text.len() - 1), "{code}");
            assert!(fewest <= most && text.len() - 1 + most <= *DIGITS.end(), "{code}");
        }
    }

    #[test]
    fn international_numbers_need_a_country_and_its_length() {
        for number in ["14155550132", "442079460958", "33142685300", "4930123456", "390612345678"] {
            assert!(is_international(number.as_bytes()), "{number}");
        }
        for number in ["0200", "11234567890", "1415555013", "4402079460958", "28123456789", "4412"]
        {
            assert!(!is_international(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn north_american_numbers_follow_the_plan() {
        for number in ["4155550132", "2125550123", "9205551234", "5551234567"] {
            assert!(is_north_american(number.as_bytes()), "{number}");
        }
        for number in ["1155550132", "4111550132", "4155110132", "0155550132", "4951550132", "2"] {
            assert!(!is_north_american(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn separators_of_two_things_are_not_one_number() {
        let score = |groups: &[usize], gaps: &[Gap], digits: &str| {
            national(groups, gaps, digits.as_bytes(), false)
        };
        assert!(score(&[2, 2, 2, 2, 2], &[Gap::Dot; 4], "0123456789").is_some());
        let mixed = [Gap::Dot, Gap::Dot, Gap::Space, Gap::Dot];
        assert!(score(&[2, 2, 2, 2, 2], &mixed, "0123456789").is_none());
        assert!(score(&[3, 3, 4], &[Gap::Dash, Gap::Slash], "4155550132").is_none());
    }

    #[test]
    fn words_before_decide() {
        let read = |text: &str| context(text.as_bytes(), text.len());
        assert_eq!(read("phone no. "), (Context::Label, true));
        assert_eq!(read("userPhone: "), (Context::Label, true));
        assert_eq!(read("order number "), (Context::Other, true));
        assert_eq!(read("my order was late, call "), (Context::Hint, false));
        assert_eq!(read(&fold_to_string("телефон: ")), (Context::Label, true));
        assert_eq!(read(&fold_to_string("我的电话是")), (Context::Label, true));
        assert_eq!(read("we sold "), (Context::None, false));
    }

    #[test]
    fn dates_are_dates() {
        assert!(is_date(&[4, 2, 2], b"20240501") && is_date(&[2, 2, 4], b"01052024"));
        assert!(is_date(&[8], b"20240501") && is_date(&[4, 4], b"20232024"));
        assert!(!is_date(&[8], b"55501322") && !is_date(&[3, 4], b"5550132"));
    }
}
