//! How hard a model is to think: a word in chat completions, a number of tokens in messages.

/// Fewest tokens that messages accept as a budget.
pub(super) const LEAST_BUDGET: u64 = 1024;

/// Words of `reasoning_effort` and the tokens of thinking they stand for, rising. Powers of two in
/// the range that Anthropic recommends trying: the least that is accepted, and 32k, above which it
/// advises batch processing.
const BUDGETS: [(&str, u64); 5] = [
    ("minimal", LEAST_BUDGET),
    ("low", 2 * 1024),
    ("medium", 8 * 1024),
    ("high", 16 * 1024),
    ("xhigh", 32 * 1024),
];

/// Tokens of thinking for a word of `reasoning_effort`; none for `none` and unknown words.
pub(super) fn budget(effort: &str) -> Option<u64> {
    BUDGETS.iter().find(|(word, _)| *word == effort).map(|(_, budget)| *budget)
}

/// The word of `reasoning_effort` whose budget is the least that covers `budget`. At most `high`,
/// which every reasoning model knows, unlike the words beside `low`, `medium` and `high`.
pub(super) fn word_for_budget(budget: u64) -> &'static str {
    match budget {
        0..=2048 => "low",
        2049..=8192 => "medium",
        _ => "high",
    }
}

/// The word of `reasoning_effort` for a word of `output_config.effort`.
pub(super) fn word_for_effort(effort: &str) -> Option<&'static str> {
    Some(match effort {
        "low" => "low",
        "medium" => "medium",
        "high" => "high",
        "xhigh" | "max" => "xhigh",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_survive_the_way_there_and_back() {
        for word in ["low", "medium", "high"] {
            assert_eq!(budget(word).map(word_for_budget), Some(word));
        }
        assert_eq!(budget("minimal").map(word_for_budget), Some("low"));
        assert_eq!(budget("xhigh").map(word_for_budget), Some("high"));
        assert_eq!(budget("none"), None);
    }

    #[test]
    fn budgets_rise() {
        assert!(BUDGETS.is_sorted_by(|(_, a), (_, b)| a < b));
    }
}
