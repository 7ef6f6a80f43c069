//! Answers on their way back: whole ones are judged and spliced, streamed ones are guarded as they
//! arrive.

mod seam;
mod stop;
mod stream;
mod whole;

pub(crate) use stream::{KeptApart, Streamed};
pub(crate) use whole::{Guarded, collect, guard_whole};
