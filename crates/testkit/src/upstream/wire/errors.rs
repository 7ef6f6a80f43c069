//! Errors in each vendor's words.

use serde_json::{Value, json};

use super::{Vendor, azure};

/// Body of an error answer.
pub(in crate::upstream) fn error_body(vendor: Vendor, status: u16) -> Value {
    match vendor {
        Vendor::OpenAi => openai(status),
        Vendor::Anthropic => anthropic(status),
        Vendor::Databricks => databricks(status),
        Vendor::Azure => azure::error(status),
    }
}

/// What a vendor says about a path it does not have.
pub(in crate::upstream) fn not_found(path: &str) -> Value {
    json!({ "error": {
        "message": format!("Invalid URL (POST {path})"),
        "type": "invalid_request_error",
        "param": null,
        "code": null,
    } })
}

fn openai(status: u16) -> Value {
    let (message, kind, code) = match status {
        400 => ("The request could not be read.", "invalid_request_error", json!(null)),
        401 => ("Incorrect API key provided.", "invalid_request_error", json!("invalid_api_key")),
        404 => ("The model does not exist.", "invalid_request_error", json!("model_not_found")),
        429 => ("Rate limit reached for requests.", "requests", json!("rate_limit_exceeded")),
        _ => ("The server had an error processing your request.", "server_error", json!(null)),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

fn anthropic(status: u16) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({
        "type": "error",
        "error": { "type": kind, "message": "The mock was told to fail." },
        "request_id": "req_mock0000000000000000",
    })
}

fn databricks(status: u16) -> Value {
    let code = match status {
        400 => "BAD_REQUEST",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "RESOURCE_DOES_NOT_EXIST",
        429 => "REQUEST_LIMIT_EXCEEDED",
        503 => "TEMPORARILY_UNAVAILABLE",
        _ => "INTERNAL_ERROR",
    };
    json!({ "error_code": code, "message": "The mock was told to fail." })
}
