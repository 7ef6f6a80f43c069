//! Checkpoints: how large a log is and what its root is, as a note says it (C2SP tlog-checkpoint).

use std::fmt;
use std::str::FromStr;

use crate::merkle::Hash;

/// Size and root of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log; by convention a URL without its scheme.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Further lines, for others to understand.
    pub extensions: Vec<String>,
}

/// A checkpoint is three lines: the log, its size and its root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no checkpoint: {what}")]
pub struct CheckpointError {
    what: &'static str,
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let wrong = |what| CheckpointError { what };
        let text = text.strip_suffix('\n').ok_or(wrong("the last line has no end"))?;
        let mut lines = text.split('\n');
        let mut line = |what| lines.next().filter(|line| !line.is_empty()).ok_or(wrong(what));
        let origin = line("the first line names no log")?.to_owned();
        let size = line("the second line is no size")?;
        let size = parse_number(size).ok_or(wrong("the second line is no size"))?;
        let root = line("the third line is no root")?;
        let root = root.parse().map_err(|_| wrong("the third line is no root"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(wrong("a line is empty"));
        }
        Ok(Self { origin, size, root, extensions })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A decimal number without leading zeros or signs.
pub(crate) fn parse_number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    if plain && !leading_zero { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            format!("example.com/log\n0\n{EMPTY}\n"),
            format!("a log\n18446744073709551615\n{EMPTY}\nmore\nand more\n"),
        ] {
            let checkpoint: Checkpoint = text.parse().unwrap();
            assert_eq!(checkpoint.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_could_be_written_in_two_ways() {
        for text in [
            format!("log\n01\n{EMPTY}\n"),
            format!("log\n+1\n{EMPTY}\n"),
            format!("log\n18446744073709551616\n{EMPTY}\n"),
            format!("\n1\n{EMPTY}\n"),
            format!("log\n1\n{EMPTY}"),
            format!("log\n1\n{EMPTY}\n\n"),
            format!("log\n1\n{}\n", EMPTY.trim_end_matches('=')),
            "log\n1\n".to_owned(),
            String::new(),
        ] {
            assert!(text.parse::<Checkpoint>().is_err(), "{text:?}");
        }
    }
}
