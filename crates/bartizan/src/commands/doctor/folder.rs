//! The data folder: whether it can be written, who else may read it, and whether the disk has room;
//! and who else may read the files of credentials.

use std::path::Path;

use super::Line;

/// Less free space than this stops the event log within minutes of traffic.
const LEAST_FREE_BYTES: u64 = 64 << 20;

/// `log_bytes` is how large the event log may become.
pub(super) fn all(folder: &Path, log_bytes: u64) -> Vec<Line> {
    let mut lines = vec![writable(folder)];
    lines.extend(rights(folder));
    lines.extend(space(folder, log_bytes));
    lines
}

fn writable(folder: &Path) -> Line {
    let shown = folder.display();
    let existing = nearest(folder);
    // Looking changes nothing: a folder that is missing is not made here.
    let probe = existing.join(format!(".bartizan-doctor-{}", std::process::id()));
    let tried = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    let tried = tried.and_then(|_| std::fs::remove_file(&probe));
    match tried {
        Ok(()) if existing == folder => Line::ok("data folder", format!("{shown} can be written")),
        Ok(()) => Line::ok("data folder", format!("{shown} will be made at the first start")),
        Err(error) => Line::fail(
            "data folder",
            format!("{shown}: {error}"),
            "give this user the right to write there, or choose another folder with `--data-dir`",
        ),
    }
}

/// The folder, or the first above it that exists.
fn nearest(folder: &Path) -> &Path {
    let here = Path::new(".");
    folder
        .ancestors()
        .map(|folder| if folder.as_os_str().is_empty() { here } else { folder })
        .find(|folder| folder.exists())
        .unwrap_or(here)
}

/// Keys are stored hashed, but who used what when is nobody else's business.
#[cfg(unix)]
fn rights(folder: &Path) -> Option<Line> {
    use std::os::unix::fs::PermissionsExt as _;
    let open: Vec<String> = ["", "state.db", bartizan_ledger::FOLDER]
        .iter()
        .map(|name| if name.is_empty() { folder.to_owned() } else { folder.join(name) })
        .filter_map(|path| {
            let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o777;
            (mode & 0o077 != 0).then(|| format!("{} has {mode:o}", path.display()))
        })
        .collect();
    if !folder.exists() {
        return None;
    }
    Some(if open.is_empty() {
        Line::ok("data rights", "only the owner may read")
    } else {
        Line::warn(
            "data rights",
            format!("other users may read: {}", open.join(", ")),
            format!("`chmod -R go-rwx {}`", folder.display()),
        )
    })
}

#[cfg(not(unix))]
fn rights(_: &Path) -> Option<Line> {
    None
}

/// Files that the policy file takes credentials from; none when it names no file.
#[cfg(unix)]
pub(super) fn credentials(policy: &Path) -> Option<Line> {
    use std::os::unix::fs::PermissionsExt as _;
    let files = bartizan_policy::credential_files(policy).ok().filter(|files| !files.is_empty())?;
    let open: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
            (mode & 0o077 != 0).then(|| format!("{} has {mode:o}", path.display()))
        })
        .collect();
    Some(if open.is_empty() {
        Line::ok("credential files", "only the owner may read")
    } else {
        let found = format!("other users may read or change: {}", open.join(", "));
        Line::warn("credential files", found, "`chmod 600` for each")
    })
}

#[cfg(not(unix))]
pub(super) fn credentials(_: &Path) -> Option<Line> {
    None
}

#[cfg(unix)]
fn space(folder: &Path, log_bytes: u64) -> Option<Line> {
    let found = rustix::fs::statvfs(nearest(folder)).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let used = size(&folder.join(bartizan_ledger::FOLDER));
    Some(judge(free, log_bytes.saturating_sub(used)))
}

#[cfg(not(unix))]
fn space(_: &Path, _: u64) -> Option<Line> {
    None
}

fn judge(free: u64, wanted: u64) -> Line {
    let shown = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let found = format!("{} free; the event log may take {} more", shown(free), shown(wanted));
    if free < LEAST_FREE_BYTES {
        Line::fail("disk space", found, "make room on the disk, or move `data-dir`")
    } else if free < wanted {
        Line::warn(
            "disk space",
            found,
            "make room on the disk, or lower `events.total` in the policy",
        )
    } else {
        Line::ok("disk space", found)
    }
}

/// Bytes of the files in a folder.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.metadata().ok())
        .map(|file| file.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn looking_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let line = writable(&data);
        assert_eq!(line.state, State::Ok);
        assert!(line.found.ends_with("will be made at the first start"), "{}", line.found);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn rights_of_others_are_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let set = |mode| {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o700);
        assert_eq!(rights(folder.path()).unwrap().state, State::Ok);
        set(0o755);
        let line = rights(folder.path()).unwrap();
        assert_eq!(line.state, State::Warn);
        assert!(line.found.contains("755") && line.fix.unwrap().contains("chmod"));
    }

    #[cfg(unix)]
    #[test]
    fn a_credential_that_others_may_read_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("p.yaml");
        let text = "version: 1\nproviders: { o: { openai: { api-key: file:o.key } } }\n";
        std::fs::write(&policy, text).unwrap();
        let key = folder.path().join("o.key");
        std::fs::write(&key, "k").unwrap();
        for (mode, state) in [(0o600, State::Ok), (0o400, State::Ok), (0o666, State::Warn)] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(credentials(&policy).unwrap().state, state, "{mode:o}");
        }
        std::fs::write(&policy, "version: 1\n").unwrap();
        assert!(credentials(&policy).is_none());
    }

    #[test]
    fn room_is_judged_by_what_the_log_may_take() {
        assert_eq!(judge(10 << 30, 1 << 30).state, State::Ok);
        assert_eq!(judge(1 << 30, 2 << 30).state, State::Warn);
        assert_eq!(judge(1 << 20, 0).state, State::Fail);
    }
}
