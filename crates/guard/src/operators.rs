//! Operators: what is written in place of a masked value.
//!
//! The policy says which ([`bartizan_core::operator`]); here they are made ready, with keys of their
//! own, and write. What an operator cannot do for a value becomes a numbered placeholder, so that
//! nothing passes because a value has an odd form. Finding values, and fitting what is written into
//! JSON, belong to the engine.

mod base32;
mod ff1;
mod keys;
mod partial;
mod preserve;
mod seal;
mod synthetic;

use aws_lc_rs::hmac;
use bartizan_core::operator::Operator;
use zeroize::Zeroizing;

use crate::vault::Vault;
use preserve::Preserver;
use seal::Sealer;
use synthetic::Maker;

pub use keys::KeyError;
pub use partial::partial;
pub use seal::{Opened, Opener, Trouble, TroubleKind};
pub use synthetic::has_stand_in;

pub(crate) use base32::is_digit as is_base32;

/// Letter before a hash.
const HASH_MARK: char = 'H';
/// Letter before an encrypted value.
pub(crate) const TOKEN_MARK: char = 'E';
/// Bytes of the hash that are written: 80 bits, so that among a million values two meet by chance
/// once in two trillion cases.
const HASH_BYTES: usize = 10;

/// An operator with its keys.
#[derive(Debug)]
pub(crate) struct Ready {
    operator: Operator,
    keyed: Keyed,
}

enum Keyed {
    None,
    Hash(Box<hmac::Key>),
    Encrypt(Box<Sealer>),
    Preserve(Box<Preserver>),
    Make(Box<Maker>),
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::None) { "no key" } else { "a key" })
    }
}

impl Ready {
    /// Numbered placeholders.
    pub(crate) fn placeholder() -> Self {
        Self { operator: Operator::Placeholder, keyed: Keyed::None }
    }

    /// Derives the keys.
    pub(crate) fn new(operator: &Operator) -> Result<Self, KeyError> {
        let keyed = match operator {
            Operator::Hash(key) => Keyed::Hash(Box::new(keys::for_hmac(key, "hash")?)),
            Operator::Encrypt(key) => Keyed::Encrypt(Box::new(Sealer::new(key)?)),
            Operator::FormatPreserving(key) => Keyed::Preserve(Box::new(Preserver::new(key)?)),
            Operator::Synthetic(key) => Keyed::Make(Box::new(Maker::new(key)?)),
            _ => Keyed::None,
        };
        Ok(Self { operator: operator.clone(), keyed })
    }

    /// The lower, the less of a value is shown; of two that show equally much, one is as good as the
    /// other.
    pub(crate) fn rank(&self) -> (u8, usize) {
        let kept = match self.operator {
            Operator::Partial { first, last, .. } => first + last,
            _ => 0,
        };
        (self.operator.reveals(), kept)
    }

    /// Whether it may write what begins or ends a link, tag or quote. Placeholders do not count: they
    /// are tags of their own.
    pub(crate) fn writes_structure(&self) -> bool {
        let structure = |text: &str| text.contains(|c| "()[]<>{}\"'`\\".contains(c));
        match &self.operator {
            Operator::Replace(text) => structure(text),
            Operator::Partial { with, .. } => structure(with.encode_utf8(&mut [0; 4])),
            _ => false,
        }
    }

    /// Whether another value may become the same text as this one. Spellings of one number or address have
    /// one hash.
    pub(crate) fn writes_alike(&self, label: &str, value: &str) -> bool {
        match self.operator {
            Operator::Placeholder | Operator::Encrypt(_) => false,
            Operator::Hash(_) => *evened(label, value) != value,
            _ => true,
        }
    }

    /// What is written for a value; none where the value stays, because it is what this operator
    /// writes. With `restorable` the vault can give the value back, where the operator can.
    ///
    /// An empty label stands for removal, whatever the operator.
    pub(crate) fn write(
        &self,
        label: &'static str,
        value: &str,
        restorable: bool,
        vault: &mut Vault,
    ) -> Option<String> {
        if label.is_empty() {
            return Some(String::new());
        }
        let restorable = restorable && self.operator.can_restore();
        let written = match (&self.operator, &self.keyed) {
            (Operator::Redact, _) => Some(String::new()),
            (Operator::Replace(text), _) => Some(text.clone()),
            (Operator::Label, _) => Some(format!("<{label}>")),
            (Operator::Partial { first, last, with }, _) => {
                Some(partial_of(label, value, *first, *last, *with))
            }
            (_, Keyed::Hash(key)) => Some(format!("<{label}_{}>", hash(key, label, value))),
            (_, Keyed::Encrypt(sealer)) => sealer.seal(label, value).map(|name| {
                let token = format!("<{name}>");
                if restorable {
                    vault.keep(label, value, name);
                }
                token
            }),
            (_, Keyed::Preserve(preserver)) => {
                if vault.wrote(value) {
                    return None;
                }
                let written = preserver.preserve(label, value);
                written.inspect(|text| vault.note_written(text))
            }
            (_, Keyed::Make(maker)) => {
                if synthetic::is_stand_in(label, value) {
                    return None;
                }
                maker.make(label, value)
            }
            _ => None,
        };
        Some(written.unwrap_or_else(|| vault.placeholder(label, value, restorable)))
    }
}

/// As [`partial`]. Of an address of the newer kind that holds one of the older, no more than half of the older
/// is shown: what stands before it is the same for all.
fn partial_of(label: &str, value: &str, first: usize, last: usize, with: char) -> String {
    let at = value.rfind(':').filter(|_| label == "IP_ADDRESS" && value.contains('.'));
    let Some((head, older)) = at.and_then(|at| value.split_at_checked(at + 1)) else {
        return partial(value, first, last, with);
    };
    partial(head, first, 0, with) + &partial(older, 0, last, with)
}

/// A hash of the value, with its mark. Spellings of one number or address have one hash.
fn hash(key: &hmac::Key, label: &str, value: &str) -> String {
    let tag = keys::mac(key, &[label.as_bytes(), evened(label, value).as_bytes()]);
    let mut text = String::from(HASH_MARK);
    base32::encode(tag.as_ref().get(..HASH_BYTES).unwrap_or_default(), &mut text);
    text
}

/// Kinds of values whose digits alone count: what stands between them is a matter of taste.
const BY_DIGITS: &[&str] = &["CREDIT_CARD", "PHONE_NUMBER", "US_SSN"];

/// A value without what differs between spellings of the same, for the kinds for which that is known:
/// the case of an address, and what stands between the digits of a card or phone number. For others every
/// byte may matter, as it does in passwords, dates and addresses of the net.
fn evened(label: &str, value: &str) -> Zeroizing<String> {
    let trimmed = value.trim();
    Zeroizing::new(match label {
        "EMAIL_ADDRESS" => trimmed.to_lowercase(),
        "IBAN_CODE" => trimmed.chars().filter(|c| !c.is_whitespace()).collect(),
        label if BY_DIGITS.contains(&label) && !trimmed.chars().any(char::is_alphabetic) => {
            trimmed.chars().filter(char::is_ascii_digit).collect()
        }
        _ => trimmed.to_owned(),
    })
}

#[cfg(test)]
pub(crate) mod tests;
