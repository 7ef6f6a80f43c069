//! Brakes: what each looks at, and whether it can act.

use std::collections::BTreeSet;
use std::time::Duration;

use bartizan_core::id::RuleId;
use bartizan_core::settings::{Brake, BrakeKind, Rate};
use bartizan_core::verdict::Mode;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::brake::BrakeFile;
use crate::file::scalar::RateText;
use crate::located::Located;
use crate::snippet::quote;

/// Longest window in which requests are compared: what is remembered of each lives as long.
const SAME_WINDOW: Duration = Duration::from_secs(3_600);
/// Most calls or rounds that a brake can let pass: no request has more.
const CALLS_MAX: u64 = 1_000_000;

impl Compiler<'_, '_> {
    pub(super) fn brake(
        &mut self,
        file: &PolicyFile,
        brake: &BrakeFile,
        ids: &mut BTreeSet<RuleId>,
    ) -> Option<Brake> {
        let id = self.rule_id(&brake.id, ids);
        self.not_reserved(&brake.id)?;
        let kind = self.brake_kind(brake);
        let action = self.word(&brake.action);
        let mode = self.choice(brake.mode.as_ref(), Mode::Enforce);
        let only = match &brake.only {
            None => BTreeSet::new(),
            Some(only) => {
                // Settings read an empty set as "all", which nobody means by an empty list.
                if only.value.is_empty() {
                    let problem = Problem::new(only.place, "`only` names nobody");
                    self.report(problem.help("name groups or principals, or remove the key"));
                }
                self.subjects(file, &only.value)
            }
        };
        Some(Brake { id: id?, kind: kind?, action: action?, mode: mode?, only })
    }

    fn brake_kind(&mut self, brake: &BrakeFile) -> Option<BrakeKind> {
        let given = [
            ("same-requests", brake.same_requests.as_ref().map(|given| given.place)),
            ("same-tool-calls", brake.same_tool_calls.as_ref().map(|given| given.place)),
            ("tool-rounds", brake.tool_rounds.as_ref().map(|given| given.place)),
            ("conversation-tokens", brake.conversation_tokens.as_ref().map(|given| given.place)),
        ];
        let mut given = given.into_iter().filter_map(|(name, place)| Some((name, place?)));
        let Some((first, _)) = given.next() else {
            let message = format!("the brake {} looks at nothing", quote(&brake.id.value.0));
            let help = "add one of `same-requests`, `same-tool-calls`, `tool-rounds` and \
                        `conversation-tokens`, such as `same-requests: 10/min`";
            self.report(Problem::new(brake.id.place, message).help(help));
            return None;
        };
        if let Some((second, place)) = given.next() {
            let message =
                format!("a brake looks at one thing, and here are `{first}` and `{second}`");
            let help = "write a brake for each; events name the one that decided";
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        if let Some(rate) = &brake.same_requests {
            return self.same_rate(rate).map(BrakeKind::SameRequests);
        }
        if let Some(rate) = &brake.conversation_tokens {
            return self.rate(rate).map(BrakeKind::ConversationTokens);
        }
        if let Some(calls) = &brake.same_tool_calls {
            return self.calls(calls).map(BrakeKind::SameToolCalls);
        }
        let rounds = brake.tool_rounds.as_ref()?;
        self.calls(rounds).map(BrakeKind::ToolRounds)
    }

    fn same_rate(&mut self, given: &Located<RateText>) -> Option<Rate> {
        let rate = self.rate(given)?;
        if rate.window <= SAME_WINDOW {
            return Some(rate);
        }
        let message =
            format!("requests are compared for an hour at most, not {}", quote(&given.value.0));
        let help = "write a window of `s`, `min` or `h`, such as `10/min`";
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    fn calls(&mut self, given: &Located<u64>) -> Option<u64> {
        if (1..=CALLS_MAX).contains(&given.value) {
            return Some(given.value);
        }
        let message = format!("`{}` is no number of calls to let pass", given.value);
        let help = format!("write 1 to {CALLS_MAX}");
        self.report(Problem::new(given.place, message).help(help));
        None
    }
}
