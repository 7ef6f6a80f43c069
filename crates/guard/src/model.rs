//! The trained models that are built in, and what their scores mean.

mod embedded;
mod points;

pub(crate) use embedded::{ATTACK, CONTENT};
pub(crate) use points::{operating_point, rarity, score};
