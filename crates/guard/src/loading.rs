//! What is loaded before the first text, on all cores: a start waits for it, and so does a new policy.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::intent;
use crate::lexicon::LEXICON;
use crate::model::{ATTACK, CONTENT, NAMES};
use crate::text::respell;

/// Something large that detectors share. Each is loaded once; what is first takes longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// The model of attacks.
    AttackModel,
    /// Words by which intents are told.
    Lexicon,
    /// The model of unsafe content.
    ContentModel,
    /// The tagger of names.
    Names,
    /// Words that are put back when they are spelt otherwise.
    Spellings,
    /// Putting the model's instructions out of force.
    Override,
    /// Getting the model's instructions out.
    Extraction,
    /// Making the model play someone without limits.
    Persona,
}

impl Shared {
    /// Loads it, unless it is there.
    pub(crate) fn load(self) {
        match self {
            Self::AttackModel => _ = LazyLock::force(&ATTACK),
            Self::Lexicon => _ = LazyLock::force(&LEXICON),
            Self::ContentModel => _ = LazyLock::force(&CONTENT),
            Self::Names => _ = LazyLock::force(&NAMES),
            Self::Spellings => respell::prepare(),
            Self::Override => _ = LazyLock::force(&intent::OVERRIDE),
            Self::Extraction => _ = LazyLock::force(&intent::EXTRACTION),
            Self::Persona => _ = LazyLock::force(&intent::PERSONA),
        }
    }
}

/// Most threads: what there is to load is not more than that.
const THREADS_MAX: usize = 8;

/// Does something with each item, on as many threads as there are cores; the results are in the order of the items.
///
/// # Panics
/// As `work` does.
pub(crate) fn on_all_cores<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let others = cores.min(THREADS_MAX).min(items.len()).saturating_sub(1);
    let mut done = std::thread::scope(|scope| {
        // Where the system has no thread left, this one does it all.
        let started = (0..others).map_while(|_| {
            let named = std::thread::Builder::new().name("loading".to_owned());
            named.spawn_scoped(scope, some).ok()
        });
        let started: Vec<_> = started.collect();
        let mut done = some();
        for thread in started {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 2, 1_000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(on_all_cores(&items, |item| item * 2), doubled);
        }
    }
}
