//! From a raw score to how rare it is among harmless texts.

/// A rising line through points: raw scores, and the rarity of each.
///
/// Rarity is the negative decimal logarithm of the share of harmless texts that score as high.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scale {
    /// Raw score and rarity, both rising.
    points: Vec<(f32, f32)>,
}

/// Shares of harmless texts at which a scale is measured.
const SHARES: [f64; 12] = [0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005];

impl Scale {
    /// Takes points that rise; `None` when they do not.
    pub fn new(points: Vec<(f32, f32)>) -> Option<Self> {
        let rises = points.windows(2).all(|pair| match pair {
            [a, b] => a.0 <= b.0 && a.1 <= b.1,
            _ => true,
        });
        let finite = points.iter().all(|(raw, rarity)| raw.is_finite() && rarity.is_finite());
        (rises && finite).then_some(Self { points })
    }

    /// Measures scores of harmless texts, in any order.
    pub fn measure(mut harmless: Vec<f32>) -> Self {
        harmless.sort_by(f32::total_cmp);
        let count = harmless.len();
        let at = |share: f64| {
            let rank = (count as f64 * (1.0 - share)) as usize;
            harmless.get(rank.min(count.saturating_sub(1))).copied()
        };
        // A share that stands for fewer than five texts is chance.
        let known = SHARES.iter().filter(|share| count as f64 * **share >= 5.0);
        let points = known.filter_map(|share| Some((at(*share)?, -(share.log10()) as f32))).fold(
            Vec::new(),
            |mut points: Vec<(f32, f32)>, point| {
                if points.last().is_some_and(|last| last.0 >= point.0) {
                    points.pop();
                }
                points.push(point);
                points
            },
        );
        Self { points }
    }

    /// The points, for writing them down.
    pub fn points(&self) -> &[(f32, f32)] {
        &self.points
    }

    /// A raw score at or below which nothing is rarer than `rarity`.
    pub fn raw(&self, rarity: f32) -> f32 {
        let below = self.points.iter().rev().find(|point| point.1 < rarity);
        below.map_or(f32::NEG_INFINITY, |point| point.0)
    }

    /// How rare a raw score is; beyond the last point the line goes on.
    pub fn rarity(&self, raw: f32) -> f32 {
        let above = self.points.partition_point(|point| point.0 < raw);
        let pair = match above {
            0 => return self.points.first().map_or(0.0, |first| first.1.min(0.3)),
            above if above < self.points.len() => above - 1,
            _ => self.points.len().saturating_sub(2),
        };
        match self.points.get(pair..pair + 2) {
            Some([a, b]) if b.0 > a.0 => a.1 + (raw - a.0) / (b.0 - a.0) * (b.1 - a.1),
            _ => self.points.last().map_or(0.0, |last| last.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rarity_is_the_share_of_harmless_texts_above() {
        let scale = Scale::measure((0..100_000).map(|n| n as f32 / 1000.0).collect());
        for (raw, rarity) in [(50.0, 0.301), (90.0, 1.0), (99.0, 2.0), (99.9, 3.0)] {
            assert!((scale.rarity(raw) - rarity).abs() < 0.01, "{raw} {}", scale.rarity(raw));
        }
        assert!(scale.rarity(120.0) > scale.rarity(100.0));
    }

    #[test]
    fn a_scale_never_falls() {
        let scale = Scale::measure((0..5000).map(|n| ((n * n) % 977) as f32).collect());
        let mut last = 0.0;
        for step in 0..2000 {
            let rarity = scale.rarity(step as f32 / 2.0);
            assert!(rarity >= last - 1e-6, "{step}");
            last = rarity;
        }
    }

    #[test]
    fn what_lies_below_a_raw_score_is_less_rare() {
        let scale = Scale::measure((0..5000).map(|n| (n % 977) as f32).collect());
        for rarity in [0.5, 1.0, 2.0, 4.0] {
            let raw = scale.raw(rarity);
            assert!(scale.rarity(raw) <= rarity, "{rarity}");
        }
        assert!(scale.raw(2.0) > scale.raw(1.0));
    }

    #[test]
    fn nothing_is_rare_without_harmless_texts() {
        assert!(Scale::measure(Vec::new()).rarity(5.0).abs() < f32::EPSILON);
        assert_eq!(Scale::new(vec![(1.0, 1.0), (0.0, 2.0)]), None);
    }
}
