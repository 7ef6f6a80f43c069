//! For clients that speak chat completions to a provider that speaks messages.
//!
//! The request is read whole before anything is written; the answer is one choice. Tools that run
//! at the provider, citations and files kept at the provider are never asked for, so an answer that
//! brings them is refused.

mod answer;
mod content;
mod fields;
mod request;
mod stream;

#[cfg(test)]
mod tests;

use super::{StreamTranslation, Translation};
use crate::error::GatewayError;
use crate::json::Value;

/// The translation.
pub(super) struct ChatToMessages;

impl Translation for ChatToMessages {
    fn request(&self, root: Value<'_>) -> Result<Vec<u8>, GatewayError> {
        request::translate(root)
    }

    fn answer(&self, root: Value<'_>) -> Result<Vec<u8>, GatewayError> {
        answer::translate(root)
    }

    fn error(&self, root: Value<'_>) -> Vec<u8> {
        answer::error(root).to_string().into_bytes()
    }

    fn stream(&self) -> Box<dyn StreamTranslation> {
        Box::new(stream::Chunks::new())
    }
}
