//! The report for a terminal: what was judged, the measures by placement and segment, and by how much one placement is ahead.

use super::{Report, Row, Spread};
use bespoke_models::relevance::MEASURES;
use std::fmt::Write as _;

/// The table; with `each`, every query by itself comes first.
pub fn table(report: &Report, each: bool) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    if each {
        _ = singles(&mut out, report);
    }
    _ = counts(&mut out, report);
    let mut rows = report.results.as_slice();
    while let Some(first) = rows.first() {
        let len = rows.iter().take_while(|row| row.placement == first.placement).count();
        _ = measures(&mut out, &rows[..len]);
        rows = &rows[len..];
    }
    _ = differences(&mut out, report);
    out.truncate(out.trim_end().len());
    out
}

fn singles(out: &mut String, report: &Report) -> std::fmt::Result {
    heading(out, "each query", "matches")?;
    for one in &report.each {
        write!(out, "{:<40} {:>8}", one.query, one.total)?;
        MEASURES.iter().try_for_each(|(_, _, of)| write!(out, " {:>10.4}", of(&one.means)))?;
        write!(out, "  {}", one.placement)?;
        match &one.corrected {
            Some(corrected) => writeln!(out, ", searched for as `{corrected}`")?,
            None => writeln!(out)?,
        }
    }
    writeln!(out)
}

fn counts(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "{} queries, {} judged products", report.queries, report.products)?;
    if report.queries_without_relevant > 0 {
        let count = report.queries_without_relevant;
        writeln!(out, "queries left out, since the shop has no product that is relevant to them: {count}")?;
    }
    if report.products_missing > 0 {
        let more = if report.products_missing > report.missing_ids.len() { ", …" } else { "" };
        let (count, ids) = (report.products_missing, report.missing_ids.join(", "));
        writeln!(out, "judged products left out, since the shop does not have them: {count} ({ids}{more})")?;
    }
    Ok(())
}

fn heading(out: &mut String, title: &str, count: &str) -> std::fmt::Result {
    write!(out, "{title:<40} {count:>8}")?;
    MEASURES.iter().try_for_each(|(_, heading, _)| write!(out, " {heading:>10}"))?;
    writeln!(out)
}

fn measures(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    writeln!(out)?;
    heading(out, rows.first().map_or("", |row| row.placement.as_str()), "queries")?;
    for row in rows {
        write!(out, "{:<40} {:>8}", row.segment, row.queries)?;
        MEASURES.iter().try_for_each(|(_, _, of)| write!(out, " {:>10.4}", of(&row.means)))?;
        writeln!(out)?;
    }
    Ok(())
}

fn differences(out: &mut String, report: &Report) -> std::fmt::Result {
    let (Some(first), Some(last)) = (report.results.first(), report.results.last()) else { return Ok(()) };
    if report.differences.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{} less {}, with 95 % intervals (paired bootstrap)", first.placement, last.placement)?;
    for one in &report.differences {
        writeln!(out, "{:<40} {:>8}", one.segment, one.queries)?;
        for (name, heading, _) in MEASURES {
            if let Some(Spread { mean, low, high }) = one.measures.get(name) {
                writeln!(out, "  {heading:<10} {mean:>+8.4}  ({low:+.4} to {high:+.4})")?;
            }
        }
    }
    Ok(())
}
