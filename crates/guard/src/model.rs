//! The trained models that are built in, and what their scores mean.

mod embedded;
pub(crate) mod names;
mod points;

pub(crate) use embedded::ATTACK;
pub(crate) use points::{operating_point, rarity, score};
