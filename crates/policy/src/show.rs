//! The effective settings as text for people: what `bartizan config show` prints.
//!
//! The shape is that of the policy file with every default written out; credentials and canaries are
//! not shown.

mod approvals;
mod brakes;
mod console;
mod expectations;
mod inference;
mod issuers;
mod properties;
mod secrets;
mod sinks;
mod state;

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::path::Path;
use std::time::Duration;

use bartizan_core::channel::ChannelSet;
use bartizan_core::money::NanoUsd;
use bartizan_core::operator::Operator;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::{
    Assurance, Detect, Endpoint, Excepted, Exception, Guardrail, Limit, LimitSubject, LocalModel,
    Member, OnError, Provider, ProviderKind, Rate, Sensitivity, Settings, Subject,
};
use bartizan_core::time::day_before;
use bartizan_core::verdict::{Action, Mode};

/// Stands for a credential or a canary that is there; no policy file may hold it.
pub(crate) const SET: &str = "‹set›";
/// Stands for a credential that is not there.
const NONE: &str = "‹none›";

/// The settings as YAML-like text, every default written out, each credential and canary replaced by
/// `‹set›`.
pub fn show(settings: &Settings) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_settings(&mut out, settings);
    out
}

fn write_settings(out: &mut String, settings: &Settings) -> fmt::Result {
    writeln!(out, "# policy version {}", settings.version)?;
    writeln!(out, "version: 1")?;
    writeln!(out, "data-dir: {}", text(&settings.data_dir.display().to_string()))?;
    let operators = settings.endpoints.values().flat_map(|endpoint| &endpoint.guardrails);
    if operators.flat_map(|rail| rail.operators.all()).any(|operator| operator.key().is_some()) {
        writeln!(out, "mask-key: {SET}")?;
    }
    writeln!(out, "listen:")?;
    writeln!(out, "  gateway: {}", text(&settings.listen.gateway.to_string()))?;
    writeln!(out, "  console: {}", text(&settings.listen.console.to_string()))?;
    let names = &settings.listen.console_names;
    if !names.is_empty() {
        let names = list(names.iter().map(|name| text(&name.to_string())));
        writeln!(out, "  console-names: [{names}]")?;
    }
    if let Some(tls) = &settings.listen.tls {
        let file = |path: &Path| text(&format!("file:{}", path.display()));
        writeln!(out, "  tls:")?;
        writeln!(out, "    certificate: {}", file(&tls.certificate))?;
        writeln!(out, "    key: {}", file(&tls.key))?;
        if let Some(clients) = &tls.clients {
            writeln!(out, "    client-ca: {}", file(&clients.authorities))?;
            if let Some(path) = &clients.revoked {
                writeln!(out, "    client-crl: {}", file(path))?;
            }
            let need = if clients.are_required { "required" } else { "optional" };
            writeln!(out, "    client-certificates: {need}")?;
        }
    }
    heading(out, "providers", settings.providers.is_empty())?;
    for (name, provider) in &settings.providers {
        writeln!(out, "  {name}:")?;
        write_provider(out, provider)?;
    }
    issuers::write(out, settings)?;
    heading(out, "groups", settings.groups.is_empty())?;
    for (name, members) in &settings.groups {
        writeln!(out, "  {name}: [{}]", list(members.iter().map(member)))?;
    }
    if !settings.limits.is_empty() {
        writeln!(out, "limits:")?;
    }
    settings.limits.iter().try_for_each(|limit| write_limit(out, limit, "  "))?;
    heading(out, "endpoints", settings.endpoints.is_empty())?;
    for endpoint in settings.endpoints.values() {
        write_endpoint(out, endpoint)?;
    }
    if !settings.models.is_empty() {
        writeln!(out, "models:")?;
    }
    for (name, model) in &settings.models {
        writeln!(out, "  {name}:")?;
        write_model(out, model)?;
    }
    heading(out, "prices", settings.prices.is_empty())?;
    for (model, price) in &settings.prices {
        let (input, output) = (dollars(price.input), dollars(price.output));
        writeln!(out, "  {}: {{ input: {input}, output: {output} }}", text(model))?;
    }
    if !settings.cedar.is_empty() {
        writeln!(out, "cedar: [{}]", list(settings.cedar.iter().map(|path| text(path))))?;
    }
    if !settings.tests.is_empty() {
        writeln!(out, "tests:")?;
    }
    for test in &settings.tests {
        writeln!(out, "  - {}", expectations::written(test))?;
    }
    if !settings.properties.is_empty() {
        writeln!(out, "proofs:")?;
    }
    for property in &settings.properties {
        writeln!(out, "  - {}", properties::written(property))?;
    }
    write_ledger(out, settings)?;
    inference::write(out, &settings.inference)?;
    secrets::write(out, &settings.secrets)?;
    console::write(out, settings.login.as_ref())?;
    state::write(out, &settings.shared)?;
    approvals::write(out, &settings.approvals)?;
    heading(out, "telemetry", settings.otlp_endpoint.is_none())?;
    if let Some(url) = &settings.otlp_endpoint {
        writeln!(out, "  otlp-endpoint: {}", text(url))?;
    }
    Ok(())
}

fn heading(out: &mut String, key: &str, is_empty: bool) -> fmt::Result {
    writeln!(out, "{key}:{}", if is_empty { " {}" } else { "" })
}

fn write_provider(out: &mut String, provider: &Provider) -> fmt::Result {
    match &provider.kind {
        ProviderKind::OpenAi { base_url, api_key } => {
            writeln!(out, "    openai:")?;
            writeln!(out, "      base-url: {}", text(base_url))?;
            writeln!(out, "      api-key: {}", if api_key.is_some() { SET } else { NONE })
        }
        ProviderKind::AzureOpenAi { base_url, api_version, api_key: _ } => {
            writeln!(out, "    azure-openai:")?;
            writeln!(out, "      base-url: {}", text(base_url))?;
            writeln!(out, "      api-version: {}", text(api_version))?;
            writeln!(out, "      api-key: {SET}")
        }
        ProviderKind::Anthropic { base_url, api_key: _ } => {
            writeln!(out, "    anthropic:")?;
            writeln!(out, "      base-url: {}", text(base_url))?;
            writeln!(out, "      api-key: {SET}")
        }
        ProviderKind::Databricks { host, token: _ } => {
            writeln!(out, "    databricks:")?;
            writeln!(out, "      host: {}", text(host))?;
            writeln!(out, "      token: {SET}")
        }
        ProviderKind::Demo { chunk_bytes } => writeln!(out, "    demo: {{ chunk: {chunk_bytes} }}"),
    }
}

fn write_model(out: &mut String, model: &LocalModel) -> fmt::Result {
    writeln!(out, "    path: {}", text(&model.path.display().to_string()))?;
    writeln!(out, "    labels: [{}]", list(model.labels.iter().map(|label| text(label))))?;
    writeln!(out, "    threshold: {}", model.threshold)?;
    if let Some(tokens) = model.max_tokens {
        writeln!(out, "    max-tokens: {tokens}")?;
    }
    writeln!(out, "    budget: {}", duration(model.budget))?;
    writeln!(out, "    request-budget: {}", duration(model.request_budget))
}

fn write_endpoint(out: &mut String, endpoint: &Endpoint) -> fmt::Result {
    writeln!(out, "  {}:", endpoint.name)?;
    writeln!(out, "    routes:")?;
    for route in &endpoint.routes {
        write!(out, "      - {{ provider: {}", route.provider)?;
        if let Some(model) = &route.model {
            write!(out, ", model: {}", text(model))?;
        }
        writeln!(out, " }}")?;
    }
    let rails = &endpoint.guardrails;
    writeln!(out, "    guardrails:{}", if rails.is_empty() { " []" } else { "" })?;
    rails.iter().try_for_each(|rail| write_guardrail(out, rail))?;
    let limits = &endpoint.limits;
    writeln!(out, "    limits:{}", if limits.is_empty() { " []" } else { "" })?;
    limits.iter().try_for_each(|limit| write_limit(out, limit, "      "))?;
    brakes::write(out, &endpoint.brakes)?;
    if !endpoint.tags.is_empty() {
        let tags = endpoint.tags.iter().map(|(name, value)| format!("{name}: {}", text(value)));
        writeln!(out, "    tags: {{ {} }}", list(tags))?;
    }
    let modalities = endpoint.modalities.iter().map(|modality| modality.name().to_owned());
    writeln!(out, "    modalities: [{}]", list(modalities))?;
    let unseen = endpoint.unseen.iter().map(|unseen| unseen.name().to_owned());
    writeln!(out, "    unseen: [{}]", list(unseen))?;
    if endpoint.allow.is_empty() {
        writeln!(out, "    # everyone with a key may call")?;
    } else {
        writeln!(out, "    allow: [{}]", subjects(&endpoint.allow))?;
    }
    let canaries = endpoint.canaries.iter().map(|_| SET.to_owned());
    writeln!(out, "    canaries: [{}]", list(canaries))?;
    writeln!(
        out,
        "    timeouts: {{ attempt: {}, idle: {}, total: {} }}",
        duration(endpoint.attempt_timeout),
        duration(endpoint.idle_timeout),
        duration(endpoint.total_timeout)
    )?;
    inference::write_endpoint(out, endpoint)
}

fn write_guardrail(out: &mut String, rail: &Guardrail) -> fmt::Result {
    writeln!(out, "      - id: {}", rail.id)?;
    writeln!(out, "        on: [{}]", channels(rail.on))?;
    match &rail.detect {
        Detect::Detectors(ids) => {
            writeln!(out, "        detect: [{}]", list(ids.iter().map(|id| (*id).to_owned())))?;
        }
        Detect::Keywords(words) => {
            writeln!(out, "        detect: keywords")?;
            writeln!(out, "        keywords: [{}]", list(words.iter().map(|word| text(word))))?;
        }
        Detect::Patterns(patterns) => {
            writeln!(out, "        detect: patterns")?;
            let patterns = list(patterns.iter().map(|pattern| text(pattern)));
            writeln!(out, "        patterns: [{patterns}]")?;
        }
        Detect::Topics(topics) => {
            writeln!(out, "        detect: topics")?;
            writeln!(out, "        topics:")?;
            for (name, words) in topics {
                let words = list(words.iter().map(|word| text(word)));
                writeln!(out, "          {}: [{words}]", text(name))?;
            }
        }
        Detect::Size { max_bytes } => {
            writeln!(out, "        detect: size")?;
            writeln!(out, "        max-bytes: {max_bytes}")?;
        }
        Detect::Links(hosts) => {
            writeln!(out, "        detect: links")?;
            let hosts = list(hosts.iter().map(|host| text(&host.to_string())));
            writeln!(out, "        hosts: [{hosts}]")?;
        }
        Detect::Packages(lists) => {
            writeln!(out, "        detect: packages")?;
            writeln!(out, "        packages:")?;
            for (ecosystem, packages) in lists {
                let names = list(packages.given.iter().map(|name| text(name)));
                writeln!(out, "          {ecosystem}: [{names}]")?;
            }
        }
    }
    writeln!(out, "        action: {}", rail.action.verdict())?;
    let mode = match rail.mode {
        Mode::Enforce => "enforce",
        Mode::DryRun => "dry-run",
    };
    writeln!(out, "        mode: {mode}")?;
    if rail.action == Action::Mask {
        writeln!(out, "        operator: {}", operator(&rail.operators.usual))?;
        if !rail.operators.by_detector.is_empty() {
            writeln!(out, "        operators:")?;
        }
        for (detector, own) in &rail.operators.by_detector {
            writeln!(out, "          {detector}: {}", operator(own))?;
        }
    }
    writeln!(out, "        restore: {}", rail.restore)?;
    writeln!(out, "        on-error: {}", on_error(rail.on_error))?;
    writeln!(out, "        threshold: {}", rail.threshold)?;
    if !rail.thresholds.is_empty() {
        let own: Vec<String> =
            rail.thresholds.iter().map(|(id, own)| format!("{id}: {own}")).collect();
        writeln!(out, "        thresholds: {{ {} }}", own.join(", "))?;
    }
    if let Some(sensitivity) = rail.sensitivity {
        let sensitivity = match sensitivity {
            Sensitivity::Low => "low",
            Sensitivity::Balanced => "balanced",
            Sensitivity::High => "high",
        };
        writeln!(out, "        sensitivity: {sensitivity}")?;
    }
    if let Some(refine) = &rail.refine {
        let (model, from, to) = (&refine.model, refine.from, refine.to);
        writeln!(out, "        refine: {{ model: {model}, from: {from}, to: {to} }}")?;
    }
    write_exceptions(out, &rail.exceptions)
}

fn operator(operator: &Operator) -> String {
    match operator {
        Operator::Replace(written) => format!("{{ replace: {} }}", text(written)),
        Operator::Partial { first, last, with } => {
            let with = text(with.encode_utf8(&mut [0; 4]));
            format!("{{ partial: {{ first: {first}, last: {last}, with: {with} }} }}")
        }
        other => other.name().to_owned(),
    }
}

fn write_exceptions(out: &mut String, exceptions: &[Exception]) -> fmt::Result {
    let is_caller = |exception: &&Exception| matches!(exception.what, Excepted::Caller { .. });
    let (callers, texts): (Vec<_>, Vec<_>) = exceptions.iter().partition(is_caller);
    for (key, entries) in [("allow", texts), ("except", callers)] {
        if !entries.is_empty() {
            writeln!(out, "        {key}:")?;
        }
        for exception in entries {
            let what = match &exception.what {
                Excepted::Literal(literal) => format!("literal: {}", text(literal)),
                Excepted::Pattern(pattern) => format!("pattern: {}", text(pattern)),
                Excepted::Caller { subject: Subject::Principal(who), rule } => {
                    format!("principal: {}, rule: {rule}", member(who))
                }
                Excepted::Caller { subject: Subject::Group(group), rule } => {
                    format!("group: {group}, rule: {rule}")
                }
            };
            let reason = text(&exception.reason);
            let expires = exception.until.map(day_before);
            let expires = expires.map(|day| format!(", expires: {day}")).unwrap_or_default();
            writeln!(out, "          - {{ {what}, reason: {reason}{expires} }}")?;
        }
    }
    Ok(())
}

/// An entry of a list that begins so far from the left.
fn write_limit(out: &mut String, limit: &Limit, indent: &str) -> fmt::Result {
    writeln!(out, "{indent}- id: {}", limit.id)?;
    let per = match &limit.per {
        LimitSubject::User => "user".to_owned(),
        LimitSubject::ServicePrincipal => "service-principal".to_owned(),
        LimitSubject::Endpoint => "endpoint".to_owned(),
        LimitSubject::All => "all".to_owned(),
        LimitSubject::Group(name) => format!("{{ group: {name} }}"),
        LimitSubject::Tag(name) => format!("{{ tag: {name} }}"),
    };
    writeln!(out, "{indent}  per: {per}")?;
    if let Some(percent) = limit.soft_percent {
        writeln!(out, "{indent}  soft: {percent}%")?;
    }
    if !limit.only.is_empty() {
        writeln!(out, "{indent}  only: [{}]", subjects(&limit.only))?;
    }
    if let Some(rate) = &limit.requests {
        writeln!(out, "{indent}  requests: {}", count(rate))?;
    }
    if let Some(rate) = &limit.tokens {
        writeln!(out, "{indent}  tokens: {}", count(rate))?;
    }
    if let Some(rate) = &limit.nano_usd {
        let amount = dollars(NanoUsd(rate.amount));
        writeln!(out, "{indent}  usd: {amount}/{}", rate.window_name())?;
    }
    Ok(())
}

fn count(rate: &Rate) -> String {
    format!("{}/{}", rate.amount, rate.window_name())
}

fn write_ledger(out: &mut String, settings: &Settings) -> fmt::Result {
    let ledger = &settings.ledger;
    writeln!(out, "ledger:")?;
    writeln!(out, "  segment: {}", size(ledger.segment_bytes))?;
    writeln!(out, "  total: {}", size(ledger.total_bytes))?;
    writeln!(out, "  keep: {}", duration(ledger.keep))?;
    let Assurance { durability, on_failure } = ledger.others;
    writeln!(out, "  durability: {}", durability.name())?;
    writeln!(out, "  on-failure: {}", on_failure.name())?;
    let areas = [("gateway", ledger.gateway), ("admin", ledger.admin)];
    heading(out, "  areas", areas.iter().all(|(_, area)| *area == ledger.others))?;
    for (name, area) in areas.iter().filter(|(_, area)| *area != ledger.others) {
        let (durability, on_failure) = (area.durability.name(), area.on_failure.name());
        writeln!(out, "    {name}: {{ durability: {durability}, on-failure: {on_failure} }}")?;
    }
    sinks::write_sinks(out, &settings.sinks)?;
    if !settings.witnesses.is_empty() {
        writeln!(out, "  witnesses:")?;
    }
    for witness in &settings.witnesses {
        let (id, url, key) = (&witness.id, text(&witness.url), text(&witness.key));
        writeln!(out, "    - {{ id: {id}, url: {url}, key: {key} }}")?;
    }
    if settings.witness_for.is_empty() {
        return Ok(());
    }
    let keys = settings.witness_for.iter().map(|key| text(key));
    writeln!(out, "  witness-for: [{}]", list(keys))
}

fn channels(set: ChannelSet) -> String {
    list(set.iter().map(|channel| channel.name().to_owned()))
}

fn subjects(subjects: &BTreeSet<Subject>) -> String {
    list(subjects.iter().map(|subject| match subject {
        Subject::Principal(principal) => member(principal),
        Subject::Group(name) => name.to_string(),
    }))
}

fn member(member: &Member) -> String {
    match member.kind {
        PrincipalKind::User => member.name.clone(),
        PrincipalKind::ServicePrincipal => format!("\"sp:{}\"", member.name),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// Plain where YAML reads it back as the same text, else quoted.
fn text(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | ':');
    let first =
        value.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '/');
    let special = ["true", "false", "null"].iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.parse::<f64>().is_ok();
    if first && !special && value.chars().all(plain) && !value.ends_with(':') {
        value.to_owned()
    } else {
        // A JSON string is a YAML string.
        serde_json::Value::from(value).to_string()
    }
}

const fn on_error(on_error: OnError) -> &'static str {
    match on_error {
        OnError::Block => "block",
        OnError::Allow => "allow",
    }
}

fn dollars(amount: NanoUsd) -> String {
    let exact = amount.to_string();
    exact.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis > 0 && millis % 86_400_000 == 0 => format!("{}d", millis / 86_400_000),
        millis if millis % 1_000 == 0 => format!("{}s", millis / 1_000),
        millis => format!("{millis}ms"),
    }
}

fn size(bytes: u64) -> String {
    [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        .into_iter()
        .find(|(factor, _)| bytes > 0 && bytes.is_multiple_of(*factor))
        .map_or_else(|| format!("{bytes}B"), |(factor, unit)| format!("{}{unit}", bytes / factor))
}
