//! Networks: tokens in, one number per label out.
//!
//! Written over the tensors of `candle` and not taken from its collection of models, for two things that a
//! time budget needs: it can stop between two layers, and what depends on the weights alone is computed
//! once, when they are loaded.

mod bert;
mod deberta;
mod layers;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;

use crate::config::{Config, Family};
use layers::Head;

/// Says whether there is time for one more layer.
pub(crate) type HasTime<'a> = &'a dyn Fn() -> bool;

/// A network with its weights.
pub(crate) struct Network {
    body: Body,
    head: Head,
}

enum Body {
    Bert(bert::Bert),
    DebertaV2(deberta::Deberta),
}

impl Network {
    /// Takes what `config` describes from the weights.
    pub(crate) fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let body = match config.family {
            Family::Bert | Family::Roberta => Body::Bert(bert::Bert::load(config, weights)?),
            Family::DebertaV2 => Body::DebertaV2(deberta::Deberta::load(config, weights)?),
        };
        Ok(Self { body, head: Head::load(config, weights)? })
    }

    /// The logits of a window, by label; `None` when the time was over before.
    pub(crate) fn logits(&self, ids: &[u32], has_time: HasTime<'_>) -> Result<Option<Vec<f32>>> {
        let tokens = Tensor::new(ids, &Device::Cpu)?;
        let read = match &self.body {
            Body::Bert(bert) => bert.read(&tokens, has_time)?,
            Body::DebertaV2(deberta) => deberta.read(&tokens, has_time)?,
        };
        let Some(read) = read else { return Ok(None) };
        // The first token stands for the whole text.
        self.head.logits(&read.narrow(0, 0, 1)?).map(Some)
    }
}
