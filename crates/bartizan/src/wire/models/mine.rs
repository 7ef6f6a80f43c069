//! Classifiers of one's own, as the guard asks them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use bartizan_core::Name;
use bartizan_core::settings::{LocalModel, Settings};
use bartizan_gateway::Models;
use bartizan_guard::refine::{Budget, Opinion, Refiner, Unjudged};
use bartizan_infer::{Classifier, InferError, Options, Timed};
use bartizan_policy::{ModelKey, ModelProblem};

use super::Measured;
use crate::format::{chain, usage};

/// A model with what the policy says about it.
struct Mine {
    model: Arc<Timed>,
    threshold: f32,
    budget: Budget,
}

impl Refiner for Mine {
    fn budget(&self) -> Budget {
        self.budget
    }

    fn judge(&self, text: &str, time: Duration) -> Opinion {
        let answer = self.model.judge(text, time);
        let score = answer.judged.map(|probability| score(probability, self.threshold));
        let score = score.map_err(|why| match why {
            bartizan_infer::Unjudged::OutOfTime => Unjudged::OutOfTime,
            bartizan_infer::Unjudged::Failed => Unjudged::Failed,
        });
        Opinion { score, took: answer.took }
    }
}

/// The score of a finding from the probability of a model: its threshold becomes 0.5, where a guardrail
/// speaks up by default, and both sides of it are stretched evenly to 0 and 1.
fn score(probability: f32, threshold: f32) -> f32 {
    if probability < threshold {
        0.5 * probability / threshold
    } else {
        0.5 + 0.5 * (probability - threshold) / (1.0 - threshold)
    }
}

pub(super) fn check(model: &LocalModel) -> Result<(), ModelProblem> {
    bartizan_infer::inspect(&model.path, &options(model)).map_err(|error| ModelProblem {
        key: match error {
            InferError::Label { .. } => ModelKey::Labels,
            InferError::Length { .. } => ModelKey::MaxTokens,
            _ => ModelKey::Path,
        },
        message: chain(&error),
        help: error.help(),
    })
}

pub(super) fn load(settings: &Settings) -> anyhow::Result<Models> {
    let asked = asked(settings);
    let mut models = Models::new();
    for (name, said) in settings.models.iter().filter(|(name, _)| asked.contains(name)) {
        let model = loaded(said)
            .map_err(|error| usage(format!("model `{name}`: {}", chain(&error)), error.help()))?;
        let budget = Budget { text: said.budget, request: said.request_budget };
        models.insert(name.clone(), Arc::new(Mine { model, threshold: said.threshold, budget }));
    }
    Ok(models)
}

/// Names of the models that some guardrail asks.
fn asked(settings: &Settings) -> BTreeSet<&Name> {
    let rails = settings.endpoints.values().flat_map(|endpoint| &endpoint.guardrails);
    rails.filter_map(|rail| rail.refine.as_ref()).map(|refine| &refine.model).collect()
}

/// Runs each model once with as many tokens as it takes, and once with few.
pub(crate) fn measure(settings: &Settings) -> Vec<Measured> {
    /// A message of a person.
    const FEW: usize = 64;
    let asked = asked(settings);
    let measured = |(name, said): (&Name, &LocalModel)| {
        let name_of = name.to_string();
        if !asked.contains(name) {
            let found = Ok("no guardrail asks it, so it is not loaded".to_owned());
            return Measured { name: name_of, found, fix: None };
        }
        let times = loaded(said).and_then(|model| {
            let facts = model.facts();
            let few = FEW.min(facts.tokens);
            Ok((few, model.measure(few)?, model.measure(facts.tokens)?, facts))
        });
        let (tokens, few, all, facts) = match times {
            Ok(times) => times,
            Err(error) => {
                let found = Err(chain(&error));
                return Measured { name: name_of, found, fix: Some(error.help()) };
            }
        };
        let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        let found = format!(
            "{}, {} layers of {}, labels {}; {tokens} tokens take {}, {} take {}; budget {}",
            facts.architecture,
            facts.layers,
            facts.hidden,
            facts.labels.join(", "),
            millis(few),
            facts.tokens,
            millis(all),
            millis(said.budget),
        );
        let fix = (few > said.budget).then(|| {
            "few texts will be judged in time: raise `budget`, or use a smaller model".to_owned()
        });
        Measured { name: name_of, found: Ok(found), fix }
    };
    settings.models.iter().map(measured).collect()
}

fn options(model: &LocalModel) -> Options {
    Options { labels: model.labels.clone(), max_tokens: model.max_tokens }
}

/// What makes a loaded model that of an entry: what is asked of it, and the files as they are.
#[derive(PartialEq)]
struct Key {
    path: PathBuf,
    labels: Vec<String>,
    max_tokens: Option<usize>,
    files: Vec<Option<(u64, Option<SystemTime>)>>,
}

/// Models in memory. Each is there as long as a policy that is in force asks it.
static LOADED: Mutex<Vec<(Key, Weak<Timed>)>> = Mutex::new(Vec::new());

fn loaded(model: &LocalModel) -> Result<Arc<Timed>, InferError> {
    let files = ["config.json", "tokenizer.json", "model.safetensors"].map(|file| {
        let found = std::fs::metadata(model.path.join(file)).ok()?;
        Some((found.len(), found.modified().ok()))
    });
    let key = Key {
        path: model.path.clone(),
        labels: model.labels.clone(),
        max_tokens: model.max_tokens,
        files: files.to_vec(),
    };
    let mut known = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|(_, model)| model.strong_count() > 0);
    let same = known.iter().find(|(other, _)| *other == key).and_then(|(_, model)| model.upgrade());
    if let Some(same) = same {
        return Ok(same);
    }
    let made = Arc::new(Timed::new(Classifier::load(&model.path, &options(model))?));
    known.push((key, Arc::downgrade(&made)));
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_of_a_model_is_where_guardrails_speak_up() {
        for threshold in [0.1, 0.5, 0.9] {
            assert!((score(threshold, threshold) - 0.5).abs() < 1e-6);
            assert!(
                score(0.0, threshold).abs() < 1e-6 && (score(1.0, threshold) - 1.0).abs() < 1e-6
            );
            let steps: Vec<f32> =
                (0..=20).map(|step| score(step as f32 / 20.0, threshold)).collect();
            assert!(steps.is_sorted(), "{steps:?}");
        }
    }
}
