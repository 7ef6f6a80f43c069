//! How the console says no: one JSON shape, one mapping from class to status.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bartizan_core::access::Scope;
use bartizan_core::error::{Class, Coded};
use bartizan_store::StoreError;
use serde_json::json;

/// Why an implementation of a console trait refuses.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct AdminError {
    /// Who has to act; decides the HTTP status.
    pub class: Class,
    /// Stable id such as `bartizan::policy::unknown-provider`.
    pub code: &'static str,
    /// What is wrong, in the form of every error: lower case, no full stop. Not shown for class
    /// `Internal`.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl Coded for AdminError {
    fn code(&self) -> &'static str {
        self.code
    }

    fn class(&self) -> Class {
        self.class
    }
}

/// A request that the console does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsoleError {
    #[error("the request carries no admin key")]
    NoKey,
    #[error("the key is not known, was revoked or has expired")]
    UnknownKey,
    #[error("keys cannot be checked: the database that has them was not heard for too long")]
    KeysAway,
    #[error("a key of scope `{}` may not do this", scope.name())]
    NotAllowed { scope: Scope },
    #[error("the `Host` header does not name this console")]
    Host,
    #[error("there is nothing at this path")]
    NotFound,
    #[error("this path does not take this method")]
    MethodNotAllowed,
    #[error("the body is larger than {limit_bytes} bytes")]
    BodyTooLarge { limit_bytes: usize },
    #[error("the body cannot be read")]
    BodyUnreadable,
    #[error("the body is not the JSON that is expected here: {0}")]
    Json(serde_json::Error),
    #[error("`{field}`: {reason}")]
    Field { field: &'static str, reason: String },
    #[error("the query cannot be read: {0}")]
    Query(String),
    #[error("the request took too long")]
    Timeout,
    #[error("the change could not be recorded in the event log")]
    NotRecorded { undone: bool },
    #[error("the read could not be recorded in the event log, so nothing is shown")]
    ReadNotRecorded,
    #[error("a task of the console failed")]
    Task,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl ConsoleError {
    /// The status: that of the class, unless HTTP has a more exact one.
    fn status(&self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Store(StoreError::LastAdminKey) => StatusCode::CONFLICT,
            _ => StatusCode::from_u16(self.class().http_status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// What to do next.
    fn help(&self) -> &str {
        match self {
            Self::NoKey | Self::UnknownKey => {
                "send `Authorization: Bearer bza_…` with an admin key that is in force"
            }
            Self::NotAllowed { scope: Scope::Client } => "use a key that starts with `bza_`",
            Self::NotAllowed { .. } => "use a key of scope `admin`, or ask somebody who has one",
            Self::Host => {
                "call the console by a loopback name or its address, or name it in `listen.console-names`"
            }
            Self::NotFound => "the paths are listed in the guide, section Admin API",
            Self::MethodNotAllowed => "the `Allow` header lists the methods",
            Self::BodyTooLarge { .. } => "send less",
            Self::BodyUnreadable | Self::Timeout => "send the request again",
            Self::Json(_) | Self::Field { .. } | Self::Query(_) => {
                "correct the request; its shape is in the guide, section Admin API"
            }
            Self::NotRecorded { undone: true } => {
                "nothing was changed; make room for the event log and send the request again"
            }
            Self::NotRecorded { undone: false } => {
                "the change is in force; make room for the event log and send it again to record it"
            }
            Self::Store(StoreError::LastAdminKey) => "make another admin key first",
            Self::Store(StoreError::KeyNotFound { .. }) => "`GET /api/v1/keys` lists the ids",
            Self::Admin(AdminError { help: Some(help), .. }) => help,
            _ => match self.class() {
                Class::Internal => {
                    "the log of the process has the details under the id in `x-bartizan-request-id`"
                }
                class if class.may_retry() => "send the request again later",
                _ => "correct the request",
            },
        }
    }
}

impl Coded for ConsoleError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoKey => "bartizan::console::no-key",
            Self::UnknownKey => "bartizan::console::unknown-key",
            Self::KeysAway => "bartizan::console::keys-away",
            Self::NotAllowed { .. } => "bartizan::console::not-allowed",
            Self::Host => "bartizan::console::host",
            Self::NotFound => "bartizan::console::not-found",
            Self::MethodNotAllowed => "bartizan::console::method-not-allowed",
            Self::BodyTooLarge { .. } => "bartizan::console::body-too-large",
            Self::BodyUnreadable => "bartizan::console::body-unreadable",
            Self::Json(_) => "bartizan::console::json",
            Self::Field { .. } => "bartizan::console::field",
            Self::Query(_) => "bartizan::console::query",
            Self::Timeout => "bartizan::console::timeout",
            Self::NotRecorded { .. } => "bartizan::console::not-recorded",
            Self::ReadNotRecorded => "bartizan::console::read-not-recorded",
            Self::Task => "bartizan::console::task",
            Self::Store(error) => error.code(),
            Self::Admin(error) => error.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::NoKey | Self::UnknownKey => Class::Unauthenticated,
            Self::NotAllowed { .. } => Class::Denied,
            Self::NotFound => Class::NotFound,
            Self::Host
            | Self::MethodNotAllowed
            | Self::BodyTooLarge { .. }
            | Self::BodyUnreadable
            | Self::Json(_)
            | Self::Field { .. }
            | Self::Query(_) => Class::Usage,
            Self::Timeout | Self::NotRecorded { .. } | Self::ReadNotRecorded | Self::KeysAway => {
                Class::Unavailable
            }
            Self::Task => Class::Internal,
            Self::Store(error) => error.class(),
            Self::Admin(error) => error.class(),
        }
    }
}

impl IntoResponse for ConsoleError {
    fn into_response(self) -> Response {
        let class = self.class();
        if matches!(class, Class::Internal | Class::Unavailable) {
            let source = std::error::Error::source(&self).map(ToString::to_string);
            tracing::error!(code = self.code(), source, error = %self, "admin request failed");
        }
        let message = match class {
            Class::Internal => "the console failed".to_owned(),
            _ => self.to_string(),
        };
        let body = json!({
            "error": { "code": self.code(), "message": message, "help": self.help() }
        });
        let mut response = (self.status(), Json(body)).into_response();
        if class == Class::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer realm=\"bartizan\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
