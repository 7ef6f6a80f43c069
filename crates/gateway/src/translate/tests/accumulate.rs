//! Clients in small: they put a stream together to the answer that it stands for.

use serde_json::{Value as Json, json};

/// Joins chunks to the answer's message, `finish_reason` and usage. Panics where a client would be
/// lost.
pub(in crate::translate) fn chat(events: &[Json]) -> Json {
    assert_eq!(events.last(), Some(&json!("[DONE]")));
    let mut message = json!({"content": "", "reasoning_content": "", "tool_calls": []});
    let (mut finish_reason, mut usage) = (Json::Null, Json::Null);
    let (id, created) = (&events[0]["id"], &events[0]["created"]);
    for chunk in &events[..events.len() - 1] {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!((&chunk["id"], &chunk["created"]), (id, created));
        if !chunk["usage"].is_null() {
            assert_eq!(chunk["choices"], json!([]));
            assert_ne!(finish_reason, Json::Null, "usage comes last");
            usage = chunk["usage"].clone();
            continue;
        }
        let choice = &chunk["choices"][0];
        assert_eq!(choice["index"], 0);
        assert_eq!(finish_reason, Json::Null, "nothing follows the finish");
        let delta = &choice["delta"];
        for name in ["content", "reasoning_content"] {
            append(&mut message[name], &delta[name]);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            let calls = message["tool_calls"].as_array_mut().unwrap();
            if call.get("id").is_some() {
                assert_eq!(index, calls.len());
                assert_eq!(call["type"], "function");
                calls.push(
                    json!({"id": call["id"], "name": call["function"]["name"], "arguments": ""}),
                );
            }
            append(&mut calls[index]["arguments"], &call["function"]["arguments"]);
        }
        finish_reason = choice["finish_reason"].clone();
    }
    json!({"message": message, "finish_reason": finish_reason, "usage": usage})
}

/// Joins events to the answer's content, `stop_reason` and usage. Panics where a client would be
/// lost: blocks come one after the other, each with a start and a stop.
pub(in crate::translate) fn messages(events: &[Json]) -> Json {
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"message_start"));
    assert_eq!(kinds[kinds.len() - 2..], ["message_delta", "message_stop"]);
    assert_eq!(events[0]["message"]["content"], json!([]));
    let mut content: Vec<Json> = Vec::new();
    let mut is_open = false;
    for event in &events[1..events.len() - 2] {
        if event["type"] == "content_block_start" {
            assert!(!is_open);
            assert_eq!(event["index"], content.len());
            is_open = true;
            let mut block = event["content_block"].clone();
            if block["type"] == "tool_use" {
                assert_eq!(block["input"], json!({}));
                block["input"] = json!("");
            }
            content.push(block);
            continue;
        }
        assert!(is_open);
        assert_eq!(event["index"], content.len() - 1);
        let block = content.last_mut().unwrap();
        match event["type"].as_str().unwrap() {
            "content_block_delta" => {
                let delta = &event["delta"];
                let (kind, target, source) = match delta["type"].as_str().unwrap() {
                    "text_delta" => ("text", "text", "text"),
                    "thinking_delta" => ("thinking", "thinking", "thinking"),
                    "input_json_delta" => ("tool_use", "input", "partial_json"),
                    other => panic!("{other}"),
                };
                assert_eq!(block["type"], kind);
                append(&mut block[target], &delta[source]);
            }
            "content_block_stop" => {
                is_open = false;
                if block["type"] == "tool_use" {
                    let input = block["input"].as_str().unwrap();
                    let input = if input.is_empty() { "{}" } else { input };
                    block["input"] = serde_json::from_str(input).unwrap();
                }
            }
            other => panic!("{other}"),
        }
    }
    assert!(!is_open);
    let last = &events[events.len() - 2];
    json!({"content": content, "stop_reason": last["delta"]["stop_reason"], "usage": last["usage"]})
}

fn append(text: &mut Json, piece: &Json) {
    if let (Json::String(text), Json::String(piece)) = (text, piece) {
        text.push_str(piece);
    }
}
