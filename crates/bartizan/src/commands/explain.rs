//! `bartizan explain`: what a detector finds, why it matters, and what it cannot see; what an error
//! code means, and what to do.

use std::borrow::Cow;
use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::Category;
use bartizan_core::catalog::Meta;
use bartizan_guard::detectors;

use crate::cli::ExplainArgs;
use crate::format::usage;

/// Detectors, and their categories, that are not in the catalogue.
const POLICY_MADE: [&str; 5] = ["keyword", "pattern", "topic", "off-topic", "oversize"];
/// Where they come from.
const POLICY_MADE_FROM: &str = "made from the policy by `detect: keywords`, `patterns`, `topics` or \
    `size`; see docs/reference/policy.md";
/// The reference of error codes, one table row per code.
const ERRORS: &str = include_str!("../../../../docs/reference/errors.md");

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    let all = || detectors::ALL.iter().map(|detector| detector.meta());
    let Some(id) = args.id.as_deref() else {
        list(&mut stdout, all())?;
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(meta) = all().find(|meta| meta.id == id) {
        explain(&mut stdout, meta)?;
    } else if POLICY_MADE.contains(&id) {
        writeln!(stdout, "{id}\n  {POLICY_MADE_FROM}")?;
    } else if let Some(category) = Category::from_name(id) {
        if !all().any(|meta| meta.category == category) {
            writeln!(stdout, "{category}\n  no detector of this build finds it")?;
        }
        list(&mut stdout, all().filter(|meta| meta.category == category))?;
    } else if let Some(facts) = error_code(id) {
        writeln!(stdout, "{id}")?;
        for (title, fact) in facts {
            writeln!(stdout, "  {title}: {fact}")?;
        }
    } else {
        return Err(usage(
            format!("nothing is called `{id}`"),
            "`bartizan explain` without a name lists the detectors; error codes begin with `bartizan::`",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the row of an error code says, by the titles of its table.
fn error_code(id: &str) -> Option<Vec<(&'static str, Cow<'static, str>)>> {
    let mut previous: &'static str = "";
    let mut titles: &'static str = "";
    for line in ERRORS.lines() {
        if line.starts_with("|---") {
            titles = previous;
        }
        previous = line;
        let code = cells(line).next().and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
        if id.starts_with("bartizan::") && code == Some(id) {
            let facts = cells(titles).zip(cells(line)).skip(1);
            let said = facts.filter(|(_, fact)| !fact.is_empty());
            return Some(said.map(|(title, fact)| (title, without_links(fact))).collect());
        }
    }
    None
}

/// Cells of a table row.
fn cells(row: &'static str) -> impl Iterator<Item = &'static str> {
    let inner = row.strip_prefix('|').and_then(|row| row.strip_suffix('|'));
    inner.into_iter().flat_map(|row| row.split('|')).map(str::trim)
}

/// `[words](target)` as `words`: a terminal has no links.
fn without_links(text: &'static str) -> Cow<'static, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, (words, (_, after)))) = rest
        .split_once('[')
        .and_then(|(before, link)| Some((before, link.split_once("](")?)))
        .and_then(|(before, (words, link))| Some((before, (words, link.split_once(')')?))))
    {
        out.push_str(before);
        out.push_str(words);
        rest = after;
    }
    if out.is_empty() { Cow::Borrowed(rest) } else { Cow::Owned(out + rest) }
}

fn list<'m>(
    out: &mut impl std::io::Write,
    metas: impl Iterator<Item = &'m Meta>,
) -> std::io::Result<()> {
    let mut metas: Vec<_> = metas.collect();
    metas.sort_by_key(|meta| (meta.category, meta.id));
    for group in metas.chunk_by(|a, b| a.category == b.category) {
        let Some(first) = group.first() else { continue };
        writeln!(out, "{}", first.category)?;
        for meta in group {
            writeln!(out, "  {:24} {:8} {}", meta.id, meta.severity.name(), meta.summary)?;
        }
    }
    Ok(())
}

fn explain(out: &mut impl std::io::Write, meta: &Meta) -> std::io::Result<()> {
    writeln!(out, "{} ({}, {})\n{}", meta.id, meta.category, meta.severity.name(), meta.summary)?;
    for (title, text) in [
        ("What it finds", meta.docs.finds),
        ("Why it matters", meta.docs.matters),
        ("Example", meta.docs.example),
        ("Fix", meta.docs.fix),
        ("Limits", meta.docs.limits),
    ] {
        writeln!(out, "\n{title}\n  {text}")?;
    }
    writeln!(out, "\nReferences")?;
    for reference in meta.references {
        writeln!(out, "  {reference}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_an_error_code_means_and_what_to_do() {
        let facts = error_code("bartizan::gateway::key-unknown").unwrap();
        let titles: Vec<&str> = facts.iter().map(|(title, _)| *title).collect();
        assert_eq!(titles, ["HTTP", "meaning", "what to do"]);
        assert!(error_code("bartizan::ledger::locked").is_some());
        for unknown in ["bartizan::", "bartizan::gateway::nothing", "usage", "code", "---", ""] {
            assert!(error_code(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn links_become_their_words() {
        assert_eq!(without_links("see [JSON](#json), or [this](x)."), "see JSON, or this.");
        assert_eq!(without_links("a [b] (c)"), "a [b] (c)");
    }
}
