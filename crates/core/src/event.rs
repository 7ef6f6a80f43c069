//! The record of one decision.
//!
//! Every surface ends in the same event. It holds what was decided and why, sizes and times, and
//! never the text that was inspected.
//!
//! An event is hashed as it is written, so that there is one way to write it: fields stand in the order
//! of their names and numbers are as RFC 8785 has them. A test of the ledger holds it to that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use serde::{Deserialize, Serialize, Serializer};

use crate::channel::Channel;
use crate::finding::Disguise;
use crate::id::RequestId;
use crate::tags::Tags;
use crate::verdict::Verdict;

/// Schema name written into every event.
pub const SCHEMA: &str = "bartizan.event/v1";

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Door: `gateway`, `admin`, `inference`, later `egress`, `data`, `tool`.
    pub area: String,
    /// Brakes that the request went over without being refused, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brakes: Vec<String>,
    /// Names the credential that was shown: the id of a key, `ISSUER:…`, `session:…` or `certificate:…`; absent where
    /// none was recognised. Nobody can make the credential from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// What is worth adding in words; never inspected text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// From the first byte of the request to the last of the answer, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// Endpoint asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Findings, without the matched text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingRecord>,
    /// Limits of which the request used more than their soft share, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_near: Vec<String>,
    /// Model that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Cost charged, in 10⁻⁹ US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nano_usd: Option<u64>,
    /// What could not be inspected, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_evaluated: Vec<String>,
    /// What happened: `chat-completions`, `messages`, `key-created`, ….
    pub operation: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the inference log keeps what was asked and answered, in the form of
    /// [`Receipt`](crate::payload::Receipt), or why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// Version of the policy that decided.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// Who: `alice@example.com`, `sp:bot`; absent when nobody could be identified. The event log keeps
    /// a pseudonym in its place and the name beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Provider that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Scores that a model of the policy gave in place of the built-in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refined: Vec<RefinedRecord>,
    /// Id that the caller saw in `x-bartizan-request-id`.
    pub request_id: RequestId,
    /// Rule that decided: guardrail, limit or brake id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Always [`SCHEMA`].
    pub schema: String,
    /// HTTP status sent to the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the answer was streamed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub streamed: bool,
    /// Whom a change is about, like `principal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the use is put down to: tags of the caller and of the endpoint, by name.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// RFC 3339, UTC, six decimals.
    pub time: String,
    /// Tokens charged for the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_in: Option<u64>,
    /// Tokens charged for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_out: Option<u64>,
    /// Strictest verdict over input and output.
    pub verdict: Verdict,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Answered in full.
    Answered,
    /// Refused before the upstream was asked.
    Refused,
    /// The answer was refused, whole or part of the way.
    AnswerRefused,
    /// A limit was reached, or a brake stopped it.
    Limited,
    /// The caller went away.
    Disconnected,
    /// The upstream failed.
    UpstreamFailed,
    /// Bartizan failed.
    Failed,
    /// An administrative change took effect.
    Changed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Answered,
        Self::Refused,
        Self::AnswerRefused,
        Self::Limited,
        Self::Disconnected,
        Self::UpstreamFailed,
        Self::Failed,
        Self::Changed,
    ];

    /// Name used in events, metrics and spans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::AnswerRefused => "answer-refused",
            Self::Limited => "limited",
            Self::Disconnected => "disconnected",
            Self::UpstreamFailed => "upstream-failed",
            Self::Failed => "failed",
            Self::Changed => "changed",
        }
    }
}

/// A finding as the log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// Family.
    pub category: String,
    /// Where the text came from.
    pub channel: Channel,
    /// The outermost disguise that was undone to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disguise: Option<Disguise>,
    /// True when the guardrail only says what it would have done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Reason of the exception by which the policy lets it pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// Guardrail of the policy.
    pub guardrail: String,
    /// JSON pointer of the leaf in the request or answer; of the last turn where several were judged
    /// together.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// Detector id.
    pub rule: String,
    /// 0..=1.
    #[serde(serialize_with = "share")]
    pub score: f32,
    /// Turns of the conversation that were judged together as one text; absent where a text was judged
    /// by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// What the guardrail decided.
    pub verdict: Verdict,
}

impl FindingRecord {
    /// The verdict that counts: a dry run never does more than flag.
    pub fn effective(&self) -> Verdict {
        if self.dry_run { self.verdict.min(Verdict::Flag) } else { self.verdict }
    }
}

/// A score that a model of the policy gave in place of the built-in one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefinedRecord {
    /// Score in place of the built-in one, 0..=1.
    #[serde(serialize_with = "share")]
    pub after: f32,
    /// Score of the built-in model, 0..=1.
    #[serde(serialize_with = "share")]
    pub before: f32,
    /// Where the text came from.
    pub channel: Channel,
    /// Time that it took, in microseconds.
    pub duration_us: u64,
    /// The model, as the policy names it.
    pub model: String,
}

/// Writes a number of 0..=1 to four digits. A whole number has no point.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn share<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    const STEPS: f64 = 1e4;
    let steps = (f64::from(*value) * STEPS).round();
    if steps % STEPS == 0.0 {
        serializer.serialize_u64((steps / STEPS) as u64)
    } else {
        serializer.serialize_f64(steps / STEPS)
    }
}

impl Event {
    /// An event of the given area and operation that allowed what happened, stamped now.
    pub fn new(request_id: RequestId, area: &str, operation: &str) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            time: crate::time::format(crate::time::now()),
            request_id,
            area: area.to_owned(),
            operation: operation.to_owned(),
            credential: None,
            principal: None,
            subject: None,
            endpoint: None,
            provider: None,
            model: None,
            verdict: Verdict::Allow,
            outcome: Outcome::Answered,
            status: None,
            rule: None,
            brakes: Vec::new(),
            tags: Tags::default(),
            policy: String::new(),
            findings: Vec::new(),
            limits_near: Vec::new(),
            not_evaluated: Vec::new(),
            refined: Vec::new(),
            streamed: false,
            tokens_in: None,
            tokens_out: None,
            nano_usd: None,
            payload: None,
            duration_us: None,
            detail: None,
        }
    }

    /// The event without what can be long: for a log that does not take it whole. Who asked, what
    /// was decided and why stay, and the detail says that something is missing.
    #[must_use]
    pub fn shortened(&self) -> Self {
        const KEPT_CHARS: usize = 128;
        const KEPT_ITEMS: usize = 8;
        let short = |text: &String| text.chars().take(KEPT_CHARS).collect::<String>();
        let left_out = self.findings.len().saturating_sub(KEPT_ITEMS);
        Self {
            area: short(&self.area),
            operation: short(&self.operation),
            policy: short(&self.policy),
            credential: self.credential.as_ref().map(short),
            principal: self.principal.as_ref().map(short),
            subject: self.subject.as_ref().map(short),
            endpoint: self.endpoint.as_ref().map(short),
            provider: self.provider.as_ref().map(short),
            model: self.model.as_ref().map(short),
            rule: self.rule.as_ref().map(short),
            findings: self
                .findings
                .iter()
                .take(KEPT_ITEMS)
                .map(|finding| FindingRecord {
                    guardrail: short(&finding.guardrail),
                    rule: short(&finding.rule),
                    category: short(&finding.category),
                    pointer: short(&finding.pointer),
                    exception: finding.exception.as_ref().map(short),
                    ..finding.clone()
                })
                .collect(),
            brakes: self.brakes.iter().take(KEPT_ITEMS).map(short).collect(),
            limits_near: self.limits_near.iter().take(KEPT_ITEMS).map(short).collect(),
            not_evaluated: self.not_evaluated.iter().take(KEPT_ITEMS).map(short).collect(),
            refined: self.refined.iter().take(KEPT_ITEMS).cloned().collect(),
            detail: Some(format!("shortened; {left_out} findings left out")),
            ..self.clone()
        }
    }
}

/// Where events go. The gateway knows only this trait; the ledger implements it.
pub trait EventSink: Send + Sync {
    /// Hands one event to the log. What it is about may go on when [`Recorded::settled`] says so: how
    /// safe the event is by then, the policy decides for its area.
    ///
    /// # Errors
    /// [`RecordError`] when the log cannot take it and policy does not let that pass: an answer is
    /// withheld.
    fn record(&self, event: &Event) -> Result<Recorded, RecordError>;
}

/// What became of an event that the log took. Whoever does not wait leaves the event on its way.
#[must_use = "what the event is about waits until it is settled"]
pub enum Recorded {
    /// It is as safe as the policy asks.
    Settled,
    /// It is on its way to the disk, and the policy asks to wait for that.
    Pending(Pin<Box<dyn Future<Output = Result<(), RecordError>> + Send>>),
}

impl Recorded {
    /// Returns when the event is as safe as the policy asks.
    ///
    /// # Errors
    /// [`RecordError`] when the disk refuses and policy does not let that pass.
    pub async fn settled(self) -> Result<(), RecordError> {
        match self {
            Self::Settled => Ok(()),
            Self::Pending(pending) => pending.await,
        }
    }

    /// Holds this thread up until the event is as safe as the policy asks; for threads that may wait.
    ///
    /// # Errors
    /// As [`Recorded::settled`].
    pub fn wait(self) -> Result<(), RecordError> {
        let Self::Pending(mut pending) = self else { return Ok(()) };
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match pending.as_mut().poll(&mut context) {
                Poll::Ready(settled) => return settled,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}

/// Lets a thread that waits look again.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Settled => "Settled",
            Self::Pending(_) => "Pending",
        })
    }
}

/// The log could not take an event.
#[derive(Debug, thiserror::Error)]
#[error("the event log cannot be written")]
pub struct RecordError(#[from] pub std::io::Error);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_the_name_that_events_write() {
        let names: std::collections::BTreeSet<_> = Outcome::ALL.map(Outcome::name).into();
        assert_eq!(names.len(), Outcome::ALL.len());
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
    }

    #[test]
    fn a_shortened_event_is_short_and_says_who_and_why() {
        let long = "x".repeat(1 << 20);
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.principal = Some("alice@example.com".to_owned());
        event.model = Some(long.clone());
        event.rule = Some("g-pii".to_owned());
        event.not_evaluated = vec![long; 100];
        let short = event.shortened();
        assert!(serde_json::to_string(&short).unwrap().len() < 8 << 10);
        assert_eq!((&short.principal, &short.rule), (&event.principal, &event.rule));
        assert_eq!(short.request_id, event.request_id);
    }

    #[test]
    fn events_read_back() {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.rule = Some("g-pii".to_owned());
        event.findings.push(FindingRecord {
            guardrail: "g-pii".to_owned(),
            rule: "email".to_owned(),
            category: "pii".to_owned(),
            channel: Channel::User,
            pointer: "/messages/0/content".to_owned(),
            turns: Some(3),
            score: 1.0,
            disguise: Some(Disguise::Base64),
            verdict: Verdict::Mask,
            dry_run: false,
            exception: None,
        });
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
