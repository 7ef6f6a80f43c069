//! What the families have in common. Every tensor of a text is `[tokens, width]`.

use candle_core::{Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module as _, VarBuilder, layer_norm, linear};

use crate::config::{Activation, Config, Family};

impl Activation {
    pub(super) fn of(self, values: &Tensor) -> Result<Tensor> {
        match self {
            Self::Gelu => values.gelu_erf(),
            Self::GeluTanh => values.gelu(),
            Self::Relu => values.relu(),
            Self::Tanh => values.tanh(),
            Self::Silu => values.silu(),
        }
    }
}

/// Heads apart: `[tokens, width]` becomes `[heads, tokens, width by heads]`.
pub(super) fn by_head(values: &Tensor, heads: usize) -> Result<Tensor> {
    let (tokens, width) = values.dims2()?;
    values.reshape((tokens, heads, width / heads))?.transpose(0, 1)?.contiguous()
}

/// Heads together again.
pub(super) fn joined(values: &Tensor) -> Result<Tensor> {
    let (heads, tokens, width) = values.dims3()?;
    values.transpose(0, 1)?.contiguous()?.reshape((tokens, heads * width))
}

/// What comes behind attention in every layer.
pub(super) struct Rest {
    attention: Linear,
    attention_norm: LayerNorm,
    widen: Linear,
    activation: Activation,
    narrow: Linear,
    norm: LayerNorm,
}

impl Rest {
    pub(super) fn load(config: &Config, layer: &VarBuilder<'_>) -> Result<Self> {
        let (hidden, wide) = (config.hidden, config.intermediate);
        let norm = |at: VarBuilder<'_>| layer_norm(hidden, config.norm_epsilon, at);
        Ok(Self {
            attention: linear(hidden, hidden, layer.pp("attention.output.dense"))?,
            attention_norm: norm(layer.pp("attention.output.LayerNorm"))?,
            widen: linear(hidden, wide, layer.pp("intermediate.dense"))?,
            activation: config.activation,
            narrow: linear(wide, hidden, layer.pp("output.dense"))?,
            norm: norm(layer.pp("output.LayerNorm"))?,
        })
    }

    /// `before` went into attention, `seen` came out.
    pub(super) fn read(&self, before: &Tensor, seen: &Tensor) -> Result<Tensor> {
        let seen = self.attention_norm.forward(&(self.attention.forward(seen)? + before)?)?;
        let wide = self.activation.of(&self.widen.forward(&seen)?)?;
        self.norm.forward(&(self.narrow.forward(&wide)? + &seen)?)
    }
}

/// From the first token to the labels.
pub(super) struct Head {
    dense: Linear,
    activation: Activation,
    labels: Linear,
}

impl Head {
    pub(super) fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let (dense, activation, labels) = match config.family {
            Family::Bert => ("bert.pooler.dense", Activation::Tanh, "classifier"),
            Family::Roberta => ("classifier.dense", Activation::Tanh, "classifier.out_proj"),
            Family::DebertaV2 => ("pooler.dense", config.pooler_activation, "classifier"),
        };
        Ok(Self {
            dense: linear(config.hidden, config.hidden, weights.pp(dense))?,
            activation,
            labels: linear(config.hidden, config.labels.len(), weights.pp(labels))?,
        })
    }

    pub(super) fn logits(&self, first: &Tensor) -> Result<Vec<f32>> {
        let pooled = self.activation.of(&self.dense.forward(first)?)?;
        self.labels.forward(&pooled)?.flatten_all()?.to_vec1()
    }
}
