//! `config.json`: the architecture of a classifier, its sizes and its labels.

use std::collections::BTreeMap;
use std::path::Path;

use candle_nn::VarBuilder;
use serde::Deserialize;

use crate::error::InferError;

/// What [`crate::network`] can run, as `config.json` names it.
pub(crate) const ARCHITECTURES: [&str; 4] = [
    "BertForSequenceClassification",
    "DebertaV2ForSequenceClassification",
    "RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification",
];

/// Most labels of a classifier.
const MOST_LABELS: usize = 256;
/// Most layers of a network.
const MOST_LAYERS: usize = 128;
/// Largest width of a vector, and longest text in tokens.
const MOST_WIDTH: usize = 1 << 16;
/// Most heads of a layer. The largest models have 64.
const MOST_HEADS: usize = 128;
/// Most scores of a layer, which are the square of the tokens for each head: 512 tokens with as many heads as
/// may be. A judgement holds a few tensors of this size at once.
const MOST_SCORES: usize = 512 * 512 * MOST_HEADS;
/// Most numbers of the tables of distances, which every layer holds in its own form; the largest models have a
/// seventh of it.
const MOST_DISTANCES: usize = 1 << 28;
/// Largest vocabulary.
const MOST_WORDS: usize = 1 << 22;

/// Families of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Positions are learned and counted from 0.
    Bert,
    /// As BERT, with positions counted from behind the padding, and another head.
    Roberta,
    /// Positions count relative to each other.
    DebertaV2,
}

/// What the output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// One label applies.
    OneOf,
    /// Each label applies or not.
    AnyOf,
}

/// A function between layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Activation {
    #[serde(rename = "gelu")]
    Gelu,
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh", alias = "gelu_fast")]
    GeluTanh,
    #[serde(rename = "relu")]
    Relu,
    #[serde(rename = "tanh")]
    Tanh,
    #[serde(rename = "silu", alias = "swish")]
    Silu,
}

/// A checked `config.json`.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) family: Family,
    pub(crate) architecture: String,
    pub(crate) problem: Problem,
    /// By index of the output.
    pub(crate) labels: Vec<String>,
    pub(crate) vocabulary: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) intermediate: usize,
    pub(crate) activation: Activation,
    pub(crate) norm_epsilon: f64,
    /// Rows of the table of positions.
    pub(crate) positions: usize,
    pub(crate) token_types: usize,
    pub(crate) pad: usize,
    pub(crate) relative: Relative,
    pub(crate) pooler_activation: Activation,
}

/// What `DeBERTa` has beyond BERT.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the format")]
pub(crate) struct Relative {
    /// Width of the table of words, where it is not that of the layers.
    pub(crate) embedding: usize,
    /// Whether positions are also added to the words.
    pub(crate) is_position_biased: bool,
    /// Whether attention reads relative positions.
    pub(crate) attends: bool,
    /// Farthest distance that is told apart.
    pub(crate) farthest: usize,
    /// Buckets of distances; 0 for none.
    pub(crate) buckets: usize,
    /// Whether words ask for positions.
    pub(crate) content_to_position: bool,
    /// Whether positions ask for words.
    pub(crate) position_to_content: bool,
    /// Whether positions use the projections of words.
    pub(crate) shares_key: bool,
    /// Whether the table of distances is evened.
    pub(crate) norm: bool,
}

impl Relative {
    /// Half the rows of the table of distances.
    pub(crate) const fn span(&self) -> usize {
        if self.buckets > 0 { self.buckets } else { self.farthest }
    }
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    problem_type: Option<String>,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: Activation,
    #[serde(default = "usual_epsilon")]
    layer_norm_eps: f64,
    max_position_embeddings: usize,
    #[serde(default)]
    type_vocab_size: usize,
    #[serde(default)]
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
    embedding_size: Option<usize>,
    #[serde(default = "yes")]
    position_biased_input: bool,
    #[serde(default)]
    relative_attention: bool,
    #[serde(default)]
    max_relative_positions: Option<i64>,
    #[serde(default)]
    position_buckets: Option<i64>,
    pos_att_type: Option<Words>,
    #[serde(default)]
    share_att_key: bool,
    norm_rel_ebd: Option<String>,
    conv_kernel_size: Option<i64>,
    attention_head_size: Option<usize>,
    pooler_hidden_size: Option<usize>,
    pooler_hidden_act: Option<Activation>,
}

/// `"c2p|p2c"` or `["c2p", "p2c"]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Joined(String),
    List(Vec<String>),
}

impl Words {
    fn has(&self, word: &str) -> bool {
        match self {
            Self::Joined(text) => text.split('|').any(|known| known.trim() == word),
            Self::List(list) => list.iter().any(|known| known == word),
        }
    }
}

const fn usual_epsilon() -> f64 {
    1e-12
}

const fn yes() -> bool {
    true
}

impl Config {
    /// Reads the bytes of a `config.json`; `path` is for messages.
    pub(crate) fn read(bytes: &[u8], path: &Path) -> Result<Self, InferError> {
        let wrong = |reason: String| InferError::Config { path: path.to_owned(), reason };
        let architectures: Architectures =
            serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let named = architectures.architectures.first().map_or("", String::as_str);
        let family = match named {
            "BertForSequenceClassification" => Family::Bert,
            "DebertaV2ForSequenceClassification" => Family::DebertaV2,
            "RobertaForSequenceClassification" | "XLMRobertaForSequenceClassification" => {
                Family::Roberta
            }
            "" => return Err(wrong("it names no architecture".to_owned())),
            other => return Err(InferError::Architecture { architecture: shown(other) }),
        };
        let file: ConfigFile =
            serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        file.check(family).map_err(wrong)
    }
}

/// The part that says what the rest is.
#[derive(Deserialize)]
struct Architectures {
    #[serde(default)]
    architectures: Vec<String>,
}

impl ConfigFile {
    fn check(self, family: Family) -> Result<Config, String> {
        let labels = self.labels()?;
        let problem = match self.problem_type.as_deref() {
            None | Some("single_label_classification") if labels.len() > 1 => Problem::OneOf,
            None | Some("single_label_classification" | "multi_label_classification") => {
                Problem::AnyOf
            }
            Some(other) => return Err(format!("`problem_type` is `{}`", shown(other))),
        };
        for (what, value, most) in [
            ("vocab_size", self.vocab_size, MOST_WORDS),
            ("hidden_size", self.hidden_size, MOST_WIDTH),
            ("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS),
            ("num_attention_heads", self.num_attention_heads, MOST_HEADS),
            ("intermediate_size", self.intermediate_size, MOST_WIDTH),
            ("max_position_embeddings", self.max_position_embeddings, MOST_WIDTH),
        ] {
            if value == 0 || value > most {
                return Err(format!("`{what}` is {value}, outside 1 to {most}"));
            }
        }
        if self.type_vocab_size > MOST_WIDTH {
            return Err(format!("`type_vocab_size` is {}", self.type_vocab_size));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err("`hidden_size` is no multiple of `num_attention_heads`".to_owned());
        }
        let per_head = self.hidden_size / self.num_attention_heads;
        if self.attention_head_size.is_some_and(|size| size != per_head) {
            return Err("`attention_head_size` is not `hidden_size` by heads".to_owned());
        }
        if self.pooler_hidden_size.is_some_and(|size| size != self.hidden_size) {
            return Err("`pooler_hidden_size` is not `hidden_size`".to_owned());
        }
        let is_absolute =
            self.position_embedding_type.as_deref().is_none_or(|kind| kind == "absolute");
        if family != Family::DebertaV2 && !is_absolute {
            return Err("positions that are not absolute cannot be run".to_owned());
        }
        if family == Family::DebertaV2 && self.conv_kernel_size.is_some_and(|size| size > 0) {
            return Err("a convolution (`conv_kernel_size`) cannot be run".to_owned());
        }
        let relative = self.relative()?;
        let pad = self.pad_token_id.unwrap_or_default();
        if pad > MOST_WORDS {
            return Err(format!("`pad_token_id` is {pad}, above {MOST_WORDS}"));
        }
        let forms =
            usize::from(relative.content_to_position) + usize::from(relative.position_to_content);
        let distances = [self.hidden_size, self.num_hidden_layers, forms]
            .into_iter()
            .fold(relative.span() * 2, usize::saturating_mul);
        if relative.attends && distances > MOST_DISTANCES {
            return Err("the tables of distances are too large for so many layers".to_owned());
        }
        if family == Family::Roberta && pad + 2 >= self.max_position_embeddings {
            return Err("`pad_token_id` leaves no positions".to_owned());
        }
        Ok(Config {
            family,
            architecture: self.architectures.into_iter().next().unwrap_or_default(),
            problem,
            labels,
            vocabulary: self.vocab_size,
            hidden: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            intermediate: self.intermediate_size,
            activation: self.hidden_act,
            norm_epsilon: self.layer_norm_eps,
            positions: self.max_position_embeddings,
            token_types: self.type_vocab_size,
            pad,
            relative,
            pooler_activation: self.pooler_hidden_act.unwrap_or(Activation::Gelu),
        })
    }

    fn labels(&self) -> Result<Vec<String>, String> {
        // Without names, a model has two.
        if self.id2label.is_empty() {
            return Ok(vec!["LABEL_0".to_owned(), "LABEL_1".to_owned()]);
        }
        if self.id2label.len() > MOST_LABELS {
            return Err(format!("`id2label` has more than {MOST_LABELS} labels"));
        }
        let label = |index: usize| self.id2label.get(&index.to_string()).cloned();
        (0..self.id2label.len())
            .map(|index| label(index).ok_or_else(|| format!("`id2label` has no label {index}")))
            .collect()
    }

    fn relative(&self) -> Result<Relative, String> {
        let farthest = match self.max_relative_positions {
            Some(farthest) if farthest >= 1 => farthest as usize,
            _ => self.max_position_embeddings,
        };
        let buckets = self.position_buckets.unwrap_or_default().max(0) as usize;
        let embedding = self.embedding_size.unwrap_or(self.hidden_size);
        // Distances within half the buckets are told apart one by one.
        if buckets > 0 && (buckets < 4 || farthest <= buckets / 2 + 1) {
            return Err("`position_buckets` does not fit `max_relative_positions`".to_owned());
        }
        if [farthest, buckets, embedding].iter().any(|value| *value > MOST_WIDTH) || embedding == 0
        {
            return Err("a size is too large".to_owned());
        }
        let attends_by = |word| self.pos_att_type.as_ref().is_some_and(|words| words.has(word));
        Ok(Relative {
            embedding,
            is_position_biased: self.position_biased_input,
            attends: self.relative_attention,
            farthest,
            buckets,
            content_to_position: attends_by("c2p"),
            position_to_content: attends_by("p2c"),
            shares_key: self.share_att_key,
            norm: self
                .norm_rel_ebd
                .as_ref()
                .is_some_and(|text| text.split('|').any(|word| word.trim() == "layer_norm")),
        })
    }
}

impl Config {
    /// Most tokens that the network takes at once, special ones included, and that memory allows.
    pub(crate) fn most_tokens(&self) -> usize {
        let positions = match self.family {
            Family::Bert | Family::DebertaV2 => self.positions,
            Family::Roberta => self.positions - self.pad - 1,
        };
        positions.min((MOST_SCORES / self.heads).isqrt())
    }

    /// Where the names of the weights of the network begin.
    pub(crate) fn prefix<'a>(&self, weights: &VarBuilder<'a>) -> VarBuilder<'a> {
        weights.pp(match self.family {
            Family::Bert => "bert",
            Family::Roberta => "roberta",
            Family::DebertaV2 => "deberta",
        })
    }
}

/// The start of a text from a file, for a message.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, InferError> {
        Config::read(text.as_bytes(), Path::new("config.json"))
    }

    const BERT: &str = r#"{"architectures":["BertForSequenceClassification"],"vocab_size":9,"hidden_size":8,
        "num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":8,"hidden_act":"gelu",
        "max_position_embeddings":16,"type_vocab_size":2}"#;

    #[test]
    fn what_is_not_said_is_what_the_format_says() {
        let config = read(BERT).unwrap();
        assert_eq!(config.labels, ["LABEL_0", "LABEL_1"]);
        assert_eq!((config.problem, config.most_tokens()), (Problem::OneOf, 16));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for (from, to) in [
            ("\"hidden_size\":8", "\"hidden_size\":7"),
            ("\"hidden_size\":8", "\"hidden_size\":0"),
            ("\"hidden_size\":8", "\"hidden_size\":99999999"),
            ("\"num_hidden_layers\":1", "\"num_hidden_layers\":100000"),
            ("\"hidden_act\":\"gelu\"", "\"hidden_act\":\"sine\""),
            ("\"vocab_size\":9", "\"vocab_size\":-9"),
            ("\"vocab_size\":9,", ""),
            ("\"vocab_size\":9", "\"vocab_size\":9,\"id2label\":{\"1\":\"A\",\"2\":\"B\"}"),
            ("\"vocab_size\":9", "\"vocab_size\":9,\"problem_type\":\"regression\""),
            ("\"vocab_size\":9", "\"vocab_size\":9,\"position_embedding_type\":\"relative_key\""),
            ("\"vocab_size\":9", "\"vocab_size\":9,\"position_buckets\":3"),
            ("\"num_attention_heads\":2", "\"num_attention_heads\":129"),
            ("\"vocab_size\":9", "\"vocab_size\":9,\"pad_token_id\":18446744073709551615"),
        ] {
            assert!(BERT.contains(from), "{from}");
            let error = read(&BERT.replace(from, to)).unwrap_err();
            assert!(matches!(error, InferError::Config { .. }), "{to}: {error}");
        }
    }

    #[test]
    fn a_padding_that_leaves_no_positions_is_refused() {
        for pad in ["18446744073709551615", "18446744073709551614", "14"] {
            let roberta = BERT
                .replace("BertFor", "RobertaFor")
                .replace("\"vocab_size\":9", &format!("\"vocab_size\":9,\"pad_token_id\":{pad}"));
            let error = read(&roberta).unwrap_err();
            assert!(error.to_string().contains("`pad_token_id`"), "{error}");
        }
    }

    #[test]
    fn memory_bounds_tokens_and_tables_of_distances() {
        let long = BERT.replace("_embeddings\":16", "_embeddings\":65536");
        assert_eq!(read(&long).unwrap().most_tokens(), 4096);
        let many = long
            .replace("\"num_attention_heads\":2", "\"num_attention_heads\":128")
            .replace("\"hidden_size\":8", "\"hidden_size\":128");
        assert_eq!(read(&many).unwrap().most_tokens(), 512);

        let deberta = |layers: usize, farthest: usize| {
            let relative = format!(
                "\"vocab_size\":9,\"relative_attention\":true,\"pos_att_type\":\"c2p|p2c\",\
                 \"max_relative_positions\":{farthest}"
            );
            let text = BERT
                .replace("BertFor", "DebertaV2For")
                .replace("\"hidden_size\":8", "\"hidden_size\":64")
                .replace("_layers\":1", &format!("_layers\":{layers}"))
                .replace("\"vocab_size\":9", &relative);
            read(&text)
        };
        assert!(deberta(24, 512).is_ok());
        let error = deberta(128, 65_536).unwrap_err();
        assert!(error.to_string().contains("tables of distances"), "{error}");
    }

    #[test]
    fn another_family_is_named_with_those_that_work() {
        let error = read(&BERT.replace("BertFor", "ElectraFor")).unwrap_err();
        assert!(error.to_string().contains("ElectraForSequenceClassification"), "{error}");
        assert!(error.help().contains("DebertaV2ForSequenceClassification"));
        assert!(matches!(read("{}").unwrap_err(), InferError::Config { .. }));
    }
}
