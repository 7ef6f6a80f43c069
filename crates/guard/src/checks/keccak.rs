//! Keccak-256 as Ethereum uses it, and the letter case of Ethereum addresses (ERC-55).
//!
//! This is the padding of the original submission, not that of FIPS 202, so the digest differs from
//! SHA3-256. Inputs here are forty bytes; speed does not matter.

/// Bytes absorbed per permutation.
const RATE: usize = 136;

/// Rotation of each lane and the lane it moves to, in the order of the walk of rho and pi
/// (Keccak reference, section 1.2).
const WALK: [(u32, usize); 24] = [
    (1, 10),
    (3, 7),
    (6, 11),
    (10, 17),
    (15, 18),
    (21, 3),
    (28, 5),
    (36, 16),
    (45, 8),
    (55, 21),
    (2, 24),
    (14, 4),
    (27, 15),
    (41, 23),
    (56, 19),
    (8, 13),
    (25, 12),
    (43, 2),
    (62, 20),
    (18, 14),
    (39, 22),
    (61, 9),
    (20, 6),
    (44, 1),
];

const ROUNDS: usize = 24;

/// Keccak-256 of the input.
pub(crate) fn keccak256(input: &[u8]) -> [u8; 32] {
    let mut state = [0u64; 25];
    let mut blocks = input.chunks_exact(RATE);
    for block in &mut blocks {
        absorb(&mut state, block);
    }
    let mut last = [0u8; RATE];
    for (room, byte) in last.iter_mut().zip(blocks.remainder()) {
        *room = *byte;
    }
    // The rest is shorter than a block, so both bits of the padding have room.
    if let Some(room) = last.get_mut(blocks.remainder().len()) {
        *room = 0x01;
    }
    if let Some(room) = last.last_mut() {
        *room |= 0x80;
    }
    absorb(&mut state, &last);
    let mut out = [0; 32];
    for (room, lane) in out.chunks_exact_mut(8).zip(state) {
        room.copy_from_slice(&lane.to_le_bytes());
    }
    out
}

fn absorb(state: &mut [u64; 25], block: &[u8]) {
    for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        *lane ^= bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    permute(state);
}

#[expect(clippy::indexing_slicing, reason = "every index is a remainder below 5 or 25")]
fn permute(state: &mut [u64; 25]) {
    let mut feedback = 1u8;
    for _ in 0..ROUNDS {
        let mut parity = [0u64; 5];
        for (at, lane) in state.iter().enumerate() {
            parity[at % 5] ^= lane;
        }
        for (at, lane) in state.iter_mut().enumerate() {
            *lane ^= parity[(at + 4) % 5] ^ parity[(at + 1) % 5].rotate_left(1);
        }
        let mut carried = state[1];
        for (turn, to) in WALK {
            let kept = state[to];
            state[to] = carried.rotate_left(turn);
            carried = kept;
        }
        for row in state.chunks_exact_mut(5) {
            let old = [row[0], row[1], row[2], row[3], row[4]];
            for (at, lane) in row.iter_mut().enumerate() {
                *lane ^= !old[(at + 1) % 5] & old[(at + 2) % 5];
            }
        }
        state[0] ^= round_constant(&mut feedback);
    }
}

/// The next constant of iota, from the linear feedback register that defines them.
fn round_constant(register: &mut u8) -> u64 {
    let mut constant = 0;
    for power in 0..7 {
        if *register & 1 == 1 {
            constant |= 1 << ((1 << power) - 1);
        }
        let carry = *register & 0x80 != 0;
        *register <<= 1;
        if carry {
            *register ^= 0x71;
        }
    }
    constant
}

/// Whether forty hexadecimal digits, without `0x`, are an Ethereum address: all in one case, or in
/// the mixed case that ERC-55 derives from the hash of the lowercase digits.
pub(crate) fn is_ethereum_address(digits: &[u8]) -> bool {
    if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let upper = digits.iter().any(u8::is_ascii_uppercase);
    let lower = digits.iter().any(u8::is_ascii_lowercase);
    if !(upper && lower) {
        return true;
    }
    let hash = keccak256(&digits.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .iter()
        .zip(nibbles)
        .filter(|(digit, _)| digit.is_ascii_alphabetic())
        .all(|(digit, nibble)| digit.is_ascii_uppercase() == (nibble >= 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }

    #[test]
    fn hashes_as_published() {
        let check = |input: &[u8], digest: &str| assert_eq!(hex(&keccak256(input)), digest);
        check(b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        check(b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
        check(
            b"The quick brown fox jumps over the lazy dog",
            "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
        );
    }

    #[test]
    fn blocks_and_padding_fit_at_every_length() {
        // Lengths around the block size exercise a full block and one-byte padding.
        let digests: std::collections::BTreeSet<_> =
            (0..2 * RATE + 2).map(|len| keccak256(&vec![b'a'; len])).collect();
        assert_eq!(digests.len(), 2 * RATE + 2);
    }

    #[test]
    fn mixed_case_must_match_the_hash() {
        // The examples of ERC-55.
        for address in [
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "dbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "D1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
            "52908400098527886E0F7030069857D2E4169EE7",
            "de709f2102306220921060314715629080e2fb77",
        ] {
            assert!(is_ethereum_address(address.as_bytes()), "{address}");
        }
        for address in [
            "5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "de709f2102306220921060314715629080e2fb7",
            "ge709f2102306220921060314715629080e2fb77",
        ] {
            assert!(!is_ethereum_address(address.as_bytes()), "{address}");
        }
    }
}
