//! System prompts that were read before: programs send the same one with every request, and building
//! the index of a long one takes longer than reading the request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::PromptIndex;

/// Most prompts that are kept.
const MAX_PROMPTS: usize = 16;
/// Most bytes of all prompts that are kept. An index takes some fifty times as much.
const MAX_KEPT_BYTES: usize = 256 << 10;

/// The indexes of the prompts that came last.
#[derive(Debug, Default)]
pub struct PromptCache {
    /// The one that was used last stands first.
    kept: Mutex<VecDeque<Arc<PromptIndex>>>,
}

impl PromptCache {
    /// The index of a prompt that consists of these texts; none where nothing is in them.
    pub fn index<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Option<Arc<PromptIndex>> {
        let texts = texts.into_iter().filter(|text| !text.trim().is_empty());
        let texts: Vec<&str> = texts.collect();
        if texts.is_empty() {
            return None;
        }
        // A holder that panicked has left whole entries.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|index| index.is_of(&texts)) {
            if let Some(index) = kept.remove(at) {
                kept.push_front(index);
            }
            return kept.front().cloned();
        }
        let mut index = PromptIndex::default();
        for text in texts {
            index.add(text);
        }
        let index = Arc::new(index);
        let mut bytes = index.bytes();
        if bytes <= MAX_KEPT_BYTES {
            let fits = |old: &&Arc<PromptIndex>| {
                bytes += old.bytes();
                bytes <= MAX_KEPT_BYTES
            };
            let fitting = kept.iter().take_while(fits).count().min(MAX_PROMPTS - 1);
            kept.truncate(fitting);
            kept.push_front(Arc::clone(&index));
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_prompt_has_the_same_index_and_another_has_not() {
        let cache = PromptCache::default();
        let first = cache.index(["You sell boats.", "Be brief."]).unwrap();
        let again = cache.index(["You sell boats.", " ", "Be brief."]).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        for other in [&["You sell boats."][..], &["You sell boats.Be brief."], &["Be brief."]] {
            assert!(!Arc::ptr_eq(&first, &cache.index(other.iter().copied()).unwrap()));
        }
        assert!(cache.index(["", " "]).is_none());
    }

    #[test]
    fn a_long_prompt_is_told_from_one_that_ends_like_it() {
        let cache = PromptCache::default();
        let long = "all work and no play ".repeat(60_000);
        let first = cache.index([&*long]).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.index([&*long]).unwrap()));
        assert!(!Arc::ptr_eq(&first, &cache.index([&long[1..]]).unwrap()));
    }

    #[test]
    fn the_oldest_leave_when_there_are_many() {
        let cache = PromptCache::default();
        let kept = || cache.kept.lock().unwrap().len();
        let first = cache.index(["prompt 0"]).unwrap();
        for number in 1..MAX_PROMPTS {
            cache.index([&*format!("prompt {number}")]);
        }
        assert!(Arc::ptr_eq(&first, &cache.index(["prompt 0"]).unwrap()));
        cache.index(["one more"]);
        assert_eq!(kept(), MAX_PROMPTS);
        assert!(Arc::ptr_eq(&first, &cache.index(["prompt 0"]).unwrap()));
        cache.index([&*"long ".repeat(MAX_KEPT_BYTES / 5 - 10)]);
        assert!(kept() < MAX_PROMPTS, "{}", kept());
    }
}
