//! Overlap with the system prompt: which parts of an answer also stand in the prompt.
//!
//! A suffix automaton of the folded, lowercased prompt answers, for every position of an answer,
//! how many bytes up to there occur in the prompt. Building is linear in the prompt, reading is
//! linear in the answer.

/// A system prompt, ready for overlap search.
#[derive(Debug, Default)]
pub struct PromptIndex {
    text: String,
}

impl PromptIndex {
    /// Adds one prompt text.
    pub fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }
}
