//! sentence-transformers folders of a BERT with two layers, against its formula written out in 64 bits.

use crate::folders::{Made, Raw, WORDS, floats, tokenizer, values};
use bespoke_embed::{Embedder, Role};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SIZE: usize = 8;
const INNER: usize = 12;
const HEADS: usize = 2;
const LAYERS: usize = 2;
const LONGEST: usize = 10;

fn config() -> Value {
    json!({
        "model_type": "bert", "vocab_size": WORDS.len(), "hidden_size": SIZE, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "intermediate_size": INNER, "max_position_embeddings": LONGEST,
        "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"
    })
}

fn modules(kinds: &[(&str, &str)]) -> Value {
    let line = |(at, (path, kind)): (usize, &(&str, &str))| json!({ "idx": at, "name": at.to_string(), "path": path, "type": kind });
    Value::Array(kinds.iter().enumerate().map(line).collect())
}

const TRANSFORMER: (&str, &str) = ("", "sentence_transformers.models.Transformer");
const POOLING: (&str, &str) = ("1_Pooling", "sentence_transformers.models.Pooling");
const NORMALIZE: (&str, &str) = ("2_Normalize", "sentence_transformers.models.Normalize");

fn pooling(on: &str) -> Value {
    let keys = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens"];
    keys.iter()
        .map(|key| (format!("pooling_mode_{key}"), json!(*key == on)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Names, shapes and values of all weights.
fn weights() -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let mut all = BTreeMap::new();
    let mut put = |name: String, shape: &[usize]| {
        let count = shape.iter().product();
        let is_scale = name.ends_with("LayerNorm.weight");
        let values =
            values(all.len() + 1, count).map(|value| if is_scale { 1.0 + 0.2 * value } else { value });
        let values = values.collect();
        all.insert(name, (shape.to_vec(), values));
    };
    put("embeddings.word_embeddings.weight".into(), &[WORDS.len(), SIZE]);
    put("embeddings.position_embeddings.weight".into(), &[LONGEST, SIZE]);
    put("embeddings.token_type_embeddings.weight".into(), &[2, SIZE]);
    for name in ["weight", "bias"] {
        put(format!("embeddings.LayerNorm.{name}"), &[SIZE]);
    }
    for layer in 0..LAYERS {
        let mut linear = |name: &str, to: usize, from: usize| {
            put(format!("encoder.layer.{layer}.{name}.weight"), &[to, from]);
            put(format!("encoder.layer.{layer}.{name}.bias"), &[to]);
        };
        for name in ["query", "key", "value"] {
            linear(&format!("attention.self.{name}"), SIZE, SIZE);
        }
        linear("attention.output.dense", SIZE, SIZE);
        linear("intermediate.dense", INNER, SIZE);
        linear("output.dense", SIZE, INNER);
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            put(format!("encoder.layer.{layer}.{name}.weight"), &[SIZE]);
            put(format!("encoder.layer.{layer}.{name}.bias"), &[SIZE]);
        }
    }
    all
}

fn write_weights(made: &Made, prefix: &str) {
    let tensors = weights()
        .into_iter()
        .map(|(name, (shape, values))| (format!("{prefix}{name}"), floats(&shape, values)));
    made.tensors(&tensors.collect::<BTreeMap<String, Raw>>());
}

fn made(pooled: &str) -> Made {
    let made = Made::new();
    made.text("tokenizer.json", &tokenizer());
    made.text("config.json", &config());
    made.text("modules.json", &modules(&[TRANSFORMER, POOLING, NORMALIZE]));
    made.text("1_Pooling/config.json", &pooling(pooled));
    write_weights(&made, "");
    made
}

/// The formula, step by step.
struct Formula(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Formula {
    fn at(&self, name: &str, index: usize) -> f64 {
        f64::from(self.0[name].1[index])
    }

    fn norm(&self, row: &[f64], name: &str) -> Vec<f64> {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / row.len() as f64;
        let scaled = row.iter().enumerate().map(|(at, x)| {
            (x - mean) / (variance + 1e-12).sqrt() * self.at(&format!("{name}.weight"), at)
                + self.at(&format!("{name}.bias"), at)
        });
        scaled.collect()
    }

    fn linear(&self, row: &[f64], name: &str) -> Vec<f64> {
        let to = self.0[&format!("{name}.bias")].1.len();
        let one = |out: usize| {
            let dot = row
                .iter()
                .enumerate()
                .map(|(at, x)| x * self.at(&format!("{name}.weight"), out * row.len() + at));
            dot.sum::<f64>() + self.at(&format!("{name}.bias"), out)
        };
        (0..to).map(one).collect()
    }

    fn attend(&self, states: &[Vec<f64>], layer: &str) -> Vec<Vec<f64>> {
        let all = |name: &str| -> Vec<Vec<f64>> {
            states.iter().map(|row| self.linear(row, &format!("{layer}.attention.self.{name}"))).collect()
        };
        let (query, key, value) = (all("query"), all("key"), all("value"));
        let width = SIZE / HEADS;
        let one = |at: usize| -> Vec<f64> {
            (0..SIZE)
                .map(|place| {
                    let head = place / width * width..place / width * width + width;
                    let score = |other: &Vec<f64>| {
                        head.clone().map(|x| query[at][x] * other[x]).sum::<f64>() / (width as f64).sqrt()
                    };
                    let shares: Vec<f64> = key.iter().map(|other| score(other).exp()).collect();
                    let sum: f64 = shares.iter().sum();
                    shares.iter().zip(&value).map(|(share, value)| share / sum * value[place]).sum()
                })
                .collect()
        };
        (0..states.len()).map(one).collect()
    }

    fn states(&self, tokens: &[usize]) -> Vec<Vec<f64>> {
        let first = |(place, token): (usize, &usize)| {
            let sum = |at: usize| {
                self.at("embeddings.word_embeddings.weight", token * SIZE + at)
                    + self.at("embeddings.position_embeddings.weight", place * SIZE + at)
                    + self.at("embeddings.token_type_embeddings.weight", at)
            };
            self.norm(&(0..SIZE).map(sum).collect::<Vec<_>>(), "embeddings.LayerNorm")
        };
        let mut states: Vec<Vec<f64>> = tokens.iter().enumerate().map(first).collect();
        let plus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
        for layer in 0..LAYERS {
            let layer = format!("encoder.layer.{layer}");
            let attended = self.attend(&states, &layer);
            for (row, attended) in states.iter_mut().zip(attended) {
                let added = plus(&self.linear(&attended, &format!("{layer}.attention.output.dense")), row);
                let after = self.norm(&added, &format!("{layer}.attention.output.LayerNorm"));
                let wide = self.linear(&after, &format!("{layer}.intermediate.dense"));
                let bent: Vec<f64> = wide.iter().map(|x| 0.5 * x * (1.0 + erf(x / 2.0_f64.sqrt()))).collect();
                *row = self.norm(
                    &plus(&self.linear(&bent, &format!("{layer}.output.dense")), &after),
                    &format!("{layer}.output.LayerNorm"),
                );
            }
        }
        states
    }
}

/// The series of the error function; its terms are small for what occurs here.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..60 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn one(vector: Vec<f64>) -> Vec<f64> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

fn assert_close(found: &[f32], wanted: &[f64]) {
    let far = found.iter().zip(wanted).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(far < 1e-5 && found.len() == wanted.len(), "{found:?} {wanted:?}");
}

fn embed(model: &Embedder, text: &str, role: Role) -> Vec<f32> {
    model.embed(&[text], role).expect("embeds").remove(0)
}

#[test]
fn each_pooling_gives_what_the_formula_gives() {
    // [CLS] red mug ##s [SEP]
    let states = Formula(weights()).states(&[2, 4, 5, 7, 3]);
    let column = |at: usize| states.iter().map(move |row| row[at]);
    let mean = (0..SIZE).map(|at| column(at).sum::<f64>() / 5.0).collect();
    let most = (0..SIZE).map(|at| column(at).fold(f64::MIN, f64::max)).collect();
    for (name, wanted) in [("mean_tokens", mean), ("cls_token", states[0].clone()), ("max_tokens", most)] {
        let made = made(name);
        let model = Embedder::load(made.path(), 1).expect("loads");
        assert_eq!((model.dimension(), model.kind()), (SIZE, "sentence-transformers"));
        assert_close(&embed(&model, "Red MUGS", Role::Query), &one(wanted.clone()));
        made.text("modules.json", &modules(&[TRANSFORMER, POOLING]));
        let plain = Embedder::load(made.path(), 1).expect("loads");
        assert_close(&embed(&plain, "red mugs", Role::Passage), &wanted);
    }
}

#[test]
fn weights_may_be_named_as_parts_of_a_greater_model() {
    let made = made("mean_tokens");
    let bare = embed(&Embedder::load(made.path(), 1).expect("loads"), "red cup", Role::Query);
    write_weights(&made, "bert.");
    assert_eq!(bare, embed(&Embedder::load(made.path(), 1).expect("loads"), "red cup", Role::Query));
}

#[test]
fn a_text_alone_and_among_others_gives_the_same_and_so_does_every_run() {
    let folder = made("mean_tokens");
    let model = Embedder::load(folder.path(), 1).expect("loads");
    let texts = ["red mug", "", "cups", "cafe red mug cup", "mug red", "zebra 🦒 жираф", "CAFÉ", "red"];
    let many: Vec<&str> = texts.iter().copied().cycle().take(300).collect();
    let together = model.embed(&many, Role::Passage).expect("embeds");
    assert_eq!(together, model.embed(&many, Role::Passage).expect("embeds"));
    for threads in [0, 2, 5] {
        let model = Embedder::load(folder.path(), threads).expect("loads");
        assert_eq!(together, model.embed(&many, Role::Passage).expect("embeds"), "{threads} threads");
    }
    for (text, vector) in many.iter().zip(&together) {
        let alone = embed(&model, text, Role::Passage);
        let far = alone.iter().zip(vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-6, "{text}: {far}");
    }
    assert_eq!(embed(&model, "cafe", Role::Query), embed(&model, "Café", Role::Query));
    assert!(model.embed(&[], Role::Query).expect("embeds").is_empty());
}

#[test]
fn what_is_too_long_is_cut_where_the_model_says() {
    let made = made("mean_tokens");
    made.text("sentence_bert_config.json", &json!({ "max_seq_length": 6, "do_lower_case": false }));
    let model = Embedder::load(made.path(), 1).expect("loads");
    let long = "red mug cup red ".repeat(5000);
    assert_eq!(embed(&model, &long, Role::Query), embed(&model, "red mug cup red", Role::Query));
    // Without that file the table of places says how many there may be: eight and two marks.
    made.without("sentence_bert_config.json");
    let model = Embedder::load(made.path(), 1).expect("loads");
    assert_eq!(
        embed(&model, &long, Role::Query),
        embed(&model, "red mug cup red red mug cup red", Role::Query)
    );
}

#[test]
fn prompts_are_put_before_what_they_are_for() {
    let made = made("mean_tokens");
    made.text(
        "config_sentence_transformers.json",
        &json!({ "prompts": { "query": "query: ", "passage": "passage: " } }),
    );
    let model = Embedder::load(made.path(), 1).expect("loads");
    let plain = Embedder::load(self::made("mean_tokens").path(), 1).expect("loads");
    assert_eq!(embed(&model, "mug", Role::Query), embed(&plain, "query: mug", Role::Query));
    assert_eq!(embed(&model, "mug", Role::Passage), embed(&plain, "passage: mug", Role::Query));
    assert_ne!(model.id(), plain.id());
    made.text("config_sentence_transformers.json", &json!({ "prompts": {}, "default_prompt_name": "gone" }));
    assert!(made.refusal().contains("default_prompt_name \"gone\""));
}

#[test]
fn what_is_not_supported_is_refused_by_its_file() {
    let check = |change: &dyn Fn(&Made), file: &str, why: &str| {
        let made = made("mean_tokens");
        change(&made);
        let said = made.refusal();
        assert!(said.contains(file) && said.contains(why), "{said}");
    };
    let set = |key: &str, value: Value| {
        let mut config = config();
        config[key] = value;
        config
    };
    check(&|made| made.without("config.json"), "config.json", "is missing");
    check(&|made| made.without("1_Pooling/config.json"), "1_Pooling", "is missing");
    check(&|made| made.without("model.safetensors"), "model.safetensors", "ONNX weights are not read");
    check(
        &|made| made.text("config.json", &set("model_type", json!("mpnet"))),
        "config.json",
        "\"mpnet\" is not supported",
    );
    check(&|made| made.text("config.json", &set("hidden_act", json!("relu"))), "config.json", "hidden_act");
    check(
        &|made| made.text("config.json", &set("position_embedding_type", json!("relative_key"))),
        "config.json",
        "absolute",
    );
    check(&|made| made.text("config.json", &set("num_attention_heads", json!(3))), "config.json", "multiple");
    check(
        &|made| made.text("config.json", &set("hidden_size", json!(16))),
        "model.safetensors",
        "belong to config.json",
    );
    check(
        &|made| made.text("config.json", &set("num_hidden_layers", json!(3))),
        "model.safetensors",
        "encoder.layer.2",
    );
    check(&|made| made.text("config.json", &set("vocab_size", json!(5))), "tokenizer.json", "12 tokens");
    check(
        &|made| made.text("1_Pooling/config.json", &pooling("mean_sqrt_len_tokens")),
        "1_Pooling",
        "exactly one",
    );
    check(
        &|made| made.text("sentence_bert_config.json", &json!({ "max_seq_length": 2 })),
        "sentence_bert_config.json",
        "at least 3",
    );
    let dense = ("2_Dense", "sentence_transformers.models.Dense");
    check(
        &|made| made.text("modules.json", &modules(&[TRANSFORMER, POOLING, dense])),
        "modules.json",
        "Dense",
    );
    check(&|made| made.text("modules.json", &modules(&[TRANSFORMER])), "modules.json", "no Pooling");
    check(
        &|made| made.text("modules.json", &modules(&[TRANSFORMER, ("../../etc", POOLING.1)])),
        "modules.json",
        "leads out",
    );
}
