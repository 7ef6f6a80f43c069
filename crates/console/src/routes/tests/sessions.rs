//! Every route, asked by everyone who may come with a session.

use bartizan_store::SessionRecord;

use super::people::{LASTING, ORIGIN, enrol, sign_in};
use super::*;
use crate::login::csrf_token;

/// What a browser has after somebody signed in.
struct Browser {
    token: Secret,
    csrf: String,
    session: SessionRecord,
}

impl Browser {
    fn of(console: &Console, name: &str, scope: Scope) -> Self {
        enrol(&console.state.store, name, scope);
        let login = sign_in(&console.state.store, name);
        Self { csrf: csrf_token(&login.token), token: login.token, session: login.session }
    }

    /// A request as the browser sends it from a page of the console.
    fn request(&self, console: &Console, method: &str, path: &str, body: &str) -> Request<Body> {
        let is_form = path == "/logout" || path.starts_with("/sessions");
        let body = if is_form && method == "POST" {
            format!("csrf={}", self.csrf)
        } else {
            body.to_owned()
        };
        let mut request = console.request(method, path, &body);
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, self.cookie().parse().unwrap());
        if method != "GET" {
            headers.insert(header::ORIGIN, ORIGIN.parse().unwrap());
            headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
            if !is_form {
                headers.insert("x-csrf-token", self.csrf.parse().unwrap());
            }
        }
        request
    }

    fn cookie(&self) -> String {
        format!("other=1; bartizan={}", self.token.expose())
    }
}

const SCOPES: [Scope; 4] = [Scope::Admin, Scope::Operator, Scope::Auditor, Scope::Viewer];

/// Routes that a session is asked for.
fn behind()
-> impl Iterator<Item = (&'static Route, &'static (&'static str, &'static str, &'static str, u16))>
{
    let routes =
        ROUTES.iter().filter(|it| matches!(it.access, Access::Needs(_) | Access::Somebody));
    routes.map(|route| {
        let found = REQUESTS
            .iter()
            .find(|(method, path, ..)| *path == route.path && filter(method) == route.method);
        (route, found.unwrap())
    })
}

fn expected(method: &str, path: &str, scope: Scope, success: u16) -> u16 {
    let who = match scope {
        Scope::Admin => Who::Admin,
        Scope::Operator => Who::Operator,
        Scope::Auditor => Who::Auditor,
        _ => Who::Viewer,
    };
    match path {
        "/sessions" | "/logout" => success,
        // It is somebody else's.
        "/sessions/{id}/end" if scope == Scope::Admin => success,
        "/sessions/{id}/end" => 404,
        // It was asked for with a key, and nobody knows whose keys are those of who signed in.
        "/api/v1/changes/{id}/approve" => 403,
        _ if who_may(method, path).contains(&who) => success,
        _ => 403,
    }
}

#[tokio::test]
async fn every_route_lets_sessions_in_as_keys_of_their_scope() {
    for (route, (method, path, body, success)) in behind() {
        for scope in SCOPES {
            let console = Console::new();
            let browser = Browser::of(&console, "frank@example.com", scope);
            let request = browser.request(&console, method, &console.path(path), body);
            let reply = console.send(request).await;
            let expected = expected(method, route.path, scope, *success);
            let context = format!("{method} {path} as {scope:?}: {}", reply.text());
            assert_eq!(reply.status, expected, "{context}");
            let events = console.sink.events.lock().clone();
            // Who reads what somebody asked is told on.
            let is_told = *method != "GET" || path.starts_with("/api/v1/inference/");
            let changes = expected < 400 && is_told;
            assert_eq!(events.len(), usize::from(changes || expected == 403), "{context}");
            for event in events {
                assert_eq!(event.principal.as_deref(), Some("frank@example.com"), "{context}");
            }
        }
    }
}

#[tokio::test]
async fn what_changes_something_has_to_come_from_a_page_of_the_console() {
    type Bend = fn(&mut Request<Body>, &Browser);
    let bends: &[(&str, Bend)] = &[
        ("no token", |request, _| {
            request.headers_mut().remove("x-csrf-token");
            *request.body_mut() = Body::empty();
        }),
        ("a wrong token", |request, _| {
            request.headers_mut().insert("x-csrf-token", "A".repeat(43).parse().unwrap());
        }),
        ("the token of another session", |request, other| {
            request.headers_mut().insert("x-csrf-token", other.csrf.parse().unwrap());
        }),
        ("an empty token", |request, _| {
            request.headers_mut().insert("x-csrf-token", "".parse().unwrap());
        }),
        ("two tokens", |request, other| {
            let headers = request.headers_mut();
            headers.append("x-csrf-token", other.csrf.parse().unwrap());
            headers.append("x-csrf-token", other.csrf.parse().unwrap());
        }),
        ("another origin", |request, _| {
            request.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().unwrap());
        }),
        ("an origin that nobody knows", |request, _| {
            request.headers_mut().insert(header::ORIGIN, "null".parse().unwrap());
        }),
        ("another site", |request, _| {
            request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        }),
        ("the same site", |request, _| {
            request.headers_mut().insert("sec-fetch-site", "same-site".parse().unwrap());
        }),
        ("nowhere", |request, _| {
            request.headers_mut().remove(header::ORIGIN);
            request.headers_mut().remove("sec-fetch-site");
        }),
    ];
    for (_, (method, path, body, _)) in behind().filter(|(_, request)| request.0 != "GET") {
        let console = Console::new();
        let browser = Browser::of(&console, "frank@example.com", Scope::Admin);
        let other = Browser::of(&console, "grace@example.com", Scope::Admin);
        let keys = console.state.store.list_keys().unwrap();
        for (what, bend) in bends {
            let mut request = browser.request(&console, method, &console.path(path), body);
            bend(&mut request, &other);
            let reply = console.send(request).await;
            assert_eq!(reply.status, 403, "{method} {path} with {what}: {}", reply.text());
            assert!(reply.text().contains("console::foreign-page"), "{}", reply.text());
        }
        assert_eq!(*console.sink.events.lock(), [], "{method} {path}");
        assert_eq!(console.state.store.list_keys().unwrap(), keys);
        assert_eq!(console.state.store.list_console_sessions(LASTING).unwrap().len(), 3);
        let request = browser.request(&console, method, &console.path(path), body);
        let status = console.send(request).await.status.as_u16();
        let expected = expected(method, path, Scope::Admin, 200);
        assert_eq!(status >= 400, expected >= 400, "{method} {path}");
    }
}

#[tokio::test]
async fn a_session_that_is_over_opens_nothing() {
    type End = fn(&Console, &Browser);
    let ends: &[(&str, End)] = &[
        ("ended", |console, browser| {
            console.state.store.end_console_session(&browser.session.id).unwrap();
        }),
        ("removed", |console, browser| {
            console.state.store.remove_account(&browser.session.name).unwrap();
        }),
        ("reset", |console, browser| {
            console.state.store.reset_account(&browser.session.name).unwrap();
        }),
    ];
    for (route, (method, path, body, _)) in behind() {
        for (what, end) in ends {
            let console = Console::new();
            let browser = Browser::of(&console, "frank@example.com", Scope::Admin);
            end(&console, &browser);
            let request = browser.request(&console, method, &console.path(path), body);
            let reply = console.send(request).await;
            let expected = if route.path == "/sessions" { 303 } else { 401 };
            assert_eq!(reply.status, expected, "{method} {path} {what}: {}", reply.text());
            assert_eq!(*console.sink.events.lock(), [], "{method} {path} {what}");
        }
        // Idle for too long, and for longer than any session.
        let mut console = Console::new();
        let browser = Browser::of(&console, "frank@example.com", Scope::Admin);
        for (idle, total) in [(1, 43_200_000), (1_800_000, 1)] {
            let lasting = bartizan_store::Lasting {
                idle: Duration::from_millis(idle),
                total: Duration::from_millis(total),
            };
            let login =
                crate::Login::new(ORIGIN.to_owned(), people::login().accounts, None, lasting);
            console.state.login = Some(login);
            while bartizan_core::time::now()
                <= browser.session.created + jiff::SignedDuration::from_millis(2)
            {
                std::thread::yield_now();
            }
            let request = browser.request(&console, method, &console.path(path), body);
            let reply = console.send(request).await;
            let expected = if route.path == "/sessions" { 303 } else { 401 };
            assert_eq!(reply.status, expected, "{method} {path} {idle} {total}: {}", reply.text());
        }
        for other in ["", "x", &"A".repeat(43), &"A".repeat(400), "bartizan=1; bartizan=2"] {
            let console = Console::new();
            let browser = Browser::of(&console, "frank@example.com", Scope::Admin);
            let mut request = browser.request(&console, method, &console.path(path), body);
            let cookie = format!("bartizan={other}").parse().unwrap();
            request.headers_mut().insert(header::COOKIE, cookie);
            let reply = console.send(request).await;
            let expected = if route.path == "/sessions" { 303 } else { 401 };
            assert_eq!(reply.status, expected, "{method} {path} {other}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn a_key_beside_a_session_counts_alone() {
    let console = Console::new();
    let browser = Browser::of(&console, "frank@example.com", Scope::Admin);
    let ask = async |who: Who, method: &str, with_token: bool| {
        let body = if method == "POST" { r#"{"name":"sp:bot","scope":"client"}"# } else { "" };
        let mut request = browser.request(&console, method, "/api/v1/keys", body);
        if !with_token {
            request.headers_mut().remove("x-csrf-token");
            request.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().unwrap());
        }
        if let Some(value) = console.authorization(who) {
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        console.send(request).await.status.as_u16()
    };
    assert_eq!(ask(Who::Nobody, "GET", true).await, 200);
    for (who, status) in [
        (Who::Client, 403),
        (Who::Viewer, 403),
        (Who::RevokedAdmin, 401),
        (Who::Unknown, 401),
        (Who::Malformed, 401),
        (Who::Admin, 200),
    ] {
        assert_eq!(ask(who, "GET", true).await, status, "{who:?}");
    }
    assert_eq!(ask(Who::Admin, "POST", false).await, 201);
    assert_eq!(ask(Who::Nobody, "POST", false).await, 403);
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_and_admins_all() {
    let console = Console::new();
    let admin = Browser::of(&console, "root@example.com", Scope::Admin);
    let viewer = Browser::of(&console, "frank@example.com", Scope::Viewer);
    let see = async |browser: &Browser| {
        console.send(browser.request(&console, "GET", "/sessions", "")).await
    };
    let end = async |browser: &Browser, id: &str| {
        let path = format!("/sessions/{id}/end");
        console.send(browser.request(&console, "POST", &path, "")).await.status.as_u16()
    };
    let page = see(&viewer).await;
    assert!(page.text().contains("frank@example.com") && page.text().contains("(this one)"));
    assert!(!page.text().contains("root@example.com") && !page.text().contains("dave@"));
    assert!(!page.text().contains(viewer.token.expose()), "what stands for it is in no page");
    let page = see(&admin).await;
    for name in ["root@example.com", "frank@example.com", "dave@example.com"] {
        assert!(page.text().contains(name), "{name}");
    }
    assert_eq!(end(&viewer, &admin.session.id).await, 404);
    assert_eq!(end(&viewer, "nothing").await, 404);
    assert_eq!(end(&admin, &console.other_session).await, 303);
    assert_eq!(end(&viewer, &viewer.session.id).await, 303);
    assert_eq!(see(&viewer).await.status, 303);
    let events = console.sink.events.lock().clone();
    let said: Vec<_> = events
        .iter()
        .map(|event| {
            (event.operation.as_str(), event.principal.as_deref(), event.subject.as_deref())
        })
        .collect();
    assert_eq!(
        said,
        [
            ("session-ended", Some("root@example.com"), Some("dave@example.com")),
            ("session-ended", Some("frank@example.com"), Some("frank@example.com")),
        ]
    );
    let reply = console.send(admin.request(&console, "POST", "/logout", "")).await;
    assert_eq!(reply.status, 303);
    assert!(
        reply.header("set-cookie").starts_with("bartizan=; "),
        "{}",
        reply.header("set-cookie")
    );
    assert_eq!(see(&admin).await.status, 303);
    assert_eq!(console.sink.events.lock().last().unwrap().operation, "logout");
}

#[tokio::test]
async fn pages_show_who_is_signed_in_and_their_forms_work() {
    let console = Console::new();
    let browser = Browser::of(&console, "frank@example.com", Scope::Operator);
    let start = console.send(browser.request(&console, "GET", "/", "")).await;
    let text = start.text();
    assert!(text.contains("<strong>frank@example.com</strong>") && text.contains("operator"));
    assert!(text.contains(&format!("name=\"csrf\" value=\"{}\"", browser.csrf)), "{text}");
    assert!(start.header("content-security-policy").contains("form-action 'self'"));
    assert_eq!(start.header("referrer-policy"), "same-origin");
    let stranger = console.send(console.request("GET", "/", "")).await;
    assert!(stranger.text().contains("href=\"/login\"") && !stranger.text().contains("csrf"));
    // What a page needs is on it: no script, no style of its own, nothing from elsewhere.
    for page in [text, stranger.text()] {
        for none in ["<script", "style=", "http-equiv", "src=", "onclick"] {
            assert!(!page.contains(none), "{none}");
        }
    }
}
