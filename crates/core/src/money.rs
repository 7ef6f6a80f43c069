//! Money in integers, so that a million small charges add up to the cent.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// US dollars in units of 10⁻⁹.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

/// A dollar amount that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount in dollars with at most nine decimals")]
pub struct MoneyError(String);

impl NanoUsd {
    /// One dollar.
    pub const DOLLAR: Self = Self(1_000_000_000);

    /// Cost of `tokens` at a price per million tokens, rounded up so that nothing is free.
    #[must_use]
    pub fn per_million(self, tokens: u64) -> Self {
        let nanos = (u128::from(self.0) * u128::from(tokens)).div_ceil(1_000_000);
        Self(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Sum that stays at the largest amount instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl FromStr for NanoUsd {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let error = || MoneyError(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
            return Err(error());
        }
        let whole: u64 = whole.parse().map_err(|_| error())?;
        let fraction: u64 = format!("{fraction:0<9}").parse().map_err(|_| error())?;
        whole
            .checked_mul(1_000_000_000)
            .and_then(|nanos| nanos.checked_add(fraction))
            .map(Self)
            .ok_or_else(error)
    }
}

impl std::fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dollars_exactly() {
        assert_eq!("0.15".parse(), Ok(NanoUsd(150_000_000)));
        assert_eq!("5".parse(), Ok(NanoUsd(5_000_000_000)));
        for wrong in ["", ".5", "1e3", "-1", "1.0000000001", "99999999999999"] {
            assert!(wrong.parse::<NanoUsd>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn prices_round_up() {
        assert_eq!(NanoUsd::DOLLAR.per_million(1), NanoUsd(1_000));
        assert_eq!(NanoUsd(1).per_million(1), NanoUsd(1));
        assert_eq!(NanoUsd(u64::MAX).per_million(u64::MAX), NanoUsd(u64::MAX));
    }
}
