//! API keys: publishable ones (`pk_…`) live in browsers, secret ones (`sk_…`) on servers. The log keeps keyed hashes.

use crate::boot::Shop;
use crate::identities::Secret;
use crate::writer::{Failure, Job};
use bespoke_domain::settings::{KeyChange, Scope};

/// The hash of a key as the log keeps it.
pub fn hash(secret: &Secret, key: &str) -> [u8; 32] {
    secret.hash("api key", &[key.as_bytes()])
}

/// What a key may do, if it is one of the shop's.
pub fn scope(shop: &Shop, key: &str) -> Option<Scope> {
    let hash = hash(&shop.secret, key);
    let snapshot = shop.live.snapshot();
    snapshot.aggregates.keys.iter().find(|held| held.hash == hash).map(|held| held.scope)
}

/// Makes a key of 256 random bits and writes its hash to the log. The key is returned once and never again.
pub fn create(shop: &Shop, scope: Scope) -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Failure::Internal)?;
    let prefix = match scope {
        Scope::Publishable => "pk_",
        Scope::Secret => "sk_",
    };
    let key = bytes.iter().fold(prefix.to_owned(), |key, byte| format!("{key}{byte:02x}"));
    let change = KeyChange { hash: hash(&shop.secret, &key), scope, revoked: false };
    shop.queue.call(|reply| Job::Key(change, reply))?;
    Ok(key)
}

/// Makes one key of each scope where the shop has none; returns them to be shown once.
pub fn ensure(shop: &Shop) -> Result<Option<(String, String)>, Failure> {
    if !shop.live.snapshot().aggregates.keys.is_empty() {
        return Ok(None);
    }
    Ok(Some((create(shop, Scope::Publishable)?, create(shop, Scope::Secret)?)))
}
