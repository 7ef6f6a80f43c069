//! Where a command begins, and which of its arguments name a package.

use bartizan_core::Span;

use super::sentence;
use super::tools::{Takes, Tool};
use crate::cursor::{Cursor, before};

/// Most bytes of a command behind which no argument begins that is read.
const ARGUMENTS_BYTES: usize = 640;
/// Longest argument that may name a package; names have 214 bytes at most, and versions stand behind them.
const ARGUMENT_BYTES: usize = 256;
/// Most bytes of a command that are read.
pub(super) const MAX_BYTES: usize = ARGUMENTS_BYTES + 2 * ARGUMENT_BYTES;
/// Bytes before a command that say whether one may begin there.
const LEAD_BYTES: usize = 256;
/// Most bytes before a name that decide about it.
pub(super) const LOOK_BEHIND: usize = ARGUMENTS_BYTES + LEAD_BYTES + 32;
/// Most blanks between two words.
const MAX_BLANKS: usize = 64;
/// Most options before the word that installs.
const MAX_GLOBAL: usize = 64;

/// Words behind which a command may begin, as shells, files of containers and people write them.
const BEFORE: [&[u8]; 35] = [
    b"sudo",
    b"doas",
    b"run",
    b"exec",
    b"time",
    b"nice",
    b"nohup",
    b"env",
    b"command",
    b"builtin",
    b"eval",
    b"xargs",
    b"then",
    b"do",
    b"else",
    b"if",
    b"while",
    b"until",
    b"and",
    b"uv",
    b"call",
    b"start",
    b"winpty",
    b"--",
    b"/c",
    b"cmd",
    b"corepack",
    b"execute",
    b"running",
    b"executing",
    b"type",
    b"enter",
    b"try",
    b"pwsh",
    b"powershell",
];
/// Those of them that people also write in sentences.
const SPOKEN: [&[u8]; 13] = [
    b"run", b"if", b"while", b"until", b"and", b"then", b"do", b"else", b"running", b"execute",
    b"type", b"enter", b"try",
];

/// Programs that run the command which stands somewhere behind them on their line.
const RUNNERS: [&[u8]; 31] = [
    b"sudo",
    b"doas",
    b"su",
    b"runuser",
    b"chroot",
    b"unshare",
    b"nsenter",
    b"docker",
    b"docker-compose",
    b"podman",
    b"nerdctl",
    b"buildah",
    b"kubectl",
    b"oc",
    b"lxc",
    b"ssh",
    b"vagrant",
    b"wsl",
    b"timeout",
    b"nice",
    b"ionice",
    b"flock",
    b"taskset",
    b"stdbuf",
    b"setsid",
    b"strace",
    b"watch",
    b"conda",
    b"mamba",
    b"micromamba",
    b"heroku",
];

/// What stands before a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// A shell reads it: no sentence goes on in it.
    Shell,
    /// It may stand in a sentence.
    Text,
}

/// What stands before `start`; none where no command may begin.
pub(super) fn setting(bytes: &[u8], start: usize) -> Option<Setting> {
    let lead = before(bytes, start, LEAD_BYTES);
    if lead.ends_with(b"/") || lead.ends_with(b"\\") {
        // The path of the program.
        return Some(Setting::Text);
    }
    let blanks = lead.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let near = lead.get(..lead.len() - blanks).unwrap_or_default();
    let Some(last) = near.last() else { return Some(Setting::Text) };
    match last {
        b'`' | b'"' | b'\'' | b';' | b'&' | b'|' | b'$' | b'!' | b'%' | b'@' => {
            return Some(Setting::Shell);
        }
        b'\n' | b'\r' => {
            return Some(if opens_code(near) { Setting::Shell } else { Setting::Text });
        }
        // Beyond ASCII: scripts without blanks between words, and signs of prompts.
        b'('
        | b'>'
        | b'#'
        | b':'
        | b'-'
        | b'*'
        | b'_'
        | b'{'
        | b'['
        | b']'
        | b'+'
        | b'='
        | 0x80.. => {
            return Some(Setting::Text);
        }
        _ => {}
    }
    let from = near.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1);
    let word = near.get(from..).unwrap_or_default();
    // `1.` and `a)` of lists.
    if let Some((b'.' | b')', number)) = word.split_last()
        && (1..=3).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
    {
        return Some(Setting::Text);
    }
    // Options of what runs it, and variables that it gets.
    if word.starts_with(b"-") || is_assignment(word) {
        return Some(Setting::Shell);
    }
    let word = word.rsplit(|byte| b"`\"'(;&|$@!:>".contains(byte)).next().unwrap_or_default();
    let is = |known: &&&[u8]| word.eq_ignore_ascii_case(known);
    if !BEFORE.iter().any(|known| is(&known)) {
        return has_runner(near, lead.len() == LEAD_BYTES).then_some(Setting::Text);
    }
    let is_spoken = word != b"RUN" && SPOKEN.iter().any(|known| is(&known));
    Some(if is_spoken { Setting::Text } else { Setting::Shell })
}

/// Whether the line or span of code begins with a program that runs others.
fn has_runner(near: &[u8], is_cut: bool) -> bool {
    let ends = |byte: &u8| b"\n\r`\"';&|($".contains(byte);
    let from = match near.iter().rposition(ends) {
        Some(at) => at + 1,
        None if is_cut => return false,
        None => 0,
    };
    let line = near.get(from..).unwrap_or_default();
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_prompt = |word: &&[u8]| {
        matches!(*word, b"#" | b">" | b"-" | b"*" | b"RUN" | b"%" | b"!") || is_assignment(word)
    };
    let first = words.find(|word| !is_prompt(word)).unwrap_or_default();
    RUNNERS.contains(&first)
}

/// Whether the line before is the beginning of a block of code.
fn opens_code(lead: &[u8]) -> bool {
    let line = lead.trim_ascii_end();
    let line = line.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
    line.starts_with(b"```") || line.starts_with(b"~~~") || line.starts_with(b"#!")
}

fn is_assignment(word: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'=', word) else { return false };
    let name = word.get(..at).unwrap_or_default();
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// An argument that names a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// The argument, as the program gets it.
    pub(super) text: String,
    pub(super) span: Span,
}

/// The member of a project that a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    None,
    /// One was named, and the command is still to come.
    Named,
    /// It stood within the command, which takes this.
    Takes(Takes),
}

impl Tool {
    /// The arguments that name packages; the cursor stands behind the name of the program.
    pub(super) fn packages(&self, cursor: &mut Cursor<'_>, setting: Setting) -> Vec<Package> {
        let begin = cursor.at();
        // `pip3.11`, `npm.cmd`.
        if self.name == "pip" {
            cursor.run(2, |byte| byte.is_ascii_digit());
            let end = cursor.at();
            if !cursor.eat(b'.') || cursor.run(3, |byte| byte.is_ascii_digit()).is_empty() {
                cursor.rewind(end);
            }
        }
        let end = cursor.at();
        if !(cursor.eat_word(".exe") || cursor.eat_word(".cmd")) {
            cursor.rewind(end);
        }
        let Some((words, takes)) = self.command(cursor) else { return Vec::new() };
        let mut reader =
            Arguments { tool: self, words, takes, setting, begin, packages: Vec::new() };
        if reader.read(cursor) { reader.packages } else { Vec::new() }
    }

    /// Takes the words behind the name of the program; what they are, and what they take.
    fn command(&self, cursor: &mut Cursor<'_>) -> Option<(&'static str, Takes)> {
        let begin = cursor.at();
        for _ in 0..MAX_GLOBAL {
            let at = cursor.at();
            let found = self.commands.iter().rev().filter(|(words, _)| !words.is_empty()).find(
                |(words, _)| {
                    let is_there = eat_words(cursor, words);
                    if !is_there {
                        cursor.rewind(at);
                    }
                    is_there
                },
            );
            if let Some(found) = found {
                return Some(*found);
            }
            // An option of the program itself, or a toolchain, and what it goes with.
            if blanks(cursor) == 0 {
                break;
            }
            let is_option = cursor.peek().is_some_and(|byte| matches!(byte, b'-' | b'+'));
            match self.member(cursor) {
                Member::Named => continue,
                Member::Takes(takes) => return Some(("", takes)),
                Member::None => {}
            }
            if !is_option {
                break;
            }
            let Some(option) = argument(cursor) else { break };
            if self.with_value.contains(&option.text.as_str()) {
                blanks(cursor);
                argument(cursor)?;
            }
        }
        let alone = self.commands.iter().find(|(words, _)| words.is_empty())?;
        cursor.rewind(begin);
        Some(*alone)
    }

    /// Takes the member of a project that a command is for: `yarn workspace NAME` and, with what the command
    /// takes, `dotnet add PROJECT package`.
    fn member(&self, cursor: &mut Cursor<'_>) -> Member {
        let at = cursor.at();
        let (word, found) = match self.name {
            "yarn" => ("workspace", Member::Named),
            "dotnet" => ("add", Member::Takes(Takes::First)),
            _ => return Member::None,
        };
        let is_there = cursor.eat_word(word)
            && blanks(cursor) > 0
            && argument(cursor).is_some()
            && (found == Member::Named || eat_words(cursor, "package"));
        if is_there {
            return found;
        }
        cursor.rewind(at);
        Member::None
    }
}

/// Takes words with blanks before each, and a blank or the end of the command behind them.
fn eat_words(cursor: &mut Cursor<'_>, words: &str) -> bool {
    for word in words.split(' ') {
        if blanks(cursor) == 0 || !cursor.eat_word(word) {
            return false;
        }
    }
    !cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_.=/@".contains(&byte))
}

/// Takes blanks, and line breaks that are continued.
fn blanks(cursor: &mut Cursor<'_>) -> usize {
    let begin = cursor.at();
    for _ in 0..8 {
        cursor.run(MAX_BLANKS, |byte| matches!(byte, b' ' | b'\t'));
        if !continues(cursor) {
            break;
        }
    }
    cursor.at() - begin
}

/// Takes a line break that shells do not end a command at.
fn continues(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at();
    let taken = cursor.eat_if(|byte| matches!(byte, b'\\' | b'`' | b'^')) && {
        cursor.eat(b'\r');
        cursor.eat(b'\n')
    };
    if !taken {
        cursor.rewind(start);
    }
    taken
}

/// Reads the arguments of a command.
struct Arguments<'t> {
    tool: &'t Tool,
    /// The command.
    words: &'static str,
    takes: Takes,
    setting: Setting,
    /// Place behind the name of the program.
    begin: usize,
    packages: Vec<Package>,
}

impl Arguments<'_> {
    /// Reads to the end of the command; false where the packages come from elsewhere.
    fn read(&mut self, cursor: &mut Cursor<'_>) -> bool {
        let mut options_end = false;
        while blanks(cursor) > 0 {
            let Some(argument) = self.next(cursor) else { break };
            let text = argument.text.as_str();
            if !options_end && text.starts_with('-') && text.len() > 1 {
                if text == "--" {
                    options_end = true;
                    continue;
                }
                let (option, value) = match text.split_once('=') {
                    Some((option, value)) => (option, Some(value)),
                    None => (text, None),
                };
                let is = |list: &[&str]| list.contains(&option);
                if is(self.tool.elsewhere) {
                    return false;
                }
                let names = is(self.tool.beside) || is(self.tool.instead);
                if is(self.tool.instead) && self.takes == Takes::First {
                    self.takes = Takes::Options;
                }
                match value {
                    Some(value) if names => {
                        let from = argument.span.end - value.len().min(argument.span.len());
                        let span = Span::new(from, argument.span.end);
                        self.packages.push(Package { text: value.to_owned(), span });
                    }
                    None if names || self.takes_value(option) => {
                        if blanks(cursor) == 0 {
                            break;
                        }
                        let Some(value) = self.next(cursor) else { break };
                        if names {
                            self.packages.push(value);
                        }
                    }
                    Some(_) | None => {}
                }
                continue;
            }
            if self.takes == Takes::Options {
                break;
            }
            let in_sentence = self.setting == Setting::Text;
            if in_sentence && sentence::goes_on(&text.to_ascii_lowercase()) {
                break;
            }
            // Behind a comma or a full stop a sentence goes on.
            let ends = in_sentence && text.ends_with([',', '.', ':', '!', '?']);
            self.packages.push(self.created(argument));
            if ends || self.takes != Takes::All {
                break;
            }
        }
        true
    }

    /// Whether the value of an option is the next argument. Options of Windows are written in any case.
    fn takes_value(&self, option: &str) -> bool {
        let lower = option.to_ascii_lowercase();
        let is_windows = matches!(self.tool.name, "nuget" | "install-package");
        let here = self.tool.with_value_for.filter(|(words, _)| *words == self.words);
        here.is_some_and(|(_, options)| options.contains(&option))
            || self.tool.with_value.contains(&if is_windows { lower.as_str() } else { option })
    }

    fn created(&self, argument: Package) -> Package {
        if self.takes != Takes::Create {
            return argument;
        }
        let (name, version) = match argument.text.rfind('@').filter(|at| *at > 0) {
            Some(at) => argument.text.split_at(at),
            None => (argument.text.as_str(), ""),
        };
        let text =
            match name.strip_prefix('@').map(|name| name.split_once('/').unwrap_or((name, ""))) {
                Some((scope, "")) => format!("@{scope}/create{version}"),
                Some((scope, name)) => format!("@{scope}/create-{name}{version}"),
                None => format!("create-{name}{version}"),
            };
        Package { text, span: argument.span }
    }

    /// The next argument; none where the command ends, and where what begins is read no more.
    fn next(&self, cursor: &mut Cursor<'_>) -> Option<Package> {
        if cursor.at() - self.begin >= ARGUMENTS_BYTES {
            return None;
        }
        argument(cursor)
    }
}

/// Takes an argument as a shell puts it together; none where the command ends, and for one that is longer than
/// any name.
fn argument(cursor: &mut Cursor<'_>) -> Option<Package> {
    let begin = cursor.at();
    let mut text = Vec::new();
    let mut span: Option<Span> = None;
    loop {
        let from = cursor.at();
        if from - begin > ARGUMENT_BYTES {
            return None;
        }
        let run = cursor.run(ARGUMENT_BYTES + 1, |byte| {
            byte > b' ' && byte < 0x7f && !b";|&)`\"'\\#".contains(&byte)
        });
        if run.is_empty() {
            match quoted(cursor, span.is_none()) {
                Some((piece, inside)) => {
                    text.extend_from_slice(piece);
                    span = Some(span.map_or(inside, |span| Span::new(span.start, cursor.at())));
                }
                None if text.is_empty() => return None,
                None => break,
            }
        } else {
            text.extend_from_slice(run);
            let end = cursor.at();
            span = Some(span.map_or(Span::new(from, end), |span| Span::new(span.start, end)));
        }
    }
    let text = String::from_utf8(text).ok()?;
    (text.len() <= ARGUMENT_BYTES).then_some(Package { text, span: span? })
}

/// Takes what stands between quotes, or a sign behind a backslash. `is_first` where it begins the argument:
/// otherwise a quote may be the end of a string that the whole command stands in.
fn quoted<'a>(cursor: &mut Cursor<'a>, is_first: bool) -> Option<(&'a [u8], Span)> {
    let begin = cursor.at();
    let escaped = cursor.eat(b'\\');
    let Some(quote) = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\'')) else {
        // In names, only signs have a backslash before them.
        let from = cursor.at();
        // A letter that no escape of a string begins with is the letter itself.
        let is_plain = |byte: u8| {
            b"-_.<>=~!*[]@".contains(&byte)
                || byte.is_ascii_alphabetic() && !b"abfnrtuvxABFNRTUVX".contains(&byte)
        };
        if escaped && cursor.eat_if(is_plain) {
            return Some((cursor.since(from), Span::new(begin, cursor.at())));
        }
        cursor.rewind(begin);
        return None;
    };
    cursor.next();
    let start = cursor.at();
    let text = cursor.run(ARGUMENT_BYTES, |byte| byte != quote && byte >= b' ');
    let inside = if escaped { text.strip_suffix(b"\\").unwrap_or(text) } else { text };
    let is_piece = inside.iter().enumerate().all(|(at, byte)| {
        byte.is_ascii_alphanumeric()
            || b"-_.[<>=~!@".contains(byte)
            || at > 0 && b"]*^/,".contains(byte)
    });
    let span = Span::new(start, start + inside.len());
    // Nothing between quotes joins what stands on both sides.
    let joins = |cursor: &mut Cursor<'_>| {
        cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let is_whole =
        cursor.eat(quote) && (is_first || is_piece && (!inside.is_empty() || joins(cursor)));
    if !is_whole {
        cursor.rewind(begin);
        return None;
    }
    Some((inside, span))
}
