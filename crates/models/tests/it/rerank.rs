//! Candidates and their values on a shop small enough to know them.

use crate::products;
use bespoke_domain::{CategoryNo, Millis, ProductNo};
use bespoke_models::co_occurrence::{CoOccurrence, CoOccurrenceParams};
use bespoke_models::co_visit::observe_view;
use bespoke_models::gbdt::{Gbdt, GbdtParams, Rows};
use bespoke_models::popularity::Popularity;
use bespoke_models::rerank::{Candidates, FEATURES, RerankParams, Sources};
use bespoke_models::scratch::Scratch;
use bespoke_models::session_index::{IndexParams, SessionIndex};

fn candidates(session: &[u32], params: &RerankParams) -> Candidates {
    let (mut sessions, mut co_views) =
        (SessionIndex::new(IndexParams::default()), CoOccurrence::new(CoOccurrenceParams::default()));
    let mut popular = Popularity::default();
    for items in [&[1, 2, 3][..], &[1, 2], &[4, 5]] {
        let items = products(items);
        sessions.push(&items);
        for (place, &item) in items.iter().enumerate() {
            observe_view(&mut co_views, &items[..place], item, Millis(0), &params.co_view);
            popular.bump(item, &[CategoryNo(0)], 1.0, Millis(0));
        }
    }
    let sources = Sources {
        sessions: &sessions,
        co_views: &co_views,
        popular: &popular,
        recent: &popular,
        now: Millis(0),
    };
    sources.candidates(params, &products(session), &mut Scratch::default())
}

fn value(found: &Candidates, product: u32, feature: &str) -> f32 {
    let row = found.products.iter().position(|one| one.0 == product).expect("a candidate");
    let at = FEATURES.iter().position(|one| *one == feature).expect("a feature");
    found.values[row * FEATURES.len() + at]
}

#[test]
fn candidates_are_described_by_source_popularity_and_session() {
    let found = candidates(&[4, 1, 1], &RerankParams::default());
    let mut named: Vec<u32> = found.products.iter().map(|product| product.0).collect();
    named.sort_unstable();
    assert_eq!(named, [1, 2, 3, 4, 5], "each once");
    assert_eq!(found.values.len(), 5 * FEATURES.len());
    assert_eq!(value(&found, found.products[0].0, "near_rank"), 0.0);
    assert_eq!(value(&found, found.products[0].0, "near_share_of_best"), 1.0);
    assert!((value(&found, 2, "popularity_log") - 3.0_f32.ln()).abs() < 1e-6, "seen twice");
    let of = |product, features: [&str; 5]| features.map(|feature| value(&found, product, feature));
    let session =
        ["items_back", "times_in_session", "session_items", "session_distinct_items", "is_last_item"];
    assert_eq!(of(1, session), [0.0, 2.0, 3.0, 2.0, 1.0]);
    assert_eq!(of(4, session), [2.0, 1.0, 3.0, 2.0, 0.0]);
    assert!(value(&found, 2, "items_back").is_nan());
    assert_eq!(value(&found, 2, "co_view_share_last"), value(&found, 2, "co_view_share_second_last"));
    assert!(
        value(&found, 5, "co_view_share_third_last") > 0.0 && value(&found, 5, "co_view_share_last").is_nan()
    );
}

#[test]
fn trees_put_candidates_in_order_and_limits_hold() {
    let params = RerankParams { candidates_max: 3, ..RerankParams::default() };
    let found = candidates(&[1], &params);
    assert_eq!(found.products.len(), 3);
    let labels = found.products.iter().map(|product| product.0 as f32).collect();
    let rows = Rows::new(FEATURES.len(), found.values.clone(), labels).expect("sound");
    let by_heart = GbdtParams { rows_in_leaf_min: 1, learning_rate: 1.0, trees: 5, ..GbdtParams::default() };
    let trees = Gbdt::fit(&by_heart, &rows, 1).expect("sound");
    let ranked: Vec<ProductNo> = found.ranked(&trees, 2).into_iter().map(|one| one.1).collect();
    let mut best = found.products.clone();
    best.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(ranked, best[..2]);
    assert_eq!(candidates(&[], &params), Candidates::default());
    assert_eq!(candidates(&[77], &params), Candidates::default());
}
