//! The real binary in front of a scripted provider: what users and attackers see.

mod access;
mod bypass;
mod check;
mod faults;
mod limits;
mod masking;
mod streams;
mod support;
