//! Admin API, health, and pages for people on the console port.
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
mod login;
mod pages;
mod routes;
mod state;

pub use api::changes::describe_change;
pub use error::AdminError;
pub use hosts::Hosts;
pub use login::{
    CameBack, Later, Login, LoginFlow, Person, Seal, SignInProvider, from_peer, place_of_codes,
    reseal_codes,
};
pub use routes::{REQUEST_TIMEOUT, router};
pub use state::{
    About, Asked, Check, ConsoleState, EndpointAdmin, EventFilter, EventQuery, FoundPayload,
    LogFiles, LogWitness, MetricsText, PayloadQuery, Readiness, WitnessAnswer,
};
