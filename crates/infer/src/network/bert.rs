//! BERT (Devlin et al., 2019), and `RoBERTa` (Liu et al., 2019), which differs in how it counts positions.

use candle_core::{Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{
    Embedding, LayerNorm, Linear, Module as _, VarBuilder, embedding, layer_norm, linear,
};

use super::HasTime;
use super::layers::{Rest, by_head, joined};
use crate::config::{Config, Family};

pub(super) struct Bert {
    words: Embedding,
    /// What every token gets by its place: position and, since there is one text, the first type.
    places: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    heads: usize,
    rest: Rest,
}

impl Bert {
    pub(super) fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let at = config.prefix(weights);
        let embeddings = at.pp("embeddings");
        let hidden = config.hidden;
        let positions = embeddings.get((config.positions, hidden), "position_embeddings.weight")?;
        // RoBERTa keeps the places up to that of the padding free.
        let first = if config.family == Family::Roberta { config.pad + 1 } else { 0 };
        let mut places = positions.narrow(0, first, config.positions - first)?;
        if config.token_types > 0 {
            let types =
                embeddings.get((config.token_types, hidden), "token_type_embeddings.weight")?;
            places = places.broadcast_add(&types.narrow(0, 0, 1)?)?;
        }
        let layers = (0..config.layers)
            .map(|index| Layer::load(config, &at.pp(format!("encoder.layer.{index}"))))
            .collect::<Result<_>>()?;
        Ok(Self {
            words: embedding(config.vocabulary, hidden, embeddings.pp("word_embeddings"))?,
            places,
            norm: layer_norm(hidden, config.norm_epsilon, embeddings.pp("LayerNorm"))?,
            layers,
        })
    }

    /// The last layer of a window; `None` when the time was over before.
    pub(super) fn read(&self, tokens: &Tensor, has_time: HasTime<'_>) -> Result<Option<Tensor>> {
        let count = tokens.dim(0)?;
        let words = self.words.forward(tokens)?;
        let mut read = self.norm.forward(&(words + self.places.narrow(0, 0, count)?)?)?;
        for layer in &self.layers {
            if !has_time() {
                return Ok(None);
            }
            read = layer.read(&read)?;
        }
        Ok(Some(read))
    }
}

impl Layer {
    fn load(config: &Config, at: &VarBuilder<'_>) -> Result<Self> {
        let project =
            |name: &str| linear(config.hidden, config.hidden, at.pp("attention.self").pp(name));
        Ok(Self {
            query: project("query")?,
            key: project("key")?,
            value: project("value")?,
            heads: config.heads,
            rest: Rest::load(config, at)?,
        })
    }

    fn read(&self, before: &Tensor) -> Result<Tensor> {
        let query = by_head(&self.query.forward(before)?, self.heads)?;
        let key = by_head(&self.key.forward(before)?, self.heads)?;
        let value = by_head(&self.value.forward(before)?, self.heads)?;
        let scale = (query.dim(2)? as f64).sqrt();
        let scores = (query.matmul(&key.t()?)? / scale)?;
        let seen = softmax_last_dim(&scores)?.matmul(&value)?;
        self.rest.read(before, &joined(&seen)?)
    }
}
