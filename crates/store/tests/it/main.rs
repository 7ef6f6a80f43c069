//! The store on each of its databases.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests may fail loudly"
)]

mod postgres;
mod sqlite;
mod suite;
