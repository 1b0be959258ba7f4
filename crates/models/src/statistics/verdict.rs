//! The one place where an experiment's numbers become an answer: win, harm, equivalent, or cannot tell yet and for how long.
//!
//! In this order. Arms that did not get their units: no answer. Too few units: cannot tell yet. The primary metric worse beyond doubt, or a guardrail worse beyond
//! doubt and not shown to be within its margin: harm. A guardrail not yet shown to be within its margin: cannot tell yet. The primary
//! metric better beyond doubt: win. Its interval within ± the least effect worth having: equivalent. Else: cannot tell yet.
//!
//! All guardrails have to pass for a win, so passing needs no adjustment; any one can do harm, so harm is judged at α divided by their number.
//! An interval no wider than a margin either is within it or leaves 0 out: that many units are enough for an answer, whatever it is.

use super::multiple::level_of_each;
use super::power::days_for;
use super::sample::{Effect, Interval, Look};
use super::srm::Mismatch;

/// Which way is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Good {
    /// Conversion, revenue.
    Up,
    /// Returns, bounces.
    Down,
}

/// How an effect is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// A relative effect: 0.031 is +3.1 %.
    Percent,
    /// A difference of shares: 0.02 is +2.0 percentage points.
    Points,
    /// A difference in the metric's own units.
    Plain,
}

/// A metric's effect and what about it matters.
#[derive(Clone, PartialEq, Debug)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Treated against control, in the units of the margin.
    pub effect: Effect,
    /// Which way is good.
    pub good: Good,
    /// Above 0. Of the primary metric the least effect worth having; of a guardrail the loss that is tolerated.
    pub margin: f64,
    /// How it is said.
    pub shown: Shown,
}

/// What is asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// What is to get better.
    pub primary: Metric,
    /// What is not to get worse.
    pub guardrails: Vec<Metric>,
    /// Whether the arms got their units.
    pub mismatch: Mismatch,
    /// How often one may be wrong: 0.05.
    pub alpha: f64,
    /// When results are looked at.
    pub look: Look,
    /// Units of both arms that were planned; before them a look of [`Look::Once`] tells nothing.
    pub planned_units: f64,
    /// Units of both arms below which nothing is said: normal approximations need some.
    pub least_units: f64,
    /// New units a day.
    pub units_a_day: f64,
}

/// The answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// Units of an arm are missing: mend that, then start again.
    Invalid,
    /// Better, and no guardrail suffers.
    Win,
    /// The metric of this name got worse.
    Harm(String),
    /// No difference that would matter.
    Equivalent,
    /// Not enough is known about the metric of this name.
    NotYet {
        /// What is not known enough.
        metric: String,
        /// Units that are enough at most, beside those that there are; infinite where nothing can be said.
        units: f64,
        /// The days they take; `None` where they never come.
        days: Option<u32>,
    },
    /// A test of one look came to its end without an answer. To go on would be to look twice.
    Ended,
}

impl Question {
    /// The answer.
    pub fn verdict(&self) -> Verdict {
        if self.mismatch.is_found() {
            return Verdict::Invalid;
        }
        if let Some(wait) = self.too_early() {
            return wait;
        }
        let harm_alpha = level_of_each(self.alpha, self.guardrails.len());
        let is_broken = |metric: &&Metric| {
            metric.effect.is_known() && metric.is_worse(harm_alpha, self.look) && !self.is_tolerated(metric)
        };
        if self.primary.is_worse(self.alpha, self.look) {
            return Verdict::Harm(self.primary.name.clone());
        }
        if let Some(broken) = self.guardrails.iter().find(is_broken) {
            return Verdict::Harm(broken.name.clone());
        }
        if let Some(unknown) = self.guardrails.iter().find(|metric| !metric.effect.is_known()) {
            return self.not_yet(unknown, 1.0);
        }
        if let Some(open) = self.guardrails.iter().find(|metric| !self.is_tolerated(metric)) {
            return self.wait_for(open, harm_alpha);
        }
        let interval = self.primary.better_by(self.alpha, self.look);
        if interval.low > 0.0 {
            Verdict::Win
        } else if -self.primary.margin < interval.low && interval.high < self.primary.margin {
            Verdict::Equivalent
        } else {
            self.wait_for(&self.primary, self.alpha)
        }
    }

    /// The answer in plain words.
    pub fn in_words(&self, verdict: &Verdict) -> String {
        let primary = &self.primary;
        let seen = primary.seen(self.alpha, self.look);
        match verdict {
            Verdict::Invalid => format!(
                "Invalid: the arms did not get the shares of units they were to get (p = {:.1e}), so no number here can be believed. \
                 Find what loses units of one arm and start again.",
                self.mismatch.p
            ),
            Verdict::Win => format!("Win: {} changed by {seen}, and no guardrail suffers.", primary.name),
            Verdict::Harm(name) => {
                let worse =
                    std::iter::once(primary).chain(&self.guardrails).find(|metric| metric.name == *name);
                let seen = worse.map(|metric| metric.seen(self.alpha, self.look)).unwrap_or_default();
                format!("Harm: {name} changed by {seen}. Stop the test.")
            }
            Verdict::Equivalent => format!(
                "Equivalent: {} changed by {seen}, less than the {} that would matter. Keep the simpler one.",
                primary.name,
                primary.number(primary.margin).trim_start_matches('+')
            ),
            Verdict::NotYet { metric, .. } if !self.is_known(metric) => {
                format!(
                    "Cannot tell yet: too little of {metric} was seen for its change to be a share of what it was."
                )
            }
            Verdict::NotYet { metric, units, days } => {
                let wait = match days {
                    Some(days) => format!("at most {units:.0} more units, {days} days at today's traffic"),
                    None => "more units than today's traffic will ever bring".to_owned(),
                };
                format!("Cannot tell yet: {metric} needs {wait}. So far {} changed by {seen}.", primary.name)
            }
            Verdict::Ended => format!(
                "No answer: the planned end came and {} changed by {seen}. A longer test has to be a new one.",
                primary.name
            ),
        }
    }

    fn is_known(&self, name: &str) -> bool {
        let mut all = std::iter::once(&self.primary).chain(&self.guardrails);
        all.all(|metric| metric.name != name || metric.effect.is_known())
    }

    fn too_early(&self) -> Option<Verdict> {
        let count = self.primary.effect.count;
        let wanted = match self.look {
            Look::Once => self.planned_units.max(self.least_units),
            Look::Always(_) => self.least_units,
        };
        if !self.primary.effect.is_known() {
            return Some(self.not_yet(&self.primary, (wanted - count).max(1.0)));
        }
        (count < wanted).then(|| self.not_yet(&self.primary, wanted - count))
    }

    fn is_tolerated(&self, guardrail: &Metric) -> bool {
        guardrail.better_by(self.alpha, self.look).low > -guardrail.margin
    }

    fn wait_for(&self, metric: &Metric, alpha: f64) -> Verdict {
        match self.look {
            Look::Once => Verdict::Ended,
            Look::Always(_) => {
                self.not_yet(metric, metric.units_until(0.5 * metric.margin, alpha, self.look))
            }
        }
    }

    fn not_yet(&self, metric: &Metric, units: f64) -> Verdict {
        Verdict::NotYet {
            metric: metric.name.clone(),
            units: units.ceil(),
            days: days_for(units, self.units_a_day),
        }
    }
}

impl Metric {
    /// The interval of the effect, turned so that up is good.
    pub fn better_by(&self, alpha: f64, look: Look) -> Interval {
        let interval = self.effect.interval(alpha, look);
        match self.good {
            Good::Up => interval,
            Good::Down => Interval { low: -interval.high, high: -interval.low },
        }
    }

    fn is_worse(&self, alpha: f64, look: Look) -> bool {
        self.better_by(alpha, look).high < 0.0
    }

    /// More units of both arms until half the interval's width is this, if units go on to vary as they do.
    fn units_until(&self, half_width: f64, alpha: f64, look: Look) -> f64 {
        let count = self.effect.count;
        let width_at = |units: f64| {
            let error = self.effect.error * (count / units).sqrt();
            Effect { error, count: units, ..self.effect }.interval(alpha, look).half_width()
        };
        let (mut low, mut high) = (count, 2.0 * count);
        while width_at(high) > half_width {
            if high > 1e15 {
                return f64::INFINITY;
            }
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if width_at(middle) > half_width { low = middle } else { high = middle }
        }
        high - count
    }

    fn seen(&self, alpha: f64, look: Look) -> String {
        let interval = self.effect.interval(alpha, look);
        let number = |value| self.number(value);
        format!("{} ({} to {})", number(self.effect.estimate), number(interval.low), number(interval.high))
    }

    fn number(&self, value: f64) -> String {
        match self.shown {
            Shown::Percent => format!("{:+.1} %", 100.0 * value),
            Shown::Points => format!("{:+.2} percentage points", 100.0 * value),
            Shown::Plain => format!("{value:+.2}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::sequential::Sequence;

    fn metric(name: &str, estimate: f64, error: f64, good: Good, margin: f64) -> Metric {
        let effect = Effect { estimate, error, degrees: f64::INFINITY, count: 20_000.0 };
        Metric { name: name.to_owned(), effect, good, margin, shown: Shown::Percent }
    }

    fn question(conversion: (f64, f64), returns: (f64, f64)) -> Question {
        Question {
            primary: metric("conversion", conversion.0, conversion.1, Good::Up, 0.02),
            guardrails: vec![metric("returns", returns.0, returns.1, Good::Down, 0.01)],
            mismatch: Mismatch { p: 0.4, statistic: 1.0 },
            alpha: 0.05,
            look: Look::Always(Sequence::planned(20_000.0, 0.05)),
            planned_units: 20_000.0,
            least_units: 200.0,
            units_a_day: 1000.0,
        }
    }

    fn said(question: &Question) -> String {
        question.in_words(&question.verdict())
    }

    #[test]
    fn each_answer_in_words() {
        let quiet = (0.0, 0.001);
        assert_eq!(
            said(&question((0.05, 0.01), quiet)),
            "Win: conversion changed by +5.0 % (+2.0 % to +8.0 %), and no guardrail suffers."
        );
        assert_eq!(
            said(&question((-0.05, 0.01), quiet)),
            "Harm: conversion changed by -5.0 % (-8.0 % to -2.0 %). Stop the test."
        );
        assert!(said(&question((0.05, 0.01), (0.05, 0.01))).starts_with("Harm: returns changed by +5.0 %"));
        assert!(
            said(&question((0.002, 0.004), quiet)).starts_with("Equivalent: conversion changed by +0.2 %")
        );
        assert!(
            said(&question((0.002, 0.01), quiet)).starts_with("Cannot tell yet: conversion needs at most ")
        );
        let mut invalid = question((0.05, 0.01), quiet);
        invalid.mismatch.p = 1e-5;
        assert!(said(&invalid).starts_with("Invalid: the arms did not get"));
    }

    #[test]
    fn harm_does_not_wait_for_a_guardrail_of_which_nothing_is_known() {
        let mut unknown = question((-0.05, 0.01), (0.0, f64::NAN));
        assert_eq!(unknown.verdict(), Verdict::Harm("conversion".to_owned()));
        unknown.primary.effect.estimate = 0.05;
        assert!(matches!(unknown.verdict(), Verdict::NotYet { ref metric, .. } if metric == "returns"));
        assert!(said(&unknown).starts_with("Cannot tell yet: too little of returns was seen"));
    }

    #[test]
    fn a_win_waits_for_its_guardrails_and_a_tolerable_loss_is_no_harm() {
        let open = question((0.05, 0.01), (0.0, 0.01));
        assert!(matches!(open.verdict(), Verdict::NotYet { ref metric, .. } if metric == "returns"));
        // Returns rose by half of what is tolerated, beyond doubt and within the margin beyond doubt.
        let tolerated = question((0.05, 0.01), (0.005, 0.001));
        assert_eq!(tolerated.verdict(), Verdict::Win);
    }

    #[test]
    fn the_units_that_are_asked_for_give_an_answer_whatever_the_estimate() {
        let waiting = question((0.004, 0.012), (0.0, 0.001));
        let Verdict::NotYet { units, days, .. } = waiting.verdict() else { panic!("it is open") };
        assert_eq!(days, Some((units / 1000.0).ceil() as u32));
        for estimate in [-0.03, -0.0101, -0.004, 0.0, 0.009, 0.0099, 0.02, 0.3] {
            let mut later = waiting.clone();
            let count = 20_000.0 + units;
            let error = 0.012 * (20_000.0 / count).sqrt();
            later.primary.effect = Effect { estimate, error, count, ..waiting.primary.effect };
            assert!(!matches!(later.verdict(), Verdict::NotYet { .. }), "{estimate}");
        }
    }

    #[test]
    fn with_several_guardrails_harm_needs_more_and_so_does_an_answer() {
        let mut waiting = question((0.05, 0.01), (0.02, 0.0065));
        assert!(matches!(waiting.verdict(), Verdict::Harm(_)));
        let others = (0..4).map(|_| metric("bounces", 0.0, 0.001, Good::Down, 0.01));
        waiting.guardrails.extend(others);
        let Verdict::NotYet { units, metric, .. } = waiting.verdict() else { panic!("one of five") };
        assert_eq!(metric, "returns");
        for estimate in [-0.02, 0.0, 0.0049, 0.0051, 0.02] {
            let mut later = waiting.clone();
            let count = 20_000.0 + units;
            let effect = &mut later.guardrails[0].effect;
            *effect = Effect { estimate, error: effect.error * (20_000.0 / count).sqrt(), count, ..*effect };
            assert!(!matches!(later.verdict(), Verdict::NotYet { .. }), "{estimate}");
        }
    }

    #[test]
    fn one_look_tells_nothing_before_its_end_and_nothing_more_after_it() {
        let mut once = question((0.05, 0.01), (0.0, 0.001));
        once.look = Look::Once;
        assert_eq!(once.verdict(), Verdict::Win);
        once.planned_units = 25_000.0;
        let wait = Verdict::NotYet { metric: "conversion".to_owned(), units: 5000.0, days: Some(5) };
        assert_eq!(once.verdict(), wait);
        once.planned_units = 20_000.0;
        once.primary.effect.estimate = 0.01;
        assert_eq!(once.verdict(), Verdict::Ended);
    }

    #[test]
    fn what_is_not_known_is_waited_for() {
        let mut empty = question((f64::NAN, f64::NAN), (0.0, 0.001));
        empty.units_a_day = 0.0;
        assert_eq!(
            empty.verdict(),
            Verdict::NotYet { metric: "conversion".to_owned(), units: 1.0, days: None }
        );
    }
}
