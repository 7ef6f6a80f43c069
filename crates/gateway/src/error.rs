//! What can go wrong with a request, in words for the person who sent it.

use std::sync::Arc;

use bartizan_core::access::Unrecognised;
use bartizan_core::settings::{Modality, Unseen};
use bartizan_core::{Category, Class, Coded, RuleId};

use crate::brakes::Braked;
use crate::json::{EditError, JsonError};
use crate::limits::Exhausted;

/// Which side of the exchange a guardrail read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The request.
    Input,
    /// The answer.
    Output,
}

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it means")]
pub enum GatewayError {
    #[error(
        "nothing is served at this path; base URLs are `…/v1` for OpenAI's clients and without `/v1` for all others"
    )]
    UnknownPath,
    #[error("this path takes {allowed} and no other method")]
    MethodNotAllowed { allowed: String },
    #[error("the path and headers are larger than {limit_bytes} bytes")]
    HeadTooLarge { limit_bytes: usize },
    #[error("no key was given; send `Authorization: Bearer KEY` or `x-api-key: KEY`")]
    KeyMissing,
    #[error("no key was given: `Bearer ` is missing before the key in `authorization`")]
    SchemeMissing,
    #[error(
        "the key is unknown, expired or revoked; keys of Bartizan for models start with `bzc_`"
    )]
    KeyUnknown,
    #[error("keys cannot be checked: the database that has them was not heard for too long")]
    KeysAway,
    #[error("the token is not taken: {message}")]
    TokenRefused { code: &'static str, class: Class, message: String, holder: Option<String> },
    #[error("the proof of the token was used before; make one for each request")]
    ProofReplayed,
    #[error("the policy makes no tokens here")]
    TokensNotMade,
    #[error("this key manages Bartizan and does not call models; use a client key")]
    KeyScope,
    #[error("the endpoint `{endpoint}` is not open to this caller{}", by_rule(rule.as_deref()))]
    EndpointForbidden { endpoint: String, rule: Option<Arc<str>> },
    #[error("the body is larger than {limit_bytes} bytes")]
    BodyTooLarge { limit_bytes: usize },
    #[error("the body could not be read to its end")]
    BodyUnreadable,
    #[error("the body came in `content-encoding: {encoding}`; send it unencoded")]
    BodyEncoded { encoding: String },
    #[error("the body is not usable JSON: {0}")]
    Json(#[from] JsonError),
    #[error("the body must be a JSON object")]
    NotAnObject,
    #[error("{0}")]
    Shape(&'static str),
    #[error("`model` is missing; name one of the endpoints: {known}")]
    ModelMissing { known: String },
    #[error("there is no endpoint for the model `{model}`; endpoints are: {known}")]
    ModelUnknown { model: String, known: String },
    #[error("the endpoint `{endpoint}` fixes its model; name `{endpoint}` alone")]
    ModelFixed { endpoint: String },
    #[error("the endpoint `{endpoint}` has no provider for {operation}")]
    Unsupported { endpoint: String, operation: &'static str },
    #[error("{what} cannot be translated for this provider")]
    Untranslatable { what: &'static str },
    #[error("the {} was refused by guardrail `{rule}`: {category}", match stage { Stage::Input => "request", Stage::Output => "answer" })]
    Blocked { rule: RuleId, category: Category, stage: Stage },
    #[error("no guardrail can read {} content, and the endpoint does not list it under `modalities`", .modality.name())]
    ModalityRefused { modality: Modality },
    #[error("`{field}` lets the provider read what no guardrail sees, and the endpoint does not list `{}` under `unseen`", .unseen.name())]
    UnseenRefused { field: &'static str, unseen: Unseen },
    #[error("a guardrail could not run and is set to refuse then: `{rule}`")]
    GuardFailed { rule: RuleId },
    #[error("{0}")]
    Limited(#[from] Exhausted),
    #[error("{0}")]
    Braked(#[from] Braked),
    #[error(
        "the limits of `{endpoint}` are counted for several gateways, and the server that counts cannot be reached"
    )]
    CountersAway { endpoint: String },
    #[error("limit `{limit}` counts dollars, and `prices` has no entry for the model `{model}`")]
    PriceUnknown { limit: String, model: String },
    #[error("no provider of endpoint `{endpoint}` could be reached")]
    ProviderUnreachable { endpoint: String },
    #[error("no provider answered in time")]
    ProviderTimeout,
    #[error("the provider broke off its answer")]
    ProviderBrokeOff,
    #[error("the provider's answer could not be read, so it was not passed on")]
    ProviderUnreadable,
    #[error("the provider's answer is larger than {limit_bytes} bytes")]
    AnswerTooLarge { limit_bytes: usize },
    #[error("the event log cannot be written, and policy asks to refuse then")]
    LogUnavailable,
    #[error("the inference log cannot keep the exchange, and policy asks to refuse then")]
    PayloadUnavailable,
    #[error("an edit of the body failed")]
    Edit(#[from] EditError),
}

impl From<Unrecognised> for GatewayError {
    fn from(why: Unrecognised) -> Self {
        match why {
            Unrecognised::Unknown => Self::KeyUnknown,
            Unrecognised::Away => Self::KeysAway,
            Unrecognised::Token { code, class, message, holder, .. } => {
                Self::TokenRefused { code, class, message, holder }
            }
        }
    }
}

fn by_rule(rule: Option<&str>) -> String {
    rule.map(|rule| format!(", by the rule `{rule}`")).unwrap_or_default()
}

impl Coded for GatewayError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownPath => "bartizan::gateway::unknown-path",
            Self::MethodNotAllowed { .. } => "bartizan::gateway::method-not-allowed",
            Self::HeadTooLarge { .. } => "bartizan::gateway::head-too-large",
            Self::KeyMissing | Self::SchemeMissing => "bartizan::gateway::key-missing",
            Self::KeyUnknown => "bartizan::gateway::key-unknown",
            Self::KeysAway => "bartizan::gateway::keys-away",
            Self::TokenRefused { code, .. } => code,
            Self::ProofReplayed => "bartizan::gateway::proof-replayed",
            Self::TokensNotMade => "bartizan::gateway::tokens-not-made",
            Self::KeyScope => "bartizan::gateway::key-scope",
            Self::EndpointForbidden { .. } => "bartizan::gateway::endpoint-forbidden",
            Self::BodyTooLarge { .. } => "bartizan::gateway::body-too-large",
            Self::BodyUnreadable => "bartizan::gateway::body-unreadable",
            Self::BodyEncoded { .. } => "bartizan::gateway::body-encoded",
            Self::Json(_) => "bartizan::gateway::body-not-json",
            Self::NotAnObject => "bartizan::gateway::body-not-an-object",
            Self::Shape(_) => "bartizan::gateway::body-shape",
            Self::ModelMissing { .. } => "bartizan::gateway::model-missing",
            Self::ModelUnknown { .. } | Self::ModelFixed { .. } => {
                "bartizan::gateway::model-unknown"
            }
            Self::Unsupported { .. } => "bartizan::gateway::unsupported",
            Self::Untranslatable { .. } => "bartizan::gateway::untranslatable",
            Self::Blocked { .. } => "bartizan::gateway::blocked",
            Self::ModalityRefused { .. } => "bartizan::gateway::modality-refused",
            Self::UnseenRefused { .. } => "bartizan::gateway::unseen-refused",
            Self::GuardFailed { .. } => "bartizan::gateway::guard-failed",
            Self::Limited(_) => "bartizan::gateway::limited",
            Self::Braked(_) => "bartizan::gateway::loop",
            Self::CountersAway { .. } => "bartizan::gateway::counters-away",
            Self::PriceUnknown { .. } => "bartizan::gateway::price-unknown",
            Self::ProviderUnreachable { .. } => "bartizan::gateway::provider-unreachable",
            Self::ProviderTimeout => "bartizan::gateway::provider-timeout",
            Self::ProviderBrokeOff => "bartizan::gateway::provider-broke-off",
            Self::ProviderUnreadable => "bartizan::gateway::provider-unreadable",
            Self::AnswerTooLarge { .. } => "bartizan::gateway::answer-too-large",
            Self::LogUnavailable => "bartizan::gateway::log-unavailable",
            Self::PayloadUnavailable => "bartizan::gateway::inference-log-unavailable",
            Self::Edit(_) => "bartizan::gateway::edit-failed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::UnknownPath
            | Self::ModelUnknown { .. }
            | Self::ModelFixed { .. }
            | Self::TokensNotMade => Class::NotFound,
            Self::KeyMissing | Self::SchemeMissing | Self::KeyUnknown | Self::ProofReplayed => {
                Class::Unauthenticated
            }
            Self::KeyScope | Self::EndpointForbidden { .. } | Self::PriceUnknown { .. } => {
                Class::Denied
            }
            Self::TokenRefused { class, .. } => *class,
            Self::Limited(_) | Self::Braked(_) => Class::Limit,
            Self::ProviderUnreachable { .. }
            | Self::ProviderTimeout
            | Self::ProviderBrokeOff
            | Self::ProviderUnreadable
            | Self::AnswerTooLarge { .. } => Class::Upstream,
            Self::LogUnavailable
            | Self::PayloadUnavailable
            | Self::GuardFailed { .. }
            | Self::CountersAway { .. }
            | Self::KeysAway => Class::Unavailable,
            Self::Edit(_) => Class::Internal,
            _ => Class::Usage,
        }
    }
}

impl GatewayError {
    /// Whose token was refused, where that is beyond doubt.
    pub(crate) fn holder(&self) -> Option<&str> {
        match self {
            Self::TokenRefused { holder, .. } => holder.as_deref(),
            _ => None,
        }
    }

    /// HTTP status of the reply.
    pub fn status(&self) -> http::StatusCode {
        let code = match self {
            Self::MethodNotAllowed { .. } => 405,
            Self::HeadTooLarge { .. } => 431,
            Self::BodyTooLarge { .. } => 413,
            Self::BodyEncoded { .. } => 415,
            Self::ProviderTimeout => 504,
            other => other.class().http_status(),
        };
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
    }
}
