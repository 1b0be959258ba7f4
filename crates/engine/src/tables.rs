//! What may be named in a placement. One extension is one file and one line in one of these tables; documentation,
//! validation and the compiled plan are made from them.

use crate::category_tree::CategorySet;
use crate::condition::{Check, Lookup};
use crate::foresight::ranker_name;
use crate::{features, filter, rule, scorer, source};
use bespoke_domain::content::Block;
pub use bespoke_domain::settings::ParamSpec;
use bespoke_domain::settings::{FilterUse, Placement, Rule, ScorerUse, Settings, Shows, SourceUse};
use bespoke_domain::{BlockNo, Candidate, Condition, ProductNo};
use std::collections::HashMap;

/// Values of a use's parameters, in the order of its spec.
pub type Params = Vec<f64>;

/// Most sources of one placement: each candidate keeps its part of each.
pub const SOURCES_MAX: usize = 10;

/// Most scorers of one placement.
pub const SCORERS_MAX: usize = 6;

/// A source as used by a placement.
#[derive(Debug)]
pub struct PlannedSource {
    /// Its line in [`source::SOURCES`].
    pub spec: &'static source::SourceSpec,
    /// Weight in the blend.
    pub weight: f32,
    /// Most candidates.
    pub limit: usize,
    /// Its parameters.
    pub params: Params,
    /// The products it names, those with a number.
    pub items: Vec<ProductNo>,
}

/// A scorer as used by a placement.
#[derive(Debug)]
pub struct PlannedScorer {
    /// Its line in [`scorer::SCORERS`].
    pub spec: &'static scorer::ScorerSpec,
    /// Weight of its number.
    pub weight: f32,
}

/// A filter as used by a placement.
#[derive(Debug)]
pub struct PlannedFilter {
    /// Its line in [`filter::FILTERS`].
    pub spec: &'static filter::FilterSpec,
    /// Its parameters.
    pub params: Params,
}

/// A content block of a placement.
#[derive(Debug)]
pub struct PlannedBlock {
    /// Its number.
    pub number: BlockNo,
    /// As it was set.
    pub block: Block,
    /// Whom and what moment it is for.
    pub when: Option<Check>,
}

/// A placement, its names resolved.
#[derive(Debug)]
pub struct PlannedPlacement {
    /// As it was set.
    pub placement: Placement,
    /// Its sources.
    pub sources: Vec<PlannedSource>,
    /// Its scorers.
    pub scorers: Vec<PlannedScorer>,
    /// Its filters; the hard ones are there whether it names them or not.
    pub filters: Vec<PlannedFilter>,
    /// Its rules.
    pub rules: Vec<rule::Planned>,
    /// Its content blocks, in order, where it shows content.
    pub blocks: Vec<PlannedBlock>,
    /// The name of its ranker among the learnt models.
    pub ranker: String,
    /// What its candidates are described by, where it has an objective.
    pub features: Vec<String>,
    /// The number of this list, see [`features::set`]; 0 without an objective.
    pub feature_set: u32,
}

/// All placements by name.
#[derive(Debug, Default)]
pub struct Plan {
    placements: HashMap<String, PlannedPlacement>,
    /// Categories that are not for everybody's eyes, with all below them.
    pub sensitive: CategorySet,
}

impl Plan {
    /// Resolves settings. They were validated before they came into the log; a name that this version does not know
    /// (a log written by a later one) is left out.
    pub fn new(settings: &Settings, ids: &Lookup<'_>) -> Self {
        let planned = |placement: &Placement| {
            (placement.name.clone(), PlannedPlacement::new(placement, &settings.content, ids))
        };
        let paths = &settings.shop.sensitive_categories;
        let sensitive: Vec<_> = paths.iter().filter_map(|path| ids.catalog.category(path)).collect();
        Self {
            placements: settings.placements.iter().map(planned).collect(),
            sensitive: ids.catalog.with_all_below(&sensitive),
        }
    }

    /// The placement with this name.
    pub fn get(&self, name: &str) -> Option<&PlannedPlacement> {
        self.placements.get(name)
    }
}

impl PlannedPlacement {
    fn new(placement: &Placement, content: &[Block], ids: &Lookup<'_>) -> Self {
        let sources = placement.sources.iter().filter_map(|used| plan_source(used, ids));
        let sources: Vec<PlannedSource> = sources.take(SOURCES_MAX).collect();
        let has_objective = placement.objective.is_some();
        let described = sources.iter().map(|source| source.spec).filter(|_| has_objective);
        let features = if has_objective { features::names(placement, described) } else { Vec::new() };
        Self {
            placement: placement.clone(),
            sources,
            ranker: ranker_name(&placement.name),
            feature_set: if has_objective { features::set(&features) } else { 0 },
            features,
            scorers: placement.scorers.iter().filter_map(plan_scorer).take(SCORERS_MAX).collect(),
            filters: plan_filters(&placement.filters),
            rules: placement.rules.iter().filter_map(|rule| plan_rule(rule, placement.shows, ids)).collect(),
            blocks: plan_blocks(placement, content, ids),
        }
    }
}

fn plan_blocks(placement: &Placement, content: &[Block], ids: &Lookup<'_>) -> Vec<PlannedBlock> {
    let is_ours =
        |block: &&Block| placement.shows == Shows::Content && block.placements.contains(&placement.name);
    let planned = |block: &Block| {
        Some(PlannedBlock {
            number: (ids.block)(&block.name)?,
            when: block.when.as_ref().map(|when| Check::new(when, ids)),
            block: block.clone(),
        })
    };
    content.iter().filter(is_ours).filter_map(planned).collect()
}

fn plan_rule(rule: &Rule, shows: Shows, ids: &Lookup<'_>) -> Option<rule::Planned> {
    let spec = rule::RULES.iter().find(|spec| spec.name == rule.rule)?;
    // At a placement of content a rule's items are blocks.
    let item = |id: &String| match shows {
        Shows::Content => (ids.block)(id).map(Candidate::Content),
        Shows::Products | Shows::Categories => (ids.product)(id).map(Candidate::Product),
    };
    let items = rule.items.iter().filter_map(item).collect();
    let categories: Vec<_> = rule.categories.iter().filter_map(|path| ids.catalog.category(path)).collect();
    let below = ids.catalog.with_all_below(&categories);
    let check = |condition: &Option<Condition>| condition.as_ref().map(|one| Check::new(one, ids));
    let (filter, when) = (check(&rule.filter), check(&rule.when));
    Some(rule::Planned { spec, rule: rule.clone(), items, categories, below, filter, when })
}

fn plan_source(used: &SourceUse, ids: &Lookup<'_>) -> Option<PlannedSource> {
    let spec = source::SOURCES.iter().find(|spec| spec.name == used.source)?;
    let params = values(spec.params, &used.params);
    let items = used.items.iter().filter_map(|id| (ids.product)(id)).collect();
    Some(PlannedSource { spec, weight: used.weight, limit: usize::from(used.limit), params, items })
}

fn plan_scorer(used: &ScorerUse) -> Option<PlannedScorer> {
    let spec = scorer::SCORERS.iter().find(|spec| spec.name == used.scorer)?;
    Some(PlannedScorer { spec, weight: used.weight })
}

fn plan_filters(used: &[FilterUse]) -> Vec<PlannedFilter> {
    let hard = filter::FILTERS.iter().filter(|spec| spec.hard).map(|spec| (spec, &[][..]));
    let named = used.iter().filter_map(|one| {
        let spec = filter::FILTERS.iter().find(|spec| spec.name == one.filter && !spec.hard)?;
        Some((spec, one.params.as_slice()))
    });
    hard.chain(named)
        .map(|(spec, given)| PlannedFilter { spec, params: values(spec.params, given) })
        .collect()
}

fn values(specs: &[ParamSpec], given: &[(String, f64)]) -> Params {
    specs.iter().map(|spec| spec.value(given)).collect()
}
