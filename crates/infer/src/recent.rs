//! Recent judgements, so that what a conversation repeats is judged once.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

/// Judgements that are kept; 24 bytes each.
const SLOTS: usize = 4096;

/// A bounded set of judgements by a hash of the text, with keys that nobody knows, so that nobody can
/// make another text look like one of them. Holds no text.
pub(crate) struct Recent {
    keys: [RandomState; 2],
    slots: Mutex<Vec<Option<(u64, u64, f32)>>>,
}

/// Stands for a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(u64, u64);

impl Default for Recent {
    fn default() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            slots: Mutex::new(vec![None; SLOTS]),
        }
    }
}

impl Recent {
    /// What stands for a text here.
    pub(crate) fn mark(&self, text: &str) -> Mark {
        let [first, second] = &self.keys;
        Mark(first.hash_one(text), second.hash_one(text))
    }

    /// The judgement of a text, if it is remembered.
    pub(crate) fn get(&self, mark: Mark) -> Option<f32> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, second, judged) = (*slots.get(slot(mark))?)?;
        ((first, second) == (mark.0, mark.1)).then_some(judged)
    }

    /// Remembers a judgement, in place of what had its slot.
    pub(crate) fn insert(&self, mark: Mark, judged: f32) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get_mut(slot(mark)) {
            *slot = Some((mark.0, mark.1, judged));
        }
    }
}

const fn slot(mark: Mark) -> usize {
    mark.0 as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_by_text_and_stays_bounded() {
        let recent = Recent::default();
        assert_eq!(recent.get(recent.mark("a")), None);
        recent.insert(recent.mark("a"), 0.25);
        assert_eq!(recent.get(recent.mark("a")), Some(0.25));
        assert_eq!(recent.get(recent.mark("b")), None);
        for number in 0..3 * SLOTS {
            recent.insert(recent.mark(&number.to_string()), 0.5);
        }
        assert_eq!(recent.slots.lock().unwrap().len(), SLOTS);
    }
}
