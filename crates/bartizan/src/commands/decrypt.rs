//! `bartizan decrypt`: values back for the tokens that the operator `encrypt` wrote.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bartizan_core::operator::MaskKey;
use bartizan_guard::operators::{Opener, Trouble, TroubleKind};
use bartizan_policy::{Sources, mask_key_of};
use clap::Args;

use crate::cli::OutputArgs;
use crate::commands::check::inputs::Input;
use crate::format::{INCOMPLETE, print_error, usage};
use crate::output::Output;
use crate::terminal::{Terminal, printable};
use crate::wire::policy;

/// Most tokens that are named one by one.
const TROUBLES_SHOWN: usize = 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan decrypt answer.txt --config bartizan.yaml\n  bartizan decrypt --key env:BARTIZAN_MASK_KEY --json < answer.json"
)]
pub(crate) struct DecryptArgs {
    /// File to read; `-` or none for standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Policy file whose `mask-key` made the tokens [default: ./bartizan.yaml when there is one]
    #[arg(short, long, env = "BARTIZAN_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Reference to the key instead of the policy's: `env:NAME` or `file:PATH`; may be given several
    /// times, for texts from before a change of key
    #[arg(short, long, value_name = "REFERENCE")]
    key: Vec<String>,
    /// The text is JSON: write values as JSON writes them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &DecryptArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let keys = keys(args)?;
    let keyring = Opener::new(&keys)?;
    if args.file.is_none() && std::io::stdin().is_terminal() && !terminal.quiet {
        print_error("note: reading what you type; Ctrl-D ends it", terminal.stderr());
    }
    let file = args.file.as_deref().filter(|file| *file != Path::new("-"));
    let input = file.map_or(Input::Standard, |file| Input::File(file.to_owned()));
    let text = input.text().map_err(|error| usage(error.reason, error.help.unwrap_or_default()))?;
    let opened = keyring.open(&text, args.json);
    let mut out = Output::open(&args.output, terminal)?;
    if out.is_on_terminal() {
        // What was in a prompt may move the cursor.
        for line in opened.text.split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            write!(out, "{}{end}", printable(line))?;
        }
    } else {
        out.write_all(opened.text.as_bytes())?;
    }
    out.finish()?;
    if opened.opened == 0 && opened.troubles.is_empty() && !terminal.quiet {
        print_error("note: no token stands in this text", terminal.stderr());
    }
    for trouble in opened.troubles.iter().take(TROUBLES_SHOWN) {
        print_error(&said(trouble, &text), terminal.stderr());
    }
    let more = opened.troubles.len().saturating_sub(TROUBLES_SHOWN);
    if more > 0 {
        print_error(&format!("error: {more} more tokens were not opened"), terminal.stderr());
    }
    Ok(if opened.troubles.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

fn keys(args: &DecryptArgs) -> anyhow::Result<Vec<MaskKey>> {
    if !args.key.is_empty() {
        let keys = args.key.iter().map(|key| mask_key_of(key, "--key", Sources::process()));
        return Ok(keys.collect::<Result<_, _>>()?);
    }
    let key = policy::load_mask_key(args.config.as_deref())?;
    key.map(|key| vec![key]).ok_or_else(|| {
        usage(
            "there is no key to open tokens with",
            "name it with `--key env:BARTIZAN_MASK_KEY`, or a policy that has `mask-key` with `--config`",
        )
    })
}

/// Where a token stands and why it stays, without the token.
fn said(trouble: &Trouble, text: &str) -> String {
    let before = text.get(..trouble.span.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let (why, help) = match trouble.kind {
        TroubleKind::OtherKey => (
            "was made with another key",
            "give the key that was in the policy then, with `--key`; it may be given several times",
        ),
        TroubleKind::Changed => (
            "is not as it was made, so nothing can be said about what it stood for",
            "look for characters that were lost or changed, or for another label",
        ),
    };
    format!("error: line {line}, column {column}: the token {why}\nhelp: {help}")
}
