//! The HTTP client that tests use: one base address, default headers, JSON and streams.

use std::str::FromStr;

use ::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version, header,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An address, header name or header value that cannot be sent.
    #[error("request could not be built")]
    Build(#[source] ::http::Error),
    /// No connection, or one that ended before the headers.
    #[error("no answer")]
    NoAnswer(#[source] hyper_util::client::legacy::Error),
    /// The body ended before its end.
    #[error("answer broke off")]
    BrokeOff(#[source] hyper::Error),
}

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    headers: HeaderMap,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client of the server at a base URL such as `http://127.0.0.1:8080`.
    pub fn new(base: impl Into<String>) -> Self {
        let base = base.into().trim_end_matches('/').to_owned();
        let pool = Pool::builder(TokioExecutor::new()).build_http();
        Self { base, headers: HeaderMap::new(), pool }
    }

    /// The same client over HTTP/2 without TLS, known beforehand to be spoken there: one connection,
    /// many requests at a time.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.pool = Pool::builder(TokioExecutor::new()).http2_only(true).build_http();
        self
    }

    /// Sends `Authorization: Bearer KEY` with every request.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// Sends a header with every request, in place of one of the same name. A name or value that
    /// HTTP does not allow is left out, and the server will miss it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::from_str(name), HeaderValue::from_str(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sends a request and returns as soon as the headers of its answer are there.
    ///
    /// # Errors
    /// [`HttpError`] when it cannot be built or gets no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Stream, HttpError> {
        let uri = format!("{}{path}", self.base)
            .parse::<Uri>()
            .map_err(|e| HttpError::Build(e.into()))?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Full::new(body.into()))
            .map_err(HttpError::Build)?;
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().extend(self.headers.clone());
        let response = self.pool.request(request).await.map_err(HttpError::NoAnswer)?;
        let (head, body) = response.into_parts();
        Ok(Stream { version: head.version, status: head.status, headers: head.headers, body })
    }

    /// Gets a path.
    ///
    /// # Errors
    /// [`HttpError`]; a status that says failure is an answer.
    pub async fn get(&self, path: &str) -> Result<Answer, HttpError> {
        self.send(Method::GET, path, Bytes::new()).await?.whole().await
    }

    /// Posts JSON and reads the whole answer.
    ///
    /// # Errors
    /// [`HttpError`]; a status that says failure is an answer.
    pub async fn post_json(&self, path: &str, body: &Value) -> Result<Answer, HttpError> {
        self.stream(path, body).await?.whole().await
    }

    /// Posts JSON and returns as soon as the headers are there.
    ///
    /// # Errors
    /// [`HttpError`]; a status that says failure is an answer.
    pub async fn stream(&self, path: &str, body: &Value) -> Result<Stream, HttpError> {
        self.send(Method::POST, path, body.to_string()).await
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, byte for byte.
    pub body: Bytes,
}

impl Answer {
    /// Body as JSON, or null where it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Body as text, with replacement characters where it is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `data:` of each frame of an event stream.
    pub fn events(&self) -> Vec<String> {
        sse_data(&self.text())
    }
}

/// An answer whose body is still coming. Dropping it closes the connection.
#[derive(Debug)]
pub struct Stream {
    /// Version of HTTP that it came in.
    pub version: Version,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    body: Incoming,
}

impl Stream {
    /// The next piece of the body as it came off the wire, or none at its end.
    ///
    /// # Errors
    /// [`HttpError::BrokeOff`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        while let Some(frame) = self.body.frame().await {
            // Trailers are no content.
            if let Ok(bytes) = frame.map_err(HttpError::BrokeOff)?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Reads the rest.
    ///
    /// # Errors
    /// [`HttpError::BrokeOff`].
    pub async fn whole(self) -> Result<Answer, HttpError> {
        let body = self.body.collect().await.map_err(HttpError::BrokeOff)?.to_bytes();
        Ok(Answer { status: self.status, headers: self.headers, body })
    }
}

/// `data:` of each frame of an event stream; lines of one frame are joined with a newline.
pub fn sse_data(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n")
        .split("\n\n")
        .filter_map(|frame| {
            let lines: Vec<&str> = frame
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(|line| line.strip_prefix(' ').unwrap_or(line))
                .collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_data_of_each_frame() {
        let text = "event: a\ndata: 1\n\n: comment\n\ndata:2\r\ndata: 3\r\n\r\ndata: [DONE]\n\n";
        assert_eq!(sse_data(text), ["1", "2\n3", "[DONE]"]);
    }
}
