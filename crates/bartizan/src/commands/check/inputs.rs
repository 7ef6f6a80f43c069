//! What is scanned: files and standard input, each with its own error boundary.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bartizan_core::limits::{CHECK_LINE_BYTES, read_capped};

use crate::format::io_help;

/// A file or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Input {
    Standard,
    File(PathBuf),
}

/// Why an input was not read, and what to do.
#[derive(Debug)]
pub(in crate::commands) struct Unreadable {
    pub(in crate::commands) reason: String,
    pub(in crate::commands) help: Option<String>,
}

impl Input {
    /// The inputs that the arguments name; standard input when they name none.
    pub(in crate::commands) fn all(files: &[PathBuf]) -> Vec<Self> {
        if files.is_empty() {
            return vec![Self::Standard];
        }
        let input = |file: &PathBuf| match file {
            dash if dash == Path::new("-") => Self::Standard,
            file => Self::File(file.clone()),
        };
        files.iter().map(input).collect()
    }

    /// The name in reports; standard input is `-`.
    pub(in crate::commands) fn name(&self) -> String {
        match self {
            Self::Standard => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The folder, when it is one.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) if path.is_dir() => Some(path.clone()),
            Self::File(_) | Self::Standard => None,
        }
    }

    pub(in crate::commands) fn open(&self) -> Result<Box<dyn Read>, Unreadable> {
        match self {
            Self::Standard => Ok(Box::new(io::stdin().lock())),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(self.failed("open", &error)),
            },
        }
    }

    /// The whole text.
    pub(in crate::commands) fn text(&self) -> Result<String, Unreadable> {
        let bytes = read_capped(self.open()?, CHECK_LINE_BYTES as u64)
            .map_err(|error| self.failed("read", &error))?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Unreadable {
                reason: format!("{} is not UTF-8: byte {at} begins no character", self.shown()),
                help: Some(
                    "convert it first, for example with `iconv -f latin1 -t utf-8`".to_owned(),
                ),
            }
        })
    }

    /// What the system says about this input.
    pub(in crate::commands) fn failed(&self, verb: &str, error: &io::Error) -> Unreadable {
        let help = match error.kind() {
            io::ErrorKind::FileTooLarge => {
                Some("cut it into smaller files, or give one text per line with `--format jsonl`")
            }
            kind => io_help(kind),
        };
        Unreadable {
            reason: format!("cannot {verb} {}: {error}", self.shown()),
            help: help.map(str::to_owned),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Standard => "standard input".to_owned(),
            Self::File(path) => format!("`{}`", path.display()),
        }
    }
}
