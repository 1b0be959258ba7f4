//! Model2Vec folders.

use crate::folders::{Made, Raw, WORDS, floats, tokenizer};
use bespoke_embed::{Embedder, Role};
use safetensors::Dtype;
use serde_json::json;
use std::collections::BTreeMap;

/// Token t has the vector (t, 1, 0).
fn made() -> (Made, BTreeMap<String, Raw>) {
    let made = Made::new();
    made.text("tokenizer.json", &tokenizer());
    made.text("config.json", &json!({ "normalize": false }));
    let rows = (0..WORDS.len()).flat_map(|token| [token as f32, 1.0, 0.0]);
    let tensors = BTreeMap::from([("embeddings".to_owned(), floats(&[WORDS.len(), 3], rows))]);
    made.tensors(&tensors);
    (made, tensors)
}

fn embed(made: &Made, text: &str) -> Vec<f32> {
    let model = Embedder::load(made.path(), 1).expect("loads");
    model.embed(&[text], Role::Query).expect("embeds").remove(0)
}

#[test]
fn a_text_is_the_mean_of_its_known_tokens() {
    let (made, _) = made();
    let model = Embedder::load(made.path(), 1).expect("loads");
    assert_eq!((model.dimension(), model.kind(), model.id().len()), (3, "Model2Vec", 32));
    // red = 4, mug = 5, ##s = 7; no marks of beginning and end, nothing padded, nothing cut at four.
    assert_eq!(embed(&made, "Red mugs"), [16.0 / 3.0, 1.0, 0.0]);
    assert_eq!(embed(&made, "red red red red red mug"), [25.0 / 6.0, 1.0, 0.0]);
    assert_eq!(embed(&made, "red zebra"), [4.0, 1.0, 0.0], "what is unknown does not count");
    assert_eq!(embed(&made, "CAFÉ"), [8.0, 1.0, 0.0]);
    assert_eq!(embed(&made, ""), [0.0; 3]);
    assert_eq!(embed(&made, "жираф 🦒"), [0.0; 3]);
}

#[test]
fn weights_mapping_and_length_are_heeded() {
    let (made, mut tensors) = made();
    let count = WORDS.len();
    tensors.insert(
        "weights".into(),
        floats(&[count], (0..count).map(|token| if token == 4 { 3.0 } else { 1.0 })),
    );
    // Every token has the row after its own.
    let mapping = (0..count).flat_map(|token| (((token + 1) % count) as i64).to_le_bytes()).collect();
    tensors.insert("mapping".into(), Raw(Dtype::I64, vec![count], mapping));
    made.tensors(&tensors);
    assert_eq!(embed(&made, "red mug"), [(3.0 * 5.0 + 6.0) / 2.0, 2.0, 0.0]);
    made.text("config.json", &json!({ "normalize": true }));
    let vector = embed(&made, "mug");
    assert!((vector[0] - 6.0 / 37.0_f32.sqrt()).abs() < 1e-6 && vector[2] == 0.0, "{vector:?}");
    assert_eq!(embed(&made, ""), [0.0; 3]);
}

#[test]
fn rows_may_be_halves_or_bytes() {
    let (made, mut tensors) = made();
    let count = WORDS.len();
    let bytes = (0..count).flat_map(|token| [token as u8, 1, 255]).collect();
    tensors.insert("embeddings".into(), Raw(Dtype::I8, vec![count, 3], bytes));
    made.tensors(&tensors);
    assert_eq!(embed(&made, "mug"), [5.0, 1.0, -1.0]);
    let half = |value: u16| value.to_le_bytes();
    let halves = (0..count).flat_map(|_| [half(0x3c00), half(0xc000), half(0x0000)]).flatten().collect();
    tensors.insert("embeddings".into(), Raw(Dtype::F16, vec![count, 3], halves));
    made.tensors(&tensors);
    assert_eq!(embed(&made, "mug"), [1.0, -2.0, 0.0]);
}

#[test]
fn the_id_follows_the_files() {
    let (made, mut tensors) = made();
    let id = || Embedder::load(made.path(), 1).expect("loads").id().to_owned();
    let first = id();
    assert_eq!(first, id());
    tensors.insert("weights".into(), floats(&[WORDS.len()], [1.0; WORDS.len()]));
    made.tensors(&tensors);
    assert_ne!(first, id());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (made, mut tensors) = made();
    let refused = |made: &Made, file: &str, why: &str| {
        let said = made.refusal();
        assert!(said.contains(file) && said.contains(why), "{said}");
    };
    tensors.insert("embeddings".into(), floats(&[5, 3], [0.5; 15]));
    made.tensors(&tensors);
    refused(&made, "model.safetensors", "5 rows for 12 tokens");
    tensors.insert("embeddings".into(), floats(&[36], [0.5; 36]));
    made.tensors(&tensors);
    refused(&made, "model.safetensors", "two dimensions");
    tensors.insert("embeddings".into(), floats(&[12, 3], [f32::NAN; 36]));
    made.tensors(&tensors);
    let model = Embedder::load(made.path(), 1).expect("loads");
    assert!(model.embed(&["mug"], Role::Query).expect_err("not a number").to_string().contains("not finite"));
    tensors.insert(
        "mapping".into(),
        Raw(Dtype::I64, vec![12], (0..12).flat_map(|_| 99_i64.to_le_bytes()).collect()),
    );
    made.tensors(&tensors);
    refused(&made, "model.safetensors", "mapping must name a row");
    tensors.clear();
    tensors.insert("other".into(), floats(&[1], [0.5]));
    made.tensors(&tensors);
    refused(&made, "model.safetensors", "modules.json");
    std::fs::write(made.file("model.safetensors"), b"\x08\0\0\0\0\0\0\0nonsense").expect("writes");
    refused(&made, "model.safetensors", "damaged");
    made.without("model.safetensors");
    refused(&made, "model.safetensors", "is missing");
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let nowhere =
        Embedder::load(std::path::Path::new("no/such/folder"), 1).expect_err("nothing there").to_string();
    assert!(nowhere.contains("no/such/folder") && nowhere.contains("is missing"), "{nowhere}");
    let (made, _) = made();
    std::fs::write(made.file("tokenizer.json"), "{").expect("writes");
    assert!(made.refusal().contains("tokenizer.json"));
    made.without("tokenizer.json");
    assert!(made.refusal().contains("tokenizer.json is missing"));
}
