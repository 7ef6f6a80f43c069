//! `bartizan audit`: does the event log hold, and what does it prove.

mod erase;
pub(crate) mod export;
mod remote;
mod rotate;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::RequestId;
use bartizan_core::limits::{read_capped, read_text_file};
use bartizan_ledger::LedgerError;
use bartizan_ledger::log_proof::{LogProof, PROOF_BYTES};
use bartizan_ledger::merkle::verify_consistency;
use bartizan_ledger::note::{NOTE_BYTES, Note, VerifyingKey};
use bartizan_ledger::prove::{self, ProveError};
use bartizan_ledger::trust::{TRUST_BYTES, Trust, Witnessed};
use bartizan_ledger::verify::{Broken, Verified, verify};
use bartizan_ledger::witness;
use serde_json::{Value, json};

use crate::cli::{AuditArgs, AuditCommand, DocumentFormat, TrustArgs, VerifyArgs};
use crate::format::{print_error, usage};
use crate::output::Output;
use crate::terminal::{Terminal, printable};
use crate::wire::policy;
pub(crate) use remote::key_of;

/// Exit code for a log or a proof that does not hold.
const BROKEN: u8 = 1;

pub(crate) fn run(args: &AuditArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let folder = || -> anyhow::Result<_> {
        let data = policy::load_data(&args.policy)?;
        let folder = data.data_dir.join(bartizan_ledger::FOLDER);
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(usage(
            format!("there is no event log in `{}`", folder.display()),
            "`bartizan up` makes one; `--data-dir` names another folder",
        ))
    };
    match &args.command {
        AuditCommand::Verify(VerifyArgs { log, trust, admin_key, ca, format }) => {
            let named = log.as_deref();
            if let Some(url) = named.and_then(remote::url) {
                let (ca, admin_key) = (ca.as_deref(), admin_key.as_deref());
                return remote::verified(url, trust, ca, admin_key, *format, terminal);
            }
            if ca.is_some() || admin_key.is_some() {
                return Err(usage(
                    "`--ca` and `--admin-key` are for a URL, and this log is in a folder",
                    "leave them out, or name a URL that begins with `https://`",
                ));
            }
            let folder = named.map_or_else(folder, named_folder)?;
            let believed = trusted(trust, Some(&folder))?;
            verified(&folder, &believed, *format, terminal)
        }
        AuditCommand::Prove { entry, output } => {
            let proof = proof(&folder()?, entry)?;
            let mut out = Output::open(output, terminal)?;
            write!(out, "{proof}")?;
            out.finish()?;
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Check { file, trust } => {
            // The log need not be here.
            let folder = folder().ok();
            checked(file, &trusted(trust, folder.as_deref())?, terminal)
        }
        AuditCommand::Consistency { old, new, trust } => {
            let folder = folder()?;
            let believed = trusted(trust, Some(&folder))?;
            let last = folder.join("checkpoint");
            let new = new.as_deref().unwrap_or(&last);
            consistent(&folder, &believed, [old, new], terminal)
        }
        AuditCommand::Erase { name } => {
            owned(&folder()?)?;
            let shared = policy::load_shared(&args.policy)?;
            erase::run(&policy::load_data(&args.policy)?, &shared, &folder()?, name)
        }
        AuditCommand::Export(args) => export::run(args, &folder()?, terminal),
        AuditCommand::RotateKey { finish } => {
            owned(&folder()?)?;
            rotate::run(&policy::load_data(&args.policy)?, &folder()?, *finish)
        }
        AuditCommand::Key { witness: false } => {
            let key =
                bartizan_ledger::public_key(&folder()?).context("the log has no public key")?;
            writeln!(std::io::stdout().lock(), "{key}")?;
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Key { witness: true } => {
            let data = policy::load_data(&args.policy)?;
            let key = witness::public_key(&data.data_dir.join(crate::wire::witness::FOLDER));
            let key = key.map_err(|error| {
                usage(
                    format!("this installation is no witness yet: {error}"),
                    "name the keys of logs in `ledger.witness-for`, and start `bartizan up`",
                )
            })?;
            writeln!(std::io::stdout().lock(), "{key}")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The folder of a log, or that of the log in a folder for data.
fn named_folder(path: &Path) -> anyhow::Result<PathBuf> {
    let inside = path.join(bartizan_ledger::FOLDER);
    let folder = if inside.is_dir() { inside } else { path.to_owned() };
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(usage(
        format!("there is no event log in `{}`", path.display()),
        "name the folder of a log, or the URL below which one is served, with `https://`",
    ))
}

/// Refuses to put files into a folder of somebody else: whoever runs the gateway could not read them.
fn owned(folder: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let owner = std::fs::metadata(folder)?.uid();
        let user = rustix::process::geteuid().as_raw();
        if owner != user {
            return Err(usage(
                format!("`{}` belongs to user {owner}, and this is user {user}", folder.display()),
                format!(
                    "run it as the user who runs `bartizan up`: `sudo -u '#{owner}' bartizan audit …`"
                ),
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Whom the arguments trust; the key in the folder of the log where they name nobody.
fn trusted(args: &TrustArgs, folder: Option<&Path>) -> anyhow::Result<Trust> {
    if let Some(file) = &args.trust {
        let bytes = File::open(file).and_then(|file| read_capped(file, TRUST_BYTES as u64));
        let bytes = bytes.with_context(|| format!("cannot read `{}`", file.display()))?;
        return Trust::from_bytes(&bytes).map_err(|error| {
            usage(
                format!("`{}`: {error}", file.display()),
                "lines are `log VKEY`, `witness NAME VKEY`, `group NAME all|any|N NAME…` and `quorum NAME|none`",
            )
        });
    }
    if let Some(key) = &args.key {
        let key: VerifyingKey = key.trim().parse().map_err(|error| {
            usage(format!("`--key`: {error}"), "`bartizan audit key` prints the key of a log")
        })?;
        return Ok(Trust::of_log(key));
    }
    let Some(folder) = folder else {
        return Err(usage(
            "there is no log here whose key could be used",
            "name the key with `--key`, or whom to trust with `--trust`",
        ));
    };
    let key = bartizan_ledger::public_key(folder).context("the log has no public key")?;
    tracing::warn!(
        "the key is the one that lies beside the log: who could write there could have replaced both; keep a copy \
         of `bartizan audit key` elsewhere and name it with `--key`"
    );
    Ok(Trust::of_log(key))
}

fn verified(
    folder: &Path,
    trust: &Trust,
    format: DocumentFormat,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let outcome = verify(folder, trust, |_| ());
    // A folder that cannot be read may be a disk that fails; what can be and is wrong was changed.
    if let Err(Broken::Unreadable(error @ LedgerError::Folder { .. })) = outcome {
        return Err(error.into());
    }
    let mut out = Output::stdout(terminal);
    match (&outcome, format) {
        (outcome, DocumentFormat::Json) => writeln!(out, "{}", document(outcome))?,
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

fn human(out: &mut Output, found: &Verified) -> std::io::Result<()> {
    let tree = &found.signed.checkpoint;
    let origin = printable(&tree.origin);
    match tree.size.checked_sub(1) {
        Some(last) => writeln!(out, "holds: entries {} to {last} of `{origin}`", found.first)?,
        None => writeln!(out, "holds: `{origin}`, which has no entries yet")?,
    }
    writeln!(out, "root:  {}", tree.root)?;
    if found.first > 0 {
        writeln!(out, "note:  the log says that it removed the entries before {}", found.first)?;
    }
    if found.unwitnessed > 0 {
        writeln!(
            out,
            "note:  {} more are signed by the log and hold, and no quorum has seen them yet",
            found.unwitnessed
        )?;
    }
    if found.unsigned > 0 {
        writeln!(out, "note:  {} more were written and are not signed yet", found.unsigned)?;
    }
    seen(out, &found.signed)
}

/// Which witnesses have signed.
fn seen(out: &mut Output, signed: &Witnessed) -> std::io::Result<()> {
    for (name, time) in &signed.witnesses {
        writeln!(out, "seen:  by witness `{}`, {time} s after 1970", printable(name))?;
    }
    Ok(())
}

fn document(outcome: &Result<Verified, Broken>) -> Value {
    match outcome {
        Ok(found) => json!({
            "schema": "bartizan.audit-verify/v1",
            "holds": true,
            "first": found.first,
            "checked": found.checked,
            "unwitnessed": found.unwitnessed,
            "unsigned": found.unsigned,
            "checkpoint": checkpoint(&found.signed),
        }),
        Err(broken) => broken_document(broken),
    }
}

fn broken_document(broken: &Broken) -> Value {
    json!({
        "schema": "bartizan.audit-verify/v1",
        "holds": false,
        "entry": broken.entry(),
        "reason": broken.to_string(),
    })
}

fn checkpoint(signed: &Witnessed) -> Value {
    let Witnessed { checkpoint, witnesses } = signed;
    json!({
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.to_string(),
        "witnesses": witnesses.iter().map(|(name, time)| json!({ "name": name, "time": time })).collect::<Vec<_>>(),
    })
}

fn proof(folder: &Path, entry: &str) -> anyhow::Result<LogProof> {
    let number = match (entry.parse::<u64>(), entry.parse::<RequestId>()) {
        (Ok(number), _) => Ok(number),
        (_, Ok(id)) => prove::find(folder, id),
        _ => {
            return Err(usage(
                format!(
                    "`{}` is neither the id of a request nor the number of an entry",
                    printable(entry)
                ),
                "ids are in `x-bartizan-request-id` of an answer and in `bartizan events`",
            ));
        }
    };
    number.and_then(|number| prove::prove(folder, number)).map_err(|error| match error {
        ProveError::Unreadable(error) => error.into(),
        ProveError::Unknown { .. } | ProveError::Missing { .. } => usage(
            error.to_string(),
            "it may have been removed for its age; `bartizan events --since 7d` shows what is there",
        ),
        ProveError::Unsigned { .. } => {
            usage(error.to_string(), "entries are signed within a second while `bartizan up` runs")
        }
        error => error.into(),
    })
}

fn checked(file: &Path, trust: &Trust, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let text = if file == Path::new("-") {
        let bytes = read_capped(std::io::stdin().lock(), PROOF_BYTES as u64)?;
        String::from_utf8(bytes).context("the proof is no text")?
    } else {
        read_text_file(file, PROOF_BYTES as u64)
            .with_context(|| format!("cannot read `{}`", file.display()))?
    };
    let judged = text.parse::<LogProof>().and_then(|proof| {
        let leaf = proof.leaf().unwrap_or_else(|| bartizan_ledger::merkle::Hash::of_leaf(b""));
        proof.verify(leaf, trust).map(|signed| (proof, signed))
    });
    match judged {
        Ok((proof, signed)) => {
            let mut out = Output::stdout(terminal);
            let entry = proof.extra.unwrap_or_default();
            writeln!(out, "{}", printable(&String::from_utf8_lossy(&entry)))?;
            out.finish()?;
            let (origin, size) = (signed.checkpoint.origin, signed.checkpoint.size);
            tracing::info!(entry = proof.index, %origin, size, "the entry is in the log");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            say_broken(&anyhow::Error::from(error), terminal);
            Ok(ExitCode::from(BROKEN))
        }
    }
}

fn consistent(
    folder: &Path,
    trust: &Trust,
    files: [&Path; 2],
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let is_last = files[1] == folder.join("checkpoint");
    let mut signed = Vec::new();
    for file in files {
        let text = read_text_file(file, NOTE_BYTES as u64)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        let note = text.parse::<Note>().map_err(anyhow::Error::from);
        match note.and_then(|note| Ok(trust.check(&note)?)) {
            Ok(witnessed) => signed.push(witnessed.checkpoint),
            Err(error) => {
                say_broken(&error.context(format!("`{}`", file.display())), terminal);
                return Ok(ExitCode::from(BROKEN));
            }
        }
    }
    let [old, new] = signed.as_slice() else { return Ok(ExitCode::from(BROKEN)) };
    if old.origin != new.origin {
        return Err(usage("the checkpoints are of two logs", "their first lines name them"));
    }
    if old.size > new.size && is_last {
        let error = anyhow::anyhow!(
            "the log has {} entries, and {} were signed before",
            new.size,
            old.size
        );
        say_broken(&error, terminal);
        return Ok(ExitCode::from(BROKEN));
    }
    if old.size > new.size {
        return Err(usage("the second checkpoint is the older one", "name the older one first"));
    }
    let proof = prove::consistency(folder, old.size, new.size)?;
    let held = match old.size {
        // Every log begins with nothing.
        0 => Ok(()),
        size => verify_consistency(size, old.root, new.size, new.root, &proof),
    };
    if let Err(error) = held {
        say_broken(
            &anyhow::Error::from(error)
                .context("the log does not begin with what was signed before"),
            terminal,
        );
        return Ok(ExitCode::from(BROKEN));
    }
    let mut out = Output::stdout(terminal);
    writeln!(
        out,
        "holds: the log of {} entries begins with the {} that were signed before",
        new.size, old.size
    )?;
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Says why something does not hold, with all causes.
fn say_broken(error: &anyhow::Error, terminal: Terminal) {
    let mut said = format!("error: {error:#}");
    if let Some(Broken::Retired { .. }) = error.downcast_ref::<Broken>() {
        // Who has stolen the old key could have it name any other.
        said.push_str(
            "\nhelp: get the new key from whoever gave you the old one, and compare it with this one",
        );
    }
    print_error(&said, terminal.stderr());
}
