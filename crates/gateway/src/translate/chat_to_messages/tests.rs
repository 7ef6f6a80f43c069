//! Goldens: one for each mapping.

mod answers;
mod requests;
mod streams;
