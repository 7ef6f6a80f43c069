//! OpenAI, and servers that speak its API.

use bartizan_core::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};

use super::{Provider, TargetError, bearer, headers};
use crate::operation::Operation;

pub(super) struct OpenAi {
    pub(super) base_url: String,
    pub(super) api_key: Option<Secret>,
}

impl Provider for OpenAi {
    fn speaks(&self, asked: Operation) -> Option<Operation> {
        speaks(asked)
    }

    fn target(&self, spoken: Operation, _: &str) -> Result<(Uri, HeaderMap), TargetError> {
        let uri = format!("{}{}", self.base_url, path(spoken)).parse()?;
        let mut headers = headers();
        if let Some(key) = &self.api_key {
            headers.insert(AUTHORIZATION, bearer(key)?);
        }
        Ok((uri, headers))
    }
}

/// What a server with OpenAI's API speaks.
pub(super) fn speaks(asked: Operation) -> Option<Operation> {
    match asked {
        Operation::ChatCompletions | Operation::Messages => Some(Operation::ChatCompletions),
        Operation::Responses | Operation::Completions | Operation::Embeddings => Some(asked),
        _ => None,
    }
}

/// Path of a protocol below the base URL.
pub(super) const fn path(spoken: Operation) -> &'static str {
    match spoken {
        Operation::Responses => "/responses",
        Operation::Completions => "/completions",
        Operation::Embeddings => "/embeddings",
        _ => "/chat/completions",
    }
}
