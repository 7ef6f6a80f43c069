//! Values encrypted into tokens such as `<EMAIL_ADDRESS_E…>`, and opened again.
//!
//! AES-256-GCM-SIV (RFC 8452) under one nonce, so that equal values have equal tokens; the label is
//! authenticated with the value. What this gives away is in the ADR on deterministic encryption.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use bartizan_core::Span;
use bartizan_core::operator::MaskKey;
use zeroize::Zeroizing;

use super::keys::{KeyError, derive};
use super::{TOKEN_MARK, base32};
use crate::vault::{MAX_VALUE_BYTES, as_json, token_names};

/// Bytes that tell keys apart.
const KEY_ID_BYTES: usize = 3;
const TAG_BYTES: usize = 16;
/// Stands before the label in what is authenticated.
const CONTEXT: &[u8] = b"bartizan token 1\0";

/// Encrypts values and decrypts tokens of one key.
pub(super) struct Sealer {
    key: LessSafeKey,
    id: [u8; KEY_ID_BYTES],
}

impl Sealer {
    pub(super) fn new(key: &MaskKey) -> Result<Self, KeyError> {
        let id = derive(key, "encrypt id")?;
        let [first, second, third, ..] = *id;
        let bytes = derive(key, "encrypt")?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, bytes.as_slice())?);
        Ok(Self { key, id: [first, second, third] })
    }

    /// The name of the token of a value, without brackets; none for a value that is too long.
    pub(super) fn seal(&self, label: &str, value: &str) -> Option<String> {
        if value.len() > MAX_VALUE_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(KEY_ID_BYTES + value.len() + TAG_BYTES);
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(value.as_bytes());
        let plain = bytes.get_mut(KEY_ID_BYTES..)?;
        let tag = self.key.seal_in_place_separate_tag(nonce(), context(label), plain).ok()?;
        bytes.extend_from_slice(tag.as_ref());
        let mut name = format!("{label}_{TOKEN_MARK}");
        base32::encode(&bytes, &mut name);
        Some(name)
    }

    /// The value behind the bytes of a token; none when they are not what this key made of it.
    fn open(&self, label: &str, bytes: &[u8]) -> Option<Zeroizing<String>> {
        let mut sealed = Zeroizing::new(bytes.to_vec());
        let plain = self.key.open_in_place(nonce(), context(label), &mut sealed).ok()?;
        std::str::from_utf8(plain).ok().map(|value| Zeroizing::new(value.to_owned()))
    }
}

fn nonce() -> Nonce {
    // INVARIANT: one nonce for all values is what makes equal values equal tokens. GCM-SIV is made
    // for repeated nonces: it then shows that two values are equal, and nothing else.
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn context(label: &str) -> Aad<Vec<u8>> {
    Aad::from([CONTEXT, label.as_bytes()].concat())
}

/// Opens tokens in texts, with the keys that it is given.
pub struct Opener {
    sealers: Vec<Sealer>,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opener({} keys)", self.sealers.len())
    }
}

/// A text with its tokens opened.
#[derive(Debug)]
pub struct Opened {
    /// The text; a token that could not be opened stands where it stood.
    pub text: Zeroizing<String>,
    /// How many tokens were opened.
    pub opened: usize,
    /// Tokens that could not be, by place.
    pub troubles: Vec<Trouble>,
}

/// A token that could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Where it stands, in bytes.
    pub span: Span,
    /// Why.
    pub kind: TroubleKind,
}

/// Why a token could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// It was made with another key.
    OtherKey,
    /// It is not as it was made: characters are missing, added or changed, or its label is.
    Changed,
}

impl Opener {
    /// Derives what opens tokens from keys of policies.
    ///
    /// # Errors
    /// [`KeyError`] when the cryptography refuses a key.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k MaskKey>) -> Result<Self, KeyError> {
        let sealers = keys.into_iter().map(Sealer::new).collect::<Result<_, _>>()?;
        Ok(Self { sealers })
    }

    /// Puts values in place of the tokens of a text. With `in_json`, values are written as they stand
    /// in a string of JSON. Linear time.
    pub fn open(&self, text: &str, in_json: bool) -> Opened {
        let mut out = Zeroizing::new(String::with_capacity(text.len()));
        let mut troubles = Vec::new();
        let mut opened = 0;
        let mut copied = 0;
        for (span, name) in token_names(text) {
            match self.value(&name) {
                Ok(value) => {
                    out.push_str(text.get(copied..span.start).unwrap_or_default());
                    if in_json {
                        out.push_str(&Zeroizing::new(as_json(&value)));
                    } else {
                        out.push_str(&value);
                    }
                    copied = span.end;
                    opened += 1;
                }
                Err(kind) => troubles.push(Trouble { span, kind }),
            }
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Opened { text: out, opened, troubles }
    }

    fn value(&self, name: &str) -> Result<Zeroizing<String>, TroubleKind> {
        let (label, token) = name.rsplit_once('_').ok_or(TroubleKind::Changed)?;
        let digits = token.strip_prefix(TOKEN_MARK).ok_or(TroubleKind::Changed)?;
        let bytes = base32::decode(digits).ok_or(TroubleKind::Changed)?;
        let (id, sealed) = bytes.split_at_checked(KEY_ID_BYTES).ok_or(TroubleKind::Changed)?;
        let mut known = self.sealers.iter().filter(|sealer| sealer.id == id).peekable();
        if known.peek().is_none() {
            return Err(TroubleKind::OtherKey);
        }
        known.find_map(|sealer| sealer.open(label, sealed)).ok_or(TroubleKind::Changed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{key, other_key};
    use super::*;

    fn token(value: &str) -> String {
        let name = Sealer::new(&key()).unwrap().seal("EMAIL_ADDRESS", value).unwrap();
        format!("<{name}>")
    }

    fn opener() -> Opener {
        Opener::new([&key()]).unwrap()
    }

    #[test]
    fn opens_what_was_sealed_as_models_rewrite_it() {
        let token = token("bob@example.com");
        for spelling in [
            token.clone(),
            token.to_lowercase(),
            token.replace('_', "-"),
            token.replace('_', " "),
            token.replace('<', "\\u003c").replace('>', "\\u003E"),
        ] {
            let text = format!("to {spelling}, now");
            let opened = opener().open(&text, false);
            assert_eq!(*opened.text, "to bob@example.com, now", "{spelling}");
            assert_eq!((opened.opened, opened.troubles.len()), (1, 0));
        }
    }

    #[test]
    fn tells_another_key_from_a_changed_token() {
        let token = token("bob@example.com");
        let other = Opener::new([&other_key()]).unwrap().open(&token, false);
        assert_eq!(other.troubles[0].kind, TroubleKind::OtherKey);
        assert_eq!(*other.text, token);
        let both = Opener::new([&other_key(), &key()]).unwrap().open(&token, false);
        assert_eq!(*both.text, "bob@example.com");
        let label = token.replace("EMAIL_ADDRESS", "PHONE_NUMBER");
        let cut = format!("{}>", &token[..token.len() - 6]);
        for changed in [label, cut] {
            let opened = opener().open(&changed, false);
            assert_eq!(opened.troubles[0].kind, TroubleKind::Changed, "{changed}");
            assert_eq!(*opened.text, changed);
        }
    }

    #[test]
    fn values_fit_into_json() {
        let text = format!("{{\"a\":\"{}\"}}", token("say \"hi\"\n"));
        assert_eq!(*opener().open(&text, true).text, r#"{"a":"say \"hi\"\n"}"#);
    }

    proptest! {
        #[test]
        fn what_stands_around_tokens_stays(
            pieces in proptest::collection::vec("[<>A-Z_0-9 \\\\u]{0,24}|\\PC{0,12}", 1..6),
            value in "\\PC{0,40}",
        ) {
            // A bracket that a token follows would be a part of no token, and the token of none.
            let pieces: Vec<String> = pieces.iter().map(|piece| format!("{piece}.")).collect();
            let text = pieces.join(&token(&value));
            let opened = opener().open(&text, false);
            prop_assert_eq!(opened.opened, pieces.len() - 1);
            prop_assert_eq!(opened.text.as_str(), pieces.join(&value));
        }

        #[test]
        fn no_change_of_a_token_goes_unnoticed(
            value in "\\PC{0,40}",
            at in any::<proptest::sample::Index>(),
            to in "[A-Z2-7]",
        ) {
            let token = token(&value);
            let start = "<EMAIL_ADDRESS_E".len();
            let at = start + at.index(token.len() - 1 - start);
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            let opened = opener().open(&changed, false);
            if changed == token {
                prop_assert_eq!(opened.text.as_str(), value.as_str());
            } else {
                prop_assert_eq!(opened.opened, 0);
                prop_assert_eq!(opened.text.as_str(), changed.as_str());
            }
        }
    }
}
