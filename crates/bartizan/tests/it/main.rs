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
mod bypass;
mod check;
mod faults;
mod limits;
mod masking;
mod streams;
mod support;
