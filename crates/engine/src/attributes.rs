//! What the catalogue says of a product, as keys for models: attribute values, brand and title words, the categories that it
//! stands in and all above them, its price to half an octave. A key means the same for as long as the log lives.

use crate::catalog::Catalog;
use bespoke_domain::ProductNo;

/// Where keys of categories begin; those of attribute values are below.
const CATEGORIES: u32 = 1 << 30;
/// Where keys of prices begin.
const PRICES: u32 = 1 << 31;
/// Price bands of an octave, and octaves below nought that have bands.
const BANDS: f32 = 2.0;
const OCTAVES_BELOW: f32 = 16.0;

/// The keys of a product, ascending; none where the catalogue says nothing of it.
pub fn keys(catalog: &Catalog, product: ProductNo) -> Vec<u32> {
    let Some(row) = catalog.row(product).filter(|_| catalog.title(product).is_some()) else {
        return Vec::new();
    };
    let path = catalog.tag("category", catalog.category_path(row.category));
    let mut keys: Vec<u32> = catalog.values(product).filter(|tag| Some(*tag) != path).collect();
    let up = catalog.categories_up(row.category).into_iter().filter(|category| category.0 != 0);
    keys.extend(up.map(|category| CATEGORIES + category.0));
    if row.octave.is_finite() {
        let band = (BANDS * (row.octave + OCTAVES_BELOW)).floor().clamp(0.0, 255.0);
        keys.push(PRICES + band as u32);
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The keys of every product.
pub fn all(catalog: &Catalog) -> Vec<Vec<u32>> {
    (0..catalog.len() as u32).map(|product| keys(catalog, ProductNo(product))).collect()
}
