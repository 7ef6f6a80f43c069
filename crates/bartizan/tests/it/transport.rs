//! HTTP/2 from clients, and TLS to providers.

use std::time::Duration;

use bartizan_testkit::process::Launch;
use bartizan_testkit::tls::Authority;
use bartizan_testkit::upstream::{Fault, Reply, Script, Upstream};
use http::{Method, Version};
use tempfile::TempDir;

use crate::support::{Stage, WORD_GUARD, chat, launch, messages, said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_clients_get_what_http1_clients_get() {
    let stage = Stage::start(Script::text("all is well"), WORD_GUARD, "").await;
    let client = stage.client.clone().http2();
    let path = "/v1/chat/completions";
    let body = chat("open", "hi", false).to_string();
    let answer = client.send(Method::POST, path, body).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.version), (200, Version::HTTP_2));
    assert!(answer.headers.contains_key("x-bartizan-request-id"));

    for (path, body) in
        [(path, chat("open", "hi", true)), ("/v1/messages", messages("claude", "hi", true))]
    {
        let (over_2, over_1) =
            (client.post_json(path, &body).await.unwrap(), stage.post(path, &body).await);
        assert_eq!(said(&over_2), said(&over_1));
        assert_eq!(over_2.events().last(), over_1.events().last());
    }
    let refused = client.post_json(path, &chat("open", "to Zanzibar", false)).await.unwrap();
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["code"], "content_filter");
    let nobody = bartizan_testkit::http::Client::new(stage.process.ready().gateway.clone()).http2();
    let answer = nobody.post_json(path, &chat("open", "hi", false)).await.unwrap();
    assert_eq!(answer.status, 401);
    let large = vec![b' '; 17 << 20];
    let answer = client.send(Method::POST, path, large).await.unwrap();
    assert_eq!(answer.status, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_http2_connection_carries_hundreds_of_requests_and_loses_one_without_the_others() {
    let slow = Reply::text("word ".repeat(400)).pieces([5]).delay(Duration::from_millis(20));
    let quick = Reply::text("fine").first_delay(Duration::from_millis(300));
    let stage = Stage::start(Script::sequence([slow, quick]), WORD_GUARD, "").await;
    let client = stage.client.clone().http2();
    let path = "/v1/chat/completions";
    let mut left = client.stream(path, &chat("open", "hi", true)).await.unwrap();
    left.next().await.unwrap();
    let tasks: Vec<_> = (0..300)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.post_json(path, &chat("open", "hi", false)).await })
        })
        .collect();
    drop(left);
    for task in tasks {
        let answer = task.await.unwrap().unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // A request that is reset by its client is charged like a connection that is closed.
    let event = stage.event(|event| event["outcome"] == "disconnected").await;
    assert!(event["tokens_out"].as_u64().unwrap() > 0, "{event}");
    stage.abandoned(1).await;
    assert_eq!(stage.events().iter().filter(|event| event["outcome"] == "answered").count(), 300);
}

/// Trusts an authority of one's own in the way that users have: the variable that names a bundle.
fn trusting(authority: &Authority, folder: &TempDir, launch: Launch) -> Launch {
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    launch.env("SSL_CERT_FILE", file.display().to_string())
}

/// A gateway in front of a provider with TLS.
async fn encrypted(upstream: Upstream, started: impl FnOnce(&TempDir, Launch) -> Launch) -> Stage {
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n  open: {{ openai-compatible: {{ base-url: \"{}/v1\", api-key: env:TEST_PROVIDER_KEY }} }}\n\
         endpoints:\n  open:\n    routes: [{{ provider: open, model: m }}]\n    guardrails:{WORD_GUARD}\n",
        upstream.url(),
    );
    let folder = tempfile::tempdir().unwrap();
    let launch = started(&folder, launch(&folder));
    Stage::with_launch(upstream, folder, &policy, launch).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_behind_a_private_authority_is_reached_over_http2() {
    let authority = Authority::new().unwrap();
    let reply = Reply::text("all is well").first_delay(Duration::from_millis(100));
    let upstream = Upstream::start_tls(reply.into(), &authority).await.unwrap();
    let stage = encrypted(upstream, |folder, launch| trusting(&authority, folder, launch)).await;
    let path = "/v1/chat/completions";
    let answer = stage.post(path, &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200, "{} {}", answer.text(), stage.process.stderr());
    let answer = stage.post(path, &chat("open", "hi", true)).await;
    assert!(said(&answer).contains("all is well"), "{}", answer.text());
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let client = stage.client.clone();
            tokio::spawn(async move { client.post_json(path, &chat("open", "hi", false)).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().status, 200);
    }
    let requests = stage.upstream.requests();
    assert!(requests.iter().all(|request| request.version == Version::HTTP_2));
    assert_eq!(requests[0].header("authorization"), Some("Bearer provider-key-for-tests"));
    // All of it went over the connection of the first.
    assert_eq!(stage.upstream.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_breaks_off_over_http2_is_told_apart_from_one_that_ends() {
    let authority = Authority::new().unwrap();
    let words = || Reply::text("some words that go on for a while");
    let script = Script::sequence([
        words().fault(Fault::ResetMidStream { after_frames: 4 }),
        words().fault(Fault::ResetBeforeHeaders),
        words().fault(Fault::EndsEarly { after_frames: 4 }),
        words(),
    ]);
    let upstream = Upstream::start_tls(script, &authority).await.unwrap();
    let stage = encrypted(upstream, |folder, launch| trusting(&authority, folder, launch)).await;
    for (status, last) in [
        (200, "provider-broke-off"),
        (502, "provider-broke-off"),
        (200, "provider-broke-off"),
        (200, "[DONE]"),
    ] {
        let answer = stage.post("/v1/chat/completions", &chat("open", "hi", true)).await;
        let text = answer.text();
        assert_eq!(answer.status, status, "{text}");
        assert!(text.trim_end().lines().last().unwrap().contains(last), "{last}: {text}");
    }
    let requests = stage.upstream.requests();
    assert_eq!(requests.len(), 4, "one was tried again");
    assert!(requests.iter().all(|request| request.version == Version::HTTP_2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_whose_certificate_nobody_vouches_for_gets_nothing() {
    let authority = Authority::new().unwrap();
    let upstream = Upstream::start_tls(Script::text("fine"), &authority).await.unwrap();
    let stage = encrypted(upstream, |_, launch| launch).await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "bartizan::gateway::provider-unreachable");
    assert!(stage.upstream.requests().is_empty());
    // The line is read by another thread than the answer.
    let said = || stage.process.stderr().contains("provider not reached");
    for _ in 0..100 {
        if said() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(said(), "{}", stage.process.stderr());
}
