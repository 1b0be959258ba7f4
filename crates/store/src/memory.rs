//! The log in memory: for tests, and the measure of what a store must do.

use crate::error::Error;
use crate::{Checkpoints, DECISION_LAG_MS, Each, Reader, Store, decision_ms};
use bespoke_domain::entry::Identity;
use bespoke_domain::{Body, Decision, DecisionId, Entry, Offset, ShopperNo};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

#[derive(Default)]
struct Held {
    entries: Vec<Entry>,
    identities: Vec<Identity>,
    meta: HashMap<String, Vec<u8>>,
}

/// A log in memory; readers share it.
#[derive(Clone, Default)]
pub struct Memory {
    held: Arc<RwLock<Held>>,
}

impl Memory {
    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn append(&mut self, entries: &[Entry], identities: &[Identity]) -> Result<Offset, Error> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.entries.extend_from_slice(entries);
        held.identities.extend_from_slice(identities);
        Ok(Offset(held.entries.len() as u64))
    }

    fn last_offset(&self) -> Offset {
        Offset(self.held().entries.len() as u64)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(self.clone()))
    }

    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.meta.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(None)
    }
}

impl Reader for Memory {
    fn last_offset(&self) -> Result<Offset, Error> {
        Ok(Store::last_offset(self))
    }

    fn read(&self, after: Offset, until: Offset, each: Each<'_>) -> Result<(), Error> {
        let entries = self.held().entries.clone();
        let in_reach = (1..).map(Offset).zip(entries).filter(|(at, _)| *at > after && *at <= until);
        for (offset, entry) in in_reach {
            if each(offset, entry).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read_shopper(
        &self,
        shopper: ShopperNo,
        after: Offset,
        until: Offset,
        each: Each<'_>,
    ) -> Result<(), Error> {
        self.read(after, until, &mut |offset, entry| {
            if entry.shopper == Some(shopper) {
                each(offset, entry)
            } else {
                std::ops::ControlFlow::Continue(())
            }
        })
    }

    fn decision(&self, id: DecisionId) -> Result<Option<(Offset, Decision)>, Error> {
        let made = decision_ms(id);
        let held = self.held();
        let close = (1..).map(Offset).zip(&held.entries);
        let close = close.filter(|(_, entry)| (made..=made + DECISION_LAG_MS).contains(&entry.received.0));
        Ok(close.into_iter().find_map(|(offset, entry)| match &entry.body {
            Body::Decision(decision) if decision.request.id == id => Some((offset, (**decision).clone())),
            _ => None,
        }))
    }

    fn identities(&self, each: &mut dyn FnMut(Identity)) -> Result<(), Error> {
        self.held().identities.iter().cloned().for_each(each);
        Ok(())
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.held().meta.get(name).cloned())
    }

    fn checkpoint_at_or_before(&self, _offset: Offset) -> Result<Option<(Offset, Vec<u8>)>, Error> {
        Ok(None)
    }
}
