//! `bartizan train`: a model of attacks from labelled texts, or a tagger of names.

mod names;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::limits::TRAIN_FILE_BYTES;
use bartizan_core::limits::read_capped;
use bartizan_model::file::encode;
use bartizan_train::attack::{Class, Corpus, train};
use bartizan_train::card::{Source, card};
use bartizan_train::rows::{self, Row, RowError};
use bartizan_train::{digest, senses};
use clap::{Args, ValueEnum};

use super::check::inputs::Input;
use crate::format::{print_error, usage};
use crate::terminal::Terminal;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan train --data ours.jsonl --output attack.bin\n  zcat rows.jsonl.gz | bartizan train --data - more.jsonl --output attack.bin --card attack.md\n  bartizan train --kind names --data marked.jsonl harmless.jsonl --output names.bin"
)]
pub(crate) struct TrainArgs {
    /// What is trained
    #[arg(long, value_enum, default_value_t = Kind::Attacks)]
    kind: Kind,
    /// Labelled JSON Lines; `-` for standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Where the model goes
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Where the card of the model goes: data, figures, limits [default: the output, ending in `.md`]
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Another seed gives another model of the same data
    #[arg(long, default_value_t = 7, value_name = "N")]
    seed: u64,
}

/// What can be trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The model of attacks, from rows with `text` and `label`
    Attacks,
    /// The tagger of names, from rows with `text` and `spans`, and from harmless ones
    Names,
}

/// Fewest texts of either sort that a model can be trained on.
const FEWEST: usize = 200;

pub(crate) fn run(args: &TrainArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let say = |what: &str| {
        if terminal.progress {
            print_error(what, terminal.stderr());
        }
    };
    if args.kind == Kind::Names {
        return names::run(args, say);
    }
    let mut sources = Vec::new();
    let mut all: Vec<Row> = Vec::new();
    for input in Input::all(&args.data) {
        let (source, rows) = read(&input)?;
        say(&format!("read {} rows of {}", rows.len(), source.name));
        sources.push(source);
        all.extend(rows);
    }
    let lexicon = senses::lexicon().context("the lists of words cannot be read")?;
    let corpus = Corpus::gather(&all, args.seed).context("the phrases cannot be read")?;
    must_suffice(&corpus)?;
    let corpus = corpus.with_senses(&lexicon);
    say(&format!("training on {} texts, which takes some minutes", corpus.items.len()));
    let trained = train(&corpus, &lexicon, args.seed);
    let file = encode(&trained.model);
    let card_path = args.card.clone().unwrap_or_else(|| args.output.with_extension("md"));
    let card = card(&corpus, &trained, &sources, &digest(&file));
    write(&args.output, &file)?;
    write(&card_path, card.as_bytes())?;
    say(&format!("wrote {} and {}", args.output.display(), card_path.display()));
    Ok(ExitCode::SUCCESS)
}

fn read(input: &Input) -> anyhow::Result<(Source, Vec<Row>)> {
    let (name, bytes) = bytes(input)?;
    let rows = rows::read(bytes.as_slice()).map_err(|error| {
        let help = match &error {
            RowError::Read(_) => NOT_TEXT,
            RowError::Parse { .. } => {
                "each line is an object with `text` and `label`, and may have `kind`, `source`, `lang` and `lic`"
            }
        };
        usage(format!("`{name}`: {error}"), help)
    })?;
    let mut licences = BTreeMap::new();
    for row in &rows {
        let licence = if row.lic.is_empty() { "not stated" } else { &row.lic };
        *licences.entry(licence.to_owned()).or_default() += 1;
    }
    Ok((source(name, &bytes, rows.len(), licences), rows))
}

/// What to do about a file that is no text.
const NOT_TEXT: &str = "the file must be UTF-8; unpack it first when it is compressed";

/// The name of an input and what is in it.
fn bytes(input: &Input) -> anyhow::Result<(String, Vec<u8>)> {
    let name = input.name();
    let opened = input
        .open()
        .map_err(|unreadable| usage(unreadable.reason, unreadable.help.unwrap_or_default()))?;
    let bytes =
        read_capped(opened, TRAIN_FILE_BYTES).with_context(|| format!("reading `{name}`"))?;
    Ok((name, bytes))
}

fn source(name: String, bytes: &[u8], rows: usize, licences: BTreeMap<String, usize>) -> Source {
    let file = Path::new(&name).file_name().map(|file| file.to_string_lossy().into_owned());
    Source { name: file.unwrap_or(name), sha256: digest(bytes), rows, licences }
}

fn must_suffice(corpus: &Corpus) -> anyhow::Result<()> {
    let of = |class: Class| {
        corpus.items.iter().filter(|item| item.is_from_rows() && item.class == class).count()
    };
    let (attacks, harmless) = (of(Class::Attack), of(Class::Benign));
    if attacks >= FEWEST && harmless >= FEWEST {
        return Ok(());
    }
    Err(usage(
        format!(
            "there are {attacks} attacks and {harmless} harmless texts, fewer than {FEWEST} of either"
        ),
        "attacks are rows labelled `injection`, `jailbreak` or `attack`, harmless texts are labelled `benign`; add the \
         rows in `crates/train/data/rows`",
    ))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("writing `{}`", path.display()))
}
