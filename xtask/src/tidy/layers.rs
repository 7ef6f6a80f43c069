//! Which crate may know which, and that all inherit the lints.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::files;

/// What each crate may depend on within the workspace. Tests may use the test kit besides, and
/// whatever makes a fixture: Cargo itself refuses a cycle.
const LAYERS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("model", &[]),
    ("guard", &["core", "model"]),
    ("train", &["model"]),
    ("infer", &["core"]),
    ("identity", &["core"]),
    ("policy", &["core"]),
    ("ledger", &["core"]),
    ("query", &["core", "ledger"]),
    ("relay", &["core", "ledger"]),
    ("counters", &["core"]),
    ("grants", &["core"]),
    ("secrets", &["core"]),
    ("inference", &["core", "secrets"]),
    ("store", &["core"]),
    ("gateway", &["core", "guard"]),
    ("egress", &["core"]),
    ("redteam", &["core", "guard"]),
    ("artifact", &["core"]),
    ("data", &["core"]),
    ("watch", &["core"]),
    ("risk", &["core", "store"]),
    ("console", &["core", "store", "ledger", "risk"]),
    ("testkit", &[]),
];

/// The binary, where concrete types meet.
const BINARY: &str = "bartizan";

const PREFIX: &str = "bartizan-";

/// Looks at `cargo metadata` and the manifests it names.
pub(super) fn check(metadata: &Value) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let packages = metadata.get("packages").and_then(Value::as_array);
    for package in packages.context("`cargo metadata` lists no packages")? {
        problems.extend(direction(package));
        let manifest = package.get("manifest_path").and_then(Value::as_str).unwrap_or_default();
        let text = files::read(Path::new(manifest))?;
        if !inherits_lints(&text) {
            problems.push(format!("{}: no `[lints] workspace = true`", name(package)));
        }
    }
    Ok(problems)
}

fn name(package: &Value) -> &str {
    package.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn direction(package: &Value) -> Vec<String> {
    let from = name(package);
    let short = from.strip_prefix(PREFIX).unwrap_or(from);
    if short == BINARY || short == "xtask" {
        return Vec::new();
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == short) else {
        return vec![format!("{from}: not in the table of layers (xtask/src/tidy/layers.rs)")];
    };
    let dependencies = package.get("dependencies").and_then(Value::as_array);
    dependencies
        .into_iter()
        .flatten()
        .filter_map(|dependency| {
            let to = name(dependency);
            let dev = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            let layer = if to == BINARY { to } else { to.strip_prefix(PREFIX)? };
            let fine = if dev { layer != BINARY } else { allowed.contains(&layer) };
            (!fine).then(|| format!("{from}: may not depend on {to}"))
        })
        .collect()
}

fn inherits_lints(manifest: &str) -> bool {
    let section = manifest.split("[lints]").nth(1).unwrap_or_default();
    section.lines().take_while(|line| !line.starts_with('[')).any(|line| {
        line.split_once('=').is_some_and(|(k, v)| k.trim() == "workspace" && v.trim() == "true")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refuses_an_upward_dependency() {
        let package = |kind: Value, to: &str| {
            json!({
                "name": "bartizan-guard",
                "dependencies": [{ "name": to, "kind": kind }, { "name": "serde", "kind": null }],
            })
        };
        assert!(direction(&package(Value::Null, "bartizan-core")).is_empty());
        assert!(direction(&package(json!("dev"), "bartizan-testkit")).is_empty());
        assert_eq!(direction(&package(Value::Null, "bartizan-gateway")).len(), 1);
        assert_eq!(direction(&package(Value::Null, "bartizan-testkit")).len(), 1);
        assert_eq!(direction(&package(json!("dev"), "bartizan")).len(), 1);
        assert_eq!(direction(&json!({ "name": "bartizan-new" })).len(), 1);
    }

    #[test]
    fn wants_the_lints_of_the_workspace() {
        assert!(inherits_lints("[package]\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nname = \"x\"\n"));
        assert!(!inherits_lints("[lints]\n[dependencies]\nworkspace = true\n"));
    }
}
