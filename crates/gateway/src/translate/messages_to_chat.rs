//! For clients that speak messages to a provider that speaks chat completions.
//!
//! The request is read whole before anything is written; exactly one choice is asked for and taken
//! as the answer. Chat completions carry no signatures, so thinking goes to the client unsigned.

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
pub(super) struct MessagesToChat;

impl Translation for MessagesToChat {
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
        Box::new(stream::Events::default())
    }
}
