//! The files beside a policy that are part of it: Cedar files, lists of members, keys of issuers, credentials of
//! providers.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use bartizan_core::limits::{POLICY_BYTES, read_text_file};

use crate::compile::cedar::matching;
use crate::parse;

/// Which files a text names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Companions {
    base_dir: PathBuf,
    /// As the policy names them, patterns included.
    cedar: Vec<String>,
    /// Lists of members, keys of issuers, and credentials of providers.
    members: Vec<PathBuf>,
}

impl Companions {
    /// Those of a policy whose relative paths start at `base_dir`; none of one that cannot be read, which
    /// loading it says.
    pub fn of(text: &str, base_dir: &Path) -> Self {
        let Ok(file) = parse::parse(text) else { return Self::default() };
        let members = file.groups.values().flatten();
        let members = members.map(|member| member.value.0.as_str());
        let keys = file.identity.issuers.iter().filter_map(|issuer| issuer.value.keys.as_ref());
        let members = members.chain(keys.map(|keys| keys.value.0.as_str()));
        let providers = file.providers.values();
        let credentials = providers.filter_map(|provider| provider.value.credential());
        let members = members.chain(credentials);
        let members = members.filter_map(|text| text.strip_prefix("file:"));
        Self {
            base_dir: base_dir.to_owned(),
            cedar: file.cedar.iter().map(|entry| entry.value.clone()).collect(),
            members: members.map(|path| base_dir.join(path)).collect(),
        }
    }

    /// The Cedar files that are there now, with their texts, in the order of the policy.
    ///
    /// # Errors
    /// What the system says about one that cannot be read.
    pub fn cedar(&self) -> io::Result<Vec<(PathBuf, String)>> {
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        for entry in &self.cedar {
            for path in matching(&self.base_dir, entry).unwrap_or_default() {
                if files.iter().all(|(known, _)| *known != path) {
                    let text = read_text_file(&path, POLICY_BYTES)?;
                    files.push((path, text));
                }
            }
        }
        Ok(files)
    }

    /// A text that is another one when any of the files says something else. Of all but Cedar files, only length
    /// and time are looked at: they can be large, and this is asked several times a second.
    ///
    /// # Errors
    /// What the system says about a file that cannot be read.
    pub fn state(&self) -> io::Result<String> {
        let mut state = String::new();
        for (path, text) in self.cedar()? {
            // Writing to a string cannot fail.
            let _ = write!(state, "{}\0{text}\0", path.display());
        }
        for path in &self.members {
            let found = std::fs::metadata(path)?;
            let _ = write!(state, "{} {:?}\0", found.len(), found.modified()?);
        }
        Ok(state)
    }
}
