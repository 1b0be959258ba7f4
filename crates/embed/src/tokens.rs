//! Texts into numbers of tokens, by the model's own `tokenizer.json`.

use crate::Error;
use crate::folder::Folder;
use tokenizers::Tokenizer;
use tokenizers::utils::truncation::TruncationParams;

/// Bytes of a text that are looked at, a token of the length: what is beyond would be cut off anyway.
const BYTES_A_TOKEN: usize = 64;

/// A tokenizer that cuts where the model's length ends.
#[derive(Debug)]
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    length_max: usize,
    lower_case: bool,
    /// Whether the marks of beginning and end that BERT wants are added.
    marks: bool,
}

impl Tokens {
    pub(crate) fn load(
        folder: &mut Folder,
        length_max: usize,
        lower_case: bool,
        marks: bool,
    ) -> Result<Self, Error> {
        let bytes = folder.tokenizer()?;
        let refuse = |error: tokenizers::Error| {
            folder.refuse("tokenizer.json", format!("{error}; take the file from the model's makers"))
        };
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(refuse)?;
        // Truncation and padding may be written in the file; the length that holds is the model's.
        tokenizer.with_padding(None);
        let truncation = TruncationParams { max_length: length_max, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(refuse)?;
        Ok(Self { tokenizer, length_max, lower_case, marks })
    }

    /// The number of a token, if it is one.
    pub(crate) fn number(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// One more than the greatest number of a token.
    pub(crate) fn count(&self) -> usize {
        let greatest = self.tokenizer.get_vocab(true).into_values().max();
        greatest.map_or(0, |greatest| greatest as usize + 1)
    }

    /// The tokens of a text.
    pub(crate) fn of(&self, text: &str) -> Result<Vec<u32>, Error> {
        let mut end = text.len().min(BYTES_A_TOKEN * self.length_max);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = if self.lower_case { text[..end].to_lowercase() } else { text[..end].to_owned() };
        let encoded = self.tokenizer.encode_fast(text, self.marks);
        encoded.map(|encoded| encoded.get_ids().to_vec()).map_err(|error| Error::Model(error.to_string()))
    }
}
