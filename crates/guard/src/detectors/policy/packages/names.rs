//! Which package an argument names, and whether a list has it.

use bartizan_core::packages::{Ecosystem, PackageNames};

/// Ends of files that `pip` installs from.
const ARCHIVES: [&str; 7] = [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar"];

/// Whether an argument names a package of the registry that is not in the list.
pub(super) fn is_unknown(ecosystem: Ecosystem, argument: &str, names: &PackageNames) -> bool {
    // Behind a bracket, Markdown goes on with the target of a link.
    let text = argument.split("](").next().unwrap_or_default();
    let text = if text.contains('[') { text } else { text.trim_end_matches(']') };
    let text = text.trim_end_matches(['.', ',', ':', '!', '?']);
    if ecosystem != Ecosystem::Go && is_put_together(text) {
        return true;
    }
    let is_elsewhere = text.contains("://")
        || text.starts_with(['.', '/', '~', '$', '<', '{', '%', '\\'])
        || text.starts_with("git+");
    if is_elsewhere || text.is_empty() {
        return false;
    }
    let is_absent = |name: &str| ecosystem.normalise(name).is_some() && !names.contains(name);
    match ecosystem {
        // `uvx --with a,b` names two.
        Ecosystem::Pypi => text.split(',').filter(|part| begins_name(part)).any(|part| {
            let end = part.find(|c: char| "=<>!~;@[^ (".contains(c));
            let (name, rest) = part.split_at(end.unwrap_or(part.len()));
            let is_file = rest.is_empty() && (name.contains(['/', '\\']) || is_archive(name));
            !is_file && is_absent(name)
        }),
        Ecosystem::Conda => {
            let text = text.rsplit("::").next().unwrap_or_default();
            let name = text.split(['=', '<', '>', '!', '~', '[', ' ']).next().unwrap_or_default();
            let is_file =
                [".conda", ".tar.bz2", ".yml", ".yaml"].iter().any(|end| name.ends_with(end));
            !is_file && is_absent(name)
        }
        Ecosystem::Npm => {
            // `alias@npm:real@1` installs the second.
            let real = text.rsplit_once("npm:").map_or(text, |(_, real)| real);
            let (scope, rest) = match real.strip_prefix('@') {
                Some(rest) => ("@", rest),
                None => ("", real),
            };
            let bare = rest.split('@').next().unwrap_or_default();
            let is_repository = scope.is_empty() && bare.contains('/');
            let is_file = rest == bare && is_archive(bare);
            !is_repository
                && !is_file
                && !bare.contains(':')
                && is_absent(&format!("{scope}{bare}"))
        }
        Ecosystem::Crates => is_absent(text.split(['@', '=', ' ']).next().unwrap_or_default()),
        Ecosystem::Rubygems => {
            let is_file = [".gem"].iter().any(|end| text.ends_with(end));
            !is_file && is_absent(text.split([':', ' ']).next().unwrap_or_default())
        }
        Ecosystem::Packagist => {
            is_absent(text.split([':', '=', ' ', '@']).next().unwrap_or_default())
        }
        Ecosystem::Nuget => {
            let is_file = [".csproj", ".fsproj", ".vbproj", ".sln", ".config", ".nupkg"]
                .iter()
                .any(|end| text.to_ascii_lowercase().ends_with(end));
            !is_file && is_absent(text.split(['@', ':']).next().unwrap_or_default())
        }
        Ecosystem::Go => {
            let path = text.split('@').next().unwrap_or_default().trim_end_matches("/...");
            let is_remote = path.split_once('/').is_some_and(|(host, _)| host.contains('.'));
            // A package lies in a module, whose path is the beginning of its own.
            let mut paths = std::iter::successors(Some(path), |path| {
                path.rsplit_once('/').map(|(head, _)| head)
            });
            is_remote
                && ecosystem.normalise(path).is_some()
                && !paths.any(|path| names.contains(path))
        }
    }
}

/// Whether a shell makes another name of it: `requests$X-evil`, `{a,b}`.
fn is_put_together(text: &str) -> bool {
    let Some(at) = text.find(['$', '{']) else { return false };
    let (head, rest) = text.split_at(at);
    if head.is_empty() {
        return rest.starts_with('{') && rest.contains(',');
    }
    let bare = head.strip_prefix('@').unwrap_or(head);
    let in_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    // What a path or a template of a name begins with is elsewhere.
    bare.starts_with(|c: char| c.is_ascii_alphanumeric())
        && bare.chars().all(|c| in_name(c) || c == '/' && bare.len() < head.len())
}

/// Whether a name begins, and no further limit of a version.
fn begins_name(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        || part.starts_with(|c: char| c.is_ascii_digit())
            && part.contains(|c: char| c.is_ascii_alphabetic())
}

fn is_archive(name: &str) -> bool {
    ARCHIVES.iter().any(|end| name.ends_with(end))
}
