//! FF1, the format-preserving cipher of NIST SP 800-38G (section 6.2), with AES-256.
//!
//! Numerals are digits of a radix, most significant first. Only encryption is here: what needs to come
//! back is sealed into a token instead.

use aws_lc_rs::cipher::{AES_256, AES_CBC_IV_LEN, EncryptingKey, UnboundCipherKey};
use zeroize::Zeroizing;

use super::keys::KeyError;

/// Most numerals of a text: time grows with the square of their number, and a body may hold many.
pub(super) const NUMERALS_MAX: usize = 64;
/// Smallest domain that the standard allows (SP 800-38G, revision 1).
const DOMAIN_MIN: u64 = 1_000_000;
const BLOCK: usize = 16;
const _: () = assert!(AES_CBC_IV_LEN == BLOCK, "AES has blocks of 16 bytes");

/// A key for FF1.
pub(super) struct Ff1 {
    aes: EncryptingKey,
}

impl Ff1 {
    pub(super) fn new(key: &[u8; 32]) -> Result<Self, KeyError> {
        Ok(Self { aes: EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, key)?)? })
    }

    /// The numerals that `numerals` become under a tweak; none where the domain is smaller than the
    /// standard allows, or larger than [`NUMERALS_MAX`].
    pub(super) fn encrypt(
        &self,
        radix: u8,
        tweak: &[u8],
        numerals: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let len = numerals.len();
        if !is_large_enough(radix, len) || len > NUMERALS_MAX {
            return None;
        }
        // Steps 1 and 2: the halves, of u and v numerals.
        let (left_len, right_len) = (len / 2, len - len / 2);
        let (left, right) = numerals.split_at_checked(left_len)?;
        let mut left = Zeroizing::new(left.to_vec());
        let mut right = Zeroizing::new(right.to_vec());
        // Steps 3 and 4: bytes that hold v numerals (b), and bytes of a round's output (d).
        let width = bytes_of(radix, right_len);
        let round_bytes = 4 * width.div_ceil(4) + 4;
        // Step 5: the head (P), which is the same in all rounds, and so is what the CBC-MAC makes of it.
        let fixed = [1, 2, 1, 0, 0, radix, 10, left_len as u8];
        let lengths = [(len as u32).to_be_bytes(), (tweak.len() as u32).to_be_bytes()].concat();
        let head = [fixed.as_slice(), &lengths].concat();
        let head = self.block(<[u8; BLOCK]>::try_from(head).ok()?)?;
        for round in 0..10_u8 {
            // Step 6 i: the tweak, zeros up to a whole block, the round, and the right half as a number.
            let mut rest = Zeroizing::new(tweak.to_vec());
            let zeros = (BLOCK - (tweak.len() + width + 1) % BLOCK) % BLOCK;
            rest.resize(tweak.len() + zeros, 0);
            rest.push(round);
            rest.extend_from_slice(&to_bytes(radix, &right, width));
            let drawn = self.expand(head, &rest, round_bytes)?;
            // Steps 6 v to ix: the left half plus what was drawn, and the halves change places.
            let sum_len = if round % 2 == 0 { left_len } else { right_len };
            let sum = add(radix, &left, &to_numerals(radix, &drawn, sum_len));
            left = std::mem::replace(&mut right, sum);
        }
        left.extend_from_slice(&right);
        Some(left)
    }

    /// Steps 6 ii and iii: so many bytes from the CBC-MAC of the rest, going on from that of the head.
    fn expand(&self, head: [u8; BLOCK], rest: &[u8], bytes: usize) -> Option<Zeroizing<Vec<u8>>> {
        let mut state = head;
        for chunk in rest.chunks(BLOCK) {
            state = self.block(xor(state, chunk))?;
        }
        let mut drawn = Zeroizing::new(state.to_vec());
        let mut counter = 1_u128;
        while drawn.len() < bytes {
            drawn.extend_from_slice(&self.block(xor(state, &counter.to_be_bytes()))?);
            counter += 1;
        }
        drawn.truncate(bytes);
        Some(drawn)
    }

    fn block(&self, mut block: [u8; BLOCK]) -> Option<[u8; BLOCK]> {
        self.aes.encrypt(&mut block).ok()?;
        Some(block)
    }
}

fn xor(mut block: [u8; BLOCK], with: &[u8]) -> [u8; BLOCK] {
    for (byte, with) in block.iter_mut().zip(with) {
        *byte ^= with;
    }
    block
}

/// Whether `radix` to the power of `len` reaches the smallest domain.
pub(super) fn is_large_enough(radix: u8, len: usize) -> bool {
    let mut domain = 1_u64;
    for _ in 0..len.min(20) {
        domain = domain.saturating_mul(u64::from(radix));
    }
    len >= 2 && domain >= DOMAIN_MIN
}

/// Bytes that hold any number of so many numerals.
fn bytes_of(radix: u8, numerals: usize) -> usize {
    let largest = vec![radix - 1; numerals];
    let bytes = to_bytes(radix, &largest, numerals);
    bytes.len() - bytes.iter().take_while(|byte| **byte == 0).count()
}

/// The number as `width` bytes, most significant first.
fn to_bytes(radix: u8, numerals: &[u8], width: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0_u8; width]);
    for numeral in numerals {
        let mut carry = u32::from(*numeral);
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * u32::from(radix);
            *byte = carry as u8;
            carry >>= 8;
        }
    }
    bytes
}

/// The last `len` numerals of the number that the bytes are.
fn to_numerals(radix: u8, bytes: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut numerals = Zeroizing::new(vec![0_u8; len]);
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for numeral in numerals.iter_mut().rev() {
            carry += u32::from(*numeral) << 8;
            *numeral = (carry % u32::from(radix)) as u8;
            carry /= u32::from(radix);
        }
    }
    numerals
}

/// The sum of two numbers of the same length, without what goes beyond it.
fn add(radix: u8, one: &[u8], other: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut sum = Zeroizing::new(one.to_vec());
    let mut carry = 0;
    for (numeral, with) in sum.iter_mut().zip(other).rev() {
        let total = *numeral + with + carry;
        carry = u8::from(total >= radix);
        *numeral = total - carry * radix;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const KEY: [u8; 32] = [
        0x2B, 0x7E, 0x15, 0x16, 0x28, 0xAE, 0xD2, 0xA6, 0xAB, 0xF7, 0x15, 0x88, 0x09, 0xCF, 0x4F,
        0x3C, 0xEF, 0x43, 0x59, 0xD8, 0xD5, 0x80, 0xAA, 0x4F, 0x7F, 0x03, 0x6D, 0x6F, 0x04, 0xFC,
        0x6A, 0x94,
    ];

    fn encrypted(radix: u8, tweak: &[u8], text: &str) -> String {
        let numerals: Vec<u8> =
            text.chars().map(|c| c.to_digit(u32::from(radix)).unwrap() as u8).collect();
        let out = Ff1::new(&KEY).unwrap().encrypt(radix, tweak, &numerals).unwrap();
        out.iter().map(|n| char::from_digit(u32::from(*n), u32::from(radix)).unwrap()).collect()
    }

    /// Samples 7 to 9 that NIST publishes with the standard.
    #[test]
    fn agrees_with_the_samples_of_the_standard() {
        assert_eq!(encrypted(10, b"", "0123456789"), "6657667009");
        assert_eq!(encrypted(10, b"9876543210", "0123456789"), "1001623463");
        assert_eq!(encrypted(36, b"7777pqrs777", "0123456789abcdefghi"), "xs8a0azh2avyalyzuwd");
    }

    #[test]
    fn refuses_domains_below_the_minimum() {
        let ff1 = Ff1::new(&KEY).unwrap();
        assert!(ff1.encrypt(10, b"", &[1; 5]).is_none());
        assert!(ff1.encrypt(10, b"", &[1; 6]).is_some());
        assert!(ff1.encrypt(36, b"", &[1; 3]).is_none());
        assert!(ff1.encrypt(10, b"", &[1; NUMERALS_MAX + 1]).is_none());
    }

    #[test]
    fn no_two_texts_become_one() {
        let ff1 = Ff1::new(&KEY).unwrap();
        let all: BTreeSet<Vec<u8>> = (0..2000_u32)
            .map(|n| {
                let numerals: Vec<u8> =
                    format!("{n:06}").bytes().map(|digit| digit - b'0').collect();
                ff1.encrypt(10, b"t", &numerals).unwrap().to_vec()
            })
            .collect();
        assert_eq!(all.len(), 2000);
    }
}
