//! What Azure OpenAI adds to OpenAI's chat completions: deployments in the path, a version in the
//! query, a key in a header of its own, and the results of its content filter.

use ::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{Payload, data_frame};

/// Paths below which Azure serves.
const PREFIX: &str = "/openai/";

/// Whether a path is one of Azure's.
pub(in crate::upstream) fn owns(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// The deployment that a path names.
pub(super) fn deployment(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX)?.strip_prefix("deployments/")?.split('/').next()
}

/// What is wrong with a request to one of Azure's paths: a missing version is no such resource, a
/// missing key no access.
pub(in crate::upstream) fn refuses(path: &str, headers: &HeaderMap) -> Option<(StatusCode, Value)> {
    if !owns(path) {
        return None;
    }
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let has_version = query
        .split('&')
        .any(|pair| pair.strip_prefix("api-version=").is_some_and(|version| !version.is_empty()));
    if !has_version {
        return Some((StatusCode::NOT_FOUND, error(404)));
    }
    (!headers.contains_key("api-key")).then(|| (StatusCode::UNAUTHORIZED, error(401)))
}

/// Adds the results of the content filter: of the prompt, and of each choice.
pub(super) fn filtered(payload: Payload) -> Payload {
    match payload {
        Payload::Json(mut answer) => {
            mark_choices(&mut answer);
            if let Some(fields) = answer.as_object_mut() {
                fields.insert("prompt_filter_results".to_owned(), prompt_results());
            }
            Payload::Json(answer)
        }
        Payload::Frames(frames) => {
            // The prompt's results come first, in an event without choices.
            let first = json!({
                "choices": [], "created": 0, "id": "", "model": "", "object": "",
                "prompt_filter_results": prompt_results(),
            });
            let rest = frames.into_iter().map(|frame| {
                let data = frame.strip_prefix("data: ").unwrap_or(&frame);
                match serde_json::from_str::<Value>(data) {
                    Ok(mut event) => {
                        mark_choices(&mut event);
                        data_frame(&event)
                    }
                    Err(_) => frame,
                }
            });
            Payload::Frames(std::iter::once(data_frame(&first)).chain(rest).collect())
        }
    }
}

fn mark_choices(answer: &mut Value) {
    let choices = answer.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        choice.insert("content_filter_results".to_owned(), results());
    }
}

fn prompt_results() -> Value {
    json!([{ "prompt_index": 0, "content_filter_results": results() }])
}

fn results() -> Value {
    let safe = json!({ "filtered": false, "severity": "safe" });
    json!({ "hate": safe, "self_harm": safe, "sexual": safe, "violence": safe })
}

/// An error in Azure's words; 400 is the refusal by its content filter.
pub(super) fn error(status: u16) -> Value {
    match status {
        400 => json!({ "error": {
            "message": "The prompt was filtered by the content management policy.",
            "type": null,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": { "violence": { "filtered": true, "severity": "high" } },
            },
        } }),
        401 => plain("401", "Access denied due to an invalid subscription key."),
        404 => plain("404", "Resource not found"),
        429 => plain("429", "The rate limit of the deployment is exceeded."),
        _ => plain("InternalServerError", "The server had an error processing the request."),
    }
}

fn plain(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}
