//! Masking: which stretches of a text are replaced, by which operator, and how that fits into JSON.

use bartizan_core::{Action, Finding, Mode, Span};
use smallvec::SmallVec;
use zeroize::Zeroizing;

use super::fit::{self, Pieces};
use super::judge::Window;
use super::{Guard, Rail};
use crate::detector::Seen;
use crate::operators::Ready;
use crate::report::Edit;
use crate::session::Session;
use crate::vault::Place;

/// A stretch that will be replaced.
pub(super) struct Component<'g> {
    pub(super) span: Span,
    /// What of it is replaced.
    pieces: Pieces,
    label: &'static str,
    rank: Rank,
    /// What writes in its place: of all that are asked to, the one that shows the least.
    operator: &'g Ready,
    restorable: bool,
}

impl Component<'_> {
    /// Whether what is taken out, or put in, may tell readers where a link, tag or quote begins or ends.
    pub(super) fn has_structure(&self, text: &str) -> bool {
        let structure = |byte: u8| b"()[]<>{}\"'`\\".contains(&byte);
        text.get(self.span.range()).unwrap_or_default().bytes().any(structure)
            || self.operator.writes_structure()
    }
}

/// How well a label names a stretch: the surer finding, then the label that says more, then the
/// longer finding.
#[derive(PartialEq)]
struct Rank {
    score: f32,
    precision: Precision,
    len: usize,
}

impl Rank {
    fn of(finding: &Finding) -> Self {
        let (score, len) = (finding.score, finding.span.len());
        Self { score, precision: Precision::of(finding.label), len }
    }

    fn beats(&self, other: &Self) -> bool {
        let by_score = self.score.total_cmp(&other.score);
        by_score.then((self.precision, self.len).cmp(&(other.precision, other.len))).is_gt()
    }
}

/// How much a label says about a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    /// The stretch is removed.
    Nothing,
    /// What is done about it, or who asked.
    Family,
    /// What it is.
    Kind,
}

impl Precision {
    fn of(label: &str) -> Self {
        match label {
            "" => Self::Nothing,
            "KEYWORD" | "PATTERN" | "SECRET" | "PASSWORD" | "LINK" | "HTML" => Self::Family,
            _ => Self::Kind,
        }
    }
}

impl Guard {
    /// Stretches to mask. Findings that overlap become one, named after the best of them, and put
    /// back only if every guardrail that masks a part of it puts values back. Of the operators of all
    /// these the one that shows the least writes.
    pub(super) fn components<'g>(
        &'g self,
        window: &Window<'_>,
        session: &Session,
        findings: &[Seen],
    ) -> Vec<Component<'g>> {
        let mut components: Vec<Component<'g>> = Vec::new();
        for seen in findings {
            let finding = &seen.finding;
            let masks: SmallVec<[&Rail; 4]> = self
                .rails_for(window, session, seen)
                .filter(|(_, exception)| exception.is_none())
                .map(|(rail, _)| rail)
                .filter(|rail| rail.action == Action::Mask && rail.mode == Mode::Enforce)
                .collect();
            let operators = masks.iter().map(|rail| rail.operators.of(seen.detector));
            let Some(operator) = operators.min_by_key(|operator| operator.rank()) else { continue };
            if finding.span.is_empty() {
                continue;
            }
            let restorable = masks.iter().all(|rail| rail.restore);
            let rank = Rank::of(finding);
            match components.last_mut() {
                Some(last) if finding.span.start < last.span.end => {
                    last.span.end = last.span.end.max(finding.span.end);
                    last.restorable &= restorable;
                    if operator.rank() < last.operator.rank() {
                        last.operator = operator;
                    }
                    if rank.beats(&last.rank) {
                        last.label = finding.label;
                        last.rank = rank;
                    }
                }
                _ => components.push(Component {
                    span: finding.span,
                    pieces: Pieces::new(),
                    label: finding.label,
                    rank,
                    operator,
                    restorable,
                }),
            }
        }
        components
    }
}

/// Fits the components into the texts of a window; drops those that hold nothing that can be
/// replaced. The result is the first byte whose fitting more text could change.
pub(super) fn fit_all(components: &mut Vec<Component<'_>>, window: &Window<'_>) -> usize {
    let start = Place::start(window.channel);
    let mut open = window.text.len();
    if window.texts.is_empty() {
        let before = window.before.first().unwrap_or(&start);
        let spans: Vec<Span> = components.iter().map(|part| part.span).collect();
        let (fitted, undecided) = fit::fit(window.text, before, &spans, window.complete);
        open = undecided;
        for (part, pieces) in components.iter_mut().zip(fitted) {
            part.pieces = pieces;
        }
    } else {
        for (index, text) in window.texts.iter().enumerate() {
            let before = window.before.get(index).unwrap_or(&start);
            if before.json().may_be_json() {
                fit_in(components, *text, before, window);
            }
        }
        for part in components.iter_mut().filter(|part| part.pieces.is_empty()) {
            part.pieces = fit::whole(part.span);
        }
    }
    components.retain_mut(|part| {
        let ends = part.pieces.first().zip(part.pieces.last());
        let hull = ends.map(|(first, last)| Span::new(first.span.start, last.span.end));
        part.span = hull.unwrap_or(part.span);
        hull.is_some()
    });
    open
}

/// Fits the components that lie in one of several texts.
fn fit_in(components: &mut [Component<'_>], text: Span, before: &Place, window: &Window<'_>) {
    let first = components.partition_point(|part| part.span.start < text.start);
    let after = components.partition_point(|part| part.span.end <= text.end);
    let Some(within) = components.get_mut(first..after) else { return };
    let spans: Vec<Span> = within
        .iter()
        .map(|part| Span::new(part.span.start - text.start, part.span.end - text.start))
        .collect();
    let (fitted, _) =
        fit::fit(window.text.get(text.range()).unwrap_or_default(), before, &spans, true);
    for (part, mut pieces) in within.iter_mut().zip(fitted) {
        for piece in &mut pieces {
            piece.span = Span::new(piece.span.start + text.start, piece.span.end + text.start);
        }
        part.pieces = pieces;
    }
}

/// Whether a stretch shares a byte with one of the components, which are sorted and apart.
pub(super) fn overlaps_any(components: &[Component<'_>], span: Span) -> bool {
    let next = components.partition_point(|part| part.span.end <= span.start);
    components.get(next).is_some_and(|part| part.span.overlaps(span))
}

/// The edits that mask a component: its first piece becomes what the operator writes, the others go.
pub(super) fn mask(
    window: &Window<'_>,
    part: &Component<'_>,
    answers: bool,
    session: &Session,
) -> Vec<Edit> {
    let bytes = |span: Span| window.text.get(span.range()).unwrap_or_default();
    let value: String = part.pieces.iter().map(|piece| piece.value(bytes(piece.span))).collect();
    let value = Zeroizing::new(value);
    let mut vault = session.vault();
    if answers && vault.is_restorable(part.label, &value) {
        // The caller sent this value; it would be put back at once.
        return Vec::new();
    }
    let restorable = part.restorable && !answers;
    let alike = part.operator.writes_alike(part.label, &value);
    let in_name = part.pieces.first().is_some_and(|piece| piece.in_name);
    let written = if in_name && alike {
        // Two members of one name would be one, and readers differ in which.
        vault.placeholder(part.label, &value, false)
    } else {
        let Some(written) = part.operator.write(part.label, &value, restorable, &mut vault) else {
            // It is what the operator would write.
            return Vec::new();
        };
        written
    };
    let texts = std::iter::once(written.as_str()).chain(std::iter::repeat(""));
    part.pieces
        .iter()
        .zip(texts)
        .map(|(piece, text)| Edit {
            span: piece.span,
            text: piece.replacement(text),
            restores: false,
            alike: alike.then_some(part.label),
        })
        .collect()
}
