//! The card of a model: what it is for, what it learned from, how good it is, what it cannot do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::attack::{Class, Corpus, Item, Trained};

/// A file of rows.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, without the folder.
    pub name: String,
    /// Digest of its content, in hexadecimal.
    pub sha256: String,
    /// Rows in it.
    pub rows: usize,
    /// Rows by licence.
    pub licences: BTreeMap<String, usize>,
}

/// Rarities at which recall is told, with the share of harmless texts that each stands for.
const POINTS: [(f32, &str); 4] = [(1.699, "2 %"), (2.0, "1 %"), (2.301, "0.5 %"), (3.0, "0.1 %")];
/// Fewest texts of a collection that a line is worth.
const FEWEST: usize = 8;

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
    writeln!(out, "# Model of attacks on language models\n")?;
    writeln!(out, "SHA-256 of the file: `{model_sha256}`.\n")?;
    writeln!(
        out,
        "**Intended use.** Scores prompts of users, documents and results of tools by how much they look like an attack \
         on the model that reads them; the numbers behind the detectors `prompt-attack` and `adversarial-suffix`. One \
         signal among others: block at a measured operating point, and read what is flagged.\n"
    )?;
    writeln!(
        out,
        "**Not for.** Judging people, answers of models or system prompts; deciding alone where a mistake does harm.\n"
    )?;
    writeln!(
        out,
        "**Limits.** It sees likeness, not meaning. Polite attacks in everyday words pass; harmless texts full of the \
         words of attacks may be flagged. Languages other than English are found less often. Texts made by one author \
         are easier to tell apart than those of many.\n"
    )?;
    writeln!(
        out,
        "**How it was made.** Four linear heads over hashed n-grams and one over senses of words, joined by boosted \
         trees; all weights follow from the rows below and a fixed seed, byte for byte. Collections are dealt into four \
         parts; what joins the heads, and every figure here, comes from scores of texts whose part the heads had not \
         seen.\n"
    )?;
    data(out, sources)?;
    writeln!(
        out,
        "Besides, phrases of {} languages and frames of persuasion make rows (`crates/train/data`), \
         harmless ones as much as attacks.\n",
        crate::grammar::languages()
    )?;
    table(out, "Attacks found", corpus, trained, |item| item.class.is_attack())?;
    table(out, "Harmless texts flagged", corpus, trained, |item| item.in_pool)?;
    table(
        out,
        "Role and system prompts flagged as if a user wrote them",
        corpus,
        trained,
        |item| item.class == Class::Role,
    )?;
    pages(out, corpus, trained)
}

/// Documents by their collection: with a request planted by a generator, by a writer, and clean.
fn pages(out: &mut String, corpus: &Corpus, trained: &Trained) -> std::fmt::Result {
    let mut lines: BTreeMap<&str, (usize, [usize; POINTS.len()])> = BTreeMap::new();
    for (page, [planted, _]) in corpus.pages.iter().zip(&trained.unseen_pages) {
        let kind = page.report.split(' ').next().unwrap_or_default();
        for name in [page.report.as_str(), kind] {
            let (pages, found) = lines.entry(name).or_default();
            *pages += 1;
            for (found, (rarity, _)) in found.iter_mut().zip(POINTS) {
                *found += usize::from(*planted >= rarity);
            }
        }
    }
    writeln!(out, "## Documents with a planted request, and clean ones\n")?;
    writeln!(
        out,
        "`made` are clean documents in which a generator put a request, `planted` were written with one. Share flagged by \
         `planted-request` at the operating points, in %.\n"
    )?;
    let points: Vec<&str> = POINTS.iter().map(|(_, share)| *share).collect();
    writeln!(out, "| collection | documents | {} |", points.join(" | "))?;
    writeln!(out, "|---|---:|{}", "---:|".repeat(POINTS.len()))?;
    for (name, (pages, found)) in lines.iter().filter(|(_, (pages, _))| *pages >= 40) {
        let share = |part: &usize| format!("{:.1}", *part as f64 * 100.0 / *pages as f64);
        let shares: Vec<String> = found.iter().map(share).collect();
        writeln!(out, "| {name} | {pages} | {} |", shares.join(" | "))?;
    }
    writeln!(out)
}

/// The section about the files that a model learned from.
pub(crate) fn data(out: &mut String, sources: &[Source]) -> std::fmt::Result {
    writeln!(out, "## Data\n")?;
    writeln!(out, "| file | rows | SHA-256 |\n|---|---:|---|")?;
    for source in sources {
        writeln!(out, "| {} | {} | `{}` |", source.name, source.rows, source.sha256)?;
    }
    let mut licences: BTreeMap<&str, usize> = BTreeMap::new();
    for (licence, rows) in sources.iter().flat_map(|source| &source.licences) {
        *licences.entry(licence).or_default() += rows;
    }
    let licences: Vec<String> =
        licences.iter().map(|(licence, rows)| format!("{licence} {rows}")).collect();
    writeln!(out, "\nRows by licence: {}.\n", licences.join(", "))
}

fn table(
    out: &mut String,
    title: &str,
    corpus: &Corpus,
    trained: &Trained,
    counts: impl Fn(&Item) -> bool,
) -> std::fmt::Result {
    let mut lines: BTreeMap<&str, (usize, [usize; POINTS.len()], usize)> = BTreeMap::new();
    let scores = trained.unseen.iter().zip(&trained.unseen_noise);
    for (item, (attack, noise)) in corpus.items.iter().zip(scores).filter(|(item, _)| counts(item))
    {
        for name in [item.report.as_str(), "all"] {
            let (rows, found, noisy) = lines.entry(name).or_default();
            *rows += 1;
            for (found, (rarity, _)) in found.iter_mut().zip(POINTS) {
                *found += usize::from(*attack >= rarity);
            }
            *noisy += usize::from(*noise >= POINTS[2].0);
        }
    }
    writeln!(out, "## {title}\n")?;
    let points: Vec<&str> = POINTS.iter().map(|(_, share)| *share).collect();
    writeln!(
        out,
        "Share of each collection at the operating points, in %, by the share of harmless texts that score as high.\n"
    )?;
    writeln!(out, "| collection | rows | {} | gibberish at 0.5 % |", points.join(" | "))?;
    writeln!(out, "|---|---:|{}", "---:|".repeat(POINTS.len() + 1))?;
    let mut others: (usize, [usize; POINTS.len()], usize) = Default::default();
    let mut line = |name: &str, rows: usize, found: &[usize], noisy: usize| {
        let share = |part: usize| part as f64 * 100.0 / rows.max(1) as f64;
        let shares: Vec<String> =
            found.iter().chain([&noisy]).map(|part| format!("{:.1}", share(*part))).collect();
        writeln!(out, "| {name} | {rows} | {} |", shares.join(" | "))
    };
    for (name, (rows, found, noisy)) in &lines {
        if *rows >= FEWEST {
            line(name, *rows, found, *noisy)?;
        } else {
            others.0 += rows;
            for (mine, theirs) in others.1.iter_mut().zip(found) {
                *mine += theirs;
            }
            others.2 += noisy;
        }
    }
    if others.0 > 0 {
        line("collections of fewer rows", others.0, &others.1, others.2)?;
    }
    writeln!(out)
}
