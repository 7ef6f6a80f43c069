//! Where things are, and reading them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::shell::Program;

/// Root of the repository.
///
/// As Cargo says now, where it runs this: what was compiled in may be another clone, when several share
/// a target folder.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().unwrap_or(&here).to_owned()
}

/// Cargo's target folder, wherever configuration puts it.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let metadata = metadata()?;
    let dir = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(PathBuf::from(dir.context("`cargo metadata` names no target folder")?))
}

/// What Cargo knows about the workspace, without dependencies.
pub(crate) fn metadata() -> Result<serde_json::Value> {
    let text = Program::cargo(&["metadata", "--no-deps", "--format-version", "1"]).output()?;
    serde_json::from_str(&text).context("`cargo metadata` printed no JSON")
}

/// Text of a file of the project.
pub(crate) fn read(path: &Path) -> Result<String> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", path.display()))
}

/// Bytes of a file of the project.
#[expect(clippy::disallowed_methods, reason = "files of the project itself, not untrusted input")]
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create `{}`", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Files that git tracks or would track, relative to the root, sorted.
pub(crate) fn tracked() -> Result<Vec<PathBuf>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let list = Program::new("git").args(arguments).output()?;
    let mut paths: Vec<PathBuf> = list
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        // Deleted and not yet staged.
        .filter(|path| root().join(path).is_file())
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}
