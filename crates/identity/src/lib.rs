//! Who calls, by the JSON Web Tokens (RFC 7519) of issuers that the policy names, or by a certificate.
//!
//! [`Issuers::verify`] is pure: it reads a token, checks its signature with a key that is held already, and says
//! whose it is. [`Issuers::run`] keeps these keys fresh. Whatever has to be fetched is fetched by somebody else,
//! through [`FetchKeys`]; there is no network code here.
//!
//! Nothing about a token is taken on trust that the policy has not pinned: its issuer is one of a list, its
//! algorithm has to be on the list of the issuer *and* fit the key, and the key is one that the issuer publishes.
//! A key or a URL that a token brings along (`jwk`, `jku`, `x5c`, `x5u`) is never looked at. Errors name claims
//! and never what is in them.
//!
//! [`SignIn`] is about people who sign in with a browser: where to send them, and whom an ID token is about.
//!
//! Signatures are checked with `aws-lc-rs` itself and not through a library for tokens. What is left beside the
//! signature is what has to be strict here: members that stand twice, algorithms that exist only as values of
//! [`JwtAlgorithm`](bartizan_core::settings::JwtAlgorithm), keys that are parsed once for each algorithm they fit.
//! A library that also signs, knows shared secrets and reads claims into maps would have to be fenced off on
//! every side, and would be more code around the same three calls.

mod address;
mod backoff;
mod certificate;
mod claims;
mod error;
mod issuers;
mod json;
mod key;
mod key_set;
mod origin;
mod sign_in;
mod source;
mod token;

#[cfg(test)]
mod tests;

pub use certificate::{CertificateError, Certificates, Shown};
pub use error::{KeySetError, KeysError, TokenError};
pub use issuers::{Issuers, Verified};
pub use json::JsonError;
pub use key_set::DOCUMENT_BYTES;
pub use origin::{FetchError, FetchKeys};
pub use sign_in::{PROVIDER_KEPT, Provider, Returned, SignIn, SignInError, SignedIn};
pub use source::{KEY_WAIT, KEYS_KEPT, REFRESH_EVERY};
pub use token::TOKEN_BYTES;
