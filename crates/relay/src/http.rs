//! Calls over HTTP, as collectors, object stores and servers of logs take them: pooled connections, TLS,
//! bounds on time and on what is read of an answer.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::error::{SinkError, said};
use crate::tls;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a call, from the connection to the end of the answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection is kept without a call.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of an answer: success has nothing to say, and a failure says it at its beginning.
const ANSWER_BYTES: usize = 64 << 10;

/// Makes calls to one server.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Host and port, for errors.
    address: String,
}

/// What a server answered with success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Bytes,
}

impl Http {
    /// A client for the server of a URL.
    ///
    /// # Errors
    /// [`SinkError`], when the certificates of `ca` cannot be used.
    pub(crate) fn new(uri: &Uri, ca: Option<&Path>) -> Result<Self, SinkError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client(ca)?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Ok(Self { client, address: address(uri) })
    }

    /// Makes a call and reads the answer, which has to be one of success.
    pub(crate) async fn call(&self, request: Request<Full<Bytes>>) -> Result<Answer, SinkError> {
        let calling = tokio::time::timeout(CALL_TIMEOUT, self.answer(request));
        let (status, headers, body) = calling.await.map_err(|_| SinkError::TimedOut {
            address: self.address.clone(),
            wait: CALL_TIMEOUT,
        })??;
        if status.is_success() {
            return Ok(Answer { body });
        }
        Err(SinkError::Status {
            address: self.address.clone(),
            status: status.as_u16(),
            said: said(&String::from_utf8_lossy(&body)),
            retry_after: retry_after(&headers),
        })
    }

    /// Makes a call and reads the answer, whatever its status.
    pub(crate) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), SinkError> {
        let calling = tokio::time::timeout(CALL_TIMEOUT, self.answer(request));
        let (status, _, body) = calling.await.map_err(|_| SinkError::TimedOut {
            address: self.address.clone(),
            wait: CALL_TIMEOUT,
        })??;
        Ok((status, body))
    }

    /// Makes a call and reads the answer, whatever its status; no body if that is longer than
    /// `limit_bytes`.
    pub(crate) async fn read(
        &self,
        request: Request<Full<Bytes>>,
        limit_bytes: usize,
    ) -> Result<(StatusCode, HeaderMap, Option<Bytes>), SinkError> {
        let reading = tokio::time::timeout(CALL_TIMEOUT, self.read_in_time(request, limit_bytes));
        reading.await.map_err(|_| SinkError::TimedOut {
            address: self.address.clone(),
            wait: CALL_TIMEOUT,
        })?
    }

    async fn answer(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), SinkError> {
        let (status, headers, body) = self.read_in_time(request, ANSWER_BYTES).await?;
        let body = body.ok_or_else(|| SinkError::Broken {
            address: self.address.clone(),
            source: io::Error::other("the answer is too long"),
        })?;
        Ok((status, headers, body))
    }

    async fn read_in_time(
        &self,
        request: Request<Full<Bytes>>,
        limit_bytes: usize,
    ) -> Result<(StatusCode, HeaderMap, Option<Bytes>), SinkError> {
        let address = || self.address.clone();
        let response = self.client.request(request).await.map_err(|error| {
            let is_connect = error.is_connect();
            let source = io::Error::other(error);
            if is_connect {
                SinkError::Connect { address: address(), source }
            } else {
                SinkError::Broken { address: address(), source }
            }
        })?;
        let (head, body) = response.into_parts();
        // INVARIANT: the answer is read to its end, or the connection could not be used again.
        let body = match Limited::new(body, limit_bytes).collect().await {
            Ok(body) => Some(body.to_bytes()),
            Err(source) if source.is::<LengthLimitError>() => None,
            Err(source) => {
                let source = io::Error::other(source);
                return Err(SinkError::Broken { address: address(), source });
            }
        };
        Ok((head.status, head.headers, body))
    }
}

/// Host and port of a URL.
fn address(uri: &Uri) -> String {
    let port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    format!("{}:{}", uri.host().unwrap_or("?"), uri.port_u16().unwrap_or(port))
}

/// The seconds of `Retry-After`; its other form, a date, needs a clock that both agree on.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_port_of_its_scheme() {
        let check = |uri: &str, expected: &str| {
            assert_eq!(address(&uri.parse().unwrap()), expected);
        };
        check("https://collector.example", "collector.example:443");
        check("http://127.0.0.1:4318/x", "127.0.0.1:4318");
        check("http://[::1]", "[::1]:80");
    }

    #[test]
    fn reads_seconds_and_leaves_dates() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Fri, 07 Nov 2031 23:59:59 GMT"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
