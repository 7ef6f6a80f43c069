//! `Base58Check`: the encoding of Bitcoin's first addresses and of its relatives.

use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Version, twenty bytes of hash, four bytes of checksum.
const ADDRESS_BYTES: usize = 25;
/// Shortest and longest spelling of an address.
pub(crate) const ADDRESS_CHARS: std::ops::RangeInclusive<usize> = 25..=35;

/// Whether the text is an address of a known coin with a correct checksum: the first four bytes of
/// the double SHA-256 of what stands before them.
pub(crate) fn is_address(text: &[u8]) -> bool {
    ADDRESS_CHARS.contains(&text.len())
        && decode(text).is_some_and(|bytes| {
            let (payload, checksum) = bytes.split_at(ADDRESS_BYTES - 4);
            let digest = Sha256::digest(Sha256::digest(payload));
            payload.first().is_some_and(|version| is_coin(*version))
                && digest.iter().zip(checksum).all(|(ours, theirs)| ours == theirs)
        })
}

/// Versions of main networks: Bitcoin (0, 5), Litecoin (48, 50), Dogecoin (30, 22), Dash (76, 16),
/// Tron (65).
const fn is_coin(version: u8) -> bool {
    matches!(version, 0 | 5 | 48 | 50 | 30 | 22 | 76 | 16 | 65)
}

/// The 25 bytes that the text stands for; `None` when it stands for fewer or more.
fn decode(text: &[u8]) -> Option<[u8; ADDRESS_BYTES]> {
    let mut out = [0u8; ADDRESS_BYTES];
    for byte in text {
        let mut carry = ALPHABET.iter().position(|letter| letter == byte)?;
        for place in out.iter_mut().rev() {
            carry += usize::from(*place) * 58;
            *place = (carry & 0xFF) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    // Each leading zero byte is written as one `1`.
    let ones = text.iter().take_while(|byte| **byte == b'1').count();
    let zeros = out.iter().take_while(|byte| **byte == 0).count();
    (ones == zeros).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_published_addresses() {
        for address in [
            // The first block, BIP 16 and BIP 173, and addresses from documentation of each coin.
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
            "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
            "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        ] {
            assert!(is_address(address.as_bytes()), "{address}");
        }
    }

    #[test]
    fn a_changed_or_missing_character_is_noticed() {
        let address = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
        for at in 0..address.len() {
            for other in ["2", "9", "z", "B"] {
                let mut changed = address.to_owned();
                changed.replace_range(at..=at, other);
                assert_eq!(is_address(changed.as_bytes()), changed == address, "{changed}");
            }
            let mut shorter = address.to_owned();
            shorter.remove(at);
            assert!(!is_address(shorter.as_bytes()), "{shorter}");
        }
        assert!(!is_address(b"16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ2"));
        assert!(!is_address(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN0"), "0 is not in the alphabet");
    }

    #[test]
    fn other_versions_are_not_addresses() {
        // A private key in wallet import format has 37 bytes; a testnet address has version 111.
        assert!(!is_address(b"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"));
        assert!(!is_address(b""));
    }
}
