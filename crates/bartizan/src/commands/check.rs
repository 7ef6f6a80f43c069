//! `bartizan check`: text through the same engine as the gateway's.

mod human;
pub(super) mod inputs;
pub(super) mod lines;
mod places;
pub(super) mod result;
mod sarif;
mod texts;
mod tree;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bartizan_core::settings::{Detect, Guardrail, Settings};
use bartizan_core::time::{Timestamp, now};
use bartizan_core::{Category, Channel, ChannelSet, Verdict};
use bartizan_gateway::Models;
use bartizan_gateway::chat::{Chat, ChatReport};
use bartizan_guard::{Guard, Report, Session, detectors};
use bartizan_policy::Sources;

use crate::cli::{CheckArgs, CheckFormat, FailOn};
use crate::format::{INCOMPLETE, print_error, usage};
use crate::output::Output;
use crate::progress::Progress;
use crate::terminal::Terminal;
use crate::wire::{models, policy};

pub(crate) fn run(args: &CheckArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let judge = Judge::build(args)?;
    let mut out = Output::open(&args.output, terminal)?;
    if args.files.is_empty() && std::io::stdin().is_terminal() && !terminal.quiet {
        print_error("note: reading what you type; Ctrl-D ends it", terminal.stderr());
    }
    let progress = Progress::start(terminal, out.is_on_terminal());
    let folders = texts::has_folder(&args.files);
    if args.format == CheckFormat::Jsonl && folders && !args.files.iter().all(|path| path.is_dir())
    {
        return Err(usage(
            "folders and files of JSON lines cannot be read together",
            "scan the folders by themselves, or use `--format json`",
        ));
    }
    let tally = if args.format == CheckFormat::Jsonl && !folders {
        lines::run(&args.files, judge, &mut out, &progress)?
    } else {
        texts::run(args, judge, &mut out, &progress, terminal)?
    };
    drop(progress);
    out.finish()?;
    Ok(tally.exit_code(args.fail_on))
}

/// The guard, and what is said about each text.
struct Judge {
    guard: Guard,
    /// Where texts come from that do not say so.
    channel: Channel,
    /// Categories that the guardrails look for, when scores are wanted.
    scored: Option<BTreeSet<Category>>,
    /// When the scan began, since exceptions may have an end.
    now: Timestamp,
}

impl Judge {
    /// The guard of the policy file, or the default guardrails on every channel.
    fn build(args: &CheckArgs) -> anyhow::Result<Self> {
        let channel = Channel::from_name(&args.channel).unwrap_or(Channel::User);
        let Rules { mut guardrails, models } =
            rules(args.config.as_deref(), args.endpoint.as_deref())?;
        if let Some(threshold) = args.threshold {
            for rail in &mut guardrails {
                rail.threshold = threshold;
            }
        }
        let scored = args.scores.then(|| guardrails.iter().flat_map(categories).collect());
        Ok(Self { guard: guard(&guardrails, &models)?, channel, scored, now: now() })
    }

    fn inspect(&self, channel: Channel, text: &str) -> Report {
        self.guard.inspect(channel, text, &self.session())
    }

    /// Judges a conversation as the gateway judges that of a request.
    fn inspect_chat<'c>(&self, chat: &'c Chat<'_>) -> ChatReport<'c> {
        chat.inspect(&self.guard, &self.session())
    }

    fn session(&self) -> Session {
        Session::builder().now(self.now).build()
    }
}

/// A guard for whole texts.
pub(super) fn guard(guardrails: &[Guardrail], models: &Models) -> anyhow::Result<Guard> {
    let mut builder = Guard::builder().for_whole_texts();
    for (name, model) in models {
        builder = builder.refiner(name.clone(), Arc::clone(model));
    }
    for guardrail in guardrails {
        builder = builder.guardrail(guardrail)?;
    }
    Ok(builder.build()?)
}

/// Guardrails, with the models that they ask.
pub(super) struct Rules {
    pub(super) guardrails: Vec<Guardrail>,
    pub(super) models: Models,
}

/// Those of an endpoint of the policy file, or the default guardrails on every channel.
pub(super) fn rules(config: Option<&Path>, endpoint: Option<&str>) -> anyhow::Result<Rules> {
    let Some(file) = config else {
        // What the environment holds about providers changes nothing about guardrails.
        let text = bartizan_policy::default_yaml(Sources::of(&|_| None));
        let settings = policy::load_text(&text, "embedded defaults", Path::new("."), None)?;
        let everywhere = |mut guardrail: Guardrail| {
            guardrail.on = ChannelSet::ALL;
            guardrail
        };
        let guardrails = first_endpoint(settings).into_iter().map(everywhere).collect();
        return Ok(Rules { guardrails, models: Models::new() });
    };
    let mut settings = policy::load_file(file)?;
    let models = models::load(&settings)?;
    let guardrails = match endpoint {
        None => first_endpoint(settings),
        Some(name) => {
            let known: Vec<String> = settings.endpoints.keys().map(ToString::to_string).collect();
            let endpoint = settings.endpoints.remove(name);
            endpoint
                .ok_or_else(|| {
                    usage(
                        format!("the policy has no endpoint `{name}`"),
                        format!("use one of {}", known.join(", ")),
                    )
                })?
                .guardrails
        }
    };
    Ok(Rules { guardrails, models })
}

fn first_endpoint(settings: Settings) -> Vec<Guardrail> {
    settings.endpoints.into_values().next().map(|endpoint| endpoint.guardrails).unwrap_or_default()
}

/// Families that a guardrail looks for.
pub(super) fn categories(guardrail: &Guardrail) -> Vec<Category> {
    match &guardrail.detect {
        Detect::Detectors(ids) => ids
            .iter()
            .filter_map(|id| detectors::find(id))
            .map(|detector| detector.meta().category)
            .collect(),
        made => made.custom_category().into_iter().collect(),
    }
}

/// What a scan came to.
#[derive(Debug)]
struct Tally {
    worst: Verdict,
    /// Files and lines that could not be read.
    unreadable: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { worst: Verdict::Allow, unreadable: 0 }
    }
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        self.worst = self.worst.max(verdict);
    }

    /// The same for every format. What was not read may hold anything, so it outweighs what was found.
    fn exit_code(&self, fail_on: FailOn) -> ExitCode {
        if self.unreadable > 0 {
            return ExitCode::from(INCOMPLETE);
        }
        let fails = match fail_on {
            FailOn::Flag => self.worst >= Verdict::Flag,
            FailOn::Mask => self.worst >= Verdict::Mask,
            FailOn::Block => self.worst >= Verdict::Block,
            FailOn::Never => false,
        };
        if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
