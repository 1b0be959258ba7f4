//! BERT's encoder (Devlin et al. 2019): sums of three tables, then layers of attention and a small network, each added to what
//! went in and normalised. Texts of one length at a time, so that nothing is padded and a text is not touched by its neighbours.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{Embedding, LayerNorm, Linear, Module as _, VarBuilder, embedding, layer_norm, linear};
use serde::Deserialize;

/// What `config.json` says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    pub(crate) model_type: String,
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) max_position_embeddings: usize,
    #[serde(default = "type_vocab_size")]
    pub(crate) type_vocab_size: usize,
    pub(crate) hidden_act: String,
    #[serde(default = "layer_norm_eps")]
    pub(crate) layer_norm_eps: f64,
    pub(crate) position_embedding_type: Option<String>,
}

fn type_vocab_size() -> usize {
    2
}

fn layer_norm_eps() -> f64 {
    1e-12
}

impl Config {
    /// What of it is not supported, if anything.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.model_type != "bert" {
            let name = &self.model_type;
            return Some(format!(
                "model_type {name:?} is not supported; take a model of type \"bert\" or Model2Vec"
            ));
        }
        if self.hidden_act != "gelu" {
            return Some(format!(
                "hidden_act {:?} is not supported; take a model with \"gelu\"",
                self.hidden_act
            ));
        }
        if self.position_embedding_type.as_deref().is_some_and(|kind| kind != "absolute") {
            return Some("position_embedding_type must be \"absolute\"; take another model".into());
        }
        let is_even =
            self.num_attention_heads > 0 && self.hidden_size.is_multiple_of(self.num_attention_heads);
        let is_there = self.hidden_size > 0 && self.num_hidden_layers > 0;
        (!is_even || !is_there)
            .then(|| "hidden_size must be a multiple of num_attention_heads, and neither nought".into())
    }
}

/// The encoder.
#[derive(Debug)]
pub(crate) struct Bert {
    words: Embedding,
    positions: Embedding,
    kinds: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    device: Device,
}

impl Bert {
    /// From weights whose names begin with `weights`.
    pub(crate) fn new(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let (tables, size) = (weights.pp("embeddings"), config.hidden_size);
        let layer = |at: usize| Layer::new(&weights.pp(format!("encoder.layer.{at}")), config);
        Ok(Self {
            words: embedding(config.vocab_size, size, tables.pp("word_embeddings"))?,
            positions: embedding(config.max_position_embeddings, size, tables.pp("position_embeddings"))?,
            kinds: embedding(config.type_vocab_size, size, tables.pp("token_type_embeddings"))?,
            norm: layer_norm(size, config.layer_norm_eps, tables.pp("LayerNorm"))?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            device: weights.device().clone(),
        })
    }

    /// A vector a token, of texts that all have `length` tokens.
    pub(crate) fn forward(&self, tokens: Vec<u32>, length: usize) -> Result<Tensor> {
        let texts = tokens.len() / length.max(1);
        let tokens = Tensor::from_vec(tokens, (texts, length), &self.device)?;
        let places = Tensor::arange(0, length as u32, &self.device)?;
        let kind = self.kinds.forward(&Tensor::zeros(1, candle_core::DType::U32, &self.device)?)?;
        let places = self.positions.forward(&places)?.broadcast_add(&kind)?;
        let mut states = self.norm.forward(&self.words.forward(&tokens)?.broadcast_add(&places)?)?;
        for layer in &self.layers {
            states = layer.forward(&states)?;
        }
        Ok(states)
    }
}

#[derive(Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
    norm: LayerNorm,
    heads: usize,
}

impl Layer {
    fn new(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let (size, inner, eps) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let own = weights.pp("attention.self");
        Ok(Self {
            query: linear(size, size, own.pp("query"))?,
            key: linear(size, size, own.pp("key"))?,
            value: linear(size, size, own.pp("value"))?,
            attended: linear(size, size, weights.pp("attention.output.dense"))?,
            attended_norm: layer_norm(size, eps, weights.pp("attention.output.LayerNorm"))?,
            wide: linear(size, inner, weights.pp("intermediate.dense"))?,
            narrow: linear(inner, size, weights.pp("output.dense"))?,
            norm: layer_norm(size, eps, weights.pp("output.LayerNorm"))?,
            heads: config.num_attention_heads,
        })
    }

    fn forward(&self, states: &Tensor) -> Result<Tensor> {
        let attended = self.attended.forward(&self.attend(states)?)?;
        let states = self.attended_norm.forward(&(attended + states)?)?;
        let inner = self.wide.forward(&states)?.gelu_erf()?;
        self.norm.forward(&(self.narrow.forward(&inner)? + states)?)
    }

    fn attend(&self, states: &Tensor) -> Result<Tensor> {
        let (texts, length, size) = states.dims3()?;
        let width = size / self.heads;
        let split =
            |of: Tensor| of.reshape((texts, length, self.heads, width))?.transpose(1, 2)?.contiguous();
        let query = split((self.query.forward(states)? * (1.0 / (width as f64).sqrt()))?)?;
        let key = split(self.key.forward(states)?)?;
        let value = split(self.value.forward(states)?)?;
        let shares = softmax_last_dim(&query.matmul(&key.transpose(D::Minus2, D::Minus1)?)?)?;
        shares.matmul(&value)?.transpose(1, 2)?.contiguous()?.flatten_from(D::Minus2)
    }
}
