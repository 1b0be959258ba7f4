//! Which products stand in which category: for listings, which show all of them and not only what is popular.

use bespoke_domain::{CategoryNo, ProductNo};
use bespoke_models::cow::CowVec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Products by main category, 4 bytes each and 24 a category.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Members {
    lists: CowVec<Arc<Vec<ProductNo>>, 64>,
}

impl Members {
    /// Takes a product from one category to another; category 0 is none.
    pub fn change(&mut self, product: ProductNo, before: CategoryNo, after: CategoryNo) {
        if before == after {
            return;
        }
        if before.0 != 0
            && let Some(list) = self.lists.get_mut(before.index())
        {
            Arc::make_mut(list).retain(|held| *held != product);
        }
        if after.0 != 0 {
            self.lists.grow_to(after.index() + 1, &Arc::default());
            if let Some(list) = self.lists.get_mut(after.index()) {
                Arc::make_mut(list).push(product);
            }
        }
    }

    /// The products whose main category this is, those that came last first.
    pub fn of(&self, category: CategoryNo) -> impl Iterator<Item = ProductNo> + '_ {
        self.lists.get(category.index()).into_iter().flat_map(|list| list.iter().rev()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_in_its_category_and_no_other() {
        let mut members = Members::default();
        for (no, category) in [(0, 3), (1, 3), (2, 1)] {
            members.change(ProductNo(no), CategoryNo(0), CategoryNo(category));
        }
        members.change(ProductNo(0), CategoryNo(3), CategoryNo(1));
        members.change(ProductNo(2), CategoryNo(1), CategoryNo(0));
        let of = |no| members.of(CategoryNo(no)).map(|one| one.0).collect::<Vec<_>>();
        assert_eq!((of(0), of(1), of(2), of(3), of(9)), (vec![], vec![0], vec![], vec![1], vec![]));
    }
}
