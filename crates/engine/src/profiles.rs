//! All profiles, and which identities are one shopper. Sharded, so that a request reads a shopper's profile at its last
//! acknowledged event while the one writer goes on; a reader's profile never changes under its hands.

use crate::profile::Profile;
use bespoke_domain::ShopperNo;
use bespoke_models::cow::CowVec;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, PoisonError, RwLock};

const SHARDS: usize = 64;

/// What an identity number leads to.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
enum Held {
    #[default]
    Nothing,
    Own(Arc<Profile>),
    /// The same shopper as a smaller number.
    Of(ShopperNo),
}

/// Every profile by identity number.
#[derive(Debug)]
pub struct Profiles {
    shards: Vec<RwLock<Vec<Held>>>,
    /// By identity number, by what it is put into arms; 0 = unknown.
    keys: RwLock<CowVec<u64, 4096>>,
}

impl Default for Profiles {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect(), keys: RwLock::default() }
    }
}

/// A consistent copy of all profiles, for a checkpoint.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Kept(Vec<Vec<Held>>, CowVec<u64, 4096>);

impl Profiles {
    /// The shopper's profile; identities that were linked share one.
    pub fn get(&self, shopper: ShopperNo) -> Option<Arc<Profile>> {
        let mut at = shopper;
        loop {
            match self.held(at) {
                Held::Own(profile) => return Some(profile),
                Held::Of(root) => at = root,
                Held::Nothing => return None,
            }
        }
    }

    /// The number under which the shopper's profile is kept.
    pub fn root(&self, shopper: ShopperNo) -> ShopperNo {
        let mut at = shopper;
        while let Held::Of(root) = self.held(at) {
            at = root;
        }
        at
    }

    /// By what the shopper is put into arms: the key of the oldest identity, which is the root; 0 = unknown.
    pub fn bucket(&self, shopper: ShopperNo) -> u64 {
        let root = self.root(shopper);
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(root.index()).copied().unwrap_or(0)
    }

    /// Notes the key of a new identity. Only the one writer calls this.
    pub fn note_key(&self, shopper: ShopperNo, key: u64) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.grow_to(shopper.index() + 1, &0);
        if let Some(held) = keys.get_mut(shopper.index()) {
            *held = key;
        }
    }

    /// Changes the shopper's profile. Only the one writer calls this.
    pub fn change(&self, shopper: ShopperNo, change: impl FnOnce(&mut Profile)) {
        let root = self.root(shopper);
        let mut shard = self.shard(root).write().unwrap_or_else(PoisonError::into_inner);
        let slot = slot(&mut shard, root);
        if !matches!(slot, Held::Own(_)) {
            *slot = Held::Own(Arc::default());
        }
        if let Held::Own(profile) = slot {
            change(Arc::make_mut(profile));
        }
    }

    /// Makes two identities one shopper under the smaller root. Readers find the merged profile or the one before it,
    /// never neither: the union is in place before the other number leads to it.
    pub fn link(&self, one: ShopperNo, other: ShopperNo) {
        let (one, other) = (self.root(one), self.root(other));
        let (root, leaf) = (one.min(other), one.max(other));
        if root == leaf {
            return;
        }
        let merged = self.get(leaf);
        self.change(root, |profile| {
            if let Some(merged) = merged {
                profile.merge(&merged);
            }
        });
        let mut shard = self.shard(leaf).write().unwrap_or_else(PoisonError::into_inner);
        *slot(&mut shard, leaf) = Held::Of(root);
    }

    /// A copy as of now; costs a reference count a profile.
    pub fn keep(&self) -> Kept {
        let copy = |shard: &RwLock<Vec<Held>>| shard.read().unwrap_or_else(PoisonError::into_inner).clone();
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        Kept(self.shards.iter().map(copy).collect(), keys)
    }

    /// The profiles of a copy.
    pub fn restore(kept: Kept) -> Self {
        let mut shards: Vec<_> = kept.0.into_iter().map(RwLock::new).collect();
        shards.resize_with(SHARDS, RwLock::default);
        Self { shards, keys: RwLock::new(kept.1) }
    }

    fn shard(&self, shopper: ShopperNo) -> &RwLock<Vec<Held>> {
        &self.shards[shopper.index() % SHARDS]
    }

    fn held(&self, shopper: ShopperNo) -> Held {
        let shard = self.shard(shopper).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(shopper.index() / SHARDS).cloned().unwrap_or_default()
    }
}

fn slot(shard: &mut Vec<Held>, shopper: ShopperNo) -> &mut Held {
    let at = shopper.index() / SHARDS;
    if shard.len() <= at {
        shard.resize(at + 1, Held::Nothing);
    }
    &mut shard[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linked_identities_share_a_profile_under_the_smallest_number() {
        let profiles = Profiles::default();
        for no in [3, 70, 134] {
            profiles.change(ShopperNo(no), |profile| profile.order_count = 1);
        }
        profiles.link(ShopperNo(134), ShopperNo(70));
        profiles.link(ShopperNo(70), ShopperNo(3));
        profiles.link(ShopperNo(3), ShopperNo(134));
        for no in [3, 70, 134] {
            assert_eq!(profiles.root(ShopperNo(no)), ShopperNo(3));
            assert_eq!(profiles.get(ShopperNo(no)).map(|profile| profile.order_count), Some(3));
        }
        let restored = Profiles::restore(profiles.keep());
        assert_eq!(restored.keep(), profiles.keep());
    }
}
