//! The tree of categories, numbered by their paths; and sets of them.

use crate::numbering::Numbering;
use bespoke_domain::CategoryNo;
use serde::{Deserialize, Serialize};

/// Deepest category path.
pub const CATEGORY_DEPTH_MAX: usize = 8;
/// Most categories and most brands.
pub const CATEGORIES_MAX: usize = 200_000;

/// Category paths with their parents.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tree {
    /// Every path.
    pub paths: Numbering,
    /// The category above each; the whole shop is its own.
    pub parents: Vec<CategoryNo>,
}

impl Tree {
    /// The number of `path`, given to it and to every path above it. The empty path is the whole shop.
    pub fn number(&mut self, path: &str) -> CategoryNo {
        if self.parents.is_empty() {
            self.paths.number("");
            self.parents.push(CategoryNo(0));
        }
        let (mut parent, mut prefix) = (CategoryNo(0), String::new());
        for part in path.split('>').map(str::trim).filter(|part| !part.is_empty()).take(CATEGORY_DEPTH_MAX) {
            if !prefix.is_empty() {
                prefix.push_str(" > ");
            }
            prefix.push_str(part);
            if self.parents.len() >= CATEGORIES_MAX && self.paths.get(&prefix).is_none() {
                break;
            }
            let number = CategoryNo(self.paths.number(&prefix));
            if number.index() == self.parents.len() {
                self.parents.push(parent);
            }
            parent = number;
        }
        parent
    }
}

/// Some categories, as bits by number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CategorySet(Vec<u64>);

impl CategorySet {
    /// Whether `category` is in it.
    #[inline]
    pub fn contains(&self, category: CategoryNo) -> bool {
        self.0.get(category.index() / 64).is_some_and(|word| word >> (category.index() % 64) & 1 == 1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts it in.
    pub fn insert(&mut self, category: CategoryNo) {
        let word = category.index() / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (category.index() % 64);
    }
}
