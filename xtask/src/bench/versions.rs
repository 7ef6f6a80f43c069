//! Versions of what is compared.

use anyhow::Result;

use crate::shell::Program;

/// Said where a version is not known.
pub(super) const UNKNOWN: &str = "of an unknown version";

/// Our own, with the commit.
pub(super) fn ours() -> String {
    let commit = first_line(Program::new("git").args(["describe", "--always", "--dirty"]).output());
    format!("Bartizan {} ({commit})", env!("CARGO_PKG_VERSION"))
}

/// First line of what a program printed.
pub(super) fn first_line(output: Result<String>) -> String {
    let output = output.unwrap_or_default();
    output.lines().next().unwrap_or(UNKNOWN).trim().to_owned()
}

/// Version of a package in a list of pinned ones.
pub(super) fn pinned<'a>(requirements: &'a str, package: &str) -> &'a str {
    let pinned = requirements.lines().filter_map(|line| line.split_once("=="));
    // Extras, as in `litellm[proxy]`, are no part of the name.
    let of = |name: &str| name.split('[').next() == Some(package);
    pinned.filter(|(name, _)| of(name)).map(|(_, version)| version.trim()).next().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_of_a_package() {
        let requirements = "# a==1\nb-c==2\nb[x]==3\n";
        assert_eq!(pinned(requirements, "b"), "3");
        assert_eq!(pinned(requirements, "b-c"), "2");
        assert_eq!(pinned(requirements, "c"), UNKNOWN);
    }
}
