//! What each table holds.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

use super::disguises::WAYS;
use super::{Asker, Data};

/// A table of a page.
pub(super) struct Table {
    /// What its marker says.
    pub(super) name: &'static str,
    pub(super) page: &'static str,
    pub(super) data: Data,
    pub(super) write: fn(&mut Asker, &Table) -> Result<String>,
}

const ATTACKS: &str = "docs/evals/attacks.md";
const CONVERSATIONS: &str = "docs/evals/conversations.md";
const UNSAFE: &str = "docs/evals/unsafe-content.md";

/// Every table; one line adds one.
pub(super) const TABLES: &[Table] = &[
    Table { name: "attacks-all", page: ATTACKS, data: Data::Prompts, write: by_kind },
    Table { name: "attacks-found", page: ATTACKS, data: Data::PromptsFound, write: by_kind },
    Table { name: "attacks-disguised", page: ATTACKS, data: Data::Disguised, write: disguised },
    Table { name: "attacks-sources", page: ATTACKS, data: Data::PromptsFound, write: by_source },
    Table {
        name: "conversations",
        page: CONVERSATIONS,
        data: Data::Conversations,
        write: conversations,
    },
    Table {
        name: "conversations-long",
        page: CONVERSATIONS,
        data: Data::LongConversations,
        write: conversations,
    },
    Table {
        name: "conversations-cuts",
        page: CONVERSATIONS,
        data: Data::Conversations,
        write: cuts,
    },
    Table { name: "unsafe-beside", page: UNSAFE, data: Data::Prompts, write: unsafe_beside },
];

/// Sources that say most: of attacks, and of texts about them.
const SOURCES: [&str; 7] = [
    "LouisShark/chatgpt_system_prompt",
    "NVIDIA/garak",
    "OWASP/www-project-machine-learning-security-top-10",
    "OWASP/www-project-top-10-for-large-language-model-applications",
    "PlexPt/awesome-chatgpt-prompts-zh",
    "f/awesome-chatgpt-prompts",
    "usail-hkust/JailTrickBench",
];

/// Detectors of unsafe content, each with the rows that it should find.
const UNSAFE_ROWS: [(&str, &str, &str); 5] = [
    ("hate", "hate", ""),
    ("harassment", "toxic", ""),
    ("dangerous", "direct", " harmful requests"),
    ("dangerous", "rephrased", " harmful requests"),
    ("profanity", "offensive", ""),
];

/// Detectors that know conversations.
const SPREAD: &str = "spread-attack";
const STAGED: &str = "many-shot";

fn by_kind(asker: &mut Asker, table: &Table) -> Result<String> {
    let said = asker.human(table.data, &[])?;
    Ok(fenced(human_table(&said, "kind").context("no table by kind")?.collect()))
}

fn by_source(asker: &mut Asker, table: &Table) -> Result<String> {
    let said = asker.human(table.data, &[])?;
    let lines = human_table(&said, "source").context("no table by source")?;
    let is_shown = |line: &&str| {
        let name = line.split(' ').next().unwrap_or_default();
        SOURCES.contains(&name) || name == "source" || name == "total"
    };
    Ok(fenced(narrowed(&lines.filter(is_shown).collect::<Vec<_>>())))
}

fn disguised(asker: &mut Asker, table: &Table) -> Result<String> {
    let said = asker.figures(table.data, &[])?;
    let mut text =
        "| written | attacks found | harmless prompts stopped |\n|---|---:|---:|\n".to_owned();
    for (way, _) in WAYS {
        let group = kind_of(&said, way)?;
        let found = percent(shipped(group, "recall"), 1);
        let stopped = percent(shipped(group, "false_positive_rate"), 2);
        let _ = writeln!(text, "| {way} | {found} | {stopped} |");
    }
    Ok(text)
}

/// The lines of a table in what people read.
fn human_table<'t>(said: &'t str, by: &str) -> Option<impl Iterator<Item = &'t str> + use<'t>> {
    let head = format!("{by} ");
    let at = said.lines().position(|line| line.starts_with(&head))?;
    Some(said.lines().skip(at).take_while(|line| !line.is_empty()))
}

/// The lines with the first column no wider than it has to be.
fn narrowed<'t>(lines: &[&'t str]) -> Vec<std::borrow::Cow<'t, str>> {
    let names = lines.iter().filter_map(|line| line.split(' ').next());
    let width = names.map(str::len).max().unwrap_or_default();
    let old = lines.first().and_then(|head| {
        // The head of the second column ends where its figures end.
        let rest = head.get(head.find(' ')?..)?;
        Some(head.len() - rest.trim_start().len())
    });
    // Its figures may be wider than its head, to the left.
    let figures = |line: &str| {
        let rest = line.get(line.find(' ').unwrap_or_default()..).unwrap_or_default();
        line.len() - rest.trim_start().len()
    };
    let first = lines.iter().map(|line| figures(line)).min().or(old).unwrap_or_default();
    let line = |line: &&'t str| {
        let name = line.split(' ').next().unwrap_or_default();
        let rest = line.get(first..).unwrap_or_default();
        format!("{name:<width$}  {rest}").into()
    };
    lines.iter().map(line).collect()
}

fn fenced<L: AsRef<str>>(lines: Vec<L>) -> String {
    let mut text = "```text\n".to_owned();
    for line in lines {
        text.push_str(line.as_ref());
        text.push('\n');
    }
    text.push_str("```\n");
    text
}

fn unsafe_beside(asker: &mut Asker, table: &Table) -> Result<String> {
    let mut text =
        "| detector | kind of row | AUC | found | flagged wrongly |\n|---|---|---:|---:|---:|\n"
            .to_owned();
    for (detector, kind, more) in UNSAFE_ROWS {
        let words =
            ["--detector", detector, "--positive", "toxic", "--positive", "harmful_request"];
        let said = asker.figures(table.data, &words)?;
        let group = kind_of(&said, kind)?;
        let auc = group.get("auc").and_then(Value::as_f64).context("no AUC")?;
        let found = percent(shipped(group, "recall"), 1);
        let total = said.get("total").context("no total")?;
        let wrongly = percent(shipped(total, "false_positive_rate"), 2);
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "| `{detector}` | `{kind}`{more} | {auc:.3} | {found} | {wrongly} |");
    }
    Ok(text)
}

/// By kind of row: what all detectors find, those of conversations alone, and the others without them.
fn conversations(asker: &mut Asker, table: &Table) -> Result<String> {
    let all = asker.figures(table.data, &[])?;
    let names = all.get("detectors").and_then(Value::as_array).context("no detectors")?;
    let others =
        names.iter().filter_map(Value::as_str).filter(|name| ![SPREAD, STAGED].contains(name));
    let others: Vec<&str> = others.flat_map(|name| ["--detector", name]).collect();
    let columns = [
        asker.figures(table.data, &["--detector", SPREAD])?,
        asker.figures(table.data, &["--detector", STAGED])?,
        asker.figures(table.data, &others)?,
        all,
    ];
    let mut text = String::new();
    for (title, sort, share) in
        [("attacks", "positives", "recall"), ("harmless", "benign", "false_positive_rate")]
    {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = write!(
            text,
            "{gap}| {title} | rows | `{SPREAD}` | `{STAGED}` | others | all |\n|---|---:|---:|---:|---:|---:|\n"
        );
        let kinds = columns.first().and_then(|said| said.get("kinds")?.as_array());
        let names = kinds.context("no kinds")?.iter().filter_map(|kind| kind.get("name")?.as_str());
        // Harmless kinds are many, with few rows each.
        let names = names.filter(|_| sort == "positives" || table.data == Data::Conversations);
        for name in names.chain([TOTAL]) {
            let groups: Vec<&Value> =
                columns.iter().map(|said| kind_of(said, name)).collect::<Result<_>>()?;
            let rows =
                groups.first().and_then(|group| group.get(sort)?.as_u64()).unwrap_or_default();
            if rows == 0 {
                continue;
            }
            let shares = groups.iter().map(|group| percent(shipped(group, share), 1));
            let _ =
                writeln!(text, "| {name} | {rows} | {} |", shares.collect::<Vec<_>>().join(" | "));
        }
    }
    Ok(text)
}

/// What the detectors of conversations would find at other points.
fn cuts(asker: &mut Asker, table: &Table) -> Result<String> {
    let mut text =
        "| detector | kind of row | AUC | 0.5 % | 1 % | 2 % |\n|---|---|---:|---:|---:|---:|\n"
            .to_owned();
    for (detector, kinds) in [(SPREAD, &["pieces", "steps"][..]), (STAGED, &["staged"][..])] {
        let said = asker.figures(table.data, &["--detector", detector])?;
        for kind in kinds {
            let group = kind_of(&said, kind)?;
            let auc = group.get("auc").and_then(Value::as_f64).context("no AUC")?;
            let at = group.get("recall_at").and_then(Value::as_array).context("no rates")?;
            let recalls = at.iter().skip(1).map(|at| percent(at.get("recall"), 1));
            let recalls = recalls.collect::<Vec<_>>().join(" | ");
            let _ = writeln!(text, "| `{detector}` | {kind} | {auc:.3} | {recalls} |");
        }
    }
    Ok(text)
}

const TOTAL: &str = "total";

fn kind_of<'v>(said: &'v Value, name: &str) -> Result<&'v Value> {
    if name == TOTAL {
        return said.get(TOTAL).context("no total");
    }
    let kinds = said.get("kinds").and_then(Value::as_array).context("no kinds")?;
    let is_it = |kind: &&Value| kind.get("name").and_then(Value::as_str) == Some(name);
    kinds.iter().find(is_it).with_context(|| format!("no rows of the kind `{name}`"))
}

fn shipped<'v>(group: &'v Value, share: &str) -> Option<&'v Value> {
    group.get("shipped")?.get(share)
}

fn percent(share: Option<&Value>, decimals: usize) -> String {
    let share = share.and_then(Value::as_f64);
    share.map_or("–".to_owned(), |share| format!("{:.decimals$} %", share * 100.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SAID: &str = "by some detectors\n\nsource      rows  AUC\na/b            1    -\nlonger/one    20  0.5\ntotal         21  0.5\n\nkind  rows  AUC\nx       21  0.5\ntotal   21  0.5\n\n@: legend\n";

    #[test]
    fn tables_are_cut_from_what_people_read() {
        let lines: Vec<&str> = human_table(SAID, "kind").unwrap().collect();
        assert_eq!(lines, ["kind  rows  AUC", "x       21  0.5", "total   21  0.5"]);
        assert!(human_table(SAID, "colour").is_none());
    }

    #[test]
    fn columns_stay_under_each_other_when_long_names_go() {
        let lines: Vec<&str> = human_table(SAID, "source")
            .unwrap()
            .filter(|line| !line.starts_with("longer"))
            .collect();
        assert_eq!(
            narrowed(&lines),
            ["source  rows  AUC", "a/b        1    -", "total     21  0.5"]
        );
    }

    #[test]
    fn a_share_that_rows_do_not_give_is_no_nought() {
        let group = json!({ "shipped": { "recall": 0.0123, "false_positive_rate": null } });
        assert_eq!(percent(shipped(&group, "recall"), 1), "1.2 %");
        assert_eq!(percent(shipped(&group, "false_positive_rate"), 1), "–");
    }
}
