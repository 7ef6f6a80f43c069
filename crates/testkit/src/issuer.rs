//! An identity provider on this machine: discovery, keys that change, tokens of any content.

mod people;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::http::header::{HeaderValue, LOCATION};
use ::http::{Request, Response, StatusCode};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::base64;
use people::People;

/// Where people sign in.
const AUTHORIZE: &str = "/authorize";
/// Where their codes are exchanged.
const TOKEN: &str = "/token";
/// Most bytes of a form.
const FORM_BYTES: usize = 64 << 10;
/// Where an issuer says where its keys are.
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Where they are.
const KEYS: &str = "/keys";

/// A key that signs tokens.
pub struct TokenKey {
    id: String,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl TokenKey {
    /// A new key on P-256, for `ES256`.
    ///
    /// # Panics
    /// Where the system has no random numbers.
    #[must_use]
    #[expect(clippy::expect_used, reason = "without it there is no test")]
    pub fn es256(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { id: id.to_owned(), pair: Pair::Es256(pair) }
    }

    /// A new key on Curve25519, for `EdDSA`.
    ///
    /// # Panics
    /// Where the system has no random numbers.
    #[must_use]
    #[expect(clippy::expect_used, reason = "without it there is no test")]
    pub fn ed25519(id: &str) -> Self {
        Self { id: id.to_owned(), pair: Pair::EdDsa(Ed25519KeyPair::generate().expect("a key")) }
    }

    const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::EdDsa(_) => "EdDSA",
        }
    }

    /// The public half, as a JSON Web Key.
    #[must_use]
    pub fn public(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Es256(pair) => {
                // An uncompressed point: a byte, then two coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..).unwrap_or_default().split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": base64::for_urls(x), "y": base64::for_urls(y) })
            }
            Pair::EdDsa(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64::for_urls(pair.public_key().as_ref()) })
            }
        };
        if let Some(members) = key.as_object_mut() {
            members.insert("kid".to_owned(), self.id.clone().into());
            members.insert("use".to_owned(), "sig".into());
            members.insert("alg".to_owned(), self.algorithm().into());
        }
        key
    }

    /// A token with these claims, signed by this key.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "alg": self.algorithm(), "kid": self.id, "typ": "JWT" }), claims)
    }

    /// A token with any header, signed by this key whatever the header says.
    ///
    /// # Panics
    /// Where the system has no random numbers.
    #[must_use]
    #[expect(clippy::expect_used, reason = "without it there is no test")]
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64::for_urls(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = match &self.pair {
            Pair::Es256(pair) => {
                let made = pair.sign(&SystemRandom::new(), signed.as_bytes());
                base64::for_urls(made.expect("a signature").as_ref())
            }
            Pair::EdDsa(pair) => base64::for_urls(pair.sign(signed.as_bytes()).as_ref()),
        };
        format!("{signed}.{signature}")
    }
}

/// A running issuer.
pub struct Issuer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    keys: Mutex<Vec<Value>>,
    fetched: AtomicUsize,
    is_away: std::sync::atomic::AtomicBool,
    people: Mutex<Option<Arc<People>>>,
}

impl Issuer {
    /// Starts on a free port with these keys.
    ///
    /// # Errors
    /// What the system says.
    pub async fn start(keys: &[&TokenKey]) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                let answer = service_fn(move |request: Request<Incoming>| {
                    let shared = Arc::clone(&shared);
                    async move {
                        Ok::<_, std::convert::Infallible>(shared.answer(address, request).await)
                    }
                });
                let io = TokioIo::new(stream);
                tokio::spawn(async move {
                    // A client that goes away is its own affair.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, answer)
                        .await;
                });
            }
        });
        let issuer = Self { address, shared, task };
        issuer.have(keys);
        Ok(issuer)
    }

    /// Its name: what its tokens have as `iss`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has these keys from now on, and no others.
    pub fn have(&self, keys: &[&TokenKey]) {
        let keys = keys.iter().map(|key| key.public()).collect();
        *self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Answers nothing but errors from now on, or answers again.
    pub fn set_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Ordering::Relaxed);
    }

    /// Signs everybody in who is sent by this client, as alice@example.com. `make` makes the ID token of the claims that
    /// are right, or another one.
    pub fn sign_in(
        &self,
        client_id: &str,
        secret: &str,
        make: impl Fn(Value) -> String + Send + Sync + 'static,
    ) {
        let people = Arc::new(People::new(client_id, secret, Box::new(make)));
        *self.shared.people.lock().unwrap_or_else(PoisonError::into_inner) = Some(people);
    }

    /// Takes a code again and again, as no issuer should.
    pub fn take_codes_twice(&self) {
        if let Some(people) = self.shared.people() {
            people.takes_codes_twice.store(true, Ordering::Relaxed);
        }
    }

    /// How often somebody asked for tokens.
    #[must_use]
    pub fn exchanged(&self) -> usize {
        self.shared.people().map_or(0, |people| people.exchanged.load(Ordering::Relaxed))
    }

    /// How often its keys were fetched.
    #[must_use]
    pub fn fetched(&self) -> usize {
        self.shared.fetched.load(Ordering::Relaxed)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn people(&self) -> Option<Arc<People>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn answer(
        &self,
        address: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let issuer = format!("http://{address}");
        let (head, body) = request.into_parts();
        let mut to = None;
        let (status, body) = match (head.uri.path(), self.people()) {
            _ if self.is_away.load(Ordering::Relaxed) => {
                (StatusCode::SERVICE_UNAVAILABLE, Value::Null)
            }
            (DISCOVERY, people) => {
                let keys = format!("{issuer}{KEYS}");
                let said = match people {
                    None => json!({ "issuer": issuer, "jwks_uri": keys }),
                    Some(_) => json!({
                        "issuer": issuer,
                        "jwks_uri": keys,
                        "authorization_endpoint": format!("{issuer}{AUTHORIZE}"),
                        "token_endpoint": format!("{issuer}{TOKEN}"),
                        "authorization_response_iss_parameter_supported": true,
                    }),
                };
                (StatusCode::OK, said)
            }
            (KEYS, _) => {
                self.fetched.fetch_add(1, Ordering::Relaxed);
                let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
                (StatusCode::OK, json!({ "keys": keys }))
            }
            (AUTHORIZE, Some(people)) => {
                to = people.authorize(&issuer, head.uri.query().unwrap_or_default());
                (
                    if to.is_some() { StatusCode::FOUND } else { StatusCode::BAD_REQUEST },
                    Value::Null,
                )
            }
            (TOKEN, Some(people)) => {
                let form = Limited::new(body, FORM_BYTES).collect().await;
                let form = form.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                let now = now.map(|now| now.as_secs()).unwrap_or_default();
                people.exchange(&issuer, now, &head.headers, &String::from_utf8_lossy(&form))
            }
            _ => (StatusCode::NOT_FOUND, Value::Null),
        };
        let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
        *response.status_mut() = status;
        if let Some(to) = to.and_then(|to| HeaderValue::from_str(&to).ok()) {
            response.headers_mut().insert(LOCATION, to);
        }
        response
    }
}
