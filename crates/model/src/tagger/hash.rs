//! Hashes of words and features: fast, fixed, and the same everywhere.

/// Adds a character to the hash of a word (FNV-1a, Fowler, Noll and Vo).
pub(crate) const fn step(hash: u32, c: u32) -> u32 {
    (hash ^ c ^ 0x811C_9DC5).wrapping_mul(0x0100_0193)
}

/// Joins two hashes, in this order.
pub(crate) const fn mix(a: u32, b: u32) -> u32 {
    let mut hash = a.rotate_left(13) ^ b.wrapping_mul(0x9E37_79B1);
    hash = hash.wrapping_mul(0x85EB_CA77);
    hash ^ (hash >> 15)
}
