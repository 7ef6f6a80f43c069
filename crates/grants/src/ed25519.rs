//! Keys for Ed25519, less those with which a signature proves nothing.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, ParsedPublicKey};
use zeroize::Zeroizing;

/// Bytes of a public or secret key.
pub(crate) type KeyBytes = [u8; 32];

/// Sign of the other coordinate, in the last byte of a public key.
const SIGN: u8 = 0x80;

/// 2^255-19, the lowest byte first: coordinates are below it (RFC 8032, section 5.1.3).
const PRIME: KeyBytes = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The points of which eight times are nothing, without their signs. Anybody can sign for such a key, and one
/// signature is good for many messages.
const SMALL_ORDER: [KeyBytes; 5] = [
    small(0),
    small(1),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    {
        let mut before_prime = PRIME;
        before_prime[0] = 0xec;
        before_prime
    },
];

const fn small(number: u8) -> KeyBytes {
    let mut bytes = [0; 32];
    bytes[0] = number;
    bytes
}

/// Reads a public key, unless it [is weak](is_weak).
pub(crate) fn public_key(bytes: &KeyBytes) -> Option<ParsedPublicKey> {
    if is_weak(bytes) { None } else { ParsedPublicKey::new(&ED25519, bytes).ok() }
}

/// Whether a public key is of small order, so that anybody can sign for it, or a second spelling of another, so that
/// one key would have two thumbprints.
pub(crate) fn is_weak(bytes: &KeyBytes) -> bool {
    let mut y = *bytes;
    y[31] &= !SIGN;
    // Where the other coordinate is 0 its sign is a second spelling too: both such points are of small order.
    let is_canonical = y.iter().rev().lt(PRIME.iter().rev());
    !is_canonical || SMALL_ORDER.contains(&y)
}

/// Whether a signature is one of the key over a message. One whose first half is a weak key is none: whoever makes
/// such a one gives the secret away, and other libraries refuse it.
pub(crate) fn verifies(key: &ParsedPublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    let is_sound = signature.first_chunk().is_some_and(|first| !is_weak(first));
    is_sound && key.verify_sig(message, signature).is_ok()
}

/// A fresh key and the secret that it is made from; nothing where the system has no random bytes.
pub(crate) fn generate_pair() -> Option<(Zeroizing<KeyBytes>, Ed25519KeyPair)> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).ok()?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).ok()?;
    Some((seed, pair))
}

/// Every weak key that there is.
#[cfg(test)]
pub(crate) fn weak_keys() -> Vec<KeyBytes> {
    let beyond = (0xed..=0xff).map(|lowest| {
        let mut key = PRIME;
        key[0] = lowest;
        key
    });
    let with_sign = |key: KeyBytes| {
        let mut other = key;
        other[31] |= SIGN;
        [key, other]
    };
    SMALL_ORDER.into_iter().chain(beyond).flat_map(with_sign).collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    #[test]
    fn weak_keys_are_told_from_all_others() {
        // 8 points of small order, 2 of them with a second spelling, and 19 coordinates from the prime on.
        assert_eq!(weak_keys().len(), 8 + 2 + 2 * 19);
        for key in weak_keys() {
            assert!(is_weak(&key) && public_key(&key).is_none(), "{key:02x?}");
        }
        for _ in 0..100 {
            let (_, pair) = generate_pair().unwrap();
            let key: KeyBytes = pair.public_key().as_ref().try_into().unwrap();
            assert!(!is_weak(&key) && public_key(&key).is_some());
        }
        // Neighbours, which are as good as any.
        for neighbour in [small(2), {
            let mut key = PRIME;
            key[0] = 0xeb;
            key
        }] {
            assert!(!is_weak(&neighbour));
        }
    }
}
