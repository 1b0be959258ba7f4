//! Quantiles of latencies, and the memory of a process.

use crate::error::Error;

/// The value below which a share `q` of the sorted `values` lies; 0 for none.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = ((sorted.len() as f64 * q) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

/// Sorts `values`.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The mean; 0 for none.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Resident memory of a process in GiB, by Linux's `/proc`.
///
/// # Errors
/// [`Error::Bench`] where there is no such process, or no `/proc`.
pub fn resident_gib(process: &str) -> Result<f64, Error> {
    status_gib(process, "VmRSS:")
}

/// The most of it since [`reset_peak`], or since the process began.
///
/// # Errors
/// The same.
pub fn peak_gib(process: &str) -> Result<f64, Error> {
    status_gib(process, "VmHWM:")
}

/// Lets [`peak_gib`] count from now on.
///
/// # Errors
/// The same.
pub fn reset_peak(process: &str) -> Result<(), Error> {
    let path = format!("/proc/{process}/clear_refs");
    std::fs::write(&path, "5").map_err(|error| Error::Bench(format!("{path}: {error}")))
}

fn status_gib(process: &str, field: &str) -> Result<f64, Error> {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&path).map_err(|error| Error::Bench(format!("{path}: {error}")))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0 / 1024.0).ok_or_else(|| Error::Bench(format!("{path} has no {field}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let values = sorted((1..=100).rev().map(f64::from).collect());
        assert_eq!((quantile(&values, 0.5), quantile(&values, 0.99), quantile(&[], 0.5)), (51.0, 100.0, 0.0));
        assert!((mean(&values) - 50.5).abs() < 1e-9);
    }
}
