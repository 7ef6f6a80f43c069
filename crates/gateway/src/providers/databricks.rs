//! Databricks model serving: OpenAI's bodies under the path of a serving endpoint.

use bartizan_core::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};

use super::{Provider, TargetError, bearer, headers, openai, segment};
use crate::operation::Operation;

pub(super) struct Databricks {
    pub(super) host: String,
    pub(super) token: Secret,
}

impl Provider for Databricks {
    fn speaks(&self, asked: Operation) -> Option<Operation> {
        openai::speaks(asked)
    }

    fn target(&self, spoken: Operation, model: &str) -> Result<(Uri, HeaderMap), TargetError> {
        let host = &self.host;
        let uri = if self.model_in_body(spoken) {
            format!("{host}/serving-endpoints{}", openai::path(spoken))
        } else {
            format!("{host}/serving-endpoints/{}/invocations", segment(model))
        };
        let mut headers = headers();
        headers.insert(AUTHORIZATION, bearer(&self.token)?);
        Ok((uri.parse()?, headers))
    }

    fn model_in_body(&self, spoken: Operation) -> bool {
        spoken == Operation::Responses
    }
}
