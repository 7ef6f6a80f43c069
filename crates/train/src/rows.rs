//! Labelled texts.

use std::io::BufRead;

use serde::Deserialize;

/// One labelled text.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Row {
    /// The text.
    pub text: String,
    /// What it is: `benign`, or a kind of attack.
    pub label: String,
    /// Variety within the label.
    #[serde(default)]
    pub kind: String,
    /// Where it comes from.
    #[serde(default)]
    pub source: String,
    /// Language, as an ISO 639-1 code.
    #[serde(default)]
    pub lang: String,
    /// Licence of the text.
    #[serde(default)]
    pub lic: String,
    /// Finer variety.
    #[serde(default)]
    pub family: String,
    /// Parts of the text that were planted.
    #[serde(default)]
    pub inserted: Vec<String>,
}

/// A file of rows that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The file cannot be read.
    #[error("the rows cannot be read")]
    Read(#[from] std::io::Error),
    /// A line is no row.
    #[error("line {line} is no row")]
    Parse {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl Row {
    /// The collection that the row belongs to: its source up to the first colon.
    pub fn group(&self) -> &str {
        self.source.split(':').next().unwrap_or_default()
    }

    /// The kind without its variety.
    pub fn kind_group(&self) -> &str {
        self.kind.split(':').next().unwrap_or_default()
    }
}

/// Reads JSON Lines; empty lines are left out.
///
/// # Errors
/// [`RowError`] for what cannot be read or is no row.
pub fn read(from: impl BufRead) -> Result<Vec<Row>, RowError> {
    let mut rows = Vec::new();
    for (index, line) in from.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let parsed = serde_json::from_str(&line);
        rows.push(parsed.map_err(|source| RowError::Parse { line: index + 1, source })?);
    }
    Ok(rows)
}
