//! The one place where the concrete types of all rooms meet.

pub(crate) mod admin;
pub(crate) mod approvals;
pub(crate) mod counters;
pub(crate) mod endpoints;
pub(crate) mod identity;
pub(crate) mod inference;
pub(crate) mod login;
pub(crate) mod models;
pub(crate) mod policy;
pub(crate) mod prometheus;
pub(crate) mod relay;
pub(crate) mod secrets;
pub(crate) mod sql;
pub(crate) mod standing;
pub(crate) mod state;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod versions;
pub(crate) mod witness;
