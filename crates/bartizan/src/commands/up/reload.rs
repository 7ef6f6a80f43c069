//! The policy file, put in force again when it changes.

mod held;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bartizan_core::settings::{
    InferenceStore, Ledger, Listen, Login, Settings, Shared, Sink, Tokens, Witness,
};
use bartizan_gateway::Snapshot;
use bartizan_policy::Companions;
use bartizan_store::StoreError;

use crate::wire::admin::{Composed, InForce, Next, PolicySource};
use crate::wire::endpoints::Endpoints;
use crate::wire::identity::Known;
use crate::wire::{approvals, models};
use held::Held;

/// How often the policy file is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// How long to wait with a version that the event log did not take.
const RETRY: Duration = Duration::from_secs(5);
/// Looks that must find no file before that is said: an editor may take it away and put it back.
const MISSING_LOOKS: u32 = 4;

/// What a process keeps as it was when it started.
#[derive(Debug, Clone)]
pub(super) struct AtStart {
    listen: Listen,
    data_dir: PathBuf,
    ledger: Ledger,
    inference: InferenceStore,
    sinks: Vec<Sink>,
    witnesses: Vec<Witness>,
    witness_for: Vec<String>,
    otlp_endpoint: Option<String>,
    tokens: Option<Tokens>,
    login: Option<Login>,
    shared: Shared,
}

impl AtStart {
    /// `data_dir` is that of the policy, whatever the command line says.
    pub(super) fn of(settings: &Settings, data_dir: PathBuf) -> Self {
        Self {
            listen: settings.listen.clone(),
            data_dir,
            ledger: settings.ledger,
            inference: settings.inference,
            sinks: settings.sinks.clone(),
            witnesses: settings.witnesses.clone(),
            witness_for: settings.witness_for.clone(),
            otlp_endpoint: settings.otlp_endpoint.clone(),
            tokens: settings.tokens.clone(),
            login: settings.login.clone(),
            shared: settings.shared.clone(),
        }
    }

    /// Keys of the policy that say something else now.
    fn changed(&self, now: &Self) -> Vec<&'static str> {
        [
            ("listen.gateway", self.listen.gateway != now.listen.gateway),
            ("listen.console", self.listen.console != now.listen.console),
            ("listen.tls", self.listen.tls != now.listen.tls),
            ("listen.console-names", self.listen.console_names != now.listen.console_names),
            ("data-dir", self.data_dir != now.data_dir),
            ("ledger", self.ledger != now.ledger),
            ("inference-log", self.inference != now.inference),
            ("ledger.sinks", self.sinks != now.sinks),
            ("ledger.witnesses", self.witnesses != now.witnesses),
            ("ledger.witness-for", self.witness_for != now.witness_for),
            ("telemetry.otlp-endpoint", self.otlp_endpoint != now.otlp_endpoint),
            ("state", self.shared != now.shared),
            ("identity.tokens", self.tokens != now.tokens),
            ("console.login", self.login != now.login),
        ]
        .into_iter()
        .filter_map(|(key, is_changed)| is_changed.then_some(key))
        .collect()
    }
}

/// A policy as its files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    text: String,
    companions: Companions,
    /// Changes when any of the companions does, or a file of secrets.
    files: String,
    /// Changes when a value of Vault does, as far as it was asked for.
    vault: String,
    /// Changes when endpoints of the admin API do, also by another gateway with the same state.
    endpoints: u64,
}

impl Seen {
    /// What there is beside a text that is about to be read for the first time; none where that cannot be said, and
    /// then everything is new to the first look.
    ///
    /// Whatever changes from here on, while the process starts too, is found by a look.
    pub(super) fn before(source: &PolicySource, text: &str) -> Option<Self> {
        source.secrets(text).ok()?;
        Self::of(source, text.to_owned(), source.companions(text)).ok()
    }

    /// With the values of Vault that the text was read with.
    pub(super) fn read(self, source: &PolicySource) -> Self {
        Self { vault: vault_state(source), ..self }
    }

    /// What is there now. A text that was seen before is not read for its companions again.
    fn now(source: &PolicySource, before: [Option<&Self>; 2]) -> anyhow::Result<Self> {
        let text = source.text()?;
        let known = before.into_iter().flatten().find(|seen| seen.text == text);
        let companions =
            known.map_or_else(|| source.companions(&text), |seen| seen.companions.clone());
        Self::of(source, text, companions)
    }

    fn of(source: &PolicySource, text: String, companions: Companions) -> anyhow::Result<Self> {
        let mut files = companions.state().context("cannot read a file that the policy names")?;
        if let Some(secrets) = source.known_secrets() {
            files += &secrets.files_state();
            secrets.refresh_vault();
        }
        let (vault, endpoints) = (vault_state(source), source.store.endpoints_state());
        Ok(Self { text, companions, files, vault, endpoints })
    }

    /// Whether nothing but endpoints of the admin API may differ.
    fn has_files_of(&self, other: &Self) -> bool {
        self.text == other.text && self.files == other.files && self.vault == other.vault
    }
}

fn vault_state(source: &PolicySource) -> String {
    source.known_secrets().map(|secrets| secrets.vault_state()).unwrap_or_default()
}

/// What a look at the files came to.
enum Look {
    Same,
    /// Something new, seen for the first time: whoever writes a file may not be done.
    Unsettled(Seen),
    Unreadable(anyhow::Error),
    /// Something new, and what else is needed to read it is away.
    Waiting(anyhow::Error),
    /// Something new, and what it says.
    Changed(Seen, anyhow::Result<Box<(Composed, PathBuf)>>),
}

/// Puts a changed policy file in force. One that is not valid changes nothing and is said once, and
/// so is one that is gone.
///
/// One that is weaker waits for two people, where the policy in force asks for them. `last` is what the process began
/// with; none where that is not what the file says.
pub(super) async fn reload(
    in_force: Arc<InForce>,
    at_start: AtStart,
    mut last: Option<Seen>,
    stop: impl Future<Output = ()>,
) {
    let source = &in_force.source;
    let Some(file) = source.file.clone() else { return };
    let mut stop = std::pin::pin!(stop);
    let mut held = Held::default();
    let mut missing = 0u32;
    let mut unsettled: Option<Seen> = None;
    let mut retry_after: Option<Instant> = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = &mut stop => return,
        }
        if retry_after.is_some_and(|after| Instant::now() < after) {
            continue;
        }
        retry_after = None;
        let _changing = in_force.changing.lock().await;
        if let Some(seen) = held.look(&in_force).await {
            // As if it were new, and settled.
            (last, unsettled) = (None, Some(seen));
        }
        let looked_at = Arc::clone(source);
        let (before, seen) = (last.clone(), unsettled.take());
        let looking = move || look(&looked_at, before.as_ref(), seen.as_ref());
        let Ok(found) = tokio::task::spawn_blocking(looking).await else { continue };
        let (now, settings) = match found {
            Look::Unreadable(error) => {
                missing = missing.saturating_add(1);
                if missing == MISSING_LOOKS {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "policy file not read; the last good one stays");
                }
                continue;
            }
            Look::Waiting(error) => {
                missing = 0;
                refuse(&file, &error);
                retry_after = Some(Instant::now() + RETRY);
                continue;
            }
            Look::Same => {
                missing = 0;
                continue;
            }
            Look::Unsettled(now) => {
                missing = 0;
                unsettled = Some(now);
                continue;
            }
            Look::Changed(now, settings) => (now, settings),
        };
        missing = 0;
        let text = now.text.clone();
        let before = last.replace(now);
        let is_known = settings.as_ref().is_ok_and(|changed| {
            let known = in_force.composed();
            before.as_ref().zip(last.as_ref()).is_some_and(|(before, now)| now.has_files_of(before))
                && changed.0.all.version == known.all.version
        });
        if is_known {
            // An endpoint that was changed here is in force already.
            continue;
        }
        if let Ok(changed) = &settings {
            let judge = || approvals::judge_file(&in_force, &changed.0, &text);
            match tokio::task::block_in_place(judge) {
                Ok(None) => held.drop_other(&in_force).await,
                Ok(Some(change)) => {
                    held.replace(&in_force, change.id, last.clone()).await;
                    // What others did by the admin API counts nevertheless.
                    let endpoints = Endpoints(Arc::clone(&in_force));
                    if let Err(error) = tokio::task::block_in_place(|| endpoints.refresh()) {
                        refuse(&file, &error);
                    }
                    continue;
                }
                Err(error) => {
                    refuse(&file, &error);
                    last = before;
                    retry_after = Some(Instant::now() + RETRY);
                    continue;
                }
            }
        }
        let built = settings.and_then(|changed| {
            let (composed, data_dir) = *changed;
            let now = AtStart::of(&composed.all, data_dir);
            tokio::task::block_in_place(|| in_force.inference.ensure(&composed.all))?;
            // Weights take a while to read; the loop has nothing else to do, its thread has.
            let models = tokio::task::block_in_place(|| models::load(&composed.all))?;
            let known = Known::of(&composed.all);
            let snapshot = Snapshot::build(composed.all.clone(), &models)?;
            Ok((composed, now, known, snapshot))
        });
        match built {
            Ok((composed, now, known, snapshot)) => {
                let prepared = match in_force.identities.prepare(known).await {
                    Ok(prepared) => prepared,
                    Err(error) => {
                        refuse(&file, &error);
                        continue;
                    }
                };
                let version = composed.all.version.clone();
                let next = Next { text, composed, snapshot, identities: Some(prepared) };
                let enter = || enter(&in_force, next);
                if let Err(error) = tokio::task::block_in_place(enter) {
                    refuse(&file, &error);
                    // The log may take it later, and nobody will change the file for that.
                    last = before;
                    retry_after = Some(Instant::now() + RETRY);
                    continue;
                }
                tracing::info!(%version, file = %file.display(), "policy reloaded");
                for key in at_start.changed(&now) {
                    tracing::warn!("`{key}` takes effect at the next start");
                }
            }
            Err(error) => refuse(&file, &error),
        }
    }
}

/// Puts a policy in force. What was approved about files was about the one before.
fn enter(in_force: &InForce, next: Next) -> anyhow::Result<()> {
    let fingerprint = next.composed.file.fingerprint.whole.clone();
    if fingerprint != in_force.composed().file.fingerprint.whole {
        in_force.source.store.close_policy_changes(&fingerprint)?;
    }
    in_force.enter(next)
}

/// A file that is being written can be read in half, and half of a policy can be a valid one with
/// fewer guardrails. So a new text counts only when a second look finds the same.
fn look(source: &PolicySource, before: Option<&Seen>, seen: Option<&Seen>) -> Look {
    match Seen::now(source, [before, seen]) {
        Err(error) => Look::Unreadable(error),
        Ok(now) if Some(&now) == before => Look::Same,
        // What is in the database is never there in half.
        Ok(now) if Some(&now) != seen && !before.is_some_and(|it| now.has_files_of(it)) => {
            Look::Unsettled(now)
        }
        Ok(now) => {
            let settings = source
                .load(&now.text)
                .and_then(|composed| Ok(Box::new((composed, source.data(&now.text)?.data_dir))));
            match settings {
                // Endpoints of the admin API are part of it, and nobody will change the file once they can be read.
                Err(error) if error.is::<StoreError>() => Look::Waiting(error),
                settings => Look::Changed(now, settings),
            }
        }
    }
}

fn refuse(file: &Path, error: &anyhow::Error) {
    let shown = error
        .downcast_ref::<bartizan_policy::PolicyError>()
        .map_or_else(|| format!("{error:#}"), bartizan_policy::PolicyError::render);
    tracing::error!(file = %file.display(), "policy not reloaded; the last good one stays\n{shown}");
}

#[cfg(test)]
mod tests {
    use bartizan_store::Store;
    use parking_lot::Mutex;

    use super::*;

    const POLICY: &str = "version: 1
groups: { team: [file:team.txt] }
providers: { demo: { demo: {} } }
endpoints: { open: { routes: [{ provider: demo, model: m }], allow: [team] } }
";

    #[test]
    fn what_changes_while_a_process_starts_is_new_to_the_first_look() {
        let folder = tempfile::tempdir().unwrap();
        let team = folder.path().join("team.txt");
        let file = folder.path().join("bartizan.yaml");
        std::fs::write(&team, "alice@example.com\n").unwrap();
        std::fs::write(&file, POLICY).unwrap();
        let store = Arc::new(Store::open(&folder.path().join("state.db")).unwrap());
        let source = PolicySource {
            file: Some(file.clone()),
            data_dir: folder.path().to_owned(),
            store,
            secrets: Mutex::default(),
        };
        let begin = || {
            let seen = Seen::before(&source, POLICY).unwrap();
            source.load(POLICY).unwrap();
            seen.read(&source)
        };
        let seen = begin();
        assert!(matches!(look(&source, Some(&seen), None), Look::Same));
        std::fs::write(&team, "alice@example.com\neve@example.com\n").unwrap();
        let Look::Unsettled(now) = look(&source, Some(&seen), None) else { panic!("not seen") };
        assert!(matches!(look(&source, Some(&seen), Some(&now)), Look::Changed(..)));
        let seen = begin();
        std::fs::write(&file, format!("{POLICY}# other\n")).unwrap();
        assert!(matches!(look(&source, Some(&seen), None), Look::Unsettled(_)));
    }
}
