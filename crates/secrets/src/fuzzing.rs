//! What must hold for any bytes: the oracle of the fuzz target in `fuzz/`.

#![expect(clippy::expect_used, reason = "an oracle speaks by panicking")]

use bartizan_core::redact::Secret;

use crate::document;
use crate::keyring::Keyring;
use crate::sealer::Sealer;

/// An oracle: panics when something does not hold for the input.
pub type Oracle = fn(&[u8]);

/// Every target of this crate, by name.
pub const TARGETS: &[(&str, Oracle)] = &[("secrets_file", secrets_file)];

/// A key that is nobody's.
const KEY: &str = "bzk1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A file is read or refused, and what is read means the same when it is written again. So does a file that is sealed,
/// whatever its secrets are: whoever has the master key may be an older program.
///
/// Input: a file of a store, a text of keys, or the secrets of a file.
///
/// # Panics
/// When a file that was written cannot be read, or says something else.
pub fn secrets_file(input: &[u8]) {
    let sealer = sealer();
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = Keyring::parse(&Secret::new(text));
        if let Some(sealed) = document::sealed_around(text, &sealer) {
            read(&sealed, &sealer);
        }
    }
    read(input, &sealer);
}

fn read(bytes: &[u8], sealer: &Sealer) {
    let Ok(found) = document::read(bytes, sealer) else { return };
    let shown = format!("{:?}", found.contents);
    let (_, written) = document::write(found.contents, sealer).expect("what was read is written");
    let again = document::read(&written, sealer).expect("what was written is read");
    assert_eq!(format!("{:?}", again.contents), shown);
}

fn sealer() -> Sealer {
    let keys = Keyring::parse(&Secret::new(KEY)).expect("a key");
    keys.derive("secrets").expect("a purpose")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_holds_for_the_corpus() {
        bartizan_testkit::corpus::holds(TARGETS);
    }

    #[test]
    fn what_is_sealed_gets_past_the_seal() {
        let sealed = document::sealed_around("[]", &sealer()).unwrap();
        assert!(document::read(&sealed, &sealer()).is_ok());
        assert!(document::sealed_around("[", &sealer()).is_none());
    }
}
