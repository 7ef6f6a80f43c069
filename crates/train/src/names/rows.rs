//! Rows that people marked, and harmless texts in which nobody did.

use std::io::BufRead;

use bartizan_model::tagger::Entity;
use serde::Deserialize;

use super::Harmless;
use super::made::Maker;
use super::sample::{Case, Marked, Piece, Sample};

/// A text with marked stretches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SpanRow {
    /// The text.
    pub text: String,
    /// What is marked, by place; absent when nobody looked.
    pub spans: Option<Vec<SpanMark>>,
    /// What the text is, when nobody marked it: only `benign` is learned from.
    #[serde(default)]
    pub label: String,
    /// Language, as an ISO 639-1 code.
    #[serde(default)]
    pub lang: String,
    /// Variety.
    #[serde(default)]
    pub family: String,
}

/// A marked stretch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SpanMark {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// What it is: `PERSON`, `ORGANIZATION`, `LOCATION`, `ADDRESS` or something else.
    #[serde(rename = "type")]
    pub label: String,
}

/// A line that is no row.
#[derive(Debug, thiserror::Error)]
pub enum SpanRowError {
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

/// Reads JSON Lines; empty lines are left out.
///
/// # Errors
/// [`SpanRowError`] for what cannot be read or is no row.
pub fn read(from: impl BufRead) -> Result<Vec<SpanRow>, SpanRowError> {
    let mut rows = Vec::new();
    for (index, line) in from.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let parsed = serde_json::from_str(&line);
        rows.push(parsed.map_err(|source| SpanRowError::Parse { line: index + 1, source })?);
    }
    Ok(rows)
}

/// What a label stands for; `None` for what the tagger does not look for.
pub fn entity(label: &str) -> Option<Entity> {
    Some(match label {
        "PERSON" => Entity::Person,
        "ORGANIZATION" => Entity::Organization,
        "LOCATION" => Entity::Place,
        "ADDRESS" => Entity::Address,
        _ => return None,
    })
}

/// Characters of a harmless text that are learned from.
const HARMLESS_CHARS: usize = 1200;
/// How often a harmless text in another language than English counts: there are far fewer.
const FOREIGN: usize = 4;

/// Rows by what they are good for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// Marked rows to learn from: the first, third, fifth and so on.
    pub marked: Vec<SpanRow>,
    /// Marked rows that are only measured: the second, fourth and so on.
    pub held_out: Vec<SpanRow>,
    /// Harmless texts in which nobody marked names.
    pub harmless: Vec<Harmless>,
}

impl Split {
    /// Splits rows in the order in which they come. Rows that are neither marked nor harmless are left
    /// out.
    pub fn new(rows: impl IntoIterator<Item = SpanRow>) -> Self {
        let mut split = Self::default();
        let mut number = 0;
        for row in rows {
            if row.spans.is_some() {
                number += 1;
                if number % 2 == 1 { &mut split.marked } else { &mut split.held_out }.push(row);
            } else if row.label == "benign" {
                let text: String = row.text.chars().take(HARMLESS_CHARS).collect();
                let times = if matches!(row.lang.as_str(), "en" | "") { 1 } else { FOREIGN };
                let harmless = Harmless { text, language: row.lang };
                split.harmless.extend(std::iter::repeat_n(harmless, times));
            }
        }
        split
    }
}

impl SpanRow {
    /// The row as a sample, in bytes. Marks that lie outside of the text or overlap are left out.
    pub fn sample(&self) -> Sample {
        let places: Vec<usize> =
            self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]).collect();
        let mut marked: Vec<Marked> = self
            .spans
            .iter()
            .flatten()
            .filter_map(|mark| {
                let (start, end) = (*places.get(mark.start)?, *places.get(mark.end)?);
                (start < end).then_some(Marked { start, end, entity: entity(&mark.label)? })
            })
            .collect();
        marked.sort_by_key(|mark| mark.start);
        let mut reached = 0;
        marked.retain(|mark| {
            let keeps = mark.start >= reached;
            if keeps {
                reached = mark.end;
            }
            keeps
        });
        Sample { text: self.text.clone(), marked }
    }
}

impl Maker<'_> {
    /// The row again, with most names in it replaced by others that look alike.
    pub fn vary(&mut self, row: &SpanRow) -> Sample {
        let pieces: Vec<Piece> = row
            .sample()
            .pieces()
            .into_iter()
            .map(|piece| match piece.entity {
                Some(entity) if self.chance(0.75) => self.like(&piece.text, entity, &row.lang),
                _ => piece,
            })
            .collect();
        let case = match self.random.below(100) {
            0..=5 => Case::Lower,
            6..=8 => Case::Upper,
            _ => Case::Kept,
        };
        Sample::new(&pieces, case)
    }

    /// A harmless text with most of the names that were found in it replaced by others.
    pub(super) fn vary_guessed(&mut self, sample: &Sample, language: &str) -> Sample {
        let pieces: Vec<Piece> = sample
            .pieces()
            .into_iter()
            .map(|piece| match piece.entity {
                Some(entity) if self.chance(0.6) => self.like(&piece.text, entity, language),
                _ => piece,
            })
            .collect();
        let case = if self.chance(0.08) { Case::Lower } else { Case::Kept };
        Sample::new(&pieces, case)
    }

    fn like(&mut self, old: &str, entity: Entity, language: &str) -> Piece {
        let is_word = !old.contains([' ', '\n', ',', '/']);
        let mut new = match entity {
            Entity::Person if is_word && !matches!(language, "zh" | "ja" | "ko") => {
                if self.chance(0.6) { self.given(language) } else { self.surname(language) }
            }
            Entity::Person => self.person(language),
            Entity::Organization => self.organization(language),
            Entity::Place => self.place(language),
            Entity::Address if old.chars().filter(char::is_ascii_digit).count() <= 3 => {
                self.street(language)
            }
            Entity::Address => self.address(language),
        };
        if !old.contains('\n') {
            new.text = new.text.replace('\n', ", ");
        }
        if old.chars().any(char::is_alphabetic) {
            if old == old.to_lowercase() && old != old.to_uppercase() {
                new.text = new.text.to_lowercase();
            } else if old == old.to_uppercase() && old.len() > 3 && old != old.to_lowercase() {
                new.text = new.text.to_uppercase();
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_bytes_and_overlaps_go() {
        let line = r#"{"text":"é Bob é","spans":[{"start":2,"end":5,"type":"PERSON"},{"start":3,"end":5,"type":"LOCATION"},{"start":0,"end":99,"type":"PERSON"},{"start":0,"end":1,"type":"PHONE"}],"lang":"en","family":"chat"}"#;
        let rows = read(line.as_bytes()).unwrap();
        let sample = rows[0].sample();
        assert_eq!(sample.marked, [Marked { start: 3, end: 6, entity: Entity::Person }]);
        assert!(matches!(read("{}\n[".as_bytes()), Err(SpanRowError::Parse { line: 1, .. })));
    }
}
