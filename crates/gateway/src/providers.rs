//! Providers: which protocols they speak, where they are called and with which credential. One file
//! per kind.

mod anthropic;
mod azure;
mod databricks;
mod demo;
mod openai;

use bartizan_core::settings::{Provider as Settings, ProviderKind};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::uri::InvalidUri;
use http::{HeaderMap, Uri};

use crate::operation::Operation;
use crate::upstream::Answer;

/// A way to models.
pub(crate) trait Provider: Send + Sync {
    /// The protocol in which an operation is asked here: its own, or one that it is translated to.
    /// `None` when the provider cannot serve it.
    fn speaks(&self, asked: Operation) -> Option<Operation>;

    /// Where a protocol is served, and the headers with the credential.
    fn target(&self, spoken: Operation, model: &str) -> Result<(Uri, HeaderMap), TargetError>;

    /// Whether the body names the model; otherwise the path does and the body must not.
    fn model_in_body(&self, _spoken: Operation) -> bool {
        true
    }

    /// The answer, for a provider that needs no network.
    fn answer_here(&self, _spoken: Operation, _body: &Bytes) -> Option<Answer> {
        None
    }
}

/// A provider that cannot be called as configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("the address is not a URL")]
    Address(#[from] InvalidUri),
    #[error("the credential has characters that no header can carry")]
    Credential(#[from] http::header::InvalidHeaderValue),
}

/// The provider behind its settings.
pub(crate) fn build(settings: &Settings) -> Box<dyn Provider> {
    match settings.kind.clone() {
        ProviderKind::OpenAi { base_url, api_key } => {
            Box::new(openai::OpenAi { base_url, api_key })
        }
        ProviderKind::AzureOpenAi { base_url, api_version, api_key } => {
            Box::new(azure::Azure { base_url, api_version, api_key })
        }
        ProviderKind::Anthropic { base_url, api_key } => {
            Box::new(anthropic::Anthropic { base_url, api_key })
        }
        ProviderKind::Databricks { host, token } => {
            Box::new(databricks::Databricks { host, token })
        }
        ProviderKind::Demo { chunk_bytes } => Box::new(demo::Demo { chunk_bytes }),
    }
}

/// Headers of every call. Nothing is copied from the client but what [`forwarded`] lists.
fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    // What is compressed cannot be guarded as it streams.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION"))),
    );
    headers
}

fn bearer(secret: &bartizan_core::Secret) -> Result<HeaderValue, TargetError> {
    sensitive(&format!("Bearer {}", secret.expose()))
}

fn sensitive(text: &str) -> Result<HeaderValue, TargetError> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A model name as one path segment.
fn segment(model: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(model.len());
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    // Dots alone would climb out of the folder.
    if out.bytes().all(|byte| byte == b'.') { out.replace('.', "%2E") } else { out }
}

/// Client headers that providers need and that say nothing about identity, limits or guards.
///
/// Only short lists of tokens pass, such as `tools-2024-04-04,assistants=v2`, and only those of which
/// `is_fine` says that the guard lets them through.
pub(crate) fn forwarded(client: &HeaderMap, call: &mut HeaderMap, is_fine: &dyn Fn(&str) -> bool) {
    const ALLOWED: [&str; 3] = ["anthropic-version", "anthropic-beta", "openai-beta"];
    /// Most bytes and most digits of one token.
    const TOKEN: (usize, usize) = (64, 8);
    const MAX_BYTES: usize = 256;
    for name in ALLOWED {
        let Some(value) = client.get(name) else { continue };
        let fits = |token: &[u8]| {
            let plain = |byte: &u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_=.".contains(byte)
            };
            let digits = token.iter().filter(|byte| byte.is_ascii_digit()).count();
            token.len() <= TOKEN.0 && digits <= TOKEN.1 && token.iter().all(plain)
        };
        let tokens = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let is_short = value.len() <= MAX_BYTES && tokens.into_iter().all(fits);
        if is_short && value.to_str().is_ok_and(is_fine) {
            call.insert(HeaderName::from_static(name), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_stay_in_their_path_segment() {
        assert_eq!(segment("gpt-5"), "gpt-5");
        assert_eq!(segment("../admin?x"), "..%2Fadmin%3Fx");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn headers_that_the_guard_refuses_stay_behind() {
        let mut client = HeaderMap::new();
        client.insert("openai-beta", HeaderValue::from_static("assistants=v2,falcon"));
        client.insert("anthropic-beta", HeaderValue::from_static("tools-2024-04-04"));
        let mut call = HeaderMap::new();
        forwarded(&client, &mut call, &|value| !value.contains("falcon"));
        assert!(call.contains_key("anthropic-beta") && !call.contains_key("openai-beta"));
    }

    #[test]
    fn identity_headers_of_the_client_stay_behind() {
        let mut client = HeaderMap::new();
        client.insert("x-forwarded-user", HeaderValue::from_static("root"));
        client.insert("authorization", HeaderValue::from_static("Bearer mine"));
        client.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        client.insert("anthropic-beta", HeaderValue::from_static("a<script>"));
        let mut call = HeaderMap::new();
        forwarded(&client, &mut call, &|_| true);
        assert_eq!(call.len(), 1);
        assert!(call.contains_key("anthropic-version"));
    }
}
