//! Files that come from the code: written by `cargo xtask generate`, compared with `--check`.

use anyhow::{Result, bail};

use crate::shell::Program;
use crate::{files, say};

/// What to do about a file that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write it.
    Write,
    /// Say so and fail.
    Check,
}

/// A file, and the arguments with which the binary prints it.
struct Generated {
    path: &'static str,
    arguments: &'static [&'static str],
}

/// Every generated file; one line adds one.
const GENERATED: &[Generated] = &[
    Generated { path: "docs/reference/policy.schema.json", arguments: &["config", "schema"] },
    Generated { path: "docs/reference/cli.md", arguments: &["reference", "cli"] },
    Generated { path: "docs/reference/detectors.md", arguments: &["reference", "detectors"] },
    Generated { path: "docs/reference/errors.md", arguments: &["reference", "errors"] },
    Generated { path: "docs/reference/events.md", arguments: &["reference", "events"] },
];

/// Builds the binary and goes through the list.
pub(crate) fn run(mode: Mode) -> Result<()> {
    Program::build_programs()?;
    let binary = files::target_dir()?.join("debug/bartizan");
    let mut stale = Vec::new();
    for generated in GENERATED {
        let text = Program::new(&binary).args(generated.arguments).output()?;
        let path = files::root().join(generated.path);
        if path.is_file() && files::read(&path)? == text {
            continue;
        }
        match mode {
            Mode::Check => stale.push(generated.path),
            Mode::Write => {
                files::write(&path, &text)?;
                say::note(&format!("wrote {}", generated.path));
            }
        }
    }
    if !stale.is_empty() {
        bail!("out of date: {}; run `cargo xtask generate`", stale.join(", "));
    }
    Ok(())
}
