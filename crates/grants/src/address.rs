//! Addresses of requests, as far as proofs name them: scheme, host, port and path. Query and fragment are left out
//! (RFC 9449, section 4.3).

use bartizan_core::host::canonical_host;
use http::Uri;

/// Longest address that is looked at, in bytes.
const MAX_URL_BYTES: usize = 8 << 10;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Address {
    /// Reads an absolute address over http or https. Scheme and host may be written in any case; the port may be
    /// left out where it is the usual one; a path is what it is, to the letter.
    pub(crate) fn read(url: &str) -> Option<Self> {
        if url.len() > MAX_URL_BYTES {
            return None;
        }
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?;
        let scheme = match () {
            () if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
            () if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
            () => return None,
        };
        let authority = uri.authority()?;
        // A name in front of the host can make one host look like another.
        if authority.as_str().contains('@') {
            return None;
        }
        let usual = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str() == authority.host() => usual,
            // `host:` with nothing behind, or with something that is no port.
            None => return None,
        };
        let host = canonical_host(authority.host())?;
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Some(Self { scheme, host, port, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_may_be_written_differently() {
        let same = |a: &str, b: &str| Address::read(a).unwrap() == Address::read(b).unwrap();
        for (a, b) in [
            ("https://gate.example/v1", "HTTPS://Gate.Example:443/v1"),
            ("https://gate.example", "https://gate.example/"),
            ("https://gate.example/v1?a=b", "https://gate.example/v1?c"),
            ("http://[::1]:8080/a", "http://[0:0::1]:8080/a"),
            ("http://gate.example./", "http://gate.example:80/"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("https://gate.example/v1", "http://gate.example/v1"),
            ("https://gate.example/v1", "https://gate.example:444/v1"),
            ("https://gate.example/v1", "https://gate.example.evil/v1"),
            ("https://gate.example/v1", "https://gate.example/V1"),
            ("https://gate.example/v1", "https://gate.example/v1/"),
            ("https://gate.example/v1", "https://gate.example/a/../v1"),
            ("https://gate.example/v1", "https://gate.example/%76%31"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn other_addresses_are_none() {
        for url in [
            "",
            "/v1",
            "gate.example",
            "ftp://gate.example/",
            "https://a@gate.example/",
            "https:///v1",
            "https://gate.example:/",
            "https://gate.example:99999/",
            "https://gate example/",
        ] {
            assert_eq!(Address::read(url), None, "{url}");
        }
        assert_eq!(Address::read(&format!("https://gate.example/{}", "a".repeat(9000))), None);
    }
}
