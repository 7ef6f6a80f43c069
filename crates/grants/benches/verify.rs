//! Speed of checking a token from its text to what it opens, and of what goes with it. The token has a limit of each
//! kind, two groups and 19 names; each block that narrows it has two limits.
//!
//! `cargo bench -p bartizan-grants --bench verify`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

use std::time::{Duration, Instant};

use bartizan_core::money::NanoUsd;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_core::time::{self, Timestamp};
use bartizan_grants::{
    Authority, Budget, HostPatterns, MintRequest, NamePatterns, Narrowing, PREFIX, Presented,
    ProofKey, Proofs, Reach, Revocations, SigningKeys, narrow,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::builder::Algorithm;
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits, Biscuit, PublicKey};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// Signatures, blocks and times, for a token of so many blocks.
#[divan::bench(args = [1, 2, 4, 16])]
fn verify(bencher: Bencher<'_, '_>, blocks: usize) {
    let issuer = Issuer::new();
    let token = issuer.token(blocks);
    issuer.authority.verify(&token, issuer.now).unwrap();
    bencher.bench_local(|| issuer.authority.verify(black_box(&token), issuer.now).is_ok());
}

/// The same tokens in the reference implementation: signatures, blocks, and one evaluation for a request.
#[divan::bench(args = [1, 2, 4, 16])]
fn reference(bencher: Bencher<'_, '_>, blocks: usize) {
    let issuer = Issuer::new();
    let text = issuer.token(blocks);
    let text = text.expose().strip_prefix(PREFIX).unwrap();
    let jwks: serde_json::Value =
        serde_json::from_str(&issuer.authority.public().to_jwks(issuer.now)).unwrap();
    let root = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
    let root = PublicKey::from_bytes(&root, Algorithm::Ed25519).unwrap();
    let request = format!(
        r#"time({}); endpoint("chat"); tool("search"); without("table"); without("host");
           tokens(1); nano_usd(1); allow if true;"#,
        issuer.now
    );
    let limits = AuthorizerLimits { max_time: Duration::from_secs(10), ..Default::default() };
    let request = AuthorizerBuilder::new().code(request).unwrap().set_limits(limits);
    bencher.bench_local(|| {
        let token = Biscuit::from_base64(black_box(text), root).unwrap();
        request.clone().build(&token).unwrap().authorize().unwrap()
    });
}

/// What a flood of tokens that were revoked costs.
#[divan::bench]
fn revoked(bencher: Bencher<'_, '_>) {
    let issuer = Issuer::new();
    let token = issuer.token(2);
    let mut revocations = Revocations::default();
    let first = issuer.authority.verify(&token, issuer.now).unwrap().blocks().first().copied();
    revocations.revoke(first.unwrap(), issuer.now, issuer.now).unwrap();
    bencher.bench_local(|| {
        issuer.authority.verify_unless_revoked(black_box(&token), &revocations, issuer.now).is_err()
    });
}

/// What a flood of tokens of somebody else costs.
#[divan::bench]
fn unknown_key(bencher: Bencher<'_, '_>) {
    let issuer = Issuer::new();
    let token = Issuer::new().token(2);
    bencher.bench_local(|| issuer.authority.verify(black_box(&token), issuer.now).is_err());
}

#[divan::bench]
fn mint(bencher: Bencher<'_, '_>) {
    let issuer = Issuer::new();
    bencher.bench_local(|| issuer.token(1));
}

/// One block more, for a token of so many.
#[divan::bench(args = [1, 15])]
fn narrow_once(bencher: Bencher<'_, '_>, blocks: usize) {
    let token = Issuer::new().token(blocks);
    let narrowing = narrowing();
    bencher.bench_local(|| narrow(black_box(&token), &narrowing).is_ok());
}

/// A proof by Ed25519; each is made for the purpose, and that is not counted.
#[divan::bench(sample_count = 1000, sample_size = 1)]
fn proof(bencher: Bencher<'_, '_>) {
    const URL: &str = "https://gate.example/v1/chat/completions";
    let issuer = Issuer::new();
    let token = issuer.token(2);
    let binding = issuer.key.binding();
    // Room for all of them, though they are of one key.
    let steady = Instant::now();
    let proofs = Proofs::new(1 << 20, issuer.now - Duration::from_secs(1), steady);
    let request =
        Presented { method: "POST", url: URL, token: Some(&token), binding: Some(&binding) };
    bencher
        .with_inputs(|| issuer.key.prove("POST", URL, &token, issuer.now).unwrap())
        .bench_local_refs(|proof| proofs.verify(proof, &request, issuer.now, steady).unwrap());
}

struct Issuer {
    authority: Authority,
    key: ProofKey,
    now: Timestamp,
}

impl Issuer {
    fn new() -> Self {
        let authority = Authority::new(SigningKeys::generate().unwrap());
        Self { authority, key: ProofKey::generate().unwrap(), now: time::now() }
    }

    fn token(&self, blocks: usize) -> Secret {
        let request = MintRequest {
            kind: PrincipalKind::User,
            name: "alice@example.com".to_owned(),
            groups: vec!["staff".parse().unwrap(), "analysts".parse().unwrap()],
            tags: std::sync::Arc::default(),
            session: None,
            origin: "key-7f3a".parse().unwrap(),
            binding: self.key.binding(),
            reach: reach(),
            lifetime: Duration::from_secs(900),
        };
        let (mut token, _) = self.authority.mint(request, self.now).unwrap();
        for _ in 1..blocks {
            token = narrow(&token, &narrowing()).unwrap();
        }
        token
    }
}

fn reach() -> Reach {
    let names = |names: &[&str]| NamePatterns::new(names.iter().copied()).unwrap();
    Reach {
        endpoints: Some(["chat", "embed", "rank"].map(|name| name.parse().unwrap()).into()),
        tools: Some(names(&["search", "fetch", "github.*", "mail.read", "mail.draft", "files.*"])),
        tables: Some(names(&["sales.orders", "sales.items", "hr.*", "ops.tickets"])),
        hosts: Some(
            HostPatterns::new(["example.org", "api.example.org", "*.corp.example"]).unwrap(),
        ),
        budget: Budget { tokens: Some(1_000_000), cost: Some(NanoUsd(5_000_000_000)) },
    }
}

fn narrowing() -> Narrowing {
    let tools = NamePatterns::new(["search", "github.issues.*"]).unwrap();
    let budget = Budget { tokens: Some(50_000), cost: None };
    let reach = Reach { tools: Some(tools), budget, ..Reach::default() };
    Narrowing { reach, expires: None, note: Some("reader".to_owned()) }
}
