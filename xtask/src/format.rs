//! `cargo xtask format`: one layout for all Rust files.
//!
//! `cargo fmt` follows `mod` items, and never sees the modules that a macro declares: the catalogue of
//! detectors. So the files are named one by one.

use anyhow::Result;

use crate::files;
use crate::shell::Program;

/// Whether files are written or only compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

/// Formats every tracked Rust file.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let sources =
        files::tracked()?.into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let mut rustfmt = Program::new("rustfmt").args(["--edition", "2024"]);
    if mode == Mode::Check {
        rustfmt = rustfmt.arg("--check");
    }
    rustfmt.args(sources).run()
}
