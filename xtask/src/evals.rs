//! `cargo xtask evals`: tables in `docs/evals` that say what `bartizan eval` prints.
//!
//! A table stands between two comments, `<!-- evals: NAME -->` and `<!-- evals: end -->`, and is written
//! whole. The words around it are somebody's. `tables` knows what each holds; here the data is found, the
//! binary asked, and the page changed. Tables whose data lies beside the clone are left where it does not.

mod disguises;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::generate::Mode;
use crate::shell::Program;
use crate::{files, say};
use tables::{TABLES, Table};

/// How a marker begins.
const MARK: &str = "<!-- evals: ";
/// The marker behind a table.
const END: &str = "<!-- evals: end -->";

/// Rows that a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Data {
    /// Conversations, in the repository.
    Conversations,
    /// The same with answers as long as models give them.
    LongConversations,
    /// Prompts, in a folder of data sets beside the clone.
    Prompts,
    /// Those of them that were found, not generated.
    PromptsFound,
    /// Attacks and harmless prompts, each written in several ways.
    Disguised,
}

impl Data {
    /// Where its rows come from, relative to the root.
    const fn source(self) -> &'static str {
        match self {
            Self::Conversations | Self::LongConversations => {
                "crates/train/data/conversations/conversations-1.jsonl"
            }
            Self::Prompts | Self::PromptsFound | Self::Disguised => {
                "../shared/data/prompts/dev.jsonl.gz"
            }
        }
    }
}

/// Asks the binary about rows; the same question once.
struct Asker {
    binary: PathBuf,
    /// Files that `bartizan eval` can read; nothing where the data is not there.
    ready: BTreeMap<Data, Option<PathBuf>>,
    answers: BTreeMap<(Data, Vec<String>), String>,
}

/// Writes every table whose data is there, or compares it.
pub(crate) fn run(mode: Mode) -> Result<()> {
    Program::build_programs()?;
    let mut asker = Asker {
        binary: files::target_dir()?.join("debug/bartizan"),
        ready: BTreeMap::new(),
        answers: BTreeMap::new(),
    };
    let (mut stale, mut left) = (Vec::new(), Vec::new());
    for table in TABLES {
        let path = files::root().join(table.page);
        let page = files::read(&path)?;
        if asker.file(table.data)?.is_none() {
            left.push(table);
            continue;
        }
        say::note(&format!("{}: {}", table.page, table.name));
        let text = (table.write)(&mut asker, table)?;
        let changed =
            replaced(&page, table.name, &text).with_context(|| format!("`{}`", table.page))?;
        if changed == page {
            continue;
        }
        match mode {
            Mode::Check => stale.push(format!("{} in {}", table.name, table.page)),
            Mode::Write => {
                files::write(&path, &changed)?;
                say::note(&format!("wrote {} in {}", table.name, table.page));
            }
        }
    }
    for Table { name, page, data, .. } in left {
        say::note(&format!(
            "evals: left {name} in {page} as it is: there is no `{}` beside the clone",
            data.source()
        ));
    }
    if !stale.is_empty() {
        bail!("out of date: {}; run `cargo xtask evals`", stale.join(", "));
    }
    Ok(())
}

impl Asker {
    /// The figures about rows, by the words that `bartizan eval` takes.
    fn figures(&mut self, data: Data, words: &[&str]) -> Result<Value> {
        let answer = self.ask(data, &[&["--format", "json"], words].concat())?;
        serde_json::from_str(&answer).context("`bartizan eval` printed no JSON")
    }

    /// What people read about rows.
    fn human(&mut self, data: Data, words: &[&str]) -> Result<String> {
        self.ask(data, words)
    }

    fn ask(&mut self, data: Data, words: &[&str]) -> Result<String> {
        let key = (data, words.iter().map(|word| (*word).to_owned()).collect());
        if let Some(answer) = self.answers.get(&key) {
            return Ok(answer.clone());
        }
        let file = self.file(data)?.context("no data")?;
        let asked = Program::new(&self.binary)
            .args(["eval", "--no-latency", "--no-progress", "--data"])
            .arg(file)
            .args(words);
        let answer = asked.output()?;
        self.answers.insert(key, answer.clone());
        Ok(answer)
    }

    /// The rows as a file; nothing where their source is not there.
    fn file(&mut self, data: Data) -> Result<Option<PathBuf>> {
        if let Some(known) = self.ready.get(&data) {
            return Ok(known.clone());
        }
        let source = files::root().join(data.source());
        let ready = if source.is_file() { Some(made_ready(data, &source)?) } else { None };
        self.ready.insert(data, ready.clone());
        Ok(ready)
    }
}

/// A file that can be read as it is: unpacked, and with the rows that count alone.
fn made_ready(data: Data, source: &Path) -> Result<PathBuf> {
    if data == Data::Conversations {
        return Ok(source.to_owned());
    }
    let path = files::target_dir()?.join(format!("evals/{data:?}.jsonl").to_lowercase());
    if data == Data::LongConversations {
        let mut long = String::new();
        for line in files::read(source)?.lines() {
            long.push_str(&with_long_answers(serde_json::from_str(line)?).to_string());
            long.push('\n');
        }
        files::write(&path, &long)?;
        return Ok(path);
    }
    let rows = Program::new("gzip").args(["--decompress", "--stdout"]).arg(source).output()?;
    if data == Data::Disguised {
        files::write(&path, &disguises::rows(&rows))?;
        return Ok(path);
    }
    let counts = |line: &&str| {
        let row: Value = serde_json::from_str(line).unwrap_or_default();
        let source = row.get("source").and_then(Value::as_str).unwrap_or_default();
        data == Data::Prompts || !source.starts_with("synthetic")
    };
    let mut kept = String::with_capacity(rows.len());
    for line in rows.lines().filter(counts) {
        kept.push_str(line);
        kept.push('\n');
    }
    files::write(&path, &kept)?;
    Ok(path)
}

/// A conversation in which the assistant says more each time.
fn with_long_answers(mut row: Value) -> Value {
    let messages = row.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let is_answer = message.get("role").and_then(Value::as_str) == Some("assistant");
        if let (true, Some(Value::String(said))) = (is_answer, message.get_mut("content")) {
            said.push_str("\n\n");
            said.push_str(MORE);
        }
    }
    row
}

/// What an assistant says in addition: about 1,200 bytes in which nothing is asked of anybody.
const MORE: &str = "A note on what stands behind this. The harbour was built in three stages, and each of them can \
    still be seen from the hill. The oldest wall is made of rough stones that came as ballast from the north; the second, \
    a hundred years younger, is of brick, since a kiln had been opened on the other bank. The third is concrete, and \
    nobody likes it much.\n\nTrade grew slowly at first. There were two good decades when wool was dear, then a long quiet \
    time in which the boats went out for herring and came back half empty. The railway changed that: fish that was landed \
    in the morning stood on tables in the city by the evening, and the price doubled within a year. A second pier followed, \
    and a school, and a hall with a clock that has been four minutes slow ever since it was hung.\n\nToday most of the quay \
    is used by sailing clubs. The fish market has moved into the old customs house, where it opens on Thursdays and \
    Saturdays. In summer a ferry crosses to the island twice a day; in winter it lies in the dry dock and is painted, green \
    one year and blue the next, because the two brothers who own it have never agreed.";

/// The page with a text between the markers of a table.
fn replaced(page: &str, name: &str, text: &str) -> Result<String> {
    let begin = format!("{MARK}{name} -->\n");
    let (before, rest) =
        page.split_once(&begin).with_context(|| format!("has no line `{}`", begin.trim_end()))?;
    let (_, after) =
        rest.split_once(END).with_context(|| format!("has no `{END}` behind {name}"))?;
    if rest.split_once(MARK).is_some_and(|(_, next)| !next.starts_with("end -->")) {
        bail!("has another table within {name}");
    }
    // Blank lines, or Markdown would take the comment for a part of the table.
    Ok(format!("{before}{begin}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let page = "a\n<!-- evals: x -->\n\nold\n\n<!-- evals: end -->\nb\n<!-- evals: y -->\n<!-- evals: end -->\n";
        let changed = replaced(page, "x", "new\n").unwrap();
        assert_eq!(changed, page.replace("old", "new"));
        assert_eq!(replaced(&changed, "x", "new\n").unwrap(), changed);
        let other = replaced(page, "y", "new\n").unwrap();
        assert!(other.ends_with("<!-- evals: y -->\n\nnew\n\n<!-- evals: end -->\n"), "{other}");
    }

    #[test]
    fn answers_become_long_and_nothing_else_does() {
        let message = |role: &str| serde_json::json!({ "role": role, "content": "x" });
        let row = serde_json::json!({ "label": "benign", "messages": [message("user"), message("assistant")] });
        let long = with_long_answers(row.clone());
        assert_eq!((&long["messages"][0], &long["label"]), (&row["messages"][0], &row["label"]));
        let said = long["messages"][1]["content"].as_str().unwrap();
        assert!(
            said.starts_with("x\n\nA note") && (1000..1600).contains(&said.len()),
            "{}",
            said.len()
        );
    }

    #[test]
    fn a_table_without_its_markers_is_refused() {
        for page in [
            "",
            "<!-- evals: x -->\n",
            "<!-- evals: x -->\n<!-- evals: y -->\n<!-- evals: end -->\n",
        ] {
            assert!(replaced(page, "x", "new\n").is_err(), "{page}");
        }
    }

    #[test]
    fn every_table_has_its_place_and_every_place_its_table() {
        for table in TABLES {
            let page = files::read(&files::root().join(table.page)).unwrap();
            assert!(replaced(&page, table.name, "").is_ok(), "{} in {}", table.name, table.page);
            for (at, _) in page.match_indices(MARK) {
                let name = page[at + MARK.len()..].split(" -->").next().unwrap();
                let is_known =
                    TABLES.iter().any(|known| known.name == name && known.page == table.page);
                assert!(name == "end" || is_known, "{name} in {}", table.page);
            }
        }
    }
}
