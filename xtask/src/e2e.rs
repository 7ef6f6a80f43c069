//! End-to-end tests: the vendors' Python clients, oldest and newest, against the built binary.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::{Program, install};
use crate::{files, say};

/// Sets of clients; each has its `e2e/requirements-NAME.txt`.
const CLIENTS: [&str; 2] = ["oldest", "newest"];

/// Builds, prepares the environments and runs the tests with each set of clients.
pub(crate) fn run(pytest: &[&str]) -> Result<()> {
    Program::build_programs()?;
    let target = files::target_dir()?;
    let mut failed = Vec::new();
    for clients in CLIENTS {
        let requirements = files::root().join(format!("e2e/requirements-{clients}.txt"));
        let python = environment(&target.join("e2e-venv").join(clients), &requirements)?;
        say::note(&format!("end-to-end tests with the {clients} clients"));
        let outcome = Program::new(python)
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"])
            .args(pytest)
            .dir(&files::root().join("e2e"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("BARTIZAN_E2E_BIN", target.join("debug/bartizan"))
            .env("BARTIZAN_E2E_MOCK", target.join("debug/mock-upstream"))
            .run();
        if let Err(error) = outcome {
            say::note(&format!("{error:#}"));
            failed.push(clients);
        }
    }
    if !failed.is_empty() {
        bail!("end-to-end tests failed with the {} clients", failed.join(" and "));
    }
    Ok(())
}

/// Python of a private environment that has exactly these requirements.
pub(crate) fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    environment_with(folder, requirements, &[])
}

/// The same, installed with further options of pip.
pub(crate) fn environment_with(
    folder: &Path,
    requirements: &Path,
    options: &[&str],
) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let stamp = folder.join("installed.txt");
    let wanted = files::read(requirements)?;
    if python.is_file() && stamp.is_file() && files::read(&stamp)? == wanted {
        return Ok(python);
    }
    let _ = std::fs::remove_dir_all(folder);
    create(folder)?;
    say::note(&format!("installing {}", requirements.display()));
    Program::new(&python)
        .args(["-m", "pip", "install", "-q", "--disable-pip-version-check"])
        .args(options)
        .arg("-r")
        .arg(requirements)
        .run()
        .context("the Python packages could not be installed; is a package index reachable?")?;
    files::write(&stamp, &wanted)?;
    Ok(python)
}

fn create(folder: &Path) -> Result<()> {
    let why = "running Python programs";
    if !Program::new("python3").arg("--version").succeeds() {
        install(&["python3", "python3-venv", "python3-pip"], why)?;
    }
    let create = || Program::new("python3").args(["-m", "venv"]).arg(folder);
    if !create().succeeds() {
        // Debian ships Python without the part that makes environments.
        let _ = std::fs::remove_dir_all(folder);
        install(&["python3-venv", "python3-pip"], why)?;
        create().run().context("`python3 -m venv` does not work")?;
    }
    Ok(())
}
