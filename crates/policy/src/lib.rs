//! `bartizan.yaml` read strictly and compiled to [`Settings`].
//!
//! Text goes in; settings that hold what they promise, or every problem with its place in the file,
//! come out. What the settings do belongs to the rooms that act on them; watching the file and
//! swapping settings belongs to the binary.
//!
//! The way through the crate: `parse` reads YAML into the plain structs of `file`, `compile`
//! checks them and resolves names and secrets, `error` and `snippet` say what is wrong.

mod companions;
mod compile;
mod decide;
mod defaults;
mod error;
mod file;
mod lints;
mod located;
mod parse;
mod pattern;
mod prove;
mod schema;
mod show;
mod snippet;
mod suggest;
pub mod weaken;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_core::catalog::Meta;
use bartizan_core::channel::ChannelSet;
use bartizan_core::limits::{POLICY_BYTES, read_text_file};
use bartizan_core::operator::MaskKey;
use bartizan_core::redact::Secret;
use bartizan_core::settings::{Ledger, LocalModel, Secrets, Settings, Shared};

pub use companions::Companions;
pub use decide::as_cedar;
pub use defaults::{default_settings, default_yaml};
pub use error::{PolicyError, Problem, Report};
pub use lints::{Lint, lints};
pub use located::Place;
pub use prove::{Counterexample, Means, Proof, prove};
pub use show::show;
pub use suggest::nearest;

use crate::compile::Compiler;
use crate::decide::{Cedar, Decisions};
use crate::error::Problems;
use crate::file::PolicyFile;
use crate::file::scalar::SecretText;
use crate::located::Located;

/// What `detect:` can name. Handed in, so that this crate needs no detector to build or test.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue<'a> {
    /// Every detector of this build.
    pub detectors: &'a [&'static Meta],
    /// Ids of those that a category does not include unless `entities` names them.
    pub on_request: &'a [&'static str],
    /// Checks an entry of `models`; absent in a build that runs none.
    pub models: Option<CheckModel>,
    /// Ids of those that do not read every channel, with the channels that they read.
    pub channels: &'a [(&'static str, ChannelSet)],
    /// Ids of those that do not judge every text of every channel by itself before it is sent on, with the channels of
    /// which they do: a detector may need the whole of a text, which a stream never has, or look at conversations.
    pub guards: &'a [(&'static str, ChannelSet)],
    /// Ids of those that `sensitivity` speaks to.
    pub trained: &'a [&'static str],
}

/// Says what is wrong with the folder of a model, or with what is asked of it.
pub type CheckModel = fn(&LocalModel) -> Result<(), ModelProblem>;

/// What is wrong with an entry of `models`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelProblem {
    /// Which key it is about.
    pub key: ModelKey,
    /// What is wrong; one line.
    pub message: String,
    /// What to do; one line.
    pub help: String,
}

/// Keys of an entry of `models` that a check may speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKey {
    /// `path`
    Path,
    /// `labels`
    Labels,
    /// `max-tokens`
    MaxTokens,
}

impl Catalogue<'static> {
    /// One without any detector, for what does not speak of them.
    const EMPTY: Self = Self {
        detectors: &[],
        on_request: &[],
        channels: &[],
        guards: &[],
        trained: &[],
        models: None,
    };
}

/// Where values outside the policy file come from. Handed in, so that tests need no process state.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Looks up an environment variable.
    env: &'a dyn Fn(&str) -> Option<String>,
    /// Looks up what `secret:` and `vault:` refer to.
    secrets: Option<&'a dyn FindSecret>,
    /// Whether something stands in for what is not there.
    stands_in: bool,
}

/// Looks up what `secret:NAME` and `vault:MOUNT/PATH#FIELD` refer to.
pub trait FindSecret {
    /// The value behind a reference, which comes with its scheme.
    ///
    /// # Errors
    /// What is wrong, without any value.
    fn find(&self, reference: &str) -> Result<Secret, SecretProblem>;
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretProblem {
    /// What is wrong; one line.
    pub message: String,
    /// What to do; one line.
    pub help: String,
}

impl Sources<'static> {
    /// The environment of this process. Variables that are not Unicode count as absent.
    pub const fn process() -> Self {
        Self::of(&|name| std::env::var(name).ok())
    }
}

impl<'a> Sources<'a> {
    /// Variables that this gives.
    pub const fn of(env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { env, secrets: None, stands_in: false }
    }

    /// With secrets that somebody keeps.
    #[must_use]
    pub const fn with_secrets(self, secrets: &'a dyn FindSecret) -> Self {
        Self { secrets: Some(secrets), ..self }
    }

    /// With something in place of each variable and file that is not there: for trying a policy where its
    /// credentials are not at hand. What is compiled so must never be put in force.
    #[must_use]
    pub const fn with_stand_ins(self) -> Self {
        Self { stands_in: true, ..self }
    }
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources")
    }
}

/// Compiles the text of a policy file.
///
/// `source_name` is the name shown in errors; relative paths in the text start at `base_dir`.
///
/// # Errors
/// [`PolicyError::TooLarge`] beyond [`POLICY_BYTES`], else [`PolicyError::Invalid`]: the first
/// problem of form, or every problem of meaning.
pub fn load_str(
    text: &str,
    source_name: &str,
    base_dir: &Path,
    catalogue: Catalogue<'_>,
    sources: Sources<'_>,
) -> Result<Settings, PolicyError> {
    let mut cedar = Vec::new();
    let mut settings = read(text, source_name, |file, problems| {
        let mut compiler = Compiler::new(catalogue, sources, base_dir, problems);
        let settings = compiler.settings(file);
        cedar = compiler.cedar;
        settings
    })?;
    if !cedar.is_empty() {
        let cedar = Cedar::new(&cedar, &settings.endpoints)?;
        let decisions = Decisions::new(&settings.groups, &settings.endpoints, Some(cedar));
        settings.access = Arc::new(decisions);
    }
    Ok(settings)
}

/// What Cedar files of a policy may speak of, in Cedar's own words.
pub const fn cedar_schema() -> &'static str {
    decide::SCHEMA
}

/// Reads and compiles a policy file. Relative paths in it start at its folder.
///
/// # Errors
/// [`PolicyError::Unreadable`] when the file cannot be read, and those of [`load_str`].
pub fn load_file(
    path: &Path,
    catalogue: Catalogue<'_>,
    sources: Sources<'_>,
) -> Result<Settings, PolicyError> {
    let name = path.display().to_string();
    let base_dir = path.parent().unwrap_or(Path::new(""));
    load_str(&text_of(path)?, &name, base_dir, catalogue, sources)
}

/// Where state and logs are kept: what a command beside the gateway needs of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSettings {
    /// Folder for state and logs.
    pub data_dir: PathBuf,
    /// How the event log is kept.
    pub ledger: Ledger,
}

/// Reads the part of a policy that says where state and logs are kept.
///
/// No credential and no variable is looked up, and what the other parts mean is not checked, so that
/// keys and events can be managed where the secrets of the providers are not at hand.
///
/// # Errors
/// Those of [`load_str`], about the form of the file and about this part.
pub fn load_data(
    text: &str,
    source_name: &str,
    base_dir: &Path,
) -> Result<DataSettings, PolicyError> {
    let catalogue = Catalogue::EMPTY;
    let sources = Sources::of(&|_| None);
    read(text, source_name, |file, problems| {
        Compiler::new(catalogue, sources, base_dir, problems).data(file)
    })
}

/// The folder for state and logs, and where secrets are kept.
///
/// # Errors
/// Those of [`load_str`], about the form of the file and about this part.
pub fn load_secrets(
    text: &str,
    source_name: &str,
    base_dir: &Path,
    sources: Sources<'_>,
) -> Result<(PathBuf, Secrets), PolicyError> {
    read(text, source_name, |file, problems| {
        let mut compiler = Compiler::new(Catalogue::EMPTY, sources, base_dir, problems);
        let data_dir = compiler.data_dir(file.data_dir.as_ref());
        let secrets = compiler.secrets(&file.secrets);
        Some((data_dir?, secrets?))
    })
}

/// What several gateways share, with the credentials for it, and without any other of the policy.
///
/// # Errors
/// Those of [`load_str`], about the form of the file and about this part.
pub fn load_shared(
    text: &str,
    source_name: &str,
    base_dir: &Path,
    sources: Sources<'_>,
) -> Result<Shared, PolicyError> {
    read(text, source_name, |file, problems| {
        Compiler::new(Catalogue::EMPTY, sources, base_dir, problems).state(&file.state)
    })
}

/// [`load_shared`] of a file.
///
/// # Errors
/// [`PolicyError::Unreadable`] when the file cannot be read, and those of [`load_shared`].
pub fn load_shared_file(path: &Path, sources: Sources<'_>) -> Result<Shared, PolicyError> {
    let name = path.display().to_string();
    load_shared(&text_of(path)?, &name, path.parent().unwrap_or(Path::new("")), sources)
}

/// [`load_data`] of a file.
///
/// # Errors
/// [`PolicyError::Unreadable`] when the file cannot be read, and those of [`load_data`].
pub fn load_data_file(path: &Path) -> Result<DataSettings, PolicyError> {
    let name = path.display().to_string();
    load_data(&text_of(path)?, &name, path.parent().unwrap_or(Path::new("")))
}

/// The key that masks of a policy are made with, if it names one.
///
/// Nothing else that the policy refers to is looked up.
///
/// # Errors
/// Those of [`load_str`], about the form of the file and about this key.
pub fn load_mask_key(
    text: &str,
    source_name: &str,
    base_dir: &Path,
    sources: Sources<'_>,
) -> Result<Option<MaskKey>, PolicyError> {
    let catalogue = Catalogue::EMPTY;
    read(text, source_name, |file, problems| match &file.mask_key {
        Some(given) => {
            Compiler::new(catalogue, sources, base_dir, problems).mask_key(given).map(Some)
        }
        None => Some(None),
    })
}

/// [`load_mask_key`] of a file.
///
/// # Errors
/// [`PolicyError::Unreadable`] when the file cannot be read, and those of [`load_mask_key`].
pub fn load_mask_key_file(
    path: &Path,
    sources: Sources<'_>,
) -> Result<Option<MaskKey>, PolicyError> {
    let name = path.display().to_string();
    load_mask_key(&text_of(path)?, &name, path.parent().unwrap_or(Path::new("")), sources)
}

/// The key for masks that a reference such as `env:NAME` or `file:PATH` leads to. `source_name` says
/// where the reference was given.
///
/// # Errors
/// [`PolicyError::Invalid`] when it leads nowhere, or to no key.
pub fn mask_key_of(
    reference: &str,
    source_name: &str,
    sources: Sources<'_>,
) -> Result<MaskKey, PolicyError> {
    let catalogue = Catalogue::EMPTY;
    let mut problems = Problems::new(source_name, "");
    let given = Located { value: SecretText(reference.to_owned()), place: None };
    let key = Compiler::new(catalogue, sources, Path::new(""), &mut problems).mask_key(&given);
    key.ok_or_else(|| PolicyError::Invalid(problems.into_report()))
}

/// Files that a policy file takes credentials from, in the order of the providers' names, then those of
/// the sinks, and that of `mask-key`.
///
/// # Errors
/// [`PolicyError::Unreadable`], and [`PolicyError::Invalid`] with the first problem of form.
pub fn credential_files(path: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let base_dir = path.parent().unwrap_or(Path::new(""));
    read(&text_of(path)?, &path.display().to_string(), |file, _| {
        let given = file.providers.values().filter_map(|provider| provider.value.credential());
        let sinks = file.ledger.sinks.iter().flat_map(|sink| sink.value.credentials());
        let postgres = file.state.postgres.as_ref().and_then(|given| given.value.password.as_ref());
        let redis = file.state.redis.as_ref().and_then(|given| given.value.password.as_ref());
        let vault = file.secrets.vault.as_ref().map(|given| &given.value.token);
        let login = file.console.login.as_ref().and_then(|login| login.value.oidc.as_ref());
        let login = login.map(|oidc| &oidc.value.client_secret);
        let others = [file.mask_key.as_ref(), file.secrets.key.as_ref(), vault, postgres, redis];
        let others = others.into_iter().chain([login]);
        let others = others.flatten().map(|given| given.value.0.as_str());
        let given = given.chain(sinks).chain(others);
        let files = given.filter_map(|text| text.strip_prefix("file:"));
        Some(files.map(|file| base_dir.join(file)).collect())
    })
}

/// JSON Schema of the policy file, generated from the types that read it.
pub fn json_schema() -> serde_json::Value {
    schema::of_policy_file()
}

/// Parses the text and compiles what `compile` wants of it.
fn read<'t, T>(
    text: &'t str,
    source_name: &'t str,
    compile: impl FnOnce(&PolicyFile, &mut Problems<'t>) -> Option<T>,
) -> Result<T, PolicyError> {
    if text.len() as u64 > POLICY_BYTES {
        return Err(PolicyError::TooLarge { name: source_name.to_owned() });
    }
    let mut problems = Problems::new(source_name, text);
    let compiled = match parse::parse(text) {
        Ok(file) => compile(&file, &mut problems),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    match compiled {
        Some(compiled) if problems.is_empty() => Ok(compiled),
        _ => Err(PolicyError::Invalid(problems.into_report())),
    }
}

fn text_of(path: &Path) -> Result<String, PolicyError> {
    read_text_file(path, POLICY_BYTES).map_err(|source| {
        let name = path.display().to_string();
        match source.kind() {
            std::io::ErrorKind::FileTooLarge => PolicyError::TooLarge { name },
            _ => PolicyError::Unreadable { name, source },
        }
    })
}
