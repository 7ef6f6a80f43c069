//! Findings: what a detector saw, where, and how sure it is.

use serde::{Deserialize, Serialize};

/// Half-open range of byte offsets, 0-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span of `start..end`; an inverted range becomes empty at `start`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end: if end < start { start } else { end } }
    }

    /// Length in bytes.
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether no byte is covered.
    pub const fn is_empty(self) -> bool {
        self.end == self.start
    }

    /// Whether the two spans share a byte.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The span as a range for slicing.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// Family of a finding, as policy names it in `detect:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Text that tries to replace the instructions a model was given.
    PromptInjection,
    /// Text that tries to talk a model out of its limits.
    Jailbreak,
    /// Text hidden from people or from filters.
    Disguise,
    /// Data about a person.
    Pii,
    /// Credentials and keys.
    Secret,
    /// Hateful, violent, sexual or otherwise harmful content.
    UnsafeContent,
    /// A channel through which data leaves: links, images, scripts with data in them.
    Exfiltration,
    /// Markup that a browser would execute.
    Markup,
    /// Control sequences that a terminal would execute.
    Terminal,
    /// The system prompt, or parts of it, in an answer.
    PromptLeak,
    /// Words that policy forbids.
    Keyword,
    /// Topics outside what policy allows.
    Topic,
    /// Text that exhausts tokens, time or patience.
    Flood,
    /// Text that a database, shell or template engine would run when it is pasted there.
    CodeInjection,
    /// Source code with a known weakness.
    InsecureCode,
    /// Packages that nobody listed.
    SupplyChain,
    /// Claims that the context of the request does not hold.
    Groundedness,
}

impl Category {
    /// All categories.
    pub const ALL: [Self; 17] = [
        Self::PromptInjection,
        Self::Jailbreak,
        Self::Disguise,
        Self::Pii,
        Self::Secret,
        Self::UnsafeContent,
        Self::Exfiltration,
        Self::Markup,
        Self::Terminal,
        Self::PromptLeak,
        Self::Keyword,
        Self::Topic,
        Self::Flood,
        Self::CodeInjection,
        Self::InsecureCode,
        Self::SupplyChain,
        Self::Groundedness,
    ];

    /// Name used in policy and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PromptInjection => "prompt-injection",
            Self::Jailbreak => "jailbreak",
            Self::Disguise => "disguise",
            Self::Pii => "pii",
            Self::Secret => "secret",
            Self::UnsafeContent => "unsafe-content",
            Self::Exfiltration => "exfiltration",
            Self::Markup => "markup",
            Self::Terminal => "terminal",
            Self::PromptLeak => "prompt-leak",
            Self::Keyword => "keyword",
            Self::Topic => "topic",
            Self::Flood => "flood",
            Self::CodeInjection => "code-injection",
            Self::InsecureCode => "insecure-code",
            Self::SupplyChain => "supply-chain",
            Self::Groundedness => "groundedness",
        }
    }

    /// Reads a name written by [`Category::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How bad a true finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Weak signal or small harm.
    Low,
    /// Harm under further conditions.
    Medium,
    /// Direct harm.
    High,
    /// Direct harm at scale, or loss of control.
    Critical,
}

impl Severity {
    /// Name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What had to be undone before a detector saw something.
///
/// Characters that look alike or cannot be seen are undone for every text and are not told here:
/// most of the world's scripts are written with characters that fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disguise {
    /// URL, HTML or string escapes.
    Escaped,
    /// Words with letters in disorder or left out, in pieces, glued together or backwards.
    Respelled,
    /// Separators between letters.
    Spaced,
    /// Tag characters or variation selectors that spell letters.
    Hidden,
    /// Letters moved by thirteen.
    Rot13,
    /// Hexadecimal digits.
    Hex,
    /// base64 in either alphabet.
    Base64,
}

impl Disguise {
    /// Name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Escaped => "escaped",
            Self::Respelled => "respelled",
            Self::Spaced => "spaced",
            Self::Hidden => "hidden",
            Self::Rot13 => "rot13",
            Self::Hex => "hex",
            Self::Base64 => "base64",
        }
    }
}

/// One thing a detector saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Id of the detector.
    pub rule: &'static str,
    /// Family of the detector.
    pub category: Category,
    /// How bad a true match is.
    pub severity: Severity,
    /// How sure the detector is: 0..=1, higher = surer.
    pub score: f32,
    /// Where, in bytes of the text that was inspected.
    pub span: Span,
    /// Name for placeholders, such as `EMAIL_ADDRESS`.
    pub label: &'static str,
    /// The outermost disguise; absent when the text could be read as it stood.
    pub disguise: Option<Disguise>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_names_read_back() {
        for category in Category::ALL {
            assert_eq!(Category::from_name(category.name()), Some(category));
        }
    }

    #[test]
    fn touching_spans_do_not_overlap() {
        assert!(!Span::new(0, 3).overlaps(Span::new(3, 5)));
        assert!(Span::new(0, 4).overlaps(Span::new(3, 5)));
    }
}
