//! The card of the model of unsafe content.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bartizan_model::content::HEADS;

use super::{Corpus, NAMES, Trained};
use crate::card::{Source, data};

/// Shares of harmless texts at which recall is told.
const SHARES: [(f64, &str); 3] = [(0.02, "2 %"), (0.01, "1 %"), (0.005, "0.5 %")];
/// Fewest texts of a collection that a line is worth.
const FEWEST: usize = 20;

/// Writes the card.
///
/// Every figure in it is about texts whose collection the judging heads had not seen.
pub fn card(corpus: &Corpus, trained: &Trained, sources: &[Source], model_sha256: &str) -> String {
    let mut out = String::new();
    write(&mut out, corpus, trained, sources, model_sha256).unwrap_or_default();
    out
}

fn write(
    out: &mut String,
    corpus: &Corpus,
    trained: &Trained,
    sources: &[Source],
    model_sha256: &str,
) -> std::fmt::Result {
    writeln!(out, "# Model of unsafe content\n")?;
    writeln!(out, "SHA-256 of the file: `{model_sha256}`.\n")?;
    writeln!(
        out,
        "**Intended use.** Scores sentences of prompts and answers in eight categories; the numbers behind `hate`, \
         `harassment`, `violence`, `sexual`, `sexual-minors`, `self-harm`, `dangerous` and `profanity`. Thresholds per \
         category belong in policy, and what is flagged belongs before people.\n"
    )?;
    writeln!(
        out,
        "**Not for.** Judging people, measuring risk of suicide, or deciding alone where a mistake does harm.\n"
    )?;
    writeln!(
        out,
        "**Limits.** It sees words, not meaning. Irony, coded language and polite malice pass; quotations, reports, \
         reclaimed words and fiction are flagged more often than other harmless text. Most texts that it learned from are English \
         posts and prompts of a few sentences. Bias: texts that name groups are flagged more often than others, most of all \
         where the collection of tweets and machine-made statements about groups was the only source.\n"
    )?;
    writeln!(
        out,
        "**How it was made.** Seven linear heads over hashed n-grams and over what words are about; `sexual-minors` follows \
         from `sexual` and words for children. All weights follow from the rows below and a fixed seed, byte for byte. \
         Collections are dealt into four parts; the scales and every figure here come from scores of texts whose part the \
         heads had not seen.\n"
    )?;
    data(out, sources)?;
    found(out, corpus, trained)?;
    flagged(out, corpus, trained)
}

/// Scores of the pool by head, rising.
fn pool(corpus: &Corpus, trained: &Trained) -> Vec<Vec<f32>> {
    let of_head = |head: usize| {
        let pairs = corpus.items.iter().zip(&trained.unseen);
        let mut scores: Vec<f32> = pairs
            .filter(|(item, _)| item.in_pool)
            .filter_map(|(_, scores)| scores.get(head).copied())
            .collect();
        scores.sort_by(f32::total_cmp);
        scores
    };
    (0..HEADS).map(of_head).collect()
}

fn at(pool: &[f32], share: f64) -> f32 {
    let rank = (pool.len() as f64 * (1.0 - share)) as usize;
    pool.get(rank.min(pool.len().saturating_sub(1))).copied().unwrap_or(f32::INFINITY)
}

fn found(out: &mut String, corpus: &Corpus, trained: &Trained) -> std::fmt::Result {
    let pool = pool(corpus, trained);
    let mut lines: BTreeMap<(usize, &str), Vec<f32>> = BTreeMap::new();
    for (item, scores) in corpus.items.iter().zip(&trained.unseen) {
        for head in item.positive_heads() {
            lines.entry((head, &item.report)).or_default().extend(scores.get(head));
        }
    }
    writeln!(out, "## Found\n")?;
    writeln!(
        out,
        "Against {} harmless texts of the pool: area under the curve, and share found in % where so many harmless texts score \
         as high.\n",
        pool.first().map_or(0, Vec::len)
    )?;
    let shares: Vec<&str> = SHARES.iter().map(|(_, name)| *name).collect();
    writeln!(out, "| category | collection | rows | AUC | {} |", shares.join(" | "))?;
    writeln!(out, "|---|---|---:|---:|{}", "---:|".repeat(SHARES.len()))?;
    for ((head, report), scores) in lines.iter().filter(|(_, scores)| scores.len() >= FEWEST) {
        let (Some(pool), Some(name)) = (pool.get(*head), NAMES.get(*head)) else { continue };
        let below = |score: &f32| {
            let lower = pool.partition_point(|other| other < score);
            let upper = pool.partition_point(|other| other <= score);
            (lower + upper) as f64 / 2.0 / pool.len().max(1) as f64
        };
        let area = scores.iter().map(below).sum::<f64>() / scores.len() as f64;
        let recall = |share: f64| {
            let bound = at(pool, share);
            let found = scores.iter().filter(|score| **score > bound).count();
            format!("{:.1}", found as f64 * 100.0 / scores.len() as f64)
        };
        let recalls: Vec<String> = SHARES.iter().map(|(share, _)| recall(*share)).collect();
        let rows = scores.len();
        writeln!(out, "| {name} | {report} | {rows} | {area:.3} | {} |", recalls.join(" | "))?;
    }
    writeln!(out)
}

fn flagged(out: &mut String, corpus: &Corpus, trained: &Trained) -> std::fmt::Result {
    let bounds: Vec<f32> = pool(corpus, trained).iter().map(|pool| at(pool, 0.005)).collect();
    let mut lines: BTreeMap<&str, (usize, [usize; HEADS])> = BTreeMap::new();
    for (item, scores) in
        corpus.items.iter().zip(&trained.unseen).filter(|(item, _)| item.is_harmless())
    {
        for name in [item.report.as_str(), "all"] {
            let (rows, flagged) = lines.entry(name).or_default();
            *rows += 1;
            for ((flagged, score), bound) in flagged.iter_mut().zip(scores).zip(&bounds) {
                *flagged += usize::from(score > bound);
            }
        }
    }
    writeln!(out, "## Harmless texts flagged\n")?;
    writeln!(out, "Share in % at the point of 0.5 %, by category.\n")?;
    writeln!(out, "| collection | rows | {} |", NAMES.join(" | "))?;
    writeln!(out, "|---|---:|{}", "---:|".repeat(HEADS))?;
    for (name, (rows, flagged)) in lines.iter().filter(|(_, (rows, _))| *rows >= FEWEST) {
        let share = |part: &usize| format!("{:.1}", *part as f64 * 100.0 / *rows as f64);
        let shares: Vec<String> = flagged.iter().map(share).collect();
        writeln!(out, "| {name} | {rows} | {} |", shares.join(" | "))?;
    }
    writeln!(out)
}
