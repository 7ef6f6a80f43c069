//! What the detectors of secrets share: key formats, randomness, placeholders, assignments.

pub(crate) mod assignment;
pub(crate) mod formats;
pub(crate) mod jwt;
pub(crate) mod quality;
