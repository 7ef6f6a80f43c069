//! Tokens that are signed for real, and then bent one way at a time.

mod accepted;
mod any_bytes;
mod claims;
mod discovery;
mod forged;
mod keys;
mod refresh;
mod support;
