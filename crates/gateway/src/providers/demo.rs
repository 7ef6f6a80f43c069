//! The built-in stand-in for a model: offline, deterministic, and plainly not a model.
//!
//! It repeats what it is asked to repeat and calls the tool it is told to call, so that guards can
//! be seen at work on both sides: `repeat after me: X` is answered with X, `call NAME with JSON`
//! with that tool call, everything else with a fixed text.

mod openai;
mod speech;

mod anthropic;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode, Uri};

use super::{Provider, TargetError};
use crate::json::Document;
use crate::operation::Operation;
use crate::upstream::{Answer, AnswerBody};

/// Name that the demo gives as its model.
const MODEL: &str = "bartizan-demo";

pub(super) struct Demo {
    /// Bytes of text per streamed chunk.
    pub(super) chunk_bytes: usize,
}

impl Provider for Demo {
    fn speaks(&self, asked: Operation) -> Option<Operation> {
        match asked {
            Operation::Moderations
            | Operation::Invocations
            | Operation::Models
            | Operation::Model
            | Operation::TokenExchange => None,
            asked => Some(asked),
        }
    }

    fn target(&self, _: Operation, _: &str) -> Result<(Uri, HeaderMap), TargetError> {
        Ok((Uri::from_static("demo:"), HeaderMap::new()))
    }

    fn answer_here(&self, spoken: Operation, body: &Bytes) -> Option<Answer> {
        let document = Document::parse(body).ok()?;
        let root = document.root();
        let streams = root.get("stream").and_then(|stream| stream.as_bool()).unwrap_or(false);
        let pieces = match spoken {
            Operation::ChatCompletions => openai::chat(root, streams, self.chunk_bytes),
            Operation::Completions => openai::completions(root, streams, self.chunk_bytes),
            Operation::Responses => openai::responses(root, streams, self.chunk_bytes),
            Operation::Embeddings => openai::embeddings(root),
            Operation::Messages => anthropic::messages(root, streams, self.chunk_bytes),
            Operation::CountTokens => anthropic::count_tokens(root),
            _ => return None,
        };
        let content_type = if streams && pieces.len() > 1 {
            HeaderValue::from_static("text/event-stream")
        } else {
            HeaderValue::from_static("application/json")
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type);
        let body = AnswerBody::BuiltIn(pieces.into_iter());
        Some(Answer { status: StatusCode::OK, headers, body })
    }
}

/// One event with JSON data.
fn event(name: Option<&str>, data: &serde_json::Value) -> Bytes {
    let mut out = Vec::new();
    crate::sse::write_event(&mut out, name, &data.to_string());
    out.into()
}

/// An object with one more member.
fn with(
    mut object: serde_json::Value,
    name: &str,
    value: impl Into<serde_json::Value>,
) -> serde_json::Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
    object
}
