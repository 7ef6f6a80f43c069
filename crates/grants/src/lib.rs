//! Short tokens that are bound to a key of their holder, and that a holder can only narrow.
//!
//! A caller who was recognised gets a token from [`Authority::mint`]: a [Biscuit](https://www.biscuitsec.org) of at
//! most [`MAX_LIFETIME`] that says who they are and what it opens. It is bound to a key or certificate of theirs
//! ([`Binding`]); each request comes with a proof of that key ([`Proofs`]), so a token that was stolen without the key
//! is worth nothing. A holder makes narrower tokens for others with [`narrow()`], without asking anybody. Whoever has the
//! [`PublicKeys`] of the issuer checks a token with [`PublicKeys::verify`] and gets a [`Grant`]: what the issuer
//! opened, less what every holder took away. [`Revocations`] end tokens before their time.
//!
//! Nothing here asks a clock or a network, or decides what a caller may do: policy is asked besides. Nothing waits
//! but [`SigningKeys::change`], for the disk and for others that change the same file.
//!
//! # What a token says
//!
//! The first block (signed by the issuer) names the holder in facts, and states what it opens in checks:
//!
//! ```text
//! principal("user", "alice@example.com");        // or "service-principal"
//! group("analysts");                             // any number of times
//! tag("team", "search");                         // up to 16 of them
//! session("0191e7a0-0000-7000-8000-000000000000");
//! origin("key-7f3a");
//! bound("jkt", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");   // or "x5t#S256"
//! issued(2026-11-01T12:00:00Z);
//! check if time($t), $t <= 2026-11-01T12:15:00Z;
//! ```
//!
//! Every further block is written by a holder, and consists of a note for people (the "context" of the block, 1 to
//! 128 bytes without characters that control something or change how text is shown) and of these checks, each in this
//! form, with up to 64 entries and any names of variables:
//!
//! ```text
//! check if endpoint($e), {"chat", "embed"}.contains($e) or without("endpoint");
//! check if tool($t), {"search"}.contains($t) or tool($t), $t.starts_with("github.") or without("tool");
//! check if table($t), {"sales.orders"}.contains($t) or table($t), $t.starts_with("hr.") or without("table");
//! check if host($h), {"example.org"}.contains($h) or host($h), $h.ends_with(".corp.example") or without("host");
//! check if tokens($n), $n <= 100000 or without("tokens");
//! check if nano_usd($n), $n <= 5000000000 or without("nano_usd");
//! check if time($t), $t <= 2026-11-01T12:05:00Z;
//! ```
//!
//! `{…}` is a set; before version 3.3 of the language it was written `[…]`. A set or the part with `starts_with` or
//! `ends_with` may be left out. Any library for Biscuits can add such a block; strip the prefix `bzt_` first, and put
//! it back. Whatever else stands in a block is refused: facts, rules, `trusting`, other checks, blocks of third
//! parties. So nothing has to be evaluated to know what a token opens, and there is nothing that could widen it.
//!
//! A verifier that does evaluate Datalog states what a request is about, at most one of each: `endpoint("chat")`,
//! `tool(…)`, `table(…)`, `host(…)` in canonical form, `tokens(…)` and `nano_usd(…)` with what was used so far
//! and by this request, and `without("tool")` and so on for what the request has nothing to do with; and `time(…)`. It
//! comes to the same result, as tests against `biscuit-auth` show. If it forgets to state something, a token that is
//! narrowed in that is refused.
//!
//! # Why not a library
//!
//! Signatures are checked with `aws-lc-rs`, as everywhere else in Bartizan, and blocks are compared with the seven
//! forms above. A library would bring a second provider of cryptography, an interpreter that has to be kept from running,
//! and some thirty crates more, around two signatures and a few hundred bytes. Tests hold both against `biscuit-auth`: each
//! reads what the other wrote, and they agree on what is open.

mod address;
mod block;
mod container;
mod disk;
mod ed25519;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod grant;
mod json;
mod jwk;
mod mint;
mod narrow;
mod pattern;
mod proof;
mod reach;
mod replay;
mod restriction;
mod revoked;
mod signing;
mod symbols;
mod text;
mod verify;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use container::MAX_BLOCKS;
pub use error::{GrantError, KeysError, ProofError, WriteError};
pub use grant::{Binding, Grant, Origin, Thumbprint};
pub use mint::{Authority, MintRequest};
pub use narrow::{Narrowing, narrow};
pub use pattern::{Dotted, Entry, HostPatterns, Hosts, MAX_ENTRIES, NamePatterns, Patterns, Shape};
pub use proof::{
    CheckedProof, PROOF_BYTES, PROOF_WINDOW, PROOFS_REMEMBERED, Presented, ProofKey, Proofs,
};
pub use reach::{Budget, Reach};
pub use revoked::{
    MAX_REVOCATIONS, MAX_REVOKED_ORIGINS, RevocationId, Revocations, RevocationsFull,
};
pub use signing::{JWKS_LIFETIME, PublicKeys, SigningKeys};
pub use text::{PREFIX, TOKEN_BYTES, looks_like_one};
pub use verify::{Allowance, Verified};

/// Longest life of a token.
pub const MAX_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How far clocks may be apart: a token may have been made so much later than now.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);
