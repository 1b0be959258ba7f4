//! What the words of a search match, or what stands in the category that is looked through.

use super::{Scored, SourceSpec, plain, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "matches",
    doc: "What a search finds, what matches best first; without words everything in the page's category, what is popular first; nothing where nothing is searched for.",
    plain: "match what you search for",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let Some(found) = context.found() else { return Vec::new() };
    products(found.rows(&context.snapshot.aggregates.catalog, used.limit).to_vec())
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let text = context.request.search.as_ref().map_or("", |search| search.text.trim());
    if text.is_empty() {
        let path = context.snapshot.aggregates.catalog.category_path(context.category);
        return plain(&SPEC, format!("In {}", path.rsplit(" > ").next().unwrap_or_default()));
    }
    let (words, is_near) = match (context.found(), candidate) {
        (Some(found), Candidate::Product(product)) => (found.matched_words(product), found.is_near(product)),
        _ => (None, false),
    };
    let text = match words {
        _ if is_near => format!("Close in meaning to “{text}”"),
        Some(words) => format!("Matches “{words}”"),
        None => "Matches your search".to_owned(),
    };
    plain(&SPEC, text)
}
