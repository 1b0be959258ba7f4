//! Small model folders.

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Numbers of a tensor, little-endian.
pub struct Raw(pub Dtype, pub Vec<usize>, pub Vec<u8>);

pub fn floats(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Raw {
    Raw(Dtype::F32, shape.to_vec(), values.into_iter().flat_map(f32::to_le_bytes).collect())
}

/// A folder whose files can be exchanged.
pub struct Made {
    folder: TempDir,
}

impl Made {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn text(&self, name: &str, value: &Value) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().expect("in a folder")).expect("makes the folder");
        std::fs::write(path, value.to_string()).expect("writes");
    }

    pub fn without(&self, name: &str) {
        std::fs::remove_file(self.file(name)).expect("it was there");
    }

    pub fn tensors(&self, tensors: &BTreeMap<String, Raw>) {
        let views = tensors.iter().map(|(name, raw)| {
            (
                name.clone(),
                TensorView::new(raw.0, raw.1.clone(), &raw.2).expect("as many numbers as the shape says"),
            )
        });
        let bytes = serialize(views, None).expect("writes tensors");
        std::fs::write(self.file("model.safetensors"), bytes).expect("writes");
    }

    /// What loading says goes wrong.
    pub fn refusal(&self) -> String {
        match bespoke_embed::Embedder::load(self.path(), 1) {
            Ok(_) => panic!("it was loaded"),
            Err(error) => error.to_string(),
        }
    }
}

pub const WORDS: [&str; 12] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "mug", "cup", "##s", "cafe", "query", "passage", ":"];

/// A tokenizer of [`WORDS`], as BERT's are: it pads and cuts by itself, which must not be kept.
pub fn tokenizer() -> Value {
    let vocabulary: BTreeMap<&str, usize> = WORDS.iter().enumerate().map(|(at, word)| (*word, at)).collect();
    let special = |id: usize| json!({ "id": id, "content": WORDS[id], "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true });
    json!({
        "version": "1.0",
        "truncation": { "max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right" },
        "padding": { "strategy": { "Fixed": 16 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]" },
        "added_tokens": (0..4).map(special).collect::<Vec<_>>(),
        "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{ "SpecialToken": { "id": "[CLS]", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }, { "SpecialToken": { "id": "[SEP]", "type_id": 0 } }],
            "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 0 } }],
            "special_tokens": { "[CLS]": { "id": "[CLS]", "ids": [2], "tokens": ["[CLS]"] }, "[SEP]": { "id": "[SEP]", "ids": [3], "tokens": ["[SEP]"] } }
        },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary }
    })
}

/// Values that follow from a number.
pub fn values(seed: usize, count: usize) -> impl Iterator<Item = f32> {
    (0..count).map(move |at| (((seed * 7919 + at * 104_729) % 1009) as f32 / 1009.0 - 0.5) * 0.8)
}
