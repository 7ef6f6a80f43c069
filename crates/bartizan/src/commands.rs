//! One file per command.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod decrypt;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod inference;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod man;
pub(crate) mod policy;
pub(crate) mod query;
pub(crate) mod reference;
pub(crate) mod secret;
pub(crate) mod train;
pub(crate) mod up;
