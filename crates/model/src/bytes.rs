//! Looking for a byte of a kind that is rare, many bytes at a time.

/// Bytes that are looked at together.
const BLOCK_BYTES: usize = 64;

/// Place of the first byte that is wanted. Blocks without any are passed without a branch for each
/// byte; `is_wanted` should be a few comparisons.
#[inline]
pub fn position(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut passed = 0;
    for block in bytes.chunks(BLOCK_BYTES) {
        if block.iter().fold(false, |any, byte| any | is_wanted(*byte)) {
            return block.iter().position(|byte| is_wanted(*byte)).map(|at| passed + at);
        }
        passed += block.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_look_at_each_byte_finds(
            before in 0..200usize,
            rest in proptest::collection::vec(0..3u8, 0..70),
        ) {
            let bytes = [vec![0; before], rest].concat();
            let expected = bytes.iter().position(|byte| *byte == 2);
            prop_assert_eq!(position(&bytes, |byte| byte == 2), expected);
        }
    }
}
