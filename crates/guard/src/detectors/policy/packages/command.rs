//! Commands that install packages, and which of their arguments name one.

use bartizan_core::Span;
use bartizan_core::packages::{Ecosystem, PackageNames};

use crate::cursor::{Cursor, before};

/// Most bytes of a command that are read.
pub(super) const MAX_BYTES: usize = 400;
/// Bytes before a command that say whether one may begin there.
pub(super) const LEAD_BYTES: usize = 32;

/// The words of a command that installs.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) words: &'static str,
    pub(super) ecosystem: Ecosystem,
    takes: Takes,
}

/// How many packages a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    All,
    /// What follows the first are arguments of the program.
    First,
}

const fn all(words: &'static str, ecosystem: Ecosystem) -> Command {
    Command { words, ecosystem, takes: Takes::All }
}

const fn first(words: &'static str, ecosystem: Ecosystem) -> Command {
    Command { words, ecosystem, takes: Takes::First }
}

pub(super) static COMMANDS: [Command; 33] = [
    all("pip install", Ecosystem::Pypi),
    all("pip3 install", Ecosystem::Pypi),
    all("pipx install", Ecosystem::Pypi),
    first("pipx run", Ecosystem::Pypi),
    all("pipenv install", Ecosystem::Pypi),
    all("poetry add", Ecosystem::Pypi),
    all("pdm add", Ecosystem::Pypi),
    all("rye add", Ecosystem::Pypi),
    all("uv add", Ecosystem::Pypi),
    all("uv tool install", Ecosystem::Pypi),
    first("uv tool run", Ecosystem::Pypi),
    first("uvx", Ecosystem::Pypi),
    all("npm install", Ecosystem::Npm),
    all("npm i", Ecosystem::Npm),
    all("npm add", Ecosystem::Npm),
    first("npm exec", Ecosystem::Npm),
    first("npx", Ecosystem::Npm),
    all("yarn add", Ecosystem::Npm),
    all("yarn global add", Ecosystem::Npm),
    first("yarn dlx", Ecosystem::Npm),
    all("pnpm add", Ecosystem::Npm),
    all("pnpm install", Ecosystem::Npm),
    all("pnpm i", Ecosystem::Npm),
    first("pnpm dlx", Ecosystem::Npm),
    all("bun add", Ecosystem::Npm),
    all("bun install", Ecosystem::Npm),
    first("bunx", Ecosystem::Npm),
    all("cargo add", Ecosystem::Crates),
    all("cargo install", Ecosystem::Crates),
    all("go get", Ecosystem::Go),
    all("go install", Ecosystem::Go),
    all("gem install", Ecosystem::Rubygems),
    all("bundle add", Ecosystem::Rubygems),
];

/// Options whose value is the next argument, of all programs together.
const WITH_VALUE: &[&[u8]] = &[
    b"-r",
    b"--requirement",
    b"-c",
    b"--constraint",
    b"-i",
    b"--index-url",
    b"--extra-index-url",
    b"-t",
    b"--target",
    b"-e",
    b"--editable",
    b"-f",
    b"--find-links",
    b"--platform",
    b"--python-version",
    b"--proxy",
    b"--trusted-host",
    b"--root",
    b"--prefix",
    b"--src",
    b"--cache-dir",
    b"--log",
    b"--timeout",
    b"--retries",
    b"--python",
    b"-p",
    b"--group",
    b"--extra",
    b"--optional",
    b"--source",
    b"--index",
    b"-s",
    b"--registry",
    b"--tag",
    b"-w",
    b"--workspace",
    b"--filter",
    b"--dir",
    b"--features",
    b"-F",
    b"--version",
    b"--vers",
    b"--rename",
    b"--package",
    b"--profile",
    b"-v",
    b"--install-dir",
    b"-modfile",
    b"--with",
    b"--from",
    b"--script",
];

/// Options that take the package from elsewhere.
const ELSEWHERE: &[&[u8]] = &[b"--git", b"--path", b"--branch", b"--rev", b"--github"];

/// Words that end a command in a sentence: no package that anybody installs is meant by them.
const SENTENCE: &[&str] = &[
    "a",
    "after",
    "again",
    "all",
    "an",
    "and",
    "any",
    "anything",
    "are",
    "as",
    "at",
    "be",
    "because",
    "before",
    "but",
    "by",
    "can",
    "command",
    "commands",
    "creates",
    "do",
    "does",
    "during",
    "each",
    "either",
    "ensure",
    "every",
    "everything",
    "fails",
    "first",
    "following",
    "for",
    "from",
    "globally",
    "has",
    "have",
    "here",
    "if",
    "in",
    "inside",
    "installs",
    "instead",
    "into",
    "is",
    "it",
    "its",
    "just",
    "locally",
    "make",
    "may",
    "must",
    "not",
    "now",
    "of",
    "on",
    "once",
    "only",
    "or",
    "please",
    "since",
    "so",
    "some",
    "step",
    "successfully",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "to",
    "until",
    "using",
    "via",
    "was",
    "we",
    "when",
    "where",
    "which",
    "while",
    "will",
    "with",
    "within",
    "without",
    "you",
    "your",
];

/// Words behind which a command may begin.
const BEFORE: [&[u8]; 8] = [b"sudo", b"RUN", b"-m", b"uv", b"time", b"exec", b"-H", b"-y"];

/// Whether a command may begin at `start`.
pub(super) fn may_begin(bytes: &[u8], start: usize) -> bool {
    let lead = before(bytes, start, LEAD_BYTES);
    let blanks = lead.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let lead = lead.get(..lead.len() - blanks).unwrap_or_default();
    let Some(last) = lead.last() else { return true };
    if b"\n\r`\"';&|($>!%#:-*".contains(last) {
        return true;
    }
    BEFORE.iter().any(|word| {
        let head = lead.len().checked_sub(word.len() + 1).and_then(|at| lead.get(at));
        lead.ends_with(word) && !head.is_some_and(u8::is_ascii_alphanumeric)
    })
}

impl Command {
    /// The arguments that name packages; the cursor stands behind the words.
    pub(super) fn packages(&self, cursor: &mut Cursor<'_>) -> Vec<Span> {
        let mut packages = Vec::new();
        let mut skips = false;
        while !cursor.run(8, |byte| matches!(byte, b' ' | b'\t')).is_empty() || continues(cursor) {
            let Some(argument) = argument(cursor) else { break };
            let (text, span) = argument;
            if std::mem::take(&mut skips) {
                continue;
            }
            if text.starts_with(b"-") {
                if ELSEWHERE.iter().any(|option| text.starts_with(option)) {
                    return Vec::new();
                }
                skips = WITH_VALUE.contains(&text);
                continue;
            }
            let word = String::from_utf8_lossy(text).to_ascii_lowercase();
            if SENTENCE.binary_search(&word.trim_end_matches(['.', ',', ':', '!', '?'])).is_ok() {
                break;
            }
            packages.push(span);
            // Behind a comma or a full stop a sentence goes on.
            if self.takes == Takes::First
                || matches!(text.last(), Some(b',' | b'.' | b':' | b'!' | b'?'))
            {
                break;
            }
        }
        packages
    }

    /// Whether an argument names a package of the registry that is not in the list.
    pub(super) fn is_unknown(&self, argument: &str, names: &PackageNames) -> bool {
        let text = argument.trim_end_matches(['.', ',', ':', '!', '?']);
        let elsewhere = text.contains("://")
            || text.starts_with(['.', '/', '~', '$', '<', '{', '%'])
            || text.starts_with("git+")
            || text.contains(['$', '{', '<', '*', '\\']);
        if elsewhere || text.is_empty() {
            return false;
        }
        match self.ecosystem {
            Ecosystem::Pypi => {
                let name = text.split(['=', '<', '>', '!', '~', ';', '@', '[', '^', ' ']).next();
                let is_file = [".whl", ".zip", ".gz", ".txt", ".toml", ".py"]
                    .iter()
                    .any(|end| text.ends_with(end));
                !is_file && !text.contains('/') && is_absent(self.ecosystem, name, names)
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
                let name = format!("{scope}{bare}");
                !is_repository
                    && !bare.contains(':')
                    && is_absent(self.ecosystem, Some(&name), names)
            }
            Ecosystem::Crates => {
                is_absent(self.ecosystem, text.split(['@', '/', '=']).next(), names)
            }
            Ecosystem::Rubygems => is_absent(self.ecosystem, text.split(':').next(), names),
            Ecosystem::Go => {
                let path = text.split('@').next().unwrap_or_default().trim_end_matches("/...");
                let is_remote = path.split_once('/').is_some_and(|(host, _)| host.contains('.'));
                // A package lies in a module, whose path is the beginning of its own.
                let mut paths = std::iter::successors(Some(path), |path| {
                    path.rsplit_once('/').map(|(head, _)| head)
                });
                is_remote
                    && self.ecosystem.normalise(path).is_some()
                    && !paths.any(|path| names.contains(path))
            }
        }
    }
}

fn is_absent(ecosystem: Ecosystem, name: Option<&str>, names: &PackageNames) -> bool {
    name.is_some_and(|name| ecosystem.normalise(name).is_some() && !names.contains(name))
}

/// Takes a line break that a backslash continues.
fn continues(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at();
    let taken = cursor.eat(b'\\') && {
        cursor.eat(b'\r');
        cursor.eat(b'\n')
    };
    if !taken {
        cursor.rewind(start);
    }
    taken
}

/// Takes an argument, without its quotes; none where the command ends.
fn argument<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], Span)> {
    while continues(cursor) {
        cursor.run(8, |byte| matches!(byte, b' ' | b'\t'));
    }
    let quote = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\''));
    if let Some(quote) = quote {
        cursor.next();
        let start = cursor.at();
        let text = cursor.run(MAX_BYTES, |byte| byte != quote && byte != b'\n');
        let span = Span::new(start, cursor.at());
        return cursor.eat(quote).then_some((text, span));
    }
    let start = cursor.at();
    let text =
        cursor.run(MAX_BYTES, |byte| byte > b' ' && byte < 0x7f && !b";|&)`\"'\\#".contains(&byte));
    (!text.is_empty()).then(|| (text, Span::new(start, cursor.at())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_sentences_are_sorted_for_the_search() {
        assert!(SENTENCE.is_sorted_by(|one, next| one < next));
    }
}
