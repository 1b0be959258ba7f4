//! External product ids and their dense numbers. Numbers are given in log order and never change, so that every
//! snapshot can share the one table: a number at or beyond a snapshot's product count does not exist in it yet.

use bespoke_domain::ProductNo;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// Most product numbers ever given; ids beyond it are ignored and counted by the fold.
pub const PRODUCTS_MAX: usize = 16_000_000;

/// The table from external id to number.
#[derive(Default, Debug)]
pub struct Names {
    numbers: RwLock<HashMap<Arc<str>, ProductNo>>,
}

impl Names {
    /// The number of `id`, if it has one.
    pub fn get(&self, id: &str) -> Option<ProductNo> {
        self.numbers.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(id).copied()
    }

    /// Records that `id` has `number`.
    pub fn set(&self, id: Arc<str>, number: ProductNo) {
        self.numbers.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, number);
    }
}
