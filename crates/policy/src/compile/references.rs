//! References to values outside the policy file: `env:NAME`, `file:PATH`, `secret:NAME` and `vault:MOUNT/PATH#FIELD`.

use std::fs::File;
use std::io::ErrorKind;

use bartizan_core::limits::read_capped;
use bartizan_core::redact::Secret;
use sha2::{Digest as _, Sha256};

use crate::SecretProblem;
use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::scalar::SecretText;
use crate::located::{Located, Place};
use crate::show;
use crate::snippet::quote;

/// Largest file that a reference may name, in bytes; tokens and certificates are far smaller.
const REFERENCE_BYTES: u64 = 64 << 10;

/// In place of a value that is not there: good as a key, as an address, and as a host.
const STAND_IN: &str = "https://stand-in.invalid/0123456789abcdef0123456789abcdef";

impl Compiler<'_, '_> {
    /// The credential that `key` refers to. A value written out is refused, and not repeated.
    pub(super) fn secret(&mut self, key: &str, given: &Located<SecretText>) -> Option<Secret> {
        let text = &given.value.0;
        let value = self.credential(key, given)?;
        // It travels in a header, where a line break or an accent would fail each request.
        if value.bytes().any(|byte| !(0x20..0x7F).contains(&byte)) {
            let message = format!("the value of {} holds more than visible ASCII", quote(text));
            let help = "check for line breaks and pasted quotes in it";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(Secret::new(value))
    }

    /// A credential of several lines.
    pub(super) fn secret_lines(
        &mut self,
        key: &str,
        given: &Located<SecretText>,
    ) -> Option<Secret> {
        self.credential(key, given).map(Secret::new)
    }

    fn credential(&mut self, key: &str, given: &Located<SecretText>) -> Option<String> {
        let text = &given.value.0;
        let Some(value) = self.reference(text, given.place) else {
            let form =
                format!("write `{key}: env:NAME`, `{key}: file:PATH` or `{key}: secret:NAME`");
            if text == show::SET {
                let message = format!("`{text}` stands for a credential that is not shown");
                self.report(Problem::new(given.place, message).help(form));
                return None;
            }
            let message = format!("`{key}` holds a credential itself");
            let help = format!("keep it out of the policy: {form}");
            self.report(Problem::new(given.place, message).help(help).secret());
            return None;
        };
        value
    }

    /// A value that may be written out or referred to.
    pub(super) fn text_or_reference(&mut self, text: &str, place: Option<Place>) -> Option<String> {
        if text.starts_with("secret:") || text.starts_with("vault:") {
            let message = "this is shown, and a secret must not be";
            self.report(Problem::new(place, message).help("write it out, or `env:NAME`"));
            return None;
        }
        match self.reference(text, place) {
            Some(value) => {
                // Another address makes another version, wherever it is written.
                self.lists.push(Sha256::digest(value.as_deref().unwrap_or_default()).into());
                value
            }
            None => Some(text.to_owned()),
        }
    }

    /// Resolves a reference. The outer `None` means that the text is none; the inner one that it
    /// leads nowhere, which was reported.
    #[expect(clippy::option_option, reason = "both cases are told apart by every caller")]
    fn reference(&mut self, text: &str, place: Option<Place>) -> Option<Option<String>> {
        if let Some(name) = text.strip_prefix("env:") {
            return Some(self.variable(name, place));
        }
        if text.starts_with("secret:") || text.starts_with("vault:") {
            return Some(self.of_store(text, place));
        }
        text.strip_prefix("file:").map(|path| self.file(path, place))
    }

    /// A value that somebody keeps.
    fn of_store(&mut self, reference: &str, place: Option<Place>) -> Option<String> {
        let found = match self.sources.secrets {
            Some(secrets) => secrets.find(reference),
            None => Err(SecretProblem {
                message: format!("{} cannot be looked up here", quote(reference)),
                help: "write `env:NAME` or `file:PATH`".to_owned(),
            }),
        };
        match found {
            Ok(value) => Some(value.expose().to_owned()),
            Err(_) if self.sources.stands_in => Some(STAND_IN.to_owned()),
            Err(SecretProblem { message, help }) => {
                self.report(Problem::new(place, message).help(help));
                None
            }
        }
    }

    fn variable(&mut self, name: &str, place: Option<Place>) -> Option<String> {
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            let message = format!("{} cannot name an environment variable", quote(name));
            let help = "write letters, digits and `_` after `env:`, such as `env:OPENAI_API_KEY`";
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        let value = (self.sources.env)(name).filter(|value| !value.is_empty());
        if value.is_none() && self.sources.stands_in {
            return Some(STAND_IN.to_owned());
        }
        if value.is_none() {
            let message = format!("the environment variable `{name}` is not set");
            let help = format!("set it (`export {name}=…`) or remove what needs it");
            self.report(Problem::new(place, message).help(help));
        }
        value
    }

    fn file(&mut self, path: &str, place: Option<Place>) -> Option<String> {
        let full = self.base_dir.join(path);
        let read = File::open(&full)
            .and_then(|file| read_capped(file, REFERENCE_BYTES))
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => format!("no such file (looked for {})", full.display()),
                other => other.to_string(),
            })
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned()));
        match read {
            Ok(text) => {
                let text = text.trim_end_matches(['\r', '\n']);
                if text.is_empty() {
                    let message = format!("the file {} is empty", quote(path));
                    self.report(Problem::new(place, message).help("put the key into it"));
                    return None;
                }
                Some(text.to_owned())
            }
            Err(_) if self.sources.stands_in => Some(STAND_IN.to_owned()),
            Err(why) => {
                let message = format!("cannot read the file {}: {why}", quote(path));
                let help = "a relative path starts at the folder of the policy file";
                self.report(Problem::new(place, message).help(help));
                None
            }
        }
    }
}
