//! Addresses of the web: with a scheme, with `www`, or a bare domain.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::byte_before;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: Url = Url;

/// Finds addresses of the web.
pub(super) struct Url;

static META: Meta = Meta {
    id: "url",
    summary: "An address of the web or a domain name",
    severity: Severity::Low,
    category: Category::Pii,
    label: "URL",
    docs: Docs {
        finds: "A host with a top-level domain after `http://` and the like or beginning with `www.`, with port, path \
                and query; and a bare domain under a common top-level domain.",
        matters: "Addresses carry names of accounts and sessions, and tell what somebody reads.",
        example: "`see https://example.com/u/alice today` becomes `see <URL_1> today`.",
        fix: "Mask it where pages tell who somebody is. It is looked for only when `entities` names it, since most \
              addresses are harmless; `data-link` finds those that carry data away.",
        limits: "Addresses without a top-level domain (`http://localhost`) and bare domains under rare ones are not \
                 found. Of a path, 512 bytes at most belong to the address.",
    },
    references: &[
        Reference::Spec("RFC 3986 section 3"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "see https://example.com/u/alice today",
        "http://example.webcam",
        "www.example.org/a?b=c",
        "my domains: example.com example.co.il",
        "(https://example.com/)",
        "HTTPS://EXAMPLE.COM:8443/x.",
    ],
    passes: &[
        "http://example",
        "'www.example'",
        "alice@example.com",
        "main.rs and notes.txt",
        "e.g. this.And that",
        "1.2.3.4",
        "example..com",
    ],
};

/// Longest host (RFC 1035 section 2.3.4), scheme, and path that counts, in bytes.
const HOST_BYTES: usize = 255;
const SCHEME_BYTES: usize = 8;
const PATH_BYTES: usize = 512;
/// Bytes that decide about an address from its start on.
const REACH_BYTES: usize = SCHEME_BYTES + HOST_BYTES + PATH_BYTES + 16;

/// Schemes that lead somewhere.
const SCHEMES: &[&str] = &["http", "https", "ftp", "ftps", "sftp", "ws", "wss", "ssh", "git"];
/// Top-level domains under which a bare domain counts.
const TOP_LEVEL: &[&str] = &[
    "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "io", "ai", "dev", "app",
    "cloud", "online", "shop", "store", "site", "xyz", "tech", "blog", "me", "tv", "eu", "de",
    "uk", "fr", "nl", "ch", "pl", "cz", "dk", "fi", "se", "no", "ie", "pt", "gr", "ro", "hu", "ru",
    "ua", "tr", "il", "jp", "cn", "kr", "tw", "hk", "sg", "th", "vn", "ph", "au", "nz", "ca", "us",
    "mx", "br", "ar", "cl", "co", "za", "ng", "ke", "eg", "ae",
];

impl Detector for Url {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        let mut passed = 0;
        for dot in memchr::memchr_iter(b'.', bytes) {
            if dot < passed {
                continue;
            }
            let head = bytes.get(..dot).unwrap_or_default();
            let before =
                head.iter().rev().take(HOST_BYTES + 1).take_while(|byte| is_host(**byte)).count();
            let tail = bytes.get(dot..).unwrap_or_default();
            let after = tail.iter().take(HOST_BYTES + 1).take_while(|byte| is_host(**byte)).count();
            let (start, end) = (dot - before, dot + after);
            if before + after > HOST_BYTES {
                continue;
            }
            if let Some((start, end)) = address(bytes, start, end) {
                findings.push(start, end, 0.8);
                passed = end;
            } else {
                passed = end;
            }
        }
        if !view.is_complete() {
            let word =
                bytes.iter().rev().take(REACH_BYTES).take_while(|byte| !byte.is_ascii_whitespace());
            findings.undecided(bytes.len() - word.count());
        }
    }
}

const fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// Start and end of the address whose host is this stretch.
fn address(bytes: &[u8], start: usize, end: usize) -> Option<(usize, usize)> {
    let host = bytes.get(start..end)?;
    let host = host.strip_suffix(b".").unwrap_or(host);
    let mut labels = host.split(|byte| *byte == b'.');
    if labels.clone().any(|label| label.is_empty() || label.starts_with(b"-")) {
        return None;
    }
    let top = labels.next_back()?;
    let depth = labels.count();
    let lettered = top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic);
    let scheme = scheme_before(bytes, start);
    let web = host.get(..4).is_some_and(|www| www.eq_ignore_ascii_case(b"www."));
    let known = TOP_LEVEL.iter().any(|known| top.eq_ignore_ascii_case(known.as_bytes()));
    // `this.And that` is two sentences.
    let even = !top.iter().any(u8::is_ascii_uppercase) || !host.iter().any(u8::is_ascii_lowercase);
    let alone = !matches!(byte_before(bytes, start, 1), Some(b'@' | b'_' | b'/' | b'\\'));
    let fits = lettered
        && match (scheme, web) {
            (Some(_), _) => depth >= 1,
            (None, true) => depth >= 2 && alone,
            (None, false) => known && even && alone,
        };
    if !fits || bytes.get(start + host.len()).is_some_and(|byte| matches!(byte, b'@' | b'_' | b'('))
    {
        return None;
    }
    Some((scheme.unwrap_or(start), path_end(bytes, start + host.len())))
}

/// Where the scheme begins that stands before a host.
fn scheme_before(bytes: &[u8], host: usize) -> Option<usize> {
    let head = bytes.get(..host)?.strip_suffix(b"://")?;
    let letters =
        head.iter().rev().take(SCHEME_BYTES).take_while(|byte| byte.is_ascii_alphabetic());
    let start = head.len() - letters.count();
    let scheme = head.get(start..)?;
    let known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known.as_bytes()));
    let free = !byte_before(bytes, start, 1).is_some_and(|byte| byte.is_ascii_alphanumeric());
    (known && free).then_some(start)
}

/// End of port, path, query and fragment behind a host.
fn path_end(bytes: &[u8], host: usize) -> usize {
    let rest = bytes.get(host..).unwrap_or_default();
    let port = match rest {
        [b':', after @ ..] => {
            let digits = after.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
            if (1..=5).contains(&digits) { digits + 1 } else { 0 }
        }
        _ => 0,
    };
    let rest = rest.get(port..).unwrap_or_default();
    if !rest.first().is_some_and(|byte| matches!(byte, b'/' | b'?' | b'#')) {
        return host + port;
    }
    let is_path = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(byte);
    let len = rest.iter().take(PATH_BYTES).take_while(is_path).count();
    let path = rest.get(..len).unwrap_or_default();
    // Punctuation at the end is the sentence's.
    let kept = path.iter().rposition(|byte| !b".,;:!?)]*".contains(byte)).map_or(0, |at| at + 1);
    host + port + kept
}
