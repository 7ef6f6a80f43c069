//! Properties of requests: what comes out can be read, and no text is lost on the way.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{PAIRS, between, chat_to_messages, messages_to_chat, request};
use crate::json::Document;

/// A text that can be found again: no other text, and no word of the protocols, is a part of it.
fn text() -> impl Strategy<Value = String> {
    ("[0-9]{12}", any::<String>()).prop_map(|(mark, rest)| format!("{mark}{rest}"))
}

/// An object with texts at several depths.
fn object() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        text().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        Just(json!(null))
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    });
    prop::collection::btree_map(text(), value, 0..4).prop_map(|map| json!(map))
}

fn chat_content() -> impl Strategy<Value = Json> {
    let part = text().prop_map(|text| json!({"type": "text", "text": text}));
    prop_oneof![text().prop_map(Json::from), prop::collection::vec(part, 1..4).prop_map(Json::from)]
}

fn chat_message() -> impl Strategy<Value = Json> {
    let call = (text(), text(), object()).prop_map(|(id, name, arguments)| {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments.to_string()}})
    });
    prop_oneof![
        (prop::sample::select(vec!["system", "developer", "user"]), chat_content())
            .prop_map(|(role, content)| json!({"role": role, "content": content})),
        (chat_content(), prop::collection::vec(call, 0..3)).prop_map(|(content, calls)| {
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }),
        (text(), chat_content()).prop_map(|(id, content)| {
            json!({"role": "tool", "tool_call_id": id, "content": content})
        }),
    ]
}

fn chat_tool() -> impl Strategy<Value = Json> {
    (text(), text(), object()).prop_map(|(name, description, parameters)| {
        json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
    })
}

fn chat_request() -> impl Strategy<Value = Json> {
    let messages = prop::collection::vec(chat_message(), 0..6);
    let tools = prop::collection::vec(chat_tool(), 0..3);
    (messages, tools).prop_map(|(messages, tools)| {
        json!({"model": "m", "messages": messages, "tools": tools, "max_tokens": 5})
    })
}

fn text_block() -> impl Strategy<Value = Json> {
    text().prop_map(|text| json!({"type": "text", "text": text}))
}

fn blocks() -> impl Strategy<Value = Json> {
    let blocks = prop::collection::vec(text_block(), 1..4).prop_map(Json::from);
    prop_oneof![text().prop_map(Json::from), blocks]
}

fn user_turn() -> impl Strategy<Value = Json> {
    let document = (text(), text(), text()).prop_map(|(title, context, data)| {
        json!({"type": "document", "title": title, "context": context,
            "source": {"type": "text", "media_type": "text/plain", "data": data}})
    });
    let result = (text(), blocks(), any::<bool>()).prop_map(|(id, content, is_error)| {
        json!({"type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error})
    });
    prop::collection::vec(prop_oneof![text_block(), document, result], 1..4)
        .prop_map(|content| json!({"role": "user", "content": content}))
}

fn assistant_turn() -> impl Strategy<Value = Json> {
    let call = (text(), text(), object()).prop_map(
        |(id, name, input)| json!({"type": "tool_use", "id": id, "name": name, "input": input}),
    );
    prop::collection::vec(prop_oneof![text_block(), call], 1..4)
        .prop_map(|content| json!({"role": "assistant", "content": content}))
}

fn messages_request() -> impl Strategy<Value = Json> {
    let tool = (text(), text(), object()).prop_map(|(name, description, schema)| {
        json!({"name": name, "description": description, "input_schema": schema})
    });
    let turns = prop::collection::vec(prop_oneof![user_turn(), assistant_turn()], 0..5);
    (blocks(), turns, user_turn(), prop::collection::vec(tool, 0..3)).prop_map(
        |(system, mut turns, last, tools)| {
            turns.push(last);
            json!({"model": "m", "max_tokens": 5, "system": system, "messages": turns, "tools": tools})
        },
    )
}

/// Every string with a mark, keys included; JSON inside strings is looked into.
fn marked(value: &Json, out: &mut Vec<String>) {
    let mut take = |text: &str| {
        if text.bytes().any(|byte| byte.is_ascii_digit()) {
            out.push(text.to_owned());
        }
    };
    match value {
        Json::String(text) => match serde_json::from_str::<Json>(text) {
            Ok(inner @ Json::Object(_)) => marked(&inner, out),
            _ => take(text),
        },
        Json::Array(items) => items.iter().for_each(|item| marked(item, out)),
        Json::Object(members) => {
            members.keys().for_each(|key| take(key));
            members.values().for_each(|value| marked(value, out));
        }
        _ => {}
    }
}

fn assert_nothing_lost(asked: &Json, translated: &Json) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    marked(asked, &mut before);
    marked(translated, &mut after);
    for text in before {
        assert!(after.iter().any(|after| after.contains(&text)), "{text:?} is lost");
    }
}

/// JSON of the shapes that requests have, with anything in any place.
fn odd_json() -> impl Strategy<Value = Json> {
    const WORDS: &[&str] = &[
        "",
        "text",
        "role",
        "user",
        "assistant",
        "tool",
        "function",
        "type",
        "content",
        "messages",
        "tools",
        "tool_calls",
        "image_url",
        "url",
        "file",
        "tool_result",
        "tool_use",
        "document",
        "source",
        "base64",
        "data:image/png;base64,AA",
        "id",
        "name",
        "input",
        "arguments",
        "{}",
        "tool_choice",
        "response_format",
        "json_schema",
        "schema",
        "system",
        "choices",
        "message",
        "delta",
        "index",
        "usage",
        "error",
        "content_block",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "text_delta",
        "input_json_delta",
        "partial_json",
        "finish_reason",
    ];
    let word = || prop::sample::select(WORDS).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (0_u64..3).prop_map(Json::from),
        word().prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(word(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_of_a_chat_request_is_lost(asked in chat_request()) {
        assert_nothing_lost(&asked, &request(chat_to_messages(), &asked).unwrap());
    }

    #[test]
    fn no_text_of_a_messages_request_is_lost(asked in messages_request()) {
        assert_nothing_lost(&asked, &request(messages_to_chat(), &asked).unwrap());
    }

    #[test]
    fn there_and_back_no_text_is_lost(asked in messages_request()) {
        let there = request(messages_to_chat(), &asked).unwrap();
        // The trait leaves the limit's name to each direction; all else must come back by itself.
        let back = request(chat_to_messages(), &there).unwrap();
        assert_nothing_lost(&asked, &back);
        prop_assert_eq!(&back["max_tokens"], &asked["max_tokens"]);
    }

    #[test]
    fn odd_bodies_are_translated_or_refused(body in odd_json()) {
        let source = body.to_string();
        let document = Document::parse(source.as_bytes()).unwrap();
        for (asked, spoken) in PAIRS {
            let translation = between(asked, spoken).unwrap();
            let bodies = [translation.request(document.root()), translation.answer(document.root())];
            for translated in bodies.into_iter().flatten() {
                prop_assert!(Document::parse(&translated).is_ok());
            }
            prop_assert!(Document::parse(&translation.error(document.root())).is_ok());
            let mut stream = translation.stream();
            for _ in 0..2 {
                if let Ok(events) = stream.event(None, &document) {
                    for event in events {
                        prop_assert!(event.data == "[DONE]" || Document::parse(event.data.as_bytes()).is_ok());
                    }
                }
            }
        }
    }
}
