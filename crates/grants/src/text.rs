//! Tokens as text: a prefix by which anybody recognises one, and base64url as every library for Biscuits writes it.

use bartizan_core::redact::Secret;
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::error::{GrantError, WriteError};

/// What every token begins with, so that scanners for secrets find one that was lost.
pub const PREFIX: &str = "bzt_";

/// Longest token that is looked at, in bytes of text: as much as many servers take as headers altogether.
pub const TOKEN_BYTES: usize = 8 << 10;

/// Without padding, as some libraries write it.
const BARE: GeneralPurpose = URL_SAFE_NO_PAD;
/// With all of it, as others do and as it is written here.
const PADDED: GeneralPurpose = URL_SAFE;

/// Whether a credential has the form of a token.
pub fn looks_like_one(credential: &Secret) -> bool {
    credential.expose().starts_with(PREFIX)
}

/// The bytes of a token. The same bytes have two spellings at most: with all padding, and with none. Others are
/// refused, and so are bits behind the last byte.
pub(crate) fn decode(token: &Secret) -> Result<Zeroizing<Vec<u8>>, GrantError> {
    let text = token.expose();
    if text.len() > TOKEN_BYTES {
        return Err(GrantError::TooLong { limit_bytes: TOKEN_BYTES });
    }
    let text = text.strip_prefix(PREFIX).ok_or(GrantError::Prefix)?;
    let spelling = if text.ends_with('=') { &PADDED } else { &BARE };
    spelling.decode(text).map(Zeroizing::new).map_err(|_| GrantError::Malformed)
}

/// The token with these bytes.
pub(crate) fn encode(bytes: &[u8]) -> Result<Secret, WriteError> {
    let mut text = String::with_capacity(PREFIX.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(PREFIX);
    PADDED.encode_string(bytes, &mut text);
    let token = Secret::new(text);
    if token.expose().len() > TOKEN_BYTES {
        return Err(WriteError::TooLong { limit_bytes: TOKEN_BYTES });
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_spelling_with_padding_and_one_without() {
        let decode = |text: &str| decode(&Secret::new(format!("{PREFIX}{text}")));
        for (bytes, spellings) in [
            (&b"\xfb"[..], ["-w==", "-w"]),
            (b"\xfb\xff", ["-_8=", "-_8"]),
            (b"\xfb\xff\xfe", ["-__-", "-__-"]),
        ] {
            assert_eq!(encode(bytes).unwrap().expose(), format!("{PREFIX}{}", spellings[0]));
            for spelling in spellings {
                assert_eq!(decode(spelling).unwrap().as_slice(), bytes, "{spelling}");
            }
        }
        for wrong in [
            "-w=", "-w===", "-_8==", "-__-=", "-__-====", "-x==", "-x", "-_9", "-_9=", "+w==",
            "-w\n", " -w", "-w==-w==", "=", "====", "-",
        ] {
            assert_eq!(decode(wrong).unwrap_err(), GrantError::Malformed, "{wrong}");
        }
    }
}
