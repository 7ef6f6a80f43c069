//! Where keys may be taken from: whoever can change what comes from there can be anybody.

use std::net::IpAddr;

use bartizan_core::host::canonical_host;
use http::Uri;

use crate::error::KeysError;

/// Longest URL, in bytes.
const URL_BYTES: usize = 2048;
/// What OIDC Discovery 1.0, section 4, appends to the name of an issuer.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Host of a URL that policy names for keys, in the form in which hosts are compared.
///
/// # Errors
/// [`KeysError::Address`] unless the way there is safe: TLS, or inside of this machine.
pub(crate) fn host_of(url: &str) -> Result<String, KeysError> {
    safe_host(url).map_err(|what| KeysError::Address { url: url.to_owned(), what })
}

/// Where an issuer has its discovery document.
///
/// # Errors
/// [`KeysError::Address`] when it cannot have one.
pub(crate) fn discovery_of(issuer: &str) -> Result<String, KeysError> {
    if issuer.contains('?') {
        let what = "an issuer with a query in its name has no discovery document";
        return Err(KeysError::Address { url: issuer.to_owned(), what });
    }
    let url = format!("{}{DISCOVERY}", issuer.trim_end_matches('/'));
    host_of(&url).map(|_| url)
}

/// Host of a URL that keys may be taken from, or what is wrong with it.
pub(crate) fn safe_host(url: &str) -> Result<String, &'static str> {
    // Whoever fetches reads the URL anew. What two readers could take differently is refused.
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>@\\^`{|}".contains(&byte);
    if url.len() > URL_BYTES || !url.bytes().all(plain) {
        return Err("it is too long, or has characters that it should not have");
    }
    let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
    let host = uri.host().and_then(canonical_host).ok_or("it has no host")?;
    match uri.scheme_str() {
        Some("https") => Ok(host),
        Some("http") if is_here(&host) => Ok(host),
        Some("http") => Err("it is not `https://`, and anybody on the way could change the keys"),
        _ => Err("it does not begin with `https://`"),
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_tls_or_from_this_machine() {
        for (url, host) in [
            ("https://id.example/keys", "id.example"),
            ("HTTPS://ID.Example.:8443/keys?a=b", "id.example"),
            ("http://localhost:8080/keys", "localhost"),
            ("http://127.0.0.1/keys", "127.0.0.1"),
            ("http://[::1]:9/keys", "[::1]"),
        ] {
            assert_eq!(host_of(url).unwrap(), host, "{url}");
        }
        for url in [
            "",
            "/keys",
            "id.example/keys",
            "ftp://id.example/keys",
            "file:///etc/passwd",
            "http://id.example/keys",
            "http://localhost.evil.example/keys",
            "http://127.0.0.1.evil.example/keys",
            "http://[::2]/keys",
            "https:///keys",
            "https://id.example@evil.example/keys",
            "https://id.example\\@evil.example/keys",
            "https://id.example/#keys",
            "https://id.example/a b",
            "https://id.example/\u{0}",
            "https://ıd.example/keys",
        ] {
            assert!(matches!(host_of(url), Err(KeysError::Address { .. })), "{url}");
        }
        assert!(host_of(&format!("https://id.example/{}", "a".repeat(URL_BYTES))).is_err());
    }

    #[test]
    fn a_discovery_document_is_below_the_name_of_its_issuer() {
        let url = "https://id.example/realm/.well-known/openid-configuration";
        assert_eq!(discovery_of("https://id.example/realm").unwrap(), url);
        assert_eq!(discovery_of("https://id.example/realm/").unwrap(), url);
        for issuer in ["kubernetes", "http://id.example", "https://id.example/?tenant=a"] {
            assert!(discovery_of(issuer).is_err(), "{issuer}");
        }
    }
}
