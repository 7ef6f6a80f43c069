//! Every path that takes texts, with the least body that holds one.

use bartizan_testkit::http::Answer;
use serde_json::{Value, json};

use crate::support::{chat, messages, responses};

/// In whose words the gateway answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dialect {
    OpenAi,
    Anthropic,
    Databricks,
}

impl Dialect {
    /// Whether an answer says in the words of the dialect that a guardrail refused the request.
    pub(super) fn says_refused(self, answer: &Answer) -> bool {
        let said = answer.json();
        let holds = |text: &Value, words: &str| text.as_str().is_some_and(|it| it.contains(words));
        answer.status == 400
            && match self {
                Self::OpenAi => said["error"]["code"] == "content_filter",
                Self::Anthropic => {
                    said["error"]["type"] == "invalid_request_error"
                        && holds(&said["error"]["message"], "refused by guardrail `g-")
                }
                Self::Databricks => {
                    said["error_code"] == "BAD_REQUEST"
                        && holds(&said["message"], "input_guardrail_triggered")
                }
            }
    }
}

/// A path and a protocol that is spoken there.
pub(super) struct Door {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) dialect: Dialect,
    /// Whether the protocol has streams.
    streams: bool,
    /// A body that says a text as the user.
    pub(super) says: fn(&str) -> Value,
}

impl Door {
    /// Whether to ask for a stream, for every way to ask.
    pub(super) const fn streams(&self) -> &'static [bool] {
        if self.streams { &[false, true] } else { &[false] }
    }
}

pub(super) const CHAT: Door = Door {
    name: "chat",
    path: "/v1/chat/completions",
    dialect: Dialect::OpenAi,
    streams: true,
    says: |text| chat("open", text, false),
};

const CHAT_TO_MESSAGES: Door =
    Door { name: "chat for Anthropic", says: |text| chat("claude", text, false), ..CHAT };

pub(super) const MESSAGES: Door = Door {
    name: "messages",
    path: "/v1/messages",
    dialect: Dialect::Anthropic,
    streams: true,
    says: |text| messages("claude", text, false),
};

const MESSAGES_TO_CHAT: Door =
    Door { name: "messages for OpenAI", says: |text| messages("open", text, false), ..MESSAGES };

pub(super) const COUNT_TOKENS: Door = Door {
    name: "count_tokens",
    path: "/v1/messages/count_tokens",
    dialect: Dialect::Anthropic,
    streams: false,
    says: |text| json!({ "model": "claude", "messages": [{ "role": "user", "content": text }] }),
};

pub(super) const RESPONSES: Door = Door {
    name: "responses",
    path: "/v1/responses",
    dialect: Dialect::OpenAi,
    streams: true,
    says: |text| responses("open", text, false),
};

pub(super) const COMPLETIONS: Door = Door {
    name: "completions",
    path: "/v1/completions",
    dialect: Dialect::OpenAi,
    streams: true,
    says: |text| json!({ "model": "open", "prompt": text }),
};

pub(super) const EMBEDDINGS: Door = Door {
    name: "embeddings",
    path: "/v1/embeddings",
    dialect: Dialect::OpenAi,
    streams: false,
    says: |text| json!({ "model": "open", "input": text }),
};

/// Databricks' one path for all; the body tells which protocol is meant, and the path names the
/// endpoint whatever the body does.
pub(super) const INVOCATIONS: Door = Door {
    name: "invocations",
    path: "/serving-endpoints/bricks/invocations",
    dialect: Dialect::Databricks,
    streams: true,
    says: |text| chat("open", text, false),
};

pub(super) const INVOKED_RESPONSES: Door = Door {
    name: "invocations with input items",
    says: |text| json!({ "input": [{ "role": "user", "content": text }] }),
    ..INVOCATIONS
};

pub(super) const INVOKED_COMPLETIONS: Door = Door {
    name: "invocations with a prompt",
    says: |text| json!({ "prompt": text }),
    ..INVOCATIONS
};

pub(super) const INVOKED_EMBEDDINGS: Door = Door {
    name: "invocations with input",
    streams: false,
    says: |text| json!({ "input": text }),
    ..INVOCATIONS
};

pub(super) const SERVED_CHAT: Door = Door {
    name: "chat below serving-endpoints",
    path: "/serving-endpoints/chat/completions",
    says: |text| chat("bricks", text, false),
    ..CHAT
};

pub(super) const SERVED_RESPONSES: Door = Door {
    name: "responses below serving-endpoints",
    path: "/serving-endpoints/responses",
    says: |text| responses("bricks", text, false),
    ..RESPONSES
};

pub(super) const SERVED_COMPLETIONS: Door = Door {
    name: "completions below serving-endpoints",
    path: "/serving-endpoints/completions",
    says: |text| json!({ "model": "bricks", "prompt": text }),
    ..COMPLETIONS
};

pub(super) const SERVED_EMBEDDINGS: Door = Door {
    name: "embeddings below serving-endpoints",
    path: "/serving-endpoints/embeddings",
    says: |text| json!({ "model": "bricks", "input": text }),
    ..EMBEDDINGS
};

/// Every door, the translated ones included.
pub(super) const ALL: [Door; 16] = [
    CHAT,
    CHAT_TO_MESSAGES,
    MESSAGES,
    MESSAGES_TO_CHAT,
    COUNT_TOKENS,
    RESPONSES,
    COMPLETIONS,
    EMBEDDINGS,
    INVOCATIONS,
    INVOKED_RESPONSES,
    INVOKED_COMPLETIONS,
    INVOKED_EMBEDDINGS,
    SERVED_CHAT,
    SERVED_RESPONSES,
    SERVED_COMPLETIONS,
    SERVED_EMBEDDINGS,
];
