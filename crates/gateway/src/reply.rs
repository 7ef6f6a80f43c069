//! Replies in the words of each dialect: errors, refusals, and the headers that say what was
//! decided. No reply contains text that a guardrail matched.

use std::fmt::Write as _;

use bartizan_core::counters::Unit;
use bartizan_core::{Category, Class, Coded, Event, RequestId, Verdict};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};

use crate::body::ReplyBody;
use crate::error::{GatewayError, Stage};
use crate::limits::{Reservation, Room};
use crate::operation::Dialect;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-bartizan-request-id");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const LIMITS_NEAR: HeaderName = HeaderName::from_static("x-bartizan-limits-near");
pub(crate) const DECISION: HeaderName = HeaderName::from_static("x-bartizan-decision");

/// The reply for an error.
pub(crate) fn error(
    error: &GatewayError,
    dialect: Dialect,
    request_id: RequestId,
) -> Response<ReplyBody> {
    let message = match error.class() {
        Class::Internal => format!("internal error; quote request {request_id}"),
        _ => format!("{error} (request {request_id})"),
    };
    let body = match dialect {
        Dialect::OpenAi => openai(error, &message),
        Dialect::Anthropic => serde_json::json!({
            "type": "error",
            "error": { "type": anthropic_type(error), "message": message },
            "request_id": request_id.to_string(),
        }),
        Dialect::Databricks => databricks(error, &message),
        Dialect::OAuth => oauth(error, &message),
    };
    let mut reply = Response::new(ReplyBody::whole(body.to_string()));
    *reply.status_mut() = status(error, dialect);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match error {
        GatewayError::Limited(exhausted) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(exhausted.retry_after_s));
            if exhausted.is_for_ever() {
                // The vendors' clients try again after a 429 unless they are told not to.
                headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
            }
            let room = Some(exhausted.room());
            match exhausted.unit {
                Unit::Requests => insert_rooms(headers, room, None),
                Unit::Tokens => insert_rooms(headers, None, room),
                Unit::NanoUsd => {}
            }
        }
        GatewayError::Braked(braked) => {
            // Who asks again because nobody said not to would go round once more.
            let (name, value) = match braked.retry_after_s {
                Some(seconds) => (RETRY_AFTER, HeaderValue::from(seconds)),
                None => (SHOULD_RETRY, HeaderValue::from_static("false")),
            };
            headers.insert(name, value);
        }
        // RFC 9110, sections 15.5.2 and 15.5.6, ask for these.
        GatewayError::KeyMissing | GatewayError::SchemeMissing | GatewayError::KeyUnknown => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        GatewayError::MethodNotAllowed { allowed } => {
            if let Ok(allowed) = HeaderValue::from_str(allowed) {
                headers.insert(ALLOW, allowed);
            }
        }
        _ => {}
    }
    reply
}

fn status(error: &GatewayError, dialect: Dialect) -> StatusCode {
    match (error, dialect) {
        (GatewayError::Blocked { .. } | GatewayError::ModalityRefused { .. }, _) => {
            StatusCode::BAD_REQUEST
        }
        _ => error.status(),
    }
}

fn openai(error: &GatewayError, message: &str) -> serde_json::Value {
    let code = match error {
        GatewayError::Blocked { .. } | GatewayError::ModalityRefused { .. } => "content_filter",
        GatewayError::Limited(_) => "rate_limit_exceeded",
        GatewayError::ModelUnknown { .. } | GatewayError::ModelFixed { .. } => "model_not_found",
        GatewayError::KeyMissing | GatewayError::SchemeMissing | GatewayError::KeyUnknown => {
            "invalid_api_key"
        }
        other => other.code(),
    };
    let kind = match error.class() {
        Class::Limit => "rate_limit_error",
        Class::Unauthenticated => "authentication_error",
        Class::Denied => "permission_error",
        Class::Usage | Class::NotFound => "invalid_request_error",
        Class::Upstream | Class::Unavailable | Class::Internal => "server_error",
    };
    let param = match error {
        GatewayError::UnseenRefused { field, .. } => Some(*field),
        _ => None,
    };
    serde_json::json!({
        "error": { "message": message, "type": kind, "param": param, "code": code }
    })
}

fn anthropic_type(error: &GatewayError) -> &'static str {
    match error.class() {
        Class::Usage => "invalid_request_error",
        Class::Unauthenticated => "authentication_error",
        Class::Denied => "permission_error",
        Class::NotFound => "not_found_error",
        Class::Limit => "rate_limit_error",
        Class::Unavailable => "overloaded_error",
        Class::Upstream | Class::Internal => "api_error",
    }
}

/// RFC 6749, section 5.2, and RFC 9449, section 12.2.
fn oauth(error: &GatewayError, message: &str) -> serde_json::Value {
    let word = match error.class() {
        _ if error.code().contains("::proof-") => "invalid_dpop_proof",
        Class::Unauthenticated => "invalid_grant",
        Class::Denied => "unauthorized_client",
        Class::Upstream | Class::Unavailable | Class::Internal => "temporarily_unavailable",
        Class::Usage | Class::NotFound | Class::Limit => "invalid_request",
    };
    serde_json::json!({
        "error": word,
        "error_description": message,
        "code": error.code(),
    })
}

fn databricks(error: &GatewayError, message: &str) -> serde_json::Value {
    if let GatewayError::Blocked { category, stage, .. } = error {
        return serde_json::json!({
            "error_code": "BAD_REQUEST",
            "message": databricks_guardrail(*category, *stage).to_string(),
        });
    }
    let code = match error.class() {
        Class::Usage => "INVALID_PARAMETER_VALUE",
        Class::Unauthenticated => "UNAUTHENTICATED",
        Class::Denied => "PERMISSION_DENIED",
        Class::NotFound => "RESOURCE_DOES_NOT_EXIST",
        Class::Limit => "REQUEST_LIMIT_EXCEEDED",
        Class::Upstream | Class::Unavailable => "TEMPORARILY_UNAVAILABLE",
        Class::Internal => "INTERNAL_ERROR",
    };
    serde_json::json!({ "error_code": code, "message": message })
}

/// The object that Databricks puts, as a string, into `message` of a guardrail's refusal.
fn databricks_guardrail(category: Category, stage: Stage) -> serde_json::Value {
    let pii = category == Category::Pii;
    let found = serde_json::json!([{
        "flagged": !pii,
        "categories": null,
        "category_scores": null,
        "pii_detection": pii,
        "anonymized_input": null,
    }]);
    let usage = serde_json::json!({ "prompt_tokens": 0, "total_tokens": 0 });
    match stage {
        Stage::Input => serde_json::json!({
            "usage": usage, "input_guardrail": found, "finishReason": "input_guardrail_triggered",
        }),
        Stage::Output => serde_json::json!({
            "usage": usage, "output_guardrail": found, "finishReason": "output_guardrail_triggered",
        }),
    }
}

/// Adds request id and decision.
pub(crate) fn decorate(headers: &mut HeaderMap, event: &Event, verdict: Verdict) {
    if let Ok(value) = HeaderValue::from_str(&event.request_id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    let mut decision = verdict.name().to_owned();
    if let Some(rule) = &event.rule {
        let _ = write!(decision, "; rule={rule}");
    }
    if !event.not_evaluated.is_empty() {
        let _ = write!(decision, "; not-evaluated={}", event.not_evaluated.join(","));
    }
    if let Ok(value) = HeaderValue::from_str(&decision) {
        headers.insert(DECISION, value);
    }
}

/// Adds `x-ratelimit-*` for the tightest windows.
pub(crate) fn rate_limits(headers: &mut HeaderMap, reservation: &Reservation) {
    insert_rooms(headers, reservation.requests, reservation.tokens);
    let near = reservation
        .near
        .iter()
        .map(|near| format!("{}; {}={}%", near.limit, near.unit.name(), near.percent));
    let near = near.collect::<Vec<_>>().join(", ");
    if !near.is_empty()
        && let Ok(value) = HeaderValue::from_str(&near)
    {
        headers.insert(LIMITS_NEAR, value);
    }
}

fn insert_rooms(headers: &mut HeaderMap, requests: Option<Room>, tokens: Option<Room>) {
    let rooms = [
        (
            requests,
            [
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ],
        ),
        (
            tokens,
            [
                "x-ratelimit-limit-tokens",
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-reset-tokens",
            ],
        ),
    ];
    for (room, [limit, remaining, reset]) in rooms {
        let Some(Room { limit: most, remaining: left, reset: until }) = room else { continue };
        headers.insert(HeaderName::from_static(limit), HeaderValue::from(most));
        headers.insert(HeaderName::from_static(remaining), HeaderValue::from(left));
        let seconds = format!("{}s", until.as_secs_f64().ceil() as u64);
        if let Ok(value) = HeaderValue::from_str(&seconds) {
            headers.insert(HeaderName::from_static(reset), value);
        }
    }
}
