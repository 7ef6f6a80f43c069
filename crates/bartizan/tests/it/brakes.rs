//! Programs that go round in circles are stopped before a provider is asked.

use bartizan_testkit::http::Answer;
use bartizan_testkit::upstream::Script;
use serde_json::{Value, json};

use crate::cli::Place;
use crate::support::{Stage, chat, messages, responses};

const CHAT: &str = "/v1/chat/completions";

/// The guide, whose policy and commands are what these tests run.
const GUIDE: &str = include_str!("../../../../docs/guides/limits.md");

async fn stage(brakes: &str) -> Stage {
    Stage::start(Script::text("fine"), "", &format!("    brakes:\n{brakes}")).await
}

/// A chat in which a tool was called, each time with these arguments.
fn called(arguments: &[&str]) -> Value {
    let mut list = vec![json!({ "role": "user", "content": "find it" })];
    for (number, arguments) in arguments.iter().enumerate() {
        let id = format!("call_{number}");
        let function = json!({ "name": "search", "arguments": arguments });
        let call = json!({ "id": id, "type": "function", "function": function });
        list.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
        list.push(json!({ "role": "tool", "tool_call_id": id, "content": "nothing" }));
    }
    json!({ "model": "open", "messages": list })
}

fn code(answer: &Answer) -> String {
    answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_is_stopped_in_every_dialect_and_says_so() {
    let stage = stage("      - { id: b-loop, same-requests: 3/h, action: block }\n").await;
    for attempt in 0..3 {
        let body = chat("open", &format!("Try again, attempt {attempt}"), false);
        assert_eq!(stage.post(CHAT, &body).await.status, 200);
    }
    // A counter, other spelling, what nobody sees, and fields of the protocol make it no other request.
    for text in [
        "try  AGAIN: attempt 9f3a2b",
        "T\u{200b}ry again, attempt 1",
        "Try \u{430}gain, \u{430}ttempt 7,001",
    ] {
        let mut body = chat("open", text, false);
        body["user"] = json!("another");
        body["metadata"] = json!({ "run": "7" });
        let answer = stage.post(CHAT, &body).await;
        assert_eq!(answer.status, 429, "{text}: {}", answer.text());
        assert_eq!(code(&answer), "bartizan::gateway::loop");
        let said = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            said.starts_with("brake `b-loop`: more than 3 requests/h say nearly the same"),
            "{said}"
        );
        assert!(!said.to_lowercase().contains("again"), "{said}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&wait));
        assert_eq!(answer.header("x-bartizan-decision"), Some("block; rule=b-loop"));
    }
    assert_eq!(stage.post(CHAT, &chat("open", "Something else", false)).await.status, 200);
    for (path, body) in [
        ("/v1/messages", messages("claude", "Again 1", false)),
        ("/v1/responses", responses("open", "Again 1", false)),
        ("/serving-endpoints/bricks/invocations", chat("bricks", "Again 1", false)),
    ] {
        for _ in 0..3 {
            assert_eq!(stage.post(path, &body).await.status, 200, "{path}");
        }
        let answer = stage.post(path, &body).await;
        assert_eq!(answer.status, 429, "{path}: {}", answer.text());
        let (said, body) = (answer.text(), answer.json());
        assert!(said.contains("brake `b-loop`"), "{said}");
        match path {
            "/v1/messages" => assert_eq!(body["error"]["type"], "rate_limit_error"),
            "/v1/responses" => assert_eq!(code(&answer), "bartizan::gateway::loop"),
            _ => assert_eq!(body["error_code"], "REQUEST_LIMIT_EXCEEDED"),
        }
    }
    let events = stage.decisions();
    let braked = events.iter().filter(|event| event["rule"] == "b-loop");
    let braked: Vec<_> = braked.collect();
    assert_eq!(braked.len(), 6);
    for event in braked {
        assert_eq!((&event["outcome"], &event["verdict"]), (&json!("limited"), &json!("block")));
        assert_eq!(event["detail"], "bartizan::gateway::loop");
        assert_eq!(event["tokens_in"], Value::Null);
    }
    let metrics = stage.process.console().get("/metrics").await.unwrap().text();
    let line = "bartizan_braked_requests_total{endpoint=\"open\",kind=\"same-requests\",verdict=\"block\"} 4";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_no_more_pass_than_a_brake_lets() {
    let stage = stage("      - { id: b-loop, same-requests: 7/h, action: block }\n").await;
    let tasks: Vec<_> = (0..80)
        .map(|number| {
            let client = stage.client.clone();
            let body = chat("open", &format!("attempt {number}"), false);
            tokio::spawn(async move { client.post_json(CHAT, &body).await.unwrap().status })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.unwrap() == 200);
    }
    assert_eq!(passed, 7);
    assert_eq!(stage.upstream.requests().len(), 7);
}

#[tokio::test]
async fn an_agent_that_repeats_a_call_or_never_ends_is_stopped_without_a_wait() {
    let stage = stage(
        "      - { id: b-tool, same-tool-calls: 2, action: block }\n      - { id: b-depth, tool-rounds: 4, action: block }\n",
    )
    .await;
    let same = r#"{"q":"x","page":1}"#;
    assert_eq!(stage.post(CHAT, &called(&[same, same])).await.status, 200);
    let answer = stage.post(CHAT, &called(&[same, "{\"page\": 1, \"q\": \"x\"}", same])).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert!(answer.text().contains("brake `b-tool`"), "{}", answer.text());
    assert_eq!(
        (answer.header("x-should-retry"), answer.header("retry-after")),
        (Some("false"), None)
    );
    let pages = ["{\"page\":1}", "{\"page\":2}", "{\"page\":3}", "{\"page\":4}", "{\"page\":5}"];
    assert_eq!(stage.post(CHAT, &called(&pages[..4])).await.status, 200);
    let answer = stage.post(CHAT, &called(&pages)).await;
    assert!(answer.text().contains("brake `b-depth`"), "{}", answer.text());
    let mut spoken = called(&pages);
    let last = json!({ "role": "user", "content": "go on, please" });
    spoken["messages"].as_array_mut().unwrap().push(last);
    assert_eq!(stage.post(CHAT, &spoken).await.status, 200);
}

#[tokio::test]
async fn a_conversation_that_grows_is_stopped_and_another_goes_on() {
    let stage = stage("      - { id: b-growth, conversation-tokens: 3k/h, action: block }\n").await;
    let body = |opening: &str, turns: usize| {
        let mut list = vec![json!({ "role": "user", "content": opening })];
        for turn in 0..turns {
            list.push(json!({ "role": "assistant", "content": "fine" }));
            list.push(json!({ "role": "user", "content": format!("turn {turn}") }));
        }
        json!({ "model": "open", "max_tokens": 1000, "messages": list })
    };
    let mut status = 200;
    let mut turns = 0;
    while status == 200 && turns < 200 {
        status = stage.post(CHAT, &body("Plan my journey", turns)).await.status.as_u16();
        turns += 1;
    }
    assert_eq!(status, 429, "{turns} turns");
    assert!(turns > 3, "what was not used comes back: {turns}");
    let answer = stage.post(CHAT, &body("Plan my journey", 0)).await;
    assert!(answer.text().contains("brake `b-growth`: the conversation uses more than 3000"));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(stage.post(CHAT, &body("Plan my holiday", 0)).await.status, 200);
    // What no hour can hold is not to be tried again.
    let mut large = body("Write a book", 0);
    large["max_tokens"] = json!(5000);
    let answer = stage.post(CHAT, &large).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-should-retry")), (429, Some("false")));
}

#[tokio::test]
async fn what_only_watches_lets_pass_and_leaves_a_trace() {
    let stage = stage(
        "      - { id: b-loop, same-requests: 2/h, action: flag }\n      - { id: b-dry, conversation-tokens: 1/h, action: block, mode: dry-run }\n",
    )
    .await;
    for _ in 0..3 {
        assert_eq!(stage.post(CHAT, &chat("open", "again", false)).await.status, 200);
    }
    let events = stage.decisions();
    let brakes: Vec<_> = events.iter().map(|event| event["brakes"].clone()).collect();
    assert_eq!(brakes, [json!(["b-dry"]), json!(["b-dry"]), json!(["b-loop", "b-dry"])]);
    let last = events.last().unwrap();
    assert_eq!((&last["verdict"], &last["rule"]), (&json!("flag"), &json!("b-loop")));
    assert_eq!(last["outcome"], "answered");
    assert_eq!(events[0]["rule"], "b-dry");
}

#[tokio::test]
async fn a_request_that_is_refused_elsewhere_is_not_counted() {
    let stage = Stage::start(
        Script::text("fine"),
        "",
        "    limits: [{ id: l-all, per: endpoint, tokens: 2k/h }]\n    brakes: [{ id: b, same-requests: 1/h, action: block }]\n",
    )
    .await;
    let mut body = chat("open", "again", false);
    body["max_tokens"] = json!(100_000);
    for _ in 0..3 {
        assert_eq!(code(&stage.post(CHAT, &body).await), "rate_limit_exceeded");
    }
    body["max_tokens"] = json!(10);
    assert_eq!(stage.post(CHAT, &body).await.status, 200);
    assert_eq!(code(&stage.post(CHAT, &body).await), "bartizan::gateway::loop");
}

/// The blocks of the guide in one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let parts = GUIDE.split(&*fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

#[test]
fn the_policy_of_the_guide_does_what_the_guide_says() {
    let place = Place::new();
    place.write("bartizan.yaml", blocks("yaml")[0]);
    let ran = place.run(&["config", "check"], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = place.run(&["policy", "test"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let ran = place.run(&["policy", "check"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let explained = blocks("console").into_iter().find(|block| block.contains("policy explain"));
    let (command, said) = explained.unwrap().split_once('\n').unwrap();
    let words: Vec<&str> = command.split_whitespace().skip(2).collect();
    let ran = place.run(&words, "");
    // The version is that of the text, and the last lines are what was sent.
    for line in said.lines().filter(|line| !line.contains("policy ") && *line != "…") {
        assert!(ran.stdout.contains(line), "{line}\n{}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_brake_is_explained_by_its_id() {
    let place = Place::new();
    place.write("bartizan.yaml", blocks("yaml")[0]);
    let ran = place.run(&["explain", "b-loop", "--config", "bartizan.yaml"], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("b-loop: brake of endpoint `assistant`"), "{}", ran.stdout);
    let ran = place.run(&["explain", "l-team", "--config", "bartizan.yaml"], "");
    assert!(ran.stdout.contains("l-team: limit over all endpoints"), "{}", ran.stdout);
}
