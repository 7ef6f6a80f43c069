//! People who sign in at the issuer with a browser: authorization codes with PKCE, each good once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ::http::StatusCode;
use ::http::header::AUTHORIZATION;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::base64;

/// How a token is made of the claims that are right.
type Make = Box<dyn Fn(Value) -> String + Send + Sync>;

/// The one client of the issuer, and who signs in there: everybody who comes.
pub(super) struct People {
    client_id: String,
    /// What its header has to be.
    authorization: String,
    make: Make,
    codes: Mutex<HashMap<String, Asked>>,
    made: AtomicUsize,
    pub(super) takes_codes_twice: AtomicBool,
    pub(super) exchanged: AtomicUsize,
}

/// What a code was asked for with.
#[derive(Clone)]
struct Asked {
    back_to: String,
    challenge: String,
    nonce: String,
}

impl People {
    pub(super) fn new(client_id: &str, secret: &str, make: Make) -> Self {
        let pair = base64::padded(format!("{client_id}:{secret}").as_bytes());
        Self {
            client_id: client_id.to_owned(),
            authorization: format!("Basic {pair}"),
            make,
            codes: Mutex::default(),
            made: AtomicUsize::new(0),
            takes_codes_twice: AtomicBool::new(false),
            exchanged: AtomicUsize::new(0),
        }
    }

    /// Where the browser goes with its code; none where the request is not as it should be.
    pub(super) fn authorize(&self, issuer: &str, query: &str) -> Option<String> {
        let fields = fields(query);
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let is_right = field("response_type") == "code"
            && field("client_id") == self.client_id
            && field("code_challenge_method") == "S256"
            && field("scope").split(' ').any(|scope| scope == "openid");
        let asked = Asked {
            back_to: field("redirect_uri"),
            challenge: field("code_challenge"),
            nonce: field("nonce"),
        };
        if !is_right || asked.challenge.is_empty() || asked.nonce.is_empty() {
            return None;
        }
        let code = format!("code-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let (state, iss) = (encoded(&field("state")), encoded(issuer));
        let to = format!("{}?code={code}&state={state}&iss={iss}", asked.back_to);
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(code, asked);
        Some(to)
    }

    /// What a code is exchanged for.
    pub(super) fn exchange(
        &self,
        issuer: &str,
        now: u64,
        headers: &::http::HeaderMap,
        form: &str,
    ) -> (StatusCode, Value) {
        self.exchanged.fetch_add(1, Ordering::Relaxed);
        let refused = |error: &str| (StatusCode::BAD_REQUEST, json!({ "error": error }));
        let given = headers.get(AUTHORIZATION).and_then(|given| given.to_str().ok());
        if given != Some(self.authorization.as_str()) {
            return (StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
        }
        let fields = fields(form);
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        if field("grant_type") != "authorization_code" {
            return refused("unsupported_grant_type");
        }
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = if self.takes_codes_twice.load(Ordering::Relaxed) {
            codes.get(&field("code")).cloned()
        } else {
            codes.remove(&field("code"))
        };
        let verifier =
            base64::for_urls(digest(&SHA256, field("code_verifier").as_bytes()).as_ref());
        let fits =
            |asked: &Asked| asked.back_to == field("redirect_uri") && asked.challenge == verifier;
        let Some(asked) = asked.filter(fits) else { return refused("invalid_grant") };
        let token = (self.make)(json!({
            "iss": issuer, "aud": self.client_id, "sub": "0042", "email": "alice@example.com",
            "email_verified": true, "groups": ["staff"], "nonce": asked.nonce,
            "iat": now, "exp": now + 300,
        }));
        (StatusCode::OK, json!({ "token_type": "Bearer", "access_token": "x", "id_token": token }))
    }
}

/// The fields of a form or a query.
fn fields(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "%{byte:02X}");
        out
    })
}
