//! A classifier: a text in, a probability per label out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use bartizan_core::limits::CLASSIFIER_WEIGHTS_BYTES;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;

use crate::config::{Config, Problem};
use crate::error::InferError;
use crate::folder::{TOKENIZER, WEIGHTS, check, read};
use crate::network::Network;
use crate::tokens::Tokens;

/// Longest text that is judged, in bytes.
const TEXT_BYTES: usize = 64 << 10;
/// Shortest window that makes sense, in tokens.
const LEAST_TOKENS: usize = 16;

/// What is asked of a classifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The labels that count; at least one.
    pub labels: Vec<String>,
    /// Tokens of a window, special ones included, 16 or more; `None` for as many as the model takes, 512
    /// at most.
    pub max_tokens: Option<usize>,
}

/// How sure a classifier is of one label.
#[derive(Debug, Clone, PartialEq)]
pub struct Probability {
    /// As `config.json` names it.
    pub label: String,
    /// 0..=1, higher = surer.
    pub probability: f32,
}

/// What is known about a classifier, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// As `config.json` names it.
    pub architecture: String,
    /// By index of the output.
    pub labels: Vec<String>,
    /// Tokens of a window, special ones included.
    pub tokens: usize,
    /// Layers of the network.
    pub layers: usize,
    /// Width of the network.
    pub hidden: usize,
}

/// A classifier in memory. Judges one text at a time; may be shared.
pub struct Classifier {
    config: Config,
    tokens: Tokens,
    network: Network,
    /// Indexes of the labels that count.
    wanted: Vec<usize>,
    window: usize,
}

impl std::fmt::Debug for Classifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier")
            .field("architecture", &self.config.architecture)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Checks what is asked against what there is.
    pub(crate) fn check(&self, config: &Config) -> Result<(), InferError> {
        self.wanted(config)?;
        self.window(config).map(|_| ())
    }

    fn wanted(&self, config: &Config) -> Result<Vec<usize>, InferError> {
        let index = |label: &String| {
            config.labels.iter().position(|known| known == label).ok_or_else(|| InferError::Label {
                label: label.clone(),
                known: config.labels.clone(),
            })
        };
        self.labels.iter().map(index).collect()
    }

    fn window(&self, config: &Config) -> Result<usize, InferError> {
        /// What nearly all of these models were trained on.
        const USUAL_TOKENS: usize = 512;
        let most = config.most_tokens();
        let asked = self.max_tokens.unwrap_or(most.min(USUAL_TOKENS));
        if (LEAST_TOKENS..=most).contains(&asked) {
            return Ok(asked);
        }
        Err(InferError::Length { asked, least: LEAST_TOKENS, most })
    }
}

impl Classifier {
    /// Loads the classifier of a folder. Takes as long as reading the weights, and twice their size in
    /// memory while it does.
    ///
    /// # Errors
    /// [`InferError`]; each says what is wrong with which file, and [`InferError::help`] what to do.
    pub fn load(path: &Path, options: &Options) -> Result<Self, InferError> {
        let config = check(path, options)?;
        let (wanted, window) = (options.wanted(&config)?, options.window(&config)?);
        let file = path.join(TOKENIZER);
        let tokens = guarded(|| Tokens::load(&file, window, config.vocabulary));
        let tokens = tokens.map_err(|error| match error {
            InferError::Failed { reason } => InferError::Tokenizer { path: file, reason },
            other => other,
        })?;
        let file = path.join(WEIGHTS);
        let bytes = read(&file, CLASSIFIER_WEIGHTS_BYTES)?;
        let network = guarded(|| {
            VarBuilder::from_slice_safetensors(&bytes, DType::F32, &Device::Cpu)
                .and_then(|weights| Network::load(&config, &weights))
                .map_err(|source| InferError::Weights { path: file.clone(), source })
        })?;
        Ok(Self { config, tokens, network, wanted, window })
    }

    /// What the classifier is.
    pub fn facts(&self) -> Facts {
        Facts {
            architecture: self.config.architecture.clone(),
            labels: self.config.labels.clone(),
            tokens: self.window,
            layers: self.config.layers,
            hidden: self.config.hidden,
        }
    }

    /// Judges a text: the probability of every label, in the order of the model. A text that is longer
    /// than the model takes is judged in windows that overlap by a quarter, and the window counts in which
    /// the wanted labels are likeliest.
    ///
    /// # Errors
    /// [`InferError::TextTooLong`] above 64 KiB, [`InferError::Failed`] when the model does not work.
    pub fn classify(&self, text: &str) -> Result<Vec<Probability>, InferError> {
        let (probabilities, _) = self.worst_window(text, None)?;
        let labels = self.config.labels.iter().cloned();
        let named = labels.zip(probabilities);
        Ok(named.map(|(label, probability)| Probability { label, probability }).collect())
    }

    /// How likely the wanted labels are in the worst window, 0..=1: their sum where one label applies, the
    /// largest where each may. Stops at the deadline, which is looked at between two layers.
    ///
    /// # Errors
    /// [`InferError::OutOfTime`], and those of [`Classifier::classify`].
    pub fn probability(&self, text: &str, deadline: Option<Instant>) -> Result<f32, InferError> {
        self.worst_window(text, deadline).map(|(_, wanted)| wanted)
    }

    /// How long a text of so many tokens takes, at most those of a window.
    ///
    /// # Errors
    /// [`InferError::Failed`] when the model does not work.
    pub fn measure(&self, tokens: usize) -> Result<Duration, InferError> {
        // Which word it is changes nothing about the time.
        let window = vec![0; tokens.clamp(1, self.window)];
        guarded(|| {
            let started = Instant::now();
            let logits = self.network.logits(&window, &|| true);
            let logits = logits.map_err(|error| InferError::Failed { reason: short(&error) })?;
            self.wanted_of(&self.probabilities(&logits.unwrap_or_default()))?;
            Ok(started.elapsed())
        })
    }

    fn worst_window(
        &self,
        text: &str,
        deadline: Option<Instant>,
    ) -> Result<(Vec<f32>, f32), InferError> {
        if text.len() > TEXT_BYTES {
            return Err(InferError::TextTooLong { limit_bytes: TEXT_BYTES });
        }
        guarded(|| {
            let has_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
            let mut worst: Option<(Vec<f32>, f32)> = None;
            for window in self.tokens.windows(text)? {
                let logits = self.network.logits(&window, &has_time);
                let logits =
                    logits.map_err(|error| InferError::Failed { reason: short(&error) })?;
                let logits = logits.ok_or(InferError::OutOfTime)?;
                let probabilities = self.probabilities(&logits);
                let wanted = self.wanted_of(&probabilities)?;
                if worst.as_ref().is_none_or(|(_, worst)| wanted > *worst) {
                    worst = Some((probabilities, wanted));
                }
            }
            worst.ok_or_else(|| InferError::Failed { reason: "the text has no tokens".to_owned() })
        })
    }

    fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        match self.config.problem {
            Problem::AnyOf => logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
            Problem::OneOf => {
                let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let raised: Vec<f32> = logits.iter().map(|logit| (logit - highest).exp()).collect();
                let sum: f32 = raised.iter().sum();
                raised.iter().map(|value| value / sum).collect()
            }
        }
    }

    /// The probability of what is wanted; weights that are no numbers must not count as harmless.
    fn wanted_of(&self, probabilities: &[f32]) -> Result<f32, InferError> {
        let wanted = self.wanted.iter().filter_map(|index| probabilities.get(*index).copied());
        let wanted = match self.config.problem {
            Problem::OneOf => wanted.sum::<f32>(),
            Problem::AnyOf => {
                wanted.reduce(|a, b| if a.is_nan() || a > b { a } else { b }).unwrap_or(f32::NAN)
            }
        };
        if probabilities.iter().all(|value| value.is_finite()) && wanted.is_finite() {
            return Ok(wanted.clamp(0.0, 1.0));
        }
        Err(InferError::Failed { reason: "the output is no number".to_owned() })
    }
}

/// Runs what is not ours: a panic inside becomes an error.
fn guarded<T>(run: impl FnOnce() -> Result<T, InferError>) -> Result<T, InferError> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(InferError::Failed { reason: "the library panicked".to_owned() }))
}

/// The first line of what the library says; the rest is a backtrace.
fn short(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests;
