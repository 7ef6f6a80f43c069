//! Text in, findings and rewritten text out.
//!
//! One engine reads every text that passes through Bartizan: [`Guard`] holds the guardrails of one
//! endpoint, [`Guard::inspect`] judges a whole text, [`StreamGuard`] judges the same text while it
//! arrives in pieces and gives exactly the same result. Pure functions: no I/O, no async, no clock.
//!
//! The way of a text: [`text`] makes views of it (folded, unescaped, squeezed, decoded), each with
//! a map back to the original bytes; detectors read views and report findings; guardrails turn
//! findings into verdicts and edits; edits are spliced into the original bytes.

mod canaries;
mod checks;
mod content;
pub mod context_index;
mod cursor;
pub mod detector;
pub mod detectors;
mod engine;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod identifier;
mod intent;
mod lexicon;
mod loading;
mod markup;
mod model;
mod named_entity;
pub mod operators;
mod phrases;
pub mod prompt_index;
pub mod refine;
mod report;
mod rules;
mod secrets;
mod segments;
mod session;
mod stream;
#[cfg(test)]
mod testing;
pub mod text;
mod vault;

pub use detector::{Detector, Findings, Hit, Reads};
pub use engine::{
    CONVERSATION_TURNS, Conversation, Guard, GuardBuilder, GuardError, LeftOut, left_out,
};
pub use loading::Shared;
pub use report::{Edit, Judged, Report};
pub use session::{Session, SessionBuilder};
pub use stream::{Released, StreamGuard};
pub use vault::{Place, Vault};
