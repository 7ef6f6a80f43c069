//! Texts as windows of tokens.

use std::path::Path;

use bartizan_core::limits::CLASSIFIER_TOKENIZER_BYTES;
use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;

use crate::error::InferError;
use crate::folder;

/// How much of a window the next one reads again, as a share of it: an attack that is cut in two is
/// whole in one of them if it is no longer than this.
const OVERLAP: usize = 4;
/// How many times longer replacements may make a text. Those of models put three bytes in place of a blank.
const MOST_GROWTH: usize = 64;

/// Cuts texts into windows of tokens.
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    /// Most tokens of a window, special ones included.
    most: usize,
    vocabulary: usize,
}

/// The part of a `tokenizer.json` that can make a text longer.
#[derive(Deserialize)]
struct TokenizerFile {
    #[serde(default)]
    normalizer: Value,
}

/// At most how many times longer a normaliser makes a text.
fn growth(normalizer: &Value) -> usize {
    let text = |at: &Value| at.as_str().map_or(0, str::len);
    let pattern = &normalizer["pattern"];
    let own = match normalizer["type"].as_str() {
        // What is found may be empty, so that something is put between all bytes.
        Some("Replace") if pattern["String"].as_str().is_none_or(str::is_empty) => {
            text(&normalizer["content"]) + 1
        }
        Some("Replace") => text(&normalizer["content"]).div_ceil(text(&pattern["String"])),
        Some("Prepend") => text(&normalizer["prepend"]),
        _ => 1,
    };
    let inner = normalizer["normalizers"].as_array().map(Vec::as_slice).unwrap_or_default();
    inner.iter().map(growth).fold(own.max(1), usize::saturating_mul)
}

impl Tokens {
    /// Reads a `tokenizer.json`; windows have at most `most` tokens, special ones included.
    pub(crate) fn load(path: &Path, most: usize, vocabulary: usize) -> Result<Self, InferError> {
        let wrong = |reason: String| InferError::Tokenizer { path: path.to_owned(), reason };
        let bytes = folder::read(path, CLASSIFIER_TOKENIZER_BYTES)?;
        let file: TokenizerFile =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if growth(&file.normalizer) > MOST_GROWTH {
            return Err(wrong("its replacements make texts too long".to_owned()));
        }
        let mut tokenizer =
            Tokenizer::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
        // A `[SEP]` that somebody wrote is text and does not end the text for the model.
        tokenizer.set_encode_special_tokens(true);
        tokenizer.with_padding(None);
        // Windows are cut here: cutting is where tokenizers differ from version to version.
        tokenizer.with_truncation(None).map_err(|error| wrong(error.to_string()))?;
        let special = tokenizer.encode_fast("", true).map_err(|error| wrong(error.to_string()))?;
        if special.len() + OVERLAP > most {
            return Err(wrong(format!("it adds {} tokens to every text", special.len())));
        }
        Ok(Self { tokenizer, most, vocabulary })
    }

    /// The windows of a text, at least one; each with its special tokens.
    pub(crate) fn windows(&self, text: &str) -> Result<Vec<Vec<u32>>, InferError> {
        let failed = |reason: &str| InferError::Failed { reason: reason.to_owned() };
        // What the tokenizer says may quote the text.
        let whole = self.tokenizer.encode_fast(text, true);
        let whole = whole.map_err(|_| failed("the tokenizer failed"))?;
        let ids = whole.get_ids();
        if ids.iter().any(|id| *id as usize >= self.vocabulary) {
            return Err(failed("the tokenizer knows words that the network does not"));
        }
        let special = whole.get_special_tokens_mask();
        let first = special.iter().take_while(|mask| **mask == 1).count();
        let last = special.iter().skip(first).rev().take_while(|mask| **mask == 1).count();
        let (first, rest) = ids.split_at_checked(first).unwrap_or_default();
        let (words, last) = rest.split_at_checked(rest.len() - last).unwrap_or_default();
        let room = self.most.checked_sub(first.len() + last.len()).filter(|room| *room >= OVERLAP);
        let room = room.ok_or_else(|| failed("the special tokens leave no room"))?;
        let mut windows = Vec::new();
        let mut from = 0;
        loop {
            let to = (from + room).min(words.len());
            let window = words.get(from..to).unwrap_or_default();
            windows.push([first, window, last].concat());
            if to == words.len() {
                return Ok(windows);
            }
            from += room - room / OVERLAP;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_grow_by_each_other() {
        let of = |text: &str| growth(&serde_json::from_str(text).unwrap());
        assert_eq!(of("null"), 1);
        let blank = r#"{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}"#;
        let many = r#"{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"\u2581"}"#;
        assert_eq!((of(blank), of(many)), (3, 4));
        let both = format!(r#"{{"type":"Sequence","normalizers":[{blank},{many},{blank}]}}"#);
        assert_eq!(of(&both), 36);
        let shorter = r#"{"type":"Replace","pattern":{"String":"``"},"content":"'"}"#;
        assert_eq!(of(shorter), 1);
    }
}
