//! Translation between protocols, so that one base URL serves every model.
//!
//! A request is translated before it is guarded and an answer before it is guarded, so the guard
//! always reads the bytes that leave. A translation says no to what it cannot carry; it drops
//! nothing in silence: what it leaves out stands in a table with the reason (see [`fields`]).

mod chat_to_messages;
mod effort;
mod fields;
mod media;
mod messages_to_chat;
mod wire;

#[cfg(test)]
mod tests;

use crate::error::GatewayError;
use crate::json::{Document, Value};
use crate::operation::Operation;

/// One direction: the client speaks one protocol, the provider another.
pub(crate) trait Translation: Sync {
    /// The client's request in the provider's words. The model is set by the caller.
    fn request(&self, root: Value<'_>) -> Result<Vec<u8>, GatewayError>;

    /// The provider's answer in the client's words.
    fn answer(&self, root: Value<'_>) -> Result<Vec<u8>, GatewayError>;

    /// The provider's error body in the client's words.
    fn error(&self, root: Value<'_>) -> Vec<u8>;

    /// A translator for one streamed answer.
    fn stream(&self) -> Box<dyn StreamTranslation>;
}

/// Translates the events of one streamed answer.
pub(crate) trait StreamTranslation: Send {
    /// Events for the client that follow from one event of the provider.
    fn event(
        &mut self,
        event: Option<&str>,
        document: &Document<'_>,
    ) -> Result<Vec<Translated>, GatewayError>;

    /// Events for the client when the provider's end marker (`[DONE]`) came.
    fn end_marker(&mut self) -> Vec<Translated>;

    /// Events for the client when the provider closed the connection without more; none when the
    /// answer was not complete.
    fn closed(&mut self) -> Vec<Translated>;
}

/// One event for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translated {
    pub(crate) event: Option<&'static str>,
    /// JSON, or an end marker such as `[DONE]`.
    pub(crate) data: String,
}

/// The translation for a client that asks in one protocol and a provider that speaks another.
pub(crate) fn between(asked: Operation, spoken: Operation) -> Option<&'static dyn Translation> {
    match (asked, spoken) {
        (Operation::ChatCompletions, Operation::Messages) => {
            Some(&chat_to_messages::ChatToMessages)
        }
        (Operation::Messages, Operation::ChatCompletions) => {
            Some(&messages_to_chat::MessagesToChat)
        }
        _ => None,
    }
}
