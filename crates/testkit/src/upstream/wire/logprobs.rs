//! Log probabilities: a second copy of the answer, token by token, in each API's shape. Sent when
//! the request asks for them, as the vendors do.

use serde_json::{Value, json};

use super::super::script::pieces;
use super::Ask;

/// Bytes of a token; a guess that splits most words.
const TOKEN_BYTES: usize = 4;

/// The member of a chat choice; null unless `logprobs` is true and there is a text.
pub(super) fn chat(ask: &Ask<'_>, text: Option<&str>) -> Value {
    match text {
        Some(text) if asked(ask, "logprobs") == Some(&json!(true)) => {
            json!({ "content": list(text), "refusal": null })
        }
        _ => Value::Null,
    }
}

/// The member of a completion's choice; null unless `logprobs` is a number.
pub(super) fn completions(ask: &Ask<'_>, text: &str) -> Value {
    if !asked(ask, "logprobs").is_some_and(Value::is_u64) {
        return Value::Null;
    }
    let tokens = pieces(text, &[TOKEN_BYTES]);
    let offsets: Vec<usize> = tokens
        .iter()
        .scan(0, |at, token| {
            let start = *at;
            *at += token.len();
            Some(start)
        })
        .collect();
    json!({
        "tokens": tokens,
        "token_logprobs": vec![-0.25; tokens.len()],
        "top_logprobs": tokens.iter().map(|token| json!({ *token: -0.25 })).collect::<Vec<_>>(),
        "text_offset": offsets,
    })
}

/// Whether a request of the Responses API asks for them.
pub(super) fn in_responses(ask: &Ask<'_>) -> bool {
    let included = asked(ask, "include").and_then(Value::as_array);
    included.is_some_and(|list| list.contains(&json!("message.output_text.logprobs")))
}

/// The tokens of a text, each with its bytes and its alternatives, of which the first is itself.
pub(super) fn list(text: &str) -> Value {
    let token =
        |token: &str| json!({ "token": token, "logprob": -0.25, "bytes": token.as_bytes() });
    let tokens = pieces(text, &[TOKEN_BYTES]).into_iter().map(|text| {
        let mut entry = token(text);
        if let Some(fields) = entry.as_object_mut() {
            fields.insert("top_logprobs".to_owned(), json!([token(text)]));
        }
        entry
    });
    tokens.collect()
}

fn asked<'a>(ask: &Ask<'a>, name: &str) -> Option<&'a Value> {
    ask.body.get(name)
}
