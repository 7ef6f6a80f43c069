//! What the console shows and changes, as traits that the binary implements.
//!
//! Calls of [`EndpointAdmin`], [`EventQuery`], [`PayloadQuery`] and [`Readiness`] may block: the console runs them on
//! a blocking thread.

use std::sync::Arc;

use bartizan_core::access::Identify;
use bartizan_core::event::{Event, EventSink};
use bartizan_core::id::{Name, RequestId};
use bartizan_store::{Approved, Approver, ChangeRecord, Hand, Store};
use jiff::Timestamp;
use serde_json::Value;

use crate::error::AdminError;
use crate::hosts::Hosts;
use crate::login::Login;

/// Everything the routes need.
#[derive(Clone)]
pub struct ConsoleState {
    /// Where keys are made and revoked.
    pub store: Arc<Store>,
    /// Recognises the bearer of a request.
    pub identify: Arc<dyn Identify>,
    /// Takes one event per change.
    pub events: Arc<dyn EventSink>,
    /// Reads events back.
    pub event_query: Arc<dyn EventQuery>,
    /// Reads what was asked and answered.
    pub payloads: Arc<dyn PayloadQuery>,
    /// The log as those see it who follow it.
    pub log: Arc<dyn LogFiles>,
    /// Signs checkpoints of other logs; none where the policy names no log.
    pub witness: Option<Arc<dyn LogWitness>>,
    /// Endpoints, from the policy file and from the admin API.
    pub endpoints: Arc<dyn EndpointAdmin>,
    /// What `/metrics` says.
    pub metrics: Arc<dyn MetricsText>,
    /// What `/readyz` asks.
    pub readiness: Arc<dyn Readiness>,
    /// Names under which the console may be called.
    pub hosts: Hosts,
    /// How people sign in; none where keys alone open the console.
    pub login: Option<Login>,
    /// What the start page says.
    pub about: About,
}

/// Facts for the start page. Shown to everyone who reaches the port: nothing secret.
#[derive(Debug, Clone)]
pub struct About {
    /// Version of the binary.
    pub version: String,
    /// Where clients reach the gateway, such as `http://127.0.0.1:8080`.
    pub gateway_url: String,
}

/// Endpoints, as the admin API sees them.
pub trait EndpointAdmin: Send + Sync {
    /// All endpoints: an array of objects that have at least a `name`.
    ///
    /// # Errors
    /// What the caller is told.
    fn list(&self) -> Result<Value, AdminError>;

    /// One endpoint.
    ///
    /// # Errors
    /// Class `NotFound` when there is none; else what the caller is told.
    fn get(&self, name: &Name) -> Result<Value, AdminError>;

    /// Creates or replaces an endpoint and returns it as it is now in force; or, where the policy asks for two people
    /// and something would become weaker, has it wait.
    ///
    /// `body` is one JSON object in the shape of a policy endpoint, not checked further: it comes
    /// as text so that the reader of the policy file, which refuses unknown and repeated keys, can
    /// read it.
    ///
    /// # Errors
    /// Class `Usage` when the endpoint is not valid or is owned by the policy file.
    fn put(&self, name: &Name, body: &str, by: &Hand) -> Result<Asked, AdminError>;

    /// Removes an endpoint and returns it as it was; or has it wait, as [`EndpointAdmin::put`].
    ///
    /// # Errors
    /// Class `NotFound` when there is none, `Usage` when it is owned by the policy file.
    fn delete(&self, name: &Name, by: &Hand) -> Result<Asked, AdminError>;

    /// Approves a change that waits, and puts it in force. A change of the policy file comes into force by itself within
    /// a second.
    ///
    /// # Errors
    /// Class `Denied` when this approver cannot be the second person, `NotFound` and `Usage` when the change does not
    /// wait; else what the caller is told.
    fn approve(&self, id: &str, by: &Approver) -> Result<Approved, AdminError>;
}

/// What has become of a change that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// It is in force; the endpoint.
    Done(Value),
    /// Another person has to approve it.
    Waits {
        /// The change.
        change: Box<ChangeRecord>,
        /// Whether it waits since now; false when the same was asked for before.
        is_new: bool,
    },
}

/// Which events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFilter {
    /// Not older than this.
    pub since: Timestamp,
    /// At most this many, the newest; 1..=1,000.
    pub limit: usize,
}

/// Reads events back.
pub trait EventQuery: Send + Sync {
    /// The newest events that pass the filter, oldest first.
    ///
    /// # Errors
    /// What the caller is told.
    fn events(&self, filter: EventFilter) -> Result<Vec<Event>, AdminError>;
}

/// Reads what was asked and answered.
pub trait PayloadQuery: Send + Sync {
    /// The exchange of a request, as a JSON document.
    ///
    /// # Errors
    /// Class `NotFound` when it is not kept, or nobody can open it any more; else what the caller is told.
    fn payload(&self, id: RequestId) -> Result<FoundPayload, AdminError>;
}

/// An exchange that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPayload {
    /// Who asked.
    pub whose: String,
    /// What is shown of it.
    pub document: Value,
}

/// The files of a transparency log, by the paths of C2SP's tlog-tiles.
pub trait LogFiles: Send + Sync {
    /// The last checkpoint; none while nothing is signed.
    ///
    /// # Errors
    /// What the caller is told.
    fn checkpoint(&self) -> Result<Option<String>, AdminError>;

    /// A tile of hashes or a bundle of entries; none when there is no such tile.
    ///
    /// # Errors
    /// What the caller is told.
    fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, AdminError>;
}

/// Signs checkpoints of other logs, as their witness.
pub trait LogWitness: Send + Sync {
    /// The answer to a submission of C2SP's tlog-witness.
    fn add_checkpoint(&self, submission: &str) -> WitnessAnswer;
}

/// What a witness says to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// Its signature: lines of a signed note.
    Signed(String),
    /// How many entries it has signed, where the submission goes on from somewhere else.
    Elsewhere(u64),
    /// Why it does not sign, with the status for that.
    Refused(u16, String),
}

/// The metrics of the process. Any `Fn() -> String` is one.
pub trait MetricsText: Send + Sync {
    /// All metrics in the `OpenMetrics` text format, which Prometheus reads.
    fn text(&self) -> String;
}

impl<F: Fn() -> String + Send + Sync> MetricsText for F {
    fn text(&self) -> String {
        self()
    }
}

/// One thing that must hold before traffic is sent here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is checked, in kebab-case: `policy`, `event-log`.
    pub name: &'static str,
    /// Why it does not hold. Shown to everyone who reaches the port: nothing secret.
    pub state: Result<(), String>,
}

/// Whether the process can serve.
pub trait Readiness: Send + Sync {
    /// Every check, also those that hold.
    fn checks(&self) -> Vec<Check>;
}
