//! The card of a tagger: what it is for, what it learned from, how good it is, what it cannot do.

use std::fmt::Write as _;

use bartizan_model::tagger::{Entity, Tagger};

use super::measure::{Counts, measure};
use super::rows::Split;
use crate::card::Source;

/// Score from which a name counts, as in the guard.
const THRESHOLD: f32 = 0.5;

/// Writes the card. Its figures are about rows that the tagger has not learned from.
pub fn card(tagger: &Tagger, split: &Split, sources: &[Source], sha256: &str) -> String {
    let mut out = String::new();
    write(&mut out, tagger, split, sources, sha256).unwrap_or_default();
    out
}

fn write(
    out: &mut String,
    tagger: &Tagger,
    split: &Split,
    sources: &[Source],
    sha256: &str,
) -> std::fmt::Result {
    writeln!(out, "# Tagger of names and addresses\n")?;
    writeln!(out, "SHA-256 of the file: `{sha256}`.\n")?;
    writeln!(
        out,
        "**Intended use.** Finds names of persons, organisations and places and postal addresses, so that they can be \
         masked before a text leaves; the model behind the detectors `person-name`, `organisation-name`, `place-name` \
         and `postal-address`.\n"
    )?;
    writeln!(
        out,
        "**Not for.** Proof that a text is free of personal data, or a census of who is in it: some names are missed.\n"
    )?;
    writeln!(
        out,
        "**Limits.** It sees words, four neighbours on either side and how they are written. It cannot tell a customer \
         from a figure of history or fiction, and a name that is also a word of everyday use only by its neighbours. \
         Names of cultures that the lists lack are found less often, and so are names in lower case. English is found \
         best; Chinese, Japanese, Korean, Arabic and Hindi less well. Most of its sentences were put together by a \
         program, so that figures on such sentences would say nothing; those below are about texts written by hand.\n"
    )?;
    writeln!(
        out,
        "**How it was made.** One layer of {} votes and {} hidden units over {} rows of hashed features, in steps of one \
         byte, with {} entries of lists. Learned from sentences put together from templates and lists \
         (`crates/train/data/names`), from marked rows with other names each time, and from harmless texts, in which a \
         first tagger marked what it was sure of. All weights follow from the files below and a fixed seed, byte for \
         byte.\n",
        bartizan_model::tagger::weights::TAGS,
        bartizan_model::tagger::weights::HIDDEN,
        tagger.weights.rows().len(),
        tagger.gazetteer.entries().len(),
    )?;
    writeln!(out, "## Data\n\n| file | rows | SHA-256 |\n|---|---:|---|")?;
    for source in sources {
        writeln!(out, "| {} | {} | `{}` |", source.name, source.rows, source.sha256)?;
    }
    writeln!(
        out,
        "\nOf {} marked rows every second one was held out; {} harmless texts are learned from, those in other languages \
         than English more than once.\n",
        split.marked.len() + split.held_out.len(),
        split.harmless.len(),
    )?;
    writeln!(out, "## What is found in rows that were held out\n")?;
    writeln!(
        out,
        "At a score of {THRESHOLD}. *Exact* counts names with both ends right, *overlap* those of which a part was found.\n"
    )?;
    writeln!(
        out,
        "| what | marked | precision | recall | F1 overlap | F1 exact |\n|---|---:|---:|---:|---:|---:|"
    )?;
    let mut all = Counts::default();
    for (counts, entity) in measure(tagger, &split.held_out, THRESHOLD).iter().zip(Entity::ALL) {
        line(out, name(entity), *counts)?;
        all.join(*counts);
    }
    line(out, "all", all)
}

const fn name(entity: Entity) -> &'static str {
    match entity {
        Entity::Person => "persons",
        Entity::Organization => "organisations",
        Entity::Place => "places",
        Entity::Address => "addresses",
    }
}

fn line(out: &mut String, name: &str, counts: Counts) -> std::fmt::Result {
    writeln!(
        out,
        "| {name} | {} | {:.2} | {:.2} | {:.2} | {:.2} |",
        counts.marked,
        counts.precision(),
        counts.recall(),
        counts.overlap_f1(),
        counts.exact_f1(),
    )
}
