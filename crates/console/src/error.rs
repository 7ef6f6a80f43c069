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

impl AdminError {
    /// What another error says.
    pub fn of(error: &impl Coded) -> Self {
        let (class, code) = (error.class(), error.code());
        Self { class, code, message: error.to_string(), help: None }
    }
}

impl Coded for AdminError {
    fn code(&self) -> &'static str {
        self.code
    }

    fn class(&self) -> Class {
        self.class
    }
}

/// Code of a change that does not wait any more, which is a conflict.
const CHANGE_OVER: &str = "bartizan::store::change-over";

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
    #[error("nobody is signed in: the session is not known or has ended")]
    NoSession,
    #[error("the request does not come from a page of this console")]
    ForeignPage,
    #[error("nobody can sign in so")]
    LoginRefused,
    #[error("there were too many tries from where you are")]
    TooManyTries,
    #[error("too many people sign in at once")]
    LoginBusy,
    #[error("this login was not begun in this browser, took too long or was used before")]
    LoginReturn,
    #[error("the identity provider did not sign you in")]
    NotSignedIn,
    #[error("the code for enrolment is not known, was used or has ended")]
    Enrolment,
    #[error("the form cannot be read")]
    Form,
    #[error("the system gives no random numbers")]
    Random,
    #[error("the page cannot be written")]
    Page(#[from] askama::Error),
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
    #[error("what the change `{id}` is about has changed meanwhile; it counts no more")]
    ChangeVoid { id: String },
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
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Store(StoreError::LastAdminKey | StoreError::ChangeOver { .. })
            | Self::ChangeVoid { .. } => StatusCode::CONFLICT,
            Self::Admin(error) if error.code == CHANGE_OVER => StatusCode::CONFLICT,
            _ => StatusCode::from_u16(self.class().http_status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// What to do next.
    pub(crate) fn help(&self) -> &str {
        match self {
            Self::NoSession => "sign in at `/login`, or send `Authorization: Bearer bza_…`",
            Self::ForeignPage => {
                "open the console by its own address and send the form again; programs send `x-csrf-token` and the \
                 headers of browsers, or better a key"
            }
            Self::LoginRefused => {
                "check name, password and code, and use each code once; after several tries, wait up to 15 minutes, or \
                 ask an admin for `bartizan account reset`"
            }
            Self::TooManyTries | Self::LoginBusy => "wait a minute and try again",
            Self::LoginReturn | Self::NotSignedIn => "begin again at `/login`",
            Self::Enrolment => "ask an admin for another one: `bartizan account reset NAME`",
            Self::Form => "send the form of the page as it is",
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
            Self::ChangeVoid { .. } => "ask for the change again; it is compared anew",
            Self::Store(StoreError::ChangeNotFound { .. } | StoreError::ChangeOver { .. }) => {
                "`GET /api/v1/changes` lists them"
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
            Self::NoSession => "bartizan::console::no-session",
            Self::ForeignPage => "bartizan::console::foreign-page",
            Self::LoginRefused => "bartizan::console::login-refused",
            Self::TooManyTries => "bartizan::console::too-many-tries",
            Self::LoginBusy => "bartizan::console::login-busy",
            Self::LoginReturn => "bartizan::console::login-return",
            Self::NotSignedIn => "bartizan::console::not-signed-in",
            Self::Enrolment => "bartizan::console::enrolment",
            Self::Form => "bartizan::console::form",
            Self::Random => "bartizan::console::random",
            Self::Page(_) => "bartizan::console::page",
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
            Self::ChangeVoid { .. } => "bartizan::console::change-void",
            Self::ReadNotRecorded => "bartizan::console::read-not-recorded",
            Self::Task => "bartizan::console::task",
            Self::Store(error) => error.code(),
            Self::Admin(error) => error.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::NoKey
            | Self::UnknownKey
            | Self::NoSession
            | Self::LoginRefused
            | Self::LoginReturn
            | Self::NotSignedIn
            | Self::Enrolment => Class::Unauthenticated,
            Self::NotAllowed { .. } | Self::ForeignPage => Class::Denied,
            Self::TooManyTries => Class::Limit,
            Self::NotFound => Class::NotFound,
            Self::Host
            | Self::MethodNotAllowed
            | Self::BodyTooLarge { .. }
            | Self::BodyUnreadable
            | Self::Form
            | Self::Json(_)
            | Self::Field { .. }
            | Self::Query(_)
            | Self::ChangeVoid { .. } => Class::Usage,
            Self::Timeout
            | Self::NotRecorded { .. }
            | Self::ReadNotRecorded
            | Self::KeysAway
            | Self::LoginBusy
            | Self::Random => Class::Unavailable,
            Self::Task | Self::Page(_) => Class::Internal,
            Self::Store(error) => error.class(),
            Self::Admin(error) => error.class(),
        }
    }
}

impl ConsoleError {
    /// What the caller is told; the log has the rest.
    pub(crate) fn said(&self) -> String {
        let class = self.class();
        if matches!(class, Class::Internal | Class::Unavailable) {
            let source = std::error::Error::source(self).map(ToString::to_string);
            tracing::error!(code = self.code(), source, error = %self, "admin request failed");
        }
        match class {
            Class::Internal => "the console failed".to_owned(),
            _ => self.to_string(),
        }
    }
}

impl IntoResponse for ConsoleError {
    fn into_response(self) -> Response {
        let class = self.class();
        let message = self.said();
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
