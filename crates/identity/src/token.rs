//! A signed token (JWS compact serialization, RFC 7515, section 7.1) taken apart. What it says is not believed
//! yet.

use bartizan_core::settings::JwtAlgorithm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::error::TokenError;
use crate::json::{self, Object};

/// Longest token that is looked at, in bytes: as much as many servers take as headers altogether.
pub const TOKEN_BYTES: usize = 8 << 10;
/// Every header begins with `{"`, and that is what these are in base64url.
const BEGIN: &str = "eyJ";

/// A token that could be one.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    signing_input: &'a str,
    signature: Vec<u8>,
    /// How it says that it is signed.
    pub(crate) algorithm: JwtAlgorithm,
    /// With which key it says that it is signed.
    pub(crate) key_id: Option<String>,
    /// What it says. Nobody has checked who says so.
    pub(crate) claims: Object,
}

impl<'a> Token<'a> {
    /// Whether a credential has the form of a token.
    pub(crate) fn looks_like_one(text: &str) -> bool {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        text.starts_with(BEGIN)
            && text.split('.').count() == 3
            && text.split('.').all(|part| part.bytes().all(letter))
    }

    /// Takes a token apart.
    ///
    /// # Errors
    /// [`TokenError`] about its form or its header.
    pub(crate) fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > TOKEN_BYTES {
            return Err(TokenError::TooLong { limit_bytes: TOKEN_BYTES });
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(TokenError::Parts)?;
        let (header, claims) = signing_input.split_once('.').ok_or(TokenError::Parts)?;
        if claims.contains('.') {
            return Err(TokenError::Parts);
        }
        let (algorithm, key_id) = judge_header(&object("header", header)?)?;
        let claims = object("payload", claims)?;
        let signature = decode("signature", signature)?;
        Ok(Self { signing_input, signature, algorithm, key_id, claims })
    }

    /// Bytes that were signed.
    pub(crate) fn message(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// What is said to be the signature.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The first 16 hex digits of the SHA-256 of what was signed: enough to find a token in a log. The
    /// signature is left out: for ECDSA, everybody can make a second one from the first.
    pub(crate) fn id(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.message());
        let first = digest.as_ref().first_chunk().copied().unwrap_or_default();
        format!("{:016x}", u64::from_be_bytes(first))
    }
}

/// Algorithm and key of a token. All other members are ignored, above all those that bring a key along.
fn judge_header(header: &Object) -> Result<(JwtAlgorithm, Option<String>), TokenError> {
    // Whoever does not know an extension has to refuse it, and none is known (RFC 7515, section 4.1.11).
    if header.contains_key("crit") {
        return Err(TokenError::Critical);
    }
    if let Some(kind) = text(header, "typ")? {
        let kind = kind.to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        // ID tokens and most access tokens are `JWT`; RFC 9068, section 2.1, has the other.
        if !matches!(kind, "jwt" | "at+jwt") {
            return Err(TokenError::Type);
        }
    }
    let algorithm = text(header, "alg")?.and_then(JwtAlgorithm::from_name);
    let algorithm = algorithm.ok_or(TokenError::Algorithm)?;
    Ok((algorithm, text(header, "kid")?.map(str::to_owned)))
}

fn text<'h>(header: &'h Object, member: &'static str) -> Result<Option<&'h str>, TokenError> {
    match header.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::Header { member }),
    }
}

fn object(part: &'static str, text: &str) -> Result<Object, TokenError> {
    json::object(&decode(part, text)?).map_err(|source| TokenError::Json { part, source })
}

/// Bits behind the last byte have to be zero, so that there is one text only for the same bytes.
fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Base64 { part })
}
