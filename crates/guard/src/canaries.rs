//! Canaries, ready to be looked for.

use crate::text::fold_to_string;

/// Longest part of a canary that is looked for, in bytes.
pub(crate) const MAX_BYTES: usize = 256;
/// Fewest letters and digits for a canary to be looked for without what stands between them.
const BARE_BYTES: usize = 8;

/// One canary in the spellings that views need.
#[derive(Debug)]
pub(crate) struct Canary {
    /// Folded, ASCII in lower case.
    pub(crate) folded: String,
    /// Letters and digits alone, when there are enough of them.
    pub(crate) bare: Option<String>,
}

impl Canary {
    /// `None` for a text without anything to see.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut folded = fold_to_string(text.trim()).to_ascii_lowercase();
        folded.truncate(folded.floor_char_boundary(MAX_BYTES));
        let bare: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
        let bare = (bare.len() >= BARE_BYTES).then_some(bare);
        (!folded.is_empty()).then_some(Self { folded, bare })
    }
}
