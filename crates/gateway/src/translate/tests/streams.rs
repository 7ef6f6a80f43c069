//! Properties of streams: what a client puts together is the whole answer, however it was cut.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{accumulate, answer, chat_to_messages, data, messages_to_chat, stream};

/// An answer in no protocol: thinking, text, calls.
#[derive(Debug, Clone)]
struct Answer {
    thinking: String,
    text: String,
    calls: Vec<(String, String, Json)>,
    /// Characters of each piece.
    cut: usize,
}

fn an_answer() -> impl Strategy<Value = Answer> {
    let input = prop::collection::btree_map(any::<String>(), any::<String>(), 0..3);
    let call =
        ("[a-z]{1,8}", "[a-z]{1,8}", input).prop_map(|(id, name, input)| (id, name, json!(input)));
    (any::<String>(), any::<String>(), prop::collection::vec(call, 0..4), 1_usize..9).prop_map(
        |(thinking, text, mut calls, cut)| {
            for (number, (id, ..)) in calls.iter_mut().enumerate() {
                id.push_str(&number.to_string());
            }
            Answer { thinking, text, calls, cut }
        },
    )
}

fn pieces(text: &str, cut: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(cut).map(|piece| piece.iter().collect()).collect()
}

impl Answer {
    fn stop_reason(&self) -> &'static str {
        if self.calls.is_empty() { "end_turn" } else { "tool_use" }
    }

    fn as_messages(&self) -> Json {
        let mut content = Vec::new();
        if !self.thinking.is_empty() {
            content.push(json!({"type": "thinking", "thinking": self.thinking, "signature": ""}));
        }
        if !self.text.is_empty() {
            content.push(json!({"type": "text", "text": self.text}));
        }
        for (id, name, input) in &self.calls {
            content.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
        }
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
            "stop_reason": self.stop_reason(), "usage": {"input_tokens": 3, "output_tokens": 4}})
    }

    /// The events with which a provider would stream it.
    fn messages_events(&self) -> Vec<Json> {
        let mut events = vec![
            json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 3}}}),
            json!({"type": "ping"}),
        ];
        for (index, block) in self.as_messages()["content"].as_array().unwrap().iter().enumerate() {
            let (start, kind, member, text) = match block["type"].as_str().unwrap() {
                "text" => {
                    (json!({"type": "text", "text": ""}), "text_delta", "text", self.text.clone())
                }
                "thinking" => (
                    json!({"type": "thinking", "thinking": "", "signature": ""}),
                    "thinking_delta",
                    "thinking",
                    self.thinking.clone(),
                ),
                _ => (
                    json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}),
                    "input_json_delta",
                    "partial_json",
                    if block["input"] == json!({}) {
                        String::new()
                    } else {
                        block["input"].to_string()
                    },
                ),
            };
            events.push(
                json!({"type": "content_block_start", "index": index, "content_block": start}),
            );
            for piece in pieces(&text, self.cut) {
                let delta = json!({"type": kind, member: piece});
                events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
            }
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        events.push(json!({"type": "message_delta", "delta": {"stop_reason": self.stop_reason()}, "usage": {"output_tokens": 4}}));
        events.push(json!({"type": "message_stop"}));
        events
    }

    fn as_chat(&self) -> Json {
        let calls = self.calls.iter().map(|(id, name, input)| {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}})
        });
        let calls: Vec<Json> = calls.collect();
        json!({"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": [{"index": 0,
            "message": {"role": "assistant", "content": self.text, "reasoning_content": self.thinking, "tool_calls": calls},
            "finish_reason": if self.calls.is_empty() { "stop" } else { "tool_calls" }}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    }

    fn chat_chunks(&self) -> Vec<Json> {
        let chunk = |delta: Json, finish: Json| {
            json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "usage": null,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        };
        let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), json!(null))];
        for (name, text) in [("reasoning_content", &self.thinking), ("content", &self.text)] {
            chunks.extend(
                pieces(text, self.cut).iter().map(|piece| chunk(json!({name: piece}), json!(null))),
            );
        }
        for (index, (id, name, input)) in self.calls.iter().enumerate() {
            let head = json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
            chunks.push(chunk(json!({"tool_calls": [head]}), json!(null)));
            for piece in pieces(&input.to_string(), self.cut) {
                let call = json!({"index": index, "function": {"arguments": piece}});
                chunks.push(chunk(json!({"tool_calls": [call]}), json!(null)));
            }
        }
        chunks.push(chunk(json!({}), self.as_chat()["choices"][0]["finish_reason"].clone()));
        chunks.push(json!({"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}));
        chunks.push(json!("[DONE]"));
        chunks
    }
}

proptest! {
    #[test]
    fn a_stream_of_chunks_is_the_whole_answer(given in an_answer()) {
        let streamed = accumulate::chat(&data(&stream(chat_to_messages(), &given.messages_events()).unwrap()));
        let whole = answer(chat_to_messages(), &given.as_messages()).unwrap();
        let message = &whole["choices"][0]["message"];
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        prop_assert_eq!(&streamed["message"]["content"], &text("content"));
        prop_assert_eq!(&streamed["message"]["reasoning_content"], &text("reasoning_content"));
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let calls: Vec<Json> = calls.map(|call| {
            json!({"id": call["id"], "name": call["function"]["name"], "arguments": call["function"]["arguments"]})
        }).collect();
        prop_assert_eq!(&streamed["message"]["tool_calls"], &json!(calls));
        prop_assert_eq!(&streamed["finish_reason"], &whole["choices"][0]["finish_reason"]);
        prop_assert_eq!(&streamed["usage"], &whole["usage"]);
    }

    #[test]
    fn a_stream_of_events_is_the_whole_answer(given in an_answer()) {
        let streamed = accumulate::messages(&data(&stream(messages_to_chat(), &given.chat_chunks()).unwrap()));
        let whole = answer(messages_to_chat(), &given.as_chat()).unwrap();
        for name in ["content", "stop_reason", "usage"] {
            prop_assert_eq!(&streamed[name], &whole[name]);
        }
        prop_assert_eq!(&whole["content"], &given.as_messages()["content"]);
    }

    #[test]
    fn a_stream_comes_back_from_chunks_as_it_was(given in an_answer()) {
        let chunks = data(&stream(chat_to_messages(), &given.messages_events()).unwrap());
        let back = accumulate::messages(&data(&stream(messages_to_chat(), &chunks).unwrap()));
        prop_assert_eq!(&back["content"], &given.as_messages()["content"]);
        prop_assert_eq!(&back["stop_reason"], &given.as_messages()["stop_reason"]);
        prop_assert_eq!(&back["usage"]["input_tokens"], 3);
        prop_assert_eq!(&back["usage"]["output_tokens"], 4);
    }
}
