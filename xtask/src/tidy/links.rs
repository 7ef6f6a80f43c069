//! Links in the documentation lead to files that exist.

use std::path::{Component, Path, PathBuf};

/// Dead links of one Markdown file; `exists` is asked with paths relative to the root.
pub(super) fn check(name: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(&without_code(line)) {
            let dead = match resolve(name, target) {
                Some(path) => !exists(&path),
                None => true,
            };
            if dead {
                problems.push(format!("{name}:{}: dead link `{target}`", index + 1));
            }
        }
    }
    problems
}

/// The line without what stands in backticks: code is no link.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Targets of the links in a line that name files.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', ' ']).next()?;
        let target = target.split('#').next()?;
        let elsewhere =
            target.is_empty() || target.contains("://") || target.starts_with("mailto:");
        (!elsewhere).then_some(target)
    })
}

/// Path relative to the root, or none where it leaves it.
fn resolve(from: &str, target: &str) -> Option<PathBuf> {
    let mut path = match target.strip_prefix('/') {
        Some(_) => PathBuf::new(),
        None => Path::new(from).parent()?.to_owned(),
    };
    for part in Path::new(target.trim_start_matches('/')).components() {
        let inside = match part {
            Component::ParentDir => path.pop(),
            Component::Normal(part) => {
                path.push(part);
                true
            }
            _ => true,
        };
        if !inside {
            return None;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_relative_links_and_leaves_others() {
        let text = "[a](b.md#x) [c](../README.md) [d](https://x.y/z) [e](#here)\n\
                    ```\n[f](code.md)\n```\n[g](gone.md \"title\") [h](../../out.md) `[i](code.md)` [`j`](b.md)";
        let exists = |path: &Path| path == Path::new("docs/b.md") || path == Path::new("README.md");
        let problems = check("docs/a.md", text, exists);
        assert_eq!(
            problems,
            ["docs/a.md:5: dead link `gone.md`", "docs/a.md:5: dead link `../../out.md`"]
        );
    }
}
