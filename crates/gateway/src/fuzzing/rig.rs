//! A gateway without network: its provider keeps what it is sent and answers what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bartizan_core::access::{Authorize, Call, Identify, Identity, Ruling, Scope, Unrecognised};
use bartizan_core::event::{EventSink, RecordError, Recorded};
use bartizan_core::operator::Operators;
use bartizan_core::settings::{
    Approvals, Brake, BrakeKind, Detect, Endpoint, Fingerprint, Guardrail, Ledger, Listen,
    Modality, OnError, Rate, Secrets, Settings, Shared, Unseen,
};
use bartizan_core::{Action, ChannelSet, Event, Mode, Name, Principal, PrincipalKind, Secret};
use bartizan_guard::Guard;
use bartizan_guard::prompt_index::PromptCache;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use tokio::runtime::Runtime;

use crate::gateway::{Gateway, Parts, ReadyEndpoint, ReadyRoute, Snapshot};
use crate::limits::MemoryCounters;
use crate::operation::Operation;
use crate::providers::{Provider, TargetError};
use crate::reply::REQUEST_ID;
use crate::upstream::{Answer, AnswerBody};

/// Name of the only endpoint, and the model of a route that has one.
pub(super) const MODEL: &str = "m";

/// What differs between rigs.
pub(super) struct Plan {
    pub(super) guard: Arc<Guard>,
    /// Whether the provider speaks the other protocol of those that are translated.
    pub(super) translates: bool,
    /// Whether the route names the model; otherwise the client's goes out.
    pub(super) names_model: bool,
    /// Whether images, sound and files are let through.
    pub(super) takes_media: bool,
}

/// A gateway with one endpoint.
pub(super) struct Rig {
    runtime: Runtime,
    gateway: Arc<Gateway>,
    provider: Arc<Scripted>,
}

/// What a provider says.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) pieces: Vec<Bytes>,
}

/// What came of a request.
#[derive(Debug)]
pub(super) struct Asked {
    /// The body that the provider got, if it got one.
    pub(super) sent: Option<Bytes>,
    pub(super) status: StatusCode,
    /// What the client got, without the id of the request and the time, which never repeat.
    pub(super) got: String,
}

impl Rig {
    pub(super) fn new(plan: Plan) -> Self {
        let name: Name = MODEL.parse().expect("a name");
        let media = [Modality::Image, Modality::Audio, Modality::File];
        let settings = Endpoint {
            name: name.clone(),
            routes: Vec::new(),
            guardrails: Vec::new(),
            limits: Vec::new(),
            brakes: brakes(),
            tags: bartizan_core::Tags::default(),
            modalities: media.into_iter().filter(|_| plan.takes_media).collect(),
            unseen: [Unseen::StoredState, Unseen::HostedTools]
                .into_iter()
                .filter(|_| plan.takes_media)
                .collect(),
            allow: BTreeSet::new(),
            canaries: Vec::new(),
            attempt_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            inference_log: None,
        };
        let provider = Arc::new(Scripted {
            translates: plan.translates,
            sent: Mutex::new(None),
            script: Mutex::new(None),
        });
        let route = ReadyRoute {
            provider: Arc::clone(&provider) as Arc<dyn Provider>,
            provider_name: name.clone(),
            model: plan.names_model.then(|| MODEL.to_owned()),
        };
        let endpoint = ReadyEndpoint {
            settings,
            name: MODEL.into(),
            guard: plan.guard,
            prompts: PromptCache::default(),
            routes: vec![route],
        };
        let parts = Parts {
            counters: Arc::new(MemoryCounters::default()),
            settings: no_settings(),
            models: BTreeMap::new(),
            keys: Arc::new(AnyKey),
            events: Arc::new(NoLog),
            payloads: None,
        };
        let gateway = Gateway::build(parts).expect("an empty policy can be enforced");
        let endpoints = BTreeMap::from([(name, Arc::new(endpoint))]);
        gateway.replace(Snapshot { settings: no_settings(), endpoints });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        Self { runtime: runtime.expect("a runtime"), gateway: Arc::new(gateway), provider }
    }

    /// Sends a request through the gateway to a provider that answers with the script.
    pub(super) fn ask(&self, path: &str, body: &[u8], script: Script) -> Asked {
        *lock(&self.provider.sent) = None;
        *lock(&self.provider.script) = Some(script);
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().expect("a path");
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer key"));
        self.runtime.block_on(async {
            let reply = Arc::clone(&self.gateway).serve(request).await;
            let (head, body) = reply.into_parts();
            let id = head.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("none");
            let body = body.collect().await.expect("a reply has no errors").to_bytes();
            let got = std::str::from_utf8(&body).expect("a reply is text");
            Asked {
                sent: lock(&self.provider.sent).take(),
                status: head.status,
                got: timeless(&got.replace(id, "ID")),
            }
        })
    }
}

/// A guardrail on every channel.
pub(super) fn guardrail(detect: Detect, action: Action) -> Guardrail {
    Guardrail {
        id: "g-fuzz".parse().expect("a rule id"),
        on: ChannelSet::ALL,
        detect,
        action,
        mode: Mode::Enforce,
        operators: Operators::default(),
        restore: true,
        on_error: OnError::Block,
        threshold: 0.5,
        thresholds: Vec::new(),
        sensitivity: None,
        refine: None,
        exceptions: Vec::new(),
    }
}

/// One brake of each kind, so that every request is looked at, and none that ever stops one.
fn brakes() -> Vec<Brake> {
    let rate = Rate { amount: u64::MAX, window: Duration::from_secs(1) };
    let kinds = [
        ("same-requests", BrakeKind::SameRequests(rate)),
        ("same-tool-calls", BrakeKind::SameToolCalls(u64::MAX)),
        ("tool-rounds", BrakeKind::ToolRounds(u64::MAX)),
        ("conversation-tokens", BrakeKind::ConversationTokens(rate)),
    ];
    let brake = |(id, kind): (&str, BrakeKind)| {
        let id = id.parse().expect("an id");
        Brake { id, kind, action: Action::Block, mode: Mode::Enforce, only: BTreeSet::new() }
    };
    kinds.map(brake).into()
}

/// Takes out times, which a second run may see change.
fn timeless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\"created") {
        let (before, after) = rest.split_at(at + "\"created".len());
        out.push_str(before);
        let name = ["_at\":", "\":"].into_iter().find(|end| after.starts_with(end)).unwrap_or("");
        out.push_str(name);
        let value = after.trim_start_matches(name);
        rest = value.trim_start_matches(|c: char| !name.is_empty() && c.is_ascii_digit());
        if rest.len() < value.len() {
            out.push('0');
        }
    }
    out.push_str(rest);
    out
}

fn no_settings() -> Settings {
    let nowhere = ([127, 0, 0, 1], 0).into();
    Settings {
        version: "fuzz".to_owned(),
        fingerprint: Fingerprint::default(),
        data_dir: "nowhere".into(),
        listen: Listen { gateway: nowhere, console: nowhere, console_names: Vec::new(), tls: None },
        providers: BTreeMap::new(),
        issuers: Vec::new(),
        certificates: Vec::new(),
        tokens: None,
        groups: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        limits: Vec::new(),
        prices: BTreeMap::new(),
        ledger: Ledger::DEFAULT,
        sinks: Vec::new(),
        witnesses: Vec::new(),
        witness_for: Vec::new(),
        inference: bartizan_core::settings::InferenceStore::DEFAULT,
        otlp_endpoint: None,
        login: None,
        secrets: Secrets::default(),
        shared: Shared::default(),
        models: BTreeMap::new(),
        approvals: Approvals::default(),
        access: Arc::new(Open),
        cedar: Vec::new(),
        tests: Vec::new(),
        properties: Vec::new(),
    }
}

/// Lets everyone in.
#[derive(Debug)]
struct Open;

impl Authorize for Open {
    fn groups_of(&self, _: PrincipalKind, _: &str) -> &[Name] {
        &[]
    }

    fn call(&self, _: &Principal, _: &Call<'_>) -> Ruling {
        Ruling::by_list(true)
    }
}

struct AnyKey;

impl Identify for AnyKey {
    fn identify(&self, _: &Secret) -> Result<Identity, Unrecognised> {
        Ok(Identity {
            expires: None,
            token: None,
            key_id: "k".to_owned(),
            kind: PrincipalKind::User,
            name: "someone".to_owned(),
            groups: Vec::new(),
            scope: Scope::Client,
            endpoints: None,
            tags: Arc::default(),
        })
    }
}

struct NoLog;

impl EventSink for NoLog {
    fn record(&self, _: &Event) -> Result<Recorded, RecordError> {
        Ok(Recorded::Settled)
    }
}

/// A provider that is asked in every protocol.
struct Scripted {
    translates: bool,
    sent: Mutex<Option<Bytes>>,
    script: Mutex<Option<Script>>,
}

impl Provider for Scripted {
    fn speaks(&self, asked: Operation) -> Option<Operation> {
        Some(match asked {
            Operation::ChatCompletions if self.translates => Operation::Messages,
            Operation::Messages if self.translates => Operation::ChatCompletions,
            asked => asked,
        })
    }

    fn target(&self, _: Operation, _: &str) -> Result<(Uri, HeaderMap), TargetError> {
        Ok((Uri::from_static("fuzz:"), HeaderMap::new()))
    }

    fn answer_here(&self, _: Operation, body: &Bytes) -> Option<Answer> {
        *lock(&self.sent) = Some(body.clone());
        let script = lock(&self.script).take()?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(script.content_type));
        let body = AnswerBody::BuiltIn(script.pieces.into_iter());
        Some(Answer { status: script.status, headers, body })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
