//! People sign in to the console of the real binary, with a browser: accounts, and an identity provider.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::issuer::{Issuer, TokenKey};
use bartizan_testkit::upstream::{Script, Upstream};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::cli::{Place, Ran};
use crate::support::Stage;

const PASSWORD: &str = "correct horse battery";

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// Keeps cookies, and says where its forms come from, as browsers do.
struct Browser {
    client: Client,
    origin: String,
    cookies: Vec<(String, String)>,
}

impl Browser {
    fn of(stage: &Stage) -> Self {
        let origin = stage.process.ready().console.clone();
        Self { client: Client::new(origin.clone()), origin, cookies: Vec::new() }
    }

    fn client(&self) -> Client {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        self.client.clone().header("cookie", &cookies.collect::<Vec<_>>().join("; "))
    }

    async fn get(&mut self, path: &str) -> Answer {
        let answer = self.client().get(path).await.unwrap();
        self.keep(&answer);
        answer
    }

    async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(fields).unwrap();
        let client = self
            .client()
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", &self.origin)
            .header("sec-fetch-site", "same-origin");
        let sent = client.send(http::Method::POST, path, body).await.unwrap();
        let answer = sent.whole().await.unwrap();
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(kept, _)| kept != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// Who the start page says is signed in.
    async fn who(&mut self) -> Option<String> {
        let page = self.get("/").await.text();
        let (_, rest) = page.split_once("signed in as <strong>")?;
        Some(rest.split('<').next().unwrap().to_owned())
    }

    /// What forms of the session bring along.
    async fn csrf(&mut self) -> String {
        field(&self.get("/").await.text(), "csrf")
    }
}

/// The value of a hidden field.
fn field(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn account(stage: &Stage, words: &[&str]) -> Ran {
    let policy = stage.folder.path().join("bartizan.yaml");
    let data = stage.folder.path().join("data");
    let more = ["--config", policy.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    Place::new().run_with(("OIDC_SECRET", "s3cret"), &[&["account"], words, &more].concat())
}

/// The code in the link that the command line prints.
fn code_of(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (page, code) = ran.stdout.trim().split_once("?code=").unwrap();
    assert!(page.ends_with("/login/enrol"), "{page}");
    code.to_owned()
}

/// What an app on a phone would show: RFC 6238, with a hash of its own.
fn totp(base32: &str, step: u64) -> String {
    use aws_lc_rs::hmac;
    let mut bits = 0u64;
    let (mut have, mut secret) = (0, Vec::new());
    for letter in base32.bytes() {
        let value =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|it| *it == letter).unwrap();
        bits = bits << 5 | value as u64;
        have += 5;
        if have >= 8 {
            have -= 8;
            secret.push((bits >> have) as u8);
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

const ACCOUNTS: &str = r#"version: 1
listen: { gateway: "127.0.0.1:0", console: "127.0.0.1:0" }
providers: { demo: { demo: {} } }
endpoints: { open: { routes: [{ provider: demo }] } }
console: { login: { accounts: true } }
"#;

async fn with_accounts() -> Stage {
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    Stage::with_policy(upstream, tempfile::tempdir().unwrap(), ACCOUNTS).await
}

/// Makes an account somebody's, with a phone that runs a step behind: what it showed is used, what it shows next is not.
async fn enrolled(stage: &Stage, name: &str, scope: &str) -> String {
    let code = code_of(&account(stage, &["add", name, "--scope", scope]));
    enrol(stage, &code).await
}

async fn enrol(stage: &Stage, code: &str) -> String {
    let mut browser = Browser::of(stage);
    let page = browser.form("/login/enrol", &[("code", code)]).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let (_, rest) = text.split_once("type this secret: <code>").unwrap();
    let secret = rest.split('<').next().unwrap().to_owned();
    let (sealed, shown) = (field(&text, "sealed"), totp(&secret, now() / 30 - 1));
    let fields = [
        ("code", code),
        ("sealed", &sealed),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("totp", &shown),
    ];
    let done = browser.form("/login/enrol", &fields).await;
    assert_eq!(done.status, 200, "{}", done.text());
    secret
}

async fn log_in(browser: &mut Browser, name: &str, secret: &str, step: u64) -> u16 {
    let code = totp(secret, step);
    let fields = [("name", name), ("password", PASSWORD), ("code", &code)];
    browser.form("/login", &fields).await.status.as_u16()
}

#[tokio::test]
async fn a_person_with_an_account_signs_in_works_and_signs_out() {
    let stage = with_accounts().await;
    let secret = enrolled(&stage, "alice@example.com", "operator").await;
    let mut browser = Browser::of(&stage);
    assert_eq!(browser.who().await, None);
    let step = now() / 30;
    assert_eq!(log_in(&mut browser, "alice@example.com", &secret, step).await, 303);
    assert_eq!(browser.who().await.as_deref(), Some("alice@example.com"));
    // The same code, from another browser.
    let mut other = Browser::of(&stage);
    assert_eq!(log_in(&mut other, "alice@example.com", &secret, step).await, 401);
    assert_eq!(other.who().await, None);

    let csrf = browser.csrf().await;
    let made = |with: bool| {
        let mut client = browser.client().header("origin", &browser.origin);
        if with {
            client = client.header("x-csrf-token", &csrf);
        }
        async move {
            let body = json!({ "name": "sp:bot", "scope": "client" });
            client.post_json("/api/v1/keys", &body).await.unwrap()
        }
    };
    assert_eq!(made(false).await.status, 403);
    let answer = made(true).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
    let event = stage.event(|event| event["request_id"] == id.as_str()).await;
    assert_eq!(event["principal"], "alice@example.com");
    assert_eq!(browser.get("/sessions").await.status, 200);
    assert_eq!(browser.form("/logout", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(browser.who().await, None);
    let operations = ["account-enrolled", "login", "login-refused", "logout"];
    for operation in operations {
        let event = stage.event(|event| event["operation"] == operation).await;
        assert_eq!(event["principal"], "alice@example.com", "{operation}");
    }
    let log = serde_json::to_string(&stage.events()).unwrap();
    assert!(!log.contains(PASSWORD) && !log.contains(&secret) && !log.contains("bze_"));
    // Neither is in the state, nor is what stands for a session.
    let written = std::fs::read(stage.folder.path().join("data/state.db-wal")).unwrap();
    for text in [PASSWORD, &secret] {
        assert!(!written.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
}

#[tokio::test]
async fn an_admin_resets_and_removes_accounts_beside_a_running_gateway() {
    let stage = with_accounts().await;
    let secret = enrolled(&stage, "alice@example.com", "admin").await;
    let mut browser = Browser::of(&stage);
    assert_eq!(log_in(&mut browser, "alice@example.com", &secret, now() / 30).await, 303);
    let again = account(&stage, &["add", "alice@example.com"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("account reset"), "{}", again.stderr);
    let code = code_of(&account(&stage, &["reset", "alice@example.com"]));
    assert_eq!(browser.who().await, None, "at once");
    let new = enrol(&stage, &code).await;
    assert_ne!(new, secret);
    assert_eq!(log_in(&mut browser, "alice@example.com", &new, now() / 30).await, 303);
    let listed = account(&stage, &["list"]);
    assert!(
        listed.stdout.starts_with("admin    active  alice@example.com  signed in "),
        "{}",
        listed.stdout
    );
    let listed = account(&stage, &["list", "--format", "json"]).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["accounts"][0]["state"], "active");
    assert!(!listed.to_string().contains("argon2"));
    assert_eq!(account(&stage, &["remove", "alice@example.com"]).code, 0);
    assert_eq!(browser.who().await, None, "at once");
    assert_eq!(account(&stage, &["remove", "alice@example.com"]).code, 2);
    assert_eq!(account(&stage, &["add", "sp:bot"]).code, 2);
}

#[tokio::test]
async fn a_new_master_key_seals_codes_anew_before_the_old_one_is_retired() {
    let stage = with_accounts().await;
    let secret = enrolled(&stage, "alice@example.com", "viewer").await;
    let policy = stage.folder.path().join("bartizan.yaml");
    let data = stage.folder.path().join("data");
    let master = |words: &[&str]| {
        let more = ["--config", policy.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
        Place::new().run(&[&["secret", "master-key"], words, &more].concat(), "")
    };
    let before = master(&["--list"]).stdout;
    let old = before.split_whitespace().next().unwrap().to_owned();
    // What is sealed with a key keeps it, also where it is no secret of the policy.
    let text = std::fs::read_to_string(data.join("master.key")).unwrap();
    let next = bartizan_secrets::keyring::add_to_file(&data.join("master.key")).unwrap();
    let kept = master(&["--retire", &old]);
    assert_eq!(kept.code, 2, "{}", kept.stdout);
    assert!(kept.stderr.contains("codes of accounts"), "{}", kept.stderr);
    let newest = master(&[]);
    assert_eq!(newest.code, 0, "{}", newest.stderr);
    for id in [old, next.to_string()] {
        let retired = master(&["--retire", &id]);
        assert_eq!(retired.code, 0, "{}", retired.stderr);
    }
    assert_ne!(std::fs::read_to_string(data.join("master.key")).unwrap(), text);
    let mut browser = Browser::of(&stage);
    assert_eq!(log_in(&mut browser, "alice@example.com", &secret, now() / 30).await, 303);
}

#[tokio::test]
async fn without_accounts_in_the_policy_none_are_made_and_in_the_clear_nobody_signs_in() {
    let place = Place::new();
    let ran = place.run(&["account", "add", "alice@example.com"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("accounts: true"), "{}", ran.stderr);
    place.write("bartizan.yaml", ACCOUNTS);
    let ran = place.run(&["up", "--console", "0.0.0.0:0"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("in the clear"), "{}", ran.stderr);
}

/// A policy by which an issuer signs people in.
fn policy(issuer: &Issuer) -> String {
    format!(
        r#"version: 1
listen: {{ gateway: "127.0.0.1:0", console: "127.0.0.1:0" }}
providers: {{ demo: {{ demo: {{}} }} }}
endpoints: {{ open: {{ routes: [{{ provider: demo }}] }} }}
identity:
  issuers:
    - {{ id: corp, issuer: "{}", audiences: [api], algorithms: [ES256], user: email }}
console:
  login:
    oidc:
      issuer: corp
      client-id: bartizan
      client-secret: env:OIDC_SECRET
      roles: {{ claim: groups, auditor: [staff], admin: [ops] }}
"#,
        issuer.url()
    )
}

/// An issuer whose ID tokens are bent by whatever stands there.
struct Corp {
    issuer: Issuer,
    stage: Stage,
    make: Arc<Mutex<Make>>,
    key: Arc<TokenKey>,
}

type Make = Box<dyn Fn(&TokenKey, Value) -> String + Send>;

impl Corp {
    async fn start() -> Self {
        let key = Arc::new(TokenKey::es256("k1"));
        let issuer = Issuer::start(&[&key]).await.unwrap();
        let make: Arc<Mutex<Make>> =
            Arc::new(Mutex::new(Box::new(|key, claims| key.token(&claims))));
        let (shared, signer) = (Arc::clone(&make), Arc::clone(&key));
        issuer.sign_in("bartizan", "s3cret", move |claims| shared.lock().unwrap()(&signer, claims));
        let upstream = Upstream::start(Script::obedient()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let launch = crate::support::launch(&folder).env("OIDC_SECRET", "s3cret");
        let stage = Stage::with_launch(upstream, folder, &policy(&issuer), launch).await;
        Self { issuer, stage, make, key }
    }

    /// Sends a browser to the issuer and says where that sends it back to.
    async fn away(&self, browser: &mut Browser) -> String {
        let page = browser.form("/login/provider", &[]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let text = page.text().replace("&#38;", "&").replace("&amp;", "&");
        let (_, rest) = text.split_once("0; url=").unwrap();
        let url = rest.split('"').next().unwrap().to_owned();
        let path = url.strip_prefix(&self.issuer.url()).unwrap();
        let sent = Client::new(self.issuer.url()).get(path).await.unwrap();
        assert_eq!(sent.status, 302, "{url}: {}", sent.text());
        let back = sent.header("location").unwrap();
        back.strip_prefix(&browser.origin).unwrap().to_owned()
    }

    /// One login with an ID token that is made so; the status, and who is signed in.
    async fn with(
        &self,
        make: impl Fn(&TokenKey, Value) -> String + Send + 'static,
    ) -> (u16, String) {
        *self.make.lock().unwrap() = Box::new(make);
        let mut browser = Browser::of(&self.stage);
        let back = self.away(&mut browser).await;
        let answer = browser.get(&back).await;
        let who = browser.who().await.unwrap_or_default();
        assert_eq!(answer.status == 200, !who.is_empty(), "{}", answer.text());
        (answer.status.as_u16(), who)
    }
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

#[tokio::test]
async fn a_person_of_an_identity_provider_signs_in_with_the_role_of_their_group() {
    let corp = Corp::start().await;
    let (status, who) = corp.with(|key, claims| key.token(&claims)).await;
    assert_eq!((status, who.as_str()), (200, "alice@example.com"));
    let event = corp.stage.event(|event| event["operation"] == "login").await;
    assert_eq!(event["principal"], "alice@example.com");
    assert!(event["detail"].as_str().unwrap().starts_with("auditor, by corp"), "{event}");
    // Two audiences are fine where the token says that it was made for this one.
    let (status, _) = corp
        .with(|key, claims| {
            let claims = with(claims, "aud", json!(["bartizan", "other"]));
            key.token(&with(claims, "azp", json!("bartizan")))
        })
        .await;
    assert_eq!(status, 200);
    // An auditor changes nothing, whatever the browser sends along.
    let mut browser = Browser::of(&corp.stage);
    let back = corp.away(&mut browser).await;
    assert_eq!(browser.get(&back).await.status, 200);
    let csrf = browser.csrf().await;
    let client = browser.client().header("origin", &browser.origin).header("x-csrf-token", &csrf);
    assert_eq!(client.get("/api/v1/keys").await.unwrap().status, 200);
    let made = client.post_json("/api/v1/keys", &json!({ "name": "a", "scope": "client" })).await;
    assert_eq!(made.unwrap().status, 403);
}

#[tokio::test]
async fn an_id_token_that_is_not_right_signs_nobody_in() {
    let corp = Corp::start().await;
    let token = |name: &'static str, value: Value| {
        move |key: &TokenKey, claims: Value| key.token(&with(claims, name, value.clone()))
    };
    let header = |alg: &'static str| {
        move |key: &TokenKey, claims: Value| {
            key.token_with(&json!({ "alg": alg, "kid": "k1", "typ": "JWT" }), &claims)
        }
    };
    let mut refused: Vec<(&str, Make)> = vec![
        ("issuer", Box::new(token("iss", json!("https://evil.example")))),
        ("no issuer", Box::new(token("iss", Value::Null))),
        ("audience", Box::new(token("aud", json!("other")))),
        // Meant for the gateway, and not for this client.
        ("api", Box::new(token("aud", json!("api")))),
        ("audiences", Box::new(token("aud", json!(["bartizan", "other"])))),
        ("party", Box::new(token("azp", json!("other")))),
        ("no nonce", Box::new(token("nonce", Value::Null))),
        ("empty nonce", Box::new(token("nonce", json!("")))),
        ("nonce", Box::new(token("nonce", json!("A".repeat(43))))),
        ("expired", Box::new(token("exp", json!(now() - 61)))),
        ("no end", Box::new(token("exp", Value::Null))),
        ("early", Box::new(token("iat", json!(now() + 90)))),
        ("email", Box::new(token("email_verified", json!(false)))),
        ("program", Box::new(token("email", json!("sp:root")))),
        ("no groups", Box::new(token("groups", Value::Null))),
        ("none", Box::new(header("none"))),
        ("HS256", Box::new(header("HS256"))),
        ("RS256", Box::new(header("RS256"))),
        ("empty", Box::new(|_, _| String::new())),
        ("long", Box::new(|_, _| "e".repeat(20_000))),
    ];
    let stranger = TokenKey::es256("k1");
    refused.push(("another key", Box::new(move |_, claims| stranger.token(&claims))));
    refused.push((
        "unsigned",
        Box::new(|key, claims| {
            let token = key.token_with(&json!({ "alg": "none", "typ": "JWT" }), &claims);
            format!("{}.", token.rsplit_once('.').unwrap().0)
        }),
    ));
    // The public key as a shared secret: what is public must not sign.
    let public = corp.key.public().to_string();
    refused.push((
        "confused",
        Box::new(move |key, claims| {
            let token = key.token_with(&json!({ "alg": "HS256", "kid": "k1" }), &claims);
            let (signed, _) = token.rsplit_once('.').unwrap();
            let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
            let tag = aws_lc_rs::hmac::sign(&secret, signed.as_bytes());
            let tag = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag);
            format!("{signed}.{tag}")
        }),
    ));
    for (what, make) in refused {
        let (status, who) = corp.with(make).await;
        assert!(matches!(status, 401 | 502), "{what}: {status}");
        assert_eq!(who, "", "{what}");
    }
    let (status, _) = corp.with(token("groups", json!(["others"]))).await;
    assert_eq!(status, 403);
    // Within what clocks may be off, it is still good.
    let (status, _) = corp.with(token("exp", json!(now() - 30))).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_comes_back_belongs_to_the_browser_that_went_and_is_good_once() {
    let corp = Corp::start().await;
    let (mut alice, mut mallory) = (Browser::of(&corp.stage), Browser::of(&corp.stage));
    let (hers, his) = (corp.away(&mut alice).await, corp.away(&mut mallory).await);
    let status = async |browser: &mut Browser, path: &str| browser.get(path).await.status.as_u16();
    // What is meant for one is nothing in the hands of the other, also where they mix it.
    assert_eq!(status(&mut alice, &his).await, 401);
    assert_eq!(status(&mut mallory, &hers).await, 401);
    assert_eq!(status(&mut Browser::of(&corp.stage), &hers).await, 401);
    let part = |path: &str, name: &str| {
        let (_, rest) = path.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().to_owned()
    };
    let before = corp.issuer.exchanged();
    // Sent back by somebody else than who was asked, or by one who does not say who it is.
    let iss = part(&hers, "iss");
    assert_eq!(status(&mut alice, &hers.replace(&iss, "https%3A%2F%2Fevil.example")).await, 401);
    assert_eq!(status(&mut alice, &hers.replace(&format!("&iss={iss}"), "")).await, 401);
    assert_eq!(corp.issuer.exchanged(), before, "no code was sent anywhere");
    // Her state with his code: it was asked for with another secret.
    let mixed = hers.replace(&part(&hers, "code"), &part(&his, "code"));
    assert_eq!(status(&mut alice, &mixed).await, 401);
    assert_eq!(alice.who().await, None);

    corp.issuer.take_codes_twice();
    let kept = alice.cookies.clone();
    assert_eq!(status(&mut alice, &hers).await, 200);
    assert_eq!(alice.who().await.as_deref(), Some("alice@example.com"));
    // All of it once more, at an issuer that does not mind.
    let mut again = Browser::of(&corp.stage);
    again.cookies = kept;
    let exchanged = corp.issuer.exchanged();
    assert_eq!(status(&mut again, &hers).await, 401);
    assert_eq!(corp.issuer.exchanged(), exchanged + 1);
    assert_eq!(again.who().await, None);
}

#[tokio::test]
async fn an_identity_provider_that_is_away_signs_nobody_in_and_keys_go_on_to_work() {
    let corp = Corp::start().await;
    let mut browser = Browser::of(&corp.stage);
    let back = corp.away(&mut browser).await;
    corp.issuer.set_away(true);
    let answer = tokio::time::timeout(Duration::from_secs(15), browser.get(&back)).await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(browser.who().await, None);
    assert_eq!(corp.stage.console.get("/api/v1/keys").await.unwrap().status, 200);
    corp.issuer.set_away(false);
    let back = corp.away(&mut browser).await;
    assert_eq!(browser.get(&back).await.status, 200);
}
