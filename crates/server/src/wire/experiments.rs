//! What a placement file says of experiments and the holdout: `[holdout]` and `[[experiment]]`.

use super::field::{object_of, typed};
use super::settings::{Known, Reader};
use bespoke_domain::experiment::{
    Analysis, ArmUse, Design, Experiment, Guardrail, HOLDOUT, Holdout, Unit, WHOLE,
};
use bespoke_domain::settings::{Form, Shows};
use bespoke_domain::{Currency, Placement, Problem, Settings};
use bespoke_engine::apart::{another_kind, challenged, clash, in_between};
use bespoke_engine::experiment::EXPERIMENTS_MAX;
use bespoke_engine::experiment::metric::{COVARIATES, METRICS, is_somebody, metric};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Most arms of an experiment.
const ARMS_MAX: usize = 8;
/// Longest that an experiment is planned for, in days.
const DAYS_MAX: u16 = 365;
/// Longest stretch of a switchback, in minutes: a week.
const MINUTES_MAX: u32 = 7 * 24 * 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldoutToml {
    share: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExperimentToml {
    name: String,
    #[serde(default)]
    design: DesignToml,
    #[serde(default)]
    unit: UnitToml,
    #[serde(default)]
    minutes: u32,
    #[serde(default)]
    burn_in: u16,
    #[serde(default = "default_layer")]
    layer: String,
    #[serde(default = "whole_slice")]
    slice: (f64, f64),
    placements: Vec<String>,
    arms: Vec<ArmToml>,
    #[serde(default)]
    metric: String,
    #[serde(default)]
    guardrails: Vec<GuardrailToml>,
    #[serde(default)]
    analysis: AnalysisToml,
    #[serde(default = "default_days")]
    days: u16,
    cap: Option<f64>,
    #[serde(default)]
    covariate: String,
    #[serde(default = "default_effect")]
    effect: f64,
    planned_units: Option<u64>,
    from: Option<String>,
    until: Option<String>,
    #[serde(default)]
    stopped: bool,
    #[serde(default)]
    rollback: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArmToml {
    name: String,
    share: Option<f64>,
    #[serde(default)]
    uses: BTreeMap<String, String>,
    #[serde(default)]
    external: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardrailToml {
    metric: String,
    margin: f64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum DesignToml {
    #[default]
    Split,
    Interleaving,
}

impl From<DesignToml> for Design {
    fn from(design: DesignToml) -> Self {
        match design {
            DesignToml::Split => Self::Split,
            DesignToml::Interleaving => Self::Interleaving,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum UnitToml {
    #[default]
    Shopper,
    Session,
    Query,
    Switchback,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum AnalysisToml {
    #[default]
    AlwaysValid,
    FixedHorizon,
}

impl From<AnalysisToml> for Analysis {
    fn from(analysis: AnalysisToml) -> Self {
        match analysis {
            AnalysisToml::AlwaysValid => Self::AlwaysValid,
            AnalysisToml::FixedHorizon => Self::FixedHorizon,
        }
    }
}

fn default_layer() -> String {
    "default".to_owned()
}

fn whole_slice() -> (f64, f64) {
    (0.0, 100.0)
}

fn default_days() -> u16 {
    14
}

fn default_effect() -> f64 {
    0.05
}

/// Per cent as parts of [`WHOLE`]; `None` where it is none.
pub(super) fn parts(per_cent: f64) -> Option<u16> {
    let parts = per_cent * f64::from(WHOLE) / 100.0;
    ((0.0..=f64::from(WHOLE)).contains(&parts) && (parts - parts.round()).abs() < 1e-6)
        .then(|| parts.round() as u16)
}

/// Whether it can be the name of an experiment: it stands in addresses, on command lines and in files.
fn is_name(name: &str) -> bool {
    let can_be = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(can_be)
}

/// The metric that interleaving is about.
const INTERLEAVING_METRIC: &str = "clicks";

/// Why two placements cannot be interleaved.
fn cannot_mix(control: &Placement, treated: &Placement) -> Option<&'static str> {
    let reserves = |one: &Placement| one.rules.iter().any(|rule| rule.rule == "reserve");
    match (control, treated) {
        (a, b) if [a, b].iter().any(|one| one.shows != Shows::Products) => {
            Some("only products are interleaved")
        }
        (a, b) if a.form != b.form || a.form == Form::Bundle => Some("both are slates, or both are listings"),
        (a, b) if a.diversity != b.diversity => Some("their `diversity` differs"),
        (a, b) if reserves(a) || reserves(b) => {
            Some("a rule `reserve` keeps slots, of which half a list keeps half")
        }
        _ => None,
    }
}

/// What a share must be.
const SHARE: &str = "must be from 0 to 100 per cent, with at most two decimals";

/// Reads one experiment as JSON, with the fields of `[[experiment]]`, to be added to the settings or to stand in for the one of its name.
pub fn parse_experiment(name: &str, body: &[u8], settings: &Settings) -> Result<Experiment, Problem> {
    let mut fields = object_of(body)?;
    if let Some(other) = fields.text("name", 1_000)?.filter(|other| other != name) {
        let detail =
            format!("is {other:?}, and it is sent as {name:?}: give it one name, or leave this one out");
        return Err(Problem::new("name", "invalid_name", detail));
    }
    fields.0.insert("name".to_owned(), name.into());
    let parsed: ExperimentToml = typed(fields)?;
    let known = Known { sources: &[], scorers: &[], filters: &[], rules: &[] };
    let mut reader = Reader::new("", &known);
    let experiment = reader.experiment(0, parsed, (&settings.placements, settings.shop.currency));
    if let Some(challenge) = challenged(settings, &experiment) {
        let detail = in_between(challenge, name);
        reader.fault(0, Problem::new("placements", "overlapping_layers", detail));
    }
    let others = settings.experiments.iter().filter(|other| other.name != name);
    others.clone().for_each(|other| reader.check_apart(0, &experiment, other));
    if others.count() >= EXPERIMENTS_MAX {
        let detail = format!(
            "must be at most {EXPERIMENTS_MAX}; take out those that are over: `bespoke experiments NAME --remove`"
        );
        reader.fault(0, Problem::new("experiment", "too_many", detail));
    }
    reader.faults.into_iter().next().map_or(Ok(experiment), |fault| Err(fault.problem))
}

impl Reader<'_> {
    pub(super) fn holdout(&mut self, file: Option<HoldoutToml>) -> Holdout {
        let Some(file) = file else { return Holdout::default() };
        let share = parts(*file.share.get_ref()).filter(|share| *share <= WHOLE / 2);
        if share.is_none() {
            let detail = "must be from 0 to 50 per cent, with at most two decimals; 0 = no holdout";
            self.fault(file.share.span().start, Problem::new("holdout.share", "out_of_range", detail));
        }
        Holdout { share: share.unwrap_or_default() }
    }

    pub(super) fn experiments(
        &mut self,
        files: Vec<Spanned<ExperimentToml>>,
        (placements, currency): (&[Placement], Currency),
    ) -> Vec<Experiment> {
        let mut experiments: Vec<Experiment> = Vec::new();
        for file in files {
            let at = file.span().start;
            let experiment = self.experiment(at, file.into_inner(), (placements, currency));
            for other in &experiments {
                self.check_apart(at, &experiment, other);
            }
            experiments.push(experiment);
            if experiments.len() > EXPERIMENTS_MAX {
                let detail = format!("must be at most {EXPERIMENTS_MAX}; take out those that are over");
                self.fault(at, Problem::new("experiment", "too_many", detail));
                break;
            }
        }
        experiments
    }

    fn experiment(
        &mut self,
        at: usize,
        mut file: ExperimentToml,
        (placements, currency): (&[Placement], Currency),
    ) -> Experiment {
        let design = std::mem::take(&mut file.design).into();
        if design == Design::Interleaving {
            self.interleaving(at, &mut file, placements);
        }
        let name = file.name.clone();
        if !is_name(&name) || name == HOLDOUT {
            let detail = format!(
                "must have 1 to 64 letters, digits, _, - or ., not begin with one ., and not be {HOLDOUT:?}"
            );
            self.fault(at, Problem::new("name", "invalid_name", detail));
        }
        if file.layer.is_empty() || file.layer.len() > 64 {
            self.fault(at, Problem::new("layer", "invalid_name", "must have 1 to 64 characters"));
        }
        let unit = self.unit(at, &file);
        if !(1..=DAYS_MAX).contains(&file.days) {
            self.fault(at, Problem::new("days", "out_of_range", format!("must be from 1 to {DAYS_MAX}")));
        }
        self.check_sizes(at, &file);
        self.check_measures(at, &file);
        self.check_metrics_of(at, &file, unit);
        self.check_placements(at, &file.placements, placements);
        let (from, to) = (parts(file.slice.0), parts(file.slice.1));
        let slice = (from.unwrap_or_default(), to.unwrap_or_default());
        if from.is_none() || to.is_none() || slice.0 >= slice.1 {
            let detail = "must be two shares of the layer in per cent, such as [0, 50]";
            self.fault(at, Problem::new("slice", "out_of_range", detail));
        }
        let arms = self.arms(at, file.arms, (&file.placements, placements));
        let guardrails = file.guardrails.into_iter();
        let is_money = metric(&file.metric).is_some_and(|spec| spec.is_money);
        let cap = if is_money { 10_f64.powi(currency.exponent() as i32) } else { 1.0 };
        let times =
            (self.time(at, "from", file.from.as_deref()), self.time(at, "until", file.until.as_deref()));
        if let (Some(from), Some(until)) = times
            && until <= from
        {
            self.fault(at, Problem::new("until", "out_of_range", "must be after `from`"));
        }
        Experiment {
            name,
            design,
            unit,
            burn_in: file.burn_in,
            layer: file.layer,
            slice,
            placements: file.placements,
            arms,
            metric: file.metric,
            guardrails: guardrails.map(|one| Guardrail { metric: one.metric, margin: one.margin }).collect(),
            analysis: file.analysis.into(),
            effect: file.effect,
            days: file.days,
            planned_units: file.planned_units.unwrap_or_default(),
            cap: cap * file.cap.unwrap_or_default(),
            covariate: file.covariate,
            from: times.0,
            until: times.1,
            is_stopped: file.stopped,
            stopped_for: String::new(),
            rolls_back: file.rollback,
        }
    }

    fn unit(&mut self, at: usize, file: &ExperimentToml) -> Unit {
        let unit = match file.unit {
            UnitToml::Shopper => Unit::Shopper,
            UnitToml::Session => Unit::Session,
            UnitToml::Query => Unit::Query,
            UnitToml::Switchback => Unit::Switchback(file.minutes),
        };
        let is_right = if matches!(unit, Unit::Switchback(_)) {
            (1..=MINUTES_MAX).contains(&file.minutes)
        } else {
            file.minutes == 0
        };
        if !is_right {
            let detail = format!("a switchback says for how long, 1 to {MINUTES_MAX}; no other unit does");
            self.fault(at, Problem::new("minutes", "out_of_range", detail));
        }
        if file.burn_in > 0 && u32::from(file.burn_in) >= file.minutes {
            let detail = "must be fewer than the switchback's `minutes`; no other unit has any";
            self.fault(at, Problem::new("burn_in", "out_of_range", detail));
        }
        unit
    }

    /// What an interleaved experiment must be like: clicks decide, and both rankings can stand in one list. Its arms have no shares: every
    /// unit is shown both.
    fn interleaving(&mut self, at: usize, file: &mut ExperimentToml, placements: &[Placement]) {
        if file.metric.is_empty() {
            file.metric = INTERLEAVING_METRIC.to_owned();
        }
        let mut wrong = |field: &str, detail: &str| {
            self.fault(at, Problem::new(field, "not_interleaved", detail.to_owned()));
        };
        if file.metric != INTERLEAVING_METRIC {
            wrong(
                "metric",
                "interleaving compares rankings by `clicks`; for any other metric use an experiment that splits",
            );
        }
        for (field, is_set) in [
            ("guardrails", !file.guardrails.is_empty()),
            ("covariate", !file.covariate.is_empty()),
            ("cap", file.cap.is_some()),
            ("rollback", file.rollback),
        ] {
            if is_set {
                wrong(field, "interleaving has none: every shopper is shown both rankings; leave it out");
            }
        }
        if !matches!(file.unit, UnitToml::Shopper) {
            wrong("unit", "interleaving compares by shopper; leave it out");
        }
        if file.arms.len() != 2 || file.arms.iter().any(|arm| arm.share.is_some() || arm.external) {
            wrong("arms", "interleaving has two arms, the control first, without shares and not external");
        }
        let uses = file.arms.get(1).map(|arm| arm.uses.clone()).unwrap_or_default();
        if file.arms.first().is_some_and(|arm| !arm.uses.is_empty()) || uses.len() != file.placements.len() {
            wrong(
                "arms",
                "the second arm `uses` another placement for each of `placements`, and the first for none",
            );
        }
        let of = |name: &String| placements.iter().find(|one| one.name == *name);
        for (control, treated) in uses.iter().filter_map(|(asked, used)| Some((of(asked)?, of(used)?))) {
            if let Some(why) = cannot_mix(control, treated) {
                wrong(
                    "arms",
                    &format!("{:?} and {:?} cannot stand in one list: {why}", control.name, treated.name),
                );
            }
        }
        file.arms.iter_mut().for_each(|arm| arm.share = Some(50.0));
    }

    fn check_measures(&mut self, at: usize, file: &ExperimentToml) {
        let known = || METRICS.iter().map(|spec| spec.name).collect::<Vec<_>>().join(", ");
        let is_known = |name: &str| METRICS.iter().any(|spec| spec.name == name);
        if file.metric.is_empty() {
            self.fault(at, Problem::new("metric", "missing", format!("name one of {}", known())));
        } else if !is_known(&file.metric) {
            let detail = format!("{:?} is none of {}", file.metric, known());
            self.fault(at, Problem::new("metric", "unknown_name", detail));
        }
        for (no, guardrail) in file.guardrails.iter().enumerate() {
            if !is_known(&guardrail.metric) {
                let detail = format!("{:?} is none of {}", guardrail.metric, known());
                self.fault(at, Problem::new(format!("guardrails.{no}.metric"), "unknown_name", detail));
            }
            if file.metric == guardrail.metric {
                let detail = "decides already; leave it out here, or guard another metric";
                self.fault(at, Problem::new(format!("guardrails.{no}.metric"), "repeated", detail));
            }
            if file.guardrails[..no].iter().any(|other| other.metric == guardrail.metric) {
                let detail = "is guarded already; leave it out";
                self.fault(at, Problem::new(format!("guardrails.{no}.metric"), "repeated", detail));
            }
            if !(guardrail.margin > 0.0 && guardrail.margin <= 1.0) {
                let detail = "must be above 0 and at most 1: by which share the metric may be worse";
                self.fault(at, Problem::new(format!("guardrails.{no}.margin"), "out_of_range", detail));
            }
        }
        let name = &file.covariate;
        if !name.is_empty() && COVARIATES.iter().all(|spec| spec.name != name) {
            let before: Vec<_> = COVARIATES.iter().map(|spec| spec.name).collect();
            let why = if is_known(name) {
                "is measured after the exposure and would hide the effect"
            } else {
                "is not known"
            };
            let detail = format!("{name:?} {why}; known: {}", before.join(", "));
            self.fault(at, Problem::new("covariate", "invalid_covariate", detail));
        }
        if !(file.effect > 0.0 && file.effect <= 10.0) {
            let detail =
                "must be above 0: the least change that would matter, as a share of the control's value";
            self.fault(at, Problem::new("effect", "out_of_range", detail));
        }
        if matches!(file.analysis, AnalysisToml::FixedHorizon) && file.planned_units.is_none() {
            let detail = format!(
                "a fixed horizon needs the number of units it is looked at; without `analysis`, `bespoke experiments {} --plan --set FILE` gives it",
                file.name
            );
            self.fault(at, Problem::new("planned_units", "missing", detail));
        }
    }

    fn check_sizes(&mut self, at: usize, file: &ExperimentToml) {
        let detail = "must be above 0, or left out";
        if file.cap.is_some_and(|cap| !(cap.is_finite() && cap > 0.0)) {
            self.fault(at, Problem::new("cap", "out_of_range", detail));
        }
        if file.planned_units == Some(0) {
            self.fault(at, Problem::new("planned_units", "out_of_range", detail));
        }
    }

    /// What says nothing of units that are nobody.
    fn check_metrics_of(&mut self, at: usize, file: &ExperimentToml, unit: Unit) {
        let is_said = |name: &str| metric(name).is_none_or(|spec| spec.is_for(unit));
        let known =
            || METRICS.iter().filter(|spec| spec.is_for(unit)).map(|spec| spec.name).collect::<Vec<_>>();
        let mut wrong = |field: String, name: &str| {
            let detail = format!(
                "{name:?} is about shoppers, and a unit of {} is none; take one of {}",
                unit.name(),
                known().join(", ")
            );
            self.fault(at, Problem::new(field, "invalid_metric", detail));
        };
        if !is_said(&file.metric) {
            wrong("metric".to_owned(), &file.metric);
        }
        for (no, guardrail) in file.guardrails.iter().enumerate().filter(|(_, one)| !is_said(&one.metric)) {
            wrong(format!("guardrails.{no}.metric"), &guardrail.metric);
        }
        if !file.covariate.is_empty() && !is_somebody(unit) {
            let detail = "a market's hour and a query were nothing before: leave it out";
            self.fault(at, Problem::new("covariate", "invalid_covariate", detail));
        }
    }

    fn check_placements(&mut self, at: usize, named: &[String], placements: &[Placement]) {
        if named.is_empty() {
            let detail = "name the placements whose decisions are compared";
            self.fault(at, Problem::new("placements", "missing", detail));
        }
        for (no, name) in named.iter().enumerate() {
            if named[..no].contains(name) {
                let detail = format!("{name:?} stands there twice; leave one out");
                self.fault(at, Problem::new("placements", "repeated", detail));
            }
            if placements.iter().all(|one| one.name != *name) {
                let detail = format!("there is no placement {name:?}");
                self.fault(at, Problem::new("placements", "unknown_placement", detail));
            }
        }
    }

    fn arms(
        &mut self,
        at: usize,
        files: Vec<ArmToml>,
        (named, placements): (&[String], &[Placement]),
    ) -> Vec<ArmUse> {
        if !(2..=ARMS_MAX).contains(&files.len()) {
            let detail = format!("an experiment has 2 to {ARMS_MAX} arms, the control first");
            self.fault(at, Problem::new("arms", "wrong_count", detail));
        }
        let mut arms: Vec<ArmUse> = Vec::new();
        for (no, file) in files.into_iter().enumerate() {
            let field = |name: &str| format!("arms.{no}.{name}");
            if file.name.is_empty() || file.name.len() > 64 || arms.iter().any(|arm| arm.name == file.name) {
                let detail = "must be unique, with 1 to 64 characters";
                self.fault(at, Problem::new(field("name"), "invalid_name", detail));
            }
            let share = file.share.and_then(parts).filter(|share| *share > 0);
            if share.is_none() {
                self.fault(at, Problem::new(field("share"), "out_of_range", SHARE));
            }
            if file.external && !file.uses.is_empty() {
                let detail =
                    "an arm with `external = true` is answered by something else; leave one of the two out";
                self.fault(at, Problem::new(field("uses"), "not_both", detail));
            }
            for (asked, used) in &file.uses {
                if !named.contains(asked) {
                    let detail = format!("{asked:?} is none of the experiment's placements");
                    self.fault(at, Problem::new(field("uses"), "unknown_placement", detail));
                }
                let of = |name: &String| placements.iter().find(|one| one.name == *name);
                if of(used).is_none() {
                    let detail = format!("there is no placement {used:?}");
                    self.fault(at, Problem::new(field("uses"), "unknown_placement", detail));
                }
                if let Some(why) = of(asked).zip(of(used)).and_then(|(asked, used)| another_kind(asked, used))
                {
                    self.fault(at, Problem::new(field("uses"), "another_kind", why));
                }
            }
            let (share, is_external) = (share.unwrap_or_default(), file.external);
            arms.push(ArmUse { name: file.name, share, uses: file.uses.into_iter().collect(), is_external });
        }
        let sum: u32 = arms.iter().map(|arm| u32::from(arm.share)).sum();
        if sum != u32::from(WHOLE) {
            let detail = format!("shares add up to {} per cent; they must to 100", f64::from(sum) / 100.0);
            self.fault(at, Problem::new("arms", "wrong_sum", detail));
        }
        arms
    }

    /// Two experiments at the same placement must not have a shopper in common, and must have different names.
    fn check_apart(&mut self, at: usize, one: &Experiment, other: &Experiment) {
        if one.name == other.name {
            let detail = format!("there are two experiments {:?}", one.name);
            self.fault(at, Problem::new("name", "invalid_name", detail));
        }
        if let Some(detail) = clash(one, other) {
            self.fault(at, Problem::new("layer", "overlapping_layers", detail));
        }
    }
}
