//! Searches for what attributes say: numbers without a unit, one of several measures, values in other words.

use crate::searching::{ask, matches};
use crate::{Bench, START, name, request};
use bespoke_domain::product::{Availability, Content, ProductPatch};
use bespoke_domain::settings::Placement;
use bespoke_domain::{Body, Millis, Request};

/// Id, title, and attributes.
type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const LINES: [Line; 6] = [
    ("small", "Notebook 8 GB RAM 512 GB SSD", &[("Internal memory", "8.0"), ("Storage", "512.0")]),
    ("middle", "Notebook 16 GB RAM 256 GB SSD", &[("Internal memory", "16.0"), ("Storage", "256.0")]),
    ("large", "Notebook 32 GB RAM 128 GB SSD", &[("Internal memory", "32.0"), ("Storage", "128.0")]),
    ("silent", "Notebook of few words", &[("Internal memory", "64.0"), ("Colour", "Grey")]),
    ("poor", "Notebook of few words", &[("Internal memory", "4.0"), ("Colour", "Blue")]),
    ("other", "Notebook 512 GB", &[("Colour", "Grey")]),
];

fn found(query: &str) -> (Vec<String>, Vec<String>) {
    let mut bench = Bench::default();
    bench.settings(vec![Placement { name: "p".to_owned(), ..matches() }]);
    for (id, title, attributes) in LINES {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let content =
            Content { title: title.to_owned(), attributes: attributes.collect(), ..Content::default() };
        let patch = ProductPatch {
            id: id.to_owned(),
            as_of: Millis(START),
            availability: Some(Availability::InStock),
            content: Some(Box::new(content)),
            ..ProductPatch::default()
        };
        bench.push(None, Body::Catalog(Box::new(patch)));
    }
    let decision =
        bench.decide(Request { slots: 10, search: Some(Box::new(ask(query))), ..request("p", None, 10) });
    let met = decision.met.as_deref().cloned().unwrap_or_default();
    let understood = met.understood.into_iter().map(|one| format!("{} {}", one.about, one.value)).collect();
    let snapshot = bench.engine.live().snapshot();
    (decision.slate.iter().map(|slot| name(&snapshot, slot.candidate)).collect(), understood)
}

#[test]
fn a_limit_of_one_of_several_measures_is_of_the_one_that_is_named() {
    for query in [
        "notebook at least 32 gb memory",
        "notebook with at least 32 gb of ram",
        "notebook memory at least 32 gb",
    ] {
        let (mut ids, _) = found(query);
        ids.sort_unstable();
        assert_eq!(
            ids,
            ["large", "other", "silent"],
            "{query}: one does not say how much memory its 512 GB are"
        );
    }
    let (mut ids, _) = found("notebook at least 32 gb");
    ids.sort_unstable();
    assert_eq!(ids, ["large", "middle", "other", "silent", "small"]);
    let (ids, _) = found("notebook up to 4 gb");
    assert_eq!(ids, ["poor"], "its title does not say so");
}

#[test]
fn a_number_without_a_unit_is_found_with_it() {
    let (ids, _) = found("notebook 64 gigabytes");
    assert_eq!(ids[0], "silent");
}

#[test]
fn a_value_is_understood_in_other_words_for_it() {
    let (_, understood) = found("gray notebook");
    assert_eq!(understood, ["colour grey"]);
}
