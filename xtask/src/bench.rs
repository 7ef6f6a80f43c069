//! `cargo xtask bench`: ours and others side by side in one run; the gateway here, the others in rooms of their own.
//!
//! `peers` starts what is compared, `measure` asks the load generator, `table` writes the result.
//! Absolute times depend on the machine and its day; the columns beside each other do not.

pub(crate) mod guard;
pub(crate) mod ledger;
mod measure;
mod peers;
pub(crate) mod policy;
pub(crate) mod query;
mod table;
mod versions;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell::Program;
use crate::{files, say};
use measure::{Load, Sample};
use peers::Peer;

/// Connections of each round.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// Result file.
const PAGE: &str = "docs/benchmarks/gateway.md";

#[derive(Debug)]
struct Options {
    seconds: f64,
    litellm: bool,
    write: bool,
}

/// One peer with everything measured about it.
#[derive(Debug)]
struct Row {
    name: &'static str,
    start: Option<Duration>,
    idle_kib: Option<u64>,
    loaded_kib: Option<u64>,
    whole: Vec<Sample>,
    streamed: Vec<Sample>,
}

/// Measures and prints; with `--write`, also into the page.
pub(crate) fn gateway(words: &[&str]) -> Result<()> {
    let options = parse(words, &["--litellm"])?;
    Program::build_measured(&["--bins"])?;
    let target = files::target_dir()?;
    let folder = target.join("bench-gateway");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).context("cannot create the folder of the bench")?;
    let body = folder.join("body.json");
    files::write(&body, &prompt())?;

    let peers = start(&options, &target, &folder)?;
    let mut rows: Vec<Row> = peers
        .iter()
        .map(|peer| Row {
            name: peer.name,
            start: peer.start,
            idle_kib: peer.memory_kib(),
            loaded_kib: None,
            whole: Vec::new(),
            streamed: Vec::new(),
        })
        .collect();
    let load = Load { binary: target.join("release/load"), body, seconds: options.seconds };
    for peer in &peers {
        load.prime(peer)?;
    }
    for connections in CONNECTIONS {
        // All peers within one round: what else the machine does falls on each of them.
        for (peer, row) in peers.iter().zip(&mut rows) {
            say::note(&format!("{} at {connections} connections", peer.name));
            row.whole.push(load.run(peer, connections, false)?);
            row.streamed.push(load.run(peer, connections, true)?);
        }
    }
    for (peer, row) in peers.iter().zip(&mut rows) {
        row.loaded_kib = peer.memory_kib();
    }
    let page = table::page(&rows, words, &said_versions(&options))?;
    say::data(&page);
    if options.write {
        files::write(&files::root().join(PAGE), &page)?;
        say::note(&format!("wrote {PAGE}"));
    }
    Ok(())
}

/// Reads the options; `flags` are those that not every bench takes.
fn parse(words: &[&str], flags: &[&str]) -> Result<Options> {
    let mut options = Options { seconds: 5.0, litellm: false, write: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--litellm" if flags.contains(word) => options.litellm = true,
            "--write" => options.write = true,
            "--seconds" => {
                let value = words.next().context("`--seconds` needs a value")?;
                options.seconds = value.parse().context("`--seconds` takes a number")?;
            }
            other => bail!("unknown option `{other}`"),
        }
    }
    Ok(options)
}

fn start(options: &Options, target: &Path, folder: &Path) -> Result<Vec<Peer>> {
    let upstream = peers::upstream(&target.join("release/mock-upstream"))?;
    let url = upstream.base.clone();
    let binary = target.join("release/bartizan");
    let mut all = vec![upstream, peers::nginx(&url, folder)?];
    let (redis, port) = peers::redis(folder)?;
    let guards = [peers::Guards::Off, peers::Guards::On, peers::Guards::OnWithSharedLimits(port)];
    for guards in guards {
        all.push(peers::bartizan(&binary, &url, guards, folder)?);
    }
    if let Some(last) = all.last_mut() {
        last.beside = Some(redis);
    }
    if options.litellm {
        all.push(peers::litellm(&url, target, folder)?);
    }
    Ok(all)
}

/// What is compared, with its versions, since numbers of other versions differ.
fn said_versions(options: &Options) -> String {
    // nginx says its version on stderr.
    let nginx = versions::first_line(Program::new("sh").args(["-c", "nginx -v 2>&1"]).output());
    let nginx = nginx.rsplit('/').next().unwrap_or_default();
    let mut said = format!("{}, nginx {nginx}", versions::ours());
    if options.litellm {
        let pinned = files::read(&files::root().join(peers::LITELLM_REQUIREMENTS));
        let pinned = pinned.unwrap_or_default();
        said.push_str(", LiteLLM ");
        said.push_str(versions::pinned(&pinned, "litellm"));
    }
    said
}

/// A chat request of about 1 KB, of ordinary words that no guard objects to.
fn prompt() -> String {
    let text = "Please summarise the notes of our planning meeting in three short points, and say who \
        has to do what until when. We met on Tuesday in the small room above the workshop. Anna had \
        brought the figures of the spring: sales of the blue lamps went up by a third, those of the \
        green ones fell, and nobody could tell why. Jonas thinks that the photographs in the catalogue \
        are too dark; he will ask the printer for two test sheets before the end of the month. The new \
        supplier wants to be paid in advance, which Maria does not like at all. She is going to call \
        them again and offer half of the sum on delivery. The fair in October was discussed at length. \
        A stand of twelve square metres seems enough if the large lamp hangs from the ceiling. Peter \
        measures the ceiling. Next meeting in four weeks, same room, and somebody else brings the cake.";
    serde_json::json!({
        "model": "bench",
        "messages": [
            { "role": "system", "content": "You are a helpful assistant." },
            { "role": "user", "content": text },
        ],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_is_about_a_kilobyte() {
        assert!((950..=1100).contains(&prompt().len()), "{}", prompt().len());
    }

    #[test]
    fn options_are_read_and_refused() {
        let options = parse(&["--seconds", "2.5", "--write"], &[]).unwrap();
        assert!(options.write && !options.litellm && (options.seconds - 2.5).abs() < 1e-9);
        assert!(parse(&["--second", "1"], &[]).is_err());
        assert!(parse(&["--seconds"], &[]).is_err());
        assert!(parse(&["--litellm"], &[]).is_err());
        assert!(parse(&["--litellm"], &["--litellm"]).unwrap().litellm);
    }
}
