//! What came in by the hour of the last eight days – events by kind, decisions by placement, rows of the feed – and what of it
//! has collapsed: a release that lost a tag is seen within the hour where there is much traffic, within the day where there
//! is little.

use bespoke_domain::event::{KINDS, KindSpec};
use bespoke_domain::{Event, EventKind, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Hours kept: a week to compare with, and a day.
const HOURS: usize = 8 * 24;
/// Most placements that are watched.
const PLACEMENTS_MAX: usize = 200;
/// Fewest expected cases of which a collapse is told.
const EXPECTED_MIN: f64 = 30.0;
/// Share of what is expected below which something has collapsed.
const COLLAPSED: f64 = 0.3;
/// Spans that are looked at, in hours, the shortest with enough cases first.
const SPANS: [u32; 3] = [1, 6, 24];
const HOUR_MS: i64 = 3_600_000;
/// Kinds that should name the decision they come from.
const TOKENED: [EventKind; 4] =
    [EventKind::ViewItemList, EventKind::SelectItem, EventKind::AddToCart, EventKind::Purchase];

/// Counts by hour, in a ring.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Hours(Vec<u32>);

impl Default for Hours {
    fn default() -> Self {
        Self(vec![0; HOURS])
    }
}

impl Hours {
    fn bump(&mut self, hour: u32) {
        let count = &mut self.0[hour as usize % HOURS];
        *count = count.saturating_add(1);
    }

    /// The sum of `span` hours, the last of them `last`.
    fn sum(&self, last: u32, span: u32) -> f64 {
        (0..span).map(|back| f64::from(self.0[last.wrapping_sub(back) as usize % HOURS])).sum()
    }

    /// The same on each of the seven days before, and all of them together.
    fn week(&self, last: u32, span: u32) -> f64 {
        (1..=7).map(|day| self.sum(last.wrapping_sub(24 * day), span)).sum()
    }
}

/// Something that came in and hardly comes any more.
#[derive(Clone, PartialEq, Debug)]
pub struct Alarm {
    /// `events`, `decisions`, `kind`, `token`, `placement` or `feed`.
    pub code: &'static str,
    /// Which kind or placement; empty where there is only one.
    pub of: String,
    /// How many came in.
    pub count: f64,
    /// How many would have been usual.
    pub usual: f64,
    /// In how many hours.
    pub hours: u32,
}

/// All counts.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Pulse {
    /// The newest hour since the epoch that something is counted for.
    hour: u32,
    events: Hours,
    kinds: Vec<Hours>,
    /// Of [`TOKENED`] kinds those with a decision.
    tokens: Vec<Hours>,
    decisions: Hours,
    placements: BTreeMap<String, Hours>,
    patches: Hours,
    /// Events of programs, since the start of the log.
    pub bots: u64,
    /// Events of people, since the start of the log.
    pub people: u64,
}

impl Pulse {
    /// Counts an event, by the hour in which it happened.
    pub fn event(&mut self, event: &Event) {
        if event.is_bot() {
            self.bots += 1;
            return;
        }
        self.people += 1;
        let Some(hour) = self.turn(event.time) else { return };
        self.kinds.resize_with(KINDS.len(), Hours::default);
        self.tokens.resize_with(TOKENED.len(), Hours::default);
        self.events.bump(hour);
        self.kinds[event.kind as usize].bump(hour);
        let token = TOKENED.iter().position(|kind| *kind == event.kind);
        if let Some(at) = token.filter(|_| event.decision.is_some()) {
            self.tokens[at].bump(hour);
        }
    }

    /// Counts a decision.
    pub fn decision(&mut self, placement: &str, time: Millis) {
        let Some(hour) = self.turn(time) else { return };
        self.decisions.bump(hour);
        if let Some(hours) = self.placements.get_mut(placement) {
            hours.bump(hour);
        } else if self.placements.len() < PLACEMENTS_MAX {
            self.placements.entry(placement.to_owned()).or_default().bump(hour);
        }
    }

    /// Counts a row of the feed.
    pub fn patch(&mut self, time: Millis) {
        if let Some(hour) = self.turn(time) {
            self.patches.bump(hour);
        }
    }

    /// What has collapsed by `now`, the whole before its parts.
    pub fn alarms(&self, now: Millis) -> Vec<Alarm> {
        let mut fresh = self.clone();
        let Some(hour) = fresh.turn(now) else { return Vec::new() };
        let at = Moment { hour, elapsed: (now.0.rem_euclid(HOUR_MS)) as f64 / HOUR_MS as f64 };
        let mut alarms = Vec::new();
        alarms.extend(at.total("events", &fresh.events));
        alarms.extend(at.total("decisions", &fresh.decisions));
        for (spec, hours) in KINDS.iter().zip(&fresh.kinds) {
            alarms.extend(at.part("kind", spec.name, hours, &fresh.events));
        }
        for (kind, hours) in TOKENED.iter().zip(&fresh.tokens) {
            let KindSpec { name, .. } = kind.spec();
            alarms.extend(at.share("token", name, hours, &fresh.kinds[*kind as usize]));
        }
        for (name, hours) in &fresh.placements {
            alarms.extend(at.part("placement", name, hours, &fresh.decisions));
        }
        alarms.extend(at.feed(&fresh.patches));
        alarms
    }

    /// The hour of `time`, counted from here on; `None` where it is too long ago.
    fn turn(&mut self, time: Millis) -> Option<u32> {
        let hour = u32::try_from(time.0.div_euclid(HOUR_MS)).ok()?;
        if hour > self.hour {
            let gone = (self.hour + 1..=hour).rev().take(HOURS);
            for old in gone {
                self.every().for_each(|hours| hours.0[old as usize % HOURS] = 0);
            }
            self.hour = hour;
        }
        (self.hour - hour < HOURS as u32).then_some(hour)
    }

    fn every(&mut self) -> impl Iterator<Item = &mut Hours> {
        let lists = self.kinds.iter_mut().chain(&mut self.tokens).chain(self.placements.values_mut());
        lists.chain([&mut self.events, &mut self.decisions, &mut self.patches])
    }
}

/// The hour that goes on, and how much of it is over.
struct Moment {
    hour: u32,
    elapsed: f64,
}

impl Moment {
    /// Against the same hours of the days before.
    fn total(&self, code: &'static str, hours: &Hours) -> Option<Alarm> {
        let days = (1..=7).filter(|day| hours.sum(self.hour - 24 * day, 24) > 0.0).count() as f64;
        let usual = |span: u32| {
            let (all, going_on) = (hours.week(self.hour, span), hours.week(self.hour, 1));
            (all - (1.0 - self.elapsed) * going_on) / days.max(1.0)
        };
        self.judge(code, "", hours, usual)
    }

    /// Against how it stood to the rest of the whole on the days before.
    fn part(&self, code: &'static str, of: &str, hours: &Hours, whole: &Hours) -> Option<Alarm> {
        let usual = |span: u32| {
            let week = hours.week(self.hour, span);
            let rest = whole.sum(self.hour, span) - hours.sum(self.hour, span);
            week * rest / (whole.week(self.hour, span) - week).max(1.0)
        };
        self.judge(code, of, hours, usual)
    }

    /// Against the share of its cases on the days before.
    fn share(&self, code: &'static str, of: &str, hours: &Hours, cases: &Hours) -> Option<Alarm> {
        let usual = |span: u32| {
            let share = hours.week(self.hour, span) / cases.week(self.hour, span).max(1.0);
            share * cases.sum(self.hour, span)
        };
        self.judge(code, of, hours, usual)
    }

    /// A feed that comes every day.
    fn feed(&self, hours: &Hours) -> Option<Alarm> {
        let mut days: Vec<f64> = (1..=7).map(|day| hours.sum(self.hour - 24 * day, 24)).collect();
        days.sort_unstable_by(f64::total_cmp);
        let (is_daily, usual) = (days[2] > 0.0, days[3]);
        let count = hours.sum(self.hour, 24);
        let collapsed = is_daily && usual >= EXPECTED_MIN && count < COLLAPSED * usual;
        collapsed.then(|| Alarm { code: "feed", of: String::new(), count, usual, hours: 24 })
    }

    /// The shortest span with enough cases decides.
    fn judge(
        &self,
        code: &'static str,
        of: &str,
        hours: &Hours,
        usual: impl Fn(u32) -> f64,
    ) -> Option<Alarm> {
        let span = *SPANS.iter().find(|span| usual(**span) >= EXPECTED_MIN)?;
        let (count, usual) = (hours.sum(self.hour, span), usual(span));
        (count < COLLAPSED * usual).then(|| Alarm { code, of: of.to_owned(), count, usual, hours: span })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::DecisionId;
    use expect_test::{Expect, expect};

    const START_H: i64 = 480_000;

    /// Eight days of views and clicks a minute, with a feed at three in the morning; `lost` says what is lost of an hour.
    fn check(now_h: f64, lost: impl Fn(f64, &'static str) -> bool, expect: Expect) {
        let mut pulse = Pulse::default();
        for minute in 0..(now_h * 60.0) as i64 {
            let (hour, time) = (minute as f64 / 60.0, Millis(START_H * HOUR_MS + minute * 60_000));
            let mut count = |kind, name: &'static str, times| {
                (0..times).filter(|_| !lost(hour, name)).for_each(|_| {
                    let decision = (!lost(hour, "tokens")).then_some(DecisionId(1));
                    pulse.event(&Event { decision, ..Event::new(kind, time) });
                });
            };
            count(EventKind::ViewItem, "views", 10);
            count(EventKind::SelectItem, "clicks", 1);
            if !lost(hour, "cart") {
                pulse.decision("cart", time);
            }
            pulse.decision("home", time);
            if minute % 1440 == 180 && !lost(hour, "feed") {
                (0..500).for_each(|_| pulse.patch(time));
            }
        }
        let now = Millis(START_H * HOUR_MS + (now_h * HOUR_MS as f64) as i64);
        let told = |one: Alarm| {
            format!("{} {} {:.0} of {:.0} in {} h\n", one.code, one.of, one.count, one.usual, one.hours)
        };
        expect.assert_eq(&pulse.alarms(now).into_iter().map(told).collect::<String>());
    }

    #[test]
    fn a_release_that_loses_something_is_seen() {
        let now = 7.5 * 24.0 + 0.75;
        check(now, |_, _| false, expect![[""]]);
        check(
            now,
            |hour, what| hour > now - 0.6 && what == "clicks",
            expect![[r#"
            kind select_item 10 of 45 in 1 h
        "#]],
        );
        check(
            now,
            |hour, what| hour > now - 0.6 && what == "tokens",
            expect![[r#"
            token select_item 10 of 45 in 1 h
        "#]],
        );
        check(
            now,
            |hour, what| hour > now - 0.7 && what == "cart",
            expect![[r#"
            placement cart 4 of 45 in 1 h
        "#]],
        );
        check(
            now,
            |hour, what| hour > now - 24.0 && what == "feed",
            expect![[r#"
            feed  0 of 500 in 24 h
        "#]],
        );
        check(
            now,
            |hour, _| hour > now - 0.7,
            expect![[r#"
                events  44 of 495 in 1 h
                placement cart 4 of 45 in 1 h
            "#]],
        );
    }

    #[test]
    fn a_shop_that_begins_raises_none() {
        check(5.0, |hour, what| hour > 3.0 && what == "clicks", expect![[""]]);
    }

    #[test]
    fn programs_are_counted_apart() {
        let mut pulse = Pulse::default();
        pulse.event(&Event { bot: 100, ..Event::new(EventKind::ViewItem, Millis(START_H * HOUR_MS)) });
        pulse.event(&Event::new(EventKind::ViewItem, Millis(START_H * HOUR_MS)));
        assert_eq!((pulse.bots, pulse.people), (1, 1));
    }
}
