//! Results as a table for people or one object for programs.

use crate::baskets::BasketOutcome;
use crate::bench::Figure;
use crate::evaluate::Outcome;
use crate::search::SearchOutcome;
use crate::search::attributes::AttributeOutcome;
use crate::search::categories::PredictionOutcome;
use crate::seeded::Seeded;
use crate::sequences::SequenceOutcome;
use crate::topn::TopOutcome;
use serde_json::json;
use std::fmt::Write;

/// One JSON object with everything; rates are fractions.
pub fn json(outcomes: &[Outcome]) -> String {
    json!({ "results": outcomes }).to_string()
}

/// An aligned table; rates in per cent, and the parameters below it.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{:<14} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
        "model", "HR %", "MRR %", "NDCG %", "cases", "fit s", "p50 us", "p99 us", "tune s"
    );
    for one in outcomes {
        let rates = [one.hr, one.mrr, one.ndcg].map(|rate| format!("{:>7.2}", 100.0 * rate)).join(" ");
        let times = format!(
            "{:>8.3} {:>8.1} {:>8.1} {:>8.1}",
            one.fit_s, one.predict_us_p50, one.predict_us_p99, one.tune_s
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<14} {rates} {:>8} {times}", one.model, one.cases);
    }
    for one in outcomes {
        let _ = write!(text, "\n{}: {}", one.model, one.params);
    }
    text
}

/// One JSON object with everything; measures are fractions.
pub fn search_json(outcomes: &[SearchOutcome], predicted: &[PredictionOutcome]) -> String {
    json!({ "results": outcomes, "predicted": predicted }).to_string()
}

/// Lines of what is predicted; none where that was not asked for.
pub fn predicted(outcomes: &[PredictionOutcome]) -> String {
    let mut text = String::new();
    for one in outcomes {
        let _ = write!(
            text,
            "\ncategory {:<5} {} queries: {} name one, with {:.3} of their relevant products; {} predicted, with {:.3}; \
             the right one is the most likely of {:.3}, among five of {:.3}",
            one.part,
            one.queries,
            one.named.0,
            one.named.1,
            one.predicted.0,
            one.predicted.1,
            one.top1,
            one.top5
        );
    }
    text
}

/// An aligned table: all queries, then the two halves.
pub fn search(outcomes: &[SearchOutcome]) -> String {
    let mut text = format!(
        "{:<17} {:<5} {:>8} {:>10} {:>8} {:>8} {:>8}",
        "system", "part", "ndcg10", "condensed", "judged10", "rec100", "mrr"
    );
    for one in outcomes {
        for (part, means) in [("all", one.all), ("dev", one.dev), ("test", one.test)] {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n{:<17} {part:<5} {:>8.4} {:>10.4} {:>8.4} {:>8.4} {:>8.4}",
                one.system, means.ndcg10, means.ndcg10_condensed, means.judged10, means.recall100, means.mrr
            );
        }
    }
    for one in outcomes {
        for (segment, queries, [all, dev, test]) in &one.segments {
            let _ = write!(
                text,
                "\n{:<17} {segment:<16} {queries:>4} queries: ndcg10 {all:.4}, dev {dev:.4}, test {test:.4}",
                one.system
            );
        }
    }
    text
}

/// One JSON object with everything; shares are fractions.
pub fn attributes_json(outcomes: &[AttributeOutcome]) -> String {
    json!({ "results": outcomes }).to_string()
}

/// An aligned table: a line for each search and part.
pub fn attributes(outcomes: &[AttributeOutcome]) -> String {
    let mut text =
        format!("{:<17} {:<12} {:>8} {:>9} {:>7}", "system", "part", "queries", "satisfied", "share");
    for one in outcomes {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{:<17} {:<12} {:>8} {:>9} {:>7.4}",
            one.system, one.part, one.queries, one.satisfied, one.share
        );
    }
    text
}

/// One JSON object with everything; measures are fractions.
pub fn topn_json(outcomes: &[TopOutcome]) -> String {
    json!({ "results": outcomes }).to_string()
}

/// An aligned table, and the parameters below it.
pub fn topn(outcomes: &[TopOutcome]) -> String {
    let mut text = format!(
        "{:<14} {:>8} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
        "model", "recall", "ndcg", "shoppers", "fit s", "MB", "p50 us", "p99 us", "tune s"
    );
    for one in outcomes {
        let times = [one.fit_s, one.size_mb, one.recommend_us_p50, one.recommend_us_p99, one.tune_s];
        let times = times.map(|value| format!("{value:>8.2}")).join(" ");
        // Writing to a string cannot fail.
        let _ = match &one.refused {
            Some(reason) => writeln!(text, "{:<14} {reason}", one.model),
            None => writeln!(
                text,
                "{:<14} {:>8.4} {:>8.4} {:>9} {times}",
                one.model, one.recall, one.ndcg, one.shoppers
            ),
        };
    }
    for one in outcomes {
        let _ = write!(text, "\n{}: {}", one.model, one.params);
    }
    text
}

/// One JSON object with everything; measures are fractions.
pub fn baskets_json(outcomes: &[BasketOutcome]) -> String {
    json!({ "results": outcomes }).to_string()
}

/// An aligned table of all products and of new ones, and the parameters below it.
pub fn baskets(outcomes: &[BasketOutcome]) -> String {
    let mut text = format!("{:<14} {:<12}", "set", "model");
    let names = ["recall", "ndcg", "hit", "shoppers", "new rec", "new ndcg", "new hit", "shoppers"];
    names.iter().for_each(|name| _ = write!(text, " {name:>8}"));
    ["fit s", "MB", "p50 us", "p99 us", "tune s"].iter().for_each(|name| _ = write!(text, " {name:>8}"));
    for one in outcomes {
        _ = write!(text, "\n{:<14} {:<12}", one.set, one.model);
        if let Some(reason) = &one.refused {
            _ = write!(text, " {reason}");
            continue;
        }
        for part in [one.measures.all, one.measures.new] {
            _ = write!(
                text,
                " {:>8.4} {:>8.4} {:>8.4} {:>8}",
                part.recall, part.ndcg, part.hit, part.shoppers
            );
        }
        let times = [one.fit_s, one.size_mb, one.recommend_us_p50, one.recommend_us_p99, one.tune_s];
        times.iter().for_each(|value| _ = write!(text, " {value:>8.2}"));
    }
    for one in outcomes {
        _ = write!(text, "\n{} {}: {}", one.set, one.model, one.params);
    }
    text
}

/// One JSON object with every figure of the benches.
pub fn figures_json(figures: &[Figure]) -> String {
    json!({ "figures": figures }).to_string()
}

/// A line a figure.
pub fn figures(figures: &[Figure]) -> String {
    let line = |one: &Figure| format!("{:<10}{:<30}{:>14.3}", one.bench, one.name, one.value);
    figures.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One JSON object of the comparison on the seeded shop.
pub fn seeded_json(result: &Seeded) -> String {
    json!(result).to_string()
}

/// A line a situation, and the share of new products.
pub fn seeded(result: &Seeded) -> String {
    let names = ["moments", "ours", "popular", "in category", "best", "ratio"];
    let mut text = format!("{:<26}", "expected purchases a slate");
    names.iter().for_each(|name| _ = write!(text, "{name:>12}"));
    text.push('\n');
    for one in &result.compared {
        let ratio = one.ours / one.popular.max(1e-12);
        _ = write!(text, "{:<26}{:>12}", one.what, one.moments);
        for value in [one.ours, one.popular, one.popular_in_category, one.best, ratio] {
            _ = write!(text, "{value:>12.4}");
        }
        text.push('\n');
    }
    for (page, share) in &result.new_seen {
        _ = writeln!(
            text,
            "new products on {page}: {:.1} % of viewable impressions, {:.1} % of the catalogue",
            100.0 * share,
            100.0 * result.new_share
        );
    }
    text
}

/// One JSON object with everything; measures are fractions.
pub fn sequences_json(outcomes: &[SequenceOutcome]) -> String {
    json!({ "results": outcomes }).to_string()
}

/// An aligned table, and the parameters below it.
pub fn sequences(outcomes: &[SequenceOutcome]) -> String {
    let mut text = format!("{:<14}", "model");
    let names = ["recall5", "ndcg5", "recall10", "ndcg10", "valid10", "fit s", "MB", "p50 us", "p99 us"];
    names.iter().for_each(|name| _ = write!(text, "{name:>10}"));
    for one in outcomes {
        _ = write!(text, "\n{:<14}", one.model);
        let measures = [one.recall5, one.ndcg5, one.recall10, one.ndcg10, one.validation_ndcg10];
        measures.iter().for_each(|value| _ = write!(text, "{value:>10.4}"));
        let costs = [one.fit_s, one.size_mb, one.predict_us_p50, one.predict_us_p99];
        costs.iter().for_each(|value| _ = write!(text, "{value:>10.1}"));
    }
    outcomes.iter().for_each(|one| _ = write!(text, "\n{}: {}", one.model, one.params));
    text
}
