//! Versions of the policy: each that was in force is an entry of the event log, and its text is kept, so that it
//! can be compared with and come back to.

use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use bartizan_core::event::{Event, EventSink, Outcome, Recorded};
use bartizan_core::limits::read_capped;
use bartizan_core::{RequestId, private};
use serde::{Deserialize, Serialize};

/// Operation of the entry that says which policy is in force.
pub(crate) const LOADED: &str = "policy-loaded";
/// Folder of the texts, in the data folder.
const FOLDER: &str = "policies";
/// Versions whose text is kept.
const KEPT: usize = 200;
/// Most bytes of a file: a policy and its Cedar files, escaped.
const FILE_BYTES: u64 = 64 << 20;
/// File that says which is in force, in the data folder.
const MARK: &str = "policy-in-force.json";
const MARK_SCHEMA: &str = "bartizan.policy-in-force/v1";
/// Most bytes of it.
const MARK_BYTES: u64 = 4 << 10;
const SCHEMA: &str = "bartizan.policy-version/v1";

/// The text of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    schema: String,
    /// As events name it.
    #[serde(rename = "version")]
    pub(crate) id: String,
    /// Text of the policy file, or of the embedded defaults.
    pub(crate) text: String,
    /// Cedar files, by their path from the folder of the policy.
    pub(crate) cedar: Vec<(PathBuf, String)>,
}

impl Version {
    /// The version of a policy that lies in `folder`.
    ///
    /// # Errors
    /// That a Cedar file cannot be read.
    pub(crate) fn of(version: &str, text: String, folder: &Path) -> anyhow::Result<Self> {
        let files = bartizan_policy::Companions::of(&text, folder).cedar();
        let files = files.context("cannot read a Cedar file")?;
        let below = |path: PathBuf| path.strip_prefix(folder).map(Path::to_owned).unwrap_or(path);
        let cedar = files.into_iter().map(|(path, text)| (below(path), text)).collect();
        Ok(Self { schema: SCHEMA.to_owned(), id: version.to_owned(), text, cedar })
    }

    /// Where a Cedar file belongs; none for one that is not below the folder of the policy.
    pub(crate) fn place(folder: &Path, file: &Path) -> Option<PathBuf> {
        let is_below = file.components().all(|part| matches!(part, Component::Normal(_)));
        is_below.then(|| folder.join(file))
    }
}

/// Which policy was put in force last, for the next start to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Mark {
    schema: String,
    /// Under which its text is kept.
    pub(crate) version: String,
    /// Of what the file says, and the files beside it.
    pub(crate) fingerprint: String,
    /// Whether a weaker one needs two people.
    pub(crate) two_people: bool,
}

impl Mark {
    pub(crate) fn new(version: &str, fingerprint: &str, two_people: bool) -> Self {
        let (version, fingerprint) = (version.to_owned(), fingerprint.to_owned());
        Self { schema: MARK_SCHEMA.to_owned(), version, fingerprint, two_people }
    }
}

/// The kept texts of a data folder.
#[derive(Debug, Clone)]
pub(crate) struct Versions {
    folder: PathBuf,
    mark: PathBuf,
}

impl Versions {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER), mark: data_dir.join(MARK) }
    }

    /// Which policy was put in force last, where that was written down.
    ///
    /// # Errors
    /// That it cannot be read: nobody knows then what may take its place.
    pub(crate) fn mark(&self) -> anyhow::Result<Option<Mark>> {
        let unusable =
            || format!("`{}` does not say which policy was in force", self.mark.display());
        let file = match std::fs::File::open(&self.mark) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.with_context(unusable)?,
        };
        let bytes = read_capped(file, MARK_BYTES).with_context(unusable)?;
        serde_json::from_slice(&bytes).map(Some).with_context(unusable)
    }

    /// Writes down which policy is in force from now on. Where none ever asked for two people, nobody needs to know.
    ///
    /// # Errors
    /// That it cannot be written: then it must not be put in force.
    pub(crate) fn set_mark(&self, mark: &Mark) -> anyhow::Result<()> {
        if !mark.two_people && !self.mark.exists() {
            return Ok(());
        }
        let write = || -> io::Result<()> {
            let folder = self.mark.parent().unwrap_or(Path::new("."));
            private::make_folder(folder)?;
            let new = self.mark.with_extension("new");
            let _ = std::fs::remove_file(&new);
            let mut file = private::file().create_new(true).write(true).open(&new)?;
            serde_json::to_writer(&mut file, mark)?;
            file.flush()?;
            file.sync_all()?;
            std::fs::rename(&new, &self.mark)?;
            // What a restart goes by survives a power cut.
            std::fs::File::open(folder)?.sync_all()
        };
        write().with_context(|| format!("cannot write `{}`", self.mark.display()))
    }

    /// Says in the event log that a version is in force, before it is, and keeps its text.
    ///
    /// # Errors
    /// That the log does not take it: then it must not be put in force.
    pub(crate) fn enter(&self, events: &dyn EventSink, version: &Version) -> anyhow::Result<()> {
        if let Err(error) = self.keep(version) {
            let folder = self.folder.display();
            tracing::warn!(%error, %folder, "the text of the policy is not kept; it cannot be come back to");
        }
        let mut event = Event::new(RequestId::new(), "admin", LOADED);
        event.outcome = Outcome::Changed;
        event.policy.clone_from(&version.id);
        events
            .record(&event)
            .and_then(Recorded::wait)
            .context("the event log does not take the new version of the policy")
    }

    /// The text of a version, if it is kept.
    ///
    /// # Errors
    /// That its file cannot be read.
    pub(crate) fn get(&self, version: &str) -> anyhow::Result<Option<Version>> {
        let Some(path) = self.path(version) else { return Ok(None) };
        let file = match std::fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.with_context(|| format!("cannot read `{}`", path.display()))?,
        };
        let unusable = || format!("`{}` holds no version of a policy", path.display());
        let bytes = read_capped(file, FILE_BYTES).with_context(unusable)?;
        serde_json::from_slice(&bytes).map(Some).with_context(unusable)
    }

    pub(crate) fn has(&self, version: &str) -> bool {
        self.path(version).is_some_and(|path| path.is_file())
    }

    /// The file of a version; none for what can be the name of none.
    fn path(&self, version: &str) -> Option<PathBuf> {
        let is_version =
            !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_version.then(|| self.folder.join(format!("{version}.json")))
    }

    fn keep(&self, version: &Version) -> io::Result<()> {
        let path = self.path(&version.id).ok_or(io::ErrorKind::InvalidInput)?;
        private::make_folder(&self.folder)?;
        let new = path.with_extension("new");
        let _ = std::fs::remove_file(&new);
        let mut file = private::file().create_new(true).write(true).open(&new)?;
        serde_json::to_writer(&mut file, version)?;
        file.flush()?;
        file.sync_data()?;
        std::fs::rename(&new, &path)?;
        self.forget_the_oldest()
    }

    fn forget_the_oldest(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let surplus = files.len().saturating_sub(KEPT);
        files.iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))
    }
}

#[cfg(test)]
mod tests {
    use bartizan_core::event::RecordError;
    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<Event>>);

    impl EventSink for Log {
        fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
            self.0.lock().push(event.clone());
            Ok(Recorded::Settled)
        }
    }

    struct Full;

    impl EventSink for Full {
        fn record(&self, _: &Event) -> Result<Recorded, RecordError> {
            Err(io::Error::other("full").into())
        }
    }

    #[test]
    fn what_was_in_force_is_said_and_kept_with_its_cedar_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("policies.d")).unwrap();
        std::fs::write(dir.path().join("policies.d/a.cedar"), "// nothing").unwrap();
        let text = "version: 1\ncedar: [policies.d/*.cedar]\n".to_owned();
        let version = Version::of("0123456789ab", text, dir.path()).unwrap();
        assert_eq!(version.cedar, [("policies.d/a.cedar".into(), "// nothing".to_owned())]);
        let versions = Versions::new(dir.path());
        let log = Log::default();
        versions.enter(&log, &version).unwrap();
        let said = log.0.lock();
        assert_eq!((said[0].operation.as_str(), said[0].policy.as_str()), (LOADED, "0123456789ab"));
        assert_eq!(versions.get("0123456789ab").unwrap(), Some(version));
        for unknown in ["ffffffffffff", "", "../state", "0123456789ab.json"] {
            assert!(
                !versions.has(unknown) && versions.get(unknown).unwrap().is_none(),
                "{unknown}"
            );
        }
    }

    #[test]
    fn a_version_that_the_log_does_not_take_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let version = Version::of("0123456789ab", "version: 1".to_owned(), dir.path()).unwrap();
        assert!(Versions::new(dir.path()).enter(&Full, &version).is_err());
    }

    #[test]
    fn what_is_in_force_is_written_down_where_a_restart_has_to_know() {
        let dir = tempfile::tempdir().unwrap();
        let versions = Versions::new(dir.path());
        versions.set_mark(&Mark::new("0123456789ab", "f", false)).unwrap();
        assert_eq!(versions.mark().unwrap(), None, "nobody has to know");
        for two_people in [true, false] {
            let mark = Mark::new("0123456789ab", "f", two_people);
            versions.set_mark(&mark).unwrap();
            assert_eq!(versions.mark().unwrap(), Some(mark));
        }
        // What cannot be read is no leave to start with anything.
        std::fs::write(dir.path().join(MARK), "{}").unwrap();
        assert!(versions.mark().is_err());
    }

    #[test]
    fn only_the_last_versions_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let versions = Versions::new(dir.path());
        for number in 0..KEPT + 3 {
            let version = format!("{number:012x}");
            versions.keep(&Version::of(&version, String::new(), dir.path()).unwrap()).unwrap();
        }
        let left = std::fs::read_dir(dir.path().join(FOLDER)).unwrap().count();
        assert_eq!(left, KEPT);
        assert!(versions.has(&format!("{:012x}", KEPT + 2)));
    }

    #[test]
    fn nothing_outside_of_the_folder_of_the_policy_is_written_to() {
        let folder = Path::new("conf");
        assert_eq!(Version::place(folder, Path::new("a/b.cedar")), Some("conf/a/b.cedar".into()));
        for file in ["../b.cedar", "/etc/b.cedar", "a/../../b.cedar"] {
            assert_eq!(Version::place(folder, Path::new(file)), None, "{file}");
        }
    }
}
