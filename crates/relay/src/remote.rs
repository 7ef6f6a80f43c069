//! Reads a log that somebody serves over HTTP as C2SP's tlog-tiles, path by path. Whether what is served
//! holds is for [`bartizan_ledger::verify::remote`] to say.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bartizan_core::error::{Class, Coded};
use bartizan_core::redact::Secret;
use bartizan_ledger::verify::remote::{Fetched, Wanted};
use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;

use crate::backoff::Backoff;
use crate::error::{SinkError, remark, said};
use crate::http::{Http, retry_after};

/// How often something is asked for before the server counts as unreachable.
const TRIES: u32 = 3;
/// Longest wait between two tries, whatever the server asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Begins the paths of entries, for which a key may be needed.
const ENTRIES: &str = "tile/entries/";
/// As whom a server may know its reader.
const AGENT: &str = concat!("bartizan/", env!("CARGO_PKG_VERSION"));

/// It cannot be said what a server of a log has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address cannot be that of a log.
    #[error("`{url}` cannot be the address of a log: {what}")]
    Address {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The certificates that are to be trusted cannot be used.
    #[error("the certificates to trust cannot be used")]
    Certificates(#[source] SinkError),
    /// The key for entries cannot be sent.
    #[error("the key for entries cannot be sent: it holds characters that no key has")]
    Key,
    /// The key for entries is not taken.
    #[error("the server refuses the key for `{url}`, with status {status}")]
    KeyRefused {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// What everybody may see is not shown.
    #[error("the server does not show `{url}`")]
    Hidden {
        /// What was asked for.
        url: String,
    },
    /// Nobody answers.
    #[error("`{url}` cannot be reached")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the system or TLS says.
        #[source]
        source: io::Error,
    },
    /// The connection ended before the answer did.
    #[error("the connection broke while `{url}` was read")]
    Broken {
        /// What was asked for.
        url: String,
        /// What the system or TLS says.
        #[source]
        source: io::Error,
    },
    /// The server is too slow, or silent.
    #[error("`{url}` was not answered within {} s", wait.as_secs())]
    TimedOut {
        /// What was asked for.
        url: String,
        /// How long it was waited for.
        wait: Duration,
    },
    /// The server names another address.
    #[error("`{url}` is said to be elsewhere, at `{to}`")]
    Moved {
        /// What was asked for.
        url: String,
        /// Where it is said to be.
        to: String,
    },
    /// The server answered with a status that says neither what it has nor that it has nothing.
    #[error("`{url}` was answered with status {status}{}", remark(said))]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
        /// The beginning of the answer.
        said: String,
    },
    /// The answer is compressed, or the like.
    #[error("`{url}` was answered in the encoding `{encoding}`, which was not asked for")]
    Encoded {
        /// What was asked for.
        url: String,
        /// What the server says that it is.
        encoding: String,
    },
}

impl Coded for FetchError {
    fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } | Self::Moved { .. } => "bartizan::relay::log-address",
            Self::Certificates(_) => "bartizan::relay::log-certificates",
            Self::Key | Self::KeyRefused { .. } => "bartizan::relay::log-key",
            Self::Hidden { .. } => "bartizan::relay::log-hidden",
            Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. } => {
                "bartizan::relay::log-unreachable"
            }
            Self::Status { .. } | Self::Encoded { .. } => "bartizan::relay::log-answer",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Address { .. } | Self::Moved { .. } | Self::Certificates(_) => Class::Usage,
            Self::Key | Self::KeyRefused { .. } | Self::Hidden { .. } => Class::Unauthenticated,
            Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. } => {
                Class::Unavailable
            }
            Self::Status { .. } | Self::Encoded { .. } => Class::Upstream,
        }
    }
}

/// A log that is served below a URL.
#[derive(Debug)]
pub struct RemoteLog {
    http: Http,
    /// Without a slash at its end.
    prefix: String,
    authorization: Option<HeaderValue>,
    in_the_clear: bool,
}

/// A try that came to nothing.
struct Failure {
    error: FetchError,
    /// How long the server asks to be left alone before another one, if that may come to something.
    again: Option<Duration>,
}

impl RemoteLog {
    /// The log below `url`, which is not connected to yet. `key` goes along where entries are asked for, and
    /// nowhere else.
    ///
    /// # Errors
    /// [`FetchError`], when the address, the file `ca` or the key cannot be used.
    pub fn new(url: &str, ca: Option<&Path>, key: Option<&Secret>) -> Result<Self, FetchError> {
        let (prefix, uri) = address(url)?;
        Ok(Self {
            http: Http::new(&uri, ca).map_err(FetchError::Certificates)?,
            prefix,
            authorization: key.map(authorization).transpose()?,
            in_the_clear: uri.scheme_str() == Some("http") && !is_here(&uri),
        })
    }

    /// Whether others on the way can read the key that goes along.
    pub fn shows_key_on_the_way(&self) -> bool {
        self.in_the_clear && self.authorization.is_some()
    }

    /// Asks for all paths at once, and for each anew where a connection could not be made or broke, or the
    /// server says that it is overloaded. Redirects are not followed.
    ///
    /// # Errors
    /// [`FetchError`] about the first path for which nothing is known.
    pub async fn fetch(&self, wanted: &[Wanted]) -> Result<Vec<Fetched>, FetchError> {
        join_all(wanted.iter().map(|wanted| self.fetch_one(wanted))).await.into_iter().collect()
    }

    async fn fetch_one(&self, wanted: &Wanted) -> Result<Fetched, FetchError> {
        let mut backoff = Backoff::default();
        let mut tries = 1;
        loop {
            let Failure { error, again } = match self.try_one(wanted).await {
                Ok(fetched) => return Ok(fetched),
                Err(failure) => failure,
            };
            let Some(asked) = again.filter(|_| tries < TRIES) else { return Err(error) };
            let wait = backoff.failed(Some(asked.min(LONGEST_WAIT)));
            tracing::debug!(%error, ?wait, "asked again");
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    async fn try_one(&self, wanted: &Wanted) -> Result<Fetched, Failure> {
        let url = format!("{}/{}", self.prefix, wanted.path);
        let key = self.authorization.as_ref().filter(|_| wanted.path.starts_with(ENTRIES));
        let mut request = Request::get(&url)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(key) = key {
            request = request.header(AUTHORIZATION, key);
        }
        let request = request.body(Full::new(Bytes::new())).map_err(|_| {
            let what = "a path below it is no URL";
            Failure { error: FetchError::Address { url: self.prefix.clone(), what }, again: None }
        })?;
        let answer = self.http.read(request, wanted.limit_bytes).await;
        let (status, headers, body) = answer.map_err(|error| not_answered(url.clone(), error))?;
        judge(url, key.is_some(), status, &headers, body)
    }
}

/// One document of a server, as everyone may read it. Redirects are not followed.
///
/// # Errors
/// [`FetchError`], also where there is no such document, or it is longer than `limit_bytes`.
pub async fn document(url: &str, limit_bytes: usize) -> Result<Vec<u8>, FetchError> {
    let wrong = |what| FetchError::Address { url: url.to_owned(), what };
    let start = url.find("://").map_or(0, |at| at + "://".len());
    let rest = url.get(start..).unwrap_or_default();
    let (_, path) = rest.split_once('/').ok_or_else(|| wrong("it has no path"))?;
    let server = url.strip_suffix(path).unwrap_or(url);
    let server = RemoteLog::new(server, None, None)?;
    let wanted = Wanted { path: path.to_owned(), limit_bytes };
    match server.fetch_one(&wanted).await? {
        Fetched::Bytes(bytes) => Ok(bytes),
        Fetched::TooLong => Err(wrong("the document there is too long")),
        Fetched::Absent => Err(wrong("there is no document")),
        Fetched::Denied => Err(FetchError::Hidden { url: url.to_owned() }),
    }
}

/// What a server answers to one question with headers of its own, whatever its status; no body where that is longer
/// than `limit_bytes`. Redirects are not followed.
///
/// # Errors
/// [`FetchError`], when there is no answer.
pub async fn ask(
    url: &str,
    ca: Option<&Path>,
    headers: &[(HeaderName, HeaderValue)],
    limit_bytes: usize,
) -> Result<(StatusCode, Option<Bytes>), FetchError> {
    tell(Method::GET, url, ca, headers, limit_bytes).await
}

/// [`ask`] by another method, without a body.
///
/// # Errors
/// [`FetchError`], when there is no answer; whether it was done is not known then.
pub async fn tell(
    method: Method,
    url: &str,
    ca: Option<&Path>,
    headers: &[(HeaderName, HeaderValue)],
    limit_bytes: usize,
) -> Result<(StatusCode, Option<Bytes>), FetchError> {
    let request = Request::builder().method(method).uri(url);
    exchange(request, url, ca, headers, Bytes::new(), limit_bytes).await
}

/// What a server answers to a form, whatever its status; no body where that is longer than `limit_bytes`. Redirects
/// are not followed, and nothing is sent twice.
///
/// # Errors
/// [`FetchError`], when there is no answer.
pub async fn post_form(
    url: &str,
    headers: &[(HeaderName, HeaderValue)],
    form: Bytes,
    limit_bytes: usize,
) -> Result<(StatusCode, Option<Bytes>), FetchError> {
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    let request = Request::post(url).header(CONTENT_TYPE, kind);
    exchange(request, url, None, headers, form, limit_bytes).await
}

async fn exchange(
    request: http::request::Builder,
    url: &str,
    ca: Option<&Path>,
    headers: &[(HeaderName, HeaderValue)],
    body: Bytes,
    limit_bytes: usize,
) -> Result<(StatusCode, Option<Bytes>), FetchError> {
    let wrong = |what| FetchError::Address { url: url.to_owned(), what };
    let uri: Uri = url.parse().map_err(|_| wrong("it is no URL"))?;
    let http = Http::new(&uri, ca).map_err(FetchError::Certificates)?;
    let mut request = request
        .header(USER_AGENT, AGENT)
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body)).map_err(|_| wrong("it is no URL"))?;
    let answer = http.read(request, limit_bytes).await;
    let (status, _, body) = answer.map_err(|error| not_answered(url.to_owned(), error).error)?;
    Ok((status, body))
}

/// The header that carries a key.
fn authorization(key: &Secret) -> Result<HeaderValue, FetchError> {
    let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
    let mut value = value.map_err(|_| FetchError::Key)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What an answer says about what the server has.
fn judge(
    url: String,
    with_key: bool,
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<Bytes>,
) -> Result<Fetched, Failure> {
    let text = |name: HeaderName| {
        let value = headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        said(&String::from_utf8_lossy(value))
    };
    let error = match status {
        StatusCode::OK => match text(CONTENT_ENCODING) {
            encoding if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") => {
                return Ok(body.map_or(Fetched::TooLong, |body| Fetched::Bytes(body.into())));
            }
            encoding => FetchError::Encoded { url, encoding },
        },
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Fetched::Absent),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if !with_key => {
            return Ok(Fetched::Denied);
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            FetchError::KeyRefused { url, status: status.as_u16() }
        }
        _ if status.is_redirection() => FetchError::Moved { url, to: text(LOCATION) },
        _ => {
            let said = said(&String::from_utf8_lossy(&body.unwrap_or_default()));
            FetchError::Status { url, status: status.as_u16(), said }
        }
    };
    let again = matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
    Err(Failure { error, again: again.then(|| retry_after(headers).unwrap_or_default()) })
}

fn not_answered(url: String, error: SinkError) -> Failure {
    let error = match error {
        SinkError::Connect { source, .. } => FetchError::Unreachable { url, source },
        SinkError::Broken { source, .. } => FetchError::Broken { url, source },
        SinkError::TimedOut { wait, .. } => FetchError::TimedOut { url, wait },
        other => FetchError::Unreachable { url, source: io::Error::other(other) },
    };
    Failure { error, again: Some(Duration::ZERO) }
}

/// The prefix of a log, without a slash at its end.
fn address(url: &str) -> Result<(String, Uri), FetchError> {
    let wrong = |what| FetchError::Address { url: url.to_owned(), what };
    let prefix = url.trim_end_matches('/');
    let uri: Uri = prefix.parse().map_err(|_| wrong("it is no URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("it does not begin with `https://` or `http://`"));
    }
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err(FetchError::Address {
            // What stands before the sign is a password.
            url: "…".to_owned(),
            what: "it has a name or a password in it, or no host",
        });
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("it has no host"));
    }
    if prefix.contains(['?', '#']) {
        return Err(wrong("it has a query or a fragment"));
    }
    Ok((prefix.to_owned(), uri))
}

/// Whether others on the way to a URL can read what is sent there.
pub fn is_in_the_clear(url: &str) -> bool {
    let uri: Result<Uri, _> = url.parse();
    uri.is_ok_and(|uri| uri.scheme_str() != Some("https") && !is_here(&uri))
}

/// Whether a URL leads to this machine.
fn is_here(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_comes_before_the_checkpoint() {
        for url in ["https://log.example", "http://127.0.0.1:9/ledger/", "HTTPS://[::1]:9/a/b//"] {
            let (prefix, _) = address(url).unwrap();
            assert!(!prefix.ends_with('/') && url.starts_with(&prefix), "{url}: {prefix}");
        }
        for url in [
            "log.example/ledger",
            "ftp://log.example",
            "https://",
            "https://bob:secret@log.example",
            "https://log.example/?a",
            "https://log.example/#a",
            "https://log.example/a b",
        ] {
            let error = address(url).unwrap_err();
            assert!(matches!(error, FetchError::Address { .. }), "{url}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_key_that_others_can_read_on_the_way_is_told_apart() {
        let key = Secret::new("bza_key");
        let shown = |url: &str, key| RemoteLog::new(url, None, key).unwrap().shows_key_on_the_way();
        assert!(shown("http://log.example/ledger", Some(&key)));
        assert!(!shown("http://log.example/ledger", None));
        for url in
            ["https://log.example", "http://localhost:9", "http://127.0.0.1", "http://[::1]:9"]
        {
            assert!(!shown(url, Some(&key)), "{url}");
        }
        let broken = RemoteLog::new("https://log.example", None, Some(&Secret::new("a\nb")));
        assert!(matches!(broken, Err(FetchError::Key)));
    }

    fn judged(status: u16, headers: &[(&str, &str)], with_key: bool) -> Result<Fetched, Failure> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.insert(name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        judge("u".to_owned(), with_key, status, &map, Some(Bytes::from_static(b"body")))
    }

    #[test]
    fn an_answer_says_what_there_is_or_that_nothing_is_known() {
        let known = |status, with_key| judged(status, &[], with_key).ok();
        assert_eq!(known(200, false), Some(Fetched::Bytes(b"body".to_vec())));
        assert_eq!(known(404, true), Some(Fetched::Absent));
        assert_eq!(known(410, false), Some(Fetched::Absent));
        assert_eq!(known(401, false), Some(Fetched::Denied));
        assert_eq!(known(403, false), Some(Fetched::Denied));
        let failed = |status, headers: &[(&str, &str)]| {
            let failure = judged(status, headers, true).err().unwrap();
            (failure.error.code(), failure.again)
        };
        let key = "bartizan::relay::log-key";
        assert_eq!((failed(401, &[]), failed(403, &[])), ((key, None), (key, None)));
        let moved = failed(302, &[("location", "https://other.example/checkpoint")]);
        assert_eq!(moved, ("bartizan::relay::log-address", None));
        let answer = "bartizan::relay::log-answer";
        assert_eq!(failed(200, &[("content-encoding", "gzip")]), (answer, None));
        assert_eq!(failed(400, &[]), (answer, None));
        assert_eq!(failed(500, &[]), (answer, Some(Duration::ZERO)));
        let wait = Some(Duration::from_secs(7));
        assert_eq!(failed(429, &[("retry-after", "7")]), (answer, wait));
        let identity = judged(200, &[("content-encoding", "identity")], false);
        assert!(matches!(identity, Ok(Fetched::Bytes(_))));
        let long = judge("u".to_owned(), false, StatusCode::OK, &HeaderMap::new(), None);
        assert!(matches!(long, Ok(Fetched::TooLong)));
    }
}
