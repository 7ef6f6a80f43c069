//! Providers that fail in every way: what the client is told in each protocol, what the event says,
//! and when another provider is asked.

use std::time::Duration;

use bartizan_testkit::http::Answer;
use bartizan_testkit::upstream::{Fault, Reply, Script, Upstream};
use serde_json::Value;

use crate::support::{Stage, WORD_GUARD, chat, messages, responses};

/// Waits that make a provider that hangs fail within the patience of a test.
const TIMES: &str = "    timeouts: { attempt: 1s, idle: 1s, total: 2s }\n";

/// What a client asks, and by which protocol its provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Chat,
    Responses,
    Messages,
    /// Chat completions, translated for a provider that speaks messages.
    ChatToMessages,
    /// Messages, translated for a provider that speaks chat completions.
    MessagesToChat,
}

const WAYS: [Way; 5] =
    [Way::Chat, Way::Responses, Way::Messages, Way::ChatToMessages, Way::MessagesToChat];

impl Way {
    /// Path and body for the endpoint of a fault.
    fn request(self, fault: &str, stream: bool) -> (&'static str, Value) {
        let (open, claude) = (format!("open-{fault}"), format!("claude-{fault}"));
        match self {
            Self::Chat => ("/v1/chat/completions", chat(&open, "hi", stream)),
            Self::Responses => ("/v1/responses", responses(&open, "hi", stream)),
            Self::Messages => ("/v1/messages", messages(&claude, "hi", stream)),
            Self::ChatToMessages => ("/v1/chat/completions", chat(&claude, "hi", stream)),
            Self::MessagesToChat => ("/v1/messages", messages(&open, "hi", stream)),
        }
    }

    /// The code of an error in place of an answer, after a check of its shape.
    fn error(self, answer: &Answer) -> String {
        let body = answer.json();
        let error = &body["error"];
        let message = error["message"].as_str().unwrap_or_else(|| panic!("{self:?}: {body}"));
        match self {
            Self::Messages | Self::MessagesToChat => {
                assert_eq!(body["type"], "error", "{self:?}: {body}");
                assert_eq!(error["type"], "api_error", "{self:?}: {body}");
                // These words have no code; the message tells the cause.
                message.to_owned()
            }
            _ => {
                assert_eq!(error["type"], "server_error", "{self:?}: {body}");
                error["code"].as_str().unwrap_or_default().to_owned()
            }
        }
    }

    /// The error that ends a stream, after a check that nothing says that all is well.
    fn stream_error(self, answer: &Answer) -> String {
        let text = answer.text();
        let events = answer.events();
        let last = events.last().unwrap_or_else(|| panic!("{self:?}: nothing came"));
        let last: Value = serde_json::from_str(last).unwrap();
        let ends = ["[DONE]", "message_stop", "response.completed", "finish_reason\":\"stop"];
        assert!(!ends.iter().any(|end| text.contains(end)), "{self:?}: {text}");
        match self {
            Self::Responses => {
                assert_eq!(last["type"], "error", "{self:?}: {text}");
                last["code"].as_str().unwrap().to_owned()
            }
            Self::Messages | Self::MessagesToChat => {
                assert!(text.contains("event: error\n"), "{self:?}: {text}");
                assert_eq!(last["type"], "error", "{self:?}: {text}");
                last["error"]["message"].as_str().unwrap().to_owned()
            }
            _ => last["error"]["code"].as_str().unwrap().to_owned(),
        }
    }
}

/// What is said of a failure: the end of its code, and words of its message.
type Words = (&'static str, &'static str);
const TIMED_OUT: Words = ("provider-timeout", "in time");
const BROKE_OFF: Words = ("provider-broke-off", "broke off");
const UNREADABLE: Words = ("provider-unreadable", "could not be read");

fn says(told: &str, (code, message): Words) -> bool {
    told.ends_with(code) || told.contains(message)
}

/// A gateway with an endpoint for each fault and each protocol of the provider.
async fn stage(faults: &[(&str, Reply)]) -> (Stage, Vec<Upstream>) {
    let (mut providers, mut endpoints) = (Vec::new(), Vec::new());
    let mut upstreams = Vec::new();
    for (name, reply) in faults {
        let upstream = Upstream::start(reply.clone().into()).await.unwrap();
        let url = upstream.url();
        providers.push(format!(
            "  open-{name}: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n  \
             claude-{name}: {{ anthropic: {{ base-url: \"{url}\", api-key: env:TEST_PROVIDER_KEY }} }}\n"
        ));
        for kind in ["open", "claude"] {
            endpoints.push(format!(
                "  {kind}-{name}:\n    routes: [{{ provider: {kind}-{name}, model: m }}]\n    \
                 guardrails:{WORD_GUARD}\n{TIMES}"
            ));
        }
        upstreams.push(upstream);
    }
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n{}endpoints:\n{}",
        providers.concat(),
        endpoints.concat(),
    );
    let other = Upstream::start(Script::text("unused")).await.unwrap();
    (Stage::with_policy(other, tempfile::tempdir().unwrap(), &policy).await, upstreams)
}

/// Asks for every fault in every way, all at once, and hands each answer to the check.
async fn ask_all(
    stage: &Stage,
    faults: &[(&str, Reply)],
    stream: bool,
    check: impl Fn(&str, Way, &Answer, &Value),
) {
    let mut tasks = Vec::new();
    for (name, _) in faults {
        for way in WAYS {
            let (path, body) = way.request(name, stream);
            let client = stage.client.clone();
            let asked = tokio::spawn(async move { client.post_json(path, &body).await.unwrap() });
            tasks.push((*name, way, asked));
        }
    }
    for (name, way, asked) in tasks {
        let answer = asked.await.unwrap();
        let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
        let event = stage.event(|event| event["request_id"] == id).await;
        assert_eq!(event["outcome"], "upstream-failed", "{name} {way:?}: {event}");
        check(name, way, &answer, &event);
    }
}

/// Whether an event names the cause of a failure by its code.
fn names(event: &Value, (code, _): Words) -> bool {
    event["detail"] == format!("bartizan::gateway::{code}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_fails_becomes_an_error_in_the_words_of_its_protocol() {
    let words = "an answer that nobody gets to see";
    let reply = |fault| Reply::text(words).fault(fault);
    let faults = [
        ("reset", reply(Fault::ResetBeforeHeaders)),
        ("reset-inside", reply(Fault::ResetMidStream { after_frames: 1 })),
        ("never", reply(Fault::NeverAnswers)),
        ("silence", reply(Fault::SlowDrip { every: Duration::from_millis(1500) })),
        ("drip", reply(Fault::SlowDrip { every: Duration::from_millis(100) })),
        ("half", reply(Fault::MalformedJson)),
        ("page", reply(Fault::WrongContentType)),
    ];
    let (stage, _upstreams) = stage(&faults).await;
    ask_all(&stage, &faults, false, |name, way, answer, event| {
        let (status, expected) = match name {
            "reset" | "reset-inside" => (502, BROKE_OFF),
            "never" | "silence" | "drip" => (504, TIMED_OUT),
            _ => (502, UNREADABLE),
        };
        let told = way.error(answer);
        assert_eq!(answer.status, status, "{name} {way:?}: {told}");
        assert!(says(&told, expected), "{name} {way:?}: {told}");
        assert!(!answer.text().contains("nobody"), "{name} {way:?}: {}", answer.text());
        assert_eq!(event["status"], status, "{name} {way:?}: {event}");
        assert!(names(event, expected), "{name} {way:?}: {event}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_the_provider_reaches_the_client_in_the_words_of_its_protocol() {
    let status =
        |status, retry_after| Reply::default().fault(Fault::Status { status, retry_after });
    let faults = [("broken", status(500, None)), ("busy", status(429, Some(7)))];
    let (stage, _upstreams) = stage(&faults).await;
    for stream in [false, true] {
        ask_all(&stage, &faults, stream, |name, way, answer, event| {
            let body = answer.json();
            assert_eq!(answer.status, if name == "busy" { 429 } else { 500 }, "{way:?}: {body}");
            assert!(body["error"]["message"].is_string(), "{name} {way:?}: {body}");
            if matches!(way, Way::Messages | Way::MessagesToChat) {
                assert_eq!(body["type"], "error", "{name} {way:?}: {body}");
            }
            assert_eq!(event["status"], answer.status.as_u16(), "{name} {way:?}: {event}");
            if name == "busy" {
                assert_eq!(answer.header("retry-after"), Some("7"), "{way:?}");
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_fails_is_told_apart_from_one_that_ends() {
    let reply = |fault| Reply::text("some words that go on for a while").fault(fault);
    let faults = [
        ("reset", reply(Fault::ResetMidStream { after_frames: 4 })),
        ("early", reply(Fault::EndsEarly { after_frames: 4 })),
        ("garbled", reply(Fault::MalformedSse)),
        ("drip", reply(Fault::SlowDrip { every: Duration::from_millis(20) })),
        (
            "silence",
            Reply::text("some words")
                .pieces([3])
                .delay(Duration::from_millis(900))
                .splits([200, 40]),
        ),
    ];
    let (stage, _upstreams) = stage(&faults).await;
    ask_all(&stage, &faults, true, |name, way, answer, event| {
        let expected = match name {
            "garbled" => UNREADABLE,
            "drip" | "silence" => TIMED_OUT,
            _ => BROKE_OFF,
        };
        assert_eq!(answer.status, 200, "{name} {way:?}: {}", answer.text());
        let told = way.stream_error(answer);
        assert!(says(&told, expected), "{name} {way:?}: {told}");
        assert_eq!(event["streamed"], true, "{name} {way:?}: {event}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_event_of_a_stream_that_fails_names_the_cause() {
    let reply = |fault| Reply::text("some words that go on for a while").fault(fault);
    let faults = [
        ("reset", reply(Fault::ResetMidStream { after_frames: 4 })),
        ("garbled", reply(Fault::MalformedSse)),
        ("drip", reply(Fault::SlowDrip { every: Duration::from_millis(20) })),
    ];
    let (stage, _upstreams) = stage(&faults).await;
    ask_all(&stage, &faults, true, |name, way, _, event| {
        let expected = match name {
            "reset" => BROKE_OFF,
            "garbled" => UNREADABLE,
            _ => TIMED_OUT,
        };
        assert!(names(event, expected), "{name} {way:?}: {event}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_never_begins_is_an_error_and_no_stream() {
    let reply = |fault| Reply::text("x").fault(fault);
    let faults = [
        ("reset", reply(Fault::ResetBeforeHeaders)),
        ("never", reply(Fault::NeverAnswers)),
        ("page", reply(Fault::WrongContentType)),
    ];
    let (stage, _upstreams) = stage(&faults).await;
    ask_all(&stage, &faults, true, |name, way, answer, event| {
        let (status, expected) = match name {
            "reset" => (502, BROKE_OFF),
            "never" => (504, TIMED_OUT),
            _ => (502, UNREADABLE),
        };
        let told = way.error(answer);
        assert_eq!(answer.status, status, "{name} {way:?}: {told}");
        assert!(says(&told, expected), "{name} {way:?}: {told}");
        assert!(names(event, expected), "{name} {way:?}: {event}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_route_is_asked_only_when_the_first_did_not_begin() {
    let start = |fault| async move { Upstream::start(Script::fault(fault)).await.unwrap() };
    let refusing = start(Fault::Status { status: 503, retry_after: None }).await;
    let resetting = start(Fault::ResetBeforeHeaders).await;
    let silent = start(Fault::NeverAnswers).await;
    let breaking = start(Fault::ResetMidStream { after_frames: 0 }).await;
    let fine = Upstream::start(Script::text("from the second")).await.unwrap();
    let providers = [
        ("refusing", refusing.url()),
        ("resetting", resetting.url()),
        ("silent", silent.url()),
        ("breaking", breaking.url()),
        // The port of the discard service: nobody listens there.
        ("away", "http://127.0.0.1:9".to_owned()),
        ("fine", fine.url()),
    ]
    .map(|(name, url)| {
        format!("  {name}: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n")
    });
    let endpoints = ["refusing", "away", "resetting", "silent", "breaking"].map(|first| {
        format!(
            "  after-{first}:\n    routes: [{{ provider: {first}, model: m }}, \
             {{ provider: fine, model: m }}]\n{TIMES}"
        )
    });
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n{}endpoints:\n{}",
        providers.concat(),
        endpoints.concat(),
    );
    let stage = Stage::with_policy(refusing, tempfile::tempdir().unwrap(), &policy).await;
    for stream in [false, true] {
        // A provider that saw the request may have acted on it.
        for (first, status, goes_on) in [
            ("refusing", 200, true),
            ("away", 200, true),
            ("resetting", 502, false),
            ("silent", 504, false),
            ("breaking", if stream { 200 } else { 502 }, false),
        ] {
            let before = fine.requests().len();
            let body = chat(&format!("after-{first}"), "hi", stream);
            let answer = stage.post("/v1/chat/completions", &body).await;
            assert_eq!(answer.status, status, "{first}: {}", answer.text());
            assert_eq!(fine.requests().len() - before, usize::from(goes_on), "{first}");
            let event = stage.events().pop().unwrap();
            let provider = if goes_on { "fine" } else { first };
            assert_eq!(event["provider"], provider, "{event}");
            let outcome = if goes_on { "answered" } else { "upstream-failed" };
            assert_eq!(event["outcome"], outcome, "{event}");
        }
    }
}
