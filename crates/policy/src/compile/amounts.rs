//! Rates, money, sizes and durations.

use std::time::Duration;

use bartizan_core::money::NanoUsd;
use bartizan_core::settings::Rate;
use bartizan_core::time::parse_duration;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::scalar::{BudgetText, DollarsText, DurationText, RateText, SizeText};
use crate::located::Located;
use crate::snippet::quote;

/// Longest duration of a policy.
const DURATION_MAX: Duration = Duration::from_secs(86_400);

impl Compiler<'_, '_> {
    /// `60/min`, `10k/min`, `2M/day`.
    pub(super) fn rate(&mut self, given: &Located<RateText>) -> Option<Rate> {
        let rate = read_rate(&given.value.0);
        if rate.is_none() {
            let message = format!("{} is not a rate", quote(&given.value.0));
            let help = "write an amount above 0 and a window of `s`, `min`, `h` or `day`, such as \
                        `60/min`, `10k/min`, `2M/day`";
            self.report(Problem::new(given.place, message).help(help));
        }
        rate
    }

    /// `5/day`, `0.50/h`; in 10⁻⁹ US dollars.
    pub(super) fn budget(&mut self, given: &Located<BudgetText>) -> Option<Rate> {
        let rate = read_budget(&given.value.0);
        if rate.is_none() {
            let message = format!("{} is not a budget", quote(&given.value.0));
            let help = "write US dollars above 0 and a window of `s`, `min`, `h` or `day`, such as \
                        `5/day` or `0.50/h`";
            self.report(Problem::new(given.place, message).help(help));
        }
        rate
    }

    /// `0.25`: US dollars.
    pub(super) fn dollars(&mut self, given: &Located<DollarsText>) -> Option<NanoUsd> {
        given
            .value
            .0
            .parse()
            .map_err(|_| {
                let message = format!("{} is not an amount in US dollars", quote(&given.value.0));
                let help = "write digits with at most nine decimals, such as `0.25`";
                self.report(Problem::new(given.place, message).help(help));
            })
            .ok()
    }

    /// `64MiB`: bytes.
    pub(super) fn size(&mut self, given: Option<&Located<SizeText>>, default: u64) -> Option<u64> {
        let Some(given) = given else { return Some(default) };
        let bytes = read_size(&given.value.0);
        if bytes.is_none() {
            let message = format!("{} is not a size", quote(&given.value.0));
            let help = "write a number with `KiB`, `MiB` or `GiB`, such as `64MiB`";
            self.report(Problem::new(given.place, message).help(help));
        }
        bytes
    }

    /// `60s`: 1 ms to 24 h.
    pub(super) fn duration(
        &mut self,
        given: Option<&Located<DurationText>>,
        default: Duration,
    ) -> Option<Duration> {
        let Some(given) = given else { return Some(default) };
        let duration = parse_duration(&given.value.0)
            .ok()
            .filter(|duration| !duration.is_zero() && *duration <= DURATION_MAX);
        if duration.is_none() {
            let message = format!("{} is not a time to wait", quote(&given.value.0));
            let help = "write a number with `ms`, `s`, `m` or `h`, from `1ms` to `24h`";
            self.report(Problem::new(given.place, message).help(help));
        }
        duration
    }
}

fn read_rate(text: &str) -> Option<Rate> {
    let (amount, unit) = text.split_once('/')?;
    let (digits, factor) = match amount.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => amount.strip_suffix('M').map_or((amount, 1), |digits| (digits, 1_000_000)),
    };
    let amount = number(digits)?.checked_mul(factor)?;
    rate(amount, unit)
}

fn read_budget(text: &str) -> Option<Rate> {
    let (amount, unit) = text.split_once('/')?;
    let NanoUsd(amount) = amount.parse().ok()?;
    rate(amount, unit)
}

fn read_size(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(split)?;
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number(digits)?.checked_mul(factor)
}

fn rate(amount: u64, unit: &str) -> Option<Rate> {
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    (amount > 0).then_some(Rate { amount, window: Duration::from_secs(seconds) })
}

/// Digits only: `parse` alone would take a sign.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(rate: Rate) -> (u64, u64) {
        (rate.amount, rate.window.as_secs())
    }

    #[test]
    fn reads_rates() {
        assert_eq!(read_rate("60/min").map(seconds), Some((60, 60)));
        assert_eq!(read_rate("10k/s").map(seconds), Some((10_000, 1)));
        assert_eq!(read_rate("2M/day").map(seconds), Some((2_000_000, 86_400)));
        for wrong in [
            "",
            "60",
            "/min",
            "k/min",
            "60/minute",
            "-1/s",
            "+1/s",
            "0/s",
            "1K/s",
            "1.5k/s",
            "1kk/s",
        ] {
            assert_eq!(read_rate(wrong), None, "{wrong}");
        }
        assert_eq!(read_rate("18446744073709551615k/s"), None);
    }

    #[test]
    fn reads_budgets() {
        assert_eq!(read_budget("5/day").map(seconds), Some((5_000_000_000, 86_400)));
        assert_eq!(read_budget("0.50/h").map(seconds), Some((500_000_000, 3_600)));
        for wrong in ["", "5", "$5/day", "0/day", "0.0000000001/s", "1e3/h"] {
            assert_eq!(read_budget(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_sizes() {
        assert_eq!(read_size("64MiB"), Some(64 << 20));
        assert_eq!(read_size("1GiB"), Some(1 << 30));
        assert_eq!(read_size("4096"), Some(4096));
        for wrong in ["", "MiB", "1MB", "1 MiB", "-1", "99999999999GiB"] {
            assert_eq!(read_size(wrong), None, "{wrong}");
        }
    }
}
