//! The log in memory: for tests, and the measure of what a store must do.

use crate::error::Error;
use crate::{
    Checkpoints, DECISION_LAG_MS, Each, Reader, Sealer, Sealing, Store, check_received, decision_ms,
};
use bespoke_domain::entry::Identity;
use bespoke_domain::{Body, Decision, DecisionId, Entry, Millis, Offset, ShopperNo};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Entries copied out at once while reading.
const PAGE_LEN: usize = 256;

#[derive(Default)]
struct Held {
    entries: Vec<Entry>,
    identities: BTreeMap<ShopperNo, Identity>,
    meta: HashMap<String, Vec<u8>>,
}

/// A log in memory; its readers share it.
pub struct Memory {
    held: Arc<RwLock<Held>>,
    checkpoints: Checkpoints,
}

impl Memory {
    /// An empty log.
    pub fn new() -> Self {
        Self { held: Arc::default(), checkpoints: Checkpoints::in_memory() }
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn held_mut(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Held {
    fn last_received(&self) -> Millis {
        self.entries.last().map_or(Millis(i64::MIN), |entry| entry.received)
    }

    fn check_identities(&self, identities: &[Identity]) -> Result<(), Error> {
        let mut numbers: Vec<_> = identities.iter().map(|identity| identity.shopper).collect();
        numbers.sort_unstable();
        let twice = numbers.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| &pair[0]);
        let taken = twice.or_else(|| numbers.iter().find(|number| self.identities.contains_key(number)));
        taken.map_or(Ok(()), |number| Err(Error::ShopperTaken(*number)))
    }
}

impl Store for Memory {
    fn append(&mut self, entries: &[Entry], identities: &[Identity]) -> Result<Offset, Error> {
        let mut held = self.held_mut();
        check_received(held.last_received(), entries)?;
        held.check_identities(identities)?;
        held.entries.extend_from_slice(entries);
        held.identities.extend(identities.iter().map(|identity| (identity.shopper, identity.clone())));
        Ok(Offset(held.entries.len() as u64))
    }

    fn last_offset(&self) -> Offset {
        Offset(self.held().entries.len() as u64)
    }

    fn last_received(&self) -> Millis {
        self.held().last_received()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(Self { held: self.held.clone(), checkpoints: self.checkpoints.clone() }))
    }

    fn sealer(&self) -> Result<Box<dyn Sealer>, Error> {
        Ok(Box::new(NothingToSeal))
    }

    fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.clone()
    }

    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.held_mut().meta.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn gather(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Memory is scanned as it is.
struct NothingToSeal;

impl Sealer for NothingToSeal {
    fn step(&mut self) -> Result<Sealing, Error> {
        Ok(Sealing::Done)
    }
}

impl Reader for Memory {
    fn last_offset(&self) -> Result<Offset, Error> {
        Ok(Store::last_offset(self))
    }

    fn read(&self, after: Offset, until: Offset, each: Each<'_>) -> Result<(), Error> {
        let mut at = after.0 as usize;
        loop {
            let page: Vec<Entry> = {
                let held = self.held();
                let end = held.entries.len().min(until.0 as usize).min(at.saturating_add(PAGE_LEN));
                held.entries.get(at..end).unwrap_or_default().to_vec()
            };
            if page.is_empty() {
                return Ok(());
            }
            for entry in page {
                at += 1;
                if each(Offset(at as u64), entry).is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn entry(&self, offset: Offset) -> Result<Option<Entry>, Error> {
        let index = (offset.0 as usize).checked_sub(1);
        Ok(index.and_then(|index| self.held().entries.get(index).cloned()))
    }

    fn read_shopper(
        &self,
        shopper: ShopperNo,
        after: Offset,
        until: Offset,
        each: Each<'_>,
    ) -> Result<(), Error> {
        self.read(after, until, &mut |offset, entry| {
            if entry.shopper == Some(shopper) { each(offset, entry) } else { ControlFlow::Continue(()) }
        })
    }

    fn decision(&self, id: DecisionId) -> Result<Option<(Offset, Decision)>, Error> {
        let made = decision_ms(id);
        let held = self.held();
        let close = (1..)
            .zip(&held.entries)
            .filter(|(_, entry)| (made..=made + DECISION_LAG_MS).contains(&entry.received.0));
        Ok(close.into_iter().find_map(|(offset, entry)| match &entry.body {
            Body::Decision(decision) if decision.request.id == id => {
                Some((Offset(offset), Decision::clone(decision)))
            }
            _ => None,
        }))
    }

    fn identities(&self, each: &mut dyn FnMut(Identity)) -> Result<(), Error> {
        self.held().identities.values().cloned().for_each(each);
        Ok(())
    }

    fn identity(&self, shopper: ShopperNo) -> Result<Option<Identity>, Error> {
        Ok(self.held().identities.get(&shopper).cloned())
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.held().meta.get(name).cloned())
    }

    fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.clone()
    }
}
