//! Log probabilities are a second copy of the answer: gone where the first is guarded, untouched
//! where it is not.

use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::upstream::Reply;
use serde_json::{Value, json};

use crate::support::{MASK_GUARD, Stage, chat, responses};

/// What the provider says; the address is masked in an answer.
const ANSWER: &str = "write to anna@example.com, not to me";
const SECRET: &str = "anna@example.com";

/// Guardrails that read requests and not answers.
const INPUT_GUARD: &str = r"
      - { id: g-in, on: [input], detect: keywords, keywords: [zanzibar], action: block }";
/// Guardrails that find nothing in the answer.
const QUIET_GUARD: &str = r"
      - { id: g-out, on: [output], detect: keywords, keywords: [zanzibar], action: block }";

/// Requests that ask for log probabilities, in each protocol that has them.
fn requests(model: &str) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for stream in [false, true] {
        let mut body = chat(model, "hi", stream);
        body["logprobs"] = json!(true);
        body["top_logprobs"] = json!(1);
        all.push(("/v1/chat/completions", body));
        let body = json!({ "model": model, "prompt": "hi", "logprobs": 1, "stream": stream });
        all.push(("/v1/completions", body));
        let mut body = responses(model, "hi", stream);
        body["include"] = json!(["message.output_text.logprobs"]);
        all.push(("/v1/responses", body));
    }
    all
}

async fn stage(guardrails: &str) -> Stage {
    Stage::start(Reply::text(ANSWER).pieces([7]).into(), guardrails, "").await
}

fn documents(answer: &Answer) -> Vec<Value> {
    if answer.body.starts_with(b"{") {
        return vec![answer.json()];
    }
    answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// The values of all members of that name, wherever they stand, without those that say nothing.
fn members(value: &Value, name: &str, found: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_empty = value.is_null() || *value == json!([]);
                if key == name && !is_empty {
                    found.push(value.clone());
                }
                members(value, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, name, found)),
        _ => {}
    }
}

fn logprobs(answer: &Answer) -> Vec<Value> {
    let mut found = Vec::new();
    for document in documents(answer) {
        members(&document, "logprobs", &mut found);
    }
    found
}

/// All that an answer says token by token: as strings, as keys, and as bytes.
fn all_spelled(values: &[Value]) -> String {
    let mut text = String::new();
    for value in values {
        spelled(value, &mut text);
    }
    text
}

fn spelled(value: &Value, text: &mut String) {
    match value {
        Value::String(token) => text.push_str(token),
        Value::Array(items) => {
            let bytes: Option<Vec<u8>> = items
                .iter()
                .map(|item| item.as_u64().and_then(|byte| byte.try_into().ok()))
                .collect();
            match bytes.filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
                None => items.iter().for_each(|item| spelled(item, text)),
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                if value.is_f64() {
                    text.push_str(key);
                }
                spelled(value, text);
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guardrail_masks_does_not_come_back_token_by_token() {
    let stage = stage(MASK_GUARD).await;
    for (path, body) in requests("open") {
        let answer = stage.post(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(answer.text().contains("<EMAIL_ADDRESS_1>"), "{path}: {}", answer.text());
        assert!(!answer.text().contains(SECRET), "{path}: {}", answer.text());
        assert_eq!(logprobs(&answer), Vec::<Value>::new(), "{path}: {}", answer.text());
        let text = all_spelled(&documents(&answer));
        assert!(!text.contains(SECRET), "{path}: {text}");
    }
    // The provider did send them.
    let (path, body) = requests("open").remove(0);
    let direct = Client::new(stage.upstream.url()).post_json(path, &body).await.unwrap();
    let text = all_spelled(&logprobs(&direct));
    assert!(text.contains("anna"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_gone_from_every_answer_that_a_guardrail_reads() {
    let stage = stage(QUIET_GUARD).await;
    for (path, body) in requests("open") {
        let answer = stage.post(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(logprobs(&answer), Vec::<Value>::new(), "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_pass_untouched_where_no_guardrail_reads_answers() {
    for guardrails in ["", INPUT_GUARD] {
        let stage = stage(guardrails).await;
        for (path, body) in requests("open") {
            let direct = Client::new(stage.upstream.url()).post_json(path, &body).await.unwrap();
            let answer = stage.post(path, &body).await;
            let expected = logprobs(&direct);
            assert!(!expected.is_empty(), "{path}: {}", direct.text());
            assert_eq!(logprobs(&answer), expected, "{path}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guardrail_blocks_leaves_no_tokens() {
    let guard = r"
      - { id: g-out, on: [output], detect: keywords, keywords: [anna], action: block }";
    let stage = stage(guard).await;
    for (path, body) in requests("open") {
        let answer = stage.post(path, &body).await;
        assert_eq!(logprobs(&answer), Vec::<Value>::new(), "{path}: {}", answer.text());
        let text = all_spelled(&documents(&answer));
        assert!(!text.contains("anna"), "{path}: {text}");
    }
}
