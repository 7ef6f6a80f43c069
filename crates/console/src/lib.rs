//! Admin API and health pages on the console port.
//!
//! [`router`] serves what [`ConsoleState`] brings: keys from the store, endpoints, events, metrics
//! and readiness through small traits that the binary implements. Every route stands in one table
//! that says who may call it. Binding the port, TLS and draining are left to the binary.

mod admin;
mod api;
mod door;
mod error;
mod health;
mod hosts;
mod log;
mod routes;
mod start;
mod state;

pub use error::AdminError;
pub use hosts::Hosts;
pub use routes::{REQUEST_TIMEOUT, router};
pub use state::{
    About, Check, ConsoleState, EndpointAdmin, EventFilter, EventQuery, FoundPayload, LogFiles,
    LogWitness, MetricsText, PayloadQuery, Readiness, WitnessAnswer,
};
