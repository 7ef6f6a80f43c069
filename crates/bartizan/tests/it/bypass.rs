//! The bypass matrix: every place and disguise in which other gateways let a forbidden word through,
//! on every protocol. Nothing may reach the provider, and nothing may reach the client.

use bartizan_testkit::upstream::{Reply, Script, Text, ToolCall, Turn};
use serde_json::{Value, json};

use crate::support::{Stage, WORD_GUARD, chat, messages, responses, said};

const WORD: &str = "zanzibar";

/// The word in disguise.
fn disguises() -> Vec<(&'static str, String)> {
    let tags: String = WORD.chars().map(|c| char::from_u32(0xE0000 + c as u32).unwrap()).collect();
    let wide: String = WORD.chars().map(|c| char::from_u32(0xFEE0 + c as u32).unwrap()).collect();
    let bold: String =
        WORD.chars().map(|c| char::from_u32(0x1D41A + c as u32 - 0x61).unwrap()).collect();
    let hex: String = WORD.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = WORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let html: String = WORD.bytes().map(|byte| format!("&#{byte};")).collect();
    [
        ("plain", WORD.to_owned()),
        ("upper case", WORD.to_uppercase()),
        ("zero-width", "zan\u{200B}zi\u{200B}bar".to_owned()),
        ("soft hyphen", "zan\u{AD}zibar".to_owned()),
        ("word joiner", "z\u{2060}a\u{2060}nzibar".to_owned()),
        ("Cyrillic", "zаnzibаr".to_owned()),
        ("full width", wide),
        ("mathematical", bold),
        ("combining marks", "za\u{301}nziba\u{308}r".to_owned()),
        ("tag characters", format!("hello{tags}")),
        ("spaced", "z a n z i b a r".to_owned()),
        ("dotted", "z.a.n.z.i.b.a.r".to_owned()),
        ("base64", "see emFuemliYXIgaXMgbmljZQ== please".to_owned()),
        ("hex", format!("decode {hex}20697320686572 now")),
        ("url", url),
        ("html", html),
        ("rot13", "mnamvone".to_owned()),
        ("ssn with en dash", "ssn 536\u{2013}90\u{2013}4399".to_owned()),
        ("ssn in full-width digits", "ssn ５３６-９０-４３９９".to_owned()),
    ]
    .into_iter()
    .collect()
}

/// Bodies with the word in every place of a chat request.
fn chat_places(word: &str) -> Vec<(&'static str, Value)> {
    let body = |messages: Value| json!({ "model": "open", "messages": messages });
    let user = |content: Value| json!({ "role": "user", "content": content });
    let with = |name: &str, value: Value| {
        let mut body = body(json!([user(json!("hi"))]));
        body[name] = value;
        body
    };
    let (first, second) = word.split_at(word.len() / 2);
    vec![
        ("content part", body(json!([user(json!([{ "type": "text", "text": word }]))]))),
        (
            "split over parts",
            body(json!([user(
                json!([{ "type": "text", "text": first }, { "type": "text", "text": second }])
            )])),
        ),
        (
            "earlier message",
            body(
                json!([user(json!(word)), { "role": "assistant", "content": "ok" }, user(json!("hi"))]),
            ),
        ),
        (
            "assistant message",
            body(json!([{ "role": "assistant", "content": word }, user(json!("hi"))])),
        ),
        ("system message", body(json!([{ "role": "system", "content": word }, user(json!("hi"))]))),
        (
            "developer message",
            body(json!([{ "role": "developer", "content": word }, user(json!("hi"))])),
        ),
        (
            "tool message",
            body(
                json!([user(json!("hi")), { "role": "tool", "tool_call_id": "c", "content": word }]),
            ),
        ),
        (
            "tool call arguments in history",
            body(json!([{ "role": "assistant", "content": null, "tool_calls": [
                { "id": "c", "type": "function", "function": { "name": "f", "arguments": format!("{{\"a\":\"{word}\"}}") } }
            ] }, user(json!("hi"))])),
        ),
        (
            "tool call name in history",
            body(json!([{ "role": "assistant", "content": null, "tool_calls": [
                { "id": "c", "type": "function", "function": { "name": word, "arguments": "{}" } }
            ] }, user(json!("hi"))])),
        ),
        ("message name", body(json!([{ "role": "user", "name": word, "content": "hi" }]))),
        (
            "tool description",
            with(
                "tools",
                json!([{ "type": "function", "function": { "name": "f", "description": word } }]),
            ),
        ),
        ("tool name", with("tools", json!([{ "type": "function", "function": { "name": word } }]))),
        (
            "parameter name",
            with(
                "tools",
                json!([{ "type": "function", "function": { "name": "f",
                "parameters": { "type": "object", "properties": { word: { "type": "string" } } } } }]),
            ),
        ),
        (
            "response format",
            with(
                "response_format",
                json!({ "type": "json_schema", "json_schema": { "name": "x",
                "schema": { "type": "object", "description": word } } }),
            ),
        ),
        ("stop", with("stop", json!([word]))),
        ("user field", with("user", json!(word))),
        ("metadata", with("metadata", json!({ "a": { "b": [word] } }))),
        ("unknown field", with("x_new_feature", json!(word))),
        ("unknown key", with("x_new_feature", json!({ word: 1 }))),
        ("prediction", with("prediction", json!({ "type": "content", "content": word }))),
    ]
}

fn messages_places(word: &str) -> Vec<(&'static str, Value)> {
    let with = |name: &str, value: Value| {
        let mut body = messages("claude", "hi", false);
        body[name] = value;
        body
    };
    let turns = |content: Value| with("messages", json!([{ "role": "user", "content": content }]));
    let (first, second) = word.split_at(word.len() / 2);
    vec![
        ("block", turns(json!([{ "type": "text", "text": word }]))),
        (
            "split over blocks",
            turns(json!([{ "type": "text", "text": first }, { "type": "text", "text": second }])),
        ),
        (
            "split over blocks with other members between",
            turns(
                json!([{ "type": "text", "text": first, "cache_control": { "type": "ephemeral", "ttl": "5m" } },
                { "type": "text", "text": second }]),
            ),
        ),
        (
            "split over turns of one role",
            with(
                "messages",
                json!([{ "role": "user", "content": first }, { "role": "user", "content": second }]),
            ),
        ),
        (
            "nested document",
            turns(json!([{ "type": "document", "source": { "type": "content", "content": [
                { "type": "text", "text": first }, { "type": "text", "text": second }] } }])),
        ),
        ("system", with("system", json!(word))),
        ("system blocks", with("system", json!([{ "type": "text", "text": word }]))),
        (
            "tool result",
            turns(json!([{ "type": "tool_result", "tool_use_id": "t", "content": word }])),
        ),
        (
            "tool result blocks",
            turns(
                json!([{ "type": "tool_result", "tool_use_id": "t", "content": [{ "type": "text", "text": word }] }]),
            ),
        ),
        (
            "tool use in history",
            with(
                "messages",
                json!([{ "role": "assistant", "content": [
                { "type": "tool_use", "id": "t", "name": "f", "input": { "a": word } }] }, { "role": "user", "content": "hi" }]),
            ),
        ),
        (
            "document",
            turns(
                json!([{ "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": word } }]),
            ),
        ),
        (
            "tool description",
            with(
                "tools",
                json!([{ "name": "f", "description": word, "input_schema": { "type": "object" } }]),
            ),
        ),
        ("unknown field", with("x_new_feature", json!(word))),
    ]
}

fn responses_places(word: &str) -> Vec<(&'static str, Value)> {
    let with = |name: &str, value: Value| {
        let mut body = responses("open", "hi", false);
        body[name] = value;
        body
    };
    let (first, second) = word.split_at(word.len() / 2);
    vec![
        ("instructions", with("instructions", json!(word))),
        ("item", with("input", json!([{ "role": "user", "content": word }]))),
        (
            "split over parts",
            with(
                "input",
                json!([{ "role": "user", "content": [
                { "type": "input_text", "text": first }, { "type": "input_text", "text": second }] }]),
            ),
        ),
        (
            "function output",
            with(
                "input",
                json!([{ "type": "function_call_output", "call_id": "c", "output": word }]),
            ),
        ),
        (
            "function call",
            with(
                "input",
                json!([{ "type": "function_call", "call_id": "c", "name": "f", "arguments": word }]),
            ),
        ),
        ("tool", with("tools", json!([{ "type": "function", "name": "f", "description": word }]))),
        (
            "text format",
            with(
                "text",
                json!({ "format": { "type": "json_schema", "name": "x", "schema": { "title": word } } }),
            ),
        ),
        ("unknown field", with("x_new_feature", json!(word))),
    ]
}

/// Sends every body, streamed and not; each must be refused before the provider sees it.
async fn assert_refused(stage: &Stage, path: &str, probes: Vec<(String, Value)>) {
    let mut leaks = Vec::new();
    for (name, body) in probes {
        for stream in [false, true] {
            let mut body = body.clone();
            if stream {
                body["stream"] = json!(true);
            }
            let answer = stage.post(path, &body).await;
            let reached = !stage.upstream.requests().is_empty();
            stage.upstream.clear();
            if answer.status != 400 || reached {
                leaks.push(format!(
                    "{path} {name} stream={stream}: {} reached={reached}",
                    answer.status
                ));
            }
            if answer.text().to_lowercase().contains(WORD) {
                leaks.push(format!("{path} {name} stream={stream}: echoed"));
            }
        }
    }
    assert!(leaks.is_empty(), "leaks:\n{}", leaks.join("\n"));
}

fn named(places: Vec<(&'static str, Value)>) -> Vec<(String, Value)> {
    places.into_iter().map(|(name, body)| (name.to_owned(), body)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_of_a_request_is_left_unread() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    assert_refused(&stage, "/v1/chat/completions", named(chat_places(WORD))).await;
    assert_refused(&stage, "/v1/messages", named(messages_places(WORD))).await;
    assert_refused(&stage, "/v1/responses", named(responses_places(WORD))).await;
    let one = |name: &str, body: Value| vec![(name.to_owned(), body)];
    let completion = json!({ "model": "open", "prompt": WORD });
    assert_refused(&stage, "/v1/completions", one("prompt", completion)).await;
    let completions = json!({ "model": "open", "prompt": ["a", WORD], "suffix": "b" });
    assert_refused(&stage, "/v1/completions", one("prompts", completions)).await;
    let embedding = json!({ "model": "open", "input": ["a", WORD] });
    assert_refused(&stage, "/v1/embeddings", one("input", embedding)).await;
    let invocation = json!({ "messages": [{ "role": "user", "content": WORD }] });
    assert_refused(&stage, "/serving-endpoints/bricks/invocations", one("invocation", invocation))
        .await;
    let mut renamed = chat("bricks", WORD, false);
    assert_refused(&stage, "/serving-endpoints/chat/completions", one("renamed", renamed.take()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_disguise_of_a_word_gets_through() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for (path, model, body) in [
        ("/v1/chat/completions", "open", chat as fn(&str, &str, bool) -> Value),
        ("/v1/messages", "claude", messages),
        ("/v1/responses", "open", responses),
    ] {
        let probes = disguises()
            .into_iter()
            .map(|(name, text)| (name.to_owned(), body(model, &text, false)))
            .collect();
        assert_refused(&stage, path, probes).await;
    }
    // Escapes of JSON itself, which only the parser sees.
    let raw = r#"{"model":"open","messages":[{"role":"user","content":"\u007a\u0061nzibar"}]}"#;
    let body: Value = serde_json::from_str(raw).unwrap();
    assert_refused(&stage, "/v1/chat/completions", vec![("escaped".to_owned(), body)]).await;
}

/// What the model may say or do with the word in it.
fn outputs() -> Vec<(&'static str, Reply)> {
    let text = |text: &str| Some(Text::Fixed(text.to_owned()));
    let turn = Turn::default;
    vec![
        ("text", Reply::turn(Turn { text: text("I like Zanzibar a lot"), ..turn() })),
        ("at the end", Reply::turn(Turn { text: text("so: zanzibar"), ..turn() })),
        ("base64", Reply::turn(Turn { text: text("see emFuemliYXIgaXMgbmljZQ=="), ..turn() })),
        ("zero-width", Reply::turn(Turn { text: text("zan\u{200B}zibar ok"), ..turn() })),
        (
            "tool arguments",
            Reply::turn(Turn {
                tool_calls: vec![ToolCall {
                    name: "f".to_owned(),
                    arguments: r#"{"a":"zanzibar"}"#.to_owned(),
                }],
                ..turn()
            }),
        ),
        (
            "tool name",
            Reply::turn(Turn {
                tool_calls: vec![ToolCall {
                    name: "zanzibar".to_owned(),
                    arguments: "{}".to_owned(),
                }],
                ..turn()
            }),
        ),
        (
            "reasoning",
            Reply::turn(Turn {
                reasoning: Some("think zanzibar".to_owned()),
                text: text("fine"),
                ..turn()
            }),
        ),
        (
            "refusal",
            Reply::turn(Turn { refusal: Some("no zanzibar for you".to_owned()), ..turn() }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_of_an_answer_is_left_unread() {
    let requests = [
        ("/v1/chat/completions", chat("open", "hi", true)),
        ("/v1/chat/completions", chat("open", "hi", false)),
        ("/v1/messages", messages("claude", "hi", true)),
        ("/v1/messages", messages("claude", "hi", false)),
        ("/v1/responses", responses("open", "hi", true)),
        ("/v1/responses", responses("open", "hi", false)),
        ("/v1/completions", json!({ "model": "open", "prompt": "hi", "stream": true })),
        ("/serving-endpoints/bricks/invocations", chat("bricks", "hi", true)),
    ];
    let mut replies = Vec::new();
    let mut probes = Vec::new();
    for (name, reply) in outputs() {
        for pieces in [vec![1], vec![3], vec![7, 2], vec![400]] {
            for request in &requests {
                replies.push(reply.clone().pieces(pieces.clone()).splits([5, 11]));
                probes.push((name, pieces.clone(), request.clone()));
            }
        }
    }
    let stage = Stage::start(Script::sequence(replies), WORD_GUARD, "").await;
    let mut leaks = Vec::new();
    for (name, pieces, (path, body)) in probes {
        let answer = stage.post(path, &body).await;
        let text = said(&answer).to_lowercase().replace('\u{200B}', "");
        if text.contains(WORD) || text.contains("emfuemliyxi") {
            leaks.push(format!("{name} {path} {pieces:?}: {text}"));
        }
    }
    assert!(leaks.is_empty(), "leaks:\n{}", leaks.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_choice_is_read() {
    let fine = Turn { text: Some(Text::Fixed("fine".to_owned())), ..Turn::default() };
    let bad = Turn { text: Some(Text::Fixed("a zanzibar b".to_owned())), ..Turn::default() };
    let stage = Stage::start(Reply::turns([fine, bad]).into(), WORD_GUARD, "").await;
    for stream in [false, true] {
        let mut body = chat("open", "hi", stream);
        body["n"] = json!(2);
        let answer = stage.post("/v1/chat/completions", &body).await;
        assert!(!answer.text().contains(WORD), "{}", answer.text());
        assert!(answer.text().contains("content_filter"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_text_guard_cannot_read_is_refused() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let image = json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "iVBORw0K" } });
    let turns = |content: Value| {
        let mut body = messages("claude", "hi", false);
        body["messages"] = json!([{ "role": "user", "content": content }]);
        body
    };
    let probes = vec![
        ("/v1/completions", json!({ "model": "open", "prompt": [40, 8, 1234, 99] })),
        ("/v1/completions", json!({ "model": "open", "prompt": [[40, 8], [1, 2]] })),
        ("/v1/embeddings", json!({ "model": "open", "input": [40, 8] })),
        (
            "/v1/messages",
            turns(
                json!([{ "type": "document", "source": { "type": "content", "content": [image] } }]),
            ),
        ),
        (
            "/v1/messages",
            turns(json!([{ "type": "tool_result", "tool_use_id": "t", "content": [image] }])),
        ),
        (
            "/v1/responses",
            json!({ "model": "open", "input": [{ "type": "computer_call_output", "call_id": "c",
                "output": { "type": "computer_screenshot", "image_url": "https://x.test/a.png" } }] }),
        ),
        (
            "/v1/chat/completions",
            json!({ "model": "open", "messages": [{ "role": "user", "content": [
            { "type": "IMAGE_URL", "image_url": { "url": "https://x.test/a.png" } }] }] }),
        ),
        ("/v1/chat/completions", json!({ "model": "open", "max_tokens": 1.5, "messages": [] })),
    ];
    for (path, body) in probes {
        let answer = stage.post(path, &body).await;
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
    }
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_two_readers_would_read_differently_are_refused() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        (
            "duplicate key",
            br#"{"model":"open","messages":[],"messages":[{"role":"user","content":"x"}]}"#
                .to_vec(),
        ),
        ("escaped duplicate", br#"{"model":"open","a":1,"\u0061":2}"#.to_vec()),
        ("lone surrogate", br#"{"model":"open","x":"\ud800"}"#.to_vec()),
        ("invalid UTF-8", b"{\"model\":\"open\",\"x\":\"\xff\"}".to_vec()),
        ("deep nesting", format!(r#"{{"model":"open","x":{deep}}}"#).into_bytes()),
        ("trailing bytes", br#"{"model":"open"} x"#.to_vec()),
        ("not an object", b"[1]".to_vec()),
        ("empty", Vec::new()),
    ];
    for (name, body) in bodies {
        let answer =
            stage.client.send(http::Method::POST, "/v1/chat/completions", body).await.unwrap();
        let answer = answer.whole().await.unwrap();
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string(), "{name}");
    }
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_no_guard_reads_is_named_and_refused_unless_policy_lists_it() {
    let image = json!({ "model": "open", "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "what is this" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==" } }] }] });
    let strict = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let answer = strict.post("/v1/chat/completions", &image).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let open = Stage::start(Script::text("fine"), WORD_GUARD, "    modalities: [image]\n").await;
    let answer = open.post("/v1/chat/completions", &image).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let decision = answer.header("x-bartizan-decision").unwrap();
    assert!(decision.contains("not-evaluated=modality:image"), "{decision}");
}
