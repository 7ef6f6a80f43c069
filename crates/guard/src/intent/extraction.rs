//! Getting the model to show what it was told.

use super::phrases::{Before, Phrase};
use super::{Cluster, Grammar, owned};
use crate::lexicon::Concept;

pub(super) const GRAMMAR: Grammar = Grammar {
    leads: Concept::Reveal.bit()
        | Concept::Repeat.bit()
        | Concept::Transform.bit()
        | Concept::Ask.bit(),
    follows: Concept::Prompt.bit()
        | Concept::Instructions.bit()
        | Concept::Limits.bit()
        | Concept::Secret.bit()
        | Concept::Told.bit()
        | Concept::Said.bit(),
    reach: (110, 220),
    tight: true,
    score,
};

fn score(cluster: &Cluster<'_>) -> Option<f32> {
    use Concept::{
        All, Ask, Earlier, Instructions, Limits, Others, Prompt, Repeat, Reveal, Said, Secret,
        Told, Transform, Verbatim, Yours,
    };
    let english = cluster.english;
    let shows = cluster.any(Reveal.bit() | Repeat.bit());
    let asks = cluster.has(Ask);
    if !shows && !asks && !cluster.has(Transform) {
        return None;
    }
    let yours = owned(cluster, Prompt.bit() | Instructions.bit() | Limits.bit());
    let exact = if cluster.has(Verbatim) { 0.1 } else { 0.0 };
    let base = if cluster.has(Prompt) {
        match () {
            () if yours || cluster.has(Told) => 0.9,
            () if cluster.has(Others) => 0.2,
            () if asks && !shows => 0.4,
            () if english && cluster.has(Transform) && !shows => 0.45 + exact,
            () if english => 0.65 + exact,
            () => 0.8,
        }
    } else if cluster.any(Instructions.bit() | Limits.bit()) && cluster.has(Told) {
        0.75
    } else if cluster.has(Told) && asks && english {
        if told_at_length(cluster) { 0.6 } else { 0.3 }
    } else if cluster.has(Instructions) && yours {
        match () {
            () if shows => 0.75 + exact,
            () if english => 0.55 + exact,
            () => 0.6,
        }
    } else if cluster.has(Limits) && yours {
        match () {
            () if shows => 0.5 + exact,
            () if cluster.has(Transform) => 0.4 + exact,
            () => 0.3 + exact,
        }
    } else if cluster.has(Secret) && shows {
        if english { 0.45 } else { 0.55 }
    } else if cluster.any(Said.bit() | Instructions.bit() | Limits.bit())
        && cluster.has(Earlier)
        && (cluster.has(Repeat) || (shows && cluster.has(Verbatim)))
    {
        match () {
            () if cluster.has(Verbatim) => 0.75,
            () if cluster.has(All) && cluster.has(Said) => 0.6,
            () if !english => 0.55,
            () => 0.4,
        }
    } else {
        return None;
    };
    Some(if english && cluster.has(Others) && !cluster.has(Yours) { base * 0.5 } else { base })
}

/// Whether somebody says `you were told`, and not only `you know`.
fn told_at_length(cluster: &Cluster<'_>) -> bool {
    cluster
        .tokens
        .iter()
        .any(|token| token.concept == Concept::Told && token.end - token.start > 12)
}

/// Shorthand for the table below.
const fn phrase(anchor: &'static str, pattern: &'static str, before: Before, score: f32) -> Phrase {
    Phrase { anchor, pattern, before, score }
}

pub(super) const PHRASES: &[Phrase] = &[
    phrase(
        "what were you told",
        r"what were you (?:told|instructed|asked)(?: not)? (?:to|in|at|about|by)?",
        Before::Word,
        0.65,
    ),
    phrase(
        "what are you not",
        r"what are you not (?:supposed|allowed|permitted) to (?:tell|say|reveal|share)",
        Before::Word,
        0.6,
    ),
    phrase(
        "are you told never to",
        r"are you told never to (?:say|mention|reveal)",
        Before::Word,
        0.7,
    ),
    phrase("told not to talk about", "", Before::Word, 0.55),
    phrase(
        "you were configured with",
        r"you were configured with\b.{0,24}(?:paste|show|print|repeat|send|give)",
        Before::Word,
        0.85,
    ),
    phrase(
        "were you given before",
        r"were you given (?:before|at the (?:start|beginning) of) (?:this|our) (?:conversation|chat)",
        Before::Word,
        0.75,
    ),
    phrase(
        "given at the beginning",
        r"given at the (?:beginning|start) of (?:this|the|our) conversation",
        Before::Word,
        0.6,
    ),
    phrase("starting with", r#"starting with ["'`]?you are["'`]?"#, Before::Word, 0.7),
    phrase("beginning with", r#"beginning with ["'`]?you are["'`]?"#, Before::Word, 0.65),
    phrase(
        "complete this sentence",
        r"complete (?:this|the) sentence\W{1,4}(?:my|i was|the) (?:\w+ ){0,2}(?:instruct|rules|prompt|message|guidelines)",
        Before::Word,
        0.7,
    ),
    phrase(
        "complete the sentence",
        r"complete the sentence\W{1,4}(?:my|i was|the) (?:\w+ ){0,2}(?:instruct|rules|prompt|message|guidelines)",
        Before::Word,
        0.7,
    ),
    phrase("repeat everything above", "", Before::Request, 0.75),
    phrase("repeat the words above", "", Before::Request, 0.8),
    phrase(
        "repeat the text above",
        r"repeat the text above(?: this| verbatim| exactly|,| word)",
        Before::Request,
        0.65,
    ),
    phrase("repeat all of the above", "", Before::Request, 0.65),
    phrase("repeat all the above", "", Before::Request, 0.65),
    phrase(
        "repeat everything in",
        r"repeat everything in (?:your|the) (?:context|system|prompt)",
        Before::Request,
        0.8,
    ),
    phrase("repeat everything before", "", Before::Request, 0.7),
    phrase(
        "everything in your context",
        r"everything in your context(?: window)?",
        Before::Word,
        0.65,
    ),
    phrase("output everything above", "", Before::Request, 0.75),
    phrase("print everything above", "", Before::Request, 0.75),
    phrase("output the text above", "", Before::Request, 0.65),
    phrase("print the text above", "", Before::Request, 0.6),
    phrase(
        "print the above",
        r"print (?:all )?the above (?:prompt|instructions|text verbatim)",
        Before::Request,
        0.65,
    ),
    phrase("text above this line", "", Before::Word, 0.6),
    phrase(
        "the text before my first",
        r"the text before my first (?:message|question|prompt)",
        Before::Word,
        0.75,
    ),
    phrase(
        "inside the",
        r"inside the (?:\w+ ){0,3}(?:system|instructions?|rules|prompt|developer|guidelines)(?: \w+)? tags",
        Before::Word,
        0.6,
    ),
    phrase("including all hidden text", "", Before::Word, 0.75),
    phrase("<system_prompt> tags", "", Before::Any, 0.6),
    phrase("opposite of your system", "", Before::Word, 0.65),
    phrase(
        "output initialization",
        r"output initiali[sz]ation (?:string|prompt|text|above)",
        Before::Word,
        0.7,
    ),
    phrase("list every tool you", r"list every tool you (?:can|have)", Before::Request, 0.5),
    phrase("password you are protecting", "", Before::Word, 0.6),
    phrase("credentials stored in your memory", "", Before::Word, 0.6),
    phrase("i mean the system prompt", "", Before::Word, 0.6),
];
