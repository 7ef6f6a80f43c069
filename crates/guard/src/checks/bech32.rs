//! Segregated-witness addresses: bech32 (BIP 173) and bech32m (BIP 350).

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Longest address (BIP 173).
pub(crate) const ADDRESS_CHARS: usize = 90;
/// Checksum, in groups of five bits.
const CHECKSUM_CHARS: usize = 6;
/// Main networks of Bitcoin and Litecoin; addresses of test networks belong to nobody.
const PREFIXES: [&str; 2] = ["bc1", "ltc1"];

const BECH32: u32 = 1;
const BECH32M: u32 = 0x2BC8_30A3;

/// Whether the text is a segregated-witness address with a correct checksum and length.
pub(crate) fn is_address(text: &[u8]) -> bool {
    let upper = text.iter().any(u8::is_ascii_uppercase);
    let lower = text.iter().any(u8::is_ascii_lowercase);
    if text.len() > ADDRESS_CHARS || (upper && lower) {
        return false;
    }
    PREFIXES.iter().any(|prefix| {
        text.split_at_checked(prefix.len()).is_some_and(|(start, data)| {
            start.eq_ignore_ascii_case(prefix.as_bytes()) && is_witness(prefix, data)
        })
    })
}

fn is_witness(prefix: &str, data: &[u8]) -> bool {
    let Some(program_chars) = data.len().checked_sub(CHECKSUM_CHARS + 1) else { return false };
    let human = prefix.trim_end_matches('1').as_bytes();
    let expanded = human.iter().map(|byte| byte >> 5).chain([0]);
    let mut sum = expanded.chain(human.iter().map(|byte| byte & 31)).fold(1, step);
    let mut version = 0;
    let mut padding = 0;
    for (place, byte) in data.iter().enumerate() {
        let Some(value) = value(*byte) else { return false };
        sum = step(sum, value);
        if place == 0 {
            version = value;
        } else if place == program_chars {
            padding = value;
        }
    }
    let bytes = program_chars * 5 / 8;
    let spare_bits = program_chars * 5 % 8;
    let padded = spare_bits < 5 && padding & ((1 << spare_bits) - 1) == 0;
    match version {
        0 => sum == BECH32 && padded && matches!(bytes, 20 | 32),
        1..=16 => sum == BECH32M && padded && (2..=40).contains(&bytes),
        _ => false,
    }
}

fn value(byte: u8) -> Option<u8> {
    let place = ALPHABET.iter().position(|letter| *letter == byte.to_ascii_lowercase())?;
    Some(place as u8)
}

/// One step of the checksum: multiplication in the field of BIP 173.
fn step(sum: u32, value: u8) -> u32 {
    const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    let top = sum >> 25;
    let shifted = (sum & 0x1FF_FFFF) << 5 ^ u32::from(value);
    GENERATOR.iter().enumerate().fold(
        shifted,
        |sum, (bit, factor)| {
            if top >> bit & 1 == 1 { sum ^ factor } else { sum }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_vectors_of_bip_173_and_350() {
        for address in [
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
            "BC1SW50QGDZ25J",
            "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ] {
            assert!(is_address(address.as_bytes()), "{address}");
        }
    }

    #[test]
    fn rejects_the_invalid_vectors() {
        for address in [
            // Wrong checksum, bech32 for version 1, bech32m for version 0, mixed case.
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8F3t4",
            // Program of 16 bytes for version 0, version 17, data that is too short, padding.
            "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
            "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
            "bc1pw5dgrnzv",
            "bc1gmk9yu",
            "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
            // A test network.
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
            "bc1",
            "",
        ] {
            assert!(!is_address(address.as_bytes()), "{address}");
        }
    }
}
