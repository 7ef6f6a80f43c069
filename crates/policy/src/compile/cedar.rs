//! The Cedar files that a policy names, read. What they say is held to the schema in `decide::cedar`.

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_core::limits::{POLICY_BYTES, read_text_file};

use crate::compile::Compiler;
use crate::decide::CedarText;
use crate::error::Problem;
use crate::located::Located;
use crate::snippet::quote;

/// Most files.
const FILES_MAX: usize = 64;

impl Compiler<'_, '_> {
    /// Reads the files, in the order of the policy and, for a pattern, of their names.
    pub(super) fn cedar_files(&mut self, given: &[Located<String>]) {
        for entry in given {
            let found = match matching(self.base_dir, &entry.value) {
                Ok(found) => found,
                Err(reason) => {
                    let message = format!("{} names no file: {reason}", quote(&entry.value));
                    let help = "write a path, or one with `*` in the name of the file, such as `policies/*.cedar`";
                    self.report(Problem::new(entry.place, message).help(help));
                    continue;
                }
            };
            for path in found {
                self.cedar_file(entry, &path);
            }
        }
    }

    fn cedar_file(&mut self, entry: &Located<String>, path: &Path) {
        let name = path.display().to_string();
        if self.cedar.iter().any(|file| file.name == name) {
            return;
        }
        let bytes: usize = self.cedar.iter().map(|file| file.text.len()).sum();
        match read_text_file(path, POLICY_BYTES) {
            Ok(text)
                if self.cedar.len() < FILES_MAX && (bytes + text.len()) as u64 <= POLICY_BYTES =>
            {
                self.cedar.push(CedarText { name, text });
            }
            Ok(_) => {
                let message = format!(
                    "the Cedar files are more than {FILES_MAX}, or larger than {POLICY_BYTES} bytes together"
                );
                self.report(Problem::new(entry.place, message).help("name fewer"));
            }
            Err(error) => {
                let message = format!("cannot read the Cedar file {}: {error}", quote(&name));
                let help = "check the path and its permissions; a relative path starts at the folder of this file";
                self.report(Problem::new(entry.place, message).help(help));
            }
        }
    }
}

/// The files that an entry of `cedar` stands for; at least one.
///
/// # Errors
/// Why it stands for none.
pub(crate) fn matching(base_dir: &Path, entry: &str) -> Result<Vec<PathBuf>, String> {
    let path = base_dir.join(entry);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else {
        return if entry.contains('*') {
            Err("`*` stands outside of the name of the file".to_owned())
        } else if entry.is_empty() {
            Err("it is empty".to_owned())
        } else {
            Ok(vec![path])
        };
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if after.contains('*') || folder.as_os_str().to_string_lossy().contains('*') {
        return Err("it has more than one `*`".to_owned());
    }
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
        let name = entry.file_name();
        let fits = name.to_str().is_some_and(|name| {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
                // Remains of editors.
                && !name.starts_with('.')
        });
        if fits {
            found.push(entry.path());
        }
    }
    if found.is_empty() {
        // A policy that was mistyped would protect nobody.
        return Err(format!("nothing in `{}` fits it", folder.display()));
    }
    found.sort();
    Ok(found)
}
