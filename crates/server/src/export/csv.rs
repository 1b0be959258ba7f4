//! Cells of CSV files, which people open in spreadsheets.

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text as a cell. Where a spreadsheet would run it as a formula it gets a `'` in front, by which a spreadsheet knows a
/// text. Numbers are written as they are.
pub fn quoted(text: &str) -> String {
    let mark = if is_like_formula(text) { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

/// The text that a cell without its quotes was made of.
pub fn unmarked(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_like_formula(rest)).unwrap_or(cell)
}

/// Marks in front count as nothing, so that [`unmarked`] takes away exactly what was put there.
fn is_like_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_a_text_and_can_be_had_back() {
        for (text, cell) in [
            ("=cmd|/c calc!A0", "'=cmd|/c calc!A0"),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("'=1", "''=1"),
            ("Home > Kitchen", "Home > Kitchen"),
            ("'s Hertogenbosch", "'s Hertogenbosch"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(quoted(text), format!("\"{cell}\""));
            assert_eq!(unmarked(cell), text);
        }
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
    }
}
