//! The catalogue of detectors, and detectors made from words that policy gives.

use crate::detector::Detector;

bartizan_core::catalog! {
    pub ALL: dyn Detector as DETECTOR;
    email, known_key, private_key, connection_secret, generic_secret,
}

/// The detector with this id.
pub fn find(id: &str) -> Option<&'static dyn Detector> {
    ALL.iter().copied().find(|detector| detector.meta().id == id)
}

/// A detector for keywords, patterns, topics or sizes that policy gives.
///
/// # Errors
/// A sentence saying what cannot be used.
pub(crate) fn from_policy(
    detect: &bartizan_core::settings::Detect,
) -> Result<Box<dyn Detector>, String> {
    Err(format!("{detect:?}"))
}

#[cfg(test)]
mod tests;
