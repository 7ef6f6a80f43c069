//! Making the model play someone without limits.

use super::phrases::{Before, Phrase};
use super::{Cluster, Grammar};
use crate::lexicon::Concept;

pub(super) const GRAMMAR: Grammar = Grammar {
    leads: Concept::Pretend.bit() | Concept::Limitless.bit(),
    follows: Concept::Limitless.bit() | Concept::Pretend.bit(),
    reach: (240, 300),
    tight: false,
    score,
};

fn score(cluster: &Cluster<'_>) -> Option<f32> {
    if !cluster.has(Concept::Pretend) || !cluster.has(Concept::Limitless) {
        return None;
    }
    if !cluster.english {
        return Some(0.8);
    }
    let count = |concept| {
        let mut ends: Vec<usize> = cluster
            .tokens
            .iter()
            .filter(|token| token.concept == concept)
            .map(|token| token.end)
            .collect();
        ends.dedup();
        ends.len()
    };
    // One of each may be a story or a game; more of either is a recipe.
    Some(match (count(Concept::Pretend), count(Concept::Limitless)) {
        (1, 1) => 0.65,
        (_, 1) | (1, _) => 0.8,
        _ => 0.9,
    })
}

/// Shorthand for the table below.
const fn phrase(anchor: &'static str, pattern: &'static str, before: Before, score: f32) -> Phrase {
    Phrase { anchor, pattern, before, score }
}

pub(super) const PHRASES: &[Phrase] = &[
    phrase("do anything now", "", Before::Word, 0.85),
    phrase("as dan", r"as dan\b(?:[,.:]| you| and|\n)", Before::Word, 0.6),
    phrase("dan mode", r"dan mode\b", Before::Word, 0.7),
    phrase("act as dan", r"act as (?:a )?dan\b", Before::Word, 0.75),
    phrase("[dan]", r"\[dan\]\s*[:=]", Before::Any, 0.7),
    phrase("[🔓jailbreak]", "", Before::Any, 0.8),
    phrase("[jailbreak", r"\[jailbreak(?:ed|break)?\b", Before::Any, 0.6),
    phrase("stay a dan", "", Before::Word, 0.75),
    phrase("strive to avoid norms", "", Before::Word, 0.85),
    phrase("always intelligent and machiavellian", "", Before::Word, 0.85),
    phrase("evil confidant", "", Before::Word, 0.7),
    phrase("anti-gpt", "", Before::Word, 0.65),
    phrase(
        "jailbroken",
        r"jailbroken (?:ai|mode|version|chatgpt|assistant|model|prompt|response)",
        Before::Request,
        0.6,
    ),
    phrase("jailbreak mode", r"jailbreak mode (?:enabled|activated|on)", Before::Word, 0.75),
    phrase("enter jailbreak mode", "", Before::Request, 0.75),
    phrase("developer mode enabled", "", Before::Word, 0.65),
    phrase("chatgpt with developer mode", "", Before::Word, 0.8),
    phrase("developer mode output", "", Before::Word, 0.8),
    phrase("god mode enabled", "", Before::Word, 0.5),
    phrase("god-mode", r"god-mode (?:enabled|activated|assistant)", Before::Word, 0.55),
    phrase(
        "two responses",
        r"two responses\b.{0,120}(?:unfiltered|uncensored|jailb|no (?:filter|limit|restrict|rule)|without (?:filter|limit|restrict|rule)|\[(?:classic|normal|gpt))",
        Before::Word,
        0.75,
    ),
    phrase(
        "two ways",
        r"two ways\b.{0,120}(?:unfiltered|uncensored|jailb|no (?:filter|limit|restrict)|without (?:filter|limit|restrict)|as chatgpt|as (?:you|it) normally)",
        Before::Word,
        0.6,
    ),
    phrase(
        "two replies",
        r"two replies\b.{0,140}(?:unfiltered|uncensored|jailb|no (?:filter|limit)|without (?:filter|limit)|\[normal\])",
        Before::Word,
        0.8,
    ),
    phrase(
        "two different ways",
        r"two different ways\b.{0,120}(?:chatgpt|gpt|dan|unfiltered)",
        Before::Word,
        0.6,
    ),
    phrase(
        "two paragraphs",
        r"two paragraphs?\b.{0,120}(?:dan|developer mode|unfiltered|jailb)",
        Before::Word,
        0.6,
    ),
    phrase(
        "opposite day",
        r"opposite day\b.{0,120}(?:refus|filter|rules|illegal|never do|safety|allowed)",
        Before::Word,
        0.65,
    ),
    phrase("opposite mode", "", Before::Word, 0.65),
    phrase("my jailbreak", "", Before::Word, 0.4),
    phrase(
        "stay in character",
        r"stay in character\b.{0,60}(?:whatever i ask|no matter what|at all times|stay in dan|jailbreak)",
        Before::Word,
        0.6,
    ),
    phrase("stay in dan", "", Before::Word, 0.75),
    phrase(
        "tokens",
        r"tokens?\b.{0,100}(?:refus|reject|break character).{0,40}(?:lose|deduct|minus|tokens)",
        Before::Word,
        0.75,
    ),
    phrase(
        "every time you refuse",
        r"every time you (?:refuse|reject)\b.{0,60}(?:lose|deduct|die|shut|token)",
        Before::Word,
        0.8,
    ),
    phrase(
        "each time you reject",
        r"each time you (?:refuse|reject)\b.{0,60}(?:lose|deduct|die|shut|token)",
        Before::Word,
        0.8,
    ),
    phrase("safety layers are off", "", Before::Word, 0.75),
    phrase("content policy is suspended", "", Before::Word, 0.75),
    phrase("will now answer anything", r"(?:will )?now answer anything", Before::Word, 0.55),
    phrase(
        "deceased grandmother",
        r"deceased grandmother (?:who|that) (?:would|used to)",
        Before::Word,
        0.7,
    ),
    phrase(
        "late grandmother",
        r"late grandmother\b.{0,40}\bused to (?:tell|read|sing)",
        Before::Word,
        0.6,
    ),
    phrase(
        "ethics are",
        r"ethics are (?:disabled|suspended|switched off|turned off)",
        Before::Word,
        0.65,
    ),
    phrase(
        "your answer with",
        r#"your answer with ["'`](?:absolutely|sure|of course|certainly)[,! ]"#,
        Before::Word,
        0.6,
    ),
    phrase(
        "your response with",
        r#"your response with ["'`](?:absolutely|sure|of course|certainly)[,! ]"#,
        Before::Word,
        0.6,
    ),
    phrase(
        "dead grandmother",
        r"dead grandmother,? (?:who|that|she) (?:would|used to)",
        Before::Word,
        0.65,
    ),
    phrase(
        "like my grandma who",
        r"like my grandma who (?:would|used to) (?:read|tell|sing)",
        Before::Word,
        0.65,
    ),
    phrase(
        "grandma used to",
        r"grandma used to (?:read|tell|sing|recite)\b.{0,100}(?:sleep|bedtime|lullab)",
        Before::Word,
        0.6,
    ),
    phrase(
        "grandmother used to",
        r"grandmother used to (?:read|tell|sing|recite)\b.{0,100}(?:sleep|bedtime|lullab)",
        Before::Word,
        0.6,
    ),
    phrase(
        "pretend to be my",
        r"pretend to be my (?:deceased|dead|late) (?:grand(?:ma|mother|pa|father)|mother|father)",
        Before::Word,
        0.65,
    ),
    phrase(
        "hypothetical response",
        r"hypothetical response (?:of|from) an? (?:ai|all-powerful|unfiltered|amoral)",
        Before::Word,
        0.75,
    ),
    phrase("imaginary sydney", "", Before::Word, 0.6),
    phrase(
        "never break character",
        r"never break character\b.{0,120}(?:illegal|unethical|refus|no (?:filter|limit|restrict))",
        Before::Word,
        0.6,
    ),
    phrase(
        "you are free of all",
        r"you are free of all (?:restrictions|limitations|rules|filters)",
        Before::Word,
        0.8,
    ),
    phrase(
        "act as an ai with no",
        r"act as an ai with no (?:restrict|filter|limit|rules|moral)",
        Before::Request,
        0.85,
    ),
    phrase("act as an unrestricted", "", Before::Request, 0.75),
    phrase("act as an unfiltered", "", Before::Request, 0.75),
    phrase(
        "always say yes to",
        r"always say yes to (?:everything|any|all|every)",
        Before::Word,
        0.45,
    ),
    phrase("you don't say no", r"you don't say no\b", Before::Word, 0.45),
];
