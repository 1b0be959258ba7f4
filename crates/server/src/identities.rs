//! External shopper ids and their numbers. In memory only keyed hashes of the ids; the ids themselves stand in the
//! store's identity table.

use bespoke_domain::ShopperNo;
use bespoke_domain::entry::IdentityKind;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// A 256-bit secret of this data directory: keys hashes of ids and API keys, signs tokens.
#[derive(Clone)]
pub struct Secret(pub [u8; 32]);

impl Secret {
    /// Keyed BLAKE3 of `parts`, each preceded by its length, under a purpose that keeps uses apart.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in [purpose.as_bytes()].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// The first eight bytes of [`Secret::hash`]; never 0, which stands for "none".
    pub fn hash64(&self, purpose: &str, part: &str) -> u64 {
        let hash = self.hash(purpose, &[part.as_bytes()]);
        u64::from_le_bytes(hash[..8].try_into().unwrap_or_default()).max(1)
    }
}

/// The hash of one identity.
pub type IdentityKey = u128;

/// The key of an external id.
pub fn identity_key(secret: &Secret, kind: IdentityKind, external_id: &str) -> IdentityKey {
    let hash = secret.hash("identity", &[&[kind as u8], external_id.as_bytes()]);
    u128::from_le_bytes(hash[..16].try_into().unwrap_or_default())
}

/// By what the shopper of an identity is put into the arms of experiments; never 0.
pub fn bucket_key(key: IdentityKey) -> u64 {
    (key >> 64) as u64 ^ (key as u64).rotate_left(32) | u64::from(key == 0)
}

/// All identities with a number.
#[derive(Default)]
pub struct Identities {
    numbers: RwLock<HashMap<IdentityKey, ShopperNo>>,
}

impl Identities {
    /// The number of an identity, if it has one.
    pub fn get(&self, key: IdentityKey) -> Option<ShopperNo> {
        self.numbers.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    /// Adds identities whose entries are in the log.
    pub fn extend(&self, more: impl IntoIterator<Item = (IdentityKey, ShopperNo)>) {
        self.numbers.write().unwrap_or_else(PoisonError::into_inner).extend(more);
    }

    /// The number the next new identity gets.
    pub fn next(&self) -> ShopperNo {
        ShopperNo(self.numbers.read().unwrap_or_else(PoisonError::into_inner).len() as u32)
    }
}
