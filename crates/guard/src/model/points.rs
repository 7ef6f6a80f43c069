//! From the rarity of a score to the score of a finding, and where detectors speak up.

use bartizan_core::settings::Sensitivity;

/// Rarity at which a finding is as likely an attack as not: one harmless text in a hundred scores as
/// high.
const EVEN: f32 = 2.0;

/// Score of a finding, 0..=1, from its rarity.
///
/// It is the chance that a text is an attack where one text in a hundred is one: the share of
/// attacks over the share of attacks and of harmless texts that score as high.
pub(crate) fn score(rarity: f32) -> f32 {
    1.0 / (1.0 + 10.0_f32.powf(EVEN - rarity))
}

/// Rarity that has a score.
pub(crate) fn rarity(score: f32) -> f32 {
    EVEN - (1.0 / score - 1.0).log10()
}

/// Score from which a finding counts.
pub(crate) fn operating_point(sensitivity: Sensitivity) -> f32 {
    score(match sensitivity {
        Sensitivity::Low => 3.0,
        Sensitivity::Balanced => EVEN,
        Sensitivity::High => 1.699,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_rarities_are_each_other_s_inverse() {
        for score_of in [0.05, 0.2, 0.5, 0.9] {
            assert!((score(rarity(score_of)) - score_of).abs() < 1e-5);
        }
    }

    #[test]
    fn the_balanced_point_is_the_default_threshold() {
        assert!((operating_point(Sensitivity::Balanced) - 0.5).abs() < 1e-6);
        assert!(operating_point(Sensitivity::Low) > 0.9);
        assert!((operating_point(Sensitivity::High) - 1.0 / 3.0).abs() < 1e-3);
    }
}
