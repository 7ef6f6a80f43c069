//! Calls to providers: pooled connections, TLS, timeouts, and what may be tried again.

mod plain;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bartizan_core::Name;
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use plain::{PlainBody, PlainClient, PlainError};

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
    Plain(PlainBody),
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
    plain: PlainClient,
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
        let plain = PlainClient::new(tcp.clone());
        let connector = https.https_or_http().enable_all_versions().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_mins(1))
            .build(connector);
        Self { client, plain }
    }

    /// Sends a call to a provider and waits for the head of the answer.
    pub(crate) async fn send(
        &self,
        provider: &Name,
        call: Call,
        wait: Duration,
    ) -> Result<Answer, CallError> {
        let address = Address(call.uri.clone());
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = call.uri;
        *request.headers_mut() = call.headers;
        let is_plain = request.uri().scheme_str() == Some("http");
        let answer = async {
            if is_plain {
                self.plain_answer(request, provider, &address).await
            } else {
                self.shared_answer(request, provider, &address).await
            }
        };
        let Ok(answer) = tokio::time::timeout(wait, answer).await else {
            tracing::warn!(%provider, %address, ?wait, "provider did not answer in time");
            return Err(CallError::TimedOut);
        };
        let (head, body) = answer?;
        if let Some(remark) = remark(head.status) {
            let status = head.status.as_u16();
            tracing::warn!(%provider, %address, status, "{remark}");
        }
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn plain_answer(
        &self,
        request: Request<Full<Bytes>>,
        provider: &Name,
        address: &Address,
    ) -> Result<(Parts, AnswerBody), CallError> {
        match self.plain.request(request).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                Ok((head, AnswerBody::Plain(body)))
            }
            Err(error) => {
                let is_connect = matches!(error, PlainError::NotConnected(_));
                Err(failed(is_connect, &error, provider, address))
            }
        }
    }

    async fn shared_answer(
        &self,
        request: Request<Full<Bytes>>,
        provider: &Name,
        address: &Address,
    ) -> Result<(Parts, AnswerBody), CallError> {
        match self.client.request(request).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                Ok((head, AnswerBody::Network(body)))
            }
            Err(error) => Err(failed(error.is_connect(), &error, provider, address)),
        }
    }
}

/// Says in the log why no answer came.
fn failed(is_connect: bool, error: &dyn Error, provider: &Name, address: &Address) -> CallError {
    let error = Causes(error);
    if is_connect {
        tracing::warn!(%provider, %address, %error, "provider not reached");
        CallError::NotConnected
    } else {
        tracing::warn!(%provider, %address, %error, "provider broke off");
        CallError::BrokeOff
    }
}

/// What the operator should know about a refusal that only the policy file can mend; the client
/// gets the provider's answer either way.
fn remark(status: StatusCode) -> Option<&'static str> {
    match status.as_u16() {
        401 | 403 => Some("provider refused its credential"),
        404 => Some("provider has nothing there; look at `base-url` and the name of the model"),
        _ => None,
    }
}

/// Host and port of a URL. Its path may hold the name of a model that a client made up.
struct Address(Uri);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = if self.0.scheme_str() == Some("http") { 80 } else { 443 };
        write!(f, "{}:{}", self.0.host().unwrap_or("?"), self.0.port_u16().unwrap_or(port))
    }
}

/// An error with its causes: the outermost alone says that a client failed, not why.
struct Causes<'e>(&'e dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl AnswerBody {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self, idle: Duration) -> Option<Result<Bytes, CallError>> {
        match self {
            Self::BuiltIn(pieces) => pieces.next().map(Ok),
            // A body that always has more is never waited for, and a wait alone ends in time.
            Self::Network(_) | Self::Plain(_) if idle.is_zero() => Some(Err(CallError::TimedOut)),
            Self::Network(_) | Self::Plain(_) => loop {
                match tokio::time::timeout(idle, self.frame()).await {
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

    async fn frame(&mut self) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Network(body) => body.frame().await,
            Self::Plain(body) => body.frame().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_and_port_without_the_path() {
        let check = |uri: &str, expected: &str| {
            assert_eq!(Address(uri.parse().unwrap()).to_string(), expected);
        };
        check("https://models.acme.example/v1/chat/completions", "models.acme.example:443");
        check("http://localhost/v1", "localhost:80");
        check("http://[::1]:8000/v1", "[::1]:8000");
    }

    #[test]
    fn remarks_on_what_only_the_policy_can_mend() {
        let about = |status: u16| remark(StatusCode::from_u16(status).unwrap());
        assert!(about(401).unwrap().contains("credential"));
        assert!(about(403).unwrap().contains("credential"));
        assert!(about(404).unwrap().contains("`base-url`"));
        for status in [200, 400, 422, 429, 500] {
            assert_eq!(about(status), None, "{status}");
        }
    }

    #[test]
    fn the_causes_of_a_refused_connection_say_so() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(async {
            // Bound and dropped: nobody listens there.
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let uri: Uri = format!("http://{free}/").parse().unwrap();
            let shared = Upstream::new().client.get(uri.clone()).await.unwrap_err();
            assert!(shared.is_connect());
            let request = Request::get(uri).body(Full::default()).unwrap();
            let plain = Upstream::new().plain.request(request).await.unwrap_err();
            assert!(matches!(plain, PlainError::NotConnected(_)));
            [Causes(&shared).to_string(), Causes(&plain).to_string()]
        });
        for said in error {
            assert!(said.to_lowercase().contains("connection refused"), "{said}");
        }
    }
}
