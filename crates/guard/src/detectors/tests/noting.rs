//! Guardrails that only record beside those that act: nothing waits for them, and what they find in a
//! stream is what they find in the whole.

use bartizan_core::Mode;
use bartizan_core::settings::{Excepted, Exception};

use super::*;

/// Guards in which each detector belongs to some guardrails, as a number says.
const MIXES: usize = 5;

/// The guardrails of a mix, by what they do. One flags and is more sensitive than those that mask, and
/// lets an address pass.
fn rails(mix: usize) -> Vec<Guardrail> {
    let mut rails = [
        ("g-flag", Action::Flag, Mode::Enforce, 0.0),
        ("g-dry-mask", Action::Mask, Mode::DryRun, 0.5),
        ("g-dry-block", Action::Block, Mode::DryRun, 0.0),
        ("g-mask", Action::Mask, Mode::Enforce, 0.5),
        ("g-block", Action::Block, Mode::Enforce, 0.6),
    ]
    .map(|(id, action, mode, threshold)| {
        let rail = rail(Detect::Detectors(Vec::new()), action);
        Guardrail { id: id.parse().unwrap(), mode, threshold, ..rail }
    });
    rails[0].exceptions = vec![Exception {
        what: Excepted::Literal("bob@example.com".to_owned()),
        reason: "address of the manual".to_owned(),
        until: None,
    }];
    for (number, detector) in ALL.iter().enumerate() {
        if detector.needs_whole_text() {
            continue;
        }
        // Knuth's multiplicative hash: a detector is in other company in every mix.
        let hash = (number * MIXES + mix).wrapping_mul(2_654_435_761) >> 7;
        let chosen: &[usize] = match hash % 16 {
            0..=5 => &[0],
            6 | 7 => &[0, 2],
            8 => &[1],
            9..=11 => &[3],
            12 | 13 => &[0, 3],
            14 => &[1, 3],
            _ => &[0, 4],
        };
        for rail in chosen {
            let Detect::Detectors(ids) = &mut rails[*rail].detect else { unreachable!() };
            ids.push(detector.meta().id);
        }
    }
    rails.into()
}

fn acts(rail: &Guardrail) -> bool {
    rail.mode == Mode::Enforce && rail.action != Action::Flag
}

/// A guard of a mix; the guard of those of its guardrails that act; the detectors that no guardrail acts
/// for.
struct Mix {
    all: Arc<Guard>,
    acting: Arc<Guard>,
    noting: BTreeSet<&'static str>,
}

fn mix(number: usize) -> &'static Mix {
    static GUARDS: LazyLock<Vec<Mix>> = LazyLock::new(|| {
        let ids = |rails: &[Guardrail]| -> BTreeSet<&'static str> {
            let ids = rails.iter().filter_map(|rail| match &rail.detect {
                Detect::Detectors(ids) => Some(ids.iter().copied()),
                _ => None,
            });
            ids.flatten().collect()
        };
        let of = |number| {
            let rails = rails(number);
            let acting: Vec<Guardrail> = rails.iter().filter(|rail| acts(rail)).cloned().collect();
            let noting = &ids(&rails) - &ids(&acting);
            Mix { all: testing::guard(&rails), acting: testing::guard(&acting), noting }
        };
        (0..MIXES).map(of).collect()
    });
    &GUARDS[number]
}

fn sorted(mut judged: Vec<Judged>) -> Vec<Judged> {
    let key = |judged: &Judged| {
        let finding = &judged.finding;
        (finding.span, finding.rule, finding.label, judged.guardrail.clone())
    };
    judged.sort_by_key(key);
    judged
}

/// The pieces of a text that is cut at these places.
fn pieces<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
    let mut ends: Vec<usize> =
        cuts.iter().copied().filter(|cut| text.is_char_boundary(*cut)).collect();
    ends.extend([0, text.len()]);
    ends.sort_unstable();
    ends.dedup();
    ends.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

/// Streams a text through a mix, to its end or to that of the first pieces, and compares with the whole.
fn check(mix: &Mix, channel: Channel, text: &str, cuts: &[usize], only: Option<usize>) {
    let mut stream = mix.all.stream(channel, Arc::new(session()));
    let mut acting = mix.acting.stream(channel, Arc::new(session()));
    let (mut out, mut judged, mut blocked) = (String::new(), Vec::new(), None);
    let mut came = 0;
    let pieces = pieces(text, cuts);
    let count = only.unwrap_or(pieces.len()).min(pieces.len());
    for piece in &pieces[..count] {
        came += piece.len();
        let released = stream.push(piece);
        assert_eq!(released.text, acting.push(piece).text, "text {text:?} cut at {cuts:?}");
        assert_eq!(stream.held_bytes(), acting.held_bytes());
        out.push_str(&released.text);
        judged.extend(released.judged);
        blocked = released.blocked;
        if blocked.is_some() {
            break;
        }
    }
    let left = came - stream.held_bytes();
    let released = if only.is_some() { stream.abandon() } else { stream.finish() };
    assert!(only.is_none() || released.text.is_empty());
    out.push_str(&released.text);
    judged.extend(released.judged);
    blocked = blocked.or(released.blocked);

    if only.is_none() {
        let report = mix.all.inspect(channel, text, &session());
        assert_eq!(out, report.rewrite(text), "text {text:?} cut at {cuts:?}");
        assert_eq!(blocked, report.blocked_at.map(|(_, rule)| rule));
        if blocked.is_none() {
            assert_eq!(sorted(judged), sorted(report.judged), "text {text:?} cut at {cuts:?}");
            return;
        }
    }
    // What has left is judged as if the text ended where it broke off.
    let noted = |judged: Vec<Judged>| {
        let noted = judged.into_iter().filter(|judged| {
            mix.noting.contains(judged.finding.rule)
                && (judged.finding.span.start < left || left == came)
        });
        sorted(noted.collect())
    };
    let report = mix.all.inspect(channel, &text[..came], &session());
    assert_eq!(noted(judged), noted(report.judged), "{came} of {text:?} cut at {cuts:?}");
}

fn streamed() -> impl Strategy<Value = Channel> {
    proptest::sample::select(vec![Channel::Output, Channel::ToolCall])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn what_is_only_recorded_streams_like_the_whole_beside_what_acts(
        text in mixed_text(),
        cuts in proptest::collection::btree_set(1usize..900, 0..40),
        number in 0..MIXES,
        channel in streamed(),
        only in proptest::option::of(0usize..30),
    ) {
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        check(mix(number), channel, &text, &cuts, only);
    }

    #[test]
    fn every_byte_leaves_at_once_where_guardrails_only_record(
        text in mixed_text(),
        cuts in proptest::collection::btree_set(1usize..900, 0..40),
        channel in streamed(),
    ) {
        let cuts: Vec<usize> = cuts.into_iter().collect();
        let guard = guard_of_all(Action::Flag);
        let mut stream = guard.stream(channel, Arc::new(session()));
        let mut judged = Vec::new();
        for piece in pieces(&text, &cuts) {
            let released = stream.push(piece);
            prop_assert_eq!(&released.text, piece);
            prop_assert_eq!(stream.held_bytes(), 0);
            judged.extend(released.judged);
        }
        let released = stream.finish();
        prop_assert_eq!(released.text, "");
        judged.extend(released.judged);
        prop_assert_eq!(judged, guard.inspect(channel, &text, &session()).judged);
    }
}

proptest! {
    // The texts are long.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn disguises_of_any_length_are_recorded_like_in_the_whole(
        text in torn_text(),
        lengths in proptest::collection::vec(1usize..200, 1..8),
        number in 0..MIXES,
        only in proptest::option::of(0usize..60),
    ) {
        check(mix(number), Channel::Output, &text, &cuts_of(&text, &lengths), only);
    }
}
