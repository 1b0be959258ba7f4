//! Files: imports with bad lines, placement files with faults.

use crate::{Bench, PLACEMENTS};
use bespoke::{import, placements};
use std::path::PathBuf;

fn file(bench: &Bench, name: &str, text: &str) -> PathBuf {
    let path = bench._directory.path().join(name);
    std::fs::write(&path, text).expect("it can be written");
    path
}

#[test]
fn a_bad_line_is_reported_with_its_number_and_the_rest_goes_in() {
    let bench = Bench::new();
    let rows = "{\"id\":\"a\",\"title\":\"A\"}\n\n{\"id\":\"b\",\"price\":\"cheap\"}\nnonsense\n{\"id\":\"c\",\"title\":\"C\"}\n";
    let done =
        import::catalog(&bench.shop, &file(&bench, "rows.jsonl", rows), &mut |_| ()).expect("it can be read");
    let faults: Vec<_> = done.problems.iter().map(|(line, problem)| (*line, problem.code)).collect();
    assert_eq!((done.accepted, faults), (2, vec![(3, "invalid_amount"), (4, "bad_json")]));
    assert_eq!(bench.shop.live.snapshot().aggregates.catalog.len(), 2);
}

#[test]
fn a_packed_feed_is_imported_as_it_is() {
    use std::io::Write as _;
    let bench = Bench::new();
    let feed = "<rss xmlns:g=\"http://base.google.com/ns/1.0\"><channel>\n\
        <item><g:id>a</g:id><g:title>Mug</g:title><g:price>9.99 EUR</g:price><g:availability>in stock</g:availability></item>\n\
        <item><g:id>b</g:id><g:title>Plate</g:title><g:price>cheap</g:price></item>\n</channel></rss>";
    let path = bench._directory.path().join("feed.xml.gz");
    let packed = std::fs::File::create(&path).expect("it can be written");
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    packed.write_all(feed.as_bytes()).and_then(|()| packed.finish().map(|_| ())).expect("it can be written");
    let done = import::catalog(&bench.shop, &path, &mut |_| ()).expect("it can be read");
    let faults: Vec<_> = done.problems.iter().map(|(line, problem)| (*line, problem.code)).collect();
    assert_eq!((done.accepted, faults), (1, vec![(3, "invalid_amount")]));
    let tabs = file(&bench, "more.tsv", "id\ttitle\tprice\nc\tCup, small\t3\n");
    assert_eq!(import::catalog(&bench.shop, &tabs, &mut |_| ()).expect("it can be read").accepted, 1);
    let events = import::events(&bench.shop, &path, &mut |_| ()).expect_err("a feed has no events");
    assert!(events.to_string().contains("events are JSON lines, CSV or TSV"), "{events}");
}

#[test]
fn a_full_import_that_looks_broken_is_refused_unless_confirmed() {
    let bench = Bench::new();
    let rows = |ids: std::ops::Range<u32>, price: &str| -> String {
        ids.map(|no| format!("{{\"id\":\"p{no}\",\"title\":\"P\",\"availability\":\"in_stock\"{price}}}\n"))
            .collect()
    };
    let euros = ",\"price\":\"5 EUR\"";
    let whole = |text: &str, is_confirmed: bool| {
        import::whole_catalog(&bench.shop, &file(&bench, "whole.jsonl", text), is_confirmed, &mut |_| ())
    };
    let offered = || {
        let snapshot = bench.shop.live.snapshot();
        let catalog = &snapshot.aggregates.catalog;
        let now = bespoke::clock::now();
        (0..catalog.len() as u32)
            .filter(|no| catalog.row(bespoke_domain::ProductNo(*no)).is_some_and(|row| row.is_available(now)))
            .count()
    };
    let (done, removed) = whole(&rows(0..100, euros), false).expect("the first is no change");
    assert_eq!((done.accepted, removed, offered()), (100, 0, 100));
    let (_, removed) = whole(&rows(0..80, euros), false).expect("a fifth may go");
    assert_eq!((removed, offered()), (20, 80));
    for (text, says) in [
        (rows(0..50, euros), "30 of 80 products that are offered would be gone"),
        (rows(0..80, ""), "80 of 80 prices are missing"),
        (rows(0..80, ",\"price\":\"5 USD\""), "80 prices are in another currency"),
        (String::new(), "80 of 80 products"),
    ] {
        let refused = whole(&text, false).expect_err(says).to_string();
        assert!(refused.contains(says) && refused.contains("--confirm"), "{refused}");
        assert_eq!(offered(), 80, "nothing was changed");
    }
    assert_eq!(whole(&rows(0..50, euros), true).expect("it is confirmed").1, 30);
    assert_eq!(offered(), 50);
    whole(&rows(0..100, euros), false).expect("more is no fault");
    assert_eq!(offered(), 100, "what comes back is offered again");
}

#[test]
fn exports_of_shop_systems_are_taken_as_they_are() {
    let bench = Bench::new();
    let shopify = "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src\n\
        tee,Tee,Acme,Color,Red,T-R,10.00,/r.jpg\ntee,,,,Blue,T-B,11.00,\ntee,,,,,,,/more.jpg\ncap,Cap,Acme,Title,Default Title,C,cheap,\n";
    let done = import::catalog(&bench.shop, &file(&bench, "shopify.csv", shopify), &mut |_| ())
        .expect("it can be read");
    let faults: Vec<_> = done.problems.iter().map(|(line, problem)| (*line, problem.code)).collect();
    assert_eq!((done.accepted, faults), (2, vec![(5, "invalid_amount")]));
    let snapshot = bench.shop.live.snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let title = |id: &str| snapshot.product(id).and_then(|no| catalog.title(no)).unwrap_or_default();
    assert_eq!((title("T-R"), title("T-B")), ("Tee", "Tee"));
}

#[test]
fn lines_of_a_csv_file_with_one_event_id_are_one_event() {
    let bench = Bench::new();
    let rows = "event,event_id,event_time,user_id,transaction_id,item_id,quantity,price,currency\n\
        purchase,1,2020-01-02T03:04:05Z,u,t1,a,2,9.99,EUR\n\
        purchase,1,2020-01-02T03:04:05Z,u,t1,b,1,5,EUR\n\
        purchase,2,2020-01-02T03:04:05Z,u,,b,1,5,EUR\n\
        view_item,3,2020-01-03T03:04:05Z,u,,b,1,,\n\
        view_item,3\n";
    let path = file(&bench, "events.csv", rows);
    let done = import::events(&bench.shop, &path, &mut |_| ()).expect("it can be read");
    let faults: Vec<_> =
        done.problems.iter().map(|(line, problem)| (*line, problem.field.as_str())).collect();
    assert_eq!((done.accepted, faults), (2, vec![(4, "transaction_id"), (6, "line")]), "old times are taken");
    let again = import::events(&bench.shop, &path, &mut |_| ()).expect("it can be read");
    assert_eq!((again.accepted, again.duplicates), (0, 2));
}

#[test]
fn a_bad_placement_file_is_refused_and_the_settings_in_force_stay() {
    let bench = Bench::new();
    let before = bench.shop.live.snapshot().aggregates.settings_offset;
    let bad = PLACEMENTS.replace("recently_viewed", "crystal_ball");
    let refused =
        placements::apply_file(&bench.shop, &file(&bench, "p.toml", &bad)).expect_err("it has a fault");
    assert!(
        refused.to_string().contains("p.toml:16: source: \"crystal_ball\" is none of popular"),
        "{refused}"
    );
    assert_eq!(bench.shop.live.snapshot().aggregates.settings_offset, before);
}

#[test]
fn what_was_not_kept_for_want_of_consent_is_told() {
    let note = |accepted, without_consent, impersonal| {
        let done = import::Imported { accepted, without_consent, impersonal, ..import::Imported::default() };
        done.consent_note().unwrap_or_default()
    };
    assert!(
        note(0, 5, 0).starts_with("5 events came without consent to analytics: nothing of them was kept.")
    );
    assert!(note(5, 0, 5).starts_with("5 events came without consent to personalization: nothing personal"));
    assert_eq!(note(5, 0, 0), "");
}

#[test]
fn what_ships_is_as_it_must_be() {
    let compared = format!("{}{}", bespoke::demo::PLACEMENTS, bespoke::demo::COMPARE);
    for text in [placements::DEFAULT, bespoke::demo::PLACEMENTS, compared.as_str()] {
        assert!(placements::parse(text).is_ok(), "{:?}", placements::parse(text).err());
    }
}

#[test]
fn the_documentation_names_everything_in_the_tables() {
    let placements = include_str!("../../../../docs/placements.md");
    let names = bespoke_engine::source::SOURCES.iter().map(|spec| (spec.name, spec.params));
    let filters = bespoke_engine::filter::FILTERS.iter().map(|spec| (spec.name, spec.params));
    for (name, params) in names.chain(filters) {
        let line = placements.lines().find(|line| line.starts_with(&format!("| `{name}`"))).expect(name);
        assert!(params.iter().all(|param| line.contains(&format!("`{}`", param.name))), "{line}");
    }
    for scorer in bespoke_engine::scorer::SCORERS {
        assert!(placements.contains(&format!("| `{}`", scorer.name)), "{}", scorer.name);
    }
    for rule in bespoke_engine::rule::RULES {
        assert!(placements.contains(&format!("`{}`", rule.name)), "{}", rule.name);
    }
    for field in &bespoke_engine::condition::FIELDS {
        assert!(placements.contains(&format!("| `{}`", field.name)), "{}", field.name);
    }
    let events = include_str!("../../../../docs/events.md");
    for kind in bespoke_domain::event::KINDS.iter().filter(|kind| !kind.name.contains('*')) {
        assert!(events.contains(&format!("`{}`", kind.name)), "{}", kind.name);
    }
    let api = include_str!("../../../../docs/api.md");
    for error in &bespoke::wire::error::ERRORS {
        assert!(api.contains(&format!("`{}` | {}", error.code, error.status)), "{}", error.code);
    }
}
