//! What the log adds up to over all shoppers: catalogue, popularity, what is viewed and bought together, visits. One
//! writer folds entries in; a frozen copy costs a reference count a chunk.

use crate::bandits::Bandits;
use crate::catalog::Catalog;
use crate::compatibility::Compatibility;
use crate::demand::Demand;
use crate::experiment::Epochs;
use crate::experiment::ledger::{Ledger, Run};
use crate::kpis::Kpis;
use crate::levels::Levels;
use crate::members::Members;
use crate::names::{Names, PRODUCTS_MAX};
use crate::numbering::Numbering;
use crate::orders::Orders;
use crate::profile::{Act, Dated, Recent, seconds};
use crate::pulse::Pulse;
use crate::queries::Queries;
use crate::texts::Texts;
use crate::visits::Visits;
use crate::watch::Watch;
use bespoke_domain::entry::{ImportMark, ModelChange};
use bespoke_domain::id::ArtifactId;
use bespoke_domain::settings::KeyChange;
use bespoke_domain::{
    BlockNo, CategoryNo, Consent, Event, EventKind, Millis, Offset, ProductNo, ProductPatch, Purpose,
    Settings, ShopperNo,
};
use bespoke_models::appeal::Appeal;
use bespoke_models::co_occurrence::CoOccurrence;
use bespoke_models::co_visit::{CoVisitParams, observe_basket, observe_view};
use bespoke_models::content_index::ContentIndex;
use bespoke_models::means::Means;
use bespoke_models::popularity::Popularity;
use bespoke_models::rates::Rates;
use bespoke_models::repurchase::Repurchase;
use bespoke_models::session_index::SessionIndex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Products kept by age.
pub const NEWEST_MAX: usize = 1_000;
/// Half-lives of trend and sales, in days.
const TREND_DAYS: f64 = 2.0;
const SOLD_DAYS: f64 = 30.0;

/// What a signal counts for in popularity: one home for these weights.
pub const SIGNALS: [(EventKind, f64); 4] = [
    (EventKind::ViewItem, 1.0),
    (EventKind::AddToCart, 3.0),
    (EventKind::AddToWishlist, 2.0),
    (EventKind::Purchase, 6.0),
];

/// Content blocks that get a number, of all that there ever were.
const BLOCKS_EVER_MAX: usize = 10_000;

/// Catalogue files that can be undone.
const IMPORTS_KEPT: usize = 3;

/// A catalogue file that was taken in, and what it changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Import {
    /// The last entry before it.
    pub before: Offset,
    /// When it began.
    pub began: Millis,
    /// The entry that ended it; `None` while it goes on, or where it broke off.
    pub ended: Option<Offset>,
    /// Products that could be shown before it.
    pub offered: u64,
}

/// Versions of the settings that can be named.
const SETTINGS_KEPT: usize = 50;

/// The shop's aggregates after some offset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Aggregates {
    /// The last entry folded in.
    pub offset: Offset,
    /// The products.
    pub catalog: Catalog,
    /// What is popular, overall and by category.
    pub popularity: Popularity,
    /// The same of the last days.
    pub trend: Popularity,
    /// What is bought.
    pub sold: Popularity,
    /// How much of what is sold comes back.
    pub returns: Rates,
    /// How often buyers ask for help.
    pub contacts: Rates,
    /// Clicks in lists, against what positions bring.
    pub appeal: Appeal,
    /// How often what is viewed is put into the cart.
    pub carted: Rates,
    /// How often what is viewed is left at once.
    pub bounces: Rates,
    /// Stars that shoppers gave.
    pub ratings: Means,
    /// From the first look to the purchase: `ln(1 + hours)`.
    pub purchase_delay: Means,
    /// After how long a product is bought again.
    pub repurchase: Repurchase,
    /// What products of a category usually cost.
    pub levels: Levels,
    /// Which products stand in which category.
    pub members: Members,
    /// Which products fit which models.
    pub compatibility: Compatibility,
    /// Which products share attribute values and words.
    pub content: ContentIndex,
    /// The texts as they are searched.
    #[serde(skip)]
    pub texts: Texts,
    /// The newest products by `published_at`, newest first.
    pub newest: Vec<(Millis, ProductNo)>,
    /// What is viewed in one visit.
    pub co_viewed: CoOccurrence,
    /// What is bought in one order.
    pub co_bought: CoOccurrence,
    /// The same of main categories, their numbers in the place of products'.
    pub co_bought_categories: CoOccurrence,
    /// Visits that ended, for neighbours.
    pub sessions: SessionIndex,
    /// Visits still going on. Only the fold reads them.
    pub visits: Visits,
    /// Offset of the settings in force.
    pub settings_offset: Offset,
    /// Settings put lately, the newest last: their offsets and when they came.
    pub settings_history: Vec<(Offset, Millis)>,
    /// What came in by the hour.
    pub pulse: Arc<Pulse>,
    /// What is searched for, and what comes of it.
    pub queries: Queries,
    /// Which epoch each experiment is in.
    pub epochs: Arc<Epochs>,
    /// What became of the units of each arm.
    pub ledger: Ledger,
    /// Counts by day.
    pub kpis: Kpis,
    /// Orders that may come back. Only the fold reads them.
    pub orders: Orders,
    /// What results are narrowed by.
    pub demand: Demand,
    /// Numbers of content blocks, of those that are gone too.
    pub blocks: Arc<Numbering>,
    /// What placements of content have learnt.
    pub bandits: Bandits,
    /// What is looked at every day.
    pub watch: Watch,
    /// Learnt models in force, by name.
    pub models: BTreeMap<String, ArtifactId>,
    /// Catalogue files taken in lately, the newest last.
    pub imports: Vec<Import>,
    /// The settings in force.
    pub settings: Option<Arc<Settings>>,
    /// Keys that may be used.
    pub keys: Vec<KeyChange>,
    /// Products named in events or patches that got no number, because there were too many.
    pub ignored_products: u64,
}

impl Default for Aggregates {
    fn default() -> Self {
        Self {
            offset: Offset::default(),
            catalog: Catalog::default(),
            popularity: Popularity::default(),
            trend: Popularity::new(TREND_DAYS),
            sold: Popularity::new(SOLD_DAYS),
            returns: Rates::default(),
            contacts: Rates::default(),
            appeal: Appeal::default(),
            carted: Rates::default(),
            bounces: Rates::default(),
            ratings: Means::default(),
            purchase_delay: Means::default(),
            repurchase: Repurchase::default(),
            levels: Levels::default(),
            members: Members::default(),
            compatibility: Compatibility::default(),
            content: ContentIndex::default(),
            texts: Texts::default(),
            newest: Vec::new(),
            co_viewed: CoOccurrence::default(),
            co_bought: CoOccurrence::default(),
            co_bought_categories: CoOccurrence::default(),
            sessions: SessionIndex::default(),
            visits: Visits::default(),
            settings_offset: Offset::default(),
            settings_history: Vec::new(),
            pulse: Arc::default(),
            queries: Queries::default(),
            epochs: Arc::default(),
            ledger: Ledger::default(),
            kpis: Kpis::default(),
            orders: Orders::default(),
            demand: Demand::default(),
            blocks: Arc::default(),
            bandits: Bandits::default(),
            watch: Watch::default(),
            models: BTreeMap::new(),
            imports: Vec::new(),
            settings: None,
            keys: Vec::new(),
            ignored_products: 0,
        }
    }
}

impl Aggregates {
    /// What became of the units of an experiment since its definition is what it is.
    pub fn run(&self, experiment: &str) -> Option<&Run> {
        let epoch = self.epochs.get(experiment)?.number;
        self.ledger.latest(experiment).filter(|run| run.epoch == epoch)
    }

    /// The numbers of an event's items; unknown ids get one and stay ineligible until the catalogue has them.
    pub fn number_items(&mut self, names: &Names, event: &Event) -> Vec<ProductNo> {
        event.items.iter().filter_map(|item| self.number(names, &item.item_id)).collect()
    }

    fn number(&mut self, names: &Names, id: &str) -> Option<ProductNo> {
        if let Some(number) = names.get(id) {
            return Some(number);
        }
        if self.catalog.len() >= PRODUCTS_MAX {
            self.ignored_products += 1;
            return None;
        }
        let id: Arc<str> = id.into();
        let number = self.catalog.add(id.clone());
        names.set(id, number);
        Some(number)
    }

    /// Folds an event in. Without consent to personalization it only counts towards popularity, without a shopper.
    pub fn fold_event(&mut self, shopper: Option<ShopperNo>, event: &Event, products: &[ProductNo]) {
        self.count_signals(event, products);
        self.note_quality(event, products);
        self.note_appeal(event, products);
        for items in self.visits.advance(event.time) {
            self.sessions.push(&items);
        }
        let Some(shopper) = shopper.filter(|_| event.consent.allows(Purpose::Personalization)) else {
            return;
        };
        if event.kind == EventKind::Purchase {
            observe_basket(&mut self.co_bought, products, event.time);
            let category =
                |product: &ProductNo| self.catalog.row(*product).map(|row| ProductNo(row.category.0));
            let categories: Vec<ProductNo> =
                products.iter().filter_map(category).filter(|no| no.0 != 0).collect();
            observe_basket(&mut self.co_bought_categories, &categories, event.time);
        }
        self.extend_visit(shopper, event, products);
    }

    /// Notes what came of a content block that was shown.
    pub fn fold_promotion(&mut self, event: &Event) {
        let named = event.details.as_deref().and_then(|details| details.promotion.as_deref());
        // A name that is no block's is of something else than what was drawn.
        let block = named.map(|name| self.blocks.get(name).map_or(BlockNo(u32::MAX), BlockNo));
        self.bandits.fold_event(event, block);
    }

    /// Impressions in view and clicks, where their positions are told.
    fn note_appeal(&mut self, event: &Event, products: &[ProductNo]) {
        let is_seen = event.kind == EventKind::ViewItemList && event.visible;
        // Items without a number are left out of `products`, and then none can be told by its place.
        if (!is_seen && event.kind != EventKind::SelectItem) || products.len() != event.items.len() {
            return;
        }
        for (item, &product) in event.items.iter().zip(products) {
            match item.index.map(usize::from) {
                Some(position) if is_seen => self.appeal.seen(product, position),
                Some(position) => self.appeal.clicked(product, position),
                None => {}
            }
        }
    }

    fn note_quality(&mut self, event: &Event, products: &[ProductNo]) {
        let stars = event.details.as_deref().and_then(|details| details.rating);
        for &product in products {
            match event.kind {
                EventKind::Purchase => {
                    self.returns.tried(product);
                    self.contacts.tried(product);
                }
                EventKind::ViewItem => self.carted.tried(product),
                EventKind::AddToCart => self.carted.happened(product),
                EventKind::Refund => self.returns.happened(product),
                EventKind::SupportContact => self.contacts.happened(product),
                EventKind::RateItem => self.ratings.observe(product, stars.unwrap_or(f32::NAN)),
                _ => {}
            }
        }
    }

    fn count_signals(&mut self, event: &Event, products: &[ProductNo]) {
        let Some((_, weight)) = SIGNALS.iter().find(|(kind, _)| *kind == event.kind) else { return };
        for &product in products {
            let categories = self.categories_of(product);
            self.popularity.bump(product, &categories, *weight, event.time);
            self.trend.bump(product, &categories, *weight, event.time);
            if event.kind == EventKind::Purchase {
                self.sold.bump(product, &categories, 1.0, event.time);
            }
        }
    }

    fn categories_of(&self, product: ProductNo) -> Vec<CategoryNo> {
        let main = self.catalog.row(product).map_or(CategoryNo(0), |row| row.category);
        self.catalog.categories_up(main)
    }

    /// A visit is what was viewed, in order and with repeats, and what was carted or bought without having been viewed.
    fn extend_visit(&mut self, shopper: ShopperNo, event: &Event, products: &[ProductNo]) {
        let is_view = event.kind == EventKind::ViewItem;
        if !is_view && !matches!(event.kind, EventKind::AddToCart | EventKind::Purchase) {
            return;
        }
        let (visit, ended) = self.visits.at(shopper, event.time);
        let left = is_view.then(|| visit.look_at(products, event.time)).flatten();
        for &product in products {
            if is_view {
                self.bounces.tried(product);
                observe_view(
                    &mut self.co_viewed,
                    &visit.items,
                    product,
                    event.time,
                    &CoVisitParams::default(),
                );
            }
            if is_view || !visit.items.contains(&product) {
                visit.push(product);
            }
        }
        if let Some(left) = left {
            self.bounces.happened(left);
        }
        if let Some(items) = ended {
            self.sessions.push(&items);
        }
    }

    /// Folds a catalogue patch in; a product that changes its category changes leaderboards with it.
    pub fn fold_patch(&mut self, names: &Names, patch: &ProductPatch) {
        let Some(product) = self.number(names, &patch.id) else { return };
        let tags = self.catalog.tags_shared(product);
        let price = |catalog: &Catalog| {
            catalog.row(product).map_or((CategoryNo(0), f32::NAN), |row| (row.category, row.octave))
        };
        let cost = price(&self.catalog);
        // What is older than what is known says nothing new.
        let told = patch.content.as_deref().filter(|_| self.catalog.takes_content(product, patch.as_of));
        let said = told.and_then(|_| self.catalog.content(product));
        let (before, after) = self.catalog.apply(product, patch);
        let group = patch.content.as_ref().map_or("", |content| &content.item_group_id);
        if let Some(parent) = names.get(group).filter(|parent| *parent != product) {
            self.catalog.adopt(parent, group);
        }
        self.levels.change(cost, price(&self.catalog));
        if let Some(content) = told {
            self.texts.change(&self.catalog, product, (said.as_ref(), Some(content)));
            self.compatibility.change(product, content);
            self.content.change(product, &tags, self.catalog.tags(product));
            self.note_age(product);
        }
        if before == after {
            return;
        }
        self.members.change(product, before, after);
        let old = self.catalog.categories_up(before);
        let new = self.catalog.categories_up(after);
        let only = |list: &[CategoryNo], other: &[CategoryNo]| -> Vec<CategoryNo> {
            list.iter().copied().filter(|category| !other.contains(category)).collect()
        };
        for board in [&mut self.popularity, &mut self.trend, &mut self.sold] {
            board.leave(product, &only(&old, &new));
            board.enter(product, &only(&new, &old));
        }
    }

    fn note_age(&mut self, product: ProductNo) {
        let Some(since) = self.catalog.facts(product).and_then(|facts| facts.published_at) else {
            return;
        };
        let place = (std::cmp::Reverse(since), product);
        let find = |list: &[(Millis, ProductNo)]| {
            list.binary_search_by_key(&place, |(since, product)| (std::cmp::Reverse(*since), *product))
        };
        if find(&self.newest).is_ok() {
            return;
        }
        self.newest.retain(|(_, held)| *held != product);
        if let Err(at) = find(&self.newest)
            && at < NEWEST_MAX
        {
            self.newest.insert(at, (since, product));
            self.newest.truncate(NEWEST_MAX);
        }
    }

    /// Notes how long after the last time each product was bought again, by what the shopper bought before.
    pub fn note_repurchase(&mut self, event: &Event, products: &[ProductNo], before: &[Dated]) {
        for &product in products {
            if let Some(last) = before.iter().find(|held| held.product == product) {
                let days = (seconds(event.time) as f32 - last.time_s as f32) / 86_400.0;
                self.repurchase.observe(product, days);
            }
        }
    }

    /// Notes how long after the first look that is remembered each product was bought.
    pub fn note_delay(&mut self, event: &Event, products: &[ProductNo], before: &[Recent]) {
        for &product in products {
            if let Some(first) = before.iter().find(|one| one.product == product && one.act() == Act::View) {
                let hours = f64::from(seconds(event.time).saturating_sub(first.time_s)) / 3600.0;
                self.purchase_delay.observe(product, libm::log1p(hours) as f32);
            }
        }
    }

    /// The counts by the hour, to add to.
    pub fn pulse_mut(&mut self) -> &mut Pulse {
        Arc::make_mut(&mut self.pulse)
    }

    /// Notes that a catalogue file begins after `offset`, or has ended.
    pub fn fold_import(&mut self, offset: Offset, received: Millis, mark: ImportMark) {
        match mark {
            ImportMark::Ends => {
                if let Some(last) = self.imports.last_mut() {
                    last.ended = Some(offset);
                }
            }
            // What broke off is done again: one version stands for both, that of before the first.
            ImportMark::Begins if self.imports.last().is_some_and(|last| last.ended.is_none()) => {}
            ImportMark::Begins => {
                let offered = self.catalog.available(received).count() as u64;
                if self.imports.len() == IMPORTS_KEPT {
                    self.imports.remove(0);
                }
                self.imports.push(Import { before: offset, began: received, ended: None, offered });
            }
        }
    }

    /// Puts a model into force, or takes it out.
    pub fn fold_model(&mut self, change: &ModelChange) {
        match change.artifact {
            Some(artifact) => _ = self.models.insert(change.name.clone(), artifact),
            None => _ = self.models.remove(&change.name),
        }
    }

    /// Puts settings into force.
    pub fn fold_settings(&mut self, offset: Offset, received: Millis, settings: &Settings) {
        self.texts.set(&settings.search, &self.catalog);
        Arc::make_mut(&mut self.epochs).fold(settings, received);
        self.ledger.note(settings, received);
        for block in &settings.content {
            if self.blocks.get(&block.name).is_none() && self.blocks.names.len() < BLOCKS_EVER_MAX {
                Arc::make_mut(&mut self.blocks).number(&block.name);
            }
        }
        self.settings = Some(Arc::new(settings.clone()));
        self.settings_offset = offset;
        if self.settings_history.len() == SETTINGS_KEPT {
            self.settings_history.remove(0);
        }
        self.settings_history.push((offset, received));
    }

    /// Folds a key in, or takes it out.
    pub fn fold_key(&mut self, key: &KeyChange) {
        self.keys.retain(|held| held.hash != key.hash);
        if !key.revoked {
            self.keys.push(key.clone());
        }
    }

    /// What holds for a shopper who said nothing.
    pub fn unknown_consent(&self) -> Consent {
        let granted = self.settings.as_ref().is_some_and(|settings| settings.shop.unknown_consent_granted);
        if granted { Consent::GRANTED.with(Purpose::Marketing, false) } else { Consent::DENIED }
    }

    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let visits = std::mem::take(&mut self.visits);
        let orders = std::mem::take(&mut self.orders);
        let catalog = self.catalog.freeze();
        let live_catalog = std::mem::replace(&mut self.catalog, catalog);
        let queries = self.queries.freeze();
        let live_queries = std::mem::replace(&mut self.queries, queries);
        let ledger = self.ledger.freeze();
        let live_ledger = std::mem::replace(&mut self.ledger, ledger);
        let kpis = self.kpis.freeze();
        let live_kpis = std::mem::replace(&mut self.kpis, kpis);
        let demand = self.demand.freeze();
        let live_demand = std::mem::replace(&mut self.demand, demand);
        let bandits = self.bandits.freeze();
        let live_bandits = std::mem::replace(&mut self.bandits, bandits);
        let watch = self.watch.freeze();
        let live_watch = std::mem::replace(&mut self.watch, watch);
        let frozen = self.clone();
        (self.catalog, self.queries, self.visits) = (live_catalog, live_queries, visits);
        (self.ledger, self.kpis, self.demand) = (live_ledger, live_kpis, live_demand);
        (self.bandits, self.watch, self.orders) = (live_bandits, live_watch, orders);
        frozen
    }
}
