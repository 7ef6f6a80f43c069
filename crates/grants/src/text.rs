//! Tokens as text: a prefix by which anybody recognises one, and base64url as every library for Biscuits writes it.

use bartizan_core::redact::Secret;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::error::{GrantError, WriteError};

/// What every token begins with, so that scanners for secrets find one that was lost.
pub const PREFIX: &str = "bzt_";

/// Longest token that is looked at, in bytes of text: as much as many servers take as headers altogether.
pub const TOKEN_BYTES: usize = 8 << 10;

/// Libraries differ in whether they write padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a credential has the form of a token.
pub fn looks_like_one(credential: &Secret) -> bool {
    credential.expose().starts_with(PREFIX)
}

/// The bytes of a token.
pub(crate) fn decode(token: &Secret) -> Result<Zeroizing<Vec<u8>>, GrantError> {
    let text = token.expose();
    if text.len() > TOKEN_BYTES {
        return Err(GrantError::TooLong { limit_bytes: TOKEN_BYTES });
    }
    let text = text.strip_prefix(PREFIX).ok_or(GrantError::Prefix)?;
    BASE64.decode(text).map(Zeroizing::new).map_err(|_| GrantError::Malformed)
}

/// The token with these bytes.
pub(crate) fn encode(bytes: &[u8]) -> Result<Secret, WriteError> {
    let mut text = String::with_capacity(PREFIX.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(PREFIX);
    BASE64.encode_string(bytes, &mut text);
    let token = Secret::new(text);
    if token.expose().len() > TOKEN_BYTES {
        return Err(WriteError::TooLong { limit_bytes: TOKEN_BYTES });
    }
    Ok(token)
}
