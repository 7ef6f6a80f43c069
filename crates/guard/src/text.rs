//! Views of a text.
//!
//! People and models read through disguises that byte comparison does not: full-width letters,
//! zero-width joiners, look-alike letters, `i g n o r e`, base64. A [`View`] is the text with one
//! kind of disguise removed, and a map from its bytes back to the original ones, so that a match in
//! a view can be masked in the original.
//!
//! INVARIANT: every view is built from bounded neighbourhoods. Folding maps each character on its
//! own, and breaks up what it would drop where that goes on too long; unescaping, squeezing and run finding look at most [`encoded::MAX_RUN_BYTES`] ahead. So a
//! view of a longer text starts with the view of a shorter one, up to the offset that the builder
//! reports as undecided, and guarding a stream can equal guarding the whole. Respelling alone asks how
//! often something occurs in the whole text, and is left out where texts come in pieces.

mod confusables;
pub mod encoded;
pub mod fold;
mod hidden;
pub(crate) mod json;
mod offsets;
mod reach;
pub(crate) mod respell;
pub(crate) mod runs;
mod squeeze;
pub(crate) mod unescape;
mod view;

pub use encoded::Encoding;
pub use fold::{fold, fold_apart, fold_to_string};
pub use hidden::hidden;
pub use offsets::Offsets;
pub(crate) use reach::window_start;
pub use squeeze::squeeze;
pub use unescape::unescape;
pub(crate) use view::Place;
pub use view::{View, ViewKind};
