//! Which rows are variants of one product: a ring a group, 4 bytes a row, so that a shirt is found in all its sizes.

use crate::numbering::Numbering;
use bespoke_domain::{GroupNo, ProductNo};
use bespoke_models::cow::CowVec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most variants of a group that are looked at.
const VARIANTS_MAX: usize = 500;
/// Groups without a name: of one row each, which gives them this bit and its own number.
const LONE: u32 = 1 << 31;

/// The rings, and the groups that have a name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Variants {
    /// The next row of the same group; a row alone leads to itself.
    next: CowVec<ProductNo, 4096>,
    /// Only the fold needs it, so that a frozen copy leaves it out and writing it copies nothing.
    named: Arc<Named>,
}

/// Groups by `item_group_id`, each with one row of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Named {
    names: Numbering,
    /// One row of each group, as long as it has one.
    some: Vec<Option<ProductNo>>,
}

impl Variants {
    /// Takes in the next row, alone.
    pub fn add(&mut self) -> GroupNo {
        let product = ProductNo(self.next.len() as u32);
        self.next.push(product);
        lone(product)
    }

    /// The group with this name; the row's own where it names none, which is the group named like its id where there is one.
    pub fn put(&mut self, product: ProductNo, before: GroupNo, id: &str, name: &str) -> GroupNo {
        let of_id = || self.named.names.get(id).map_or(lone(product), GroupNo);
        let group = if name.is_empty() { of_id() } else { self.number(name) };
        if group != before {
            self.leave(product, before);
            self.join(product, group);
        }
        group
    }

    /// The row and its variants.
    pub fn of(&self, product: ProductNo) -> impl Iterator<Item = ProductNo> + '_ {
        let after = move |at: &ProductNo| self.next.get(at.index()).copied().filter(|next| *next != product);
        std::iter::successors(Some(product), after).take(VARIANTS_MAX)
    }

    /// The copy a snapshot keeps.
    #[must_use]
    pub fn freeze(&mut self) -> Self {
        Self { next: self.next.clone(), named: Arc::default() }
    }

    /// Rebuilds what a checkpoint leaves out.
    pub fn restore(&mut self) {
        Arc::make_mut(&mut self.named).names.restore();
    }

    fn number(&mut self, name: &str) -> GroupNo {
        let named = Arc::make_mut(&mut self.named);
        let number = named.names.number(name);
        if number as usize == named.some.len() {
            named.some.push(None);
        }
        GroupNo(number)
    }

    fn leave(&mut self, product: ProductNo, group: GroupNo) {
        let before = self.of(product).last().unwrap_or(product);
        let after = self.next.get(product.index()).copied().unwrap_or(product);
        self.lead(before, after);
        self.lead(product, product);
        if let Some(some) = Arc::make_mut(&mut self.named).some.get_mut(group.index()) {
            *some = Some(before).filter(|before| *before != product);
        }
    }

    fn join(&mut self, product: ProductNo, group: GroupNo) {
        let Some(some) = Arc::make_mut(&mut self.named).some.get_mut(group.index()) else { return };
        match *some {
            None => *some = Some(product),
            Some(held) => {
                let after = self.next.get(held.index()).copied().unwrap_or(held);
                self.lead(held, product);
                self.lead(product, after);
            }
        }
    }

    fn lead(&mut self, from: ProductNo, to: ProductNo) {
        if let Some(next) = self.next.get_mut(from.index()) {
            *next = to;
        }
    }
}

/// Whether a group is one row alone, that names no group.
#[inline]
pub fn is_lone(group: GroupNo) -> bool {
    group.0 & LONE != 0
}

fn lone(product: ProductNo) -> GroupNo {
    GroupNo(LONE | product.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(variants: &Variants, no: u32) -> Vec<u32> {
        let mut all: Vec<u32> = variants.of(ProductNo(no)).map(|one| one.0).collect();
        all.sort_unstable();
        all
    }

    proptest! {
        /// Whatever rows join and leave, each finds those of its group and no others.
        #[test]
        fn rings_are_groups(moves in proptest::collection::vec((0_u32..12, 0_usize..4), 0..60)) {
            let names = ["", "a", "b", "c"];
            let mut variants = Variants::default();
            let mut groups: Vec<GroupNo> = (0..12).map(|_| variants.add()).collect();
            for (no, name) in moves {
                let before = groups[no as usize];
                groups[no as usize] = variants.put(ProductNo(no), before, &format!("row {no}"), names[name]);
            }
            for no in 0..12 {
                let same: Vec<u32> = (0..12).filter(|other| groups[*other as usize] == groups[no as usize]).collect();
                prop_assert_eq!(of(&variants, no), same);
            }
        }
    }

    #[test]
    fn a_row_named_like_a_group_is_of_it() {
        let mut variants = Variants::default();
        let (parent, child) = (variants.add(), variants.add());
        let group = variants.put(ProductNo(1), child, "shirt-m", "shirt");
        assert_eq!(variants.put(ProductNo(0), parent, "shirt", ""), group);
        assert_eq!(of(&variants, 0), [0, 1]);
    }
}
