//! Sinks from the outside: whatever a receiver does, every entry arrives, in order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::format_collect,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

mod conformance;
mod cursors;
mod receivers;
mod signature;
mod speed;
