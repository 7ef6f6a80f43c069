//! Models of the policy: `models:`, and `refine:` of a guardrail.

use std::collections::BTreeMap;
use std::time::Duration;

use bartizan_core::id::Name;
use bartizan_core::settings::{Detect, LocalModel, Refine};
use bartizan_core::time::parse_duration;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::model::{ModelFile, RefineFile};
use crate::file::scalar::DurationText;
use crate::located::Located;
use crate::snippet::quote;
use crate::{ModelKey, suggest};

/// Default of `threshold` of a model.
const THRESHOLD: f64 = 0.5;
/// Default of `budget`.
const BUDGET: Duration = Duration::from_millis(50);
/// Longest budget: a client waits for it.
const BUDGET_MAX: Duration = Duration::from_secs(60);
/// Texts of a request whose budgets make that of the request, by default.
const TEXTS: u32 = 4;
/// Fewest tokens that a model may be given at once.
const TOKENS_MIN: u64 = 16;
/// Most tokens; no model takes more.
const TOKENS_MAX: u64 = 1 << 16;
/// Most labels of an entry.
const LABELS_MAX: usize = 64;
/// Default of `from`: below, the built-in model does not speak up.
const FROM: f32 = 0.2;
/// Default of `to`.
const TO: f32 = 0.9;
/// The detector whose scores are refined.
const REFINED: &str = "prompt-attack";

impl Compiler<'_, '_> {
    pub(super) fn models(
        &mut self,
        file: &BTreeMap<Located<String>, Located<ModelFile>>,
    ) -> BTreeMap<Name, LocalModel> {
        let Some((first, _)) = file.first_key_value() else { return BTreeMap::new() };
        if self.catalogue.models.is_none() {
            let message = "this build runs no models of your own; remove `models`, or build it in";
            let help = "`cargo build --release --package bartizan --features infer`";
            self.report(Problem::new(first.place, message).help(help));
            return BTreeMap::new();
        }
        let mut models = BTreeMap::new();
        for (key, model) in file {
            let name = self.name(key, "model");
            if let (Some(name), Some(model)) = (name, self.model(&model.value)) {
                models.insert(name, model);
            }
        }
        models
    }

    fn model(&mut self, file: &ModelFile) -> Option<LocalModel> {
        let labels = self.labels(&file.labels);
        let threshold = self.inner_share(file.threshold.as_ref());
        let max_tokens = match &file.max_tokens {
            None => Some(None),
            Some(given) if (TOKENS_MIN..=TOKENS_MAX).contains(&given.value) => {
                Some(Some(given.value as usize))
            }
            Some(given) => {
                let message = format!("{} tokens are too few or too many to read", given.value);
                let help = format!("write `max-tokens` from {TOKENS_MIN} on; most models take 512");
                self.report(Problem::new(given.place, message).help(help));
                None
            }
        };
        let budget = self.time_budget(file.budget.as_ref(), BUDGET);
        let request_budget =
            self.time_budget(file.request_budget.as_ref(), budget.unwrap_or(BUDGET) * TEXTS);
        if file.path.value.trim().is_empty() {
            let problem = Problem::new(file.path.place, "`path` is empty");
            self.report(problem.help("name the folder of the model"));
            return None;
        }
        let model = LocalModel {
            path: self.base_dir.join(&file.path.value),
            labels: labels?,
            threshold: threshold?,
            max_tokens: max_tokens?,
            budget: budget?,
            request_budget: request_budget?,
        };
        let check = self.catalogue.models?;
        if let Err(problem) = check(&model) {
            let place = match problem.key {
                ModelKey::Path => file.path.place,
                ModelKey::Labels => file.labels.value.first().and_then(|label| label.place),
                ModelKey::MaxTokens => file.max_tokens.as_ref().and_then(|given| given.place),
            };
            let place = place.or(file.path.place);
            self.report(Problem::new(place, problem.message).help(problem.help));
            return None;
        }
        Some(model)
    }

    fn labels(&mut self, given: &Located<Vec<Located<String>>>) -> Option<Vec<String>> {
        if (1..=LABELS_MAX).contains(&given.value.len()) {
            let mut labels: Vec<String> = Vec::new();
            for label in &given.value {
                // Counted twice, a label would weigh twice.
                if !labels.contains(&label.value) {
                    labels.push(label.value.clone());
                }
            }
            return Some(labels);
        }
        let message = format!("{} labels stand for an attack", given.value.len());
        let help = format!("name 1 to {LABELS_MAX} labels of the model, as its `config.json` does");
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    /// A share that is neither 0 nor 1.
    fn inner_share(&mut self, given: Option<&Located<f64>>) -> Option<f32> {
        let Some(given) = given else { return Some(THRESHOLD as f32) };
        let share = given.value as f32;
        if share > 0.0 && share < 1.0 {
            return Some(share);
        }
        let message = format!("`threshold` is {}, not between 0 and 1", given.value);
        let help = "write the probability from which the model means an attack, such as 0.5";
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    /// `50ms`: up to a minute, and none at all.
    fn time_budget(
        &mut self,
        given: Option<&Located<DurationText>>,
        default: Duration,
    ) -> Option<Duration> {
        let Some(given) = given else { return Some(default.min(BUDGET_MAX)) };
        let budget = parse_duration(&given.value.0).ok().filter(|budget| *budget <= BUDGET_MAX);
        if budget.is_none() {
            let message = format!("{} is not a time to judge in", quote(&given.value.0));
            let help = "write a number with `ms` or `s`, from `0ms` to `60s`";
            self.report(Problem::new(given.place, message).help(help));
        }
        budget
    }

    /// The model that a guardrail asks.
    pub(super) fn refine(
        &mut self,
        policy: &PolicyFile,
        given: &Located<RefineFile>,
        detect: Option<&Detect>,
    ) -> Option<Refine> {
        let (name, place, from, to) = match &given.value {
            RefineFile::Model(name) => (name, given.place, None, None),
            RefineFile::Zone(zone) => {
                (&zone.model.value, zone.model.place, zone.from.as_ref(), zone.to.as_ref())
            }
        };
        let from = from.map_or(Some(FROM), |given| self.share("from", given));
        let to = to.map_or(Some(TO), |given| self.share("to", given));
        // What `detect` lacks was said already.
        if detect.is_some_and(|detect| !looks_for_attacks(detect)) {
            let message = format!("`refine` is about `{REFINED}`, which `detect` does not name");
            let help = format!("add `{REFINED}` to `detect`, or remove `refine`");
            self.report(Problem::new(given.place, message).help(help));
        }
        let names = || policy.models.keys().map(|key| key.value.as_str());
        if !names().any(|known| known == name) {
            let help = match suggest::nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if policy.models.is_empty() => "add it to `models:`".to_owned(),
                None => format!("models of this file: {}", suggest::list(names())),
            };
            self.report(
                Problem::new(place, format!("no model is named {}", quote(name))).help(help),
            );
            return None;
        }
        let (from, to) = (from?, to?);
        if from >= to {
            let message = format!("no score lies between {from} and {to}");
            let help = "write `from` below `to`, such as `from: 0.2, to: 0.9`";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        // A wrong name of a model is reported where the model stands.
        Some(Refine { model: name.parse().ok()?, from, to })
    }
}

fn looks_for_attacks(detect: &Detect) -> bool {
    matches!(detect, Detect::Detectors(ids) if ids.contains(&REFINED))
}
