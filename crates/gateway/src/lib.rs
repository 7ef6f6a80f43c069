//! The LLM data plane: between the client that asks and the provider that answers.
//!
//! A request goes one way, whatever its protocol: identify, reserve limits, put every string of the
//! bytes that go out into an envelope, guard, send; the answer comes back through the same guard,
//! exact on streams. `exchange` tells that story; the modules it calls do one step each.
//!
//! This room knows no YAML, no database and no log format: it takes checked settings, a trait that
//! recognises keys and a trait that records events.

mod answer;
mod auth;
mod body;
mod brakes;
pub mod chat;
mod decided;
mod envelope;
mod error;
mod exchange;
#[cfg(test)]
mod fixtures;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gateway;
mod heavy;
pub mod json;
mod keeping;
mod limits;
mod metrics;
mod operation;
mod protocols;
mod providers;
mod record;
mod replay;
mod reply;
mod server;
pub mod sse;
mod strangers;
mod translate;
mod trial;
mod upstream;

pub use brakes::Braked;
pub use decided::Decided;
pub use error::GatewayError;
pub use gateway::{BuildError, Gateway, Models, Parts, Snapshot};
pub use limits::MemoryCounters;
pub use metrics::Metrics;
pub use operation::routes;
pub use replay::Replay;
pub use server::{Connections, Server, ServerError, TlsSource};
pub use trial::{Found, Question, Trial};
