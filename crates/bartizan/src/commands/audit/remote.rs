//! `bartizan audit verify` at a URL: a log that somebody serves.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::limits::read_text_file;
use bartizan_core::redact::Secret;
use bartizan_ledger::verify::Broken;
use bartizan_ledger::verify::remote::{Failed, Fetched, Source, Verified, Wanted, verify};
use bartizan_relay::{FetchError, RemoteLog};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::{BROKEN, broken_document, checkpoint, say_broken, seen, trusted};
use crate::cli::{DocumentFormat, TrustArgs};
use crate::format::usage;
use crate::output::Output;
use crate::progress::Progress;
use crate::terminal::{Terminal, printable};

/// Most bytes of a file with a key.
const KEY_BYTES: u64 = 1024;

/// What was named, if it is a URL.
pub(super) fn url(named: &Path) -> Option<&str> {
    let named = named.to_str()?;
    let (scheme, _) = named.split_once("://")?;
    ["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)).then_some(named)
}

/// A log, asked for by a command that has nothing else to do.
struct Served {
    runtime: Runtime,
    log: RemoteLog,
}

impl Source for Served {
    type Error = FetchError;

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Vec<Fetched>, FetchError> {
        self.runtime.block_on(self.log.fetch(wanted))
    }
}

pub(super) fn verified(
    url: &str,
    trust: &TrustArgs,
    ca: Option<&Path>,
    admin_key: Option<&str>,
    format: DocumentFormat,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    if trust.key.is_none() && trust.trust.is_none() {
        return Err(usage(
            "whose signature counts for a log at a URL has to be said: a server could sign anything",
            "name its key with `--key`, or whom to trust with `--trust`; `bartizan audit key` prints the key \
             where the log is",
        ));
    }
    let trust = trusted(trust, None)?;
    let log = RemoteLog::new(url, ca, admin_key.map(key_of).transpose()?.as_ref())?;
    if log.shows_key_on_the_way() {
        return Err(usage(
            format!(
                "the admin key would go to `{url}` in the clear, where others on the way can read it"
            ),
            "use `https://`, or leave out `--admin-key` to check entries by their hashes",
        ));
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    let mut served = Served { runtime: runtime.context("cannot start the runtime")?, log };
    let progress = Progress::of_entries(terminal);
    let counted = progress.counted();
    let outcome = verify(&mut served, &trust, |entries, bytes| counted.add(entries, bytes));
    drop(progress);
    let outcome = judged(url, outcome)?;
    let mut out = Output::stdout(terminal);
    match (&outcome, format) {
        (Ok(found), DocumentFormat::Json) => writeln!(out, "{}", document(url, found))?,
        (Err(broken), DocumentFormat::Json) => writeln!(out, "{}", broken_document(broken))?,
        (Ok(found), DocumentFormat::Human) => human(&mut out, found)?,
        (Err(_), DocumentFormat::Human) => {}
    }
    out.finish()?;
    match outcome {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(broken) => {
            say_broken(&anyhow::Error::from(broken), terminal);
            Ok(ExitCode::from(BROKEN))
        }
    }
}

/// The key that a reference leads to. It goes to the server that is named, so that nobody's environment gives
/// it away by itself.
pub(crate) fn key_of(reference: &str) -> anyhow::Result<Secret> {
    let help = "name an admin key of that console with `env:NAME` or `file:PATH`";
    let wrong = |what: String| usage(format!("`--admin-key {reference}`: {what}"), help);
    let key = match reference.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|error| wrong(error.to_string()))?,
        Some(("file", path)) => {
            read_text_file(Path::new(path), KEY_BYTES).map_err(|error| wrong(error.to_string()))?
        }
        _ => return Err(usage("`--admin-key` takes no key itself: others can see it there", help)),
    };
    match key.trim() {
        "" => Err(wrong("it is empty".to_owned())),
        key => Ok(Secret::new(key)),
    }
}

/// Whether the log holds; an error where that was not found out.
fn judged(
    url: &str,
    outcome: Result<Verified, Failed<FetchError>>,
) -> anyhow::Result<Result<Verified, Broken>> {
    match outcome {
        Ok(found) => Ok(Ok(found)),
        Err(Failed::Broken(broken)) => Ok(Err(broken)),
        Err(Failed::Source(error)) => Err(error.into()),
        Err(Failed::Denied { path }) => {
            let url = format!("{}/{path}", url.trim_end_matches('/'));
            Err(FetchError::Hidden { url }.into())
        }
        Err(error) => Err(usage(
            format!("`{url}`: {error}"),
            "name what comes before `/checkpoint`; a console of Bartizan serves its log below `/ledger`",
        )),
    }
}

fn human(out: &mut Output, found: &Verified) -> std::io::Result<()> {
    let tree = &found.signed.checkpoint;
    let origin = printable(&tree.origin);
    match (tree.size.checked_sub(1), found.first) {
        (None, _) => writeln!(out, "holds: `{origin}`, which has no entries yet")?,
        (Some(last), Some(first)) => {
            writeln!(out, "holds: entries {first} to {last} of `{origin}`")?;
        }
        (Some(last), None) => {
            writeln!(out, "holds: the hashes of entries 0 to {last} of `{origin}`")?;
        }
    }
    writeln!(out, "root:  {}", tree.root)?;
    if found.hashes_only > 0 {
        writeln!(
            out,
            "note:  {} of {} entries were checked by their hashes alone, and nobody looked at what they say: {}",
            found.hashes_only,
            tree.size,
            why(found)
        )?;
    }
    seen(out, &found.signed)
}

/// Why entries were not read.
fn why(found: &Verified) -> String {
    if found.denied {
        return "the server shows entries to holders of a key alone; `--admin-key` names one"
            .to_owned();
    }
    if found.first.is_none() {
        return "the server has none".to_owned();
    }
    let kept = found.removed_before;
    format!(
        "the log says that it removed those before {kept}, and it serves no bundle that held some of them"
    )
}

fn document(url: &str, found: &Verified) -> Value {
    json!({
        "schema": "bartizan.audit-verify/v1",
        "holds": true,
        "url": url,
        "first": found.first,
        "checked": found.checked,
        "hashes_only": found.hashes_only,
        "entries_denied": found.denied,
        "removed_before": found.removed_before,
        "checkpoint": checkpoint(&found.signed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_a_folder() {
        for named in ["http://127.0.0.1:9/ledger", "HTTPS://log.example"] {
            assert_eq!(url(Path::new(named)), Some(named));
        }
        for named in
            ["ledger", "/var/lib/bartizan/ledger", "https:/log.example", "ftp://log.example"]
        {
            assert_eq!(url(Path::new(named)), None, "{named}");
        }
    }

    #[test]
    fn says_why_entries_were_not_read() {
        let signed = bartizan_ledger::trust::Witnessed {
            checkpoint: bartizan_ledger::checkpoint::Checkpoint {
                origin: "log".to_owned(),
                size: 2_000,
                root: bartizan_ledger::merkle::Hash::of_empty_tree(),
                extensions: Vec::new(),
            },
            witnesses: Vec::new(),
        };
        let check = |first, hashes_only, removed_before, denied, expected: &str| {
            let found = Verified {
                signed: signed.clone(),
                first,
                checked: 2_000 - hashes_only,
                hashes_only,
                denied,
                removed_before,
            };
            let said = why(&found);
            assert!(said.contains(expected), "{said}");
        };
        check(None, 2_000, 0, true, "`--admin-key` names one");
        check(None, 2_000, 0, false, "the server has none");
        check(Some(512), 512, 300, false, "it removed those before 300, and it serves");
    }
}
