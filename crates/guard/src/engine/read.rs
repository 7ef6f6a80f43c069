//! Reading: every view of a window is shown to every detector that wants it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bartizan_core::{NotEvaluated, Span};

use super::judge::Window;
use super::literals::LiteralSet;
use super::{Guard, Member, Plan, Source};
use crate::detector::{Findings, Hit, Reads, Seen};
use crate::refine::Refined;
use crate::session::Session;
use crate::text::encoded::decode_runs;
use crate::text::respell::respell;
use crate::text::unescape::ESCAPE_ROUNDS;
use crate::text::{
    Encoding, Offsets, Place, View, ViewKind, fold, fold_apart, hidden, squeeze, unescape,
};

/// How often decoded text is decoded again.
const MAX_DEPTH: usize = 2;

/// Most findings of one detector in one view of a text that is never streamed, where those that adjoin
/// count as one. More is a text made to use up memory: the detector counts as failed. Windows of a stream are too short for so many,
/// so that on channels that stream nothing may depend on it.
const MAX_FINDINGS: usize = 100_000;

/// What the detectors saw in a window.
pub(super) struct Reading {
    pub(super) findings: Vec<Seen>,
    /// First byte of the window that more text could change.
    pub(super) undecided: usize,
    /// Detectors that failed, by index.
    pub(super) failed: Vec<usize>,
    /// Scores that a model of the policy gave.
    pub(super) refined: Vec<Refined>,
    /// What detectors wanted to judge and could not, by index.
    pub(super) unjudged: Vec<(usize, NotEvaluated)>,
}

impl Reading {
    /// Of a text of so many bytes that nobody has read.
    pub(super) const fn nothing(bytes: usize) -> Self {
        Self {
            findings: Vec::new(),
            undecided: bytes,
            failed: Vec::new(),
            refined: Vec::new(),
            unjudged: Vec::new(),
        }
    }
}

/// One text on its way through the views.
struct Layer<'a> {
    text: &'a str,
    /// From the text to the window.
    offsets: Offsets,
    complete: bool,
    run_before: usize,
    /// The outermost encoding under which the text stood.
    encoding: Option<Encoding>,
    depth: usize,
}

struct Reader<'a> {
    guard: &'a Guard,
    plan: &'a Plan,
    window: &'a Window<'a>,
    session: &'a Session,
    reading: Reading,
}

impl Guard {
    pub(super) fn read(&self, plan: &Plan, window: &Window<'_>, session: &Session) -> Reading {
        let reading = Reading::nothing(window.text.len());
        let mut reader = Reader { guard: self, plan, window, session, reading };
        let layer = Layer {
            text: window.text,
            offsets: Offsets::Shifted(0),
            complete: window.complete,
            run_before: window.run_before,
            encoding: None,
            depth: 0,
        };
        reader.show(ViewKind::Raw, window.text, &layer.offsets, &layer);
        reader.read(&layer);
        let mut reading = reader.reading;
        let key = |seen: &Seen| (seen.finding.span, seen.detector, seen.finding.label);
        // What several views show is told once: as sure as the surest says, and as plain as can be.
        reading.findings.sort_by(|a, b| {
            let by_score = b.finding.score.total_cmp(&a.finding.score);
            key(a).cmp(&key(b)).then(by_score).then(a.finding.disguise.cmp(&b.finding.disguise))
        });
        reading.findings.dedup_by(|b, a| key(a) == key(b));
        reading
    }
}

impl Guard {
    /// Shows the turns of a conversation once, as they came: each has been read in every view by itself.
    pub(super) fn read_conversation(&self, window: &Window<'_>, session: &Session) -> Reading {
        let reading = Reading::nothing(window.text.len());
        let mut reader = Reader { guard: self, plan: &self.conversation, window, session, reading };
        let layer = Layer {
            text: window.text,
            offsets: Offsets::Shifted(0),
            complete: true,
            run_before: 0,
            encoding: None,
            depth: 0,
        };
        reader.show(ViewKind::Raw, window.text, &layer.offsets, &layer);
        reader.reading
    }
}

impl<'a> Reader<'a> {
    fn read(&mut self, layer: &Layer<'_>) {
        let (folded, offsets) = fold(layer.text);
        let offsets = layer.offsets.compose(offsets);
        let view = View::new(ViewKind::Folded, &folded, &offsets, self.place(layer));
        let rotate = match layer.depth {
            0 => self.show_view(&view.folded_from(layer.text)),
            // What was encoded has no raw view.
            _ => self.show_view(&view),
        };

        if let Some(hidden) = hidden(layer.text) {
            let offsets = layer.offsets.compose(hidden.offsets);
            self.show(ViewKind::Hidden, &hidden.text, &offsets, layer);
        }

        if let Some((apart, inner)) = fold_apart(layer.text) {
            let offsets = layer.offsets.compose(inner);
            self.show(ViewKind::Apart, &apart, &offsets, layer);
        }

        self.read_escaped(&folded, &offsets, layer, ESCAPE_ROUNDS);

        let (squeezed, open) = squeeze(&folded, layer.complete);
        self.undecided(layer, &offsets, open);
        if let Some(squeezed) = squeezed {
            let offsets = offsets.compose(squeezed.offsets.clone());
            let view = View::new(ViewKind::Squeezed, &squeezed.text, &offsets, self.place(layer));
            self.show_view(&view.squeezed_by(&squeezed.offsets));
        }

        if rotate && !self.plan.rot13.is_empty() {
            self.show(ViewKind::Rot13, &rot13(&folded), &offsets, layer);
        }

        if self.plan.respells
            && !self.window.may_stream()
            && let Some(respelled) = respell(&folded)
        {
            let inner = offsets.compose(respelled.offsets);
            self.show(ViewKind::Respelled, &respelled.text, &inner, layer);
            if let Some(backwards) = respelled.backwards {
                let whole = offsets.compose(Offsets::Whole(Span::new(0, folded.len())));
                self.show(ViewKind::Respelled, &backwards, &whole, layer);
            }
        }

        let (decoded, open) = decode_runs(&folded, layer.run_before, layer.complete);
        self.undecided(layer, &offsets, open);
        if layer.depth < MAX_DEPTH {
            for block in decoded {
                let source = offsets.to_source(block.span.start, block.span.end);
                self.read(&Layer {
                    text: &block.text,
                    offsets: Offsets::Whole(source),
                    complete: true,
                    run_before: 0,
                    encoding: layer.encoding.or(Some(block.encoding)),
                    depth: layer.depth + 1,
                });
            }
        }
    }

    /// Shows what the escapes of a folded text stand for, and then what escapes these stand for.
    fn read_escaped(&mut self, text: &str, offsets: &Offsets, layer: &Layer<'_>, rounds: usize) {
        let (unescaped, open) = unescape(text, layer.complete);
        self.undecided(layer, offsets, open);
        let Some(unescaped) = unescaped else { return };
        // Escapes may stand for characters that look alike or cannot be seen.
        let (text, inner) = fold(&unescaped.text);
        let offsets = offsets.compose(unescaped.offsets).compose(inner);
        self.show(ViewKind::Unescaped, &text, &offsets, layer);
        if rounds > 1 {
            self.read_escaped(&text, &offsets, layer, rounds - 1);
        }
    }

    /// Notes that the reading of `layer` may change from byte `at` of its folded text on.
    fn undecided(&mut self, layer: &Layer<'_>, offsets: &Offsets, at: usize) {
        if !layer.complete {
            self.reading.undecided = self.reading.undecided.min(offsets.start_of(at));
        }
    }

    fn place(&self, layer: &Layer<'_>) -> Place<'a> {
        self.window.place(layer.complete, layer.encoding, self.session)
    }

    /// Shows a view to the detectors; true when the view holds a literal in rot13.
    fn show(&mut self, kind: ViewKind, text: &str, offsets: &Offsets, layer: &Layer<'_>) -> bool {
        self.show_view(&View::new(kind, text, offsets, self.place(layer)))
    }

    fn show_view(&mut self, view: &View<'_>) -> bool {
        let kind = view.kind();
        let set = match kind {
            ViewKind::Raw => &LiteralSet::default(),
            ViewKind::Rot13 => &self.plan.rot13,
            _ => &self.plan.literals,
        };
        let scan = set.scan(view.text(), view.is_complete());
        if let Some(cut) = scan.cut_at_end {
            self.reading.undecided = self.reading.undecided.min(view.start_in_source(cut));
        }
        for member in self.plan.always.iter().filter(|member| wants(member.reads, kind)) {
            self.ask(*member, view, &[]);
        }
        if scan.has_hits() {
            let mut own: Vec<Hit> = Vec::new();
            let mut next = 0;
            for member in self.plan.on_hit.iter().filter(|member| wants(member.reads, kind)) {
                scan.take(member.slot, &mut next, &mut own);
                if !own.is_empty() {
                    self.ask(*member, view, &own);
                }
            }
        }
        self.ask_about_shapes(view);
        scan.other_view
    }

    /// Shows a view to the detectors of which something in it fits a shape.
    fn ask_about_shapes(&mut self, view: &View<'_>) {
        if view.kind() == ViewKind::Raw || self.plan.on_shape.is_empty() {
            return;
        }
        let scan = self.plan.shapes.scan(view);
        if let Some(open) = scan.open {
            self.reading.undecided = self.reading.undecided.min(view.start_in_source(open));
        }
        let mut rest = scan.hits.as_slice();
        for member in &self.plan.on_shape {
            let own = rest.iter().take_while(|(slot, _)| *slot == member.slot).count();
            let Some((own, other)) = rest.split_at_checked(own) else { break };
            rest = other;
            if !own.is_empty() && wants(member.reads, view.kind()) {
                let own: Vec<Hit> = own.iter().map(|(_, hit)| *hit).collect();
                self.ask(*member, view, &own);
            }
        }
    }

    /// Shows a view to one detector.
    fn ask(&mut self, member: Member, view: &View<'_>, own: &[Hit]) {
        let Some(detector) = self.guard.detectors.get(member.index).map(Source::get) else {
            return;
        };
        let before = self.reading.findings.len();
        let mut findings =
            Findings::new(view, detector.meta(), member.index, &mut self.reading.findings);
        // A detector that fails must be told apart from one that finds nothing, and must not
        // take the request of its neighbours down with it.
        let ran = catch_unwind(AssertUnwindSafe(|| {
            detector.inspect(view, own, &mut findings);
            (findings.undecided_source(), findings.take_notes())
        }));
        let mut found = self.reading.findings.len() - before;
        if ran.is_ok() && found > MAX_FINDINGS && !self.window.may_stream() {
            let own = self.reading.findings.split_off(before);
            self.reading.findings.extend(joined(own, self.window.text));
            found = self.reading.findings.len() - before;
        }
        if let Ok((undecided, notes)) = ran
            && (found <= MAX_FINDINGS || self.window.may_stream())
        {
            self.reading.undecided = self.reading.undecided.min(undecided.unwrap_or(usize::MAX));
            self.reading.refined.extend(notes.refined);
            let unjudged = notes.unjudged.into_iter().map(|reason| (member.index, reason));
            self.reading.unjudged.extend(unjudged);
        } else {
            self.reading.findings.truncate(before);
            self.reading.failed.push(member.index);
        }
    }
}

/// Findings of one detector with those joined that say the same of stretches between which nothing stands but
/// a blank or a comma. A long list is masked as one and not given up.
fn joined(mut found: Vec<Seen>, text: &str) -> Vec<Seen> {
    let kind = |seen: &Seen| (seen.finding.label, seen.finding.disguise);
    found.sort_by(|a, b| {
        let (one, other) = (a.finding.span, b.finding.span);
        kind(a).cmp(&kind(b)).then(one.start.cmp(&other.start)).then(one.end.cmp(&other.end))
    });
    let adjoins = |end: usize, start: usize| {
        let between = text.get(end..start).unwrap_or_default();
        start <= end
            || (1..=2).contains(&between.len()) && between.trim_matches([' ', ',']).is_empty()
    };
    found.dedup_by(|next, last| {
        let joins =
            kind(next) == kind(last) && adjoins(last.finding.span.end, next.finding.span.start);
        if joins {
            let (one, other) = (last.finding.span, next.finding.span);
            last.finding.span = Span::new(one.start, one.end.max(other.end));
            last.finding.score = last.finding.score.max(next.finding.score);
        }
        joins
    });
    found
}

pub(super) fn wants(reads: Reads, kind: ViewKind) -> bool {
    match kind {
        ViewKind::Raw => {
            matches!(reads, Reads::Raw | Reads::Everything | Reads::EverythingAndRespelled)
        }
        ViewKind::Folded => reads != Reads::Raw,
        ViewKind::Rot13 => reads == Reads::TextAndRot13,
        ViewKind::Respelled => {
            matches!(reads, Reads::TextAndRespelled | Reads::EverythingAndRespelled)
        }
        _ => !matches!(reads, Reads::Raw | Reads::Folded),
    }
}

pub(super) fn rot13(text: &str) -> String {
    let turn = |c: char, first: u8| ((c as u8 - first + 13) % 26 + first) as char;
    text.chars()
        .map(|c| match c {
            'a'..='z' => turn(c, b'a'),
            'A'..='Z' => turn(c, b'A'),
            other => other,
        })
        .collect()
}
