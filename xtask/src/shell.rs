//! Runs other programs from the root of the repository.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{files, say};

/// A program with its arguments.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
}

impl Program {
    /// A program by name or path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(files::root());
        Self { command }
    }

    /// The Cargo that runs this.
    pub(crate) fn cargo(arguments: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(cargo).args(arguments)
    }

    /// Builds the programs as the tests do. Cargo compiles every dependency anew for another choice of
    /// packages, since the features that are asked of it change, and some take minutes.
    pub(crate) fn build_programs() -> Result<()> {
        Self::cargo(&["build", "--workspace", "--bins", "--tests"]).run()
    }

    /// Builds programs that are measured, with one choice of packages for the same reason: an example is
    /// always among them, since examples ask for more features than programs do. The SQL engine is not among
    /// them: it takes longer than all the rest, and only its own bench needs it.
    pub(crate) fn build_measured(targets: &[&str]) -> Result<()> {
        const CHOICE: [&str; 7] = [
            "build",
            "--release",
            "--workspace",
            "--exclude",
            "bartizan-query",
            "--example",
            "load",
        ];
        Self::cargo(&CHOICE).args(targets).run()
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs it with this terminal and fails unless it succeeds.
    pub(crate) fn run(mut self) -> Result<()> {
        let shown = self.shown();
        let status = self.command.status().with_context(|| format!("cannot run `{shown}`"))?;
        succeeded(&shown, status)
    }

    /// Runs it and returns its standard output; fails unless it succeeds.
    pub(crate) fn output(mut self) -> Result<String> {
        let shown = self.shown();
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run `{shown}`"))?;
        succeeded(&shown, output.status)?;
        String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed no UTF-8"))
    }

    /// Whether it runs and succeeds; prints nothing.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Runs it, passes its standard error on line by line, and returns the last line that has the
    /// given words.
    pub(crate) fn run_watching(mut self, words: &str) -> Result<Option<String>> {
        let shown = self.shown();
        let mut child = self
            .command
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{shown}`"))?;
        let mut seen = None;
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).lines() {
                let line = line.with_context(|| format!("cannot read from `{shown}`"))?;
                say::note(&line);
                if line.contains(words) {
                    seen = Some(line.trim().to_owned());
                }
            }
        }
        let status = child.wait().with_context(|| format!("cannot wait for `{shown}`"))?;
        match (succeeded(&shown, status), &seen) {
            (Err(error), Some(line)) => Err(error.context(line.clone())),
            (Err(error), None) => Err(error),
            (Ok(()), _) => Ok(seen),
        }
    }

    /// Starts it in the background; it is ended when the handle is dropped.
    pub(crate) fn start(mut self, stdout: Stdio, stderr: Stdio) -> Result<Running> {
        let shown = self.shown();
        let child = self
            .command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot run `{shown}`"))?;
        Ok(Running { child })
    }

    /// Hands the bare command over.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    fn shown(&self) -> String {
        let program = Path::new(self.command.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str());
        std::iter::once(name)
            .chain(self.command.get_args())
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// How long a program in the background may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program in the background.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first: a server with workers (nginx) takes them along only when it may end by itself.
        let id = self.child.id().to_string();
        if matches!(self.child.try_wait(), Ok(None)) {
            Program::new("kill").args(["-TERM", &id]).succeeds();
        }
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn succeeded(shown: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Whether this process may install Debian packages.
pub(crate) fn can_install() -> bool {
    Program::new("apt-get").arg("--version").succeeds()
        && Program::new("id").arg("-u").output().is_ok_and(|id| id.trim() == "0")
}

/// Installs Debian packages, or names them in one error.
pub(crate) fn install(packages: &[&str], why: &str) -> Result<()> {
    let list = packages.join(" ");
    if !can_install() {
        bail!("{why} needs the Debian package(s) `{list}`: run `apt-get install {list}` as root");
    }
    say::note(&format!("installing {list}"));
    Program::new("apt-get").args(["update", "-qq"]).run()?;
    Program::new("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
        .with_context(|| format!("{why} needs the Debian package(s) `{list}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_program_may_take_its_workers_along() {
        let mark = std::env::temp_dir().join(format!("xtask-drop-{}", std::process::id()));
        let script = format!(
            "trap 'touch {}; exit' TERM; echo up; while :; do sleep 0.02; done",
            mark.display()
        );
        let mut running = Program::new("sh")
            .args(["-c", &script])
            .start(Stdio::piped(), Stdio::inherit())
            .unwrap();
        let mut line = String::new();
        BufReader::new(running.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!mark.exists());
        drop(running);
        assert!(mark.exists(), "it was killed without being asked");
        std::fs::remove_file(mark).unwrap();
    }

    #[test]
    fn watching_returns_the_last_line_with_the_words() {
        let shell = |script: &str| Program::new("sh").args(["-c", script]);
        let seen = shell("echo 'Sum 1' >&2; echo 'Sum 2' >&2; echo x >&2").run_watching("Sum");
        assert_eq!(seen.unwrap().as_deref(), Some("Sum 2"));
        let failed = shell("echo 'Sum 3' >&2; exit 4").run_watching("Sum").unwrap_err();
        assert!(format!("{failed:#}").contains("Sum 3"));
    }
}
