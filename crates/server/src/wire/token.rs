//! What the shop hands back to us, opaque and without personal data: a prefix and base64url of a few bytes, an expiry day
//! and a keyed BLAKE3 MAC. A `rec_token` says which decision an item came from, so that a click or an order can be joined to
//! it; a cursor, where a listing goes on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{DecisionId, Millis};

/// Days a token is good for.
pub const TOKEN_DAYS: i64 = 30;
const MAC: usize = 16;
const DAY: usize = 4;
const REC: &str = "rt_";
const CURSOR: &str = "cur_";

/// The token of a decision made at `now`.
pub fn make(secret: &[u8; 32], id: DecisionId, now: Millis) -> String {
    seal(secret, REC, id.0.to_be_bytes().to_vec(), now)
}

/// The decision of a token that is ours and not expired.
pub fn read(secret: &[u8; 32], token: &str, now: Millis) -> Option<DecisionId> {
    let bytes = open(secret, REC, token, now)?;
    Some(DecisionId(u128::from_be_bytes(bytes.try_into().ok()?)))
}

/// Where the listing of a decision goes on: at this place of its order, from 0.
pub fn make_cursor(secret: &[u8; 32], id: DecisionId, at: u32, now: Millis) -> String {
    let mut bytes = id.0.to_be_bytes().to_vec();
    bytes.extend(at.to_be_bytes());
    seal(secret, CURSOR, bytes, now)
}

/// The decision and the place of a cursor that is ours and not expired.
pub fn read_cursor(secret: &[u8; 32], cursor: &str, now: Millis) -> Option<(DecisionId, u32)> {
    let bytes = open(secret, CURSOR, cursor, now)?;
    let (id, at) = bytes.split_at_checked(16)?;
    Some((DecisionId(u128::from_be_bytes(id.try_into().ok()?)), u32::from_be_bytes(at.try_into().ok()?)))
}

fn seal(secret: &[u8; 32], prefix: &str, mut bytes: Vec<u8>, now: Millis) -> String {
    let expires = (now.0.div_euclid(DAY_MS) + TOKEN_DAYS) as u32;
    bytes.extend(expires.to_be_bytes());
    bytes.extend(&mac(secret, prefix, &bytes)[..MAC]);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn open(secret: &[u8; 32], prefix: &str, token: &str, now: Millis) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(prefix)?).ok()?;
    let (body, given) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
    // Comparing hashes of the two keeps the time of the comparison from telling where they differ.
    let is_ours = blake3::hash(given) == blake3::hash(&mac(secret, prefix, body)[..MAC]);
    let (_, day) = body.split_at_checked(body.len().checked_sub(DAY)?)?;
    let expires = i64::from(u32::from_be_bytes(day.try_into().ok()?));
    if !is_ours || now.0.div_euclid(DAY_MS) > expires {
        return None;
    }
    bytes.truncate(bytes.len() - MAC - DAY);
    Some(bytes)
}

fn mac(secret: &[u8; 32], prefix: &str, body: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new_keyed(secret).update(prefix.as_bytes()).update(body).finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_until_it_expires_and_never_when_touched() {
        let (secret, id, now) = ([7; 32], DecisionId(99), Millis(1_000 * DAY_MS));
        let token = make(&secret, id, now);
        assert_eq!(read(&secret, &token, now.plus(30 * DAY_MS)), Some(id));
        assert_eq!(read(&secret, &token, now.plus(31 * DAY_MS)), None, "expired");
        assert_eq!(read(&[8; 32], &token, now), None, "another shop's");
        let mut touched = token.clone().into_bytes();
        touched[5] ^= 1;
        assert_eq!(read(&secret, &String::from_utf8_lossy(&touched), now), None, "touched");
        for garbage in ["", "rt_", "rt_AAAA", "rt_ÄÖ", "dec_1"] {
            assert_eq!(read(&secret, garbage, now), None, "{garbage}");
        }
        let cursor = make_cursor(&secret, id, 24, now);
        assert_eq!(read_cursor(&secret, &cursor, now), Some((id, 24)));
        assert_eq!(read_cursor(&secret, &token.replace("rt_", "cur_"), now), None, "a token is no cursor");
    }
}
