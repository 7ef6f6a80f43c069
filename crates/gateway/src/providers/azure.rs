//! Azure OpenAI: OpenAI's protocols under a deployment's path.

use bartizan_core::Secret;
use http::{HeaderMap, Uri};

use super::{Provider, TargetError, headers, openai, segment, sensitive};
use crate::operation::Operation;

pub(super) struct Azure {
    pub(super) base_url: String,
    pub(super) api_version: String,
    pub(super) api_key: Secret,
}

impl Provider for Azure {
    fn speaks(&self, asked: Operation) -> Option<Operation> {
        openai::speaks(asked)
    }

    fn target(&self, spoken: Operation, model: &str) -> Result<(Uri, HeaderMap), TargetError> {
        let (base, version) = (&self.base_url, segment(&self.api_version));
        // Responses name the deployment in the body, the older protocols in the path.
        let uri = match spoken {
            Operation::Responses => format!("{base}/openai/responses?api-version={version}"),
            _ => format!(
                "{base}/openai/deployments/{}{}?api-version={version}",
                segment(model),
                openai::path(spoken)
            ),
        };
        let mut headers = headers();
        headers.insert("api-key", sensitive(self.api_key.expose())?);
        Ok((uri.parse()?, headers))
    }
}
