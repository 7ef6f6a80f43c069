//! The databases in which state can be kept.

pub(crate) mod postgres;
pub(crate) mod sqlite;
