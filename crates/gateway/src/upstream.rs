//! Calls to providers: pooled connections, TLS, timeouts, and what may be tried again.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// A call that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
}

/// Body of an answer, from the network or from the built-in provider.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    Network(Incoming),
    BuiltIn(std::vec::IntoIter<Bytes>),
}

/// Why a call brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The provider never saw the request.
    NotConnected,
    /// Nothing came in time; the provider may have seen the request.
    TimedOut,
    /// The connection broke; the provider may have seen the request.
    BrokeOff,
}

/// The client side of the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Upstream {
    /// Trusts the system's certificates, or the web's where the system has none.
    pub(crate) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_secs(10)));
        let https = match HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
        {
            Ok(builder) => builder,
            Err(error) => {
                tracing::warn!(%error, "no system certificates; using the built-in list");
                match HttpsConnectorBuilder::new()
                    .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
                {
                    Ok(builder) => builder,
                    // The provider supports the default protocol versions, or nothing would.
                    Err(_) => HttpsConnectorBuilder::new().with_tls_config(
                        rustls::ClientConfig::builder()
                            .with_root_certificates(rustls::RootCertStore::empty())
                            .with_no_client_auth(),
                    ),
                }
            }
        };
        let connector = https.https_or_http().enable_all_versions().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_mins(1))
            .build(connector);
        Self { client }
    }

    /// Sends a call and waits for the head of the answer.
    pub(crate) async fn send(&self, call: Call, wait: Duration) -> Result<Answer, CallError> {
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = call.uri;
        *request.headers_mut() = call.headers;
        match tokio::time::timeout(wait, self.client.request(request)).await {
            Err(_) => Err(CallError::TimedOut),
            Ok(Err(error)) if error.is_connect() => {
                tracing::warn!(%error, "provider not reached");
                Err(CallError::NotConnected)
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "provider broke off");
                Err(CallError::BrokeOff)
            }
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                let body = AnswerBody::Network(body);
                Ok(Answer { status: head.status, headers: head.headers, body })
            }
        }
    }
}

impl AnswerBody {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self, idle: Duration) -> Option<Result<Bytes, CallError>> {
        match self {
            Self::BuiltIn(pieces) => pieces.next().map(Ok),
            Self::Network(body) => loop {
                match tokio::time::timeout(idle, body.frame()).await {
                    Err(_) => return Some(Err(CallError::TimedOut)),
                    Ok(None) => return None,
                    Ok(Some(Err(_))) => return Some(Err(CallError::BrokeOff)),
                    Ok(Some(Ok(frame))) => {
                        if let Ok(data) = frame.into_data() {
                            return Some(Ok(data));
                        }
                    }
                }
            },
        }
    }
}
