//! Azure OpenAI: the deployment in the path, the key in its own header, and the results of Azure's
//! filter.

use bartizan_testkit::upstream::{Fault, Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::support::{MASK_GUARD, Stage, chat, messages, said};

const VERSION: &str = "2024-10-21";

/// Endpoints on two deployments, and one where the client names the deployment.
async fn stage(script: Script, guardrails: &str) -> Stage {
    let upstream = Upstream::start(script).await.unwrap();
    let guardrails = if guardrails.is_empty() {
        String::new()
    } else {
        format!("    guardrails:{guardrails}\n")
    };
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n  azure: {{ azure-openai: {{ base-url: \"{}\", api-version: \"{VERSION}\", \
         api-key: env:TEST_PROVIDER_KEY }} }}\n\
         endpoints:\n  \
         house:\n    routes: [{{ provider: azure, model: chat-eu }}]\n{guardrails}  \
         vectors:\n    routes: [{{ provider: azure, model: embed-eu }}]\n  \
         my-own:\n    routes: [{{ provider: azure }}]\n",
        upstream.url(),
    );
    Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy).await
}

/// Paths that the provider was asked at, in order.
fn paths(stage: &Stage) -> Vec<String> {
    stage.upstream.requests().into_iter().map(|request| request.path).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_to_the_deployment_with_version_and_key() {
    let stage = stage(Script::text("all is well"), "").await;
    let answer = stage.post("/v1/chat/completions", &chat("house", "hi", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "all is well");
    let answer = stage.post("/v1/chat/completions", &chat("house", "hi", true)).await;
    assert!(said(&answer).contains("all is well"), "{}", answer.text());
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
    let ask = json!({ "model": "vectors", "input": ["one", "two"] });
    let answer = stage.post("/v1/embeddings", &ask).await;
    assert_eq!(answer.json()["data"].as_array().map(Vec::len), Some(2), "{}", answer.text());
    let ask = json!({ "model": "house", "prompt": "hi" });
    let answer = stage.post("/v1/completions", &ask).await;
    assert_eq!(answer.json()["choices"][0]["text"], "all is well", "{}", answer.text());
    // Whoever speaks Anthropic's protocol is translated.
    let answer = stage.post("/v1/messages", &messages("house", "hi", false)).await;
    assert_eq!(answer.json()["content"][0]["text"], "all is well", "{}", answer.text());

    let at = |deployment: &str, operation: &str| {
        format!("/openai/deployments/{deployment}/{operation}?api-version={VERSION}")
    };
    assert_eq!(
        paths(&stage),
        [
            at("chat-eu", "chat/completions"),
            at("chat-eu", "chat/completions"),
            at("embed-eu", "embeddings"),
            at("chat-eu", "completions"),
            at("chat-eu", "chat/completions"),
        ]
    );
    let client_key = stage.process.ready().client_key.clone().unwrap();
    for request in stage.upstream.requests() {
        assert_eq!(request.header("api-key"), Some("provider-key-for-tests"));
        assert_eq!(request.header("authorization"), None);
        assert!(!format!("{request:?}").contains(&client_key));
    }
    let events = stage.decisions();
    let models: Vec<_> = events.iter().map(|event| event["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["chat-eu", "chat-eu", "embed-eu", "chat-eu", "chat-eu"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_azures_filter_reach_the_client() {
    for guardrails in ["", MASK_GUARD] {
        let stage = stage(Script::text("all is well"), guardrails).await;
        let safe = "/content_filter_results/self_harm/severity";
        let whole = stage.post("/v1/chat/completions", &chat("house", "hi", false)).await.json();
        assert_eq!(whole["choices"][0].pointer(safe), Some(&json!("safe")), "{whole}");
        assert_eq!(whole["prompt_filter_results"][0].pointer(safe), Some(&json!("safe")));

        let answer = stage.post("/v1/chat/completions", &chat("house", "hi", true)).await;
        let events: Vec<Value> =
            answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
        // The event without choices comes first.
        assert_eq!(events[0]["prompt_filter_results"][0].pointer(safe), Some(&json!("safe")));
        assert_eq!(events[0]["choices"], json!([]));
        let last = &events.last().unwrap()["choices"][0];
        assert_eq!(last["finish_reason"], "stop");
        assert_eq!(last.pointer(safe), Some(&json!("safe")), "{}", answer.text());
        assert!(said(&answer).contains("all is well"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_by_azures_filter_reaches_the_client() {
    let refusal = Reply::default().fault(Fault::Status { status: 400, retry_after: None });
    let stage = stage(refusal.into(), MASK_GUARD).await;
    for stream in [false, true] {
        let answer = stage.post("/v1/chat/completions", &chat("house", "hi", stream)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = answer.json()["error"].clone();
        assert_eq!(error["code"], "content_filter", "{error}");
        let result = &error["innererror"]["content_filter_result"]["violence"];
        assert_eq!(result["filtered"], true, "{error}");
    }
    let answer = stage.post("/v1/messages", &messages("house", "hi", false)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["type"], "invalid_request_error", "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masks_hold_on_the_way_to_azure_and_back() {
    let stage = stage(Script::echo(), MASK_GUARD).await;
    for stream in [false, true] {
        let ask = chat("house", "mail anna@example.com", stream);
        let answer = stage.post("/v1/chat/completions", &ask).await;
        assert!(said(&answer).contains("mail anna@example.com"), "{}", answer.text());
        let sent = stage.upstream.requests().pop().unwrap();
        let sent = String::from_utf8_lossy(&sent.body).into_owned();
        assert!(sent.contains("<EMAIL_ADDRESS_1>") && !sent.contains("anna"), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_without_a_model_asks_the_deployment_that_the_client_names() {
    let stage = stage(Script::text("fine"), "").await;
    let answer = stage.post("/v1/chat/completions", &chat("my-own", "hi", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let path = format!("/openai/deployments/my-own/chat/completions?api-version={VERSION}");
    assert_eq!(paths(&stage), [path]);
}
