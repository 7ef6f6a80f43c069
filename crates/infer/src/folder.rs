//! The folder of a classifier: which files it has, read within caps.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bartizan_core::limits::{
    CLASSIFIER_CONFIG_BYTES, CLASSIFIER_TOKENIZER_BYTES, CLASSIFIER_WEIGHTS_BYTES, read_capped,
};

use crate::classifier::Options;
use crate::config::Config;
use crate::error::{InferError, Instead};

/// What a network is made of.
pub(crate) const CONFIG: &str = "config.json";
/// How texts become tokens.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// The numbers.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// Checks a folder and what is asked of it, without reading the weights: the files are there and no
/// larger than may be, the architecture is known, the labels exist, the length fits.
///
/// # Errors
/// What [`crate::Classifier::load`] would say, as far as it can be told without weights.
pub fn inspect(path: &Path, options: &Options) -> Result<(), InferError> {
    check(path, options).map(|_| ())
}

/// Checks a folder and gives its description.
pub(crate) fn check(path: &Path, options: &Options) -> Result<Config, InferError> {
    if !path.is_dir() {
        return Err(InferError::NoFolder { path: path.to_owned() });
    }
    for (file, cap) in [
        (CONFIG, CLASSIFIER_CONFIG_BYTES),
        (TOKENIZER, CLASSIFIER_TOKENIZER_BYTES),
        (WEIGHTS, CLASSIFIER_WEIGHTS_BYTES),
    ] {
        present(path, file, cap)?;
    }
    let config = path.join(CONFIG);
    let config = Config::read(&read(&config, CLASSIFIER_CONFIG_BYTES)?, &config)?;
    options.check(&config)?;
    Ok(config)
}

/// Reads a file of at most `cap` bytes.
pub(crate) fn read(path: &Path, cap: u64) -> Result<Vec<u8>, InferError> {
    let unreadable = |source| InferError::Unreadable { path: path.to_owned(), source };
    File::open(path).and_then(|file| read_capped(file, cap)).map_err(unreadable)
}

fn present(folder: &Path, file: &'static str, cap: u64) -> Result<(), InferError> {
    let path = folder.join(file);
    let unreadable = |path: PathBuf, source| Err(InferError::Unreadable { path, source });
    match std::fs::metadata(&path) {
        Ok(found) if !found.is_file() => {
            unreadable(path, io::Error::new(io::ErrorKind::InvalidInput, "it is no file"))
        }
        Ok(found) if found.len() > cap => unreadable(
            path,
            io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {cap} bytes")),
        ),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(InferError::Missing {
            path: folder.to_owned(),
            file,
            instead: instead(folder, file),
        }),
        Err(error) => unreadable(path, error),
    }
}

/// What lies in the folder in place of a missing file.
fn instead(folder: &Path, file: &str) -> Option<Instead> {
    let known: &[(&str, Instead)] = match file {
        WEIGHTS => &[
            ("model.safetensors.index.json", Instead::Shards),
            ("pytorch_model.bin", Instead::Pickle),
            ("pytorch_model.bin.index.json", Instead::Pickle),
            ("model.onnx", Instead::Onnx),
            ("onnx", Instead::Onnx),
        ],
        TOKENIZER => &[
            ("vocab.txt", Instead::SlowTokenizer),
            ("spm.model", Instead::SlowTokenizer),
            ("sentencepiece.bpe.model", Instead::SlowTokenizer),
            ("vocab.json", Instead::SlowTokenizer),
        ],
        _ => &[],
    };
    known.iter().find(|(name, _)| folder.join(name).exists()).map(|(_, instead)| *instead)
}
