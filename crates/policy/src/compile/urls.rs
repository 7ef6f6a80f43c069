//! Addresses of providers and collectors.

use http::Uri;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::located::Place;
use crate::snippet::quote;

/// Where plain http is acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainHttp {
    /// On this machine only.
    Loopback,
    /// On this machine only, whatever the policy says: what comes from there is believed.
    Believed,
    /// Everywhere: the policy says so, or nothing secret travels.
    Anywhere,
}

impl PlainHttp {
    pub(super) const fn when(danger_allow_plain_http: bool) -> Self {
        if danger_allow_plain_http { Self::Anywhere } else { Self::Loopback }
    }
}

impl Compiler<'_, '_> {
    /// An http(s) address, written out or referred to; no trailing slash.
    pub(super) fn base_url(
        &mut self,
        text: &str,
        place: Option<Place>,
        plain_http: PlainHttp,
    ) -> Option<String> {
        let url = self.text_or_reference(text, place)?;
        self.checked_url(&url, place, plain_http)
    }

    fn checked_url(
        &mut self,
        url: &str,
        place: Option<Place>,
        plain_http: PlainHttp,
    ) -> Option<String> {
        match check(url, plain_http) {
            Ok(()) => Some(url.trim_end_matches('/').to_owned()),
            Err((message, help)) => {
                let problem = Problem::new(place, message).help(help);
                // User and password in an address are a credential.
                self.report(if url.contains('@') { problem.secret() } else { problem });
                None
            }
        }
    }

    /// A host with or without `https://`; as `https://HOST`, no trailing slash.
    pub(super) fn host_url(
        &mut self,
        text: &str,
        place: Option<Place>,
        plain_http: PlainHttp,
    ) -> Option<String> {
        let host = self.text_or_reference(text, place)?;
        let url = if host.contains("://") { host } else { format!("https://{host}") };
        let url = self.checked_url(&url, place, plain_http)?;
        if url.matches('/').count() > 2 {
            let message = format!("{} is more than a host", quote(&url));
            let help = "write the host alone, such as `my-workspace.cloud.databricks.com`";
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        Some(url)
    }
}

fn check(url: &str, plain_http: PlainHttp) -> Result<(), (String, &'static str)> {
    const EXAMPLE: &str = "write an address such as `https://api.example.com/v1`";
    if url.contains('@') {
        return Err((
            "the address holds a user or password".to_owned(),
            "remove what stands before `@`; a credential goes into `api-key` as a reference",
        ));
    }
    let shown = quote(url);
    if url.contains(['?', '#']) {
        return Err((format!("the address {shown} has a query or fragment"), EXAMPLE));
    }
    let wrong = || (format!("{shown} is not an http address"), EXAMPLE);
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if plain_http == PlainHttp::Anywhere || is_loopback(host) => Ok(()),
        Some("http") if plain_http == PlainHttp::Believed => Err((
            format!("{shown} could be anybody: nobody proves who they are over plain http"),
            "write `https://`",
        )),
        Some("http") => Err((
            format!("{shown} sends keys and prompts over plain http"),
            "write `https://`, or accept the risk with `danger-allow-plain-http: true`",
        )),
        _ => Err(wrong()),
    }
}

/// Whether a host, with or without the brackets of an address, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for fine in [
            "http://127.0.0.1:9/v1",
            "http://localhost",
            "http://[::1]:80/",
            "https://api.example.com/v1/",
        ] {
            assert_eq!(check(fine, PlainHttp::Loopback), Ok(()), "{fine}");
        }
        for wrong in [
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "ftp://a",
            "api.example.com",
            "https://",
            "https:///v1",
            "https://u:p@h/",
            "https://h/?q",
            "https://h/#f",
            "https://h/ x",
            "",
        ] {
            assert!(check(wrong, PlainHttp::Loopback).is_err(), "{wrong}");
        }
        assert_eq!(check("http://10.0.0.1", PlainHttp::Anywhere), Ok(()));
    }
}
