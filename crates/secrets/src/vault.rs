//! Secrets that `HashiCorp` Vault keeps, in its key-value engine of version 2 (or `OpenBao`, which answers alike).
//!
//! Pure: a [`Reference`] says what to ask for, [`headers`] with what, and [`read_reply`] what the answer means. The
//! request, its time limit, and a cap of [`REPLY_BYTES`] on the answer are the caller's. A redirect must not be
//! followed: the token would go along.
//!
//! Shapes of requests and answers are those of Vault's HTTP API, "KV version 2: read secret version" and "HTTP status
//! codes". Nothing of an answer is repeated in an error but names of fields and numbers of versions; sentences of
//! Vault are recognised, not passed on.

mod error;
mod reference;
mod reply;
#[cfg(test)]
mod tests;

use bartizan_core::redact::Secret;

pub use error::VaultError;
pub use reference::{Namespace, REFERENCE_BYTES, Reference};
pub use reply::{REPLY_BYTES, VaultSecret, read_reply};

/// Longest token, in bytes: batch tokens, which carry what they stand for, take some hundred.
pub const TOKEN_BYTES: usize = 8 << 10;

/// One header of a request to Vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Its value: visible ASCII characters and spaces.
    pub value: Secret,
}

/// The headers of a request: the token, the one by which Vault's agent tells a request from one that a browser or a
/// server was tricked into (`X-Vault-Request`), and the namespace, if there is one.
///
/// # Errors
/// [`VaultError::Token`], when the token cannot be one.
pub fn headers(token: &Secret, namespace: Option<&Namespace>) -> Result<Vec<Header>, VaultError> {
    let text = token.expose();
    if text.is_empty() || text.len() > TOKEN_BYTES {
        return Err(VaultError::Token("a token of Vault takes 1 to 8192 bytes"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(VaultError::Token("a token of Vault has visible ASCII characters"));
    }
    let mut headers = vec![
        Header { name: "x-vault-token", value: token.clone() },
        Header { name: "x-vault-request", value: Secret::new("true") },
    ];
    if let Some(namespace) = namespace {
        let value = Secret::new(namespace.as_str());
        headers.push(Header { name: "x-vault-namespace", value });
    }
    Ok(headers)
}
