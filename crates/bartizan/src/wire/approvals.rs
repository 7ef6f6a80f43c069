//! Changes that take a second person: found out, kept until they are decided, and the start that is no way around.

use std::path::Path;

use anyhow::Context as _;
use bartizan_core::event::{Event, EventSink, Outcome, Recorded};
use bartizan_core::limits::{POLICY_BYTES, read_text_file};
use bartizan_core::settings::{Approval, Settings};
use bartizan_core::{RequestId, time};
use bartizan_policy::Companions;
use bartizan_policy::weaken::{self, Weakness};
use bartizan_store::{
    ChangeKind, ChangeRecord, ENDPOINT_BYTES, Hand, NewChange, Store, StoreError,
};
use serde_json::{Value, json};

use super::admin::{Composed, InForce};
use super::policy;
use super::secrets::SecretSource;
use super::versions::{Mark, Versions};
use crate::format::usage;

/// What becomes weaker, as it is kept and shown.
pub(crate) fn listed(weaker: &[Weakness]) -> String {
    let one = |weakness: &Weakness| {
        let Weakness { kind, endpoint, rule, words } = weakness;
        json!({ "kind": kind.name(), "endpoint": endpoint, "rule": rule, "words": words })
    };
    Value::Array(weaker.iter().map(one).collect()).to_string()
}

/// Has a change of an endpoint wait. `body` is absent where it is to be removed.
pub(crate) fn propose_endpoint(
    store: &Store,
    settings: &Settings,
    (name, body, against): (&str, Option<&str>, String),
    weaker: &[Weakness],
    by: &Hand,
) -> Result<(ChangeRecord, bool), StoreError> {
    store.propose_change(&NewChange {
        kind: if body.is_some() { ChangeKind::EndpointPut } else { ChangeKind::EndpointDelete },
        name: name.to_owned(),
        body: body.unwrap_or_default().to_owned(),
        against,
        target: String::new(),
        proposer: Some(by.clone()),
        weaknesses: listed(weaker),
        expires: time::now() + settings.approvals.expire,
    })
}

/// A policy file that is weaker than the one in force, and what it has to wait for; none for one that may come into
/// force at once.
///
/// # Errors
/// That nobody can say whether two people have approved it, or that it cannot be kept until they do: then it must not
/// come into force.
pub(crate) fn judge_file(
    in_force: &InForce,
    next: &Composed,
    text: &str,
) -> anyhow::Result<Option<ChangeRecord>> {
    let old = in_force.composed();
    let (before, now) = (&old.file, &next.file);
    if before.approvals.policy_file == Approval::None || before.fingerprint == now.fingerprint {
        return Ok(None);
    }
    let weaker = weaken::policy(before, now, &next.all.endpoints);
    if weaker.is_empty() {
        return Ok(None);
    }
    let store = &in_force.source.store;
    let (against, target) = (&before.fingerprint.whole, &now.fingerprint.whole);
    if store.is_policy_approved(against, target)? {
        return Ok(None);
    }
    let (change, is_new) = store.propose_change(&NewChange {
        kind: ChangeKind::PolicyFile,
        name: now.version.clone(),
        // Whoever approves reads what becomes weaker; a text that is this long lies in its file.
        body: if text.len() <= ENDPOINT_BYTES { text.to_owned() } else { String::new() },
        against: against.clone(),
        target: target.clone(),
        // Who writes a file, nobody here knows: two people have to stand for it.
        proposer: None,
        weaknesses: listed(&weaker),
        expires: time::now() + before.approvals.expire,
    })?;
    if is_new && let Err(error) = note(&*in_force.events, "change-proposed", &change) {
        store.void_change(&change.id).context("a change that nobody knows of waits")?;
        return Err(error);
    }
    let id = &change.id;
    tracing::warn!(change = %id, version = %now.version, "the policy file is weaker and waits for two people; the last version stays");
    for weakness in &weaker {
        tracing::warn!(change = %id, "weaker: {weakness}");
    }
    Ok(Some(change))
}

/// Says in the event log what has become of a change that nobody in particular decided.
pub(crate) fn note(
    events: &dyn EventSink,
    operation: &str,
    change: &ChangeRecord,
) -> anyhow::Result<()> {
    let mut event = Event::new(RequestId::new(), "admin", operation);
    event.outcome = Outcome::Changed;
    event.endpoint = change.endpoint().map(|name| name.to_string());
    event.detail = Some(bartizan_console::describe_change(change));
    let recorded = events.record(&event).and_then(Recorded::wait);
    recorded.context("the event log does not take that a change waits")
}

/// Which text a start goes by.
pub(crate) struct AtStart {
    pub(crate) text: String,
    /// The version that was in force, where the file is weaker and nobody has approved it; and what it says.
    pub(crate) kept: Option<(String, Settings)>,
    /// Fingerprint of what the text was found to say, where it must say nothing else when it is read again.
    pub(crate) judged: Option<String>,
}

/// The text of the file; or that of the version that was in force, where the file is weaker and a weaker one needs two
/// people. So a restart is no way around them.
///
/// # Errors
/// That the file cannot be used, or that nobody can say whether it is weaker.
pub(crate) fn at_start(
    file: Option<&Path>,
    data_dir: &Path,
    versions: &Versions,
) -> anyhow::Result<AtStart> {
    let mark = versions.mark()?.filter(|mark| mark.two_people);
    let text = match (file, &mark) {
        (Some(file), _) => read_text_file(file, POLICY_BYTES)
            .with_context(|| format!("cannot read `{}`", file.display()))?,
        (None, None) => policy::default_text(),
        (None, Some(Mark { version, .. })) => {
            return Err(usage(
                format!(
                    "policy version `{version}` was in force, which takes two people to weaken, and there is no policy file"
                ),
                "name the file with `--config`",
            ));
        }
    };
    let (Some(file), Some(mark)) = (file, mark) else {
        return Ok(AtStart { text, kept: None, judged: None });
    };
    let settings = compiled(&text, file, data_dir)?;
    let judged = Some(settings.fingerprint.whole.clone());
    if settings.fingerprint.whole == mark.fingerprint {
        return Ok(AtStart { text, kept: None, judged });
    }
    let (kept, before) = in_force_before(&mark, file, data_dir, versions)?;
    let weaker = weaken::policy(&before, &settings, &settings.endpoints);
    // Endpoints of the admin API, which are not known yet, may count who leaves a group.
    let leaves = before.groups.iter().find(|(name, members)| {
        settings.groups.get(*name).is_none_or(|now| !members.is_subset(now))
    });
    if weaker.is_empty() && leaves.is_none() {
        return Ok(AtStart { text, kept: None, judged });
    }
    if let Some((group, _)) = leaves {
        tracing::error!(%group, "weaker: members leave a group, which something may count");
    }
    tracing::error!(
        file = %file.display(), version = %mark.version,
        "the policy file is weaker than the version that was in force, and nobody has approved that; starting with the version"
    );
    for weakness in &weaker {
        tracing::error!("weaker: {weakness}");
    }
    let judged = Some(before.fingerprint.whole.clone());
    Ok(AtStart { text: kept, kept: Some((mark.version, before)), judged })
}

/// The text and the settings of the version that was in force.
fn in_force_before(
    mark: &Mark,
    file: &Path,
    data_dir: &Path,
    versions: &Versions,
) -> anyhow::Result<(String, Settings)> {
    let help = "put back what was changed, or read the guide on approvals for the way out";
    let version = &mark.version;
    let kept = versions.get(version)?.ok_or_else(|| {
        let what = format!(
            "the policy file is not version `{version}` that was in force, whose text is gone"
        );
        usage(format!("{what}: nobody can say whether it is weaker"), help)
    })?;
    let before = compiled(&kept.text, file, data_dir).with_context(|| {
        format!("version `{version}` of the policy, which was in force, cannot be used")
    })?;
    if before.fingerprint.whole == mark.fingerprint {
        return Ok((kept.text, before));
    }
    let folder = folder_of(file);
    let now = Companions::of(&kept.text, folder).cedar().unwrap_or_default();
    let below = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_owned();
    let now: Vec<_> = now.into_iter().map(|(path, text)| (below(&path), text)).collect();
    let changed = now
        .iter()
        .chain(&kept.cedar)
        .filter(|one| !(now.contains(one) && kept.cedar.contains(one)));
    let mut changed: Vec<String> =
        changed.map(|(path, _)| format!("`{}`", path.display())).collect();
    changed.sort();
    changed.dedup();
    let which = if changed.is_empty() {
        "a list of members or packages, or keys of an issuer".to_owned()
    } else {
        changed.join(", ")
    };
    Err(usage(
        format!(
            "policy version `{version}` was in force, and files that are part of it are not what they were ({which}): nobody can say what became weaker"
        ),
        help,
    ))
}

/// What a text says that stands for the file.
fn compiled(text: &str, file: &Path, data_dir: &Path) -> anyhow::Result<Settings> {
    let (name, folder) = (file.display().to_string(), folder_of(file));
    let secrets = SecretSource::of(text, &name, folder, Some(data_dir))?;
    Ok(policy::load_text(text, &name, folder, secrets.as_ref())?)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}
