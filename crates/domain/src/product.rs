//! Sellable rows with the attribute names of Google Merchant, and the patches that bring them into the log.

use crate::money::Money;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Merchant `availability`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its wire name in AVAILABILITIES")]
pub enum Availability {
    InStock,
    #[default]
    OutOfStock,
    Preorder,
    Backorder,
}

/// Every availability with its wire name.
pub const AVAILABILITIES: [(Availability, &str); 4] = [
    (Availability::InStock, "in_stock"),
    (Availability::OutOfStock, "out_of_stock"),
    (Availability::Preorder, "preorder"),
    (Availability::Backorder, "backorder"),
];

impl Availability {
    /// The availability with this wire name.
    pub fn parse(name: &str) -> Option<Self> {
        AVAILABILITIES.iter().find(|(_, text)| *text == name).map(|(availability, _)| *availability)
    }

    /// The wire name.
    pub fn name(self) -> &'static str {
        AVAILABILITIES[self as usize].1
    }
}

/// Changes to one row. `None` leaves a field as it is; the first patch of an id creates the row. Per field the newest
/// `as_of` wins, whatever the order of arrival.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ProductPatch {
    /// Merchant `id`.
    pub id: String,
    /// When this was true at the shop.
    pub as_of: Millis,
    /// Merchant `price`; its currency is the row's currency.
    pub price: Option<Money>,
    /// Merchant `sale_price`; `Some(None)` ends the sale.
    pub sale_price: Option<Option<Money>>,
    /// Merchant `availability`.
    pub availability: Option<Availability>,
    /// Units that can be sold. 0 makes the row unavailable whatever `availability` says.
    pub stock: Option<u32>,
    /// What describes the row rather than its moment; replaced as a whole, since feeds send it as a whole.
    pub content: Option<Box<Content>>,
    /// Numbers that the shop has of the product, of its image, say; near to each other where products are alike. Without a
    /// number there are none any more.
    pub vector: Option<Box<[f32]>>,
}

/// The describing attributes of a row.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Content {
    /// Merchant `title`, at most 150 characters.
    pub title: String,
    /// Merchant `description`, at most 5,000 characters.
    pub description: String,
    /// Merchant `link`.
    pub link: String,
    /// Merchant `image_link`.
    pub image_link: String,
    /// Merchant `brand`.
    pub brand: String,
    /// Merchant `item_group_id`: rows that are variants of one product.
    pub item_group_id: String,
    /// Full paths, `Home > Kitchen > Mugs`; the first is the main one (Merchant `product_type`).
    pub categories: Vec<String>,
    /// Merchant `cost_of_goods_sold`.
    pub cost: Option<Money>,
    /// When the row was first offered.
    pub published_at: Option<Millis>,
    /// Merchant `expiration_date`: not offered from here on.
    pub expires_at: Option<Millis>,
    /// Merchant `adult` or `pause`, or unpublished: never recommended.
    pub hidden: bool,
    /// Mean rating and number of ratings.
    pub rating: Option<(f32, u32)>,
    /// Every other attribute as name and value: `color`, `size`, `material`, `gtin`, `tag`, ….
    pub attributes: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (availability, name) in AVAILABILITIES {
            assert_eq!((availability.name(), Availability::parse(name)), (name, Some(availability)));
        }
        assert_eq!(Availability::parse("sold"), None);
    }
}
