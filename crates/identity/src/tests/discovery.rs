//! Keys that come from the wrong place.

use std::sync::Arc;

use bartizan_core::Coded as _;
use bartizan_core::error::Class;
use bartizan_core::settings::{Issuer, IssuerKeys, JwtAlgorithm};
use serde_json::{Value, json};

use super::support::{ISSUER, Signer, Web, document, issuer};
use crate::{DOCUMENT_BYTES, Issuers, KeysError};

const KEYS: &str = "https://id.example/keys";
const DISCOVERY: &str = "https://id.example/realm/.well-known/openid-configuration";

fn keys() -> String {
    document(&[&Signer::new(JwtAlgorithm::EdDsa, "k1")])
}

/// What comes of fetching the keys of an issuer.
async fn fetched(issuer: Issuer, web: &Arc<Web>) -> Result<(), KeysError> {
    Issuers::new(vec![issuer], Arc::clone(web) as _)?.refresh(&"idp".parse().unwrap()).await
}

/// What comes of a discovery document.
async fn discovered(discovery: &Value) -> Result<(), KeysError> {
    let web = Arc::new(Web::default());
    web.put(DISCOVERY, discovery.to_string());
    for place in ["https://id.example", "https://id.example:8443", "https://evil.example"] {
        web.put(&format!("{place}/keys"), keys());
    }
    let outcome = fetched(issuer(IssuerKeys::Discovery), &web).await;
    assert_eq!(web.asked(), if outcome.is_ok() { 2 } else { 1 }, "nothing else is asked for");
    outcome
}

#[tokio::test(start_paused = true)]
async fn a_discovery_document_is_that_of_the_issuer_and_leads_to_its_host() {
    let document = |issuer: &str, keys: &str| json!({ "issuer": issuer, "jwks_uri": keys });
    discovered(&document(ISSUER, KEYS)).await.unwrap();
    discovered(&document(ISSUER, "https://id.example:8443/keys")).await.unwrap();
    for other in
        ["https://id.example/realm/", "https://evil.example", "https://ID.example/realm", ""]
    {
        let error = discovered(&document(other, KEYS)).await.unwrap_err();
        assert!(matches!(error, KeysError::OtherIssuer { .. }), "{other}: {error}");
    }
    let error = discovered(&document(ISSUER, "https://evil.example/keys")).await.unwrap_err();
    assert!(matches!(&error, KeysError::ForeignHost { host, .. } if host == "evil.example"));
    assert_eq!(error.code(), "bartizan::identity::keys-discovery");
    for address in [
        "http://id.example/keys",
        "ftp://id.example/keys",
        "https://id.example@evil.example/keys",
        "/keys",
        "http://169.254.169.254/keys",
        "https://id.example/\u{1b}[2J",
    ] {
        let error = discovered(&document(ISSUER, address)).await.unwrap_err();
        assert!(matches!(error, KeysError::DiscoveryAddress { .. }), "{address}: {error}");
        assert_eq!(
            (error.class(), error.code()),
            (Class::Upstream, "bartizan::identity::keys-discovery")
        );
    }
    let error = discovered(&document(ISSUER, "http://127.0.0.1/keys")).await.unwrap_err();
    assert!(matches!(error, KeysError::ForeignHost { .. }), "{error}");
    for incomplete in
        [json!({}), json!({ "issuer": ISSUER }), json!({ "issuer": ISSUER, "jwks_uri": 1 })]
    {
        let error = discovered(&incomplete).await.unwrap_err();
        assert!(matches!(error, KeysError::DiscoveryMember { .. }), "{error}");
    }
    let error = discovered(&json!([])).await.unwrap_err();
    assert!(matches!(error, KeysError::Discovery { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_discovery_document_has_a_size() {
    let web = Arc::new(Web::default());
    web.put(DISCOVERY, " ".repeat(DOCUMENT_BYTES as usize + 1));
    let error = fetched(issuer(IssuerKeys::Discovery), &web).await.unwrap_err();
    assert!(matches!(error, KeysError::TooLarge { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_on_this_machine_needs_no_tls_and_all_others_do() {
    let web = Arc::new(Web::default());
    let (url, at) = ("http://localhost:8080", "http://localhost:8080/keys");
    let discovery = json!({ "issuer": url, "jwks_uri": at }).to_string();
    web.put("http://localhost:8080/.well-known/openid-configuration", discovery);
    web.put(at, keys());
    let mut local = issuer(IssuerKeys::Discovery);
    local.url = url.to_owned();
    fetched(local.clone(), &web).await.unwrap();
    let asked = web.asked();
    local.url = "http://id.example".to_owned();
    for issuer in [local, issuer(IssuerKeys::Url("http://id.example/keys".to_owned()))] {
        let error = fetched(issuer, &web).await.unwrap_err();
        assert!(matches!(error, KeysError::Address { .. }), "{error}");
        assert_eq!(error.class(), Class::Usage);
        assert_eq!(error.code(), "bartizan::identity::keys-address");
    }
    assert_eq!(web.asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn policy_may_name_another_host() {
    let web = Arc::new(Web::default());
    let elsewhere = "https://keys.example/keys";
    web.put(elsewhere, keys());
    fetched(issuer(IssuerKeys::Url(elsewhere.to_owned())), &web).await.unwrap();
}
