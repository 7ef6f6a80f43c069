//! The real binary in front of a scripted provider: what users and attackers see.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::format_collect,
    reason = "tests fail by panicking and read only what they wrote"
)]

mod access;
mod approvals;
mod audit;
mod azure;
mod brakes;
mod bypass;
mod check;
mod cli;
mod documents;
mod doors;
mod erase;
mod eval;
mod export;
mod faults;
mod grants;
mod groundedness;
mod inference;
mod keys;
mod limits;
mod lists;
mod login;
mod logprobs;
mod masking;
mod matrix;
#[cfg(feature = "infer")]
mod models;
mod operators;
mod policy;
#[cfg(feature = "sql")]
mod query;
mod secrets;
mod shared;
mod sinks;
mod start;
mod streams;
mod support;
mod tags;
mod tls;
mod tokens;
mod transport;
mod trees;
#[cfg(not(feature = "sql"))]
mod without_sql;
mod witness;
