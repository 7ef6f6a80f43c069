//! The command line of `bartizan eval`.

use std::path::PathBuf;

use bartizan_core::Channel;
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::{DocumentFormat, OutputArgs};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan eval --data traffic.jsonl\n  zcat rows.jsonl.gz | bartizan eval --data - --detector jailbreak --examples 5\n  bartizan eval --spans marked.jsonl"
)]
pub(crate) struct EvalArgs {
    /// Labelled JSON Lines; `-` for standard input
    #[arg(long, required_unless_present = "spans", num_args = 1.., value_name = "FILE")]
    pub(crate) data: Vec<PathBuf>,
    /// JSON Lines in which personal data is marked: measures what is found of each type
    #[arg(long, conflicts_with_all = ["data", "positive", "examples", "channel", "config"], value_name = "FILE")]
    pub(crate) spans: Option<PathBuf>,
    /// Run and measure only this detector, or this family of them; may be given several times
    /// [default: run everything, measure prompt-injection and jailbreak]
    #[arg(long, value_name = "ID|FAMILY")]
    pub(crate) detector: Vec<String>,
    /// Labels of rows that must be found [default: injection and jailbreak, when these families
    /// alone are measured]; rows that are neither these nor `benign` are left out
    #[arg(long, num_args = 1.., value_name = "LABEL")]
    pub(crate) positive: Vec<String>,
    /// Policy file whose guardrails apply [default: the default guardrails, on every channel]
    #[arg(short, long, env = "BARTIZAN_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Endpoint of the policy file [default: its first by name]
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) endpoint: Option<String>,
    /// Where every text comes from [default: what its row says, else `user`]
    #[arg(
        long,
        value_parser = PossibleValuesParser::new(Channel::ALL.map(Channel::name)),
        value_name = "CHANNEL"
    )]
    pub(crate) channel: Option<String>,
    /// Show so many of the worst false alarms and misses of each kind, with their text
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) examples: u16,
    /// Leave times out, so that the same data gives the same bytes
    #[arg(long)]
    pub(crate) no_latency: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
    pub(crate) format: DocumentFormat,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
