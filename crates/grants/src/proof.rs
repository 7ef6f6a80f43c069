//! Proofs that whoever shows a token has the key that it is bound to (`DPoP`, RFC 9449), one for each request.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::json;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::container::{KeyBytes, generate_pair};
use crate::error::{KeysError, ProofError};
use crate::grant::{Binding, Thumbprint};
use crate::json::Members;
use crate::jwk::{Algorithm, Jwk, ed25519_text};
use crate::replay::Replays;

/// How far the time of a proof may be from now, in both directions.
pub const PROOF_WINDOW: Duration = Duration::from_secs(60);

/// Longest proof that is looked at, in bytes of text.
pub const PROOF_BYTES: usize = 4 << 10;

/// How many proofs are remembered in two minutes where nothing else is said, for as many requests; up to some
/// 36 MiB.
pub const PROOFS_REMEMBERED: usize = 1 << 20;

/// Longest id of a proof, in bytes.
const MAX_ID_BYTES: usize = 128;

/// What a proof says that it is.
const TYPE: &str = "dpop+jwt";

/// A request that came with a token and a proof.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// Method of the request, as it came.
    pub method: &'a str,
    /// Where callers know the request to go, with scheme and host, so the outer address where a proxy stands
    /// in front.
    pub url: &'a str,
    /// The token, which was checked.
    pub token: &'a Secret,
    /// What it is bound to.
    pub binding: &'a Binding,
}

/// Checks proofs, and remembers those that were used. One for a process, shared by all threads.
#[derive(Debug)]
pub struct Proofs {
    replays: Replays,
}

impl Proofs {
    /// Remembers `capacity` proofs within two minutes, such as [`PROOFS_REMEMBERED`]. When more come, all are
    /// refused until there is room; a limit on the requests of each caller is what keeps one from taking it all.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn new(capacity: usize) -> Result<Self, KeysError> {
        Ok(Self { replays: Replays::new(capacity).map_err(|_| KeysError::Random)? })
    }

    /// Checks a proof. Each is good once.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(
        &self,
        proof: &str,
        request: &Presented<'_>,
        now: Timestamp,
    ) -> Result<(), ProofError> {
        if proof.len() > PROOF_BYTES {
            return Err(ProofError::TooLong { limit_bytes: PROOF_BYTES });
        }
        let malformed = |part| ProofError::Malformed { part };
        let (message, signature) = proof.rsplit_once('.').ok_or(malformed("text"))?;
        let (header, claims) = message.split_once('.').ok_or(malformed("text"))?;
        let header = decode(header).ok_or(malformed("header"))?;
        let header = Members::read(&header).ok_or(malformed("header"))?;
        let jwk = judge_header(&header)?;
        match request.binding {
            Binding::Key(thumbprint) if jwk.thumbprint.is(thumbprint) => {}
            _ => return Err(ProofError::OtherKey),
        }
        let signature = decode(signature).ok_or(malformed("signature"))?;
        let checked = jwk.key.verify_sig(message.as_bytes(), &signature);
        checked.map_err(|_| ProofError::Signature)?;
        let claims = decode(claims).ok_or(malformed("payload"))?;
        let claims = Members::read(&claims).ok_or(malformed("payload"))?;
        let id = judge_claims(&claims, request, now)?;
        // Last, so that only good proofs take up room.
        self.replays.remember(&jwk.thumbprint, &id, now)
    }
}

/// The key of a proof.
fn judge_header(header: &Members<'_>) -> Result<Jwk, ProofError> {
    // Whoever does not know an extension has to refuse it, and none is known (RFC 7515, section 4.1.11).
    if header.has("crit") {
        return Err(ProofError::Critical);
    }
    if header.text("typ").as_deref() != Some(TYPE) {
        return Err(ProofError::Type);
    }
    let algorithm = header.text("alg").and_then(|name| Algorithm::from_name(&name));
    let algorithm = algorithm.ok_or(ProofError::Algorithm)?;
    let jwk = header.object("jwk").ok_or(ProofError::Member { member: "jwk" })?;
    let jwk = Jwk::read(&jwk)?;
    if jwk.algorithm == algorithm { Ok(jwk) } else { Err(ProofError::Algorithm) }
}

/// The id of a proof that is for this request and of now.
fn judge_claims(
    claims: &Members<'_>,
    request: &Presented<'_>,
    now: Timestamp,
) -> Result<String, ProofError> {
    let text = |member| claims.text(member).ok_or(ProofError::Member { member });
    let id = text("jti")?;
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(ProofError::Member { member: "jti" });
    }
    // Methods are case-sensitive (RFC 9110, section 9.1).
    if text("htm")? != request.method {
        return Err(ProofError::Method);
    }
    let meant = Address::read(&text("htu")?).ok_or(ProofError::Url)?;
    if Address::read(request.url).as_ref() != Some(&meant) {
        return Err(ProofError::Url);
    }
    if text("ath")?.parse::<Thumbprint>() != Ok(Thumbprint::of(request.token.expose().as_bytes())) {
        return Err(ProofError::Token);
    }
    let time = claims.integer("iat").ok_or(ProofError::Member { member: "iat" })?;
    let time = Timestamp::from_second(time).map_err(|_| ProofError::Time)?;
    let window = SignedDuration::try_from(PROOF_WINDOW).unwrap_or_default();
    if now.duration_since(time).abs() > window {
        return Err(ProofError::Time);
    }
    Ok(id)
}

/// Bits behind the last byte have to be zero, so that there is one text only for the same bytes.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A key of a holder (Ed25519), for programs that call Bartizan.
pub struct ProofKey {
    seed: Zeroizing<KeyBytes>,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProofKey").field(self.binding().thumbprint()).finish()
    }
}

impl ProofKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn generate() -> Result<Self, KeysError> {
        let (seed, pair) = generate_pair().ok_or(KeysError::Random)?;
        Ok(Self { seed, pair })
    }

    /// Reads what [`ProofKey::secret`] wrote.
    ///
    /// # Errors
    /// [`KeysError::Format`].
    pub fn from_secret(secret: &Secret) -> Result<Self, KeysError> {
        let wrong = || KeysError::Format { what: "a key is 32 bytes in base64url without padding" };
        let bytes = Zeroizing::new(decode(secret.expose()).ok_or_else(wrong)?);
        let seed: KeyBytes = bytes.as_slice().try_into().map_err(|_| wrong())?;
        let seed = Zeroizing::new(seed);
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| wrong())?;
        Ok(Self { seed, pair })
    }

    /// The secret, to be kept in a private file: 32 bytes in base64url without padding.
    pub fn secret(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(*self.seed))
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self) -> String {
        ed25519_text(self.pair.public_key().as_ref())
    }

    /// The binding of tokens that are for this key.
    pub fn binding(&self) -> Binding {
        Binding::Key(Thumbprint::of(self.jwk().as_bytes()))
    }

    /// A proof for one request with a token.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn prove(
        &self,
        method: &str,
        url: &str,
        token: &Secret,
        now: Timestamp,
    ) -> Result<String, KeysError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| KeysError::Random)?;
        let header = format!(r#"{{"typ":"{TYPE}","alg":"EdDSA","jwk":{}}}"#, self.jwk());
        let claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(id),
            "htm": method,
            "htu": url.split(['?', '#']).next().unwrap_or_default(),
            "iat": now.as_second(),
            "ath": Thumbprint::of(token.expose().as_bytes()).to_string(),
        });
        Ok(self.sign(&header, &claims.to_string()))
    }

    /// A signed text, whatever it says.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
