//! What results can be narrowed by, beside them: plain links, each with the number of results that it leads to.

use super::asked::Asked;
use super::money;
use crate::wire::search::{FacetBody, SearchBody};
use bespoke_domain::search::Choice;
use maud::{Markup, html};

/// Values shown of a facet before the others are asked for.
const SHOWN: usize = 8;

/// What facets are written with.
pub struct Panel<'a> {
    /// What the page is asked for.
    pub asked: &'a Asked,
    /// The currency of prices.
    pub currency: &'a str,
    /// The category that the page is about.
    pub category: Option<&'a str>,
}

impl Panel<'_> {
    /// What is chosen, each with the way to be rid of it.
    pub fn chosen(&self) -> Markup {
        let asked = self.asked;
        if asked.chosen.is_empty() {
            return html! {};
        }
        let one = |facet: &str, text: String, other: Asked| {
            let name = name(facet);
            html! { li { a href=(other.address()) aria-label=(format!("Remove {name}: {text}")) { (name) ": " (text) span aria-hidden="true" { " ✕" } } } }
        };
        html! {
            ul.chosen aria-label="Chosen" {
                @for (facet, choice) in &asked.chosen {
                    @match choice {
                        Choice::Values(values) => { @for value in values { (one(facet, self.value(facet, value), asked.toggled(facet, value))) } }
                        Choice::Range(from, to) => (one(facet, self.range(facet, *from, *to), asked.without(facet))),
                    }
                }
                li { a href=(asked.open().address()) { "Remove all" } }
            }
        }
    }

    /// All facets of what was found.
    pub fn show(&self, found: &SearchBody) -> Markup {
        let parts: Vec<(&str, Vec<Markup>)> = found
            .facets
            .iter()
            .map(|facet| (facet.name.as_str(), self.links(facet, found.total)))
            .filter(|(facet, links)| !links.is_empty() || self.asked.chosen.contains_key(*facet))
            .collect();
        if parts.is_empty() {
            return html! {};
        }
        html! {
            aside #filters.facets aria-labelledby="filters-title" {
                h2 #filters-title { "Narrow down" }
                @for (facet, links) in &parts {
                    section aria-label=(name(facet)) {
                        h3 { (name(facet)) }
                        ul { @for link in links.iter().take(SHOWN) { (link) } }
                        @if links.len() > SHOWN {
                            details { summary { (links.len() - SHOWN) " more" } ul { @for link in &links[SHOWN..] { (link) } } }
                        }
                        @if *facet == "price" { (self.ends()) }
                    }
                }
            }
        }
    }

    fn links(&self, facet: &FacetBody, total: u32) -> Vec<Markup> {
        match facet.name.as_str() {
            "price" => self.prices(facet),
            "rating" => self.ratings(facet),
            _ => self.values(facet, total),
        }
    }

    fn values(&self, facet: &FacetBody, total: u32) -> Vec<Markup> {
        let below =
            |value: &str| self.category.is_none_or(|category| value.starts_with(&format!("{category} > ")));
        let is_shown = |value: &str| facet.name != "category" || below(value);
        let values: Vec<_> = facet.values.iter().filter(|one| one.chosen || is_shown(&one.value)).collect();
        // What all have tells nothing apart.
        if let [one] = values.as_slice()
            && !one.chosen
            && one.count >= total
        {
            return Vec::new();
        }
        let link = |one: &&crate::wire::search::FacetValueBody| {
            let to = self.asked.toggled(&facet.name, &one.value).address();
            link(&self.value(&facet.name, &one.value), one.count, &to, one.chosen)
        };
        values.iter().map(link).collect()
    }

    fn prices(&self, facet: &FacetBody) -> Vec<Markup> {
        let last = facet.ranges.len().saturating_sub(1);
        let link = |one: &crate::wire::search::FacetRangeBody| {
            let from = (one.from > 0.0).then_some(one.from);
            self.number(facet, &Choice::Range(from, one.to), one.count)
        };
        facet.ranges.iter().filter(|_| last > 0 || self.is_chosen(facet)).map(link).collect()
    }

    /// So many stars and more.
    fn ratings(&self, facet: &FacetBody) -> Vec<Markup> {
        let mut count = 0;
        let mut links = Vec::new();
        for one in facet.ranges.iter().rev().filter(|one| one.from >= 1.0) {
            count += one.count;
            links.push(self.number(facet, &Choice::Range(Some(one.from), None), count));
        }
        links
    }

    fn number(&self, facet: &FacetBody, choice: &Choice, count: u32) -> Markup {
        let (from, to) = if let Choice::Range(from, to) = choice { (*from, *to) } else { (None, None) };
        let is_chosen = self.asked.chosen.get(&facet.name) == Some(choice);
        let to_address = self.asked.within(&facet.name, choice).address();
        link(&self.range(&facet.name, from, to), count, &to_address, is_chosen)
    }

    fn is_chosen(&self, facet: &FacetBody) -> bool {
        self.asked.chosen.contains_key(&facet.name)
    }

    /// A form for a range of one's own.
    fn ends(&self) -> Markup {
        let (from, to) = match self.asked.chosen.get("price") {
            Some(Choice::Range(from, to)) => (*from, *to),
            _ => (None, None),
        };
        let text = |end: Option<f64>| end.map(money::number).unwrap_or_default();
        html! {
            form.ends action=(self.asked.action()) {
                (hidden(&self.asked.without("price"), &[]))
                label { span.quiet { "Least price" } input type="number" name="price.from" min="0" step="0.01" value=(text(from)) placeholder="from"; }
                label { span.quiet { "Below this price" } input type="number" name="price.to" min="0" step="0.01" value=(text(to)) placeholder="to"; }
                button aria-label="Narrow to these prices" { "Go" }
            }
        }
    }

    fn value(&self, facet: &str, value: &str) -> String {
        if facet != "category" {
            return value.to_owned();
        }
        let below = self.category.and_then(|category| value.strip_prefix(category)?.strip_prefix(" > "));
        below.unwrap_or(value).replace(" > ", " › ")
    }

    fn range(&self, facet: &str, from: Option<f64>, to: Option<f64>) -> String {
        let write = |value: f64| {
            if facet == "price" { money::plain(value, self.currency) } else { money::number(value) }
        };
        let unit = if facet == "rating" { " stars" } else { "" };
        match (from, to) {
            (Some(from), Some(to)) => format!("{} to below {}{unit}", write(from), write(to)),
            (Some(from), None) => format!("{}{unit} and more", write(from)),
            (None, Some(to)) => format!("below {}{unit}", write(to)),
            (None, None) => "any".to_owned(),
        }
    }
}

/// What stands in the address, as hidden fields of a form that asks for the fields left out.
pub fn hidden(asked: &Asked, but: &[&str]) -> Markup {
    let pairs = asked.at(1).pairs();
    html! {
        @for (name, value) in pairs.iter().filter(|(name, _)| !but.contains(&name.as_str())) {
            input type="hidden" name=(name) value=(value);
        }
    }
}

fn link(text: &str, count: u32, to: &str, is_chosen: bool) -> Markup {
    html! {
        li { a href=(to) aria-current=[is_chosen.then_some("true")] {
            span.tick aria-hidden="true" { @if is_chosen { "✓" } }
            @if is_chosen { span.quiet { "Remove " } }
            span.value { (text) }
            " " span.count { (count) span.quiet { @if count == 1 { " product" } @else { " products" } } }
        } }
    }
}

/// `color_family` → Color family.
fn name(facet: &str) -> String {
    let text = facet.replace('_', " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
