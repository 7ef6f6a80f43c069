//! What a file may say, how it starts and how long it is.

use std::path::Path;

/// Longest source file, in lines.
const LINES: usize = 600;

/// Phrases that belong to how the project is made and not to the project. Written in two parts, so
/// that this file does not contain what it forbids.
const PHRASES: &[&str] = &[
    concat!("this ses", "sion"),
    concat!("earlier ses", "sion"),
    concat!("previous ses", "sion"),
    concat!("last ses", "sion"),
    concat!("next ses", "sion"),
    concat!("coding ses", "sion"),
    concat!("claude ", "code"),
    concat!("co-authored", "-by"),
    concat!("generated ", "with ai"),
    concat!("generated ", "by ai"),
    concat!("github cop", "ilot"),
];

/// Package registries: the project is built through Cargo's configuration and names none.
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
];

/// Starts of absolute paths of somebody's machine.
const PATHS: &[&str] = &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// How a lock file says that a dependency comes from a repository.
const GIT_SOURCE: &str = "source = \"git+";

/// Problems of one text file.
pub(super) fn check(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if Path::new(name).extension().is_some_and(|extension| extension == "rs") {
        if !text.starts_with("//!") {
            problems.push(format!("{name}: does not start with `//!`"));
        }
        let source =
            (name.starts_with("crates/") || name.starts_with("xtask/")) && name.contains("/src/");
        let lines = text.lines().count();
        if source && lines > LINES {
            problems.push(format!("{name}: {lines} lines, at most {LINES}"));
        }
    }
    if name == "Cargo.lock" || name.ends_with("/Cargo.lock") {
        // Locks name registries; what they must not name is a repository.
        let git = text.lines().filter(|line| line.starts_with(GIT_SOURCE));
        problems.extend(git.map(|line| format!("{name}: git dependency: {line}")));
        return problems;
    }
    for (index, line) in text.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        let number = index + 1;
        for phrase in PHRASES.iter().chain(HOSTS).filter(|phrase| lower.contains(**phrase)) {
            problems.push(format!("{name}:{number}: says `{phrase}`"));
        }
        for path in PATHS.iter().filter(|path| has_path(line, path)) {
            problems.push(format!("{name}:{number}: has an absolute path `{path}…`"));
        }
    }
    problems
}

/// Whether an absolute path starts so; part of a URL or of a longer path is something else.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '/' | '~'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wants_a_header_and_a_measure() {
        assert_eq!(check("crates/a/src/b.rs", "fn a() {}\n").len(), 1);
        let long = format!("//! x\n{}", "\n".repeat(600));
        assert_eq!(check("crates/a/src/b.rs", &long).len(), 1);
        assert!(check("crates/a/tests/b.rs", &long).is_empty());
        assert!(check("crates/a/src/b.rs", "//! x\n").is_empty());
    }

    #[test]
    fn finds_words_and_paths_that_belong_elsewhere() {
        let path = format!("see {}user/x", PATHS[0]);
        assert_eq!(check("README.md", &path).len(), 1);
        assert!(check("README.md", "see /homework and a/home/b").is_empty());
        assert_eq!(check("README.md", &format!("from {}", HOSTS[0])).len(), 1);
        assert_eq!(check("README.md", &PHRASES[0].to_uppercase()).len(), 1);
        assert!(check("README.md", "a TLS session").is_empty());
        assert!(check("fuzz/Cargo.lock", HOSTS[0]).is_empty());
        assert_eq!(check("Cargo.lock", &format!("{GIT_SOURCE}ssh://x\"")).len(), 1);
    }
}
