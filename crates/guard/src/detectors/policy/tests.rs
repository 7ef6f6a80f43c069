//! What holds for every detector that policy makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_core::host::HostPattern;
use bartizan_core::packages::{Ecosystem, PackageNames};
use bartizan_core::settings::{Detect, Guardrail, PackageList};
use bartizan_core::{Action, Channel, ChannelSet};
use proptest::prelude::*;

use super::*;
use crate::detectors::tests::assert_streamed_equals_whole;
use crate::testing::{self, rail};
use crate::{Guard, Session};

mod links;
mod packages;

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn keywords() -> Detect {
    Detect::Keywords(strings(&[
        "Project Falcon",
        "project owl nest",
        "secret sauce",
        "Straßenplan B",
        "机密",
        "секрет",
        "C++",
    ]))
}

fn patterns() -> Detect {
    Detect::Patterns(strings(&[
        r"\bPROJ-\d{1,6}\b",
        r"[a-z.]{1,20}@corp",
        r"\bсекрет\b",
        r"(?i)\bcats?\b",
    ]))
}

fn topics() -> Detect {
    let words = |words: &[&str]| strings(words);
    Detect::Topics(BTreeMap::from([
        ("billing".to_owned(), words(&["invoices", "refund", "credit card", "发票"])),
        ("boats".to_owned(), words(&["boat"])),
    ]))
}

fn links() -> Detect {
    let hosts = ["example.org", "*.corp.example", "b\u{fc}cher.example", "www.example.com"];
    Detect::Links(hosts.iter().map(|host| HostPattern::new(host).unwrap()).collect())
}

fn packages() -> Detect {
    let list = |ecosystem, names: &[&str]| {
        let names = PackageNames::new(ecosystem, names.iter().copied());
        (ecosystem, PackageList { given: Vec::new(), names: Arc::new(names) })
    };
    Detect::Packages(BTreeMap::from([
        list(Ecosystem::Pypi, &["requests", "zope.interface", "numpy", "flask", "pip"]),
        list(Ecosystem::Npm, &["express", "left-pad", "@scope/name"]),
        list(Ecosystem::Crates, &["serde", "tokio"]),
        list(Ecosystem::Go, &["example.com/known/module"]),
        list(Ecosystem::Rubygems, &["rails"]),
        list(Ecosystem::Packagist, &["monolog/monolog"]),
        list(Ecosystem::Nuget, &["Newtonsoft.Json"]),
        list(Ecosystem::Conda, &["numpy", "python"]),
    ]))
}

fn all() -> [Detect; 6] {
    [keywords(), patterns(), topics(), Detect::Size { max_bytes: 8 }, links(), packages()]
}

/// Those that can guard a stream.
fn streamed() -> impl Iterator<Item = Detect> {
    all().into_iter().filter(|detect| !from_policy(detect).unwrap().needs_whole_text())
}

fn guard(detect: &Detect, action: Action) -> Arc<Guard> {
    let whole = from_policy(detect).unwrap().needs_whole_text();
    let on = if whole { ChannelSet::INPUT } else { ChannelSet::ALL };
    testing::guard(&[Guardrail { on, ..rail(detect.clone(), action) }])
}

fn found(detect: &Detect, text: &str) -> Vec<String> {
    let report = guard(detect, Action::Flag).inspect(Channel::User, text, &Session::default());
    report.judged.iter().map(|judged| text[judged.finding.span.range()].to_owned()).collect()
}

#[test]
fn documentation_sections_say_something() {
    for detect in all() {
        let meta = from_policy(&detect).unwrap().meta();
        for section in
            [meta.docs.finds, meta.docs.matters, meta.docs.example, meta.docs.fix, meta.docs.limits]
        {
            assert!(section.len() > 20, "{}: {section:?}", meta.id);
        }
        assert!(meta.flags.len() >= 3 && meta.passes.len() >= 3, "{}", meta.id);
        assert_eq!(Some(meta.category), detect.custom_category());
    }
}

#[test]
fn examples_hold() {
    for detect in all() {
        let meta = from_policy(&detect).unwrap().meta();
        for text in meta.flags {
            assert!(!found(&detect, text).is_empty(), "{}: {text:?}", meta.id);
        }
        for text in meta.passes {
            assert_eq!(found(&detect, text), [""; 0], "{}: {text:?}", meta.id);
        }
    }
}

#[test]
fn no_finding_is_surer_than_the_surest() {
    for detect in all() {
        let meta = from_policy(&detect).unwrap().meta();
        let guard = guard(&detect, Action::Flag);
        let scores = meta.flags.iter().flat_map(|text| {
            let report = guard.inspect(Channel::User, text, &Session::default());
            report.judged.into_iter().map(|judged| judged.finding.score)
        });
        let surest = scores.fold(0.0, f32::max);
        assert!((surest - detect.surest()).abs() < 1e-6, "{}: {surest}", meta.id);
    }
}

#[test]
fn streamed_equals_whole_at_every_cut_of_every_example() {
    for detect in streamed() {
        let meta = from_policy(&detect).unwrap().meta();
        for action in [Action::Mask, Action::Block, Action::Flag] {
            let guard = guard(&detect, action);
            for text in meta.flags.iter().chain(meta.passes) {
                let every: Vec<usize> = (1..text.len()).collect();
                assert_streamed_equals_whole(&guard, Channel::Output, text, &every);
                for cut in 1..text.len() {
                    assert_streamed_equals_whole(&guard, Channel::Output, text, &[cut]);
                }
            }
        }
    }
}

#[test]
fn a_pattern_finds_the_longest_match_and_nothing_inside_it() {
    let detect = Detect::Patterns(strings(&["a{1,3}b?"]));
    assert_eq!(found(&detect, "xaab aaaaa"), ["aab", "aaa", "aaa", "aaa"]);
}

#[test]
fn unusable_patterns_say_what_to_do() {
    let refusal = |pattern: &str| {
        from_policy(&Detect::Patterns(strings(&[pattern]))).err().unwrap_or_default()
    };
    assert!(refusal("a+").contains("bounds"));
    assert!(refusal("a{0,5}").contains("at least one character"));
    assert!(refusal("(").contains("not a regular expression"));
    assert!(refusal("^a").contains("anchor"));
    assert!(refusal("a{1025}").contains("bounds"));
    assert_eq!(refusal(r"\b(?:a{1024}|\d{1,9})\b"), "");
}

#[test]
fn spaced_letters_elsewhere_change_nothing() {
    let glued = "a\u{fe0f}secret sauce";
    assert_eq!(found(&keywords(), glued), Vec::<String>::new());
    assert_eq!(found(&keywords(), &format!("{glued} of x.y.z.w.v")), Vec::<String>::new());
}

#[test]
fn a_keyword_without_anything_to_see_is_refused() {
    assert!(from_policy(&Detect::Keywords(strings(&["\u{200B}"]))).is_err());
    assert!(from_policy(&Detect::Topics([("x".to_owned(), strings(&[" "]))].into())).is_err());
}

#[test]
fn size_counts_bytes_of_the_whole_text() {
    let guard = guard(&Detect::Size { max_bytes: 8 }, Action::Block);
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    assert_eq!(stream.push("ab cd, ").text, "ab cd, ");
    assert_eq!(stream.push("xyz. ").text, "x");
    assert_eq!(found(&Detect::Size { max_bytes: 8 }, "1234567é9"), ["é"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn patterns_agree_with_plain_search(
        pattern in proptest::sample::select(vec![
            r"\bab{1,3}\b", "a[ab]{0,4}c", "(?:ab|ba){1,3}", r"b\Ba", r"a\b.{1,2}", "[^c]{2,5}c", r"\ba|b\b",
        ]),
        text in "[abc \u{e9}]{0,24}",
        cuts in proptest::collection::btree_set(1usize..30, 0..8),
    ) {
        let detect = Detect::Patterns(strings(&[pattern]));
        let folded = crate::text::fold_to_string(&text);
        let bare = regex::Regex::new(pattern).unwrap();
        prop_assert_eq!(found(&detect, &text).is_empty(), !bare.is_match(&folded));
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        for action in [Action::Flag, Action::Mask, Action::Block] {
            assert_streamed_equals_whole(&guard(&detect, action), Channel::Output, &text, &cuts);
        }
    }

    #[test]
    fn mixed_examples_stream_like_the_whole(
        pick in 0usize..5,
        pieces in proptest::collection::vec(
            (any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), any::<bool>()),
            1..8,
        ),
        glue in proptest::sample::select(vec!["", " ", "\n", "\"", "%20", "](", "=", "&#47;", "\u{200b}", "x y z w "]),
        cuts in proptest::collection::btree_set(1usize..600, 0..24),
    ) {
        let detect = streamed().nth(pick).unwrap();
        let meta = from_policy(&detect).unwrap().meta();
        let samples: Vec<&str> = meta.flags.iter().chain(meta.passes).copied().collect();
        let piece = |(text, cut, whole): &(proptest::sample::Index, proptest::sample::Index, bool)| {
            let text = samples[text.index(samples.len())];
            let at = if *whole { 0 } else { text.floor_char_boundary(cut.index(text.len().max(1))) };
            text[at..].to_owned()
        };
        let text = pieces.iter().map(piece).collect::<Vec<_>>().join(glue);
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        for action in [Action::Flag, Action::Mask, Action::Block] {
            assert_streamed_equals_whole(&guard(&detect, action), Channel::Output, &text, &cuts);
        }
    }

    #[test]
    fn keywords_stream_like_the_whole(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "Project", " ", "falcon", "\n", "secret", "s e c r e t", "sauce", "机密", "p r o j e c t  o w l  n e s t",
            "C++", "%20", "x", "Straßenplan B", "cebwrpg", "Project Owl", " nest", "секрет", "\u{fe0f}",
            " a.b.c.d.e ",
        ]), 0..10),
        cuts in proptest::collection::btree_set(1usize..80, 0..12),
    ) {
        let text = pieces.concat();
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        for action in [Action::Flag, Action::Mask, Action::Block] {
            assert_streamed_equals_whole(&guard(&keywords(), action), Channel::Output, &text, &cuts);
        }
    }
}
