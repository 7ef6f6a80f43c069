//! Short tokens: made of a key or of a token of an issuer (RFC 8693), bound to a key of whoever asks, and taken in
//! place of it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bartizan_core::access::{
    Allowance, Exchanged, Identity, Presented, Scope, TokenBounds, Unrecognised,
};
use bartizan_core::error::{Class, Coded};
use bartizan_core::money::NanoUsd;
use bartizan_core::settings::Tokens as Settings;
use bartizan_core::{Name, Principal, PrincipalKind, Secret, time};
use bartizan_grants::{
    Authority as Issuer, Binding, Budget, Grant, MintRequest, Origin, PROOFS_REMEMBERED,
    ProofError, Proofs, Reach, SigningKeys, Verified,
};
use bartizan_store::KeyIndex;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::uri::Authority;
use serde::Deserialize;

/// File of the keys that sign, in the data folder.
const KEYS_FILE: &str = "token-keys.json";
/// What is asked for (RFC 8693, section 2.1).
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What comes back (RFC 8693, section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Words that `scope` may begin with.
const SCOPES: &str = "`endpoint:`, `tokens:` or `usd:`";
/// How origins of tokens of issuers begin; ids of keys have no colon.
const ISSUER: &str = "issuer:";

/// Makes tokens and takes them.
pub(crate) struct Tokens {
    authority: Issuer,
    proofs: Proofs,
    lifetime: Duration,
    origins: Vec<String>,
}

/// The members of a form that count.
#[derive(Debug, Deserialize)]
struct Form {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    subject_token: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    requested_token_type: Option<String>,
    #[serde(default)]
    actor_token: Option<String>,
    /// Seconds; not of the standard.
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Tokens {
    /// Reads the keys that sign, or makes them.
    pub(crate) fn open(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        let path = settings.keys.clone().unwrap_or_else(|| data_dir.join(KEYS_FILE));
        let keys = SigningKeys::load_or_make(&path)
            .with_context(|| format!("no keys for tokens in `{}`", path.display()))?;
        Ok(Self {
            authority: Issuer::new(keys),
            proofs: Proofs::new(PROOFS_REMEMBERED, time::now(), Instant::now()),
            lifetime: settings.lifetime,
            origins: settings.origins.clone(),
        })
    }

    /// Whoever shows a token, with the proof that it is theirs.
    pub(crate) fn identify(
        &self,
        request: &Presented<'_>,
        keys: &KeyIndex,
        still_counts: impl FnOnce(&str) -> bool,
    ) -> Result<Identity, Unrecognised> {
        let now = time::now();
        let verified = self.authority.verify(request.credential, now).map_err(|e| refused(&e))?;
        let holder = verified.grant().principal().qualified();
        // From here on it is beyond doubt whose it is.
        self.admit(request, verified, keys, still_counts).map_err(|why| of(holder, why))
    }

    /// Whether a token that was verified counts for this request, now.
    fn admit(
        &self,
        request: &Presented<'_>,
        verified: Verified,
        keys: &KeyIndex,
        still_counts: impl FnOnce(&str) -> bool,
    ) -> Result<Identity, Unrecognised> {
        let now = time::now();
        let grant = verified.grant();
        let Reach { tools, tables, hosts, .. } = &grant.reach;
        if tools.is_some() || tables.is_some() || hosts.is_some() {
            return Err(unbound(
                "the token is narrowed to tools, tables or hosts, which nothing here enforces",
            ));
        }
        let proof = match &grant.binding {
            Binding::Certificate(_) => {
                let shows = |der| grant.binding.is_certificate(der);
                if !request.certificate.is_some_and(shows) {
                    return Err(unbound("the token is for a client with another certificate"));
                }
                None
            }
            binding @ Binding::Key(_) => {
                Some(self.proof(request, Some(request.credential), Some(binding))?.1)
            }
        };
        let origin = grant.origin.as_str();
        // A token ends with the key that it was made of, and with the word of an issuer.
        match origin.strip_prefix(ISSUER) {
            Some(issuer) if !still_counts(issuer) => {
                return Err(unbound(
                    "the issuer of the token that this one was made of counts no more",
                ));
            }
            None if !keys.works(origin, now)? => {
                return Err(unbound("the key that the token was made of has ended"));
            }
            _ => {}
        }
        if keys.has_ended(&grant.session.to_string())? {
            return Err(unbound("the session of the token was ended"));
        }
        let allowances = verified.allowances().iter().map(|allowance| Allowance {
            id: allowance.block.to_string(),
            tokens: allowance.budget.tokens,
            nano_usd: allowance.budget.cost.map(|cost| cost.0),
        });
        let allowances = allowances.collect();
        let Grant { kind, name, groups, tags, session, reach, .. } = verified.into_grant();
        Ok(Identity {
            key_id: format!("session:{session}"),
            kind,
            name,
            groups,
            tags,
            scope: Scope::Client,
            endpoints: reach.endpoints.map(|only| only.into_iter().collect()),
            expires: None,
            token: Some(Arc::new(TokenBounds { allowances, proof })),
        })
    }

    /// The credential in a form of an exchange.
    pub(crate) fn subject(form: &[u8]) -> Option<Secret> {
        let form: Form = serde_urlencoded::from_bytes(form).ok()?;
        Some(Secret::new(form.subject_token))
    }

    /// Makes a token of a credential that somebody recognises.
    pub(crate) fn exchange(
        &self,
        request: &Presented<'_>,
        form: &[u8],
        recognise: impl FnOnce(&Secret) -> Result<Identity, Unrecognised>,
    ) -> Result<Exchanged, Unrecognised> {
        let form: Form = serde_urlencoded::from_bytes(form).map_err(|_| {
            wrong("the body is not a form of RFC 6749 (application/x-www-form-urlencoded)")
        })?;
        if form.grant_type != GRANT_TYPE {
            return Err(wrong(format!("`grant_type` has to be `{GRANT_TYPE}`")));
        }
        if form.requested_token_type.as_deref().is_some_and(|wanted| wanted != ACCESS_TOKEN) {
            return Err(wrong(format!("`requested_token_type` can be `{ACCESS_TOKEN}` alone")));
        }
        if form.actor_token.is_some() {
            return Err(wrong(
                "`actor_token` is not taken: narrow a token for whoever acts for you",
            ));
        }
        let subject = Secret::new(form.subject_token);
        if subject.expose().is_empty() {
            return Err(wrong("`subject_token` is missing: a client key, or a token of an issuer"));
        }
        // One that could be exchanged for another would never end.
        if bartizan_grants::looks_like_one(&subject) {
            return Err(wrong(
                "a short token is made of a key or of a token of an issuer, not of another",
            ));
        }
        let identity = recognise(&subject)?;
        if identity.scope != Scope::Client {
            return Err(denied("this key manages Bartizan and does not call models"));
        }
        let binding = match (request.proof, request.certificate) {
            (Some(_), _) => self.proof(request, None, None)?.0,
            (None, Some(certificate)) => Binding::of_certificate(certificate),
            (None, None) => {
                return Err(wrong(
                    "a token is bound to a key: send a proof of it in the header `DPoP` (RFC 9449)",
                ));
            }
        };
        let reach = reach(&form.scope, identity.endpoints.as_deref())?;
        let asked = form.expires_in.map_or(self.lifetime, Duration::from_secs);
        let mut lifetime = asked.min(self.lifetime);
        if let Some(expires) = identity.expires {
            // Its own words, without the leave that clocks are given: what is over by them is not made longer.
            let left = Duration::try_from(expires.duration_since(time::now())).unwrap_or_default();
            lifetime = lifetime.min(left);
        }
        let minted = self.authority.mint(
            MintRequest {
                kind: identity.kind,
                name: identity.name.clone(),
                groups: identity.groups,
                tags: identity.tags,
                session: None,
                origin: origin(&identity.key_id)?,
                binding,
                reach,
                lifetime,
            },
            time::now(),
        );
        let (token, grant) = minted.map_err(|error| refused(&error))?;
        let lasts = grant.expires.duration_since(grant.issued).as_secs();
        let body = serde_json::json!({
            "access_token": token.expose(),
            "issued_token_type": ACCESS_TOKEN,
            "token_type": if matches!(binding, Binding::Key(_)) { "DPoP" } else { "Bearer" },
            "expires_in": lasts,
            "session": grant.session,
        });
        let principal = principal(identity.kind, identity.name);
        let detail = format!("session:{} of {}", grant.session, identity.key_id);
        Ok(Exchanged { principal, detail, body: body.to_string() })
    }

    /// Checks the proof of a request, which is good once: the key that it is by, and what stands for it.
    fn proof(
        &self,
        request: &Presented<'_>,
        token: Option<&Secret>,
        binding: Option<&Binding>,
    ) -> Result<(Binding, String), Unrecognised> {
        let Some(proof) = request.proof else {
            return Err(unbound(
                "a token needs a proof of the key that it is bound to, in the header `DPoP` (RFC 9449)",
            ));
        };
        let scheme = if request.is_encrypted { "https" } else { "http" };
        // Where the policy names no address, only this machine: a caller can name any other as it likes, and whoever
        // was shown a proof for another server could bring it here.
        let is_here = is_here(request.authority);
        let own = is_here.then(|| format!("{scheme}://{}", request.authority));
        let origins = if self.origins.is_empty() { own.as_slice() } else { &self.origins };
        let mut found = Err(ProofError::Url);
        for origin in origins {
            let url = format!("{origin}{}", request.path);
            let presented =
                bartizan_grants::Presented { method: request.method, url: &url, token, binding };
            found = Proofs::check(proof, &presented, time::now());
            if !matches!(found, Err(ProofError::Url)) {
                break;
            }
        }
        let checked = found.map_err(|error| refused(&error))?;
        self.proofs.remember(&checked, Instant::now()).map_err(|error| refused(&error))?;
        let mark = URL_SAFE_NO_PAD.encode(checked.mark());
        Ok((checked.binding(), mark))
    }
}

/// Whether host and port are of this machine.
fn is_here(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What a token is asked to open: no more than the credential that it is made of.
fn reach(scope: &str, endpoints: Option<&[Name]>) -> Result<Reach, Unrecognised> {
    let mut only = Vec::new();
    let mut budget = Budget::default();
    for word in scope.split_ascii_whitespace() {
        let wrong_word =
            || wrong(format!("a word of `scope` makes no sense; it begins with {SCOPES}"));
        let (of, what) = word.split_once(':').ok_or_else(wrong_word)?;
        match of {
            "endpoint" => only.push(what.parse::<Name>().map_err(|_| wrong_word())?),
            "tokens" => budget.tokens = Some(what.parse().map_err(|_| wrong_word())?),
            "usd" => budget.cost = Some(what.parse::<NanoUsd>().map_err(|_| wrong_word())?),
            // What nothing enforces would only look like protection.
            "tool" | "table" | "host" => {
                return Err(wrong(format!("nothing here enforces `{of}:` yet; leave it out")));
            }
            _ => return Err(wrong_word()),
        }
    }
    if let Some(opens) = endpoints {
        if only.iter().any(|name| !opens.contains(name)) {
            return Err(denied("the key does not open an endpoint of `scope`"));
        }
        if only.is_empty() {
            only = opens.to_vec();
        }
    }
    let endpoints = (!only.is_empty()).then(|| only.into_iter().collect());
    Ok(Reach { endpoints, budget, ..Reach::default() })
}

/// What a token is made of: the id of a key, or the issuer of a token.
fn origin(key_id: &str) -> Result<Origin, Unrecognised> {
    let text = match key_id.split_once(':') {
        Some((issuer, _)) => format!("{ISSUER}{issuer}"),
        None => key_id.to_owned(),
    };
    text.parse().map_err(wrong)
}

fn principal(kind: PrincipalKind, name: String) -> String {
    Principal { kind, name, groups: Vec::new() }.qualified()
}

fn refused(error: &impl Coded) -> Unrecognised {
    token(error.code(), error.class(), error.to_string())
}

fn wrong(message: impl Into<String>) -> Unrecognised {
    token("bartizan::tokens::request", Class::Usage, message)
}

fn denied(message: impl Into<String>) -> Unrecognised {
    token("bartizan::tokens::denied", Class::Denied, message)
}

fn unbound(message: impl Into<String>) -> Unrecognised {
    token("bartizan::tokens::unbound", Class::Unauthenticated, message)
}

fn token(code: &'static str, class: Class, message: impl Into<String>) -> Unrecognised {
    Unrecognised::Token { code, class, message: message.into(), may_wait: false, holder: None }
}

/// Says whose token was refused.
fn of(whose: String, why: Unrecognised) -> Unrecognised {
    match why {
        Unrecognised::Token { code, class, message, may_wait, .. } => {
            Unrecognised::Token { code, class, message, may_wait, holder: Some(whose) }
        }
        other => other,
    }
}
