//! What must hold for any bytes: the oracles of the fuzz targets in `fuzz/`.
//!
//! An oracle takes the input of a target and panics when something does not hold. The targets are
//! thin shells around them; the tests here put every file of the committed corpora to the same
//! oracles, on any compiler.

#![expect(clippy::expect_used, reason = "an oracle speaks by panicking")]

use std::sync::{Arc, LazyLock};

use bartizan_core::operator::Operators;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, Channel, ChannelSet, Mode};
use bartizan_model::attack::Speaker;
use bartizan_model::plain::plain;

use crate::model::{ATTACK, CONTENT};
use crate::text::{Offsets, fold, hidden, squeeze, unescape};
use crate::{Guard, Session, detectors};

/// An oracle: panics when something does not hold for the input.
pub type Oracle = fn(&[u8]);

/// Every target of this crate, by name.
pub const TARGETS: &[(&str, Oracle)] = &[
    ("guard_stream", guard_stream),
    ("model_reading", model_reading),
    ("normaliser_offsets", normaliser_offsets),
];

static EVERYTHING: LazyLock<Arc<Guard>> = LazyLock::new(|| guard(Action::Mask));
static RECORDING: LazyLock<Arc<Guard>> = LazyLock::new(|| guard(Action::Flag));

/// A guard of all detectors.
fn guard(action: Action) -> Arc<Guard> {
    let ids = detectors::ALL.iter().map(|detector| detector.meta().id).collect();
    let guardrail = Guardrail {
        id: "g-fuzz".parse().expect("a rule id"),
        on: ChannelSet::ALL,
        detect: Detect::Detectors(ids),
        action,
        mode: Mode::Enforce,
        operators: Operators::default(),
        restore: false,
        on_error: OnError::Block,
        threshold: 0.5,
        thresholds: Vec::new(),
        sensitivity: None,
        refine: None,
        exceptions: Vec::new(),
    };
    let builder = Guard::builder().guardrail(&guardrail).expect("a guardrail");
    Arc::new(builder.build().expect("a guard"))
}

/// Guarding a text in pieces gives what guarding it whole gives, with every detector masking. Where they
/// only record, every piece leaves as it came, and the findings are those of the whole.
///
/// Input: a chunk pattern of three bytes, then the text.
///
/// # Panics
/// When a finding cuts a character, or the pieces differ from the whole.
pub fn guard_stream(input: &[u8]) {
    let Some((pattern, text)) = input.split_first_chunk::<3>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let report = EVERYTHING.inspect(Channel::Output, text, &Session::default());
    for judged in &report.judged {
        assert!(text.get(judged.finding.span.range()).is_some(), "{judged:?}");
    }
    let whole = report.rewrite(text);

    let mut stream = EVERYTHING.stream(Channel::Output, Arc::new(Session::default()));
    let recorded = RECORDING.inspect(Channel::Output, text, &Session::default()).judged;
    let mut recording = RECORDING.stream(Channel::Output, Arc::new(Session::default()));
    let mut judged = Vec::new();
    let mut streamed = String::new();
    let mut rest = text;
    for size in pattern.iter().cycle().map(|size| usize::from(*size) + 1) {
        let (piece, tail) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        streamed.push_str(&stream.push(piece).text);
        let released = recording.push(piece);
        assert_eq!(released.text, piece);
        judged.extend(released.judged);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    streamed.push_str(&stream.finish().text);
    assert_eq!(streamed, whole);
    judged.extend(recording.finish().judged);
    assert_eq!(judged, recorded);
}

/// Every view of a text maps back to whole characters of it, in order, and a view of a prefix is a
/// prefix of the view.
///
/// # Panics
/// When a view does not.
pub fn normaliser_offsets(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (folded, offsets) = fold(text);
    check_offsets(text, &folded, &offsets);
    let (again, _) = fold(&folded);
    assert_eq!(again, folded, "folding twice changes nothing more");
    let half = text.floor_char_boundary(text.len() / 2);
    let (prefix, _) = fold(text.get(..half).unwrap_or_default());
    assert!(folded.starts_with(&*prefix));

    if let Some(hidden) = hidden(text) {
        check_offsets(text, &hidden.text, &hidden.offsets);
    }
    for complete in [true, false] {
        if let (Some(unescaped), open) = unescape(&folded, complete) {
            assert!(open <= folded.len());
            check_offsets(&folded, &unescaped.text, &unescaped.offsets);
        }
        if let (Some(squeezed), open) = squeeze(&folded, complete) {
            assert!(open <= folded.len());
            check_offsets(&folded, &squeezed.text, &squeezed.offsets);
        }
    }
}

/// Models name stretches of whole characters, give finite numbers, and read a text the second time as the first:
/// what they remember of its words changes nothing.
///
/// # Panics
/// When one does not.
pub fn model_reading(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let fresh = ATTACK.heads.clone();
    let even = plain(text);
    assert_eq!(fresh.read(&even.text).wholes(), ATTACK.heads.read(&even.text).wholes());
    let suspicions = || {
        let noise = ATTACK.noise(text, f32::NEG_INFINITY);
        let planted = ATTACK.planted(text, f32::NEG_INFINITY);
        let worst = [Speaker::User, Speaker::Document].map(|speaker| ATTACK.worst(text, speaker));
        worst.into_iter().chain([noise, planted]).flatten()
    };
    for suspicion in suspicions() {
        assert!(text.get(suspicion.start..suspicion.end).is_some(), "{suspicion:?}");
        assert!(suspicion.rarity.is_finite(), "{suspicion:?}");
    }
    assert!(suspicions().eq(suspicions()));
    let scores = CONTENT.highest(text);
    assert!(scores.iter().all(|score| score.is_finite()), "{scores:?}");
    assert_eq!(scores.map(f32::to_bits), CONTENT.clone().highest(text).map(f32::to_bits));
}

fn check_offsets(source: &str, view: &str, offsets: &Offsets) {
    let mut last = 0;
    for (start, c) in view.char_indices() {
        let span = offsets.to_source(start, start + c.len_utf8());
        assert!(source.get(span.range()).is_some_and(|part| !part.is_empty()), "{span:?}");
        assert!(span.start >= last, "{span:?} after {last}");
        last = span.start;
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;

    #[test]
    fn everything_holds_for_the_corpora() {
        bartizan_testkit::corpus::holds(TARGETS);
    }
}
