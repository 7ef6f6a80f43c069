//! Settings of a guardrail that could never change anything: each is an error, since whoever wrote it believes
//! that it does.

use bartizan_core::channel::{Channel, ChannelSet};
use bartizan_core::settings::Detect;

use crate::compile::Compiler;
use crate::compile::guardrails::words;
use crate::error::Problem;
use crate::file::endpoint::GuardrailFile;
use crate::located::Place;
use crate::suggest;

impl Compiler<'_, '_> {
    /// Reports what a guardrail says and nothing would come of.
    pub(super) fn without_effect(
        &mut self,
        file: &GuardrailFile,
        on: Option<ChannelSet>,
        detect: Option<&Detect>,
        threshold: Option<f32>,
    ) {
        self.empty_keys(file);
        let Some(detect) = detect else { return };
        let most = detect.surest();
        if let (Some(given), Some(threshold)) = (&file.threshold, threshold)
            && threshold > most
        {
            let form = words(&file.detect).first().map_or("detect", |(form, _)| form);
            let message =
                format!("`threshold` is {}, and `{form}` is never surer than {most}", given.value);
            let help = format!("write at most {most}, or remove `threshold`");
            self.report(Problem::new(given.place, message).help(help));
        }
        self.sensitivity_of_nothing(file, detect);
        if let (Some(on), Detect::Detectors(ids)) = (on, detect) {
            self.unread_channels(file, on, ids);
        }
    }

    /// Keys that hold nothing.
    fn empty_keys(&mut self, file: &GuardrailFile) {
        let thresholds = file.thresholds.as_ref().filter(|given| given.value.is_empty());
        let operators = file.operators.as_ref().filter(|given| given.value.is_empty());
        let empty = [
            ("thresholds", thresholds.map(|given| given.place), "`thresholds: { email: 0.8 }`"),
            ("operators", operators.map(|given| given.place), "`operators: { pii: hash }`"),
        ];
        for (key, place, example) in empty {
            if let Some(place) = place {
                let problem = Problem::new(place, format!("`{key}` says nothing"));
                self.report(problem.help(format!("write {example}, or remove `{key}`")));
            }
        }
    }

    fn sensitivity_of_nothing(&mut self, file: &GuardrailFile, detect: &Detect) {
        let Some(given) = &file.sensitivity else { return };
        let trained = self.catalogue.trained;
        let is_trained = |ids: &[&'static str]| ids.iter().any(|id| trained.contains(id));
        if matches!(detect, Detect::Detectors(ids) if is_trained(ids)) {
            return;
        }
        let message = "`sensitivity` is for trained detectors, and this guardrail asks none";
        let help = "write `threshold`, or remove `sensitivity`";
        self.report(Problem::new(given.place, message).help(help));
    }

    /// Detectors that are named and read none of the channels; of those that a category brings, only all of them
    /// together.
    fn unread_channels(&mut self, file: &GuardrailFile, on: ChannelSet, ids: &[&'static str]) {
        let reads = |id: &str| {
            let known = self.catalogue.channels.iter().find(|(known, _)| *known == id);
            known.map_or(ChannelSet::ALL, |(_, channels)| *channels)
        };
        let is_deaf = |id: &str| !on.iter().any(|channel| reads(id).contains(channel));
        let mut named: Vec<(&str, Option<Place>)> = words(&file.detect);
        for list in [&file.entities, &file.categories].into_iter().flatten() {
            named.extend(list.value.iter().map(|name| (name.value.as_str(), name.place)));
        }
        let is_chosen = |name: &str| ids.contains(&name);
        let deaf: Vec<_> =
            named.into_iter().filter(|(name, _)| is_chosen(name) && is_deaf(name)).collect();
        let all_deaf = deaf.is_empty() && !ids.is_empty() && ids.iter().all(|id| is_deaf(id));
        let mut problems: Vec<Problem> = deaf
            .into_iter()
            .map(|(name, place)| {
                let channels = suggest::list(reads(name).iter().map(Channel::name));
                let message = format!("`{name}` reads none of the channels in `on`");
                Problem::new(place, message).help(format!("it reads {channels}"))
            })
            .collect();
        if all_deaf {
            let of_all = ids.iter().fold(ChannelSet::EMPTY, |all, id| all.union(reads(id)));
            let message = "nothing that `detect` names reads these channels";
            let channels = suggest::list(of_all.iter().map(Channel::name));
            problems
                .push(Problem::new(file.on.place, message).help(format!("it reads {channels}")));
        }
        for problem in problems {
            self.report(problem);
        }
    }
}
