//! `DeBERTa` in its second and third version (He et al., 2021): words attend to words, to distances, and
//! distances to words.

use candle_core::{Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{
    Embedding, LayerNorm, Linear, Module as _, VarBuilder, embedding, layer_norm, linear,
    linear_no_bias,
};

use super::HasTime;
use super::layers::{Rest, by_head, joined};
use crate::config::{Config, Relative};

pub(super) struct Deberta {
    words: Embedding,
    /// What every token gets by its place, where positions are also added.
    places: Option<Tensor>,
    /// The first type, since there is one text.
    kind: Option<Tensor>,
    widen: Option<Linear>,
    norm: LayerNorm,
    relative: Relative,
    heads: usize,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    heads: usize,
    /// Keys of the distances that words ask for, `[heads, width by heads, distances]`, scaled. They depend
    /// on the weights alone.
    distance_keys: Option<Tensor>,
    /// Queries of the distances that ask for words, alike.
    distance_queries: Option<Tensor>,
    scale: f64,
    rest: Rest,
}

impl Deberta {
    pub(super) fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let at = config.prefix(weights);
        let embeddings = at.pp("embeddings");
        let relative = config.relative.clone();
        let (hidden, narrow) = (config.hidden, relative.embedding);
        let table = |rows: usize, name: &str| embeddings.get((rows, narrow), name);
        let places = relative
            .is_position_biased
            .then(|| table(config.positions, "position_embeddings.weight"))
            .transpose()?;
        let kind = (config.token_types > 0)
            .then(|| table(config.token_types, "token_type_embeddings.weight")?.narrow(0, 0, 1))
            .transpose()?;
        let widen = (narrow != hidden)
            .then(|| linear_no_bias(narrow, hidden, embeddings.pp("embed_proj")))
            .transpose()?;
        let distances =
            relative.attends.then(|| distances(config, &at.pp("encoder"))).transpose()?;
        let layers = (0..config.layers)
            .map(|index| {
                let layer = at.pp(format!("encoder.layer.{index}"));
                Layer::load(config, distances.as_ref(), &layer)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            words: embedding(config.vocabulary, narrow, embeddings.pp("word_embeddings"))?,
            places,
            kind,
            widen,
            norm: layer_norm(hidden, config.norm_epsilon, embeddings.pp("LayerNorm"))?,
            relative,
            heads: config.heads,
            layers,
        })
    }

    /// The last layer of a window; `None` when the time was over before.
    pub(super) fn read(&self, tokens: &Tensor, has_time: HasTime<'_>) -> Result<Option<Tensor>> {
        let count = tokens.dim(0)?;
        let mut read = self.words.forward(tokens)?;
        if let Some(places) = &self.places {
            read = (read + places.narrow(0, 0, count)?)?;
        }
        if let Some(kind) = &self.kind {
            read = read.broadcast_add(kind)?;
        }
        if let Some(widen) = &self.widen {
            read = widen.forward(&read)?;
        }
        read = self.norm.forward(&read)?;
        if !has_time() {
            return Ok(None);
        }
        let rows = Rows::of(count, &self.relative, self.heads)?;
        for layer in &self.layers {
            if !has_time() {
                return Ok(None);
            }
            read = layer.read(&read, &rows)?;
        }
        Ok(Some(read))
    }
}

/// The table of distances, as all layers read it.
fn distances(config: &Config, encoder: &VarBuilder<'_>) -> Result<Tensor> {
    let rows = config.relative.span() * 2;
    let table = encoder.get((rows, config.hidden), "rel_embeddings.weight")?;
    if !config.relative.norm {
        return Ok(table);
    }
    layer_norm(config.hidden, config.norm_epsilon, encoder.pp("LayerNorm"))?.forward(&table)
}

impl Layer {
    fn load(config: &Config, distances: Option<&Tensor>, at: &VarBuilder<'_>) -> Result<Self> {
        let own = at.pp("attention.self");
        let project = |name: &str| linear(config.hidden, config.hidden, own.pp(name));
        let (query, key) = (project("query_proj")?, project("key_proj")?);
        let relative = &config.relative;
        let (asks, asked) = (relative.content_to_position, relative.position_to_content);
        // Three parts of a score that are summed are scaled for three.
        let parts = 1 + usize::from(asks) + usize::from(asked);
        let scale = ((config.hidden / config.heads * parts) as f64).sqrt();
        let ready = |projection: &Linear, table: &Tensor| -> Result<Tensor> {
            let projected = by_head(&projection.forward(table)?, config.heads)?;
            (projected.transpose(1, 2)?.contiguous()? / scale)?.contiguous()
        };
        let ready_for = |wanted: bool, shared: &Linear, own: &str| -> Result<Option<Tensor>> {
            match distances {
                Some(table) if wanted && relative.shares_key => ready(shared, table).map(Some),
                Some(table) if wanted => ready(&project(own)?, table).map(Some),
                _ => Ok(None),
            }
        };
        Ok(Self {
            distance_keys: ready_for(asks, &key, "pos_key_proj")?,
            distance_queries: ready_for(asked, &query, "pos_query_proj")?,
            query,
            key,
            value: project("value_proj")?,
            heads: config.heads,
            scale,
            rest: Rest::load(config, at)?,
        })
    }

    fn read(&self, before: &Tensor, rows: &Rows) -> Result<Tensor> {
        let query = by_head(&self.query.forward(before)?, self.heads)?;
        let key = by_head(&self.key.forward(before)?, self.heads)?;
        let value = by_head(&self.value.forward(before)?, self.heads)?;
        let mut scores = (query.matmul(&key.t()?)? / self.scale)?;
        if let Some(keys) = &self.distance_keys {
            let by_row = query.matmul(keys)?;
            scores = (scores + by_row.gather(&rows.of_queries, 2)?)?;
        }
        if let Some(queries) = &self.distance_queries {
            let by_row = key.matmul(queries)?;
            let asked = by_row.gather(&rows.of_keys, 2)?;
            scores = (scores + asked.transpose(1, 2)?)?;
        }
        let seen = softmax_last_dim(&scores.contiguous()?)?.matmul(&value)?;
        self.rest.read(before, &joined(&seen)?)
    }
}

/// Which row of the table of distances stands for each pair of tokens.
struct Rows {
    /// `[heads, queries, keys]`.
    of_queries: Tensor,
    /// `[heads, keys, queries]`.
    of_keys: Tensor,
}

impl Rows {
    fn of(count: usize, relative: &Relative, heads: usize) -> Result<Self> {
        let span = signed(relative.span());
        let last = (span * 2 - 1).max(0);
        let mut forth = Vec::with_capacity(count * count);
        let mut back = Vec::with_capacity(count * count);
        for here in 0..signed(count) {
            for there in 0..signed(count) {
                let distance = bucket(here - there, relative);
                forth.push((distance + span).clamp(0, last) as u32);
                // The distance of a key to a query, by the same rule.
                back.push((span - distance).clamp(0, last) as u32);
            }
        }
        let shaped = |rows: Vec<u32>| {
            Tensor::from_vec(rows, (1, count, count), &Device::Cpu)?.repeat((heads, 1, 1))
        };
        Ok(Self { of_queries: shaped(forth)?, of_keys: shaped(back)? })
    }
}

/// A size as a distance; sizes are far below the limits of either.
fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// The bucket of a distance: near ones each have their own, far ones share theirs, ever more of them.
fn bucket(distance: i64, relative: &Relative) -> i64 {
    if relative.buckets == 0 {
        return distance;
    }
    let middle = signed(relative.buckets / 2);
    if distance.abs() <= middle {
        return distance;
    }
    // In single precision, as the models were trained.
    let near = middle as f32;
    let far = ((relative.farthest as f32 - 1.0) / near).ln();
    let log = (distance.abs() as f32 / near).ln() / far * (near - 1.0);
    (log.ceil() as i64 + middle) * distance.signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_distances_share_buckets_and_the_farthest_has_the_last() {
        let relative = Relative { farthest: 512, buckets: 256, ..Relative::default() };
        let at = |distance| bucket(distance, &relative);
        assert_eq!([at(0), at(1), at(-128), at(128)], [0, 1, -128, 128]);
        assert_eq!((at(511), at(-511)), (255, -255));
        assert_eq!(at(300), at(301));
        assert!((129..512).all(|distance| at(distance) >= at(distance - 1)));
    }
}
