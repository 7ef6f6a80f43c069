//! The words every room of Bartizan shares, as types.
//!
//! Findings, verdicts, principals, channels, events, error classes and the caps on untrusted input
//! live here, so that two rooms that never import each other still speak of the same thing.
//! No async, no network, no detector: those belong to the rooms that use these words.

pub mod access;
pub mod catalog;
pub mod channel;
pub mod counters;
pub mod error;
pub mod event;
pub mod finding;
pub mod hex;
pub mod host;
pub mod id;
pub mod limits;
pub mod money;
pub mod operator;
pub mod packages;
pub mod payload;
pub mod principal;
pub mod private;
pub mod redact;
pub mod settings;
pub mod tags;
pub mod time;
pub mod verdict;

pub use channel::{Channel, ChannelSet};
pub use error::{Class, Coded};
pub use event::{Event, Outcome};
pub use finding::{Category, Disguise, Finding, Severity, Span};
pub use id::{Name, RequestId, RuleId};
pub use principal::{Principal, PrincipalKind};
pub use redact::{Redacted, Secret};
pub use tags::{TagName, Tags};
pub use verdict::{Action, Mode, NotEvaluated, Verdict};
