//! Reads `--name value` arguments for the small binaries of this crate.
//!
//! Kept by hand so that building a bench does not wait for an argument parser.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Why the arguments could not be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArgsError {
    /// A word that is no option.
    #[error("unexpected argument `{0}`")]
    Unexpected(String),
    /// An option this binary does not have.
    #[error("unknown option `--{0}`")]
    Unknown(String),
    /// An option at the end of the line that needs a value.
    #[error("option `--{0}` needs a value")]
    MissingValue(String),
    /// An option that has to be given.
    #[error("option `--{0}` is required")]
    Required(&'static str),
    /// A value that does not parse.
    #[error("option `--{name}` has an invalid value `{value}`")]
    Invalid {
        /// Name of the option.
        name: &'static str,
        /// What was given.
        value: String,
    },
}

/// Options as given, each with its values in order.
#[derive(Debug, Default)]
pub struct Args {
    values: BTreeMap<String, Vec<String>>,
}

impl Args {
    /// Sorts words into options with values and bare switches.
    ///
    /// # Errors
    /// [`ArgsError`] for a word that is neither, or an option without its value.
    pub fn parse(
        words: impl IntoIterator<Item = String>,
        options: &[&str],
        switches: &[&str],
    ) -> Result<Self, ArgsError> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(ArgsError::Unexpected(word));
            };
            let (name, inline) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            if switches.contains(&name) {
                values.entry(name.to_owned()).or_default();
            } else if options.contains(&name) {
                let value = inline
                    .or_else(|| words.next())
                    .ok_or_else(|| ArgsError::MissingValue(name.to_owned()))?;
                values.entry(name.to_owned()).or_default().push(value);
            } else {
                return Err(ArgsError::Unknown(name.to_owned()));
            }
        }
        Ok(Self { values })
    }

    /// Whether the switch was given.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Last value of an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// Every value of an option, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Last value of an option that has to be given.
    ///
    /// # Errors
    /// [`ArgsError::Required`].
    pub fn required(&self, name: &'static str) -> Result<&str, ArgsError> {
        self.get(name).ok_or(ArgsError::Required(name))
    }

    /// Last value of an option, parsed.
    ///
    /// # Errors
    /// [`ArgsError::Invalid`].
    pub fn parsed<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, ArgsError> {
        self.get(name)
            .map(|value| {
                value.parse().map_err(|_| ArgsError::Invalid { name, value: value.to_owned() })
            })
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, ArgsError> {
        Args::parse(line.split(' ').map(str::to_owned), &["port", "header"], &["stream"])
    }

    #[test]
    fn keeps_every_value_in_order() {
        let args = parse("--header a --stream --header=b --port 80").unwrap();
        assert_eq!(args.all("header").collect::<Vec<_>>(), ["a", "b"]);
        assert!(args.has("stream"));
        assert_eq!(args.parsed::<u16>("port").unwrap(), Some(80));
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(parse("--port").unwrap_err(), ArgsError::MissingValue("port".to_owned()));
        assert_eq!(parse("--prot 1").unwrap_err(), ArgsError::Unknown("prot".to_owned()));
        assert_eq!(parse("port").unwrap_err(), ArgsError::Unexpected("port".to_owned()));
        assert!(parse("--port x").unwrap().parsed::<u16>("port").is_err());
        assert_eq!(parse("--stream").unwrap().required("port"), Err(ArgsError::Required("port")));
    }
}
