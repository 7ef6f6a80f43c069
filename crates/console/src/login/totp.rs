//! Codes that change every half minute (RFC 6238), and how an app on a phone gets to know their secret.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use bartizan_core::time::Timestamp;
use qrcode::{Color, QrCode};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::ConsoleError;

/// Bytes of a secret, as long as the hash (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;
/// Seconds of a step.
const STEP_SECONDS: i64 = 30;
/// How many steps a clock may be off.
const STEPS_OFF: i64 = 1;
/// One more than the largest code: they have six digits.
const MODULUS: u32 = 1_000_000;
/// Who a person has the code for, in their app.
const ISSUER: &str = "Bartizan";

/// What codes are made of. Overwritten when it is dropped.
pub(crate) struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// A new one.
    pub(crate) fn random() -> Result<Self, ConsoleError> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        getrandom::fill(&mut bytes).map_err(|_| ConsoleError::Random)?;
        Ok(Self(bytes))
    }

    /// One that was kept.
    pub(crate) const fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The step of a code that is good now, or would be by a clock that is a little off.
    pub(crate) fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        // Apps show a gap in the middle, and people type it.
        let code: Zeroizing<String> = Zeroizing::new(code.split_whitespace().collect());
        let current = now.as_second().div_euclid(STEP_SECONDS);
        let mut found = None;
        // All are looked at, whichever fits.
        for step in current - STEPS_OFF..=current + STEPS_OFF {
            let Ok(step) = u64::try_from(step) else { continue };
            if self.code_at(step).as_bytes().ct_eq(code.as_bytes()).into() {
                found = Some(step);
            }
        }
        found
    }

    /// RFC 4226, section 5.3.
    pub(crate) fn code_at(&self, step: u64) -> Zeroizing<String> {
        // The RFC has SHA-1, and no app is sure to know more. What matters here is that it is keyed.
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
        let chosen = tag.get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        let number = u32::from_be_bytes(chosen) & 0x7fff_ffff;
        Zeroizing::new(format!("{:06}", number % MODULUS))
    }

    /// In base32 (RFC 4648, section 6), as people type it.
    pub(crate) fn base32(&self) -> Zeroizing<String> {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut text = Zeroizing::new(String::with_capacity(self.0.len().div_ceil(5) * 8));
        for chunk in self.0.chunks(5) {
            let bits = chunk.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            let bits = bits << (8 * (5 - chunk.len()));
            for place in 0..(chunk.len() * 8).div_ceil(5) {
                let letter = bits >> (35 - 5 * place) & 31;
                let letter = LETTERS.get(letter as usize).copied().unwrap_or_default();
                text.push(char::from(letter));
            }
        }
        text
    }

    /// The address that apps read from a picture.
    pub(crate) fn uri(&self, account: &str) -> Zeroizing<String> {
        let mut name = String::new();
        for byte in account.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                name.push(char::from(byte));
            } else {
                // Writing to a string never fails.
                let _ = write!(name, "%{byte:02X}");
            }
        }
        let secret = self.base32();
        Zeroizing::new(format!(
            "otpauth://totp/{ISSUER}:{name}?secret={}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30",
            secret.as_str()
        ))
    }
}

/// The path of a picture that a phone reads, and how wide it is with its margin; none where the text is too long.
pub(crate) fn svg(text: &str) -> Option<(String, usize)> {
    /// What readers need around it.
    const MARGIN: usize = 4;
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + MARGIN, at / width + MARGIN);
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    Some((path, width + 2 * MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(bytes: &[u8]) -> TotpSecret {
        TotpSecret(Zeroizing::new(bytes.to_vec()))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, appendix B, for SHA-1; the last six of its eight digits.
    #[test]
    fn makes_the_codes_of_the_rfc() {
        let secret = secret(b"12345678901234567890");
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = second / 30;
            assert_eq!(secret.code_at(step as u64).as_str(), code, "{second}");
            assert_eq!(secret.step_of(code, at(second)), Some(step as u64));
        }
    }

    #[test]
    fn a_clock_may_be_off_by_one_step_and_no_more() {
        let secret = secret(b"12345678901234567890");
        let code = secret.code_at(1_000);
        for (second, fits) in [
            (1_000 * 30 - 31, false),
            (1_000 * 30 - 30, true),
            (1_000 * 30, true),
            (1_000 * 30 + 59, true),
            (1_000 * 30 + 60, false),
        ] {
            assert_eq!(secret.step_of(&code, at(second)).is_some(), fits, "{second}");
        }
        let (head, tail) = code.split_at(3);
        assert_eq!(secret.step_of(&format!(" {head} {tail}\n"), at(30_000)), Some(1_000));
        for wrong in ["", "0", "12345", "1234567", "abcdef", "-12345", head] {
            assert_eq!(secret.step_of(wrong, at(30_000)), None, "{wrong}");
        }
        assert_eq!(secret.step_of(&code, at(-5)), None);
    }

    /// RFC 4648, section 10, without the padding that apps do not want.
    #[test]
    fn writes_base32_as_the_rfc() {
        for (plain, written) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(secret(plain.as_bytes()).base32().as_str(), written);
        }
    }

    #[test]
    fn an_app_is_told_whose_code_it_is() {
        let uri = secret(b"12345678901234567890").uri("zoë+x@example.com");
        assert_eq!(
            uri.as_str(),
            "otpauth://totp/Bartizan:zo%C3%AB%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Bartizan&algorithm=SHA1&digits=6&period=30"
        );
        let (path, width) = svg(&uri).unwrap();
        assert!(path.starts_with('M') && width > 21 + 8 && path.len() > width);
        assert!(path.chars().all(|c| c.is_ascii_digit() || "Mhvz -".contains(c)));
    }
}
