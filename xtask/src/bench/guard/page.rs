//! The page with the results.

use std::fmt::Write;

use anyhow::Result;

use super::subjects::{Answer, Subject, Text};
use super::{LENGTHS, Measured, ROUNDS, texts};
use crate::bench::table::{date, machine};

/// Families of ours, as the measuring program names them, with their heading.
const FAMILIES: [(&str, &str); 7] = [
    ("everything", "everything"),
    ("everything-document", "everything, as a document"),
    ("rules", "rules only"),
    ("pii", "pii"),
    ("secret", "secret"),
    ("attack", "models of attacks"),
    ("content", "models of content"),
];

/// Families that are held against the goals.
const GOALS_FOR: [&str; 2] = ["everything", "rules"];

/// What a peer is compared with, and what differs.
const PAIRS: [Pair; 4] = [
    Pair {
        peer: "presidio",
        title: "presidio-analyzer",
        ours: "pii",
        remark: "Its default recognisers for English, which it also applies to German and Chinese, on the \
            tokeniser of spaCy without a model (`spacy.blank`): no names of people and places, which neither side \
            looks for here. With a model it would be slower and find these. Ours checks numbers of 26 countries and \
            undoes disguises; it has the larger list. Presidio finds dates and addresses of the web by default, which \
            ours does on request alone.",
    },
    Pair {
        peer: "detect-secrets",
        title: "detect-secrets",
        ours: "secret",
        remark: "All its plugins with default settings, on files that were written before: it is made for source \
            code in files, keeps a hash and a line for each secret, and looks at keywords and entropy.",
    },
    Pair {
        peer: "llm-guard Secrets",
        title: "llm-guard, scanner `Secrets`",
        ours: "secret",
        remark: "A fork of detect-secrets with some ninety plugins, set up and given a temporary file for each \
            text, as the scanner does it.",
    },
    Pair {
        peer: "llm-guard",
        title: "llm-guard, its scanners without neural networks",
        ours: "everything",
        remark: "One after the other as `scan_prompt` does it: `Secrets`, `Regex` with one pattern, \
            `BanSubstrings` with its own list, `InvisibleText`, and `TokenLimit` where its table can be fetched. Ours \
            looks for personal data, injection, jailbreaks, unsafe content and more besides, with trained models.",
    },
];

struct Pair {
    /// Name of the subject.
    peer: &'static str,
    title: &'static str,
    /// Family of ours.
    ours: &'static str,
    remark: &'static str,
}

/// How a text is called.
pub(super) fn text_name(kind: &str, length: usize) -> String {
    format!("{kind}, {length}")
}

/// Markdown with command, date, machine, versions and tables.
pub(super) fn page(measured: &Measured, words: &[&str], versions: &str) -> Result<String> {
    let mut out = String::from("# Guard: side by side\n\n");
    let command = ["cargo xtask bench guard"].iter().chain(words).copied();
    writeln!(out, "Repeat with `{}`.\n", command.collect::<Vec<_>>().join(" "))?;
    writeln!(out, "Measured {} on {}: {versions}.\n", date(), machine())?;
    writeln!(
        out,
        "All on one core of the machine, one after the other in one run. The same made texts for all: prose, chats, \
         code, JSON, German and Chinese, with {} and {} characters. They take turns, so that none is read twice in a \
         row; at least {ROUNDS} rounds, and p99 is the slowest of fewer than 100. Times are in microseconds. All are \
         called as a library within their process, without a network. What else the machine \
         does shows in p99 of short texts.\n",
        LENGTHS[0], LENGTHS[1]
    )?;
    summary(&mut out, measured)?;
    ours(&mut out, &measured.ours)?;
    for pair in &PAIRS {
        beside(&mut out, measured, pair)?;
    }
    sustained(&mut out, measured)?;
    folders(&mut out, measured)?;
    if !measured.missing.is_empty() {
        out.push_str("\n## Not measured\n\n");
        for line in &measured.missing {
            writeln!(out, "- {}", line.replace('\n', " "))?;
        }
    }
    goals(&mut out, &measured.ours)?;
    Ok(out)
}

/// Mean over the kinds of text of one length.
fn mean(subject: &Subject, length: usize, figure: fn(&Text) -> f64) -> Option<f64> {
    let names = texts::KINDS.iter().map(|kind| text_name(kind.name, length));
    let figures: Option<Vec<f64>> = names.map(|name| subject.text(&name).map(figure)).collect();
    let figures = figures?;
    Some(figures.iter().sum::<f64>() / figures.len() as f64)
}

fn summary(out: &mut String, measured: &Measured) -> Result<()> {
    out.push_str(
        "Mean over the kinds of text of their p50; \"ratio\" is how many times as long the peer takes. What each \
         side looks for differs, as said below.\n\n\
         | peer | beside ours | characters | ours | peer | ratio |\n|---|---|---|---|---|---|\n",
    );
    for pair in &PAIRS {
        let Some((own, peer)) = measured.pair(pair) else { continue };
        for length in LENGTHS {
            let means = mean(own, length, |text| text.p50).zip(mean(peer, length, |text| text.p50));
            let Some((own, peer)) = means else { continue };
            let (title, ours) = (pair.title, pair.ours);
            let (own_time, peer_time) = (micros(own), micros(peer));
            let ratio = ratio(own, peer);
            writeln!(out, "| {title} | {ours} | {length} | {own_time} | {peer_time} | {ratio} |")?;
        }
    }
    Ok(())
}

fn ours(out: &mut String, answer: &Answer) -> Result<()> {
    out.push_str(
        "\n## Ours by family\n\np50 / p99. \"Everything\" is the whole catalogue but for what is looked for on request \
         alone, read as a user's words; as a document, other models read it. Together, families cost other than their \
         sum: they share views of a text, and each sees the views that others ask for.\n\n",
    );
    let families: Vec<(&Subject, &str)> = FAMILIES
        .iter()
        .filter_map(|(name, title)| answer.subject(name).map(|subject| (subject, *title)))
        .collect();
    let titles: Vec<String> = families
        .iter()
        .map(|(subject, title)| format!("{title} ({})", subject.detectors))
        .collect();
    writeln!(out, "| text (detectors) | {} |", titles.join(" | "))?;
    writeln!(out, "|---|{}", "---|".repeat(titles.len()))?;
    for name in names() {
        let cells: Vec<String> =
            families.iter().map(|(subject, _)| both(subject.text(&name))).collect();
        writeln!(out, "| {name} | {} |", cells.join(" | "))?;
    }
    Ok(())
}

fn beside(out: &mut String, measured: &Measured, pair: &Pair) -> Result<()> {
    let Some((own, peer)) = measured.pair(pair) else { return Ok(()) };
    writeln!(out, "\n## Beside {}\n\n{}\n", pair.title, pair.remark)?;
    let rounds = peer.texts.iter().map(|text| text.rounds).min().unwrap_or_default();
    writeln!(
        out,
        "| text | ours, {}: p50 / p99 | peer: p50 / p99, {rounds} rounds | ratio of p50 |\n|---|---|---|---|",
        pair.ours
    )?;
    for name in names() {
        let (own, peer) = (own.text(&name), peer.text(&name));
        let ratio = own.zip(peer).map_or_else(dash, |(own, peer)| ratio(own.p50, peer.p50));
        writeln!(out, "| {name} | {} | {} | {ratio} |", both(own), both(peer))?;
    }
    Ok(())
}

fn sustained(out: &mut String, measured: &Measured) -> Result<()> {
    writeln!(
        out,
        "\n## Sustained\n\nMB/s over all rounds of the texts with {} characters. \"Ready\" is from the first line of \
         the program until it can read a text; ours are made one after the other in one process, and the first loads \
         what later ones share. Memory is the most that was resident of that process. llm-guard runs without torch and \
         transformers, which a real installation loads as well.\n\n\
         | | detectors, recognisers, plugins or scanners | MB/s | ready, ms | process at most, MiB |\n|---|---|---|---|---|",
        LENGTHS[1]
    )?;
    let ours = measured.ours.subjects.iter().map(|subject| (subject, &measured.ours, "ours, "));
    let peers = measured
        .peers
        .iter()
        .flat_map(|answer| answer.subjects.iter().map(move |subject| (subject, answer, "")));
    for (subject, answer, whose) in ours.chain(peers) {
        writeln!(
            out,
            "| {whose}{} | {} | {} | {:.0} | {} |",
            subject.name,
            subject.detectors,
            rate(subject).map_or_else(dash, |rate| format!("{rate:.2}")),
            subject.ready,
            mib(answer.peak_kib),
        )?;
    }
    Ok(())
}

/// Megabytes in a second; bytes in a microsecond are as many.
fn rate(subject: &Subject) -> Option<f64> {
    let names: Vec<String> =
        texts::KINDS.iter().map(|kind| text_name(kind.name, LENGTHS[1])).collect();
    let read = subject.texts.iter().filter(|text| names.contains(&text.name));
    let (bytes, micros) = read.fold((0.0, 0.0), |(bytes, micros), text| {
        (bytes + (text.bytes * text.rounds) as f64, micros + text.total)
    });
    (micros > 0.0).then(|| bytes / micros)
}

fn folders(out: &mut String, measured: &Measured) -> Result<()> {
    out.push_str(
        "\n## `bartizan check` over a folder\n\nThe released binary on one core, start and report in JSON included; \
         files of 500 to 40,000 characters, of the same kinds.\n\n\
         | | files | MB | seconds | MB/s | memory at most, MiB |\n|---|---|---|---|---|---|\n",
    );
    for folder in &measured.folders {
        let (megabytes, seconds) = (folder.bytes as f64 / 1e6, folder.took.as_secs_f64());
        writeln!(
            out,
            "| {} | {} | {megabytes:.1} | {seconds:.2} | {:.2} | {} |",
            folder.name,
            folder.files,
            megabytes / seconds,
            mib(folder.peak_kib),
        )?;
    }
    Ok(())
}

/// What was aimed at beside what was measured.
fn goals(out: &mut String, ours: &Answer) -> Result<()> {
    out.push_str(
        "\n## Goals\n\nGoals are for everything on; p50 of the slowest kind of text. The rules alone show what the \
         trained models take.\n\n| | goal | measured | slowest | reached |\n|---|---|---|---|---|\n",
    );
    for (family, title) in FAMILIES.iter().filter(|(name, _)| GOALS_FOR.contains(name)) {
        let Some(subject) = ours.subject(family) else { continue };
        for (length, goal) in LENGTHS.into_iter().zip([100.0, 2000.0]) {
            let texts = texts::KINDS.iter().filter_map(|kind| {
                Some((kind.name, subject.text(&text_name(kind.name, length))?.p50))
            });
            let Some((kind, slowest)) = texts.max_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
            let reached = if slowest < goal { "yes" } else { "**no**" };
            let (goal, slowest) = (micros(goal), micros(slowest));
            writeln!(
                out,
                "| {title}, {length} characters | < {goal} | {slowest} | {kind} | {reached} |"
            )?;
        }
    }
    Ok(())
}

impl Answer {
    fn subject(&self, name: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.name == name)
    }
}

impl Measured {
    /// Ours and the peer.
    fn pair(&self, pair: &Pair) -> Option<(&Subject, &Subject)> {
        let peer = self.peers.iter().find_map(|answer| answer.subject(pair.peer));
        self.ours.subject(pair.ours).zip(peer)
    }
}

fn names() -> impl Iterator<Item = String> {
    let of = |length| texts::KINDS.iter().map(move |kind| text_name(kind.name, length));
    LENGTHS.into_iter().flat_map(of)
}

fn both(text: Option<&Text>) -> String {
    text.map_or_else(dash, |text| format!("{} / {}", micros(text.p50), micros(text.p99)))
}

fn ratio(own: f64, peer: f64) -> String {
    let ratio = peer / own;
    if ratio < 10.0 { format!("{ratio:.1} ×") } else { format!("{ratio:.0} ×") }
}

/// Whole microseconds in groups of three; small ones with a decimal.
fn micros(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn mib(kib: Option<u64>) -> String {
    kib.map_or_else(dash, |kib| format!("{:.1}", kib as f64 / 1024.0))
}

fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::subjects::Folder;
    use super::*;

    fn subject(name: &str, p50: f64) -> Subject {
        let text =
            |name| Text { name, bytes: 1000, rounds: 20, p50, p99: p50 * 2.0, total: 20_000.0 };
        Subject {
            name: name.to_owned(),
            detectors: 3,
            ready: 12.0,
            texts: names().map(text).collect(),
        }
    }

    fn measured(ours: Vec<Subject>, peers: Vec<Subject>) -> Measured {
        let answer = |subjects| Answer { subjects, missing: Vec::new(), peak_kib: Some(2048) };
        Measured {
            ours: answer(ours),
            peers: vec![answer(peers)],
            missing: vec!["llm-guard: no\nway".to_owned()],
            folders: vec![Folder {
                name: "everything",
                files: 4,
                bytes: 3_000_000,
                took: Duration::from_millis(1500),
                peak_kib: Some(1024),
            }],
        }
    }

    #[test]
    fn compares_each_peer_with_the_family_that_looks_for_the_same() {
        let measured = measured(
            vec![subject("pii", 50.0), subject("everything", 99.0)],
            vec![subject("presidio", 12_345.0)],
        );
        let page = page(&measured, &["--write"], "A 1").unwrap();
        assert!(page.contains("`cargo xtask bench guard --write`"));
        assert!(
            page.contains("| presidio-analyzer | pii | 500 | 50.0 | 12,345 | 247 × |"),
            "{page}"
        );
        assert!(page.contains("| prose, 500 | 50.0 / 100 | 12,345 / 24,690 | 247 × |"), "{page}");
        assert!(page.contains("| presidio | 3 | 1.00 | 12 | 2.0 |"), "{page}");
        assert!(page.contains("| everything | 4 | 3.0 | 1.50 | 2.00 | 1.0 |"), "{page}");
        assert!(page.contains("| everything, 500 characters | < 100 | 99.0 |"), "{page}");
        assert!(page.contains("- llm-guard: no way\n"), "{page}");
        assert!(!page.contains("Beside detect-secrets"), "it was not measured");
    }

    #[test]
    fn a_goal_that_is_missed_says_so() {
        let page =
            page(&measured(vec![subject("everything", 2000.0)], Vec::new()), &[], "A").unwrap();
        assert!(
            page.contains("| everything, 10000 characters | < 2,000 | 2,000 | Chinese | **no** |"),
            "{page}"
        );
    }
}
