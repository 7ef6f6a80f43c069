//! Lists that detectors compare with: hosts of links, names of packages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;

use bartizan_core::host::HostPattern;
use bartizan_core::limits::{PACKAGE_LIST_BYTES, read_capped};
use bartizan_core::packages::{Ecosystem, PackageNames};
use bartizan_core::settings::{Detect, PackageList};
use sha2::{Digest as _, Sha256};

use crate::compile::Compiler;
use crate::compile::guardrails::words;
use crate::error::Problem;
use crate::file::endpoint::PackagesFile;
use crate::located::{Located, Place};
use crate::snippet::quote;
use crate::suggest;

/// Most hosts that one guardrail lists; each link is compared with all of them.
const MAX_HOSTS: usize = 10_000;

impl Compiler<'_, '_> {
    pub(super) fn links(&mut self, given: &Located<Vec<Located<String>>>) -> Option<Detect> {
        if given.value.is_empty() || given.value.len() > MAX_HOSTS {
            let message = format!("`hosts` lists {} hosts", given.value.len());
            let help = format!("list 1 to {MAX_HOSTS}, such as `hosts: [example.org]`");
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        self.hosts(&given.value).map(Detect::Links)
    }

    /// Hosts and patterns of hosts.
    pub(super) fn hosts(&mut self, given: &[Located<String>]) -> Option<Vec<HostPattern>> {
        let mut hosts = Vec::with_capacity(given.len());
        for host in given {
            match HostPattern::new(&host.value) {
                Ok(pattern) => hosts.push(pattern),
                Err(help) => {
                    let message = format!("{} is no host", quote(&host.value));
                    self.report(Problem::new(host.place, message).help(help));
                }
            }
        }
        (hosts.len() == given.len()).then_some(hosts)
    }

    pub(super) fn packages(&mut self, given: &Located<PackagesFile>) -> Option<Detect> {
        if given.value.is_empty() {
            let problem = Problem::new(given.place, "`packages` lists no registry");
            self.report(problem.help("write `packages: { pypi: file:PATH }`"));
            return None;
        }
        let mut lists = BTreeMap::new();
        for (name, names) in &given.value {
            let Some(ecosystem) = Ecosystem::from_name(&name.value) else {
                let known = Ecosystem::ALL.map(Ecosystem::name);
                let help = match suggest::nearest(&name.value, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", suggest::list(known)),
                };
                let message = format!("no registry is called {}", quote(&name.value));
                self.report(Problem::new(name.place, message).help(help));
                continue;
            };
            let names: Vec<(&str, Option<Place>)> = words(names);
            if let Some(list) = self.package_list(ecosystem, &names, name.place) {
                lists.insert(ecosystem, list);
            }
        }
        (lists.len() == given.value.len()).then_some(Detect::Packages(lists))
    }

    fn package_list(
        &mut self,
        ecosystem: Ecosystem,
        given: &[(&str, Option<Place>)],
        place: Option<Place>,
    ) -> Option<PackageList> {
        let written: Vec<String> = given.iter().map(|(name, _)| (*name).to_owned()).collect();
        let key = (ecosystem, written.clone());
        if let Some(names) = self.package_lists.get(&key) {
            return Some(PackageList { given: written, names: Arc::clone(names) });
        }
        let mut files = Vec::new();
        let mut complete = true;
        for (name, place) in given {
            if let Some(path) = name.strip_prefix("file:") {
                match self.package_file(ecosystem, path, *place) {
                    Some(text) => {
                        self.lists.push(Sha256::digest(&text).into());
                        files.push(text);
                    }
                    None => complete = false,
                }
            } else if ecosystem.normalise(name).is_none() {
                complete = false;
                let message = format!("{} is no name of a package of `{ecosystem}`", quote(name));
                let help = "write names without versions, or `file:PATH`";
                self.report(Problem::new(*place, message).help(help));
            }
        }
        let inline = given.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("file:"));
        let names =
            PackageNames::new(ecosystem, inline.chain(files.iter().flat_map(|file| lines(file))));
        if complete && names.is_empty() {
            let message = format!("the list of `{ecosystem}` is empty");
            self.report(Problem::new(place, message).help("add names, or remove the registry"));
            return None;
        }
        if !complete {
            return None;
        }
        let names = Arc::new(names);
        self.package_lists.insert(key, Arc::clone(&names));
        Some(PackageList { given: written, names })
    }

    /// The text of a file of names of packages, each of which was checked.
    fn package_file(
        &mut self,
        ecosystem: Ecosystem,
        path: &str,
        place: Option<Place>,
    ) -> Option<String> {
        let what = format!("name of a package of `{ecosystem}`");
        let help = "write one name per line, without versions; `#` begins a comment";
        let fits = |name: &str| ecosystem.normalise(name).is_some();
        self.list_file(path, place, PACKAGE_LIST_BYTES, (&what, help), fits)
    }

    /// The text of a file with a name on each line, each of which `fits`. What a name is, and what to write,
    /// is said where one does not.
    pub(super) fn list_file(
        &mut self,
        path: &str,
        place: Option<Place>,
        cap: u64,
        (what, help): (&str, &str),
        fits: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let full = self.base_dir.join(path);
        let read = std::fs::metadata(&full)
            .and_then(|found| {
                if found.is_file() {
                    File::open(&full)
                } else {
                    // A pipe would be waited for, a device has no end.
                    Err(std::io::Error::other("it is no regular file"))
                }
            })
            .and_then(|file| read_capped(file, cap))
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => format!("no such file (looked for {})", full.display()),
                ErrorKind::FileTooLarge => format!("it is larger than {cap} bytes"),
                ErrorKind::Other => error.to_string(),
                other => other.to_string(),
            })
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned()));
        let text = match read {
            Ok(text) => text,
            Err(why) => {
                let message = format!("cannot read the file {}: {why}", quote(path));
                let help = "a relative path starts at the folder of the policy file";
                self.report(Problem::new(place, message).help(help));
                return None;
            }
        };
        let odd = text
            .lines()
            .enumerate()
            .find(|(_, line)| name_of(line).is_some_and(|name| !fits(name)));
        if let Some((at, _)) = odd {
            // The line itself is not told: it may be of a file that nobody meant to show.
            let message = format!("line {} of {} is no {what}", at + 1, quote(path));
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        Some(text)
    }
}

/// The names in a file, one on each line.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(name_of)
}

/// The name on a line; none on an empty one and in a comment.
fn name_of(line: &str) -> Option<&str> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with('#')).then_some(line)
}
