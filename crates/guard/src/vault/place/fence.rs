//! Whether a place may lie in a block that clients draw instead of showing it: a diagram, a chart, a
//! page, a formula.
//!
//! In such a block a value need not stand in an address to get into one: a chart joins texts by
//! itself. Where a block ends depends on the reader, so none does.

/// What may be so at a place. The default is the beginning of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Fence {
    state: State,
    renders: bool,
    has_formula: bool,
    last: char,
}

#[derive(Debug, Clone, Default)]
enum State {
    #[default]
    No,
    /// So many marks in a row.
    Marks(u8),
    /// What stands behind them: the language of the block.
    Language(String),
}

/// Languages that clients draw.
const DRAWN: [&str; 30] = [
    "artifact",
    "bpmn",
    "chart",
    "chartjs",
    "d2",
    "dot",
    "ditaa",
    "echarts",
    "excalidraw",
    "graphviz",
    "htm",
    "html",
    "jsx",
    "katex",
    "latex",
    "markmap",
    "math",
    "mermaid",
    "mmd",
    "plantuml",
    "plotly",
    "puml",
    "svelte",
    "svg",
    "tex",
    "tsx",
    "vega",
    "vegalite",
    "vue",
    "xml",
];
/// Longest language that is told apart, in bytes.
const MAX_LANGUAGE_BYTES: usize = 12;

impl Fence {
    /// Whether a block was begun that is drawn.
    pub(super) const fn renders(&self) -> bool {
        self.renders
    }

    /// Whether a formula was begun. Those may go over blank lines.
    pub(super) const fn has_formula(&self) -> bool {
        self.has_formula
    }

    /// Moves over a character.
    pub(super) fn read(&mut self, c: char) {
        self.has_formula |= (c == '$' && self.last == '$') || (c == '[' && self.last == '\\');
        self.last = c;
        self.state = match (std::mem::take(&mut self.state), c) {
            (State::Marks(count), '`' | '~') => State::Marks(count.saturating_add(1)),
            (_, '`' | '~') => State::Marks(1),
            // Some writers put the language in braces, or behind a blank.
            (State::Marks(count), ' ' | '\t' | '{' | '.') if count >= 3 => State::Marks(count),
            (State::Marks(count), c) if count >= 3 && c.is_ascii_alphanumeric() => {
                State::Language(c.to_ascii_lowercase().to_string())
            }
            (State::Language(mut language), c)
                if language.len() < MAX_LANGUAGE_BYTES
                    && (c.is_ascii_alphanumeric() || c == '-') =>
            {
                if c != '-' {
                    language.push(c.to_ascii_lowercase());
                }
                State::Language(language)
            }
            (State::Language(language), _) => {
                self.renders |= DRAWN.contains(&language.as_str());
                State::No
            }
            _ => State::No,
        };
    }
}
