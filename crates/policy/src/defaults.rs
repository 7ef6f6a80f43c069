//! The policy that runs when nobody wrote one, and that `bartizan init` writes.
//!
//! One template, so that the file a person gets is the file that ran. Parts that need a credential
//! are there as comments until the environment has it.

use std::path::Path;

use bartizan_core::settings::Settings;

use crate::{Catalogue, PolicyError, Sources, load_str};

/// The file with every part in it. A line `#? NAME` starts a part, `#? end` ends it.
const TEMPLATE: &str = include_str!("default.yaml");
/// Starts the lines that steer the template.
const MARK: &str = "#? ";
/// Name shown in errors about the embedded policy.
const NAME: &str = "(default policy)";

/// The default policy file for an environment, fully commented.
///
/// `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, and `DATABRICKS_HOST` with `DATABRICKS_TOKEN` each add a
/// provider and an endpoint of that name; `OPENAI_BASE_URL` and `ANTHROPIC_BASE_URL` say where the
/// provider is. Without any, the offline `demo` provider alone is there.
pub fn default_yaml(sources: Sources<'_>) -> String {
    let mut yaml = String::new();
    let mut active = true;
    for line in TEMPLATE.lines() {
        match line.strip_prefix(MARK) {
            Some("end") => active = true,
            Some(part) => active = is_wanted(part, sources),
            None => {
                if active || line.is_empty() || line.trim_start().starts_with('#') {
                    yaml.push_str(line);
                } else {
                    let indent = line.len() - line.trim_start().len();
                    let (indent, rest) = line.split_at_checked(indent).unwrap_or(("", line));
                    yaml.push_str(indent);
                    yaml.push_str("# ");
                    yaml.push_str(rest);
                }
                yaml.push('\n');
            }
        }
    }
    yaml
}

/// Settings of [`default_yaml`], with state and logs in `data_dir`.
///
/// # Errors
/// Those of [`load_str`]: a variable of the environment may hold what cannot be used.
pub fn default_settings(
    catalogue: Catalogue<'_>,
    sources: Sources<'_>,
    data_dir: &Path,
) -> Result<Settings, PolicyError> {
    let yaml = default_yaml(sources);
    let settings = load_str(&yaml, NAME, Path::new(""), catalogue, sources)?;
    Ok(Settings { data_dir: data_dir.to_owned(), ..settings })
}

/// Whether the environment has what a part of the template needs.
fn is_wanted(part: &str, sources: Sources<'_>) -> bool {
    let has = |name: &str| (sources.env)(name).is_some_and(|value| !value.is_empty());
    match part {
        "openai" => has("OPENAI_API_KEY"),
        "openai-base-url" => has("OPENAI_API_KEY") && has("OPENAI_BASE_URL"),
        "anthropic" => has("ANTHROPIC_API_KEY"),
        "anthropic-base-url" => has("ANTHROPIC_API_KEY") && has("ANTHROPIC_BASE_URL"),
        "databricks" => has("DATABRICKS_HOST") && has("DATABRICKS_TOKEN"),
        _ => false,
    }
}
