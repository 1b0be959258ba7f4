//! sentence-transformers (Reimers, Gurevych 2019): a text's tokens through BERT, pooled into one vector, made one long where the
//! folder says so.

use crate::bert::{Bert, Config};
use crate::folder::Folder;
use crate::tokens::Tokens;
use crate::{Error, Role, normalize};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Texts that go through the layers together.
const BATCH: usize = 32;

/// A line of `modules.json`.
#[derive(Deserialize)]
struct ModuleLine {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

/// `1_Pooling/config.json`.
#[derive(Deserialize)]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

/// `sentence_bert_config.json`.
#[derive(Default, Deserialize)]
struct LengthConfig {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

/// `config_sentence_transformers.json`.
#[derive(Default, Deserialize)]
struct PromptConfig {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Pooling {
    First,
    Mean,
    Max,
}

/// A loaded folder.
#[derive(Debug)]
pub(crate) struct Sentence {
    tokens: Tokens,
    bert: Bert,
    pooling: Pooling,
    normalized: bool,
    query_prompt: String,
    passage_prompt: String,
    dimension: usize,
    pool: rayon::ThreadPool,
}

impl Sentence {
    pub(crate) fn load(folder: &mut Folder, threads: usize) -> Result<Self, Error> {
        let (pooling, normalized) = modules(folder)?;
        let config: Config =
            folder.settings("config.json", "it says how BERT is built; take it from the model's makers")?;
        if let Some(reason) = config.refusal() {
            return Err(folder.refuse("config.json", reason));
        }
        let length: LengthConfig = folder.settings_if_any("sentence_bert_config.json")?.unwrap_or_default();
        let most = config.max_position_embeddings;
        let length_max = length.max_seq_length.unwrap_or(most).min(most);
        if length_max < 3 {
            return Err(folder.refuse("sentence_bert_config.json", "max_seq_length must be at least 3"));
        }
        let tokens = Tokens::load(folder, length_max, length.do_lower_case, true)?;
        if tokens.count() > config.vocab_size {
            let reason = format!(
                "it has {} tokens and config.json says {}: they are not of one model",
                tokens.count(),
                config.vocab_size
            );
            return Err(folder.refuse("tokenizer.json", reason));
        }
        let (query_prompt, passage_prompt) = prompts(folder)?;
        let bert = weights(folder, &config)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
        let pool = pool.map_err(|error| Error::Model(error.to_string()))?;
        let dimension = config.hidden_size;
        Ok(Self { tokens, bert, pooling, normalized, query_prompt, passage_prompt, dimension, pool })
    }

    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    pub(crate) fn embed(&self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>, Error> {
        let prompt = match role {
            Role::Query => &self.query_prompt,
            Role::Passage => &self.passage_prompt,
        };
        let tokens = texts.iter().map(|text| self.tokens.of(&format!("{prompt}{text}")));
        let tokens: Vec<Vec<u32>> = tokens.collect::<Result<_, _>>()?;
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, tokens) in tokens.iter().enumerate().filter(|(_, tokens)| !tokens.is_empty()) {
            by_length.entry(tokens.len()).or_default().push(at);
        }
        let batches =
            by_length.iter().flat_map(|(length, all)| all.chunks(BATCH).map(|part| (*length, part)));
        let batches: Vec<(usize, &[usize])> = batches.collect();
        let pooled = |(length, part): &(usize, &[usize])| {
            let joined = part.iter().flat_map(|at| tokens[*at].iter().copied()).collect();
            self.pooled(joined, *length).map_err(|error| Error::Model(error.to_string()))
        };
        let done: Vec<Vec<Vec<f32>>> =
            self.pool.install(|| batches.par_iter().map(pooled).collect::<Result<_, _>>())?;
        let mut vectors = vec![vec![0.0; self.dimension]; texts.len()];
        for ((_, part), pooled) in batches.iter().zip(done) {
            part.iter().zip(pooled).for_each(|(at, vector)| vectors[*at] = vector);
        }
        if self.normalized {
            vectors.iter_mut().for_each(|vector| normalize(vector));
        }
        Ok(vectors)
    }

    fn pooled(&self, tokens: Vec<u32>, length: usize) -> candle_core::Result<Vec<Vec<f32>>> {
        let states: Tensor = self.bert.forward(tokens, length)?;
        let pooled = match self.pooling {
            Pooling::First => states.narrow(1, 0, 1)?.squeeze(1)?,
            Pooling::Mean => states.mean(1)?,
            Pooling::Max => states.max(1)?,
        };
        pooled.to_vec2()
    }
}

/// How tokens become one vector, and whether it is made one long.
fn modules(folder: &mut Folder) -> Result<(Pooling, bool), Error> {
    let name = "modules.json";
    let fix =
        "it says which parts a sentence-transformers model has; for Model2Vec put its model.safetensors here";
    let lines: Vec<ModuleLine> = folder.settings(name, fix)?;
    let (mut pooling, mut normalized) = (None, false);
    for (at, line) in lines.iter().enumerate() {
        match line.kind.rsplit('.').next().unwrap_or_default() {
            "Transformer" if at == 0 && line.path.is_empty() => {}
            "Pooling" if pooling.is_none() => pooling = Some(pooling_of(folder, &line.path)?),
            "Normalize" => normalized = true,
            _ => {
                let kind = &line.kind;
                let reason = format!(
                    "module {kind:?} in {:?} is not supported; take a model of Transformer in the folder itself, Pooling and Normalize",
                    line.path
                );
                return Err(folder.refuse(name, reason));
            }
        }
    }
    let pooling = pooling
        .ok_or_else(|| folder.refuse(name, "it names no Pooling; take a sentence-transformers model"))?;
    Ok((pooling, normalized))
}

fn pooling_of(folder: &mut Folder, path: &str) -> Result<Pooling, Error> {
    if path.split(['/', '\\']).any(|part| part == "..") || path.starts_with('/') {
        return Err(folder.refuse("modules.json", format!("path {path:?} leads out of the folder")));
    }
    let name = format!("{path}/config.json");
    let config: PoolingConfig =
        folder.settings(&name, "it says how tokens are pooled; take it from the model's makers")?;
    let others = config.pooling_mode_mean_sqrt_len_tokens
        || config.pooling_mode_weightedmean_tokens
        || config.pooling_mode_lasttoken;
    match (
        config.pooling_mode_cls_token,
        config.pooling_mode_mean_tokens,
        config.pooling_mode_max_tokens,
        others,
    ) {
        (true, false, false, false) => Ok(Pooling::First),
        (false, true, false, false) => Ok(Pooling::Mean),
        (false, false, true, false) => Ok(Pooling::Max),
        _ => Err(folder
            .refuse(&name, "exactly one of cls, mean and max tokens must be on; take a model pooled so")),
    }
}

/// What is put before queries and passages.
fn prompts(folder: &mut Folder) -> Result<(String, String), Error> {
    let name = "config_sentence_transformers.json";
    let config: PromptConfig = folder.settings_if_any(name)?.unwrap_or_default();
    let default = match &config.default_prompt_name {
        Some(key) => config.prompts.get(key).cloned().ok_or_else(|| {
            folder.refuse(
                name,
                format!("default_prompt_name {key:?} is not among its prompts; add it or take it away"),
            )
        })?,
        None => String::new(),
    };
    let first = |keys: [&str; 2]| {
        keys.iter().find_map(|key| config.prompts.get(*key).cloned()).unwrap_or_else(|| default.clone())
    };
    Ok((first(["query", "search_query"]), first(["passage", "document"])))
}

fn weights(folder: &mut Folder, config: &Config) -> Result<Bert, Error> {
    let bytes = folder.weights()?;
    let refuse = |error: candle_core::Error| {
        folder.refuse("model.safetensors", format!("{error}; take the weights that belong to config.json"))
    };
    let weights = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu).map_err(refuse)?;
    let is_bare = weights.contains_tensor("embeddings.word_embeddings.weight");
    let weights = if is_bare { weights } else { weights.pp("bert") };
    Bert::new(&weights, config).map_err(refuse)
}
