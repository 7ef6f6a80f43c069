//! Brakes: whether a caller goes round in circles.
//!
//! What is counted over requests goes to the counters of limits, in the same round trip; what a conversation says of
//! itself is read from the request alone. Nothing is remembered of a text but a cut of its hash.

mod canonical;
mod normal;

use std::collections::HashMap;

use bartizan_core::counters::{Demand, Unit};
use bartizan_core::settings::{Brake, BrakeKind, Rate};
use bartizan_core::{Principal, RuleId};
use sha2::{Digest as _, Sha256};

use crate::json::Value;
use crate::operation::Operation;
use crate::protocols::{Protocol, Said, texts};

/// A brake that counts and does not stop has room for any request.
const NO_CEILING: u64 = 1 << 50;

/// A brake stopped the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Braked {
    /// The brake.
    pub brake: RuleId,
    /// What it looks at.
    pub kind: BrakeKind,
    /// Whole seconds until it lets the same request pass, at least 1; none where waiting does not help.
    pub retry_after_s: Option<u64>,
}

/// What brakes say about a request, as far as the request itself says it.
#[derive(Debug, Default)]
pub(crate) struct Looked<'b> {
    /// What is to be counted besides limits.
    pub(crate) counted: Vec<Counted<'b>>,
    /// The first brake that stops the request.
    pub(crate) stopped: Option<Braked>,
    /// Brakes that it goes over and that do not stop it.
    pub(crate) over: Vec<&'b Brake>,
}

/// A brake that counts over requests.
#[derive(Debug)]
pub(crate) struct Counted<'b> {
    pub(crate) brake: &'b Brake,
    pub(crate) unit: Unit,
    /// Caller, and what stands for the texts.
    pub(crate) whose: String,
    rate: Rate,
}

impl Braked {
    fn message(&self) -> String {
        let Self { brake, kind, retry_after_s } = self;
        let most = kind.most();
        let wait = retry_after_s.map(|seconds| format!(", or wait {seconds} s"));
        let wait = wait.unwrap_or_default();
        match kind {
            BrakeKind::SameRequests(rate) => format!(
                "brake `{brake}`: more than {most} requests/{} say nearly the same; ask for something else{wait}",
                rate.window_name()
            ),
            BrakeKind::SameToolCalls(_) => format!(
                "brake `{brake}`: the conversation calls a tool with the same arguments more than {most} times; go on without that call, or start a new conversation"
            ),
            BrakeKind::ToolRounds(_) => format!(
                "brake `{brake}`: more than {most} rounds of tool calls since a person said something; let a person look at it and answer"
            ),
            BrakeKind::ConversationTokens(rate) => format!(
                "brake `{brake}`: the conversation uses more than {most} tokens/{}; start a new one{wait}",
                rate.window_name()
            ),
        }
    }
}

impl Counted<'_> {
    /// The most that may be counted in a window, for whoever counts.
    pub(crate) fn ceiling(&self) -> Rate {
        if self.brake.stops() { self.rate } else { Rate { amount: NO_CEILING, ..self.rate } }
    }

    /// Whether the count after a request is over what the brake lets pass, by what is left below the ceiling.
    pub(crate) fn is_over(&self, remaining: u64) -> bool {
        !self.brake.stops() && NO_CEILING.saturating_sub(remaining) > self.rate.amount
    }

    /// The refusal where there is no room for what a request plans to use.
    pub(crate) fn braked(&self, demand: &Demand, left_s: u64) -> Braked {
        // What no window can hold is not let pass later either.
        let retry_after_s = (demand.planned <= self.rate.amount).then_some(left_s);
        Braked { brake: self.brake.id.clone(), kind: self.brake.kind, retry_after_s }
    }
}

/// Looks at a request. Takes time in proportion to its length, and none where no brake looks at the caller.
pub(crate) fn look<'b>(
    brakes: &'b [Brake],
    operation: Operation,
    protocol: &dyn Protocol,
    root: Value<'_>,
    caller: &Principal,
) -> Looked<'b> {
    let mut looked = Looked::default();
    let is_asked = |brake: &&Brake| brake.looks_at(caller) && is_about(brake.kind, operation);
    if !brakes.iter().any(|brake| is_asked(&brake)) {
        return looked;
    }
    let said = protocol.said(root);
    let mut told = Told { said: &said, operation, same: None, opening: None, calls: None };
    for brake in brakes.iter().filter(is_asked) {
        let (unit, rate, key) = match brake.kind {
            BrakeKind::SameRequests(rate) => (Unit::Requests, rate, told.same_key()),
            BrakeKind::ConversationTokens(rate) => (Unit::Tokens, rate, told.opening_key()),
            BrakeKind::SameToolCalls(most) => {
                looked.judge(brake, told.calls().most_same > most);
                continue;
            }
            BrakeKind::ToolRounds(most) => {
                looked.judge(brake, told.calls().rounds > most);
                continue;
            }
        };
        let whose = format!("{}\n{key:04x}", caller.qualified());
        looked.counted.push(Counted { brake, unit, whose, rate });
    }
    looked
}

impl<'b> Looked<'b> {
    fn judge(&mut self, brake: &'b Brake, is_over: bool) {
        if !is_over {
            return;
        }
        if !brake.stops() {
            self.over.push(brake);
        } else if self.stopped.is_none() {
            let (brake, kind) = (brake.id.clone(), brake.kind);
            self.stopped = Some(Braked { brake, kind, retry_after_s: None });
        }
    }
}

/// Whether a brake has something to say about an operation. Moderations and counts of tokens are asked beside the
/// request that they are about, and nothing can go round in circles on vectors but the same request.
const fn is_about(kind: BrakeKind, operation: Operation) -> bool {
    match operation {
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Messages
        | Operation::Invocations => true,
        Operation::Embeddings => matches!(kind, BrakeKind::SameRequests(_)),
        Operation::Moderations
        | Operation::CountTokens
        | Operation::Models
        | Operation::Model
        | Operation::TokenExchange => false,
    }
}

/// What a request says, and what was made of it: each once, however many brakes ask.
struct Told<'s, 'd> {
    said: &'s [Said<'d>],
    operation: Operation,
    same: Option<u16>,
    opening: Option<u16>,
    calls: Option<Calls>,
}

/// What a conversation says of its calls of tools.
#[derive(Debug, Clone, Copy, Default)]
struct Calls {
    /// How often the call was made that was made most often.
    most_same: u64,
    /// Rounds since a person said something.
    rounds: u64,
}

impl Told<'_, '_> {
    fn same_key(&mut self) -> u16 {
        let (said, is_exact) = (self.said, self.operation == Operation::Embeddings);
        *self.same.get_or_insert_with(|| same_key(said, is_exact))
    }

    fn opening_key(&mut self) -> u16 {
        let said = self.said;
        *self.opening.get_or_insert_with(|| opening_key(said))
    }

    fn calls(&mut self) -> Calls {
        let said = self.said;
        *self.calls.get_or_insert_with(|| calls(said))
    }
}

/// Stands for what is new in the request: for the system prompt, and for what follows the last words of the model.
/// What was said before is left out, so that nobody starts anew by leaving it out.
fn same_key(said: &[Said<'_>], is_exact: bool) -> u16 {
    let mut hash = Hash::new("same-requests", is_exact);
    hash.add(said.iter().filter(|said| is_instructions(said)));
    hash.add(new_part(said).iter().filter(|said| !is_instructions(said)));
    hash.cut()
}

/// Stands for the conversation: for the system prompt, and for what opens it. What goes on from something that the
/// provider keeps does not show how it began: all of that is one conversation of its caller.
fn opening_key(said: &[Said<'_>]) -> u16 {
    let mut hash = Hash::new("conversation-tokens", false);
    if !said.iter().any(|said| matches!(said, Said::Stored)) {
        hash.add(said.iter().filter(|said| is_instructions(said)));
        let opens = |said: &&Said<'_>| matches!(said, Said::Person(_) | Said::Brought(_));
        hash.add(said.iter().find(opens).into_iter());
    }
    hash.cut()
}

/// What follows the last words of the model. Words at the end are those with which it is to begin.
fn new_part<'s, 'd>(said: &'s [Said<'d>]) -> &'s [Said<'d>] {
    let is_model = |said: &Said<'_>| matches!(said, Said::Answer | Said::Call { .. });
    let end = said.iter().rposition(|said| !is_model(said)).map_or(0, |at| at + 1);
    let before = said.get(..end).unwrap_or_default();
    let start = before.iter().rposition(is_model).map_or(0, |at| at + 1);
    before.get(start..).unwrap_or_default()
}

fn calls(said: &[Said<'_>]) -> Calls {
    let mut counts: HashMap<[u8; 32], u64> = HashMap::new();
    let (mut calls, mut is_in_round) = (Calls::default(), false);
    for said in said {
        match said {
            Said::Call { name, arguments } => {
                let count = counts.entry(canonical::call(name, *arguments)).or_default();
                *count += 1;
                calls.most_same = calls.most_same.max(*count);
                // Several calls in a row are one round.
                calls.rounds += u64::from(!is_in_round);
                is_in_round = true;
            }
            Said::Person(_) => (calls.rounds, is_in_round) = (0, false),
            Said::Answer | Said::Brought(_) => is_in_round = false,
            Said::Instructions(_) | Said::Stored => {}
        }
    }
    calls
}

const fn is_instructions(said: &Said<'_>) -> bool {
    matches!(said, Said::Instructions(_))
}

/// A hash of texts, of which all is kept or what stays the same in texts that are nearly the same.
struct Hash {
    hash: Sha256,
    is_exact: bool,
}

impl Hash {
    fn new(of: &str, is_exact: bool) -> Self {
        let hash = Sha256::new_with_prefix(of);
        Self { hash, is_exact }
    }

    /// Adds texts as one: it does not matter how they are cut into parts.
    fn add<'s, 'd: 's>(&mut self, said: impl Iterator<Item = &'s Said<'d>>) {
        let mut all = String::new();
        for said in said {
            let (Said::Instructions(value) | Said::Person(value) | Said::Brought(value)) = said
            else {
                continue;
            };
            texts(*value, &mut |text| {
                all.push_str(text);
                all.push(' ');
            });
        }
        if self.is_exact {
            self.hash.update(&all);
        } else {
            // Where words end does not count: letters with spaces between read the same.
            normal::normal(&all).split(' ').for_each(|word| self.hash.update(word));
        }
        // No normal text has such a byte.
        self.hash.update([0]);
    }

    /// 16 bits: a caller has no more counters than that, whatever it sends, and nobody can tell the text.
    fn cut(self) -> u16 {
        let hash = self.hash.finalize();
        hash.first_chunk().copied().map_or(0, u16::from_be_bytes)
    }
}

#[cfg(test)]
mod tests;
