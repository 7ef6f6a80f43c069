//! Which policy is in force, and the reload of a file that changed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bartizan_core::limits::{POLICY_BYTES, read_text_file};
use bartizan_core::operator::MaskKey;
use bartizan_core::settings::{Secrets, Sensitivity, Settings, Shared};
use bartizan_core::{Channel, ChannelSet};
use bartizan_guard::Detector;
use bartizan_policy::{Catalogue, DataSettings, PolicyError, Sources};

use super::models;
use super::secrets::SecretSource;
use crate::cli::PolicyArgs;
use crate::format::usage;

/// File that is used when none is named.
const USUAL_FILE: &str = "bartizan.yaml";
/// What people name the file too, and what is not read.
const OTHER_ENDING: &str = "bartizan.yml";
/// What the policy is called where there is no file.
const EMBEDDED: &str = "embedded defaults";
/// Folder for state when neither flag nor file names one.
const USUAL_FOLDER: &str = "bartizan-data";

/// A policy and where it came from.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// For people: the file's name, or "embedded defaults".
    pub(crate) origin: String,
    /// Absent for the embedded defaults.
    pub(crate) file: Option<PathBuf>,
}

/// Loads the policy that the flags, the environment or the working folder name.
pub(crate) fn load(args: &PolicyArgs) -> anyhow::Result<Loaded> {
    load_with(args, Sources::process())
}

/// As [`load`], to try it where its credentials are not at hand.
pub(crate) fn load_to_try(args: &PolicyArgs) -> anyhow::Result<Loaded> {
    load_with(args, Sources::process().with_stand_ins())
}

fn load_with(args: &PolicyArgs, sources: Sources<'_>) -> anyhow::Result<Loaded> {
    let mut loaded = if let Some(file) = find(args.config.as_deref())? {
        let settings = load_file_with(&file, sources, args.data_dir.as_deref())?;
        Loaded { settings, origin: file.display().to_string(), file: Some(file) }
    } else {
        warn_of_half_a_pair();
        let folder = Path::new(USUAL_FOLDER);
        let settings = with_catalogue(|catalogue| {
            bartizan_policy::default_settings(catalogue, sources, folder)
        })?;
        Loaded { settings, origin: EMBEDDED.to_owned(), file: None }
    };
    if let Some(folder) = &args.data_dir {
        loaded.settings.data_dir.clone_from(folder);
    }
    Ok(loaded)
}

/// Where state and logs are, for commands that need no more of the policy and no credential of it.
pub(crate) fn load_data(args: &PolicyArgs) -> anyhow::Result<DataSettings> {
    let mut data = if let Some(file) = find(args.config.as_deref())? {
        bartizan_policy::load_data_file(&file)?
    } else {
        let data = bartizan_policy::load_data(&default_text(), EMBEDDED, Path::new(""))?;
        DataSettings { data_dir: PathBuf::from(USUAL_FOLDER), ..data }
    };
    if let Some(folder) = &args.data_dir {
        data.data_dir.clone_from(folder);
    }
    Ok(data)
}

/// What several gateways share, with the credentials for it and no others.
pub(crate) fn load_shared(args: &PolicyArgs) -> anyhow::Result<Shared> {
    let Some(file) = find(args.config.as_deref())? else { return Ok(Shared::default()) };
    let secrets = secrets_of_file(&file, args.data_dir.as_deref())?;
    Ok(bartizan_policy::load_shared_file(&file, sources(secrets.as_ref()))?)
}

/// Where the secrets of the policy are, for whoever changes them.
pub(crate) fn secret_source(args: &PolicyArgs) -> anyhow::Result<SecretSource> {
    let data_dir = load_data(args)?.data_dir;
    let Some(file) = find(args.config.as_deref())? else {
        return Ok(SecretSource::new(Secrets::default(), &data_dir));
    };
    let text = read_text_file(&file, POLICY_BYTES)
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    let (name, folder) = (file.display().to_string(), file.parent().unwrap_or(Path::new("")));
    // Vault is not asked by those who change what is kept here, and its token need not be at hand.
    let sources = Sources::process().with_stand_ins();
    let (_, settings) = bartizan_policy::load_secrets(&text, &name, folder, sources)?;
    Ok(SecretSource::new(Secrets { vault: None, ..settings }, &data_dir))
}

/// Where the secrets of a policy file are that refers to any. What is wrong with its form is for whoever loads it.
fn secrets_of_file(
    file: &Path,
    data_dir: Option<&Path>,
) -> Result<Option<SecretSource>, PolicyError> {
    let Ok(text) = read_text_file(file, POLICY_BYTES) else { return Ok(None) };
    let (name, folder) = (file.display().to_string(), file.parent().unwrap_or(Path::new("")));
    SecretSource::of(&text, &name, folder, data_dir)
}

/// The environment of this process, with secrets.
fn sources(secrets: Option<&SecretSource>) -> Sources<'_> {
    match secrets {
        Some(secrets) => Sources::process().with_secrets(secrets),
        None => Sources::process(),
    }
}

/// The key for masks that the policy file names, without any other credential of it.
pub(crate) fn load_mask_key(config: Option<&Path>) -> anyhow::Result<Option<MaskKey>> {
    match find(config)? {
        Some(file) => {
            let secrets = secrets_of_file(&file, None)?;
            Ok(bartizan_policy::load_mask_key_file(&file, sources(secrets.as_ref()))?)
        }
        None => Ok(None),
    }
}

/// The policy file, unless the embedded defaults are meant.
pub(crate) fn find(config: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    if let Some(file) = config {
        return Ok(Some(file.to_owned()));
    }
    let usual = Path::new(USUAL_FILE);
    if usual.is_file() {
        return Ok(Some(usual.to_owned()));
    }
    // Going on with the defaults would look as if this file were in force.
    if Path::new(OTHER_ENDING).is_file() {
        return Err(usage(
            format!("found `{OTHER_ENDING}`; the name is `{USUAL_FILE}`"),
            format!("rename it, or name it with `--config {OTHER_ENDING}`"),
        ));
    }
    Ok(None)
}

/// Says which variable of a provider has no effect without another.
fn warn_of_half_a_pair() {
    let has = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let (host, token) = ("DATABRICKS_HOST", "DATABRICKS_TOKEN");
    for (given, missing) in [(host, token), (token, host)] {
        if has(given) && !has(missing) {
            tracing::warn!("`{given}` adds no provider: `{missing}` is not set");
        }
    }
}

/// Loads one file.
pub(crate) fn load_file(file: &Path) -> Result<Settings, PolicyError> {
    load_file_with(file, Sources::process(), None)
}

fn load_file_with(
    file: &Path,
    sources: Sources<'_>,
    data_dir: Option<&Path>,
) -> Result<Settings, PolicyError> {
    let secrets = secrets_of_file(file, data_dir)?;
    let sources = match &secrets {
        Some(secrets) => sources.with_secrets(secrets),
        None => sources,
    };
    with_catalogue(|catalogue| bartizan_policy::load_file(file, catalogue, sources))
}

/// Loads a file to try it where its credentials are not at hand.
pub(crate) fn load_file_to_try(file: &Path) -> Result<Settings, PolicyError> {
    load_file_with(file, Sources::process().with_stand_ins(), None)
}

/// Loads a text to try it where its credentials are not at hand.
pub(crate) fn load_text_to_try(
    text: &str,
    name: &str,
    folder: &Path,
) -> Result<Settings, PolicyError> {
    let sources = Sources::process().with_stand_ins();
    with_catalogue(|catalogue| bartizan_policy::load_str(text, name, folder, catalogue, sources))
}

/// Loads a policy from text that stands for a file in `folder`.
pub(crate) fn load_text(
    text: &str,
    name: &str,
    folder: &Path,
    secrets: Option<&SecretSource>,
) -> Result<Settings, PolicyError> {
    with_catalogue(|catalogue| {
        bartizan_policy::load_str(text, name, folder, catalogue, sources(secrets))
    })
}

/// The embedded policy that the environment leads to, as text.
pub(crate) fn default_text() -> String {
    bartizan_policy::default_yaml(Sources::process())
}

/// Channels of which a detector judges each text by itself before it is sent on.
fn judged_by_itself(detector: &dyn Detector) -> ChannelSet {
    if detector.reads_conversations() {
        return ChannelSet::EMPTY;
    }
    let streamed = [Channel::Output, Channel::ToolCall];
    let is_left_out = |channel: &Channel| detector.needs_whole_text() && streamed.contains(channel);
    let channels = detector.channels().iter().filter(|channel| !is_left_out(channel));
    channels.fold(ChannelSet::EMPTY, ChannelSet::with)
}

fn with_catalogue<T>(run: impl FnOnce(Catalogue<'_>) -> T) -> T {
    let all = bartizan_guard::detectors::ALL;
    let detectors: Vec<_> = all.iter().map(|detector| detector.meta()).collect();
    let channels: Vec<_> = all
        .iter()
        .map(|detector| (detector.meta().id, detector.channels()))
        .filter(|(_, channels)| *channels != ChannelSet::ALL)
        .collect();
    let trained: Vec<_> = all
        .iter()
        .filter(|detector| detector.operating_point(Sensitivity::Balanced).is_some())
        .map(|detector| detector.meta().id)
        .collect();
    let guards: Vec<_> = all
        .iter()
        .map(|detector| (detector.meta().id, judged_by_itself(*detector)))
        .filter(|(_, channels)| *channels != ChannelSet::ALL)
        .collect();
    let on_request = bartizan_guard::detectors::ON_REQUEST;
    run(Catalogue {
        detectors: &detectors,
        on_request,
        channels: &channels,
        guards: &guards,
        trained: &trained,
        models: models::CHECK,
    })
}
