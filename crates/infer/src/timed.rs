//! A classifier within a time, for as many callers at once as there are cores.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::classifier::{Classifier, Facts};
use crate::error::InferError;
use crate::recent::Recent;

/// A judgement, and what it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// How likely the wanted labels are, 0..=1, or why nobody knows.
    pub judged: Result<f32, Unjudged>,
    /// Time that it took, waiting included.
    pub took: Duration,
}

/// Why a text was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjudged {
    /// The time was over.
    OutOfTime,
    /// The classifier failed, or the text is too long for it.
    Failed,
}

/// A classifier with places for callers and a memory of recent texts.
///
/// It runs on the thread that asks: one who must not wait long moves elsewhere first. More callers than
/// there are places wait for one, within their time, so that a burst of requests slows down none of those
/// that are judged.
#[derive(Debug)]
pub struct Timed {
    classifier: Classifier,
    recent: Recent,
    places: Places,
}

impl std::fmt::Debug for Recent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recent")
    }
}

impl Timed {
    /// Takes a classifier into use.
    pub fn new(classifier: Classifier) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { classifier, recent: Recent::default(), places: Places::new(cores) }
    }

    /// What the classifier is.
    pub fn facts(&self) -> Facts {
        self.classifier.facts()
    }

    /// How long a text of so many tokens takes, at most those of a window.
    ///
    /// # Errors
    /// [`InferError::Failed`] when the model does not work.
    pub fn measure(&self, tokens: usize) -> Result<Duration, InferError> {
        self.classifier.measure(tokens)
    }

    /// Judges a text within a time. The time may be exceeded by cutting the text into tokens and by one
    /// layer of the network. A text that was judged before takes none.
    pub fn judge(&self, text: &str, budget: Duration) -> Answer {
        let started = Instant::now();
        let mark = self.recent.mark(text);
        let judged = match self.recent.get(mark) {
            Some(known) => Ok(known),
            None => self.judge_anew(text, started + budget),
        };
        if let Ok(probability) = judged {
            self.recent.insert(mark, probability);
        }
        Answer { judged, took: started.elapsed() }
    }

    fn judge_anew(&self, text: &str, deadline: Instant) -> Result<f32, Unjudged> {
        let place = self.places.take(deadline).ok_or(Unjudged::OutOfTime)?;
        let judged = self.classifier.probability(text, Some(deadline));
        drop(place);
        judged.map_err(|error| match error {
            InferError::OutOfTime => Unjudged::OutOfTime,
            _ => Unjudged::Failed,
        })
    }
}

/// A number of places, given back when dropped.
#[derive(Debug)]
struct Places {
    free: Mutex<usize>,
    given_back: Condvar,
}

struct Place<'a>(&'a Places);

impl Places {
    const fn new(number: usize) -> Self {
        Self { free: Mutex::new(number), given_back: Condvar::new() }
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if one is free before the deadline.
    fn take(&self, deadline: Instant) -> Option<Place<'_>> {
        let mut free = self.free();
        while *free == 0 {
            let left =
                deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            let waited = self.given_back.wait_timeout(free, left);
            free = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_waited_for_no_longer_than_there_is_time() {
        let places = Places::new(1);
        let soon = || Instant::now() + Duration::from_millis(5);
        let first = places.take(soon());
        assert!(first.is_some() && places.take(soon()).is_none());
        drop(first);
        assert!(places.take(Instant::now()).is_some());
    }
}
