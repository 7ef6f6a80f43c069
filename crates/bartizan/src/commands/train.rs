//! `bartizan train`: a model of attacks or of unsafe content from labelled texts, or a tagger of names.

mod names;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::limits::TRAIN_FILE_BYTES;
use bartizan_core::limits::read_capped;
use bartizan_train::attack::{self, Class};
use bartizan_train::card::{self, Source};
use bartizan_train::rows::{self, Row, RowError};
use bartizan_train::{content, digest, senses, words};
use clap::{Args, ValueEnum};

use super::check::inputs::Input;
use crate::format::{print_error, usage};
use crate::terminal::Terminal;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan train --data ours.jsonl --output attack.bin\n  zcat rows.jsonl.gz | bartizan train --data - more.jsonl --output attack.bin --card attack.md\n  bartizan train --kind names --data marked.jsonl harmless.jsonl --output names.bin"
)]
pub(crate) struct TrainArgs {
    /// What the model finds
    #[arg(long, value_enum, default_value = "attack", value_name = "KIND")]
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

/// What a model finds.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Attacks on the model that reads a text: `prompt-attack`, `planted-request`, `adversarial-suffix`
    Attack,
    /// Unsafe content: `hate`, `harassment`, `violence`, `sexual`, `self-harm`, `dangerous`, `profanity`
    Content,
    /// Names: `person-name`, `organisation-name`, `place-name`, `postal-address`; from rows with `spans`
    /// and from harmless ones
    Names,
    /// No model: everyday words of English, with which misspelt words are compared; has no card
    Words,
}

/// A model and its card, where it has one.
struct Made {
    file: Vec<u8>,
    card: Option<String>,
}

/// Fewest texts of either sort that a model can be trained on.
const FEWEST: usize = 200;

pub(crate) fn run(args: &TrainArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let say = |what: &str| {
        if terminal.progress {
            print_error(what, terminal.stderr());
        }
    };
    let made = match args.kind {
        Kind::Attack => {
            let (sources, rows) = read_all(&args.data, say)?;
            attacks(&rows, &sources, args.seed, say)?
        }
        Kind::Content => {
            let (sources, rows) = read_all(&args.data, say)?;
            unsafe_content(&rows, &sources, args.seed, say)?
        }
        Kind::Names => names::make(&args.data, args.seed, say)?,
        Kind::Words => {
            let (_, rows) = read_all(&args.data, say)?;
            Made { file: words::words(&rows).into_bytes(), card: None }
        }
    };
    write(&args.output, &made.file)?;
    say(&format!("wrote {}", args.output.display()));
    if let Some(card) = made.card {
        let path = args.card.clone().unwrap_or_else(|| args.output.with_extension("md"));
        write(&path, card.as_bytes())?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn read_all(files: &[PathBuf], say: impl Fn(&str)) -> anyhow::Result<(Vec<Source>, Vec<Row>)> {
    let mut sources = Vec::new();
    let mut all: Vec<Row> = Vec::new();
    for input in Input::all(files) {
        let (source, rows) = read(&input)?;
        say(&format!("read {} rows of {}", rows.len(), source.name));
        sources.push(source);
        all.extend(rows);
    }
    Ok((sources, all))
}

fn attacks(
    rows: &[Row],
    sources: &[Source],
    seed: u64,
    say: impl Fn(&str),
) -> anyhow::Result<Made> {
    let lexicon = senses::lexicon().context("the lists of words cannot be read")?;
    let corpus = attack::Corpus::gather(rows, seed).context("the phrases cannot be read")?;
    must_suffice(&corpus)?;
    let corpus = corpus.with_senses(&lexicon);
    say(&learned(rows.len(), corpus.left_out));
    let trained = attack::train(&corpus, &lexicon, seed);
    let file = bartizan_model::attack::encode(&trained.model);
    let card = card::card(&corpus, &trained, sources, &digest(&file));
    Ok(Made { file, card: Some(card) })
}

fn unsafe_content(
    rows: &[Row],
    sources: &[Source],
    seed: u64,
    say: impl Fn(&str),
) -> anyhow::Result<Made> {
    let lexicons = content::lexicons().context("the lists of words cannot be read")?;
    let corpus = content::Corpus::gather(rows, &lexicons);
    let harmless = corpus.items.iter().filter(|item| item.is_harmless()).count();
    let found = corpus.items.len() - harmless;
    if found < FEWEST || harmless < FEWEST {
        return Err(usage(
            format!(
                "there are {found} unsafe and {harmless} harmless texts, fewer than {FEWEST} of either"
            ),
            "unsafe texts are rows labelled `unsafe` with a category as `kind`, harmless ones are labelled `benign`; add \
             the rows in `crates/train/data/rows`",
        ));
    }
    say(&learned(rows.len(), rows.len() - corpus.items.len()));
    let trained = content::train(&corpus, &lexicons, seed);
    let file = bartizan_model::content::encode(&trained.model);
    let card = content::card(&corpus, &trained, sources, &digest(&file));
    Ok(Made { file, card: Some(card) })
}

fn learned(rows: usize, left_out: usize) -> String {
    let others = match left_out {
        0 => String::new(),
        left_out => format!(
            "; {left_out} others are of labels or kinds that this model does not learn from"
        ),
    };
    format!("training on {} rows, which takes some minutes{others}", rows - left_out)
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

fn must_suffice(corpus: &attack::Corpus) -> anyhow::Result<()> {
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
