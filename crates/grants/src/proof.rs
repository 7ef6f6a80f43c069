//! Proofs that whoever shows a token has the key that it is bound to (`DPoP`, RFC 9449), one for each request.

use std::fmt;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::json;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::ed25519::{KeyBytes, generate_pair};
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
/// 120 MiB, when each is of another key.
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
    /// The token, which was checked; absent where one is asked for (RFC 9449, section 5).
    pub token: Option<&'a Secret>,
    /// What it is bound to; absent where one is asked for, for any key.
    pub binding: Option<&'a Binding>,
}

/// A proof that is good, as far as it goes by itself: whether it was used before has not been asked.
#[must_use = "a proof that nobody remembers can be used again"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedProof {
    thumbprint: Thumbprint,
    mark: [u8; 32],
    made: Timestamp,
}

impl CheckedProof {
    pub(crate) fn new(thumbprint: Thumbprint, id: &str, made: Timestamp) -> Self {
        // One holder cannot use up the ids of another.
        let mut hash = Context::new(&SHA256);
        hash.update(thumbprint.as_bytes());
        hash.update(id.as_bytes());
        // INVARIANT: SHA-256 has 32 bytes.
        let mark = hash.finish().as_ref().try_into().unwrap_or_default();
        Self { thumbprint, mark, made }
    }

    /// What a token is bound to that goes to whoever made the proof.
    pub const fn binding(&self) -> Binding {
        Binding::Key(self.thumbprint)
    }

    /// What to remember of it: SHA-256 of the thumbprint of its key and its id (`jti`), the same wherever it is
    /// checked. No secret.
    pub const fn mark(&self) -> &[u8; 32] {
        &self.mark
    }

    /// Until when to remember it where several gateways share what was used: none whose clock is at most
    /// [`CLOCK_SKEW`](crate::CLOCK_SKEW) behind takes it from then on.
    pub fn remember_until(&self) -> Timestamp {
        let more = PROOF_WINDOW + crate::CLOCK_SKEW + Duration::from_secs(1);
        self.made.checked_add(more).unwrap_or(Timestamp::MAX)
    }

    pub(crate) const fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// When it was made, in seconds since 1970.
    pub(crate) fn second(&self) -> i64 {
        self.made.as_second()
    }
}

/// Checks proofs, and remembers those that were used. One for a process, shared by all threads.
///
/// Each proof is good once in a process. Nothing that was made before the start is taken, so what was used before a
/// restart stays used; but a proof by a clock that is ahead may be used before its time, and if the restart lies
/// between, once more when that time comes. Other processes do not know what was used here. Where either matters, ask
/// counters that all share besides, by [`CheckedProof::mark`]:
///
/// ```text
/// let proof = Proofs::check(text, &request, now)?;
/// proofs.remember(&proof, steady)?;
/// // Then set the mark where it is absent, in one step, until `remember_until`; refuse the proof where it was there.
/// ```
#[derive(Debug)]
pub struct Proofs {
    replays: Replays,
}

impl Proofs {
    /// Remembers `capacity` proofs within two minutes, such as [`PROOFS_REMEMBERED`], of which at most 1 in 64 (and at
    /// least one) with the same key. When more come, those of the key are refused, or all, until there is room; a
    /// limit on the requests of each caller is what keeps one with many keys from taking it all.
    ///
    /// Proofs that were made before `now` are never taken. `steady` is the same moment on a clock that is never set.
    pub fn new(capacity: usize, now: Timestamp, steady: Instant) -> Self {
        Self { replays: Replays::new(capacity, now, steady) }
    }

    /// Checks a proof, and whether it was used before. Each is good once.
    ///
    /// `now` and `steady` are the same moment. Where `now` is set ahead or back, nothing becomes good a second time:
    /// times that were gone through before are refused, for as long as they are gone through again.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(
        &self,
        proof: &str,
        request: &Presented<'_>,
        now: Timestamp,
        steady: Instant,
    ) -> Result<(), ProofError> {
        // First, so that only good proofs take up room.
        self.remember(&Self::check(proof, request, now)?, steady)
    }

    /// Checks all about a proof but whether it was used before, for which [`Proofs::remember`] has to be asked.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check(
        proof: &str,
        request: &Presented<'_>,
        now: Timestamp,
    ) -> Result<CheckedProof, ProofError> {
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
            None => {}
            Some(Binding::Key(thumbprint)) if jwk.thumbprint.is(thumbprint) => {}
            Some(_) => return Err(ProofError::OtherKey),
        }
        let signature = decode(signature).ok_or(malformed("signature"))?;
        let checked = jwk.key.verify_sig(message.as_bytes(), &signature);
        checked.map_err(|_| ProofError::Signature)?;
        let claims = decode(claims).ok_or(malformed("payload"))?;
        let claims = Members::read(&claims).ok_or(malformed("payload"))?;
        let (id, made) = judge_claims(&claims, request, now)?;
        Ok(CheckedProof::new(jwk.thumbprint, &id, made))
    }

    /// Remembers that a proof is used. `steady` is now, on a clock that is never set.
    ///
    /// # Errors
    /// [`ProofError::Replayed`], [`ProofError::Forgotten`], [`ProofError::Full`] and [`ProofError::HolderFull`].
    pub fn remember(&self, proof: &CheckedProof, steady: Instant) -> Result<(), ProofError> {
        self.replays.remember(proof, steady)
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

/// The id of a proof that is for this request and of now, and when it was made.
fn judge_claims(
    claims: &Members<'_>,
    request: &Presented<'_>,
    now: Timestamp,
) -> Result<(String, Timestamp), ProofError> {
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
    if let Some(token) = request.token
        && text("ath")?.parse::<Thumbprint>() != Ok(Thumbprint::of(token.expose().as_bytes()))
    {
        return Err(ProofError::Token);
    }
    let time = claims.integer("iat").ok_or(ProofError::Member { member: "iat" })?;
    let time = Timestamp::from_second(time).map_err(|_| ProofError::Time)?;
    let window = SignedDuration::try_from(PROOF_WINDOW).unwrap_or_default();
    if now.duration_since(time).abs() > window {
        return Err(ProofError::Time);
    }
    Ok((id, time))
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
        self.proof(method, url, Some(token), now)
    }

    /// A proof for a request that asks for a token.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn prove_for_new(
        &self,
        method: &str,
        url: &str,
        now: Timestamp,
    ) -> Result<String, KeysError> {
        self.proof(method, url, None, now)
    }

    fn proof(
        &self,
        method: &str,
        url: &str,
        token: Option<&Secret>,
        now: Timestamp,
    ) -> Result<String, KeysError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| KeysError::Random)?;
        let header = format!(r#"{{"typ":"{TYPE}","alg":"EdDSA","jwk":{}}}"#, self.jwk());
        let mut claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(id),
            "htm": method,
            "htu": url.split(['?', '#']).next().unwrap_or_default(),
            "iat": now.as_second(),
        });
        if let (Some(token), Some(claims)) = (token, claims.as_object_mut()) {
            let ath = Thumbprint::of(token.expose().as_bytes()).to_string();
            claims.insert("ath".to_owned(), ath.into());
        }
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
