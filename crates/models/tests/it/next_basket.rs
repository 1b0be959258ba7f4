//! The models of the next order beyond what every recommender has to do: habits are found, newer orders count more, what
//! nobody buys twice gives way, what is new comes from those alike, and bounds hold.

use bespoke_domain::ProductNo;
use bespoke_models::next_basket::{Mix, NextBasketParams};
use bespoke_models::orders::{FromOrders, Order, Orders};
use bespoke_models::recommender::{Ask, FitRun, Recommender, Scores};
use bespoke_models::seeded::Seeded;
use bespoke_models::tifu_knn::TifuKnnParams;

const RUN: FitRun = FitRun { seed: 7, threads: 1 };
const MILK: u32 = 0;
const BREAD: u32 = 1;
const LAMP: u32 = 2;
const BUTTER: u32 = 3;

fn order(products: &[u32]) -> Order {
    products.iter().copied().map(ProductNo).collect()
}

/// Forty shoppers: milk and a product of their own each time, a lamp once; every second one butter as well.
fn shop() -> Orders {
    let shopper = |at: u32| -> Vec<Order> {
        let times = 0..4 + at % 3;
        let mut orders: Vec<Order> = times.map(|_| order(&[MILK, 10 + at])).collect();
        orders[1].push(ProductNo(LAMP));
        if at.is_multiple_of(2) {
            orders.iter_mut().for_each(|order| order.push(ProductNo(BUTTER)));
        }
        orders
    };
    Orders::new((0..40).map(shopper).collect())
}

fn models(orders: &Orders) -> [Box<dyn FromOrders>; 2] {
    [
        Box::new(TifuKnnParams::default().fit(orders, RUN)),
        Box::new(NextBasketParams::default().fit(orders, RUN)),
    ]
}

fn next(model: &dyn FromOrders, orders: &[Order], excluded: &[ProductNo]) -> Vec<u32> {
    let history = model.history(orders);
    let ask = Ask { history: &history, excluded, limit: 10 };
    model.recommend(&ask, &mut Scores::default()).into_iter().map(|one| one.1.0).collect()
}

#[test]
fn who_buys_milk_every_time_gets_milk() {
    let shop = shop();
    for model in models(&shop) {
        for orders in shop.shoppers() {
            assert!(next(model.as_ref(), orders, &[])[..3].contains(&MILK));
        }
        let stranger = [order(&[MILK, LAMP]), order(&[MILK]), order(&[MILK])];
        assert_eq!(next(model.as_ref(), &stranger, &[])[0], MILK);
    }
}

#[test]
fn newer_orders_count_more() {
    for model in models(&shop()) {
        let own = |list: Vec<u32>| list.into_iter().find(|one| [10, 11].contains(one));
        let [first, last] = [[10, 11], [11, 10]].map(|products| {
            let orders = products.map(|product| vec![order(&[product]), order(&[product])]).concat();
            own(next(model.as_ref(), &orders, &[]))
        });
        assert_eq!((first, last), (Some(11), Some(10)));
    }
}

#[test]
fn what_is_new_comes_from_shoppers_alike_and_nothing_excluded_is_named() {
    for model in models(&shop()) {
        let orders = [order(&[MILK, 12]), order(&[MILK, 12])];
        let bought = order(&[MILK, 12]);
        let new = next(model.as_ref(), &orders, &bought);
        assert!(new.contains(&BUTTER) && !new.contains(&MILK) && !new.contains(&12), "{new:?}");
        assert!(!new.contains(&BREAD), "nobody buys it");
    }
}

#[test]
fn what_nobody_buys_twice_gives_way() {
    let shop = shop();
    let scores = |rebuy: f32| {
        let mix = Mix { rebuy, ..Mix::default() };
        let model = NextBasketParams { mix, ..NextBasketParams::default() }.fit(&shop, RUN);
        let history = model.history(&[order(&[MILK]), order(&[LAMP])]);
        let list =
            model.recommend(&Ask { history: &history, excluded: &[], limit: 10 }, &mut Scores::default());
        [MILK, LAMP].map(|product| list.iter().find(|one| one.1.0 == product).map(|one| one.0))
    };
    let ([milk, lamp], [milk_again, lamp_again]) = (scores(0.0), scores(0.5));
    assert!(milk_again > milk && lamp_again < lamp && lamp_again.is_some());
}

#[test]
fn long_lists_of_shoppers_are_cut_and_size_is_bounded() {
    let mut seeded = Seeded::new(3);
    let shopper = |seeded: &mut Seeded| vec![(0..20).map(|_| ProductNo(seeded.below(40) as u32)).collect()];
    let orders = Orders::new((0..500).map(|_| shopper(&mut seeded)).collect());
    let params = TifuKnnParams { products_max: 8, postings_max: 10, ..TifuKnnParams::default() };
    let model = params.fit(&orders, RUN);
    let rows = 8 * (500 + 1 + 40 + 1);
    assert!(model.size_bytes() <= rows + 8 * (500 * 8 + 40 * 10));
    for orders in orders.shoppers() {
        assert!(!next(&model, orders, &[]).is_empty());
    }
}
