//! Names of packages, as their registries compare them, and large sets of them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;

/// Longest name of a package, in bytes; npm allows 214, and paths of Go modules are longer.
const MAX_NAME_BYTES: usize = 256;

/// A registry of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ecosystem {
    /// Packages of conda.
    Conda,
    /// Crates of Rust.
    Crates,
    /// Modules of Go.
    Go,
    /// Packages of Node.js.
    Npm,
    /// Packages of .NET.
    Nuget,
    /// Packages of PHP.
    Packagist,
    /// Packages of Python.
    Pypi,
    /// Gems of Ruby.
    Rubygems,
}

impl Ecosystem {
    /// All of them, by name.
    pub const ALL: [Self; 8] = [
        Self::Conda,
        Self::Crates,
        Self::Go,
        Self::Npm,
        Self::Nuget,
        Self::Packagist,
        Self::Pypi,
        Self::Rubygems,
    ];

    /// Name used in policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conda => "conda",
            Self::Crates => "crates",
            Self::Go => "go",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Packagist => "packagist",
            Self::Pypi => "pypi",
            Self::Rubygems => "rubygems",
        }
    }

    /// Reads a name written by [`Ecosystem::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.name() == name)
    }

    /// The form in which the registry compares names; `None` for what is no name there.
    pub fn normalise(self, name: &str) -> Option<String> {
        let bounded = !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.is_ascii();
        if !bounded || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        let word = |more: &[u8]| {
            lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
                && lower.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        };
        match self {
            // PEP 503: runs of `-`, `_` and `.` are one `-`.
            Self::Pypi => word(b"-_.").then(|| {
                let parts = lower.split(['-', '_', '.']).filter(|part| !part.is_empty());
                parts.collect::<Vec<_>>().join("-")
            }),
            Self::Crates => word(b"-_").then(|| lower.replace('_', "-")),
            Self::Conda | Self::Nuget | Self::Rubygems => word(b"-_.").then_some(lower),
            Self::Packagist => {
                // Without a vendor it is the platform, such as `php` and `ext-json`.
                (word(b"-_./") && lower.matches('/').count() == 1 && !lower.ends_with('/'))
                    .then_some(lower)
            }
            Self::Go => (word(b"-_./~") && lower.contains('.')).then_some(lower),
            Self::Npm => {
                let (scope, bare) = match lower.strip_prefix('@') {
                    Some(scoped) => {
                        scoped.split_once('/').map(|(scope, bare)| (Some(scope), bare))?
                    }
                    None => (None, lower.as_str()),
                };
                let fits = |part: &str| {
                    !part.is_empty()
                        && part.bytes().all(|byte| {
                            byte.is_ascii_alphanumeric() || b"-_.~!*'()".contains(&byte)
                        })
                };
                (fits(bare) && scope.is_none_or(fits)).then_some(lower)
            }
        }
        .filter(|name| !name.is_empty())
    }
}

impl std::fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of names that takes eight bytes per name.
///
/// Of each name a hash is kept, with a key that this process drew: nobody who does not know it can find a name
/// that passes for another, and of a million names one in 10¹³ strangers passes by chance.
#[derive(Clone, PartialEq, Eq)]
pub struct PackageNames {
    ecosystem: Ecosystem,
    hashes: Box<[u64]>,
}

static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl PackageNames {
    /// The set of these names. Names that the registry cannot have are left out.
    pub fn new<'n>(ecosystem: Ecosystem, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names = names.into_iter().filter_map(|name| ecosystem.normalise(name));
        let mut hashes: Vec<u64> = names.map(|name| KEY.hash_one(&*name)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self { ecosystem, hashes: hashes.into_boxed_slice() }
    }

    /// Whether the name is in the set, however it is written.
    pub fn contains(&self, name: &str) -> bool {
        let name = self.ecosystem.normalise(name);
        name.is_some_and(|name| self.hashes.binary_search(&KEY.hash_one(&*name)).is_ok())
    }

    /// Whether every name is in another set too.
    pub fn is_within(&self, other: &Self) -> bool {
        self.ecosystem == other.ecosystem
            && self.hashes.iter().all(|hash| other.hashes.binary_search(hash).is_ok())
    }

    /// How many names there are.
    pub const fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

impl std::fmt::Debug for PackageNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PackageNames({}, {} names)", self.ecosystem, self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_however_they_are_written() {
        let pypi = PackageNames::new(Ecosystem::Pypi, ["Zope.Interface", "ruamel_yaml"]);
        assert!(pypi.contains("zope-interface") && pypi.contains("RUAMEL..YAML"));
        assert!(!pypi.contains("zopeinterface") && !pypi.contains("") && pypi.len() == 2);
        let fewer = PackageNames::new(Ecosystem::Pypi, ["ruamel-yaml"]);
        assert!(fewer.is_within(&pypi) && !pypi.is_within(&fewer) && pypi.is_within(&pypi));
        let npm = PackageNames::new(Ecosystem::Npm, ["@Scope/Name", "left-pad"]);
        assert!(npm.contains("@scope/name") && npm.contains("left-pad"));
        assert!(!npm.contains("scope/name") && !npm.contains("left_pad") && !npm.contains("@/x"));
        let crates = PackageNames::new(Ecosystem::Crates, ["serde_json"]);
        assert!(crates.contains("serde-json") && !crates.contains("serde.json"));
        let php = PackageNames::new(Ecosystem::Packagist, ["Monolog/Monolog", "php"]);
        assert!(php.contains("monolog/monolog") && php.len() == 1);
        let net = PackageNames::new(Ecosystem::Nuget, ["Newtonsoft.Json"]);
        assert!(net.contains("newtonsoft.json") && !net.contains("newtonsoft-json"));
        let go = PackageNames::new(Ecosystem::Go, ["example.com/a/b", "nodots"]);
        assert!(go.contains("example.com/a/b") && go.len() == 1);
    }

    #[test]
    fn names_of_registries_read_back() {
        for ecosystem in Ecosystem::ALL {
            assert_eq!(Ecosystem::from_name(ecosystem.name()), Some(ecosystem));
        }
    }
}
