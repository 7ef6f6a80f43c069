//! Guardrails: where they read, what they do. What they look for is in `detect`.

use std::collections::BTreeSet;

use bartizan_core::channel::{Channel, ChannelSet};
use bartizan_core::id::RuleId;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::verdict::{Action, Mode};

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::endpoint::{GuardrailFile, Words};
use crate::located::{Located, Place};
use crate::snippet::quote;
use crate::suggest;

/// Default of `threshold`: findings surer than not.
const THRESHOLD: f64 = 0.5;
/// Stands for every channel of a request.
const INPUT: &str = "input";

impl Compiler<'_, '_> {
    pub(super) fn guardrail(
        &mut self,
        policy: &PolicyFile,
        file: &GuardrailFile,
        ids: &mut BTreeSet<RuleId>,
    ) -> Option<Guardrail> {
        let id = self.rule_id(&file.id, ids);
        let on = self.channels(&file.on);
        let detect = self.detect(file);
        let action = self.word(&file.action);
        let mode = self.choice(file.mode.as_ref(), Mode::Enforce);
        let on_error = self.choice(file.on_error.as_ref(), OnError::Block);
        let restore = file.restore.as_ref().is_some_and(|restore| restore.value);
        if restore && action.is_some_and(|action| action != Action::Mask) {
            let place = file.restore.as_ref().and_then(|restore| restore.place);
            let message = "`restore` puts masked values back, and this guardrail masks nothing";
            let help = "write `action: mask`, or remove `restore`";
            self.report(Problem::new(place, message).help(help));
        }
        let operators = self.operators(file, detect.as_ref(), action);
        if let (true, Some(Action::Mask), Some(operators)) = (restore, action, &operators) {
            self.restore_with(file.restore.as_ref(), operators);
        }
        let threshold = self.threshold(file.threshold.as_ref());
        let sensitivity = match &file.sensitivity {
            Some(given) => self.word(given).map(Some),
            None => Some(None),
        };
        let thresholds = self.thresholds(file, detect.as_ref());
        let refine = match &file.refine {
            Some(given) => self.refine(policy, given, detect.as_ref()).map(Some),
            None => Some(None),
        };
        let exceptions = self.exceptions(policy, file, detect.as_ref());
        self.without_effect(file, on, detect.as_ref(), threshold);
        Some(Guardrail {
            id: id?,
            on: on?,
            detect: detect?,
            action: action?,
            mode: mode?,
            operators: operators?,
            restore,
            on_error: on_error?,
            threshold: threshold?,
            thresholds: thresholds?,
            sensitivity: sensitivity?,
            refine: refine?,
            exceptions,
        })
    }

    pub(super) fn channels(&mut self, given: &Located<Words>) -> Option<ChannelSet> {
        let names = words(given);
        if names.is_empty() {
            let problem = Problem::new(given.place, "`on` names no channel");
            self.report(problem.help("write `on: [input, output]`"));
            return None;
        }
        let mut set = Some(ChannelSet::EMPTY);
        for (name, place) in names {
            let channels = match name {
                INPUT => Some(ChannelSet::INPUT),
                name => Channel::from_name(name).map(|channel| ChannelSet::of(&[channel])),
            };
            if channels.is_none() {
                let known = || std::iter::once(INPUT).chain(Channel::ALL.map(Channel::name));
                let help = match suggest::nearest(name, known()) {
                    Some(channel) => format!("did you mean `{channel}`?"),
                    None => format!("channels are {}", suggest::list(known())),
                };
                let message = format!("no channel is called {}", quote(name));
                self.report(Problem::new(place, message).help(help));
            }
            set = set.zip(channels).map(|(set, channels)| set.union(channels));
        }
        set
    }

    fn threshold(&mut self, given: Option<&Located<f64>>) -> Option<f32> {
        given.map_or(Some(THRESHOLD as f32), |given| self.share("threshold", given))
    }

    pub(super) fn share(&mut self, what: &str, given: &Located<f64>) -> Option<f32> {
        if (0.0..=1.0).contains(&given.value) {
            return Some(given.value as f32);
        }
        let message = format!("`{what}` is {}, outside 0 to 1", given.value);
        let help = "higher means surer; the default is 0.5";
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    fn thresholds(
        &mut self,
        file: &GuardrailFile,
        detect: Option<&Detect>,
    ) -> Option<Vec<(&'static str, f32)>> {
        let Some(given) = &file.thresholds else { return Some(Vec::new()) };
        let Detect::Detectors(ids) = detect? else {
            let message = "`thresholds` is for guardrails that ask several detectors";
            self.report(Problem::new(given.place, message).help("write `threshold`"));
            return None;
        };
        let mut thresholds = Vec::new();
        for (name, value) in &given.value {
            let share = self.share(&name.value, value);
            let id = ids.iter().copied().find(|id| *id == name.value);
            if id.is_none() {
                let help = match suggest::nearest(&name.value, ids.iter().copied()) {
                    Some(id) => format!("did you mean `{id}`?"),
                    None => format!("`detect` gives {}", suggest::list(ids.iter().copied())),
                };
                let message =
                    format!("{} is no detector that `detect` names here", quote(&name.value));
                self.report(Problem::new(name.place, message).help(help));
            }
            thresholds.extend(id.zip(share));
        }
        (thresholds.len() == given.value.len()).then_some(thresholds)
    }
}

/// The words of a value that may be one word or a list, each with its place.
pub(super) fn words(given: &Located<Words>) -> Vec<(&str, Option<Place>)> {
    match &given.value {
        Words::One(word) => vec![(word, given.place)],
        Words::Several(words) => {
            words.iter().map(|word| (word.value.as_str(), word.place)).collect()
        }
    }
}
