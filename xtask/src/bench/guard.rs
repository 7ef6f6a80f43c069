//! `cargo xtask bench guard`: the guard beside programs of others that read texts, in one run on one core.
//!
//! `texts` makes what is read, `subjects` has it read, `page` writes the result. Absolute times depend on the
//! machine and its day; those of one run beside each other do not.

mod page;
mod subjects;
mod texts;

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use super::versions;
use crate::shell::Program;
use crate::{e2e, files, say};
use subjects::{Answer, Core, Folder};

/// Result file.
const PAGE: &str = "docs/benchmarks/guard.md";
/// Least rounds over all texts, however slow a subject is.
const ROUNDS: usize = 20;
/// Lengths of the texts, in characters.
const LENGTHS: [usize; 2] = [500, 10_000];
/// Bytes of the folder that `bartizan check` reads.
const FOLDER_BYTES: usize = 16 << 20;

/// Where the script and the versions of the peers are.
const HERE: &str = "xtask/src/bench/guard";

/// A program of others, with the package whose version names it.
#[derive(Debug)]
struct Peer {
    name: &'static str,
    package: &'static str,
    /// Options for installing.
    pip: &'static [&'static str],
}

const PEERS: [Peer; 3] = [
    Peer { name: "presidio", package: "presidio-analyzer", pip: &[] },
    Peer { name: "detect-secrets", package: "detect-secrets", pip: &[] },
    Peer { name: "llm-guard", package: "llm-guard", pip: &["--no-deps"] },
];

/// Everything measured.
#[derive(Debug)]
struct Measured {
    ours: Answer,
    /// In the order of [`PEERS`], without those that could not be measured.
    peers: Vec<Answer>,
    /// What could not be measured, and why.
    missing: Vec<String>,
    folders: Vec<Folder>,
}

/// Measures and prints; with `--write`, also into the page.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = super::parse(words, &[])?;
    Program::build_measured(&["--bin", "bartizan", "--example", "latency"])?;
    let target = files::target_dir()?;
    let folder = target.join("bench-guard");
    let _ = std::fs::remove_dir_all(&folder);
    let texts = folder.join("texts.json");
    files::write(&texts, &all_texts())?;
    let core = Core::last()?;
    let mut missing = Vec::new();

    // What has to be installed comes first: nothing else may run while something is measured.
    let mut pythons = Vec::new();
    for peer in &PEERS {
        match environment(peer, &target) {
            Ok(python) => pythons.push((peer, python)),
            Err(error) => {
                // With its paths it is for the one who watches, and not for the page.
                say::note(&format!("{}: {error:#}", peer.name));
                missing.push(format!("{}: could not be installed", peer.package));
            }
        }
    }
    let how = [options.seconds.to_string(), ROUNDS.to_string()];
    say::note("measuring ours");
    let latency = core.program(&target.join("release/examples/latency"));
    let ours = subjects::ask(latency.arg(&texts).args(&how))?;
    let mut peers = Vec::new();
    for (peer, python) in pythons {
        say::note(&format!("measuring {}", peer.name));
        let script = files::root().join(HERE).join("peers.py");
        let asked = core.program(&python).arg(script).arg(peer.name).arg(&texts).args(&how);
        match subjects::ask(asked) {
            Ok(answer) => {
                missing.extend(answer.missing.iter().cloned());
                peers.push(answer);
            }
            Err(error) => {
                say::note(&format!("{}: {error:#}", peer.name));
                missing.push(format!("{}: could not be measured", peer.package));
            }
        }
    }
    for line in &missing {
        say::note(&format!("not measured: {line}"));
    }
    say::note("measuring `bartizan check`");
    let folders = check(&core, &target.join("release/bartizan"), &folder)?;
    let measured = Measured { ours, peers, missing, folders };
    let page = page::page(&measured, words, &said_versions(&measured))?;
    say::data(&page);
    if options.write {
        files::write(&files::root().join(PAGE), &page)?;
        say::note(&format!("wrote {PAGE}"));
    }
    Ok(())
}

/// Texts of each kind and length, as both sides read them.
fn all_texts() -> String {
    let texts: Vec<_> = LENGTHS
        .iter()
        .flat_map(|length| texts::KINDS.iter().map(move |kind| (*length, kind)))
        .map(|(length, kind)| {
            json!({ "name": page::text_name(kind.name, length), "text": kind.text(length, 1) })
        })
        .collect();
    json!(texts).to_string()
}

/// A private environment of a peer.
fn environment(peer: &Peer, target: &Path) -> Result<PathBuf> {
    let requirements = requirements(peer);
    e2e::environment_with(&target.join("bench-venv").join(peer.name), &requirements, peer.pip)
}

fn requirements(peer: &Peer) -> PathBuf {
    files::root().join(HERE).join(format!("{}-requirements.txt", peer.name))
}

/// `bartizan check` over a folder that is made here, as it comes and with everything on.
fn check(core: &Core, binary: &Path, folder: &Path) -> Result<Vec<Folder>> {
    let read = folder.join("read");
    let (mut bytes, mut count) = (0, 0);
    while bytes < FOLDER_BYTES {
        for kind in &texts::KINDS {
            // From half a page to a long file; no two alike.
            let text = kind.text(500 + count * 977 % 40_000, count as u64 + 2);
            files::write(&read.join(format!("{count:05}-{}.txt", kind.name)), &text)?;
            bytes += text.len();
            count += 1;
        }
    }
    let config = folder.join("everything.yaml");
    files::write(&config, EVERYTHING)?;
    let run = |name, config: Option<&Path>| {
        let mut check = core.program(binary).args(["check", "--fail-on", "never"]);
        if let Some(config) = config {
            check = check.arg("--config").arg(config);
        }
        subjects::folder(check.args(["--format", "json"]).arg(&read), name, count, bytes)
    };
    Ok(vec![run("default guardrails", None)?, run("everything", Some(&config))?])
}

/// Every family that needs no words of a policy. `groundedness` and `prompt-leak` have nothing to compare
/// with in a file.
const EVERYTHING: &str = "version: 1
providers: { demo: { demo: {} } }
endpoints:
  bench:
    routes: [{ provider: demo, model: demo }]
    guardrails:
      - id: g-everything
        on: [input]
        detect: [prompt-injection, jailbreak, disguise, pii, secret, unsafe-content, exfiltration, markup,
          terminal, flood, code-injection, insecure-code]
        action: flag
";

/// What is compared, with its versions, since numbers of other versions differ.
fn said_versions(measured: &Measured) -> String {
    let mut said = vec![versions::ours()];
    for peer in PEERS.iter().filter(|peer| measured.has(peer.name)) {
        let pinned = files::read(&requirements(peer)).unwrap_or_default();
        let version = versions::pinned(&pinned, peer.package);
        said.push(format!("{} {version}", peer.package));
    }
    let python = versions::first_line(Program::new("python3").arg("--version").output());
    format!("{}; {python}", said.join(", "))
}

impl Measured {
    /// Whether anything of a peer was measured.
    fn has(&self, peer: &str) -> bool {
        let mut subjects = self.peers.iter().flat_map(|answer| &answer.subjects);
        subjects.any(|subject| subject.name == peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_is_pinned_and_known_to_the_script() {
        let script = files::read(&files::root().join(HERE).join("peers.py")).unwrap();
        for peer in &PEERS {
            let pinned = files::read(&requirements(peer)).unwrap();
            assert_ne!(versions::pinned(&pinned, peer.package), versions::UNKNOWN, "{peer:?}");
            assert!(script.contains(&format!("\"{}\": ", peer.name)), "{peer:?}");
        }
    }
}
