//! What was planted in the shoppers shows in what they do.

use super::{busy, facts, shop};
use bespoke_domain::EventKind;
use bespoke_domain::event::{KINDS, Needs};
use bespoke_sim::stream::EVENTS_PER_VISIT;
use bespoke_sim::truth::{examination, season};
use bespoke_sim::{Fact, Params, Product, Shop, Shopper, json};
use std::collections::{HashMap, HashSet};

fn bytes(params: Params) -> Vec<u8> {
    let events: Vec<_> = facts(params).into_iter().map(|fact| (fact.shopper, fact.event)).collect();
    postcard::to_allocvec(&events).expect("events are plain data")
}

fn products(shop: &Shop, fact: &Fact) -> Vec<Product> {
    let number = |id: &str| shop.product_with_id(id).expect("the shop sells what it sends");
    fact.event.items.iter().map(|item| shop.product(number(&item.item_id))).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let params = Params { events: 20_000, ..Params::default() };
    assert_eq!(bytes(params), bytes(params));
    assert_ne!(bytes(params), bytes(Params { seed: 2, ..params }));
}

#[test]
fn events_come_in_order_of_time_as_many_as_asked_over_the_days_asked() {
    let all = facts(busy());
    assert_eq!(all.len(), 400_000);
    assert!(all.is_sorted_by_key(|fact| fact.event.time));
    let days = all[all.len() - 1].event.time.days() - all[0].event.time.days();
    assert!((330.0..400.0).contains(&days), "{days} days");
    let visits: HashSet<u64> = all.iter().map(|fact| fact.event.session).collect();
    let per_visit = all.len() as f64 / visits.len() as f64;
    assert!((per_visit / EVENTS_PER_VISIT - 1.0).abs() < 0.05, "{per_visit} events a visit");
}

#[test]
fn every_kind_occurs_and_carries_what_it_needs() {
    let all = facts(busy());
    let kinds: HashSet<EventKind> = all.iter().map(|fact| fact.event.kind).collect();
    let missing: Vec<&str> =
        KINDS.iter().filter(|spec| !kinds.contains(&spec.kind)).map(|spec| spec.name).collect();
    assert!(missing.is_empty(), "{missing:?} never occur");
    for fact in &all {
        let details = fact.event.details.as_deref();
        let has_order = details.is_some_and(|details| details.transaction_id.is_some());
        let holds = match fact.event.kind.spec().needs {
            Needs::Nothing => true,
            Needs::Items => !fact.event.items.is_empty(),
            Needs::SearchTerm => details.is_some_and(|details| details.search_term.is_some()),
            Needs::Order => has_order && !fact.event.items.is_empty(),
            Needs::Transaction => has_order,
            Needs::Consent => !fact.event.statement.is_silent(),
            Needs::Rating => details.is_some_and(|details| details.rating.is_some()),
            Needs::BothIds => fact.is_signed_in,
            Needs::Channel => details.is_some_and(|details| details.channel.is_some()),
        };
        assert!(holds, "{fact:?}");
    }
}

#[test]
fn attention_falls_with_position_where_the_order_says_nothing() {
    let (mut shown, mut clicked) = ([0.0; 10], [0.0; 10]);
    for fact in &facts(busy()) {
        let counts = match fact.event.kind {
            EventKind::ViewItemList => &mut shown,
            EventKind::SelectItem => &mut clicked,
            _ => continue,
        };
        let list = fact.event.details.as_deref().and_then(|details| details.placement.as_deref());
        for index in fact.event.items.iter().filter_map(|item| item.index) {
            counts[usize::from(index)] += f64::from(u8::from(list == Some("listing_shuffled")));
        }
    }
    let rate = |k: usize| clicked[k] / shown[k];
    for k in [1, 2, 4] {
        let (seen, planted) = (rate(k) / rate(0), examination(k as u32));
        assert!((seen / planted - 1.0).abs() < 0.15, "position {k}: {seen:.3}, planted {planted:.3}");
    }
}

#[test]
fn complements_are_bought_together_and_others_of_their_leaves_are_not() {
    let shop = shop(busy());
    let (mut complements, mut others) = (0, 0);
    for fact in facts(busy()).iter().filter(|fact| fact.event.kind == EventKind::Purchase) {
        let cart = products(&shop, fact);
        for (a, b) in cart.iter().zip(&cart[1..]) {
            let go_together = shop.leaf_that_goes_with(a.leaf) == b.leaf;
            complements += usize::from(go_together && shop.are_complements(a, b));
            others += usize::from(go_together && !shop.are_complements(a, b));
        }
    }
    let said = format!("{complements} complements, {others} others; one in eight by chance");
    assert!(complements > 200 && complements > 2 * others, "{said}");
}

#[test]
fn substitutes_are_viewed_one_after_the_other() {
    let shop = shop(busy());
    let mut last: HashMap<u64, Product> = HashMap::new();
    let (mut substitutes, mut same_leaf) = (0.0, 0.0);
    for fact in facts(busy()).iter().filter(|fact| fact.event.kind == EventKind::ViewItem) {
        let viewed = products(&shop, fact).remove(0);
        if let Some(before) = last.insert(fact.event.session, viewed.clone())
            && before.leaf == viewed.leaf
            && before.group != viewed.group
        {
            same_leaf += 1.0;
            substitutes += f64::from(u8::from(shop.are_substitutes(&before, &viewed)));
        }
    }
    assert!(substitutes / same_leaf > 0.25, "{substitutes} of {same_leaf}; one in eight by chance");
}

#[test]
fn the_price_sensitive_buy_cheaper_and_returns_follow_quality() {
    let shop = shop(busy());
    let mut paid = [(0.0, 0.0); 2];
    let (mut bought, mut back) = ([0.0; 2], [0.0; 2]);
    for fact in &facts(busy()) {
        let is_refund = fact.event.kind == EventKind::Refund;
        if fact.event.kind != EventKind::Purchase && !is_refund {
            continue;
        }
        let sensitive = Shopper::new(&shop, fact.shopper).price_sensitivity > 0.9;
        for product in products(&shop, fact) {
            let is_good = usize::from(product.quality > 0.0);
            if is_refund {
                back[is_good] += 1.0;
                continue;
            }
            bought[is_good] += 1.0;
            let (sum, count) = &mut paid[usize::from(sensitive)];
            *sum += product.price_ln;
            *count += 1.0;
        }
    }
    let mean = |at: usize| paid[at].0 / paid[at].1;
    assert!(mean(1) < mean(0) - 0.05, "sensitive {:.3}, others {:.3}", mean(1), mean(0));
    assert!(back[0] / bought[0] > 1.8 * (back[1] / bought[1]), "{back:?} of {bought:?}");
}

#[test]
fn visits_are_about_favourite_leaves_and_follow_the_season() {
    let shop = shop(busy());
    let (mut favourite, mut lists) = (0.0, 0.0);
    let mut by_quarter = [[0.0; 4]; 12];
    for fact in facts(busy()).iter().filter(|fact| fact.event.kind == EventKind::ViewItemList) {
        let leaf = products(&shop, fact)[0].leaf;
        lists += 1.0;
        favourite += f64::from(u8::from(Shopper::new(&shop, fact.shopper).leaf_weight(leaf) > 0.0));
        let day = fact.event.time.days() % 365.25;
        by_quarter[shop.department(leaf)][(day / 91.3125) as usize % 4] += 1.0;
    }
    assert!(favourite / lists > 0.7, "{favourite} of {lists}");
    for (department, counts) in by_quarter.iter().enumerate() {
        let middle =
            |quarter: usize| bespoke_domain::Millis(((quarter as f64 + 0.5) * 91.3125 * 86_400_000.0) as i64);
        let by_season =
            |a: &usize, b: &usize| season(department, middle(*a)).total_cmp(&season(department, middle(*b)));
        let high = (0..4).max_by(by_season).unwrap_or_default();
        let low = (0..4).min_by(by_season).unwrap_or_default();
        assert!(counts[high] > 1.15 * counts[low], "department {department}: {counts:?}");
    }
}

#[test]
fn nothing_out_of_stock_is_put_into_a_cart() {
    let params = Params { out_of_stock_share: 0.5, ..busy() };
    let shop = shop(params);
    let all = facts(params);
    let carted = all.iter().filter(|fact| fact.event.kind == EventKind::AddToCart);
    let stocks: Vec<u32> = carted.flat_map(|fact| products(&shop, fact)).map(|one| one.stock).collect();
    assert!(stocks.len() > 1_000 && stocks.iter().all(|stock| *stock > 0));
}

#[test]
fn what_it_sends_is_json_with_the_documented_names() {
    let shop = shop(Params::default());
    let all = facts(Params::default());
    let bought = all.iter().find(|fact| fact.event.kind == EventKind::Purchase).expect("somebody buys");
    let line = json::event(&shop, bought);
    assert_eq!((&line["event"], &line["currency"]), (&"purchase".into(), &"EUR".into()));
    assert!(line["items"][0]["price"].is_number() && line["transaction_id"].is_string());
    let row = json::row(&shop.patch(3));
    assert!(row["title"].is_string() && row["price"].as_str().is_some_and(|price| price.ends_with(" EUR")));
}
