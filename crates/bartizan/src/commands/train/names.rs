//! `bartizan train --kind names`: a tagger of names from marked rows, own sentences and harmless texts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use bartizan_model::tagger::file::encode;
use bartizan_train::digest;
use bartizan_train::names::card::card;
use bartizan_train::names::lists::Lists;
use bartizan_train::names::rows::{self, SpanRow, SpanRowError, Split};
use bartizan_train::names::{Plan, train};

use super::{Input, Made, NOT_TEXT, bytes, source};
use crate::format::usage;

/// Fewest marked rows that a tagger can be trained on.
const FEWEST: usize = 50;

pub(super) fn make(files: &[PathBuf], seed: u64, say: impl Fn(&str)) -> anyhow::Result<Made> {
    let mut sources = Vec::new();
    let mut all: Vec<SpanRow> = Vec::new();
    for input in Input::all(files) {
        let (name, bytes) = bytes(&input)?;
        let rows = rows::read(bytes.as_slice()).map_err(|error| {
            let help = match &error {
                SpanRowError::Read(_) => NOT_TEXT,
                SpanRowError::Parse { .. } => {
                    "each line is an object with `text`, and either `spans`, each with `start` and `end` in characters \
                     and `type`, or the `label` `benign`; it may have `lang`"
                }
            };
            usage(format!("`{name}`: {error}"), help)
        })?;
        say(&format!("read {} rows of {name}", rows.len()));
        sources.push(source(name, &bytes, rows.len(), BTreeMap::new()));
        all.extend(rows);
    }
    let split = Split::new(all);
    if split.marked.len() < FEWEST {
        return Err(usage(
            format!(
                "there are {} marked rows to learn from, fewer than {FEWEST}",
                split.marked.len()
            ),
            "every second row with `spans` is held out; add `crates/train/data/rows/personal-data-1.jsonl`",
        ));
    }
    let lists = Lists::load().context("the lists of names cannot be read")?;
    say(&format!(
        "training on {} marked rows and {} harmless texts, which takes a minute or two",
        split.marked.len(),
        split.harmless.len()
    ));
    let tagger = train(&lists, &split.marked, &split.harmless, Plan::default(), seed)
        .context("the weights do not fit a table")?;
    let file = encode(&tagger);
    let card = card(&tagger, &split, &sources, &digest(&file));
    Ok(Made { file, card: Some(card) })
}
