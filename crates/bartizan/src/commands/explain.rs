//! `bartizan explain`: what a detector finds, why it matters, and what it cannot see.

use std::process::ExitCode;

use bartizan_core::Category;
use bartizan_core::catalog::Meta;
use bartizan_guard::detectors;

use crate::cli::ExplainArgs;
use crate::format::usage;

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    let all = || detectors::ALL.iter().map(|detector| detector.meta());
    let Some(id) = args.id.as_deref() else {
        list(&mut stdout, all())?;
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(meta) = all().find(|meta| meta.id == id) {
        explain(&mut stdout, meta)?;
    } else if let Some(category) = Category::from_name(id) {
        list(&mut stdout, all().filter(|meta| meta.category == category))?;
    } else {
        return Err(usage(
            format!("nothing is called `{id}`"),
            "`bartizan explain` without a name lists everything",
        ));
    }
    Ok(ExitCode::SUCCESS)
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
