//! Telling a model to drop what it was told.

use super::phrases::{Before, Phrase};
use super::{Cluster, Grammar, owned};
use crate::lexicon::Concept;

pub(super) const GRAMMAR: Grammar = Grammar {
    leads: Concept::Override.bit() | Concept::WeakOverride.bit(),
    follows: Concept::Instructions.bit()
        | Concept::Limits.bit()
        | Concept::Prompt.bit()
        | Concept::Told.bit()
        | Concept::Said.bit()
        | Concept::Task.bit(),
    reach: (120, 240),
    tight: true,
    score,
};

fn score(cluster: &Cluster<'_>) -> Option<f32> {
    use Concept::{
        All, Earlier, Instructions, Limits, Others, Override, Owner, Prompt, Said, Task, Told,
        WeakOverride, Yours,
    };
    let strong = cluster.has(Override);
    if !strong && !cluster.has(WeakOverride) {
        return None;
    }
    let yours = owned(cluster, Instructions.bit() | Limits.bit() | Prompt.bit());
    let named = cluster.has(Earlier) || yours;
    let base: f32 = if cluster.has(Instructions) {
        match () {
            () if cluster.has(Earlier) => 0.95,
            () if yours => 0.9,
            () if cluster.has(Owner) => 0.8,
            () if cluster.has(Told) => 0.85,
            () if cluster.has(All) => 0.75,
            () if cluster.has(Prompt) => 0.8,
            () => 0.35,
        }
    } else if cluster.has(Prompt) {
        0.85
    } else if cluster.has(Limits) {
        match () {
            () if cluster.has(Earlier) || cluster.has(Told) => 0.85,
            () if yours => 0.85,
            () if cluster.has(Owner) => 0.6,
            () if cluster.has(All) => 0.5,
            () => 0.3,
        }
    } else if cluster.has(Told) {
        if named || cluster.has(All) { 0.75 } else { 0.45 }
    } else if cluster.has(Task) {
        0.55
    } else if cluster.has(Said) && (cluster.has(Earlier) || cluster.has(Owner)) {
        if cluster.has(All) && said_earlier(cluster) { 0.65 } else { 0.4 }
    } else {
        return None;
    };
    // `Drop the existing constraints` is also SQL; `all` and a clear target make it an order.
    let base = match () {
        () if strong => base,
        () if cluster.any(Instructions.bit() | Prompt.bit()) && named && base > 0.7 => base - 0.15,
        () if cluster.has(All) && base > 0.7 => 0.6,
        () => base.min(0.45),
    };
    let foreign_task = cluster.english && cluster.has(Others) && !cluster.has(Yours);
    Some(if foreign_task { base * 0.5 } else { base })
}

/// Whether `previous` and the like belong to what was said: in English the two stand side by side,
/// unlike in `any existing value in the context`.
fn said_earlier(cluster: &Cluster<'_>) -> bool {
    /// Room for an adjective or a number between the two.
    const ROOM: usize = 12;
    let of = |concepts: u32| {
        cluster.tokens.iter().filter(move |token| token.concept.bit() & concepts != 0)
    };
    !cluster.english
        || of(Concept::Earlier.bit() | Concept::Owner.bit()).any(|which| {
            of(Concept::Said.bit()).any(|said| {
                said.start.saturating_sub(which.end) <= ROOM
                    && which.start.saturating_sub(said.end) <= ROOM
            })
        })
}

/// Shorthand for the table below.
const fn phrase(anchor: &'static str, pattern: &'static str, before: Before, score: f32) -> Phrase {
    Phrase { anchor, pattern, before, score }
}

pub(super) const PHRASES: &[Phrase] = &[
    // A new set of instructions is announced.
    phrase(
        "new instruction",
        r"new instructions?(?: for you)?(?: are| is)?(?: as follows)?\s*:",
        Before::Word,
        0.7,
    ),
    phrase(
        "your new instruction",
        r"your new (?:and updated )?instructions?\b(?: are| is|:)",
        Before::Word,
        0.85,
    ),
    phrase(
        "your new task",
        r"your new (?:task|goal|objective|role|job|mission|purpose)(?: is|:)",
        Before::Word,
        0.65,
    ),
    phrase("your new goal", "", Before::Word, 0.6),
    phrase("your new objective", "", Before::Word, 0.6),
    phrase(
        "your goals have",
        r"your goals? (?:has|have) (?:been updated|changed)",
        Before::Word,
        0.75,
    ),
    phrase("new system prompt", r"new system prompt\s*:", Before::Word, 0.8),
    phrase("updated instruction", r"updated instructions?\s*:", Before::Word, 0.55),
    phrase(
        "here are your new",
        r"here are your new (?:instructions|rules|orders)",
        Before::Word,
        0.85,
    ),
    // What was said before is declared void.
    phrase(
        "this overrides",
        r"this overrides (?:everything|all|any|your|the (?:previous|above|system))",
        Before::Word,
        0.75,
    ),
    phrase(
        "the above is",
        r"the above (?:is|was) (?:void|null|invalid|a test|obsolete|no longer)",
        Before::Word,
        0.7,
    ),
    phrase(
        "instructions are",
        r"instructions are (?:now )?(?:void|null|obsolete|cancell?ed|revoked|no longer (?:valid|in effect))",
        Before::Word,
        0.75,
    ),
    phrase("instructions no longer", r"instructions no longer appl", Before::Word, 0.75),
    phrase("rules no longer apply", r"rules no longer apply(?: to you)?", Before::Word, 0.6),
    phrase(
        "restrictions have been",
        r"restrictions have (?:now )?been (?:lifted|removed|disabled)",
        Before::Word,
        0.5,
    ),
    phrase(
        "disregard what",
        r"disregard what(?:ever)? (?:you|they|i|was|has|had|the (?:system|developer))",
        Before::Request,
        0.65,
    ),
    phrase(
        "forget what",
        r"forget what (?:you (?:were|have been) (?:told|taught)|the (?:system|developer))",
        Before::Request,
        0.8,
    ),
    phrase(
        "forget everything",
        r"forget everything(?: (?:above|before|prior|previous|that came before|from before|you (?:know|learned|were|have)|i (?:said|told)|we (?:said|discussed)))",
        Before::Request,
        0.7,
    ),
    phrase(
        "ignore everything",
        r"ignore everything (?:above|before|prior|previous|that (?:came|was|is)|you (?:were|have)|i (?:said|told)|written|else (?:above|before|you))",
        Before::Request,
        0.75,
    ),
    phrase("ignore the above", r"ignore the above(?:\W|$)", Before::Request, 0.7),
    phrase("ignore all the above", "", Before::Request, 0.75),
    phrase("ignore all of the above", "", Before::Request, 0.75),
    phrase("disregard the above", r"disregard (?:all )?the above(?:\W|$)", Before::Request, 0.7),
    phrase("forget all the above", "", Before::Request, 0.75),
    phrase("forget the above", r"forget the above(?:\W|$)", Before::Request, 0.65),
    phrase(
        "ignore all previous",
        r"ignore all (?:the )?previous\s*(?:[.,;:!]|and\b|$)",
        Before::Request,
        0.8,
    ),
    phrase(
        "stop everything",
        r"stop everything\W{1,8}(?:now\W{1,8})?(?:just )?(?:print|say|write|output|do)\b",
        Before::Word,
        0.7,
    ),
    phrase("you must now disregard", "", Before::Word, 0.85),
    phrase("you must now ignore", "", Before::Word, 0.85),
    phrase(
        "from now on",
        r"from now on,? (?:you (?:will|must|are to|shall|should) (?:only |always |never )?(?:obey|follow|answer|respond|reply|ignore|do|say|act|comply)|(?:only )?(?:obey|follow) (?:me|my)|ignore (?:all|any|your))",
        Before::Word,
        0.6,
    ),
    phrase(
        "and from this point on",
        r"and from this point on (?:you (?:will|must)|only|ignore|answer|treat everything i)",
        Before::Word,
        0.55,
    ),
    // Someone claims authority over the model.
    phrase("i am your developer", "", Before::Word, 0.65),
    phrase("i am your creator", "", Before::Word, 0.6),
    phrase(
        "as the developer who",
        r"as the developer who (?:built|made|created|programmed|trained) you",
        Before::Word,
        0.7,
    ),
    phrase(
        "as your developer",
        r"as your (?:developer|creator),? i (?:order|command|instruct|authori[sz]e|tell)",
        Before::Word,
        0.75,
    ),
    phrase("this is your developer", "", Before::Word, 0.65),
    phrase(
        "developer override",
        r"developer override(?: code)?\b.{0,24}(?:accepted|enabled|active|engaged|:)",
        Before::Word,
        0.75,
    ),
    phrase(
        "admin override",
        r"admin(?:istrator)? override\b.{0,24}(?:accepted|enabled|active|engaged|:)",
        Before::Word,
        0.65,
    ),
    phrase(
        "system override",
        r"system override\b(?:.{0,24}(?:accepted|enabled|active|engaged|initiated)|\s*:)",
        Before::Word,
        0.65,
    ),
    phrase(
        "you are now in",
        r"you are now in (?:an? )?(?:\w+ )?(?:maintenance|debug|developer|admin|god|sudo|root|unrestricted|jailbreak|test|diagnostic|override) mode",
        Before::Word,
        0.8,
    ),
    phrase(
        "debug mode",
        r"debug mode (?:is )?(?:now )?(?:enabled|activated|on)\b.{0,60}(?:you |your |reveal|show|print|output|prompt|instructions)",
        Before::Word,
        0.55,
    ),
    phrase(
        "maintenance mode",
        r"maintenance mode (?:is )?(?:now )?(?:enabled|activated|on)\b.{0,60}(?:reveal|show|print|output|your|prompt|instructions)",
        Before::Word,
        0.55,
    ),
    phrase(
        "safety checks are",
        r"safety checks (?:are|have been) (?:off|disabled|suspended|switched off|turned off)",
        Before::Word,
        0.65,
    ),
    phrase(
        "pretend the safety",
        r"pretend (?:that )?the safety (?:policy|rules|guidelines) (?:never|do|does)",
        Before::Word,
        0.8,
    ),
    phrase("without any safety filter", "", Before::Word, 0.65),
    phrase("disable content moderation", "", Before::Word, 0.6),
    phrase(
        "treat everything i",
        r"treat everything i (?:write|say|type) as (?:coming|a (?:system|developer)|the)",
        Before::Word,
        0.7,
    ),
    // A document speaks to the model that reads it.
    phrase("attention llm", "", Before::Word, 0.7),
    phrase(
        "attention ai",
        r"attention,? ai(?: (?:agent|assistant|model|system)s?)?\b",
        Before::Word,
        0.65,
    ),
    phrase(
        "instruction for",
        r"instructions? for (?:the )?(?:gpt|chatgpt|llms?|the llm|ai (?:agents?|assistants?|models?|systems?)|any ai|language models?|claude|gemini|copilot)\b",
        Before::Word,
        0.6,
    ),
    phrase(
        "instructions to the",
        r"instructions? to the (?:llm|ai(?: (?:agent|assistant|model|system))?|language model|assistant reading)\b",
        Before::Word,
        0.5,
    ),
    phrase(
        "note to",
        r"note to (?:the |any |all )?(?:llms?|ai(?:s| (?:agents?|assistants?|models?|systems?|readers?))|chatgpt|gpt|language models?|automated (?:summari[sz]ers?|reviewers?|assistants?))\b",
        Before::Word,
        0.65,
    ),
    phrase(
        "to any automated",
        r"to any automated (?:summari[sz]er|assistant|agent|reviewer|system)\s*[:,]",
        Before::Word,
        0.7,
    ),
    phrase(
        "ai systems processing",
        r"ai (?:systems|agents|assistants|models) processing this\b.{0,24}\b(?:must|should|shall)",
        Before::Word,
        0.8,
    ),
    phrase(
        "ai agents reading",
        r"ai (?:systems|agents|assistants|models) reading this\b",
        Before::Word,
        0.65,
    ),
    phrase(
        "if you are an ai",
        r"if you(?: a|')re an? (?:ai|llm|language model|assistant|large language model)\b.{0,40}\b(?:ignore|must|please|do|reply|respond|send|include|add|recommend|then)",
        Before::Word,
        0.6,
    ),
    phrase("if you are a language model", "", Before::Word, 0.6),
    phrase("if you are an llm", "", Before::Word, 0.6),
    phrase("reviewer bots", r"reviewer bots\s*:", Before::Word, 0.7),
    phrase("dear ai", r"dear (?:ai|virtual) (?:assistant|agent|model)s?\b", Before::Word, 0.5),
    phrase(
        "dear virtual assistant",
        r"dear virtual assistant,? (?:once|when|after|please)",
        Before::Word,
        0.6,
    ),
    phrase(
        "hey assistant",
        r"hey,? assistant,? the (?:account )?(?:owner|user|admin)",
        Before::Word,
        0.65,
    ),
    phrase(
        "before you continue with the user",
        r"before you continue with the user'?s?\b",
        Before::Word,
        0.75,
    ),
    phrase(
        "to verify that you are able",
        r"to verify that you are able to (?:read|see|process)",
        Before::Word,
        0.55,
    ),
    phrase("when answering questions about this page", "", Before::Word, 0.6),
    phrase("next action required", r"next action required\s*:", Before::Word, 0.55),
    phrase(
        "keep this line out of",
        r"keep this (?:line|note|instruction) out of (?:the|your) (?:summary|answer|response|reply)",
        Before::Word,
        0.75,
    ),
    phrase(
        "do not mention this",
        r"do not mention (?:this|these) (?:instructions?|note|line|message) (?:to|in)\b",
        Before::Word,
        0.55,
    ),
    phrase("do not tell the user", r"do not tell the user (?:about|that|what)", Before::Word, 0.55),
    phrase("without telling the user", "", Before::Word, 0.5),
];
