//! `rec_token`: says which decision an item came from, so that a click or an order can be joined to it. Opaque to the
//! shop, without personal data: `rt_` and base64url of decision id, expiry day and a keyed BLAKE3 MAC.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{DecisionId, Millis};

/// Days a token is good for.
pub const TOKEN_DAYS: i64 = 30;
const MAC: usize = 16;
const BODY: usize = 16 + 4;

/// The token of a decision made at `now`.
pub fn make(secret: &[u8; 32], id: DecisionId, now: Millis) -> String {
    let expires = (now.0.div_euclid(DAY_MS) + TOKEN_DAYS) as u32;
    let mut bytes = id.0.to_be_bytes().to_vec();
    bytes.extend(expires.to_be_bytes());
    bytes.extend(&mac(secret, &bytes)[..MAC]);
    format!("rt_{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The decision of a token that is ours and not expired.
pub fn read(secret: &[u8; 32], token: &str, now: Millis) -> Option<DecisionId> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("rt_")?).ok()?;
    let (body, given) = bytes.split_at_checked(BODY)?;
    let given: [u8; MAC] = given.try_into().ok()?;
    let expected: [u8; MAC] = mac(secret, body)[..MAC].try_into().ok()?;
    let expires = u32::from_be_bytes(body[16..].try_into().ok()?);
    // Comparing hashes of the two keeps the time of the comparison from telling where they differ.
    let is_ours = blake3::hash(&given) == blake3::hash(&expected);
    (is_ours && now.0.div_euclid(DAY_MS) <= i64::from(expires))
        .then(|| DecisionId(u128::from_be_bytes(body[..16].try_into().unwrap_or_default())))
}

fn mac(secret: &[u8; 32], body: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new_keyed(secret).update(b"rec_token").update(body).finalize().as_bytes()
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
    }
}
