//! Placement files: TOML, read whole. Every fault is found and named with its line, field and fix; a file with a fault
//! changes nothing.

use super::content::{BanditToml, BlockToml};
use super::experiments::{ExperimentToml, HoldoutToml};
use super::expression;
use super::field::{must_be, parse_time};
use super::models::ModelTables;
use super::shop::{AttributionToml, CanonicalTables, ClutterTables, ShopToml};
use super::watch::WatchToml;
use super::words::{SearchToml, SynonymToml};
use bespoke_domain::settings::{
    Diversity, Explore, FilterUse, Form, Objective, OnThin, Placement, Rule, ScorerUse, Segment, Settings,
    Shows, SourceUse,
};
use bespoke_domain::{Condition, Millis, Problem};
use bespoke_engine::tables::{self, SCORERS_MAX};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use toml::Spanned;

/// Most sources of a placement; one more is kept for the fallback.
const SOURCES_MAX: usize = tables::SOURCES_MAX - 1;

/// The names a file may use, with their parameters.
pub struct Known<'a> {
    /// Sources.
    pub sources: &'a [(&'a str, &'a [&'a str])],
    /// Scorers.
    pub scorers: &'a [&'a str],
    /// Filters.
    pub filters: &'a [(&'a str, &'a [&'a str])],
    /// Rules.
    pub rules: &'a [&'a str],
}

/// A fault with the line it is on, from 1.
#[derive(Debug, PartialEq)]
pub struct SettingsFault {
    /// The line.
    pub line: usize,
    /// The fault.
    pub problem: Problem,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    shop: ShopToml,
    #[serde(default)]
    clutter: ClutterTables,
    #[serde(default)]
    normalise: CanonicalTables,
    #[serde(default)]
    models: ModelTables,
    #[serde(default)]
    search: SearchToml,
    #[serde(default, rename = "synonym")]
    synonyms: Vec<Spanned<SynonymToml>>,
    #[serde(default, rename = "placement")]
    placements: Vec<Spanned<PlacementToml>>,
    #[serde(default)]
    content: Vec<Spanned<BlockToml>>,
    #[serde(default, rename = "segment")]
    segments: Vec<Spanned<SegmentToml>>,
    attribution: Option<Spanned<AttributionToml>>,
    holdout: Option<HoldoutToml>,
    #[serde(default, rename = "experiment")]
    experiments: Vec<Spanned<ExperimentToml>>,
    watch: Option<Spanned<WatchToml>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentToml {
    name: String,
    when: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlacementToml {
    pub(super) name: Spanned<String>,
    headline: String,
    #[serde(default)]
    fallback_headline: String,
    #[serde(default)]
    shows: ShowsToml,
    #[serde(default)]
    form: FormToml,
    rollout: Option<Spanned<u8>>,
    slots: Spanned<u16>,
    #[serde(default)]
    pub(super) min_evidence: u16,
    #[serde(default)]
    on_thin: OnThinToml,
    #[serde(default)]
    pub(super) sources: Vec<Spanned<SourceToml>>,
    #[serde(default)]
    pub(super) scorers: Vec<Spanned<ScorerToml>>,
    #[serde(default)]
    pub(super) filters: Vec<Spanned<FilterToml>>,
    #[serde(default)]
    diversity: DiversityToml,
    pub(super) objective: Option<Spanned<ObjectiveToml>>,
    pub(super) explore: Option<Spanned<ExploreToml>>,
    pub(super) bandit: Option<Spanned<BanditToml>>,
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<Spanned<RuleToml>>,
}

impl PlacementToml {
    pub(super) fn shows_content(&self) -> bool {
        matches!(self.shows, ShowsToml::Content)
    }

    pub(super) fn is_slate(&self) -> bool {
        matches!(self.form, FormToml::Slate)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum ShowsToml {
    #[default]
    Products,
    Categories,
    Content,
}

impl From<ShowsToml> for Shows {
    fn from(shows: ShowsToml) -> Self {
        match shows {
            ShowsToml::Products => Self::Products,
            ShowsToml::Categories => Self::Categories,
            ShowsToml::Content => Self::Content,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum FormToml {
    #[default]
    Slate,
    Listing,
    Bundle,
}

impl From<FormToml> for Form {
    fn from(form: FormToml) -> Self {
        match form {
            FormToml::Slate => Self::Slate,
            FormToml::Listing => Self::Listing,
            FormToml::Bundle => Self::Bundle,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum OnThinToml {
    #[default]
    Relabel,
    Hide,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct DiversityToml {
    max_per_category: u16,
    max_per_brand: u16,
}

#[derive(Deserialize)]
pub(super) struct SourceToml {
    pub(super) source: String,
    weight: f64,
    limit: u16,
    #[serde(default)]
    products: Vec<String>,
    #[serde(flatten)]
    params: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScorerToml {
    scorer: String,
    weight: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObjectiveToml {
    name: String,
    #[serde(default)]
    click: f64,
    #[serde(default)]
    cart: f64,
    #[serde(default)]
    buy: f64,
    #[serde(default, rename = "return")]
    returned: f64,
    #[serde(default)]
    margin: f64,
    #[serde(default)]
    stock: f64,
    #[serde(default = "objective_rows")]
    rows: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExploreToml {
    share: f64,
    #[serde(default = "explore_among")]
    among: u16,
}

fn explore_among() -> u16 {
    10
}

fn objective_rows() -> u16 {
    60
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum FilterToml {
    Name(String),
    With {
        filter: String,
        #[serde(flatten)]
        params: BTreeMap<String, f64>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleToml {
    name: String,
    pub(super) rule: String,
    #[serde(default)]
    items: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default, rename = "where")]
    filter: Option<String>,
    when: Option<String>,
    #[serde(default)]
    position: u16,
    factor: Option<f64>,
    #[serde(default)]
    slots: u16,
    from: Option<String>,
    until: Option<String>,
    #[serde(default)]
    author: String,
    #[serde(default)]
    note: String,
}

/// Reads a placement file.
pub fn parse_settings(text: &str, known: &Known<'_>) -> Result<Settings, Vec<SettingsFault>> {
    let file: FileToml = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        vec![SettingsFault { line, problem: Problem::new("file", "bad_toml", must_be(error.message())) }]
    })?;
    let mut reader = Reader::new(text, known);
    let settings = reader.settings(file);
    if reader.faults.is_empty() { Ok(settings) } else { Err(reader.faults) }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Reads one file, and collects its faults.
pub(super) struct Reader<'a> {
    text: &'a str,
    known: &'a Known<'a>,
    pub(super) faults: Vec<SettingsFault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, known: &'a Known<'a>) -> Self {
        Self { text, known, faults: Vec::new() }
    }

    pub(super) fn fault(&mut self, at: usize, problem: Problem) {
        self.faults.push(SettingsFault { line: line_of(self.text, at), problem });
    }

    fn settings(&mut self, file: FileToml) -> Settings {
        let shop = self.shop(file.shop);
        let mut names = HashSet::new();
        let mut placements = Vec::new();
        for placement in file.placements {
            let placement = placement.into_inner();
            let (name, at) = (placement.name.get_ref().clone(), placement.name.span().start);
            if name.is_empty() || name.len() > 64 || !names.insert(name) {
                self.fault(
                    at,
                    Problem::new("name", "invalid_name", "must be unique, with 1 to 64 characters"),
                );
            }
            placements.push(self.placement(placement));
        }
        let content = self.content(file.content, &placements);
        let segments = file.segments.into_iter().map(|segment| self.segment(segment)).collect();
        let (clutter, canonical) = (self.clutter(file.clutter), self.canonical(file.normalise));
        let models = self.models(file.models);
        let search = self.search(file.search, file.synonyms);
        let (holdout, attribution) = (self.holdout(file.holdout), self.attribution(file.attribution));
        let experiments = self.experiments(file.experiments, (&placements, shop.currency));
        Settings {
            shop,
            placements,
            content,
            segments,
            clutter,
            canonical,
            models,
            search,
            holdout,
            attribution,
            experiments,
            challenges: Vec::new(),
            watch: self.watch(file.watch),
            file: None,
        }
    }

    fn placement(&mut self, mut file: PlacementToml) -> Placement {
        if !(1..=100).contains(file.slots.get_ref()) {
            self.fault(
                file.slots.span().start,
                Problem::new("slots", "out_of_range", "must be from 1 to 100"),
            );
        }
        if let Some(rollout) = file.rollout.as_ref().filter(|rollout| *rollout.get_ref() > 100) {
            let at = rollout.span().start;
            self.fault(at, Problem::new("rollout", "out_of_range", "must be from 0 to 100 per cent"));
        }
        if file.scorers.len() > SCORERS_MAX {
            let at = file.name.span().start;
            self.fault(at, Problem::new("scorers", "too_many", format!("must be at most {SCORERS_MAX}")));
        }
        self.check_shows(&file);
        let is_content = file.shows_content();
        if !is_content && !(1..=SOURCES_MAX).contains(&file.sources.len()) {
            let at = file.name.span().start;
            self.fault(
                at,
                Problem::new("sources", "wrong_count", format!("a placement has 1 to {SOURCES_MAX} sources")),
            );
        }
        let (sources, scorers) = self.yielding(&mut file);
        let hides = is_content || matches!(file.on_thin, OnThinToml::Hide);
        Placement {
            name: file.name.into_inner(),
            headline: file.headline,
            fallback_headline: file.fallback_headline,
            shows: file.shows.into(),
            form: file.form.into(),
            rollout: file.rollout.map_or(100, Spanned::into_inner),
            slots: file.slots.into_inner(),
            min_evidence: if is_content { 1 } else { file.min_evidence },
            on_thin: if hides { OnThin::Hide } else { OnThin::Relabel },
            sources,
            scorers,
            filters: file.filters.into_iter().map(|filter| self.filter(filter)).collect(),
            diversity: Diversity {
                max_per_category: file.diversity.max_per_category,
                max_per_brand: file.diversity.max_per_brand,
            },
            rules: file.rules.into_iter().map(|rule| self.rule(rule)).collect(),
            objective: file.objective.map(|objective| self.objective(objective)),
            bandit: file.bandit.map(|bandit| self.bandit(bandit)),
            explore: file.explore.map_or(Explore::default(), |explore| self.explore(&explore)),
        }
    }

    fn explore(&mut self, explore: &Spanned<ExploreToml>) -> Explore {
        let (at, ExploreToml { share, among }) = (explore.span().start, explore.get_ref());
        let parts = (share * 100.0).round();
        if !(0.0..=5_000.0).contains(&parts) || (parts - share * 100.0).abs() > 1e-6 {
            let detail = "must be from 0 to 50 per cent of slots, with at most two decimals";
            self.fault(at, Problem::new("explore.share", "out_of_range", detail));
        }
        if !(2..=50).contains(among) {
            self.fault(at, Problem::new("explore.among", "out_of_range", "must be from 2 to 50 candidates"));
        }
        Explore { share: parts as u16, among: *among }
    }

    pub(super) fn source(&mut self, source: Spanned<SourceToml>) -> SourceUse {
        let at = source.span().start;
        let source = source.into_inner();
        self.check_use(at, "source", &source.source, &source.params, self.known.sources);
        if !source.weight.is_finite() || source.weight <= 0.0 {
            self.fault(at, Problem::new("weight", "out_of_range", "must be above 0"));
        }
        if !(1..=2000).contains(&source.limit) {
            self.fault(at, Problem::new("limit", "out_of_range", "must be from 1 to 2000 candidates"));
        }
        SourceUse {
            source: source.source,
            weight: source.weight as f32,
            limit: source.limit,
            items: source.products,
            params: source.params.into_iter().collect(),
        }
    }

    pub(super) fn scorer(&mut self, scorer: Spanned<ScorerToml>) -> ScorerUse {
        let at = scorer.span().start;
        let ScorerToml { scorer, weight } = scorer.into_inner();
        if !self.known.scorers.contains(&scorer.as_str()) {
            let detail = format!("{scorer:?} is none of {}", self.known.scorers.join(", "));
            self.fault(at, Problem::new("scorer", "unknown_name", detail));
        }
        if !(-100.0..=100.0).contains(&weight) {
            self.fault(at, Problem::new("weight", "out_of_range", "must be from -100 to 100"));
        }
        ScorerUse { scorer, weight: weight as f32 }
    }

    fn objective(&mut self, objective: Spanned<ObjectiveToml>) -> Objective {
        let at = objective.span().start;
        let file = objective.into_inner();
        if file.name.is_empty() || file.name.len() > 64 {
            self.fault(at, Problem::new("name", "invalid_name", "must have 1 to 64 characters"));
        }
        let mut weight = |field: &str, value: f64, least: f64, most: f64| {
            if !(least..=most).contains(&value) {
                let detail = format!("must be from {least} to {most}");
                self.fault(at, Problem::new(field, "out_of_range", detail));
            }
            value as f32
        };
        let objective = Objective {
            click: weight("click", file.click, 0.0, 1000.0),
            cart: weight("cart", file.cart, 0.0, 1000.0),
            buy: weight("buy", file.buy, 0.0, 1000.0),
            returned: weight("return", file.returned, -1000.0, 0.0),
            margin: weight("margin", file.margin, 0.0, 1000.0),
            stock: weight("stock", file.stock, 0.0, 1000.0),
            name: file.name,
            rows: file.rows,
        };
        if objective.click + objective.cart + objective.buy + objective.margin <= 0.0 {
            let detail = "an objective gives `click`, `cart`, `buy` or `margin` a weight above 0";
            self.fault(at, Problem::new("objective", "missing", detail));
        }
        if !(10..=200).contains(&objective.rows) {
            self.fault(at, Problem::new("rows", "out_of_range", "must be from 10 to 200 candidates"));
        }
        objective
    }

    fn filter(&mut self, filter: Spanned<FilterToml>) -> FilterUse {
        let at = filter.span().start;
        let (filter, params) = match filter.into_inner() {
            FilterToml::Name(name) => (name, BTreeMap::new()),
            FilterToml::With { filter, params } => (filter, params),
        };
        self.check_use(at, "filter", &filter, &params, self.known.filters);
        FilterUse { filter, params: params.into_iter().collect() }
    }

    fn rule(&mut self, rule: Spanned<RuleToml>) -> Rule {
        let at = rule.span().start;
        let rule = rule.into_inner();
        if !self.known.rules.contains(&rule.rule.as_str()) {
            let detail = format!("{:?} is none of {}", rule.rule, self.known.rules.join(", "));
            self.fault(at, Problem::new("rule", "unknown_rule", detail));
        }
        if rule.items.is_empty() && rule.categories.is_empty() && rule.filter.is_none() {
            self.fault(at, Problem::new("items", "missing", "a rule names `items`, `categories` or `where`"));
        }
        Rule {
            factor: self.factor(at, &rule),
            filter: self.condition(at, "where", rule.filter.as_deref()),
            when: self.condition(at, "when", rule.when.as_deref()),
            from: self.time(at, "from", rule.from.as_deref()),
            until: self.time(at, "until", rule.until.as_deref()),
            name: rule.name,
            rule: rule.rule,
            items: rule.items,
            categories: rule.categories,
            position: rule.position,
            slots: rule.slots,
            author: rule.author,
            note: rule.note,
        }
    }

    /// A boost raises, a bury lowers; neither without saying by how much.
    fn factor(&mut self, at: usize, rule: &RuleToml) -> f32 {
        let (least, most) = match rule.rule.as_str() {
            "boost" => (1.0, 100.0),
            "bury" => (0.0, 1.0),
            _ => return 1.0,
        };
        let factor = rule.factor.unwrap_or(f64::NAN);
        if !(least..=most).contains(&factor) {
            let detail = format!("{} needs a `factor` from {least} to {most}", rule.rule);
            self.fault(at, Problem::new("factor", "out_of_range", detail));
        }
        factor as f32
    }

    fn segment(&mut self, segment: Spanned<SegmentToml>) -> Segment {
        let at = segment.span().start;
        let segment = segment.into_inner();
        if segment.name.is_empty() || segment.name.len() > 64 {
            self.fault(at, Problem::new("name", "invalid_name", "must have 1 to 64 characters"));
        }
        let condition = self.condition(at, "when", Some(&segment.when));
        let condition = condition.unwrap_or(Condition::Any(Vec::new()));
        if condition.tests().iter().any(|test| test.field == "segment") {
            self.fault(at, Problem::new("when", "invalid_filter", "a segment cannot name segments"));
        }
        Segment { name: segment.name, condition }
    }

    pub(super) fn condition(&mut self, at: usize, field: &str, text: Option<&str>) -> Option<Condition> {
        match expression::parse(text?) {
            Ok(condition) => Some(condition),
            Err(problem) => {
                self.fault(at, problem.of(field));
                None
            }
        }
    }

    pub(super) fn time(&mut self, at: usize, field: &str, text: Option<&str>) -> Option<Millis> {
        match parse_time(text?) {
            Some(time) => Some(time),
            None => {
                let detail = "must be RFC 3339 such as \"2026-11-27T00:00:00+01:00\"";
                self.fault(at, Problem::new(field, "invalid_time", detail));
                None
            }
        }
    }

    fn check_use(
        &mut self,
        at: usize,
        what: &str,
        name: &str,
        params: &BTreeMap<String, f64>,
        known: &[(&str, &[&str])],
    ) {
        let Some((_, names)) = known.iter().find(|(held, _)| *held == name) else {
            let all: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.fault(
                at,
                Problem::new(what, "unknown_name", format!("{name:?} is none of {}", all.join(", "))),
            );
            return;
        };
        for param in params.keys().filter(|param| !names.contains(&param.as_str())) {
            let hint = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
            let detail = format!("{name} has no parameter of this name; known: {hint}");
            self.fault(at, Problem::new(param.clone(), "unknown_parameter", detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: Known<'static> = Known {
        sources: &[("popular", &[]), ("co_viewed", &["items"])],
        scorers: &["margin"],
        filters: &[("already_bought", &["days"])],
        rules: &["pin"],
    };

    const GOOD: &str = r#"[shop]
currency = "GBP"
time_zone = "Europe/London"

[[placement]]
name = "home"
headline = "For you"
slots = 8
sources = [
    { source = "co_viewed", weight = 1.0, limit = 100, items = 5 },
]
filters = [{ filter = "already_bought", days = 9 }]

[[placement.rule]]
name = "Autumn"
rule = "pin"
items = ["1"]
"#;

    fn faults(text: &str) -> Vec<String> {
        let faults = parse_settings(text, &KNOWN).expect_err("it has a fault");
        faults
            .into_iter()
            .map(|fault| format!("{}: {} {}", fault.line, fault.problem.field, fault.problem.code))
            .collect()
    }

    #[test]
    fn a_good_file_is_read() {
        let settings = parse_settings(GOOD, &KNOWN).expect("it is as it must be");
        assert_eq!(settings.placements[0].sources[0].params, [("items".to_owned(), 5.0)]);
        assert!(!settings.shop.unknown_consent_granted, "silence is denial");
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let bad = GOOD
            .replace("GBP", "POUNDS")
            .replace("co_viewed", "magic")
            .replace("\"pin\"", "\"push\"")
            .replace("slots = 8", "slots = 0");
        assert_eq!(
            faults(&bad),
            [
                "2: shop.currency invalid_currency",
                "8: slots out_of_range",
                "10: source unknown_name",
                "14: rule unknown_rule"
            ]
        );
        assert_eq!(faults(&GOOD.replace("items = 5", "item = 5")), ["10: item unknown_parameter"]);
        assert_eq!(faults(&GOOD.replace("headline", "headlin")), ["7: file bad_toml"]);
        assert_eq!(faults(&GOOD.replace("Europe/London", "London")), ["3: shop.time_zone unknown_time_zone"]);
        let aimed =
            |objective: &str| GOOD.replace("slots = 8", &format!("slots = 8\nobjective = {{ {objective} }}"));
        assert_eq!(faults(&aimed("name = 'a', buy = -1.0")), ["9: buy out_of_range", "9: objective missing"]);
        assert_eq!(faults(&aimed("name = '', margin = 1.0")), ["9: name invalid_name"]);
        assert_eq!(faults(&aimed("name = 'a', cart = 1.0, rows = 5")), ["9: rows out_of_range"]);
        assert_eq!(faults(&aimed("name = 'a', sale = 1.0")), ["9: file bad_toml"]);
        let read =
            parse_settings(&aimed("name = 'a', click = 1, return = -2.5"), &KNOWN).expect("it is good");
        let objective = read.placements[0].objective.as_ref().expect("it is set");
        assert_eq!((objective.click, objective.returned, objective.rows), (1.0, -2.5, 60));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}", at in 0..300_usize) {
            _ = parse_settings(&text, &KNOWN);
            let mut cut = GOOD.to_owned();
            if cut.is_char_boundary(at) { cut.insert_str(at.min(cut.len()), &text); }
            _ = parse_settings(&cut, &KNOWN);
        }
    }
}
