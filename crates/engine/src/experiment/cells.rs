//! Switchbacks: what is compared are cells, a market over a stretch of time. Cells of a market at the same hour of the day are compared
//! with each other, where a stretch is shorter than a day, and those of a market's day are taken to hang together
//! (`bespoke_models::statistics::switchback`).

use super::ledger::{Row, Run};
use super::metric::{MetricSpec, Reading};
use bespoke_domain::time::DAY_MS;
use bespoke_models::statistics::sample::{Effect, Sample};
use bespoke_models::statistics::switchback::{Cell, Periods, effect};

/// What cells say of an arm against the control.
pub(super) struct OfCells {
    /// Means over cells, of the control and of the arm.
    pub means: [f64; 2],
    /// The arm's less the control's, within strata.
    pub absolute: Effect,
    /// The same as a share of the control's mean; an error that is no number where that is too near 0.
    pub relative: Effect,
}

/// Compares a metric of an arm's cells with that of the control's. A metric that is a mean is the cell's sum; a ratio is the cell's own.
pub(super) fn compare(run: &Run, spec: &MetricSpec, (arm, periods): (usize, Periods)) -> OfCells {
    let is_either = |row: &&Row| row.counts() && (row.arm == 0 || usize::from(row.arm) == arm);
    let cells: Vec<Cell> = run.rows.iter().filter(is_either).map(|row| cell(row, spec, periods)).collect();
    let mean = |is_treated: bool| {
        let own = cells.iter().filter(|one| one.is_treated == is_treated && one.count > 0.0);
        let values: Vec<f64> = own.map(|one| one.sum / one.count).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        Sample { count, mean, variance: squares / (count - 1.0) }
    };
    let (control, treated) = (mean(false), mean(true));
    let absolute = effect(&cells);
    // By the delta method; a high control makes a rise look smaller, and its share smaller still.
    let (base, rise) = (control.mean.abs(), absolute.estimate / control.mean.abs());
    let of_base = control.error() * control.error() * (rise * rise + 2.0 * rise.max(0.0));
    let error = (absolute.error * absolute.error + of_base).sqrt() / base;
    let error = if Effect::is_relative_sound(&control) { error } else { f64::NAN };
    let relative = Effect { estimate: rise, error, ..absolute };
    OfCells { means: [control.mean, treated.mean], absolute, relative }
}

fn cell(row: &Row, spec: &MetricSpec, periods: Periods) -> Cell {
    let first_ms = u64::from(row.first_s) * 1_000;
    let began_ms = first_ms - first_ms % periods.length_ms;
    let day_ms = DAY_MS as u64;
    let (hour, together) = if periods.length_ms < day_ms {
        (began_ms % day_ms / 3_600_000, began_ms / day_ms)
    } else {
        (0, began_ms / periods.length_ms)
    };
    let (sum, count) = match spec.reading {
        Reading::Mean(of) => (of(&row.outcome), 1),
        Reading::Ratio(of, over) => (of(&row.outcome), over(&row.outcome)),
    };
    Cell {
        stratum: u64::from(row.market) << 8 | hour,
        cluster: u64::from(row.market) << 40 | together,
        is_treated: row.arm != 0,
        sum: sum as f64,
        count: count as f64,
    }
}
