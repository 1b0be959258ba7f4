//! Which values of a model's parameters are best: coordinate search on a validation split, each parameter in turn a step up or
//! down, the steps halved where none helps (Hooke, Jeeves 1961, "Direct search solution of numerical and statistical
//! problems"). What is held out, and how long it may take, is the caller's.

use bespoke_domain::settings::ParamSpec;

/// The first step and the last, as shares of a parameter's range.
const STEP_FIRST: f64 = 0.25;
const STEP_LAST: f64 = 0.0625;

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tried {
    /// It is worth so much.
    Worth(f64),
    /// It was not fitted: too large.
    Refused,
    /// No try is left.
    Over,
}

/// The best values that `judge` was asked about, from `start` on. Never asks about the same values twice; gives `start` where
/// that is not judged.
pub fn search(params: &[ParamSpec], start: &[f64], judge: &mut dyn FnMut(&[f64]) -> Tried) -> Vec<f64> {
    let Tried::Worth(worth) = judge(start) else { return start.to_vec() };
    let mut search = Search { params, judge, best: start.to_vec(), worth, asked: vec![start.to_vec()] };
    let mut step = STEP_FIRST;
    while step >= STEP_LAST {
        match search.round(step) {
            None => break,
            Some(true) => {}
            Some(false) => step /= 2.0,
        }
    }
    search.best
}

struct Search<'a> {
    params: &'a [ParamSpec],
    judge: &'a mut dyn FnMut(&[f64]) -> Tried,
    best: Vec<f64>,
    worth: f64,
    asked: Vec<Vec<f64>>,
}

impl Search<'_> {
    /// Moves every parameter once; whether that helped, or `None` where no try is left.
    fn round(&mut self, step: f64) -> Option<bool> {
        let before = self.worth;
        // From the last on: what a table of parameters begins with (factors, candidates, sweeps) makes fits take longer.
        for (at, param) in self.params.iter().enumerate().rev() {
            for by in [step, -step] {
                // On, as long as it helps.
                while self.ask(at, moved(param, self.best[at], by))? {}
            }
        }
        Some(self.worth > before)
    }

    fn ask(&mut self, at: usize, value: f64) -> Option<bool> {
        let mut values = self.best.clone();
        values[at] = value;
        if self.asked.contains(&values) {
            return Some(false);
        }
        self.asked.push(values.clone());
        match (self.judge)(&values) {
            Tried::Over => None,
            Tried::Worth(worth) if worth > self.worth => {
                (self.best, self.worth) = (values, worth);
                Some(true)
            }
            Tried::Worth(_) | Tried::Refused => Some(false),
        }
    }
}

/// The value a share of the range away: by ratios where all of it is above 0, else by differences; in two digits, within the
/// range.
fn moved(param: &ParamSpec, value: f64, by: f64) -> f64 {
    let (least, most) = param.range;
    let moved =
        if least > 0.0 { value * libm::pow(most / least, by) } else { (most - least).mul_add(by, value) };
    let rounded = in_two_digits(moved);
    (if param.is_count() { rounded.round() } else { rounded }).clamp(least, most)
}

fn in_two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: [ParamSpec; 2] = [
        ParamSpec { name: "factors", doc: "", default: 64.0, range: (8.0, 512.0) },
        ParamSpec { name: "power", doc: "", default: 0.5, range: (0.0, 1.0) },
    ];

    /// Worth most at 300 and 0.2.
    fn bowl(values: &[f64]) -> f64 {
        -libm::log(values[0] / 300.0).abs() - (values[1] - 0.2).abs()
    }

    #[test]
    fn the_best_is_found_and_nothing_asked_twice() {
        let mut asked: Vec<Vec<f64>> = Vec::new();
        let best = search(&PARAMS, &[64.0, 0.5], &mut |values| {
            assert!(values[0].fract() == 0.0 && (8.0..=512.0).contains(&values[0]), "{values:?}");
            asked.push(values.to_vec());
            Tried::Worth(bowl(values))
        });
        assert!((best[0] - 300.0).abs() < 60.0 && (best[1] - 0.2).abs() < 0.05, "{best:?}");
        let most = asked.iter().map(|values| bowl(values)).fold(f64::MIN, f64::max);
        assert_eq!(bowl(&best), most);
        asked.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        let count = asked.len();
        asked.dedup();
        assert_eq!(asked.len(), count);
    }

    #[test]
    fn it_ends_when_no_try_is_left_and_passes_by_what_is_refused() {
        let mut left = 3;
        let best = search(&PARAMS, &[64.0, 0.5], &mut |values| {
            left -= 1;
            if left < 0 { Tried::Over } else { Tried::Worth(bowl(values)) }
        });
        assert_eq!(best, [64.0, 0.25], "the last parameter is tried first: 0.75, then 0.25, then 0");
        let best = search(&PARAMS, &[64.0, 0.5], &mut |values| {
            if values[0] > 100.0 { Tried::Refused } else { Tried::Worth(bowl(values)) }
        });
        assert!(best[0] <= 100.0 && best[0] >= 64.0, "{best:?}");
        assert_eq!(search(&PARAMS, &[9.0, 0.5], &mut |_| Tried::Over), [9.0, 0.5]);
    }
}
