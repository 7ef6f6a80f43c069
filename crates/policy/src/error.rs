//! What is wrong with a policy file, and how it is said.

use std::fmt::{self, Write as _};

use bartizan_core::error::{Class, Coded};
use bartizan_core::limits::POLICY_BYTES;

use crate::located::Place;
use crate::snippet;

/// Most problems that are reported at once.
const MOST_PROBLEMS: usize = 50;

/// A policy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file could not be read.
    #[error("cannot read the policy file `{name}`")]
    Unreadable {
        /// Path as given.
        name: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is longer than a policy may be.
    #[error("the policy file `{name}` is larger than {POLICY_BYTES} bytes")]
    TooLarge {
        /// Path as given.
        name: String,
    },
    /// The file was read and says something that cannot be enforced.
    #[error("{0}")]
    Invalid(Report),
}

impl PolicyError {
    /// The error as a terminal shows it: `error:`, the source line with a caret, `help:`; one block
    /// per problem, each line ended by a newline.
    pub fn render(&self) -> String {
        match self {
            Self::Invalid(report) => report.render(),
            Self::Unreadable { source, .. } => format!(
                "error: {self}: {source}\nhelp: check the path and its permissions, or write a \
                 new file with `bartizan init`\n"
            ),
            Self::TooLarge { .. } => format!("error: {self}\n"),
        }
    }
}

impl Coded for PolicyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "bartizan::policy::unreadable",
            Self::TooLarge { .. } => "bartizan::policy::too-large",
            Self::Invalid(_) => "bartizan::policy::invalid",
        }
    }

    fn class(&self) -> Class {
        Class::Usage
    }
}

/// Every problem found in one file, in the order of the file; at least one.
///
/// `Display` is one line for logs; [`Report::render`] is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the file.
    pub source_name: String,
    /// What is wrong, each with its place.
    pub problems: Vec<Problem>,
    /// Problems found beyond the ones listed.
    pub left_out: usize,
}

impl Report {
    /// All problems as a terminal shows them.
    pub fn render(&self) -> String {
        let mut out = String::new();
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            problem.render(&self.source_name, &mut out);
        }
        if self.left_out > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "\nerror: {} further problems are not shown", self.left_out);
        }
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.problems.first() else {
            return write!(f, "`{}` cannot be used", self.source_name);
        };
        write!(f, "{}", self.source_name)?;
        if let Some(place) = first.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        write!(f, ": {}", first.message)?;
        match self.problems.len() - 1 + self.left_out {
            0 => Ok(()),
            1 => f.write_str(" (and 1 further problem)"),
            more => write!(f, " (and {more} further problems)"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong; one line.
    pub message: String,
    /// Where, if a place in the file can be named.
    pub place: Option<Place>,
    /// What to write instead; one line.
    pub help: Option<String>,
    /// The line of the file at `place`, made safe to print: no control characters, no credential.
    pub line: Option<String>,
    /// Whether what stands at `place` may be a credential.
    is_secret: bool,
}

impl Problem {
    /// A problem without help.
    pub(crate) fn new(place: Option<Place>, message: impl AsRef<str>) -> Self {
        let message = snippet::printable(message.as_ref());
        Self { message, place, help: None, line: None, is_secret: false }
    }

    /// The same problem with what to write instead.
    #[must_use]
    pub(crate) fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Some(snippet::printable(help.as_ref()));
        self
    }

    /// The same problem, with the source text at its place kept back.
    #[must_use]
    pub(crate) fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    fn render(&self, source_name: &str, out: &mut String) {
        let _ = writeln!(out, "error: {}", self.message);
        match (self.place, &self.line) {
            (Some(place), Some(line)) => snippet::render(source_name, place, line, out),
            (Some(place), None) => {
                let _ = writeln!(out, " --> {source_name}:{}:{}", place.line, place.column);
            }
            (None, _) => {
                let _ = writeln!(out, " --> {source_name}");
            }
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, "help: {help}");
        }
    }
}

/// Collects problems while a file is compiled.
pub(crate) struct Problems<'a> {
    source_name: &'a str,
    text: &'a str,
    found: Vec<Problem>,
    left_out: usize,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(source_name: &'a str, text: &'a str) -> Self {
        Self { source_name, text, found: Vec::new(), left_out: 0 }
    }

    /// Source text that places point into.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds a problem; one that was said already (through a second alias) is not said again.
    pub(crate) fn push(&mut self, problem: Problem) {
        let said =
            |known: &Problem| known.place == problem.place && known.message == problem.message;
        if self.found.iter().any(said) {
            return;
        }
        if self.found.len() < MOST_PROBLEMS {
            self.found.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    pub(crate) fn into_report(mut self) -> Report {
        for problem in &mut self.found {
            problem.line =
                problem.place.and_then(|place| snippet::line(self.text, place, problem.is_secret));
        }
        // Problems without a place come last.
        self.found.sort_by_key(|problem| (problem.place.is_none(), problem.place));
        Report {
            source_name: snippet::printable(self.source_name),
            problems: self.found,
            left_out: self.left_out,
        }
    }
}
