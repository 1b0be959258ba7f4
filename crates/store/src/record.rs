//! Entries as bytes: one version byte, then postcard. A change of a domain type that changes these bytes fails the golden
//! test and calls for a new version, with the old shape kept beside it for reading.

use crate::error::Error;
use bespoke_domain::{Body, DecisionId, Offset};

/// The version of records that this version writes. Until 0.1.0 is released, version 1 is what the types are; from then
/// on a change of them is a new version.
pub const VERSION: u8 = 1;

/// Where [`Body::Decision`] stands among the kinds; its record goes on with the decision's id.
const DECISION_VARIANT: u32 = 4;

/// A body's bytes, in `buffer`, whose earlier content is dropped.
pub(crate) fn encode(body: &Body, mut buffer: Vec<u8>) -> Result<Vec<u8>, Error> {
    buffer.clear();
    buffer.push(VERSION);
    postcard::to_extend(body, buffer).map_err(Error::Record)
}

/// The body of a record's bytes.
pub fn decode(offset: Offset, bytes: &[u8]) -> Result<Body, Error> {
    let corrupt = |why: String| Error::Corrupt { offset, why };
    match bytes.split_first() {
        Some((&VERSION, rest)) => match postcard::take_from_bytes(rest) {
            Ok((body, [])) => Ok(body),
            Ok((_, left)) => Err(corrupt(format!("{} bytes are left over", left.len()))),
            Err(error) => Err(corrupt(error.to_string())),
        },
        Some((&found, _)) => Err(Error::RecordVersion { offset, found, known: VERSION }),
        None => Err(corrupt("it is empty".to_owned())),
    }
}

/// The id of a decision's record, without reading the rest of it.
pub(crate) fn decision_id(bytes: &[u8]) -> Option<DecisionId> {
    let (&VERSION, rest) = bytes.split_first()? else { return None };
    let (variant, id): (u32, DecisionId) = postcard::from_bytes(rest).ok()?;
    (variant == DECISION_VARIANT).then_some(id)
}
