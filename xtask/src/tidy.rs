//! `cargo xtask tidy`: rules of the house that no compiler checks.
//!
//! `layers` looks at the crates, `text` at the words in files, `links` at the documentation.

mod layers;
mod links;
mod text;

use anyhow::{Result, bail};

use crate::{files, say};

/// Runs every rule and lists all that breaks one.
pub(crate) fn run() -> Result<()> {
    let tracked = files::tracked()?;
    let mut problems = layers::check(&files::metadata()?)?;
    for path in &tracked {
        let bytes = files::read_bytes(&files::root().join(path))?;
        // Pictures and archives have no words to look at.
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let name = path.to_string_lossy();
        problems.extend(text::check(&name, &text));
        if name.ends_with(".md") {
            problems
                .extend(links::check(&name, &text, |target| files::root().join(target).exists()));
        }
    }
    for problem in &problems {
        say::note(&format!("tidy: {problem}"));
    }
    if !problems.is_empty() {
        bail!("{} problem(s) in {} files looked at", problems.len(), tracked.len());
    }
    say::note(&format!("tidy: {} files, nothing to say", tracked.len()));
    Ok(())
}
