//! What the catalogue promises.

use super::shop;
use bespoke_sim::Params;
use std::collections::HashSet;

#[test]
fn every_row_has_its_own_id_and_is_found_by_it() {
    for products in [100, 1_000, 7_919, 60_000] {
        let shop = shop(Params { products, ..Params::default() });
        let ids: HashSet<String> = (0..products).map(|no| shop.id(no)).collect();
        assert_eq!(ids.len(), products as usize);
        assert!((0..products).all(|no| shop.product_with_id(&shop.id(no)) == Some(no)));
        assert_eq!(shop.patches().map(|patch| patch.id).collect::<HashSet<_>>(), ids);
        assert_eq!(shop.product_with_id("P9999999"), None);
    }
}

#[test]
fn leaves_cover_all_products_and_paths_are_their_own() {
    let shop = shop(Params { products: 1_000_000, ..Params::default() });
    let mut next = 0;
    let mut paths = HashSet::new();
    for leaf in 0..shop.leaf_count() {
        let range = shop.products_of(leaf);
        assert!(range.start == next && range.end > range.start, "leaf {leaf}");
        assert!(range.clone().take(3).all(|no| shop.leaf_of(no) == leaf));
        assert!(paths.insert(shop.path(leaf)), "{}", shop.path(leaf));
        next = range.end;
    }
    assert_eq!((next, shop.leaf_count()), (1_000_000, 6_666));
}

#[test]
fn rows_are_priced_above_cost_and_out_of_stock_as_often_as_asked() {
    let shop = shop(Params { products: 20_000, out_of_stock_share: 0.3, ..Params::default() });
    let all: Vec<_> = (0..20_000).map(|no| shop.product(no)).collect();
    assert!(all.iter().all(|one| one.price_minor > one.cost_minor && one.cost_minor > 0));
    let out = all.iter().filter(|one| one.stock == 0).count();
    assert!((5_700..6_300).contains(&out), "{out} of 20,000 are out of stock");
}

#[test]
fn sizes_of_a_product_share_everything_but_stock() {
    let shop = shop(Params { products: 20_000, ..Params::default() });
    let with_sizes = (0..shop.leaf_count()).find(|leaf| shop.rows_per_group(*leaf) == 4);
    let leaf = with_sizes.expect("two departments have sizes");
    let rows: Vec<_> = (0..4).map(|size| shop.patch(shop.row_of(leaf, 0, size))).collect();
    let content = |at: usize| rows[at].content.clone().expect("every row is described");
    assert!(!content(0).item_group_id.is_empty());
    assert!((1..4).all(|at| content(at).item_group_id == content(0).item_group_id));
    assert!((1..4).all(|at| rows[at].price == rows[0].price && content(at).title == content(0).title));
    let size = |at: usize| content(at).attributes.into_iter().find(|(name, _)| name == "size");
    assert_eq!((0..4).filter_map(size).collect::<HashSet<_>>().len(), 4);
}

#[test]
fn the_fits_attribute_says_what_fits() {
    let shop = shop(Params { products: 20_000, ..Params::default() });
    let text = |no: u32, name: &str| {
        let attributes = shop.patch(no).content.expect("every row is described").attributes;
        attributes.into_iter().find(|(held, _)| held == name).map(|(_, value)| value)
    };
    let mut pairs = 0;
    for accessory in
        (0..20_000).step_by(7).filter(|no| text(*no, "fits").is_some_and(|fits| !fits.is_empty()))
    {
        let fits = text(accessory, "fits").unwrap_or_default();
        let accessory = shop.product(accessory);
        for no in shop.products_of(shop.leaf_that_goes_with(accessory.leaf)) {
            let device = shop.product(no);
            let named = fits.split(',').any(|code| code == shop.model_code(&device));
            assert_eq!(named, shop.fits(&accessory, &device), "{fits} against {}", shop.model_code(&device));
            pairs += usize::from(named);
        }
    }
    assert!(pairs > 500, "{pairs} pairs fit");
}
