//! How well marked stretches are found.

use super::sample::Marked;
use bartizan_model::tagger::{Entity, Tagger};

use super::rows::SpanRow;

/// Counts of one sort of entity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stretches that are marked.
    pub marked: usize,
    /// Stretches that were found.
    pub found: usize,
    /// Stretches found with both ends right.
    pub exact: usize,
    /// Marked stretches of which a part was found.
    pub touched: usize,
    /// Found stretches of which a part is marked.
    pub right: usize,
}

impl Counts {
    /// The balance of precision and recall with both ends right, 0..=1.
    pub fn exact_f1(self) -> f64 {
        f1(
            self.exact as f64 / self.found.max(1) as f64,
            self.exact as f64 / self.marked.max(1) as f64,
        )
    }

    /// As [`Counts::exact_f1`], where it is enough to overlap.
    pub fn overlap_f1(self) -> f64 {
        f1(self.precision(), self.recall())
    }

    /// Share of what was found that overlaps a mark.
    pub fn precision(self) -> f64 {
        self.right as f64 / self.found.max(1) as f64
    }

    /// Share of marks that overlap what was found.
    pub fn recall(self) -> f64 {
        self.touched as f64 / self.marked.max(1) as f64
    }

    /// Adds what was counted elsewhere.
    pub fn join(&mut self, other: Self) {
        self.marked += other.marked;
        self.found += other.found;
        self.exact += other.exact;
        self.touched += other.touched;
        self.right += other.right;
    }

    /// Adds stretches of one text and one sort.
    pub fn add(&mut self, marked: &[(usize, usize)], found: &[(usize, usize)]) {
        let overlaps = |a: &(usize, usize), b: &(usize, usize)| a.0 < b.1 && b.0 < a.1;
        self.marked += marked.len();
        self.found += found.len();
        self.exact += found.iter().filter(|found| marked.contains(found)).count();
        self.touched +=
            marked.iter().filter(|mark| found.iter().any(|f| overlaps(mark, f))).count();
        self.right += found.iter().filter(|f| marked.iter().any(|mark| overlaps(mark, f))).count();
    }
}

fn f1(precision: f64, recall: f64) -> f64 {
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

/// Counts for each sort of entity, in the order of [`Entity::ALL`], of what is at least as sure as
/// `threshold`.
pub fn measure(tagger: &Tagger, rows: &[SpanRow], threshold: f32) -> [Counts; 4] {
    let mut counts = [Counts::default(); 4];
    for row in rows {
        let sample = row.sample();
        let found = tagger.tag(&sample.text, true).found;
        for (counts, entity) in counts.iter_mut().zip(Entity::ALL) {
            let of = |mark: &&Marked| mark.entity == entity;
            let marked: Vec<_> =
                sample.marked.iter().filter(of).map(|mark| (mark.start, mark.end)).collect();
            let found: Vec<_> = found
                .iter()
                .filter(|found| found.entity == entity && found.score >= threshold)
                .map(|found| (found.start, found.end))
                .collect();
            counts.add(&marked, &found);
        }
    }
    counts
}
