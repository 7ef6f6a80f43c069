//! Counters of limits that several gateways share, in Redis or Valkey.
//!
//! One script takes room on all counters of a request or on none, in one round trip, so that no number of gateways
//! goes over a limit together. What is not kept here is what limits mean; the gateway knows that.
//!
//! Each gateway remembers what it has used of every window that is open (`own`): a server that lost what it knew is
//! told again, and a gateway that cannot reach it goes on from there, if the policy lets it count alone.

mod connection;
mod error;
mod own;
mod redis_counters;
mod script;

pub use error::CountersError;
pub use redis_counters::{RedisCounters, Standing};
