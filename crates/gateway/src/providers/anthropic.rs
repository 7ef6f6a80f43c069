//! Anthropic.

use bartizan_core::Secret;
use http::{HeaderMap, HeaderValue, Uri};

use super::{Provider, TargetError, headers, sensitive};
use crate::operation::Operation;

/// Version of the API that is asked for when the client names none.
const VERSION: &str = "2023-06-01";

pub(super) struct Anthropic {
    pub(super) base_url: String,
    pub(super) api_key: Secret,
}

impl Provider for Anthropic {
    fn speaks(&self, asked: Operation) -> Option<Operation> {
        match asked {
            Operation::Messages | Operation::ChatCompletions => Some(Operation::Messages),
            Operation::CountTokens => Some(Operation::CountTokens),
            _ => None,
        }
    }

    fn target(&self, spoken: Operation, _: &str) -> Result<(Uri, HeaderMap), TargetError> {
        let path = match spoken {
            Operation::CountTokens => "/v1/messages/count_tokens",
            _ => "/v1/messages",
        };
        let mut headers = headers();
        headers.insert("x-api-key", sensitive(self.api_key.expose())?);
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        Ok((format!("{}{path}", self.base_url).parse()?, headers))
    }
}
