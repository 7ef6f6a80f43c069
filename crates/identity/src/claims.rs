//! What the claims of a token mean, once its signature was found to be right.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::id::Name;
use bartizan_core::principal::{PrincipalKind, parse_qualified};
use bartizan_core::settings::{ClaimTest, Issuer};
use bartizan_core::tags::{TagError, Tags};
use bartizan_core::time::Timestamp;
use jiff::SignedDuration;
use serde_json::Value;

use crate::error::TokenError;
use crate::json::Object;

/// Microseconds of a second.
const MICROS: f64 = 1e6;

/// Whom a token is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Person or program.
    pub(crate) kind: PrincipalKind,
    /// Name without prefix.
    pub(crate) name: String,
    /// Groups of the policy, sorted.
    pub(crate) groups: Vec<Name>,
    /// What use is put down to.
    pub(crate) tags: Arc<Tags>,
    /// When the token ends, as it says.
    pub(crate) expires: Timestamp,
}

/// Whom the claims are about, if they hold now.
///
/// # Errors
/// [`TokenError`] about the first that does not.
pub(crate) fn judge(
    issuer: &Issuer,
    claims: &Object,
    now: Timestamp,
) -> Result<Caller, TokenError> {
    let expires = judge_times(issuer, claims, now)?;
    judge_audience(issuer, claims)?;
    // It is good only together with a key (RFC 7800), which nobody asks for here: whoever stole it would be taken.
    if claims.get("cnf").is_some_and(|bound| !bound.is_null()) {
        return Err(malformed("cnf", "a key that it is bound to, which cannot be proved here"));
    }
    Ok(Caller {
        kind: kind(issuer, claims),
        name: name(issuer, claims)?,
        groups: groups(issuer, claims)?,
        tags: Arc::new(tags(issuer, claims)?),
        expires,
    })
}

/// The end of a token that is valid now (RFC 7519, sections 4.1.4 to 4.1.6).
fn judge_times(issuer: &Issuer, claims: &Object, now: Timestamp) -> Result<Timestamp, TokenError> {
    let skew = signed(issuer.clock_skew);
    let expires = time(claims, "exp")?.ok_or_else(|| missing("exp"))?;
    if now.duration_since(expires) >= skew {
        return Err(TokenError::Expired);
    }
    if time(claims, "nbf")?.is_some_and(|begin| begin.duration_since(now) > skew) {
        return Err(TokenError::NotYetValid);
    }
    let made = time(claims, "iat")?;
    if made.is_some_and(|made| made.duration_since(now) > skew) {
        return Err(TokenError::IssuedInFuture);
    }
    // Of a token that does not say when it was made, what is left of it has to do.
    let life = match made {
        Some(made) => expires.duration_since(made),
        None => expires.duration_since(now).saturating_sub(skew),
    };
    if life > signed(issuer.max_age) {
        return Err(TokenError::LivesTooLong { limit: issuer.max_age });
    }
    Ok(expires)
}

/// One audience or several (RFC 7519, section 4.1.3).
fn judge_audience(issuer: &Issuer, claims: &Object) -> Result<(), TokenError> {
    let audiences = texts(claims, "aud")?.ok_or_else(|| missing("aud"))?;
    if audiences.iter().any(|audience| issuer.audiences.contains(*audience)) {
        return Ok(());
    }
    Err(TokenError::Audience)
}

/// Whether a person or a program calls. No name decides that: somebody could choose one.
fn kind(issuer: &Issuer, claims: &Object) -> PrincipalKind {
    match &issuer.program {
        Some(test) if passes(test, claims) => PrincipalKind::ServicePrincipal,
        _ => PrincipalKind::User,
    }
}

fn passes(test: &ClaimTest, claims: &Object) -> bool {
    let Some(found) = claims.get(&test.claim).filter(|found| !found.is_null()) else {
        return false;
    };
    let Some(wanted) = &test.value else { return true };
    match found {
        Value::String(found) => found == wanted,
        Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
        Value::Number(number) => number.to_string() == *wanted,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn name(issuer: &Issuer, claims: &Object) -> Result<String, TokenError> {
    let claim = &issuer.user_claim;
    let text = match claims.get(claim) {
        None => return Err(missing(claim)),
        Some(Value::String(text)) => text,
        Some(_) => return Err(malformed(claim, "no text")),
    };
    // Whoever may give any address as their own could be anybody (OIDC Core 1.0, section 5.7).
    let unverified = |verified: &Value| *verified != Value::Bool(true);
    if claim == "email" && claims.get("email_verified").is_some_and(unverified) {
        return Err(TokenError::EmailUnverified);
    }
    let refused = |what| TokenError::Name { claim: claim.clone(), what };
    match parse_qualified(text).map_err(refused)? {
        (PrincipalKind::User, name) => Ok(name.to_owned()),
        // The prefix is that of programs in policy, and no part of a name.
        (PrincipalKind::ServicePrincipal, _) => {
            Err(refused("the name of a principal does not begin with `sp:`"))
        }
    }
}

/// Groups of the policy that the token puts its caller into.
fn groups(issuer: &Issuer, claims: &Object) -> Result<Vec<Name>, TokenError> {
    let Some(claim) = &issuer.groups_claim else { return Ok(Vec::new()) };
    let claimed = listed(claims, claim)?;
    let groups = claimed.into_iter().filter_map(|group| issuer.groups.get(group)).cloned();
    Ok(groups.collect::<BTreeSet<Name>>().into_iter().collect())
}

/// What a claim lists, which has to be there.
pub(crate) fn listed<'c>(claims: &'c Object, claim: &str) -> Result<Vec<&'c str>, TokenError> {
    // Issuers leave long lists out and name a place where they can be asked for (OIDC Core 1.0,
    // section 5.6.2). Without them, limits on a group would not hold for its members.
    let elsewhere = claims.get("_claim_names").and_then(Value::as_object);
    if elsewhere.is_some_and(|names| names.contains_key(claim)) {
        return Err(malformed(claim, "not in the token, but kept elsewhere (`_claim_names`)"));
    }
    // Who leaves the claim out when asking for a token would escape what is denied to a group, and its limits.
    texts(claims, claim)?.ok_or_else(|| missing(claim))
}

/// Tags of the token. One that leaves a claim out, or has something else there, is not taken: limits count by tags,
/// and whoever asks for a token may be able to leave claims out.
fn tags(issuer: &Issuer, claims: &Object) -> Result<Tags, TokenError> {
    let mut tags = Tags::default();
    for (name, claim) in &issuer.tags {
        let value = match claims.get(claim) {
            None => return Err(missing(claim)),
            Some(Value::String(value)) => value,
            Some(_) => return Err(malformed(claim, "no text")),
        };
        tags.add(name.clone(), value).map_err(|error| match error {
            TagError::Value => malformed(claim, "no value of a tag"),
            _ => malformed(claim, "one tag too many"),
        })?;
    }
    Ok(tags)
}

/// A claim that is a text or a list of texts.
fn texts<'c>(claims: &'c Object, claim: &str) -> Result<Option<Vec<&'c str>>, TokenError> {
    let wrong = || malformed(claim, "neither a text nor a list of texts");
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(vec![text])),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().ok_or_else(wrong));
            texts.collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

/// A claim that is a time: seconds since 1970, whole or not (RFC 7519, section 2).
fn time(claims: &Object, claim: &'static str) -> Result<Option<Timestamp>, TokenError> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let time = if let Some(seconds) = value.as_i64() {
        Timestamp::from_second(seconds).ok()
    } else {
        let micros = value.as_f64().map(|seconds| (seconds * MICROS) as i64);
        micros.and_then(|micros| Timestamp::from_microsecond(micros).ok())
    };
    time.map(Some).ok_or_else(|| malformed(claim, "no time"))
}

fn missing(claim: &str) -> TokenError {
    TokenError::MissingClaim { claim: claim.to_owned() }
}

fn malformed(claim: &str, what: &'static str) -> TokenError {
    TokenError::MalformedClaim { claim: claim.to_owned(), what }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
