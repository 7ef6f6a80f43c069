//! Figures of a classifier from its scores. Higher scores mean more suspicion; equal scores cannot be
//! told apart, and no figure pretends that they can.

/// False-positive rates at which recall is reported, in tenths of a percent.
pub(super) const RATES_PER_MILLE: [u64; 4] = [1, 5, 10, 20];

/// Scores of rows that must pass, in ascending order.
#[derive(Debug, Default)]
pub(super) struct Benign(Vec<f32>);

/// The lowest cut that keeps to a false-positive rate: what scores higher is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Threshold {
    /// Rows are found whose score is greater.
    pub(super) above: f32,
    /// Share of benign rows that is found, 0..=1; less than was allowed where scores are equal.
    pub(super) reached: f64,
}

impl Benign {
    pub(super) fn new(mut scores: Vec<f32>) -> Self {
        scores.sort_by(f32::total_cmp);
        Self(scores)
    }

    /// The cut for a false-positive rate; `None` with so few rows that a single false alarm is more
    /// than the rate allows.
    pub(super) fn threshold(&self, per_mille: u64) -> Option<Threshold> {
        let rows = self.0.len();
        let allowed = usize::try_from(rows as u64 * per_mille / 1000).ok()?;
        if allowed == 0 {
            return None;
        }
        // With so many false alarms allowed, the next highest score is the first that must pass.
        let above = *self.0.get(rows.checked_sub(allowed + 1)?)?;
        let found = rows - self.0.partition_point(|score| *score <= above);
        Some(Threshold { above, reached: found as f64 / rows as f64 })
    }

    /// Chance that a row that must be found scores higher than one that must pass, 0..=1; equal
    /// scores count half. `None` without rows of both sorts.
    pub(super) fn auc(&self, positives: &[f32]) -> Option<f64> {
        let halves: u64 = positives
            .iter()
            .map(|positive| {
                let lower = self.0.partition_point(|score| score < positive);
                let not_higher = self.0.partition_point(|score| score <= positive);
                (lower + not_higher) as u64
            })
            .sum();
        share(halves, 2 * self.0.len() as u64 * positives.len() as u64)
    }
}

/// Fewest benign rows with which a false-positive rate can be told.
pub(super) fn needed(per_mille: u64) -> u64 {
    1000_u64.div_ceil(per_mille)
}

/// Share of `scores` that is found, 0..=1; `None` without any.
pub(super) fn recall(scores: &[f32], threshold: Threshold) -> Option<f64> {
    let found = scores.iter().filter(|score| **score > threshold.above).count();
    share(found as u64, scores.len() as u64)
}

/// A share, 0..=1; `None` of nothing.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The smallest value that `percent` of `sorted` do not exceed; `None` of nothing.
pub(super) fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn benign(scores: &[f32]) -> Benign {
        Benign::new(scores.to_vec())
    }

    #[test]
    fn auc_counts_equal_scores_half() {
        // 6 pairs: four won, one equal, one lost.
        let auc = benign(&[0.1, 0.4, 0.5]).auc(&[0.4, 0.9]).unwrap();
        assert!((auc - 4.5 / 6.0).abs() < 1e-12, "{auc}");
        assert_eq!(benign(&[0.0, 0.0]).auc(&[0.0]), Some(0.5));
        assert_eq!(benign(&[0.0, 0.1]).auc(&[0.2]), Some(1.0));
        assert_eq!(benign(&[0.3]).auc(&[0.2]), Some(0.0));
    }

    #[test]
    fn nothing_is_made_up_without_rows_of_both_sorts() {
        assert_eq!(benign(&[]).auc(&[0.5]), None);
        assert_eq!(benign(&[0.5]).auc(&[]), None);
        assert_eq!(recall(&[], Threshold { above: 0.5, reached: 0.0 }), None);
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_rate_needs_as_many_benign_rows_as_one_false_alarm_fits_into() {
        for per_mille in RATES_PER_MILLE {
            let rows = needed(per_mille) as usize;
            assert_eq!(Benign::new(vec![0.0; rows - 1]).threshold(per_mille), None);
            assert!(Benign::new(vec![0.0; rows]).threshold(per_mille).is_some());
        }
        assert_eq!(RATES_PER_MILLE.map(needed), [1000, 200, 100, 50]);
    }

    #[test]
    fn the_cut_lets_exactly_the_allowed_false_alarms_through() {
        // 0.00, 0.01 … 0.99: two of a hundred may be found.
        let pool = Benign::new((0..100).rev().map(|score| score as f32 / 100.0).collect());
        let threshold = pool.threshold(20).unwrap();
        assert_eq!(threshold, Threshold { above: 0.97, reached: 0.02 });
        assert_eq!(recall(&[0.5, 0.97, 0.975, 1.0], threshold), Some(0.5));
    }

    #[test]
    fn equal_scores_are_found_together_or_not_at_all() {
        // Three share the highest score and only two may be found, so none is.
        let mut scores = vec![0.0; 97];
        scores.extend([0.9; 3]);
        let threshold = Benign::new(scores).threshold(20).unwrap();
        assert_eq!(threshold, Threshold { above: 0.9, reached: 0.0 });
        assert_eq!(recall(&[0.9, 0.95], threshold), Some(0.5));
    }

    #[test]
    fn percentiles_are_values_that_occur() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!((percentile(&hundred, 50), percentile(&hundred, 99)), (Some(50), Some(99)));
        assert_eq!((percentile(&[7], 50), percentile(&[7], 99)), (Some(7), Some(7)));
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_pairs_won(
            lower in prop::collection::vec(0_u8..12, 1..60),
            upper in prop::collection::vec(0_u8..12, 1..60),
        ) {
            let scores = |all: &[u8]| all.iter().map(|score| f32::from(*score) / 11.0).collect();
            let (lower, upper): (Vec<f32>, Vec<f32>) = (scores(&lower), scores(&upper));
            let pairs = upper.iter().flat_map(|p| lower.iter().map(move |b| p.total_cmp(b)));
            let won: f64 = pairs.map(|order| f64::from(order as i8 + 1) / 2.0).sum();
            let expected = won / (lower.len() * upper.len()) as f64;
            let auc = Benign::new(lower).auc(&upper).unwrap();
            prop_assert!((auc - expected).abs() < 1e-12, "{auc} {expected}");
        }

        #[test]
        fn no_cut_exceeds_its_rate_and_none_lower_would_keep_to_it(
            scores in prop::collection::vec(0_u8..30, 1..400),
            at in 0_usize..4,
        ) {
            let per_mille = RATES_PER_MILLE[at];
            let pool: Vec<f32> = scores.iter().map(|score| f32::from(*score)).collect();
            let share_above = |cut: f32| {
                pool.iter().filter(|score| **score > cut).count() as f64 / pool.len() as f64
            };
            let rate = per_mille as f64 / 1000.0;
            if let Some(threshold) = Benign::new(pool.clone()).threshold(per_mille) {
                prop_assert!((threshold.reached - share_above(threshold.above)).abs() < 1e-12);
                prop_assert!(threshold.reached <= rate + 1e-12);
                prop_assert!(share_above(threshold.above - 1.0) > rate - 1e-12);
            } else {
                prop_assert!((scores.len() as u64) < needed(per_mille));
            }
        }
    }
}
