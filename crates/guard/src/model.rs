//! The trained model that is built in, and what its scores mean.

mod embedded;
mod points;

pub(crate) use embedded::ATTACK;
pub(crate) use points::{operating_point, rarity, score};
