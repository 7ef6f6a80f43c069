//! What the console port asks of the running process: endpoints, events, readiness, and the policy
//! that is in force.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bartizan_console::{AdminError, Check, EventFilter, EventQuery, LogFiles, Readiness};
use bartizan_core::event::EventSink;
use bartizan_core::limits::{POLICY_BYTES, read_text_file};
use bartizan_core::settings::{Approval, Settings};
use bartizan_core::{Class, Coded as _, Event};
use bartizan_gateway::json::Document;
use bartizan_gateway::{Gateway, Snapshot};
use bartizan_ledger::EventLogWriter;
use bartizan_ledger::serve::Served;
use bartizan_policy::{Companions, DataSettings, Place, PolicyError, Problem};
use bartizan_store::Store;
use parking_lot::Mutex;
use serde_json::Value;

use super::counters::Counting;
use super::identity::{Identities, Prepared};
use super::inference::Inference;
use super::policy;
use super::secrets::SecretSource;
use super::versions::{Mark, Version, Versions};

/// Where the policy comes from: a file or the embedded defaults, plus endpoints made by the admin
/// API, which live in the store.
pub(crate) struct PolicySource {
    pub(crate) file: Option<PathBuf>,
    /// Folder that takes the place of the policy's own.
    pub(crate) data_dir: PathBuf,
    pub(crate) store: Arc<Store>,
    /// Where the secrets of the policy are, while it refers to any.
    pub(crate) secrets: Mutex<Option<Arc<SecretSource>>>,
}

impl PolicySource {
    /// The policy as it stands now.
    pub(crate) fn load(&self, text: &str) -> anyhow::Result<Composed> {
        let extra = self.store.list_endpoints()?;
        let extra: Vec<(String, String)> =
            extra.into_iter().map(|endpoint| (endpoint.name, endpoint.body)).collect();
        self.compose(text, &extra)
    }

    /// Text of the file or of the defaults.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        match &self.file {
            Some(file) => read_text_file(file, POLICY_BYTES)
                .with_context(|| format!("cannot read `{}`", file.display())),
            None => Ok(policy::default_text()),
        }
    }

    /// Where the secrets of a text are: what is known of them stays known where the places are the same.
    pub(crate) fn secrets(&self, text: &str) -> Result<Option<Arc<SecretSource>>, PolicyError> {
        let found = SecretSource::of(text, &self.name(), self.folder(), Some(&self.data_dir))?;
        let mut known = self.secrets.lock();
        *known = match (found, known.take()) {
            (Some(found), Some(known)) if found.is_as(&known) => Some(known),
            (found, _) => found.map(Arc::new),
        };
        Ok(known.clone())
    }

    /// Where the secrets of the policy are that was read last.
    pub(crate) fn known_secrets(&self) -> Option<Arc<SecretSource>> {
        self.secrets.lock().clone()
    }

    /// The files beside a text of the policy that are part of it.
    pub(crate) fn companions(&self, text: &str) -> Companions {
        Companions::of(text, self.folder())
    }

    /// Where a text of the policy itself keeps state and logs, whatever the command line says.
    pub(crate) fn data(&self, text: &str) -> anyhow::Result<DataSettings> {
        Ok(bartizan_policy::load_data(text, &self.name(), self.folder())?)
    }

    fn name(&self) -> String {
        let file = self.file.as_ref();
        file.map_or_else(|| "embedded defaults".to_owned(), |file| file.display().to_string())
    }

    fn folder(&self) -> &Path {
        self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new("."))
    }

    pub(super) fn compose(
        &self,
        text: &str,
        extra: &[(String, String)],
    ) -> anyhow::Result<Composed> {
        let (name, folder) = (self.name(), self.folder());
        // The file by itself comes first: its errors have places in it.
        let secrets = self.secrets(text)?;
        let secrets = secrets.as_deref();
        let file = policy::load_text(text, &name, folder, secrets)?;
        let mut all = if extra.is_empty() {
            file.clone()
        } else {
            let joined = join(text, extra)?;
            policy::load_text(&joined, "file and admin endpoints", folder, secrets)
                .map_err(|error| Joined::new(&error, &joined))?
        };
        all.data_dir.clone_from(&self.data_dir);
        Ok(Composed { file, all })
    }
}

/// A policy, checked.
pub(crate) struct Composed {
    /// What the file says by itself.
    pub(crate) file: Settings,
    /// The same with the endpoints of the admin API.
    pub(crate) all: Settings,
}

/// A policy that can be put in force.
pub(crate) struct Next {
    /// Text of its file.
    pub(crate) text: String,
    pub(crate) composed: Composed,
    pub(crate) snapshot: Snapshot,
    /// Whom it names as callers, where that may be others than before.
    pub(crate) identities: Option<Prepared>,
}

/// The policy that is in force, and how another takes its place.
pub(crate) struct InForce {
    pub(crate) source: Arc<PolicySource>,
    pub(crate) identities: Arc<Identities>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) versions: Versions,
    pub(crate) events: Arc<dyn EventSink>,
    /// Opened when a policy first asks for it.
    pub(crate) inference: Arc<Inference>,
    /// Text of the file that is in force. What is on the disk may be half of another one.
    pub(crate) text: Mutex<String>,
    /// What is in force, checked.
    pub(crate) composed: Mutex<Arc<Composed>>,
    /// Held from looking at what there is to putting it in force: by whoever reads the file again, and by
    /// changes of endpoints. Otherwise what comes last could bring back what was just removed.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

impl InForce {
    /// What is in force.
    pub(crate) fn composed(&self) -> Arc<Composed> {
        Arc::clone(&self.composed.lock())
    }

    /// Puts a version in force, once the event log says so: all of it, or nothing.
    pub(crate) fn enter(&self, next: Next) -> anyhow::Result<()> {
        let Next { text, composed, snapshot, identities } = next;
        self.note(&composed, &text)?;
        if let Some(identities) = identities {
            self.identities.commit(identities);
        }
        self.gateway.replace(snapshot);
        *self.text.lock() = text;
        *self.composed.lock() = Arc::new(composed);
        Ok(())
    }

    /// Says that what the process begins with is in force.
    pub(crate) fn begin(&self, text: &str) -> anyhow::Result<()> {
        let composed = self.composed();
        let fingerprint = &composed.file.fingerprint.whole;
        let last = self.versions.mark()?;
        if last.is_some_and(|last| last.fingerprint != *fingerprint) {
            // What was approved about files was about the one before.
            self.source.store.close_policy_changes(fingerprint)?;
        }
        self.note(&composed, text)
    }

    /// Says in the event log that a version is in force from now on, and to the next start.
    fn note(&self, composed: &Composed, text: &str) -> anyhow::Result<()> {
        let Composed { file, all } = composed;
        let version = Version::of(&all.version, text.to_owned(), self.source.folder())?;
        self.versions.enter(&*self.events, &version)?;
        let two_people = file.approvals.policy_file == Approval::TwoPeople;
        self.versions.set_mark(&Mark::new(&all.version, &file.fingerprint.whole, two_people))
    }
}

/// The policy with more endpoints, as JSON, which is YAML.
fn join(text: &str, extra: &[(String, String)]) -> anyhow::Result<String> {
    let mut document: Value = serde_saphyr::from_str(text)?;
    let root = document.as_object_mut().context("the policy is not a mapping")?;
    let endpoints =
        root.entry("endpoints").or_insert_with(|| Value::Object(serde_json::Map::new()));
    let endpoints = endpoints.as_object_mut().context("`endpoints` is not a mapping")?;
    for (name, body) in extra {
        let body: Value = serde_json::from_str(body)?;
        without_files(name, &body)?;
        // What the file says about a name wins over the admin API.
        endpoints.entry(name.clone()).or_insert(body);
    }
    Ok(document.to_string())
}

/// Refuses lists of packages that lie in files: whoever may make endpoints need not be able to have
/// files of this machine read.
fn without_files(name: &str, body: &Value) -> anyhow::Result<()> {
    let rails = body.get("guardrails").and_then(Value::as_array);
    for rail in rails.into_iter().flatten() {
        let lists = rail.get("packages").and_then(Value::as_object);
        for (registry, names) in lists.into_iter().flatten() {
            let names = names.as_array().map_or(std::slice::from_ref(names), Vec::as_slice);
            let is_file =
                |name: &Value| name.as_str().is_some_and(|name| name.starts_with("file:"));
            if names.iter().any(is_file) {
                let message = format!(
                    "`/endpoints/{name}`: the names of `{registry}` lie in a file, which only the policy file may name"
                );
                let help = "list the names here, or define the endpoint in the policy file";
                return Err(Joined { message, help: Some(help.to_owned()) }.into());
            }
        }
    }
    Ok(())
}

/// What is wrong with the policy that file and admin API make together. There is no such file to
/// point into, so each problem names the member by its JSON pointer.
#[derive(Debug)]
struct Joined {
    message: String,
    help: Option<String>,
}

impl std::fmt::Display for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Joined {}

impl Joined {
    fn new(error: &PolicyError, joined: &str) -> Self {
        let PolicyError::Invalid(report) = error else {
            return Self { message: error.to_string(), help: None };
        };
        let says = |problem: &Problem| match pointer(problem.place, joined) {
            Some(pointer) => format!("`{pointer}`: {}", problem.message),
            None => problem.message.clone(),
        };
        let mut message = report.problems.iter().map(says).collect::<Vec<_>>().join("; ");
        if report.left_out > 0 {
            // Writing to a string cannot fail.
            let _ = write!(message, "; and {} further problems", report.left_out);
        }
        // Help that belongs to one of several problems would be read as that of all.
        let help = match report.problems.as_slice() {
            [only] => only.help.clone(),
            _ => None,
        };
        Self { message, help }
    }
}

/// JSON pointer of what stands at a place.
fn pointer(place: Option<Place>, text: &str) -> Option<String> {
    let column = usize::try_from(place?.column).ok()?.checked_sub(1)?;
    let line = usize::try_from(place?.line).ok()?.checked_sub(1)?;
    let line = text.lines().nth(line)?;
    let in_line = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let at = line.as_ptr().addr() - text.as_ptr().addr() + in_line;
    let document = Document::parse(text.as_bytes()).ok()?;
    let mut value = document.root();
    // Members begin with their key, so what ends first after the place has it.
    while at != value.span().start {
        let members = value.members().map(|(_, member)| member);
        let Some(inner) = value.items().chain(members).find(|inner| inner.span().end > at) else {
            break;
        };
        value = inner;
        if at < value.span().start {
            break;
        }
    }
    let pointer = document.pointer(value.id());
    (!pointer.is_empty()).then_some(pointer)
}

pub(super) fn refused(error: impl Into<anyhow::Error>) -> AdminError {
    let error = error.into();
    let (message, help) = if let Some(joined) = error.downcast_ref::<Joined>() {
        (joined.message.clone(), joined.help.clone())
    } else if let Some(policy) = error.downcast_ref::<PolicyError>() {
        (policy.render(), None)
    } else {
        (format!("{error:#}"), None)
    };
    let code = "bartizan::admin::endpoint-invalid";
    AdminError { class: Class::Usage, code, message, help }
}

pub(super) fn internal(error: impl std::fmt::Display) -> AdminError {
    tracing::error!(%error, "admin request failed");
    AdminError {
        class: Class::Internal,
        code: "bartizan::admin::internal",
        message: "see the log".to_owned(),
        help: None,
    }
}

/// Events, for the admin API.
pub(crate) struct Events {
    pub(crate) folder: PathBuf,
}

impl EventQuery for Events {
    fn events(&self, filter: EventFilter) -> Result<Vec<Event>, AdminError> {
        let mut last = std::collections::VecDeque::with_capacity(filter.limit);
        for event in bartizan_ledger::read(&self.folder, Some(filter.since)) {
            match event {
                Ok(event) => {
                    if last.len() == filter.limit {
                        last.pop_front();
                    }
                    last.push_back(event);
                }
                Err(error) => tracing::warn!(code = error.code(), %error, "event skipped"),
            }
        }
        Ok(last.into())
    }
}

/// The log, for those who follow it.
pub(crate) struct LogFolder(pub(crate) Served);

impl LogFiles for LogFolder {
    fn checkpoint(&self) -> Result<Option<String>, AdminError> {
        self.0.checkpoint().map_err(internal)
    }

    fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, AdminError> {
        self.0.tile(path).map_err(internal)
    }
}

/// Whether requests can be served and recorded.
pub(crate) struct Ready {
    pub(crate) log: Arc<EventLogWriter>,
    pub(crate) counting: Arc<Counting>,
}

impl Readiness for Ready {
    fn checks(&self) -> Vec<Check> {
        let log = self.log.check().map_err(|error| error.to_string());
        let mut checks = vec![
            // A process without a valid policy does not come this far.
            Check { name: "policy", state: Ok(()) },
            Check { name: "event-log", state: log },
        ];
        checks.extend(self.counting.check().map(|state| Check { name: "counters", state }));
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_joined_policies_become_pointers() {
        let text = r#"{"é":1,"endpoints":{"a":{"routes":[{"provider":"x"},{"provider":"y"}],"allow":[]}}}"#;
        let at = |found: &str| {
            let byte = text.find(found).unwrap();
            let column = text[..byte].chars().count() as u64 + 1;
            pointer(Some(Place { line: 1, column, chars: 1, byte: None }), text)
        };
        for (found, expected) in [
            ("\"y\"", "/endpoints/a/routes/1/provider"),
            ("{\"provider\":\"y\"", "/endpoints/a/routes/1"),
            ("allow", "/endpoints/a/allow"),
            ("[]", "/endpoints/a/allow"),
            ("\"endpoints\"", "/endpoints"),
        ] {
            assert_eq!(at(found).as_deref(), Some(expected), "{found}");
        }
        assert_eq!(pointer(None, text), None);
        assert_eq!(pointer(Some(Place { line: 9, column: 1, chars: 1, byte: None }), text), None);
    }
}
