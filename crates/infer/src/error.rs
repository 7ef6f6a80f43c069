//! What can go wrong with a classifier, and what to do about it.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};

/// A classifier cannot be loaded, or cannot judge a text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// There is no such folder.
    #[error("`{}` is no folder", path.display())]
    NoFolder {
        /// As given.
        path: PathBuf,
    },
    /// A file that every classifier has is not there.
    #[error("`{}` has no `{file}`", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// Name of the file.
        file: &'static str,
        /// What lies there instead, if that is known.
        instead: Option<Instead>,
    },
    /// A file cannot be read, or is larger than its cap.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `config.json` does not describe a classifier that can be run.
    #[error("`{}` does not describe a classifier that can be run: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The family of the model is not one of those that are built in.
    #[error("`{architecture}` is no architecture that is built in")]
    Architecture {
        /// What `config.json` says.
        architecture: String,
    },
    /// A label that was asked for is not one of the model's.
    #[error("the classifier has no label `{label}`, it has {}", known.join(", "))]
    Label {
        /// What was asked for.
        label: String,
        /// The model's labels.
        known: Vec<String>,
    },
    /// More tokens were asked for than the model takes.
    #[error("{asked} tokens are outside {least} to {most}, what the classifier takes at once")]
    Length {
        /// What was asked for.
        asked: usize,
        /// Least that makes sense.
        least: usize,
        /// Most that the model takes.
        most: usize,
    },
    /// `tokenizer.json` cannot be used.
    #[error("`{}` cannot be used: {reason}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The weights are not those that `config.json` describes.
    #[error("`{}` does not hold what `config.json` describes", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is missing or has another shape.
        #[source]
        source: candle_core::Error,
    },
    /// A text is longer than the cap.
    #[error("the text has more than {limit_bytes} bytes")]
    TextTooLong {
        /// The cap, in bytes.
        limit_bytes: usize,
    },
    /// The classifier failed at a text.
    #[error("the classifier failed: {reason}")]
    Failed {
        /// What it said; nothing of the text.
        reason: String,
    },
    /// The time was over before the text was judged.
    #[error("the time was over")]
    OutOfTime,
}

/// What lies in a folder in place of a file that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// Weights cut into several files.
    Shards,
    /// Weights that only a program of Python could load, and that can run code.
    Pickle,
    /// A graph.
    Onnx,
    /// The parts from which `tokenizer.json` can be made.
    SlowTokenizer,
}

impl Coded for InferError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFolder { .. } => "bartizan::infer::no-folder",
            Self::Missing { .. } => "bartizan::infer::missing",
            Self::Unreadable { .. } => "bartizan::infer::unreadable",
            Self::Config { .. } => "bartizan::infer::config",
            Self::Architecture { .. } => "bartizan::infer::architecture",
            Self::Label { .. } => "bartizan::infer::label",
            Self::Length { .. } => "bartizan::infer::length",
            Self::Tokenizer { .. } => "bartizan::infer::tokenizer",
            Self::Weights { .. } => "bartizan::infer::weights",
            Self::TextTooLong { .. } => "bartizan::infer::text-too-long",
            Self::Failed { .. } => "bartizan::infer::failed",
            Self::OutOfTime => "bartizan::infer::out-of-time",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::TextTooLong { .. } | Self::OutOfTime => Class::Limit,
            Self::Failed { .. } => Class::Internal,
            _ => Class::Usage,
        }
    }
}

impl InferError {
    /// What to do about it, in one line.
    pub fn help(&self) -> String {
        match self {
            Self::NoFolder { .. } => {
                "name the folder that holds `config.json`, `tokenizer.json` and `model.safetensors`"
                    .to_owned()
            }
            Self::Missing { instead: Some(instead), .. } => match instead {
                Instead::Shards => {
                    "put the shards into one file: load the model with `transformers` and save it \
                     with `save_pretrained(DIR, max_shard_size=\"4GB\")`"
                }
                Instead::Pickle => {
                    "pickled weights can run code and are not read: load the model with \
                     `transformers` and save it with `save_pretrained(DIR, safe_serialization=True)`"
                }
                Instead::Onnx => "graphs are not read: export the model as `model.safetensors`",
                Instead::SlowTokenizer => {
                    "make it: load the tokenizer with `AutoTokenizer.from_pretrained(DIR, \
                     use_fast=True)` and save it with `save_pretrained(DIR)`"
                }
            }
            .to_owned(),
            Self::Missing { file, .. } => {
                format!("put `{file}` of the model there; nothing is downloaded")
            }
            Self::Unreadable { .. } => "check the path, its permissions and its size".to_owned(),
            Self::Config { .. } => "use the `config.json` that came with the weights".to_owned(),
            Self::Architecture { .. } => format!(
                "use a sequence classifier of one of these: {}",
                crate::config::ARCHITECTURES.join(", ")
            ),
            Self::Label { known, .. } => format!("write `labels: [{}]`, or another of them", {
                known.last().map_or("LABEL", String::as_str)
            }),
            Self::Length { least, most, .. } => {
                format!("write `max-tokens` from {least} to {most}")
            }
            Self::Tokenizer { .. } => "use the `tokenizer.json` that came with the weights".to_owned(),
            Self::Weights { .. } => {
                "use `config.json` and `model.safetensors` of one and the same model".to_owned()
            }
            Self::TextTooLong { .. } => "ask about a shorter text".to_owned(),
            Self::Failed { .. } => "run `bartizan doctor`, which runs the model once".to_owned(),
            Self::OutOfTime => "raise `budget`, or use a smaller model".to_owned(),
        }
    }
}
