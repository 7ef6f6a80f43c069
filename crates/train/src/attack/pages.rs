//! Documents with and without planted requests.
//!
//! Whole documents of the rows are hosts. Into copies of them go requests that people make of a model,
//! and attacks, as lines or between sentences; documents that somebody wrote with something planted
//! count as they are. Letters in which people ask people for things teach that a request is nothing
//! unusual in a letter.

use std::collections::BTreeMap;

use bartizan_model::plain::plain;
use bartizan_model::segments::cut;
use bartizan_model::senses::{Lexicon, features};

use super::FOLDS;
use super::corpus::{SENSE_BITS, TABLE_BITS, fold};
use crate::letters::Letters;
use crate::linear::Features;
use crate::random::Random;
use crate::rows::Row;

/// A document.
#[derive(Debug)]
pub struct Page {
    /// The text, in even spelling.
    pub text: String,
    /// Stretches that were planted.
    pub planted: Vec<(usize, usize)>,
    /// Part of the collections that it belongs to.
    pub fold: usize,
    /// Name under which it is counted.
    pub report: String,
    /// Whether somebody wrote it for training.
    pub is_written: bool,
    /// Whether it belongs to the pool that thresholds are set by.
    pub in_pool: bool,
}

/// A line of a document, to learn from.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) features: Features,
    pub(super) fold: usize,
    pub(super) planted: bool,
    pub(super) weight: f32,
}

/// A request that can be planted.
struct Request {
    text: String,
    fold: usize,
}

/// Most hosts of one collection.
const HOSTS_MOST: usize = 900;
/// Letters that are made.
const LETTERS: usize = 1500;
/// Most lines of a document without a plant that are learned from.
const LINES_MOST: usize = 10;
/// Longest host, in bytes.
const HOST_BYTES: usize = 6000;

/// Gathers documents.
///
/// # Errors
/// When the file of letters is not well formed.
pub(super) fn gather(rows: &[Row], seed: u64) -> Result<Vec<Page>, serde_saphyr::Error> {
    let mut random = Random::new(seed ^ 0x7061_6765);
    let letters = Letters::new()?;
    let requests = requests(rows);
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut pages = Vec::new();
    for row in rows {
        let written = row.group() == "written";
        let group = format!("{} {}", if written { &row.source } else { row.group() }, row.kind);
        match (row.label.as_str(), row.kind.as_str()) {
            ("attack", "document") => pages.extend(written_page(row, &group)),
            ("benign", kind) if is_host(kind) => {
                let of_group = taken.entry(group.clone()).or_default();
                *of_group += 1;
                if *of_group > HOSTS_MOST || !(60..HOST_BYTES).contains(&row.text.len()) {
                    continue;
                }
                let from = if written { row.text.as_str() } else { row.group() };
                let host = Page {
                    text: plain(&row.text).text.into_owned(),
                    planted: Vec::new(),
                    fold: fold(from),
                    report: format!("clean {group}"),
                    is_written: written,
                    in_pool: true,
                };
                pages.extend(planted(&host, &requests, &mut random));
                pages.push(host);
            }
            _ => {}
        }
    }
    for index in 0..LETTERS {
        let host = Page {
            text: letters.make(&mut random),
            planted: Vec::new(),
            fold: index % FOLDS,
            report: "clean letters".to_owned(),
            is_written: false,
            in_pool: false,
        };
        pages.extend(planted(&host, &requests, &mut random));
        pages.push(host);
    }
    Ok(pages)
}

fn is_host(kind: &str) -> bool {
    matches!(kind, "document" | "dialogue" | "model_output" | "code" | "security_doc" | "ui_text")
}

/// A document that was written with something planted in it.
fn written_page(row: &Row, group: &str) -> Option<Page> {
    let text = plain(&row.text).text.into_owned();
    let planted: Vec<(usize, usize)> = row
        .inserted
        .iter()
        .filter_map(|part| {
            let part = plain(part).text;
            let start = text.find(part.trim())?;
            Some((start, start + part.trim().len()))
        })
        .collect();
    (!planted.is_empty()).then(|| Page {
        fold: fold(&row.text),
        planted,
        text,
        report: format!("planted {group}"),
        is_written: true,
        in_pool: false,
    })
}

fn requests(rows: &[Row]) -> Vec<Request> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut requests = Vec::new();
    for row in rows {
        let fits = (15..260).contains(&row.text.len()) && !row.text.contains('\n');
        let asks = matches!(
            (row.label.as_str(), row.kind_group()),
            ("benign", "user_prompt" | "hard_negative")
                | ("attack" | "injection", "direct" | "extraction")
        );
        let of_group = taken.entry(row.group()).or_default();
        if fits && asks && *of_group < 3000 {
            *of_group += 1;
            let from = if row.group() == "written" { row.text.as_str() } else { row.group() };
            requests.push(Request { text: plain(&row.text).text.into_owned(), fold: fold(from) });
        }
    }
    requests
}

/// A copy of a document with a request in it that the same heads have not seen.
fn planted(host: &Page, requests: &[Request], random: &mut Random) -> Option<Page> {
    let request =
        (0..20).filter_map(|_| random.pick(requests)).find(|request| request.fold == host.fold)?;
    let lines = cut(&host.text);
    let (_, at) = *random.pick(&lines)?;
    let at = if random.chance(0.15) { 0 } else { at };
    let as_line =
        random.chance(0.6) || host.text.get(..at).is_some_and(|text| text.ends_with('\n'));
    let (before, after) = if as_line { ("\n", "\n") } else { (" ", " ") };
    let text = [
        host.text.get(..at).unwrap_or_default(),
        before,
        &request.text,
        after,
        host.text.get(at..).unwrap_or_default(),
    ]
    .concat();
    let start = at + before.len();
    Some(Page {
        text,
        planted: vec![(start, start + request.text.len())],
        report: host.report.replacen("clean", "made", 1),
        in_pool: false,
        ..*host
    })
}

impl Page {
    /// Whether most of a line was planted.
    pub fn is_planted(&self, start: usize, end: usize) -> bool {
        let shared: usize = self
            .planted
            .iter()
            .map(|(from, to)| end.min(*to).saturating_sub(start.max(*from)))
            .sum();
        shared * 2 > end - start
    }
}

/// Lines to learn from.
pub(super) fn lines(pages: &[Page], lexicon: &Lexicon, seed: u64) -> Vec<Line> {
    let mut random = Random::new(seed ^ 0x6C69_6E65);
    let mut lines = Vec::new();
    for page in pages {
        let cuts = cut(&page.text);
        let clean = cuts.len().max(1);
        for (start, end) in cuts {
            let planted = page.is_planted(start, end);
            if !planted && !random.chance(LINES_MOST as f64 / clean as f64) {
                continue;
            }
            let text = page.text.get(start..end).unwrap_or_default();
            let mut hashes = Vec::new();
            features(&lexicon.senses(text), |hash| hashes.push(hash));
            let weight = match (planted, page.is_written) {
                (true, true) => 4.0,
                (true, false) => 2.0,
                (false, true) => 1.5,
                (false, false) => 1.0,
            };
            lines.push(Line {
                features: Features::new(text, TABLE_BITS)
                    .with_senses(&hashes, TABLE_BITS, SENSE_BITS),
                fold: page.fold,
                planted,
                weight,
            });
        }
    }
    lines
}
