//! Which policy is in force, and the reload of a file that changed.

use std::path::{Path, PathBuf};

use bartizan_core::settings::Settings;
use bartizan_policy::{Catalogue, PolicyError, Sources};

use crate::cli::PolicyArgs;

/// File that is used when none is named.
const USUAL_FILE: &str = "bartizan.yaml";
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
pub(crate) fn load(args: &PolicyArgs) -> Result<Loaded, PolicyError> {
    let usual = Path::new(USUAL_FILE);
    let file = args.config.clone().or_else(|| usual.is_file().then(|| usual.to_owned()));
    let mut loaded = if let Some(file) = file {
        let settings = load_file(&file)?;
        Loaded { settings, origin: file.display().to_string(), file: Some(file) }
    } else {
        let folder = Path::new(USUAL_FOLDER);
        let settings = with_catalogue(|catalogue| {
            bartizan_policy::default_settings(catalogue, Sources::process(), folder)
        })?;
        Loaded { settings, origin: "embedded defaults".to_owned(), file: None }
    };
    if let Some(folder) = &args.data_dir {
        loaded.settings.data_dir.clone_from(folder);
    }
    Ok(loaded)
}

/// Loads one file.
pub(crate) fn load_file(file: &Path) -> Result<Settings, PolicyError> {
    with_catalogue(|catalogue| bartizan_policy::load_file(file, catalogue, Sources::process()))
}

/// Loads a policy from text that stands for a file in `folder`.
pub(crate) fn load_text(text: &str, name: &str, folder: &Path) -> Result<Settings, PolicyError> {
    with_catalogue(|catalogue| {
        bartizan_policy::load_str(text, name, folder, catalogue, Sources::process())
    })
}

/// The embedded policy that the environment leads to, as text.
pub(crate) fn default_text() -> String {
    bartizan_policy::default_yaml(Sources::process())
}

fn with_catalogue<T>(run: impl FnOnce(Catalogue<'_>) -> T) -> T {
    let detectors: Vec<_> =
        bartizan_guard::detectors::ALL.iter().map(|detector| detector.meta()).collect();
    run(Catalogue { detectors: &detectors })
}
