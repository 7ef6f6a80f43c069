//! The demo's answers in Anthropic's protocol.

use bytes::Bytes;
use serde_json::json;

use super::speech::{Speech, last_user_text, pieces, text_of, tokens};
use super::{MODEL, event, with};
use crate::json::Value;

pub(super) fn messages(root: Value<'_>, streams: bool, chunk_bytes: usize) -> Vec<Bytes> {
    let prompt = last_user_text(root.get("messages"));
    let speech = Speech::about(&prompt);
    let (asked, said) = (tokens(&prompt), tokens(speech.text()));
    let reason = if matches!(speech, Speech::Calls { .. }) { "tool_use" } else { "end_turn" };
    let message = |content: serde_json::Value, reason: Option<&str>, said: u64| {
        json!({
            "id": "msg_demo", "type": "message", "role": "assistant", "model": MODEL, "content": content,
            "stop_reason": reason, "stop_sequence": null,
            "usage": { "input_tokens": asked, "output_tokens": said },
        })
    };
    if !streams {
        let block = match &speech {
            Speech::Says(text) => json!({ "type": "text", "text": text }),
            Speech::Calls { name, arguments } => {
                let input: serde_json::Value = serde_json::from_str(arguments).unwrap_or_default();
                json!({ "type": "tool_use", "id": "toolu_demo", "name": name, "input": input })
            }
        };
        return vec![message(json!([block]), Some(reason), said).to_string().into()];
    }
    let mut out = Vec::new();
    let mut say = |kind: &str, body: serde_json::Value| {
        out.push(event(Some(kind), &with(body, "type", kind)));
    };
    say("message_start", json!({ "message": message(json!([]), None, 1) }));
    let block = match &speech {
        Speech::Says(_) => json!({ "type": "text", "text": "" }),
        Speech::Calls { name, .. } => {
            json!({ "type": "tool_use", "id": "toolu_demo", "name": name, "input": {} })
        }
    };
    say("content_block_start", json!({ "index": 0, "content_block": block }));
    say("ping", json!({}));
    for piece in pieces(speech.text(), chunk_bytes) {
        let delta = match &speech {
            Speech::Says(_) => json!({ "type": "text_delta", "text": piece }),
            Speech::Calls { .. } => json!({ "type": "input_json_delta", "partial_json": piece }),
        };
        say("content_block_delta", json!({ "index": 0, "delta": delta }));
    }
    say("content_block_stop", json!({ "index": 0 }));
    let delta = json!({ "stop_reason": reason, "stop_sequence": null });
    say("message_delta", json!({ "delta": delta, "usage": { "output_tokens": said } }));
    say("message_stop", json!({}));
    out
}

pub(super) fn count_tokens(root: Value<'_>) -> Vec<Bytes> {
    let messages = root.get("messages").into_iter().flat_map(|messages| messages.items());
    let system = root.get("system").map(text_of).unwrap_or_default();
    let texts = messages.filter_map(|message| message.get("content")).map(text_of);
    let count: u64 = texts.chain([system]).map(|text| tokens(&text)).sum();
    vec![json!({ "input_tokens": count }).to_string().into()]
}
