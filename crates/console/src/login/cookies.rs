//! Cookies of the console, and what a form has to repeat of one.

use aws_lc_rs::hmac;
use axum::http::HeaderValue;
use axum::http::header::{self, HeaderMap};
use bartizan_core::redact::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Login;

/// Longest value of a cookie that is looked at, in bytes.
const VALUE_BYTES: usize = 128;
/// Seconds for which a browser stays known.
const BROWSER_SECONDS: u64 = 180 * 86_400;
/// What the token of forms is made for.
const FOR_FORMS: &[u8] = b"bartizan console form v1";

/// A cookie of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Stands for a session.
    Session,
    /// Stands for a browser that signed in before.
    Browser,
    /// Holds a login at an identity provider together.
    Flow,
}

impl Cookie {
    /// Its value in a request; none where it stands there twice, since somebody else may have set one of them.
    pub(crate) fn find(self, headers: &HeaderMap, login: &Login) -> Option<Secret> {
        let name = self.name(login.is_secure());
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
        let mut values = pairs.filter_map(|pair| {
            let (found, value) = pair.trim().split_once('=')?;
            (found == name && value.len() <= VALUE_BYTES).then_some(value)
        });
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => Some(Secret::new(value)),
            _ => None,
        }
    }

    /// The header that gives it a value.
    pub(crate) fn set(self, value: &Secret, login: &Login) -> Option<HeaderValue> {
        let seconds = match self {
            // It ends with the browser, and with the session.
            Self::Session => None,
            Self::Browser => Some(BROWSER_SECONDS),
            Self::Flow => Some(super::FLOW_LASTS.as_secs()),
        };
        self.header(value.expose(), seconds, login)
    }

    /// The header that takes it away.
    pub(crate) fn unset(self, login: &Login) -> Option<HeaderValue> {
        self.header("", Some(0), login)
    }

    /// The prefix makes browsers refuse it from other hosts, and without encryption (RFC 6265bis, section 4.1.3.2).
    /// Without TLS there is no way to have it: then the console listens on this machine alone.
    const fn name(self, is_secure: bool) -> &'static str {
        match (self, is_secure) {
            (Self::Session, true) => "__Host-bartizan",
            (Self::Session, false) => "bartizan",
            (Self::Browser, true) => "__Host-bartizan-browser",
            (Self::Browser, false) => "bartizan-browser",
            (Self::Flow, true) => "__Host-bartizan-login",
            (Self::Flow, false) => "bartizan-login",
        }
    }

    fn header(self, value: &str, seconds: Option<u64>, login: &Login) -> Option<HeaderValue> {
        let is_secure = login.is_secure();
        // Whoever comes back from an identity provider comes from another site.
        let site = if self == Self::Flow { "Lax" } else { "Strict" };
        let secure = if is_secure { "; Secure" } else { "" };
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let name = self.name(is_secure);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={site}{secure}{age}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// What forms and requests of a session have to bring along. It follows from what the browser has, which no other site
/// can read, and says nothing about it.
pub(crate) fn csrf_token(session: &Secret) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, FOR_FORMS))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bartizan_store::Lasting;

    use super::*;

    fn login(origin: &str) -> Login {
        let lasting = Lasting { idle: Duration::from_secs(60), total: Duration::from_secs(60) };
        Login::new(origin.to_owned(), None, None, lasting)
    }

    #[test]
    fn cookies_are_bound_to_their_host_and_to_encryption() {
        let value = Secret::new("abc");
        let set = |cookie: Cookie, origin: &str| {
            cookie.set(&value, &login(origin)).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(
            set(Cookie::Session, "https://console.example"),
            "__Host-bartizan=abc; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            set(Cookie::Flow, "https://console.example"),
            "__Host-bartizan-login=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"
        );
        assert_eq!(
            set(Cookie::Session, "http://127.0.0.1:8081"),
            "bartizan=abc; Path=/; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn a_cookie_that_stands_there_twice_is_nobodys() {
        let find = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            let found = Cookie::Session.find(&headers, &login("https://console.example"));
            found.map(|value| value.expose().to_owned())
        };
        assert_eq!(find(&["a=b; __Host-bartizan=abc; c=d"]), Some("abc".to_owned()));
        assert_eq!(find(&["a=b", "__Host-bartizan=abc"]), Some("abc".to_owned()));
        assert_eq!(find(&["__Host-bartizan=abc", "__Host-bartizan=abc"]), None);
        for none in ["__Host-bartizan=", "bartizan=abc", "x__Host-bartizan=abc", "__Host-bartizan"]
        {
            assert_eq!(find(&[none]), None, "{none}");
        }
        assert_eq!(find(&[&format!("__Host-bartizan={}", "a".repeat(VALUE_BYTES + 1))]), None);
    }

    #[test]
    fn each_session_has_a_token_of_its_own() {
        let [one, other] = ["a", "b"].map(|session| csrf_token(&Secret::new(session)));
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
    }
}
