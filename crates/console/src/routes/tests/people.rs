//! People for the tests of the routes, and how they sign in.

use std::net::IpAddr;
use std::sync::LazyLock;

use axum::http::header::SET_COOKIE;
use bartizan_core::error::Class;
use bartizan_store::{Lasting, LoginTry, NewLogin};
use base64::Engine as _;

use super::*;
use crate::login::{Hashers, Password, TotpSecret};
use crate::{CameBack, Later, Login, LoginFlow, Person, Seal, SignInProvider};

/// Where browsers know the console.
pub(super) const ORIGIN: &str = "http://localhost:8081";
/// Whose password is `correct horse`.
pub(super) const ALICE: &str = "alice@example.com";

pub(super) const LASTING: Lasting =
    Lasting { idle: Duration::from_secs(1_800), total: Duration::from_secs(43_200) };

/// What the codes of everybody are made of.
const SECRET: &[u8] = b"12345678901234567890";

/// Hashing takes a while; once is enough.
static HASH: LazyLock<String> = LazyLock::new(|| {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let password = Secret::new("correct horse");
        let password = Password::new(password.clone(), &password).unwrap_or_else(|_| panic!());
        runtime.block_on(Hashers::default().hash(password)).unwrap_or_else(|_| panic!())
    })
    .join()
    .unwrap()
});

pub(super) fn login() -> Login {
    Login::new(ORIGIN.to_owned(), Some(Arc::new(Open)), Some(Arc::new(Corp)), LASTING)
}

/// A code that is good now.
pub(super) fn code() -> String {
    let step = bartizan_core::time::now().as_second() / 30;
    TotpSecret::from_bytes(SECRET.to_vec().into()).code_at(step as u64).to_string()
}

/// Makes an account and signs nobody in.
pub(super) fn enrol(store: &Store, name: &str, scope: Scope) {
    let (_, code) = store.create_account(name, scope).unwrap();
    let sealed = Open.seal(&crate::place_of_codes(name), SECRET).unwrap();
    store.enrol(&code, &HASH, &sealed, 0).unwrap().unwrap();
}

/// Signs in without a form, with a code that was used by nobody yet.
pub(super) fn sign_in(store: &Store, name: &str) -> NewLogin {
    let LoginTry::Check { password, .. } = store.begin_login(name, None).unwrap() else { panic!() };
    store.finish_login(name, &password, 1, None, LASTING).unwrap().unwrap()
}

/// Seals nothing, and notices other places.
struct Open;

impl Seal for Open {
    fn seal(&self, place: &str, secret: &[u8]) -> Result<Vec<u8>, AdminError> {
        Ok([place.as_bytes(), b"\0", secret].concat())
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, AdminError> {
        let rest = sealed.strip_prefix(place.as_bytes()).and_then(|rest| rest.strip_prefix(b"\0"));
        let rest = rest.ok_or_else(|| refusal(Class::Internal, "another place"))?;
        Ok(rest.to_vec().into())
    }

    fn needs_reseal(&self, _: &[u8]) -> bool {
        false
    }
}

/// Signs in whoever brings the code `good`.
struct Corp;

impl SignInProvider for Corp {
    fn name(&self) -> &'static str {
        "corp"
    }

    fn begin<'a>(&'a self, flow: &'a LoginFlow) -> Later<'a, String> {
        Box::pin(async { Ok(format!("https://id.example/authorize?state={}&x=\"<", flow.state)) })
    }

    fn finish<'a>(&'a self, _: &'a LoginFlow, back: CameBack) -> Later<'a, Person> {
        Box::pin(async move {
            match back.code.expose() {
                "good" => Ok(Person { name: "erin@example.com".to_owned(), scope: Scope::Auditor }),
                "no-role" => Err(refusal(Class::Denied, "no role for this person")),
                _ => Err(refusal(Class::Unauthenticated, "private reason")),
            }
        })
    }
}

fn cookies(reply: &Reply) -> Vec<&str> {
    reply.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

/// The cookie of a reply as a browser sends it back.
fn cookie(reply: &Reply, name: &str) -> String {
    let all = cookies(reply);
    let found = all.iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
    let found = found.unwrap_or_else(|| panic!("no {name}: {all:?}"));
    found.split(';').next().unwrap().to_owned()
}

async fn form(console: &Console, path: &str, body: &str) -> Reply {
    console.send(console.request("POST", path, body)).await
}

async fn log_in(console: &Console, name: &str, password: &str, code: &str) -> Reply {
    form(console, "/login", &format!("name={name}&password={password}&code={code}")).await
}

#[tokio::test(start_paused = true)]
async fn whoever_signs_in_gets_cookies_and_others_learn_nothing() {
    let console = Console::new();
    let reply = log_in(&console, "alice%40example.com", "correct+horse", &code()).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/"));
    let [session, browser] = &cookies(&reply)[..] else { panic!("{:?}", cookies(&reply)) };
    assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{session}");
    assert!(browser.starts_with("bartizan-browser=") && browser.contains("HttpOnly"), "{browser}");

    let console = Console::new();
    let good = code();
    let bad = if good == "000000" { "000001" } else { "000000" };
    let mut said = std::collections::BTreeSet::new();
    let began = tokio::time::Instant::now();
    for (name, password, code) in [
        ("alice%40example.com", "correct+horse", bad),
        ("alice%40example.com", "wrong+horse+x", good.as_str()),
        ("nobody%40example.com", "correct+horse", good.as_str()),
        // Nobody has made it theirs.
        ("carol%40example.com", "correct+horse", good.as_str()),
        ("", "", ""),
        (&"x".repeat(2_000), &"y".repeat(2_000), &"1".repeat(100)),
    ] {
        let tried = tokio::time::Instant::now();
        let reply = log_in(&console, name, password, code).await;
        assert_eq!(reply.status, 401, "{name}");
        assert_eq!(cookies(&reply), [""; 0]);
        assert!(tried.elapsed() >= Duration::from_secs(1), "{name}");
        said.insert(reply.text().to_owned());
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(began.elapsed() < Duration::from_secs(60));
    // One for alice, one for all who are nobody, and what was typed in none.
    let events = console.sink.events.lock().clone();
    let refused: Vec<_> =
        events.iter().map(|event| (event.operation.as_str(), event.principal.as_deref())).collect();
    assert_eq!(refused, [("login-refused", Some(ALICE)), ("login-refused", None)]);
    assert!(events.iter().all(|event| event.outcome == Outcome::Refused));
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains("horse") && !text.contains("nobody"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_code_signs_in_once_and_tries_come_to_an_end() {
    let console = Console::new();
    let code = code();
    assert_eq!(log_in(&console, ALICE, "correct+horse", &code).await.status, 303);
    assert_eq!(log_in(&console, ALICE, "correct+horse", &code).await.status, 401);
    let events = console.sink.events.lock().clone();
    let last = events.last().unwrap();
    assert_eq!(last.detail.as_deref(), Some("the code was used before"));
    for _ in 0..5 {
        assert_eq!(log_in(&console, ALICE, "wrong+horse+x", &code).await.status, 401);
    }
    let account = console.state.store.list_accounts().unwrap();
    let alice = account.iter().find(|account| account.name == ALICE).unwrap();
    assert!(alice.locked_until.is_some());
}

#[tokio::test(start_paused = true)]
async fn one_place_has_so_many_tries() {
    let console = Console::new();
    let try_from = async |address: &str| {
        let request = console.request("POST", "/login", "name=a&password=b&code=c");
        let address: IpAddr = address.parse().unwrap();
        let router = crate::from_peer(&router(console.state.clone()), address);
        router.oneshot(request).await.unwrap().status().as_u16()
    };
    for _ in 0..20 {
        assert_eq!(try_from("192.0.2.1").await, 401);
    }
    assert_eq!(try_from("192.0.2.1").await, 429);
    assert_eq!(try_from("192.0.2.2").await, 401);
    let events = console.sink.events.lock().clone();
    assert!(events.len() <= 2, "{events:?}");
}

#[tokio::test]
async fn forms_of_other_sites_and_forms_that_are_none_are_refused() {
    let console = Console::new();
    let good = format!("name={ALICE}&password=correct+horse&code={}", code());
    let with = |change: &dyn Fn(&mut axum::http::HeaderMap)| {
        let mut request = console.request("POST", "/login", &good);
        change(request.headers_mut());
        console.send(request)
    };
    let origin = |value: &'static str| {
        move |headers: &mut axum::http::HeaderMap| {
            headers.insert(header::ORIGIN, value.parse().unwrap());
        }
    };
    for other in ["https://evil.example", "null", "https://localhost:8081", "http://localhost", ""]
    {
        assert_eq!(with(&origin(other)).await.status, 403, "{other}");
    }
    for site in ["cross-site", "same-site", "none"] {
        let reply = with(&|headers| {
            headers.insert("sec-fetch-site", site.parse().unwrap());
        });
        assert_eq!(reply.await.status, 403, "{site}");
    }
    let reply = with(&|headers| {
        headers.append(header::ORIGIN, ORIGIN.parse().unwrap());
    });
    assert_eq!(reply.await.status, 403, "twice");
    let reply = with(&|headers| {
        headers.remove(header::ORIGIN);
        headers.remove("sec-fetch-site");
    });
    assert_eq!(reply.await.status, 403, "neither");
    let reply = with(&|headers| {
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    });
    assert_eq!(reply.await.status, 400);
    for body in ["", "name=a", "name=a&name=b&password=c&code=d", "name=a&password=b&code=c&x=y"] {
        let reply = form(&console, "/login", body).await;
        assert_eq!(reply.status, 400, "{body}");
    }
    let big = format!("name=a&password={}&code=c", "x".repeat(20_000));
    assert_eq!(form(&console, "/login", &big).await.status, 413);
    assert_eq!(*console.sink.events.lock(), []);
    // One of the two is enough.
    let reply = with(&|headers| {
        headers.remove("sec-fetch-site");
    });
    assert_eq!(reply.await.status, 303);
}

#[tokio::test]
async fn a_person_makes_an_account_theirs_and_signs_in() {
    let console = Console::new();
    let page = console.send(console.request("GET", "/login/enrol?code=%22%3E%3Cscript%3E", ""));
    assert!(!page.await.text().contains("<script"));
    let page = form(&console, "/login/enrol", "code=ENROLMENT").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let field = |name: &str| {
        let at = format!("name=\"{name}\" value=\"");
        let (_, rest) = page.text().split_once(&at).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let sealed = field("sealed");
    assert!(page.text().contains("carol@example.com") && page.text().contains("<svg"));
    // The stand-in seals nothing: the secret is behind the place.
    let opened = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&sealed).unwrap();
    let secret = TotpSecret::from_bytes(opened[opened.len() - 20..].to_vec().into());
    let step = bartizan_core::time::now().as_second() as u64 / 30;
    let send = |password: &str, again: &str, code: &str, sealed: &str| {
        let body =
            format!("code=ENROLMENT&sealed={sealed}&password={password}&again={again}&totp={code}");
        let request = console.request("POST", "/login/enrol", &body);
        console.send(request)
    };
    let good = secret.code_at(step);
    let wrong = if good.as_str() == "000000" { "000001" } else { "000000" };
    for (password, again, code, says) in [
        ("short", "short", good.as_str(), "fewer than 12"),
        ("correct+horse", "correct+house", good.as_str(), "not the same"),
        ("correct+horse", "correct+horse", wrong, "does not fit"),
    ] {
        let reply = send(password, again, code, &sealed).await;
        assert_eq!(reply.status, 400, "{says}");
        assert!(reply.text().contains(says) && !reply.text().contains("correct"), "{says}");
        assert!(reply.text().contains(&sealed), "the phone need not read another");
    }
    // What was sealed for somebody else is none of this form.
    assert_eq!(send("correct+horse", "correct+horse", &good, "AAAA").await.status, 400);
    let reply = send("correct+horse", "correct+horse", &good, &sealed).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let events = console.sink.events.lock().clone();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.operation, "account-enrolled");
    assert_eq!(event.principal.as_deref(), Some("carol@example.com"));
    // Neither the link nor the code is good again.
    assert_eq!(send("correct+horse", "correct+horse", &good, &sealed).await.status, 401);
    assert_eq!(form(&console, "/login/enrol", "code=ENROLMENT").await.status, 401);
    let next = secret.code_at(step + 1);
    let reply = log_in(&console, "carol@example.com", "correct+horse", &next).await;
    assert_eq!(reply.status, 303);
}

#[tokio::test]
async fn a_login_at_a_provider_belongs_to_its_browser_and_is_good_once() {
    let console = Console::new();
    let begin = async || {
        let page = form(&console, "/login/provider", "").await;
        assert_eq!(page.status, 200);
        // Browsers follow no redirect to another site from a form.
        assert!(page.text().contains("http-equiv=\"refresh\"") && !page.text().contains("x=\"<"));
        let (_, rest) = page.text().split_once("state=").unwrap();
        let state = rest.split('&').next().unwrap().to_owned();
        let kept = cookie(&page, "bartizan-login");
        assert!(cookies(&page)[0].contains("SameSite=Lax"));
        (state, kept)
    };
    let back = async |query: &str, kept: Option<&str>| {
        let mut request = console.request("GET", &format!("/login/callback?{query}"), "");
        if let Some(kept) = kept {
            request.headers_mut().insert(header::COOKIE, kept.parse().unwrap());
        }
        console.send(request).await
    };
    let (state, kept) = begin().await;
    let (other_state, other_kept) = begin().await;
    for (query, kept) in [
        (format!("code=good&state={state}"), None),
        (format!("code=good&state={state}"), Some(&other_kept)),
        (format!("code=good&state={other_state}"), Some(&kept)),
        ("code=good".to_owned(), Some(&kept)),
        ("code=good&state=".to_owned(), Some(&kept)),
        (format!("state={state}"), Some(&kept)),
        (format!("code=good&state={state}&state={state}"), Some(&kept)),
        (format!("error=access_denied&state={state}&error_description=%3Cb%3E"), Some(&kept)),
        (format!("code={}&state={state}", "x".repeat(5_000)), Some(&kept)),
        (format!("code=bad&state={state}"), Some(&kept)),
    ] {
        let reply = back(&query, kept.map(String::as_str)).await;
        assert_eq!(reply.status, 401, "{query}: {}", reply.text());
        assert!(cookies(&reply).is_empty() && !reply.text().contains("<b>"));
        assert!(!reply.text().contains("private reason"));
    }
    // Nor does a page that sends the browser here use up what its user may try.
    for _ in 0..50 {
        assert_eq!(back(&format!("code=good&state={state}"), None).await.status, 401);
    }
    assert_eq!(back(&format!("code=no-role&state={state}"), Some(&kept)).await.status, 403);
    let query = format!("code=good&state={state}&session_state=added");
    let reply = back(&query, Some(&kept)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let session = cookie(&reply, "bartizan");
    assert!(cookies(&reply).iter().any(|it| it.starts_with("bartizan-login=;")));
    let again = back(&query, Some(&kept)).await;
    assert_eq!(again.status, 401, "{}", again.text());
    let mut request = console.request("GET", "/", "");
    request.headers_mut().insert(header::COOKIE, session.parse().unwrap());
    let start = console.send(request).await;
    assert!(start.text().contains("erin@example.com") && start.text().contains("auditor"));
    let operations: Vec<_> =
        console.sink.events.lock().iter().map(|event| event.operation.clone()).collect();
    assert_eq!(operations, ["login-refused", "login"], "one a minute speaks for all");
}

#[tokio::test]
async fn without_a_login_in_the_policy_there_is_none() {
    let mut console = Console::new();
    let token = sign_in(&console.state.store, ALICE).token;
    console.state.login = None;
    for (method, path, _, _) in REQUESTS {
        if path.starts_with("/login") {
            let reply = console.send(console.request(method, path, "")).await;
            assert_eq!(reply.status, 404, "{method} {path}");
        }
    }
    for path in ["/api/v1/endpoints", "/sessions"] {
        let mut request = console.request("GET", path, "");
        let cookie = format!("bartizan={}", token.expose());
        request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        assert_eq!(console.send(request).await.status, 401, "{path}");
    }
    let start = console.send(console.request("GET", "/", "")).await;
    assert!(!start.text().contains("/login"), "{}", start.text());
    // Each way alone.
    console.state.login = Some(Login::new(ORIGIN.to_owned(), None, Some(Arc::new(Corp)), LASTING));
    for (path, status) in [("/login", 404), ("/login/enrol", 404), ("/login/provider", 200)] {
        assert_eq!(form(&console, path, "").await.status, status, "{path}");
    }
    let mut request = console.request("GET", "/api/v1/endpoints", "");
    let cookie = format!("bartizan={}", token.expose());
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    assert_eq!(console.send(request).await.status, 401, "accounts do not sign in any more");
    console.state.login = Some(Login::new(ORIGIN.to_owned(), Some(Arc::new(Open)), None, LASTING));
    assert_eq!(form(&console, "/login/provider", "").await.status, 404);
}

#[tokio::test]
async fn whoever_finds_no_place_in_the_line_has_not_tried() {
    let console = Console::new();
    let hashers = &console.state.login.as_ref().unwrap().desk.hashers;
    let turns: Vec<_> = std::iter::from_fn(|| hashers.line_up().ok()).collect();
    assert!(!turns.is_empty());
    for _ in 0..10 {
        let reply = log_in(&console, ALICE, "wrong+horse+wrong", &code()).await;
        assert!(reply.text().contains("login-busy"), "{}", reply.text());
    }
    drop(turns);
    // Had these been tries of the account, it would be too early for another.
    let reply = log_in(&console, ALICE, "correct+horse", &code()).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
}

#[tokio::test]
async fn a_login_that_cannot_be_recorded_is_none() {
    let console = Console::new();
    console.sink.full.store(true, Ordering::SeqCst);
    let reply = log_in(&console, ALICE, "correct+horse", &code()).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert_eq!(cookies(&reply), [""; 0]);
    let sessions = console.state.store.list_console_sessions(LASTING).unwrap();
    assert!(sessions.iter().all(|session| session.name != ALICE), "{sessions:?}");
}
