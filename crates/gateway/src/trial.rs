//! A policy tried on a request: the way of a request as it is served, with a model whose answer is given and a
//! log that keeps one event. Nothing is sent anywhere.

use std::sync::Arc;

use bartizan_core::access::{Identify, Identity, Scope, Unrecognised};
use bartizan_core::event::{EventSink, RecordError, Recorded};
use bartizan_core::settings::{Member, Settings};
use bartizan_core::{Event, Name, Secret, Tags};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Collected, Full};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::gateway::{BuildError, Gateway, Models, Snapshot};
use crate::limits::MemoryCounters;
use crate::operation::Operation;
use crate::providers::{Provider, TargetError};
use crate::upstream::{Answer, AnswerBody};

/// Where requests go.
const PATH: &str = "/v1/chat/completions";
/// Name of the tool whose result is tried.
const TOOL: &str = "lookup";

/// A request to try, as a chat completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub who: Member,
    /// Groups that a token would bring, besides those of the policy.
    pub groups: Vec<Name>,
    /// Tags that the key or token would have.
    pub tags: Arc<Tags>,
    /// Which endpoint.
    pub endpoint: Name,
    /// Model that the caller names, where the endpoint leaves the choice.
    pub model: Option<String>,
    /// What the user says.
    pub prompt: String,
    /// What a tool gave the model before.
    pub tool_result: Option<String>,
    /// What the model answers.
    pub answer: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The event that would be in the log.
    pub event: Event,
    /// HTTP status that the client gets.
    pub status: u16,
    /// Body that the client gets.
    pub body: String,
    /// Body that the model would have got, if anything had been sent.
    pub sent: Option<String>,
}

/// A policy to try.
pub struct Trial {
    gateway: Arc<Gateway>,
    stage: Arc<Stage>,
}

/// What stands around the gateway: who asks, what the model says, what was sent and recorded.
#[derive(Default)]
struct Stage {
    caller: Mutex<Option<Identity>>,
    answer: Mutex<String>,
    sent: Mutex<Option<Bytes>>,
    event: Mutex<Option<Event>>,
}

impl Trial {
    /// Compiles a policy; `models` stand for those that it names.
    ///
    /// # Errors
    /// [`BuildError`] when it cannot be enforced.
    pub fn new(settings: Settings, models: &Models) -> Result<Self, BuildError> {
        let stage = Arc::new(Stage::default());
        let mut snapshot = Snapshot::build(settings, models)?;
        snapshot.ask_instead(&(Arc::clone(&stage) as Arc<dyn Provider>));
        let (keys, events) = (Arc::clone(&stage), Arc::clone(&stage));
        let gateway = Gateway::with(snapshot, keys, events, Arc::new(MemoryCounters::default()));
        Ok(Self { gateway: Arc::new(gateway), stage })
    }

    /// Makes the request, on the counters that requests before have left.
    pub async fn ask(&self, question: &Question) -> Found {
        *self.stage.caller.lock() = Some(Identity {
            expires: None,
            token: None,
            key_id: "trial".to_owned(),
            kind: question.who.kind,
            name: question.who.name.clone(),
            groups: question.groups.clone(),
            scope: Scope::Client,
            endpoints: None,
            tags: Arc::clone(&question.tags),
        });
        self.stage.answer.lock().clone_from(&question.answer);
        *self.stage.sent.lock() = None;
        *self.stage.event.lock() = None;
        let mut request = Request::new(Full::new(Bytes::from(body(question).to_string())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(PATH);
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer trial"));
        let (head, body) = Arc::clone(&self.gateway).serve(request).await.into_parts();
        // The body of a reply ends; it has no errors.
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let event = self.stage.event.lock().take();
        let nothing = || Event::new(bartizan_core::RequestId::new(), "gateway", "none");
        Found {
            event: event.unwrap_or_else(nothing),
            status: head.status.as_u16(),
            body: text(&body),
            sent: self.stage.sent.lock().take().as_ref().map(text),
        }
    }

    /// Forgets what requests before have used.
    pub fn start_anew(&mut self) {
        if let Some(gateway) = Arc::get_mut(&mut self.gateway) {
            gateway.counters = Arc::new(MemoryCounters::default());
        }
    }
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trial")
    }
}

/// The request as a client writes it.
fn body(question: &Question) -> Value {
    let mut messages = vec![json!({ "role": "user", "content": question.prompt })];
    if let Some(result) = &question.tool_result {
        let call = json!({ "id": "call_1", "type": "function", "function": { "name": TOOL, "arguments": "{}" } });
        messages.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
        messages.push(json!({ "role": "tool", "tool_call_id": "call_1", "content": result }));
    }
    let model = match &question.model {
        Some(model) => format!("{}/{model}", question.endpoint),
        None => question.endpoint.to_string(),
    };
    json!({ "model": model, "messages": messages })
}

impl Identify for Stage {
    fn identify(&self, _: &Secret) -> Result<Identity, Unrecognised> {
        self.caller.lock().clone().ok_or(Unrecognised::Unknown)
    }
}

impl EventSink for Stage {
    fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
        *self.event.lock() = Some(event.clone());
        Ok(Recorded::Settled)
    }
}

impl Provider for Stage {
    fn speaks(&self, asked: Operation) -> Option<Operation> {
        (asked == Operation::ChatCompletions).then_some(asked)
    }

    fn target(&self, _: Operation, _: &str) -> Result<(Uri, HeaderMap), TargetError> {
        Ok((Uri::from_static("trial:"), HeaderMap::new()))
    }

    fn answer_here(&self, _: Operation, body: &Bytes) -> Option<Answer> {
        *self.sent.lock() = Some(body.clone());
        let message = json!({ "role": "assistant", "content": *self.answer.lock() });
        let answer = json!({
            "id": "chatcmpl-trial", "object": "chat.completion", "created": 0, "model": "trial",
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        });
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let pieces = vec![Bytes::from(answer.to_string())];
        let body = AnswerBody::BuiltIn(pieces.into_iter());
        Some(Answer { status: StatusCode::OK, headers, body })
    }
}
