//! What the terminal gets: colour or none, progress or none, and no character that would move its
//! cursor.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::IsTerminal;

use bartizan_core::Verdict;
use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Color, Style};

use crate::cli::EverywhereArgs;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Also in files and pipes
    Always,
    /// Nowhere
    Never,
}

impl ColorWhen {
    /// Whether text that goes to `stream` is coloured.
    pub(crate) fn paint(self, stream: &impl IsTerminal) -> Paint {
        Paint {
            on: match self {
                Self::Always => true,
                Self::Never => false,
                Self::Auto => stream.is_terminal() && !is_colour_unwanted(),
            },
        }
    }
}

/// `NO_COLOR` counts when it is not empty; a terminal without abilities says so in `TERM`.
fn is_colour_unwanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == OsStr::new("dumb"))
}

/// What the flags say about the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) color: ColorWhen,
    /// Whether a long scan says how far it is.
    pub(crate) progress: bool,
    /// Whether notes are left out.
    pub(crate) quiet: bool,
}

impl Terminal {
    pub(crate) fn of(args: &EverywhereArgs) -> Self {
        Self { color: args.color, progress: !args.no_progress && !args.quiet, quiet: args.quiet }
    }

    /// Colours of standard error.
    pub(crate) fn stderr(self) -> Paint {
        self.color.paint(&std::io::stderr())
    }
}

/// Colours words, or leaves them alone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(bold(AnsiColor::Red), text)
    }

    pub(crate) fn caution(self, text: &str) -> String {
        self.with(bold(AnsiColor::Yellow), text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with(bold(AnsiColor::Green), text)
    }

    pub(crate) fn hint(self, text: &str) -> String {
        self.with(bold(AnsiColor::Cyan), text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// `text`, which may be padded, in the colour of a verdict.
    pub(crate) fn verdict(self, verdict: Verdict, text: &str) -> String {
        match verdict {
            Verdict::Allow => self.good(text),
            Verdict::Flag => self.hint(text),
            Verdict::Mask => self.caution(text),
            Verdict::Block => self.bad(text),
        }
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

const fn bold(color: AnsiColor) -> Style {
    Style::new().bold().fg_color(Some(Color::Ansi(color)))
}

/// The text with everything escaped that a terminal would obey or show in another order. Line ends
/// and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || reorders(c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if obeyed(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Marks of reading direction.
const fn reorders(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_obeyed() {
        assert_eq!(printable("red\u{1b}[31m\r\n\tx\u{202e}"), "red\\u{1b}[31m\\u{d}\n\tx\\u{202e}");
        assert!(matches!(printable("plain ü\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn colour_is_put_around_a_word_and_taken_away_again() {
        let always = ColorWhen::Always.paint(&std::io::stdout());
        assert_eq!(always.bad("no"), "\u{1b}[1m\u{1b}[31mno\u{1b}[0m");
        assert_eq!(ColorWhen::Never.paint(&std::io::stdout()).bad("no"), "no");
    }
}
