//! United States social security numbers: which of them the administration can have issued.

/// Numbers that appeared in advertisements and pamphlets and were withdrawn.
const ADVERTISED: [&[u8; 9]; 3] = [b"078051120", b"219099999", b"457555462"];

/// Whether nine digits, without separators, can be a number: no area 000, 666 or 900 to 999, no
/// group 00, no serial 0000 (20 CFR 422.103; randomised since 2011), and not an advertised one or
/// one digit nine times.
pub(crate) fn is_ssn(digits: &[u8]) -> bool {
    let [area @ .., _, _, _, _, _, _] = digits else { return false };
    let (group, serial) = (digits.get(3..5), digits.get(5..));
    digits.len() == 9
        && digits.iter().all(u8::is_ascii_digit)
        && !matches!(super::number(area), 0 | 666 | 900..)
        && group.is_some_and(|group| group != b"00")
        && serial.is_some_and(|serial| serial != b"0000")
        && digits.iter().any(|digit| Some(digit) != digits.first())
        && !ADVERTISED.iter().any(|known| digits == *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_was_never_issued() {
        for number in ["078051121", "001010001", "899999999", "123456789"] {
            assert!(is_ssn(number.as_bytes()), "{number}");
        }
        for number in [
            "000123456",
            "666123456",
            "900123456",
            "987654321",
            "123006789",
            "123450000",
            "078051120",
            "219099999",
            "457555462",
            "111111111",
            "12345678",
            "1234567890",
            "12345678x",
        ] {
            assert!(!is_ssn(number.as_bytes()), "{number}");
        }
    }
}
