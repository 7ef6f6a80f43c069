//! An issuer, a holder, and the same token in the hands of the reference implementation.

use std::time::{Duration, SystemTime};

use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use biscuit_auth::builder::{Algorithm, BlockBuilder, Fact, Term, date, fact, int, string};
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits, Biscuit, KeyPair, PrivateKey};

use crate::{
    Authority, GrantError, HostPatterns, MintRequest, NamePatterns, PREFIX, ProofKey, Reach,
    SigningKeys, Verified,
};

/// The secret of the issuer.
const SEED: [u8; 32] = [7; 32];

pub(super) fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

pub(super) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

pub(super) fn keys() -> SigningKeys {
    SigningKeys::from_seed(SEED)
}

pub(super) fn authority() -> Authority {
    Authority::new(keys())
}

pub(super) fn request(reach: Reach) -> MintRequest {
    MintRequest {
        kind: PrincipalKind::User,
        name: "alice@example.com".to_owned(),
        groups: vec!["staff".parse().unwrap(), "analysts".parse().unwrap()],
        tags: std::sync::Arc::default(),
        session: None,
        origin: "key-7f3a".parse().unwrap(),
        binding: ProofKey::generate().unwrap().binding(),
        reach,
        lifetime: Duration::from_secs(600),
    }
}

pub(super) fn mint(reach: Reach) -> Secret {
    authority().mint(request(reach), now()).unwrap().0
}

pub(super) fn verify(token: &Secret) -> Result<Verified, GrantError> {
    authority().verify(token, now())
}

/// A reach with a limit of each kind.
pub(super) fn reach() -> Reach {
    Reach {
        endpoints: Some(["chat", "embed"].map(|name| name.parse().unwrap()).into()),
        tools: Some(names(&["search", "github.*"])),
        tables: Some(names(&["sales.orders", "hr.*"])),
        hosts: Some(hosts(&["example.org", "*.corp.example"])),
        budget: crate::Budget {
            tokens: Some(100_000),
            cost: Some(bartizan_core::money::NanoUsd(5_000_000_000)),
        },
    }
}

pub(super) fn names(names: &[&str]) -> NamePatterns {
    NamePatterns::new(names.iter().copied()).unwrap()
}

pub(super) fn hosts(hosts: &[&str]) -> HostPatterns {
    HostPatterns::new(hosts.iter().copied()).unwrap()
}

pub(super) fn bytes(token: &Secret) -> Vec<u8> {
    URL_SAFE.decode(token.expose().strip_prefix(PREFIX).unwrap()).unwrap()
}

pub(super) fn token(bytes: &[u8]) -> Secret {
    Secret::new(format!("{PREFIX}{}", URL_SAFE.encode(bytes)))
}

/// The key of the issuer, for the reference implementation.
pub(super) fn root() -> KeyPair {
    KeyPair::from(&PrivateKey::from_bytes(&SEED, Algorithm::Ed25519).unwrap())
}

/// A token as the reference implementation reads it.
pub(super) fn foreign(token: &Secret) -> Result<Biscuit, biscuit_auth::error::Token> {
    Biscuit::from(bytes(token), root().public())
}

/// A token that the reference implementation narrowed by a block of Datalog.
pub(super) fn append(token: &Secret, datalog: &str) -> Secret {
    let block = BlockBuilder::new().code(datalog).unwrap();
    self::token(&foreign(token).unwrap().append(block).unwrap().to_vec().unwrap())
}

/// What a request is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) endpoint: Option<String>,
    pub(super) tool: Option<String>,
    pub(super) table: Option<String>,
    pub(super) host: Option<String>,
    pub(super) tokens: Option<u64>,
    pub(super) cost: Option<u64>,
    /// Seconds after the token was made.
    pub(super) second: i64,
}

impl Asked {
    /// Whether a token opens it, by our own account.
    pub(super) fn is_open(&self, token: &Secret) -> bool {
        let Ok(verified) = authority().verify(token, after(self.second)) else { return false };
        let reach = &verified.grant().reach;
        let within = |used: Option<u64>, most: Option<u64>| match (used, most) {
            (Some(used), Some(most)) => used <= most,
            _ => true,
        };
        self.endpoint.as_ref().is_none_or(|name| reach.opens_endpoint(&name.parse().unwrap()))
            && self.tool.as_ref().is_none_or(|name| reach.opens_tool(name))
            && self.table.as_ref().is_none_or(|name| reach.opens_table(name))
            && self.host.as_ref().is_none_or(|name| reach.opens_host(name))
            && within(self.tokens, reach.budget.tokens)
            && within(self.cost, reach.budget.cost.map(|cost| cost.0))
    }

    /// Whether a token opens it, by the account of the reference implementation.
    pub(super) fn is_open_there(&self, token: &Secret) -> bool {
        let Ok(token) = foreign(token) else { return false };
        let text = |name: &Option<String>| name.as_ref().map(|name| string(name));
        let number = |value: Option<u64>| value.map(|value| int(i64::try_from(value).unwrap()));
        let facts: Vec<Fact> = [
            ("endpoint", text(&self.endpoint)),
            ("tool", text(&self.tool)),
            ("table", text(&self.table)),
            ("host", text(&self.host)),
            ("tokens", number(self.tokens)),
            ("nano_usd", number(self.cost)),
        ]
        .into_iter()
        .map(|(of, value): (&str, Option<Term>)| match value {
            Some(value) => fact(of, &[value]),
            None => fact("without", &[string(of)]),
        })
        .collect();
        let second = u64::try_from(after(self.second).as_second()).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let mut authorizer = AuthorizerBuilder::new()
            .set_limits(AuthorizerLimits {
                max_time: Duration::from_secs(10),
                ..Default::default()
            })
            .fact(fact("time", &[date(&time)]))
            .unwrap();
        for fact in facts {
            authorizer = authorizer.fact(fact).unwrap();
        }
        let authorizer = authorizer.policy("allow if true").unwrap();
        authorizer.build(&token).and_then(|mut authorizer| authorizer.authorize()).is_ok()
    }
}
