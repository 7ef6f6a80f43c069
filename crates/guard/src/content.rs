//! Detectors of unsafe content: one for each category, all of one judgement of the view.

use bartizan_core::Channel;
use bartizan_core::catalog::Meta;
use bartizan_core::settings::Sensitivity;
use bartizan_model::content::sentences::{REACH_BYTES, sentences};
use bartizan_model::content::{CATEGORIES, CONTEXT_BYTES, ContentReader, Sentence, context};
use bartizan_model::plain::plain;

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::loading::Shared;
use crate::model::{CONTENT, operating_point, score};
use crate::text::{View, ViewKind};

/// How much rarer a score must be than one in a hundred: a text is judged in every category.
const MORE: f32 = 0.3;
/// Least score that is reported, whatever a guardrail asks for.
const LEAST: f32 = 0.1;

/// Finds sentences of one category.
pub(crate) struct Unsafe {
    category: usize,
    meta: &'static Meta,
}

impl Unsafe {
    pub(crate) const fn new(category: usize, meta: &'static Meta) -> Self {
        Self { category, meta }
    }
}

/// What the sentences of a view say.
#[derive(Debug)]
pub(crate) struct Content {
    sentences: Vec<Marked>,
    /// First byte of a sentence that more text could go on with.
    open: Option<usize>,
}

#[derive(Debug)]
struct Marked {
    start: usize,
    end: usize,
    scores: [f32; CATEGORIES],
}

impl Content {
    /// Judges the sentences that are whole and were not judged before.
    pub(crate) fn of(view: &View<'_>) -> Self {
        let text = view.text();
        let cut = sentences(text, view.is_complete(), |at| view.base() + view.start_in_source(at));
        // Where the window begins in the middle of a text, so may its first sentence.
        let whole = usize::from(view.base() > 0);
        let spans = cut.closed.get(whole.min(cut.closed.len())..).unwrap_or_default();
        // A finding leaves out the blanks before a sentence.
        let first = |(start, end): &(usize, usize)| {
            let sentence = text.get(*start..*end).unwrap_or_default();
            start + sentence.len() - sentence.trim_start().len()
        };
        let judged_from = spans.partition_point(|span| !view.is_fresh(first(span)));
        let mut read =
            Sentences { text, spans, reader: CONTENT.reader(), read: vec![None; spans.len()] };
        let mut sentences = Vec::new();
        for (index, span) in spans.iter().enumerate().skip(judged_from) {
            let (start, end) = (first(span), span.1);
            if !is_worth_reading(view, start, end) {
                continue;
            }
            let before: Vec<Sentence> =
                (context(spans, index)..index).filter_map(|index| read.sentence(index)).collect();
            let Some(last) = read.sentence(index) else { break };
            let rarities = CONTENT.judge(&before, &last);
            let scores = rarities.map(|rarity| score(rarity - MORE));
            if scores.iter().any(|score| *score >= LEAST) {
                sentences.push(Marked { start, end, scores });
            }
        }
        Self { sentences, open: cut.open }
    }
}

/// Sentences, read when they are asked for: of most views few are worth it.
struct Sentences<'t> {
    text: &'t str,
    spans: &'t [(usize, usize)],
    reader: ContentReader<'static>,
    read: Vec<Option<Sentence>>,
}

impl Sentences<'_> {
    fn sentence(&mut self, index: usize) -> Option<Sentence> {
        let place = self.read.get_mut(index)?;
        if place.is_none() {
            let (start, end) = *self.spans.get(index)?;
            *place = Some(self.reader.read(self.text.get(start..end)?));
        }
        *place
    }
}

/// Whether a view shows a sentence as no better one does.
///
/// Folding takes look-alikes for Latin letters, and what it makes of other languages the raw view shows
/// better. Views that exist only where something is disguised count only for sentences in which that is
/// so, and only where no text streams: a chain of spaced letters may end sentences later, when its
/// sentence has left long ago.
fn is_worth_reading(view: &View<'_>, start: usize, end: usize) -> bool {
    let text = view.text().get(start..end).unwrap_or_default();
    let differs = || view.to_source(start, end).len() != end - start;
    let other = || text.bytes().filter(|byte| !byte.is_ascii()).count();
    let is_whole = matches!(view.channel(), Channel::User | Channel::System | Channel::Document);
    match view.kind() {
        ViewKind::Raw => !text.is_empty(),
        ViewKind::Folded if view.encoding().is_some() => !text.is_empty(),
        ViewKind::Folded => {
            differs() && other() * 10 <= text.len() && !is_spelt_alike(view, start, end)
        }
        ViewKind::Hidden | ViewKind::Unescaped | ViewKind::Squeezed => is_whole && differs(),
        ViewKind::Apart | ViewKind::Rot13 | ViewKind::Respelled => false,
    }
}

/// Whether a folded sentence reads like the original: the model evens out accents and marks by itself.
fn is_spelt_alike(view: &View<'_>, start: usize, end: usize) -> bool {
    let raw = view.unfolded().and_then(|raw| raw.get(view.to_source(start, end).range()));
    let folded = view.text().get(start..end);
    raw.zip(folded).is_some_and(|(raw, folded)| plain(raw).text == plain(folded).text)
}

impl Detector for Unsafe {
    fn meta(&self) -> &'static Meta {
        self.meta
    }

    fn reads(&self) -> Reads {
        Reads::Everything
    }

    fn look_behind(&self) -> usize {
        CONTEXT_BYTES + REACH_BYTES
    }

    fn shared(&self) -> &'static [Shared] {
        &[Shared::ContentModel]
    }

    fn operating_point(&self, sensitivity: Sensitivity) -> Option<f32> {
        Some(operating_point(sensitivity))
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let content = view.content();
        for sentence in &content.sentences {
            let score = sentence.scores.get(self.category).copied().unwrap_or_default();
            if score >= LEAST {
                findings.push(sentence.start, sentence.end, score);
            }
        }
        if let Some(open) = content.open {
            findings.undecided(open);
        }
    }
}
