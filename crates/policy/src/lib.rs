//! `bartizan.yaml` read strictly and compiled to [`Settings`].
//!
//! Text goes in; settings that hold what they promise, or every problem with its place in the file,
//! come out. What the settings do belongs to the rooms that act on them; watching the file and
//! swapping settings belongs to the binary.
//!
//! The way through the crate: `parse` reads YAML into the plain structs of `file`, `compile`
//! checks them and resolves names and secrets, `error` and `snippet` say what is wrong.

mod compile;
mod defaults;
mod error;
mod file;
mod located;
mod parse;
mod pattern;
mod schema;
mod show;
mod snippet;
mod suggest;

use std::path::Path;

use bartizan_core::catalog::Meta;
use bartizan_core::limits::{POLICY_BYTES, read_text_file};
use bartizan_core::settings::Settings;

pub use defaults::{default_settings, default_yaml};
pub use error::{PolicyError, Problem, Report};
pub use located::Place;
pub use show::show;
pub use suggest::nearest;

use crate::compile::Compiler;
use crate::error::Problems;

/// What `detect:` can name. Handed in, so that this crate needs no detector to build or test.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue<'a> {
    /// Every detector of this build.
    pub detectors: &'a [&'static Meta],
}

/// Where values outside the policy file come from. Handed in, so that tests need no process state.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

impl Sources<'static> {
    /// The environment of this process. Variables that are not Unicode count as absent.
    pub const fn process() -> Self {
        Self { env: &|name| std::env::var(name).ok() }
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
    if text.len() as u64 > POLICY_BYTES {
        return Err(PolicyError::TooLarge { name: source_name.to_owned() });
    }
    let mut problems = Problems::new(source_name, text);
    let compiled = match parse::parse(text) {
        Ok(file) => Compiler::new(catalogue, sources, base_dir, &mut problems).settings(&file),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    match compiled {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(PolicyError::Invalid(problems.into_report())),
    }
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
    let text = read_text_file(path, POLICY_BYTES).map_err(|source| match source.kind() {
        std::io::ErrorKind::FileTooLarge => PolicyError::TooLarge { name: name.clone() },
        _ => PolicyError::Unreadable { name: name.clone(), source },
    })?;
    load_str(&text, &name, path.parent().unwrap_or(Path::new("")), catalogue, sources)
}

/// JSON Schema of the policy file, generated from the types that read it.
pub fn json_schema() -> serde_json::Value {
    schema::of_policy_file()
}
