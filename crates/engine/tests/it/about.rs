//! The category that a search is about: by what matches, by what shoppers did, and when none is told.

use crate::searching::{ask, matches, only, shop};
use crate::{Bench, START, request};
use bespoke_domain::event::{Details, PageType};
use bespoke_domain::search::{Basis, Search, Sort, Understood};
use bespoke_domain::settings::Placement;
use bespoke_domain::{Body, Consent, Event, EventItem, EventKind, Millis, Offset, Request};
use bespoke_engine::replay::{Replay, bytes};

fn bench() -> Bench {
    shop(Placement { name: "p".to_owned(), ..matches() })
}

fn asked(search: Search) -> Request {
    Request { search: Some(Box::new(search)), ..request("p", None, 600) }
}

/// The category that is told of a search whose words name none.
fn about(bench: &mut Bench, request: Request) -> Option<Understood> {
    let met = bench.decide(request).met.expect("a search is met");
    let about = met.understood.iter().find(|one| one.about == "category" && one.basis != Basis::Words);
    about.cloned()
}

fn value(bench: &mut Bench, search: Search) -> String {
    about(bench, asked(search)).map(|one| format!("{} {}", one.value, one.basis.name())).unwrap_or_default()
}

impl Bench {
    /// A shopper searches, and puts into the cart what they clicked.
    fn asked_for(&mut self, shopper: u32, text: &str, product: &str) {
        let event = |kind, details: Option<Details>, items: &[&str]| {
            let item =
                |id: &&str| EventItem { item_id: (*id).to_owned(), quantity: 1, ..EventItem::default() };
            Event {
                consent: Consent::GRANTED,
                page: PageType::Search,
                details: details.map(Box::new),
                items: items.iter().map(item).collect(),
                ..Event::new(kind, Millis(START + i64::from(shopper) * 600_000))
            }
        };
        let details = Details { search_term: Some(text.into()), result_count: Some(3), ..Details::default() };
        let searched = event(EventKind::ViewSearchResults, Some(details), &[]);
        let dealt = [EventKind::SelectItem, EventKind::AddToCart].map(|kind| event(kind, None, &[product]));
        for event in [searched].into_iter().chain(dealt) {
            self.push(Some(shopper), Body::Event(Box::new(event)));
        }
    }
}

#[test]
fn it_is_where_most_of_what_matches_stands() {
    let mut bench = bench();
    assert_eq!(value(&mut bench, ask("mug")), "Home > Kitchen matches");
    assert_eq!(value(&mut bench, ask("desk")), "Light matches");
    let told = about(&mut bench, asked(ask("red mug"))).expect("most red mugs are in the kitchen");
    assert_eq!((told.text.as_str(), told.is_filter, told.bounds), ("mug", false, (None, None)));
    assert!((0.6..=1.0).contains(&told.confidence), "{told:?}");
    let total = |bench: &mut Bench, search| bench.decide(asked(search)).met.map(|met| met.total);
    let literal = Search { literal: true, ..ask("mug") };
    assert_eq!(total(&mut bench, ask("mug")), total(&mut bench, literal), "it takes nothing away");
}

#[test]
fn it_is_not_told_where_it_is_named_chosen_or_not_wanted_and_of_article_numbers() {
    let mut bench = bench();
    let as_words = |text: &str, part: &str| Search { as_words: vec![part.to_owned()], ..ask(text) };
    for search in [
        Search { literal: true, ..ask("mug") },
        as_words("mug", "mug"),
        as_words("red mug", "Mug"),
        ask("kitchen mug"),
        ask("mug wh1000xm3"),
        ask("mug 4902580"),
        ask("zzzz"),
        Search { sort: Sort::PriceUp, ..ask("mug") },
        Search { refinements: vec![only("category", &["Home"])], ..ask("mug") },
    ] {
        assert_eq!(value(&mut bench, search.clone()), "", "{search:?}");
    }
    assert_eq!(value(&mut bench, as_words("red mug", "red")), "Home > Kitchen matches");
    assert_eq!(value(&mut bench, ask("mug 24")), "Home > Kitchen matches", "a small number is no article's");
}

#[test]
fn what_five_shoppers_dealt_with_after_the_same_words_outweighs_what_matches() {
    let mut bench = bench();
    for shopper in 11..15 {
        bench.asked_for(shopper, "Red", "lamp");
    }
    assert_eq!(value(&mut bench, ask("red")), "Home > Kitchen matches", "four may not be told apart");
    bench.asked_for(15, "red", "lamp");
    assert_eq!(value(&mut bench, ask("red")), "Light clicks");
    assert_eq!(value(&mut bench, ask("red mug")), "Home > Kitchen matches", "other words");
    let decision = bench.decide(asked(ask("red")));
    let mut replay = Replay::new(&decision, None);
    (1..).map(Offset).zip(&bench.entries).for_each(|(offset, entry)| replay.feed(offset, entry));
    assert_eq!(bytes(&replay.finish()), bytes(&decision));
    bench.restart();
    assert_eq!(value(&mut bench, ask("red")), "Light clicks", "also after a restart");
}
