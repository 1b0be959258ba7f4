//! Entries as bytes: one version byte, then postcard. A change of a domain type that changes these bytes fails the golden
//! test and calls for a new version, with the old shape kept beside it for reading.

use crate::error::Error;
use bespoke_domain::{Body, Offset};

/// The version written.
pub const VERSION: u8 = 1;

/// A body's bytes.
pub fn encode(body: &Body) -> Vec<u8> {
    // Writing plain data to a growing buffer cannot fail; were it to, an empty record is refused when it is read.
    postcard::to_extend(body, vec![VERSION]).unwrap_or_default()
}

/// The body of a record's bytes.
pub fn decode(offset: Offset, bytes: &[u8]) -> Result<Body, Error> {
    let corrupt = |why: String| Error::Corrupt { offset: offset.0, why };
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|error| corrupt(error.to_string())),
        Some((version, _)) => Err(corrupt(format!("record version {version}, this version knows {VERSION}"))),
        None => Err(corrupt("it is empty".to_owned())),
    }
}
