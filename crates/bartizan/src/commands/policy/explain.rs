//! `bartizan policy explain`: one request, and every rule that has something to say about it.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use bartizan_core::access::Ruling;
use bartizan_core::limits::read_capped;
use bartizan_core::principal::{Principal, parse_qualified};
use bartizan_core::settings::{
    Brake, BrakeKind, Endpoint, Limit, LimitSubject, Member, Settings, Subject,
};
use bartizan_core::{Mode, Name, Tags};
use bartizan_gateway::{Decided, Found, Question};
use clap::Args;
use serde_json::{Value, json};

use super::found::message;
use super::{FAILED, block_on, trial};
use crate::cli::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::format::usage;
use crate::output::Output;
use crate::terminal::{Terminal, printable};
use crate::wire::policy;

/// Longest prompt from standard input, in bytes.
const PROMPT_BYTES: u64 = 8 << 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan policy explain --as alice@example.com --endpoint protected-llm --prompt 'mail bob@example.com'\n  bartizan policy explain --as sp:support-bot --endpoint protected-llm --answer '![x](https://evil.example/?q=1)'\n  cat prompt.txt | bartizan policy explain --as sp:support-bot --endpoint protected-llm --prompt -"
)]
pub(super) struct ExplainArgs {
    /// Who asks: `alice@example.com` for a person, `sp:support-bot` for a program
    #[arg(long = "as", value_name = "WHO")]
    who: String,
    /// Which endpoint [default: the only one]
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// Model that the caller names, where the endpoint leaves the choice
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Groups that a token would bring
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Tags that the key or token would have
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<String>,
    /// What the user says; `-` for standard input
    #[arg(long, default_value = "Hello.", value_name = "TEXT")]
    prompt: String,
    /// What a tool gave the model before it answers
    #[arg(long, value_name = "TEXT")]
    tool_result: Option<String>,
    /// What the model answers
    #[arg(long, default_value = "Hello.", value_name = "TEXT")]
    answer: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
    format: DocumentFormat,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(
    args: &ExplainArgs,
    policy_args: &PolicyArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let loaded = policy::load_to_try(policy_args)?;
    let settings = loaded.settings;
    let question = question(args, &settings)?;
    let trial = trial(&settings)?;
    let found = block_on(trial.ask(&question))?;
    let became = Decided::of(&found.event);
    let explained = Explained::new(&settings, &question, &found, &became);
    let mut out = Output::open(&args.output, terminal)?;
    match args.format {
        DocumentFormat::Human => {
            let paint = out.paint();
            let head = format!("{} -> {}: {became}", explained.who, question.endpoint);
            writeln!(out, "{}", paint.strong(&printable(&head)))?;
            let policy = format!("{}, version {}", loaded.origin, settings.version);
            writeln!(out, "  {:11} {policy}", "policy")?;
            for (name, texts) in explained.lines() {
                for (number, text) in texts.iter().enumerate() {
                    let name = if number == 0 { name } else { "" };
                    writeln!(out, "  {name:11} {}", printable(text))?;
                }
            }
        }
        DocumentFormat::Json => {
            let document = explained.json(&loaded.origin, &settings.version, &became);
            writeln!(out, "{document}")?;
        }
    }
    out.finish()?;
    Ok(if became.is_answered() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn question(args: &ExplainArgs, settings: &Settings) -> anyhow::Result<Question> {
    let help = "write `alice@example.com` for a person, `sp:support-bot` for a program";
    let (kind, name) = parse_qualified(&args.who)
        .map_err(|why| usage(format!("`{}` can be nobody: {why}", args.who), help))?;
    let known = || {
        let names: Vec<_> = settings.endpoints.keys().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let endpoint = match (&args.endpoint, settings.endpoints.keys().next()) {
        (Some(name), _) => settings.endpoints.keys().find(|known| known.as_str() == name),
        (None, only) => only.filter(|_| settings.endpoints.len() == 1),
    };
    let endpoint = endpoint.cloned().ok_or_else(|| {
        let message = match &args.endpoint {
            Some(name) => format!("there is no endpoint `{name}`"),
            None => "which endpoint is asked is not said".to_owned(),
        };
        usage(message, format!("name one with `--endpoint`: {}", known()))
    })?;
    let groups = args.groups.iter().map(|group| {
        let found = settings.groups.keys().find(|known| known.as_str() == group).cloned();
        found.ok_or_else(|| {
            usage(format!("there is no group `{group}`"), "name one of `groups` of the policy")
        })
    });
    let groups = groups.collect::<anyhow::Result<Vec<Name>>>()?;
    let prompt = if args.prompt == "-" {
        String::from_utf8(read_capped(std::io::stdin().lock(), PROMPT_BYTES)?)
            .map_err(|_| usage("the prompt is no text", "send UTF-8"))?
    } else {
        args.prompt.clone()
    };
    Ok(Question {
        who: Member { kind, name: name.to_owned() },
        groups,
        tags: Arc::new(crate::commands::key::tagged(&args.tags)?),
        endpoint,
        model: args.model.clone(),
        prompt,
        tool_result: args.tool_result.clone(),
        answer: args.answer.clone(),
    })
}

/// What is said about a request.
struct Explained {
    who: String,
    groups: Vec<String>,
    access: String,
    tags: Tags,
    limits: Vec<String>,
    brakes: Vec<String>,
    findings: Vec<Value>,
    not_evaluated: Vec<String>,
    message: Option<String>,
    sent: Option<String>,
}

impl Explained {
    fn new(settings: &Settings, question: &Question, found: &Found, became: &Decided) -> Self {
        let (kind, name) = (question.who.kind, question.who.name.clone());
        let mut groups = settings.access.groups_of(kind, &name).to_vec();
        groups.extend_from_slice(&question.groups);
        groups.sort_unstable();
        groups.dedup();
        let caller = Principal { kind, name, groups };
        let endpoint = settings.endpoints.get(&question.endpoint);
        let model = question.model.as_deref().unwrap_or_default();
        let over_all = &settings.limits;
        let limits =
            endpoint.into_iter().flat_map(|endpoint| over_all.iter().chain(&endpoint.limits));
        let brakes = endpoint.into_iter().flat_map(|endpoint| &endpoint.brakes);
        let brakes = brakes.filter(|brake| brake.looks_at(&caller)).map(braked).collect();
        let tags = found.event.tags.clone();
        Self {
            who: caller.qualified(),
            groups: caller.groups.iter().map(Name::to_string).collect(),
            access: endpoint
                .map(|of| access(settings, of, &caller, model, became))
                .unwrap_or_default(),
            limits: limits
                .filter(|limit| limit.counts(&caller))
                .map(|limit| written(limit, &tags))
                .collect(),
            brakes,
            tags,
            findings: found
                .event
                .findings
                .iter()
                .filter_map(|finding| serde_json::to_value(finding).ok())
                .collect(),
            not_evaluated: found.event.not_evaluated.clone(),
            message: message(found),
            sent: found.sent.clone(),
        }
    }

    /// For people: a word, and what belongs to it.
    fn lines(&self) -> Vec<(&'static str, Vec<String>)> {
        let findings = self.findings.iter().map(finding);
        let none = |list: Vec<String>| if list.is_empty() { vec!["none".to_owned()] } else { list };
        let mut lines = vec![
            ("groups", none(self.groups.clone())),
            ("access", vec![self.access.clone()]),
            (
                "tags",
                none(self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            ),
            ("limits", none(self.limits.clone())),
            ("brakes", none(self.brakes.clone())),
            ("findings", none(findings.collect())),
        ];
        if !self.not_evaluated.is_empty() {
            lines.push(("unread", self.not_evaluated.clone()));
        }
        lines.extend(self.message.as_ref().map(|said| ("told", vec![said.clone()])));
        lines.extend(self.sent.as_ref().map(|sent| ("sent on", vec![sent.clone()])));
        lines
    }

    fn json(&self, origin: &str, version: &str, became: &Decided) -> Value {
        json!({
            "schema": "bartizan.policy-explain/v1",
            "policy": origin,
            "version": version,
            "as": self.who,
            "decision": became.to_string(),
            "groups": self.groups,
            "access": self.access,
            "tags": self.tags,
            "limits": self.limits,
            "brakes": self.brakes,
            "findings": self.findings,
            "not_evaluated": self.not_evaluated,
            "message": self.message,
            "sent": self.sent,
        })
    }
}

/// A finding in one line.
fn finding(finding: &Value) -> String {
    let text =
        |name: &str| finding.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let known = |name: &str| text(name).unwrap_or_default();
    let score = finding.get("score").and_then(Value::as_f64).unwrap_or_default();
    let is_tried = finding.get("dry_run").and_then(Value::as_bool) == Some(true);
    let decided = format!("{}: {} by {}", known("guardrail"), known("verdict"), known("rule"));
    let parts = [
        Some(decided),
        Some(format!("score {score:.2}")),
        Some(format!("in {}", known("channel"))),
        text("pointer").map(|pointer| format!("at {pointer}")),
        is_tried.then(|| "dry run".to_owned()),
        text("exception").map(|reason| format!("excepted: {reason}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Why the caller may use the endpoint, or may not.
fn access(
    settings: &Settings,
    endpoint: &Endpoint,
    caller: &Principal,
    model: &str,
    became: &Decided,
) -> String {
    let by_list = endpoint.allow.iter().find(|subject| subject.is(caller));
    if let Decided::Denied(rule) = became {
        return match rule {
            Some(rule) => format!("refused by the Cedar policy {rule}"),
            None => "refused: no list and no Cedar policy lets the caller in".to_owned(),
        };
    }
    if endpoint.allow.is_empty() {
        return "open to everyone with a key: the endpoint has no `allow`".to_owned();
    }
    match by_list {
        Some(Subject::Principal(_)) => "`allow` of the endpoint names the caller".to_owned(),
        Some(Subject::Group(group)) => {
            format!("`allow` of the endpoint names the group {group}")
        }
        None => {
            let call = bartizan_core::access::Call {
                endpoint: &endpoint.name,
                operation: "chat-completions",
                model,
                at: bartizan_core::time::now(),
            };
            match settings.access.call(caller, &call) {
                Ruling { is_allowed: true, rule: Some(rule) } => {
                    format!("allowed by the Cedar policy {rule}")
                }
                _ => "allowed".to_owned(),
            }
        }
    }
}

fn written(limit: &Limit, tags: &Tags) -> String {
    let whose = match &limit.per {
        LimitSubject::User | LimitSubject::ServicePrincipal => "of the caller".to_owned(),
        LimitSubject::Group(group) => format!("that the group {group} shares"),
        LimitSubject::Tag(name) => match tags.get(name) {
            Some(value) => format!("that everyone with the tag {name}={value} shares"),
            None => format!("that everyone without the tag {name} shares"),
        },
        LimitSubject::Endpoint => "that everyone shares".to_owned(),
        LimitSubject::All => "that everyone shares, over all endpoints".to_owned(),
    };
    let amount = |rate: bartizan_core::settings::Rate, amount: String, name: &str| {
        format!("{amount} {name}/{}", rate.window_name())
    };
    let parts = [
        limit.requests.map(|rate| amount(rate, rate.amount.to_string(), "requests")),
        limit.tokens.map(|rate| amount(rate, rate.amount.to_string(), "tokens")),
        limit
            .nano_usd
            .map(|rate| amount(rate, format!("{:.2}", rate.amount as f64 / 1e9), "dollars")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{}: {}, {whose}", limit.id, parts.join(" and "))
}

fn braked(brake: &Brake) -> String {
    let most = brake.kind.most();
    let what = match brake.kind {
        BrakeKind::SameRequests(rate) => {
            format!("{most} requests/{} that say nearly the same", rate.window_name())
        }
        BrakeKind::SameToolCalls(_) => format!("{most} same calls of a tool in a conversation"),
        BrakeKind::ToolRounds(_) => format!("{most} rounds of tool calls without a person"),
        BrakeKind::ConversationTokens(rate) => {
            format!("{most} tokens/{} of a conversation", rate.window_name())
        }
    };
    let does = brake.action.verdict();
    let mode = if brake.mode == Mode::DryRun { ", dry run" } else { "" };
    format!("{}: {what}, then {does}{mode}", brake.id)
}
