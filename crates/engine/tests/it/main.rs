//! The engine's tests: a small shop, golden decisions, and what must hold whatever the input.

mod about;
mod attributes;
mod banners;
mod breadth;
mod challenges;
mod clicks;
mod conditions;
mod experiments;
mod exploring;
mod golden;
mod interleaving;
mod invariants;
mod kpis;
mod languages;
mod learnt;
mod narrowing;
mod occasions;
mod ranker;
mod searching;
mod trial;
mod validity;
mod wardrobe;
mod watch;

use bespoke_domain::Purpose;
use bespoke_domain::consent::Statement;
use bespoke_domain::entry::ModelChange;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::product::{Availability, Content};
use bespoke_domain::settings::{
    Diversity, Explore, FilterUse, OnThin, Placement, Rule, Shop, Shows, SourceUse,
};
use bespoke_domain::{
    Body, Candidate, Consent, Currency, Decision, DecisionId, Entry, Event, EventItem, EventKind, Millis,
    Offset, ProductPatch, Request, Settings, ShopperNo,
};
use bespoke_engine::training::Training;
use bespoke_engine::{Engine, Snapshot};
use bespoke_models::learned::{LEARNED, Learned};
use bespoke_models::recommender::FitRun;
use std::sync::Arc;

/// When the small shop's day begins.
const START: i64 = 1_700_000_000_000;

/// A shop under construction: entries, and the engine that has folded them.
#[derive(Default)]
struct Bench {
    entries: Vec<Entry>,
    engine: Engine,
}

impl Bench {
    fn push(&mut self, shopper: Option<u32>, body: Body) {
        let received = Millis(START + self.entries.len() as i64);
        self.entries.push(Entry { received, shopper: shopper.map(ShopperNo), body });
        let offset = Offset(self.entries.len() as u64);
        self.engine.apply(offset, &self.entries[self.entries.len() - 1]);
    }

    fn product(&mut self, id: &str, category: &str, group: &str, in_stock: bool) {
        let content = Content {
            title: format!("Product {id}"),
            brand: format!("Brand {}", id.len() % 3),
            item_group_id: group.to_owned(),
            categories: vec![category.to_owned()],
            ..Content::default()
        };
        let availability = Some(if in_stock { Availability::InStock } else { Availability::OutOfStock });
        let patch = ProductPatch {
            id: id.to_owned(),
            as_of: Millis(START),
            availability,
            content: Some(Box::new(content)),
            ..ProductPatch::default()
        };
        self.push(None, Body::Catalog(Box::new(patch)));
    }

    fn stock(&mut self, id: &str, as_of: i64, stock: u32) {
        let patch = ProductPatch {
            id: id.to_owned(),
            as_of: Millis(as_of),
            stock: Some(stock),
            ..ProductPatch::default()
        };
        self.push(None, Body::Catalog(Box::new(patch)));
    }

    fn event(&mut self, shopper: u32, kind: EventKind, minute: i64, items: &[&str]) {
        let item = |id: &&str| EventItem { item_id: (*id).to_owned(), quantity: 1, ..EventItem::default() };
        let event = Event {
            consent: Consent::GRANTED,
            items: items.iter().map(item).collect(),
            ..Event::new(kind, Millis(START + minute * 60_000))
        };
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    fn settings(&mut self, placements: Vec<Placement>) {
        let shop = Shop {
            currency: Currency::EUR,
            time_zone: "UTC".to_owned(),
            unknown_consent_granted: true,
            sensitive_categories: Vec::new(),
            clock: Vec::new(),
        };
        self.push(
            None,
            Body::Settings(Box::new(Settings {
                shop,
                placements,
                content: Vec::new(),
                segments: Vec::new(),
                clutter: Vec::new(),
                canonical: Vec::new(),
                models: Vec::new(),
                search: Default::default(),
                holdout: Default::default(),
                attribution: Default::default(),
                experiments: Vec::new(),
                challenges: Vec::new(),
                watch: Default::default(),
                file: None,
            })),
        );
    }

    /// The checkpoint's bytes.
    fn state(engine: &Engine) -> Vec<u8> {
        let mut bytes = Vec::new();
        engine.checkpoint().write(&mut bytes).expect("memory takes all");
        bytes
    }

    /// Goes on from a checkpoint, which has the same bytes again.
    fn restart(&mut self) {
        let bytes = Self::state(&self.engine);
        self.engine = Engine::restore(&bytes).expect("it is sound");
        assert_eq!(Self::state(&self.engine), bytes);
    }

    /// Holds the state to what the whole log gives.
    fn check_against_log(&self) {
        let mut whole = Engine::default();
        (1..).map(Offset).zip(&self.entries).for_each(|(offset, entry)| whole.apply(offset, entry));
        assert_eq!(Self::state(&whole), Self::state(&self.engine));
    }

    /// The settings in force.
    fn in_force(&mut self) -> Settings {
        self.engine.publish();
        let snapshot = self.engine.live().snapshot();
        snapshot.aggregates.settings.as_deref().cloned().expect("they are set")
    }

    /// What everything so far says about who dealt with what.
    fn training(&mut self) -> Training {
        self.engine.publish();
        let live = self.engine.live();
        let mut training = Training::default();
        let (snapshot, offsets) = (live.snapshot(), (1..).map(Offset));
        offsets.zip(&self.entries).for_each(|(offset, entry)| training.feed(&snapshot, &live, offset, entry));
        training.sort();
        training
    }

    /// Fits a model on everything so far and puts it into force.
    fn learn(&mut self, name: &str) -> (ArtifactId, Arc<Learned>) {
        let training = self.training();
        let snapshot = self.engine.live().snapshot();
        let data = training.set(training.time_at(1.0) + 1, &snapshot.aggregates.catalog);
        let spec = LEARNED.iter().find(|spec| spec.name == name).expect("it can be learnt");
        let model = Arc::new((spec.fit)(&data, &spec.values(&[]), FitRun { seed: 1, threads: 1 }));
        (self.put_in_force(name, &model), model)
    }

    /// Learns what words mean from the texts of the shop, and puts it in force.
    fn learn_words(&mut self) -> (ArtifactId, Arc<Learned>) {
        self.engine.publish();
        let snapshot = self.engine.live().snapshot();
        let training = self.training();
        let mut data = training.set(training.time_at(1.0) + 1, &snapshot.aggregates.catalog);
        data.texts = Some(bespoke_engine::meaning::texts(&snapshot));
        let spec = LEARNED.iter().find(|spec| spec.is_for_search).expect("it can be learnt");
        let model = Arc::new((spec.fit)(&data, &spec.values(&[]), FitRun { seed: 1, threads: 1 }));
        (self.put_in_force(spec.name, &model), model)
    }

    fn put_in_force(&mut self, name: &str, model: &Arc<Learned>) -> ArtifactId {
        let sum = bespoke_engine::shelf::bytes(model)
            .iter()
            .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        let artifact = ArtifactId(sum);
        self.engine.shelve(artifact, model.clone());
        let change = ModelChange { name: name.to_owned(), artifact: Some(artifact) };
        self.push(None, Body::Model(change));
        artifact
    }

    fn withdraw(&mut self, shopper: u32, time: i64) {
        let statement = Statement::default().with(Purpose::Personalization, false);
        let consent = Consent::GRANTED.with(Purpose::Personalization, false);
        let event = Event { statement, consent, ..Event::new(EventKind::ConsentUpdate, Millis(time)) };
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    fn program(&mut self, shopper: u32, items: &[&str]) {
        let item = |id: &&str| EventItem { item_id: (*id).to_owned(), ..EventItem::default() };
        let event = Event {
            bot: 100,
            consent: Consent::GRANTED,
            items: items.iter().map(item).collect(),
            ..Event::new(EventKind::ViewItem, Millis(START))
        };
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    fn decide(&mut self, request: Request) -> Decision {
        self.engine.publish();
        self.engine.live().decide(&request)
    }
}

fn request(placement: &str, shopper: Option<u32>, minute: i64) -> Request {
    Request {
        id: DecisionId(7),
        now: Millis(START + minute * 60_000),
        placement: placement.to_owned(),
        shopper: shopper.map(ShopperNo),
        explain: true,
        ..Request::default()
    }
}

fn placement(name: &str, sources: &[&str], filters: &[&str]) -> Placement {
    let source = |name: &&str| SourceUse {
        source: (*name).to_owned(),
        weight: 1.0,
        limit: 50,
        params: Vec::new(),
        items: Vec::new(),
    };
    let filter = |name: &&str| FilterUse { filter: (*name).to_owned(), params: Vec::new() };
    Placement {
        form: bespoke_domain::settings::Form::Slate,
        rollout: 100,
        name: name.to_owned(),
        headline: "For you".to_owned(),
        fallback_headline: "Popular".to_owned(),
        shows: Shows::Products,
        slots: 4,
        min_evidence: 0,
        on_thin: OnThin::Relabel,
        sources: sources.iter().map(source).collect(),
        scorers: Vec::new(),
        filters: filters.iter().map(filter).collect(),
        diversity: Diversity::default(),
        rules: Vec::new(),
        objective: None,
        bandit: None,
        explore: Explore::default(),
    }
}

fn rule(rule: &str, items: &[&str], position: u16) -> Rule {
    Rule {
        name: format!("{rule} {}", items.join(" ")),
        rule: rule.to_owned(),
        items: items.iter().map(|id| (*id).to_owned()).collect(),
        categories: Vec::new(),
        position,
        ..Rule::default()
    }
}

/// A candidate's external name.
fn name(snapshot: &Snapshot, candidate: Candidate) -> String {
    match candidate {
        Candidate::Product(product) => snapshot.aggregates.catalog.id(product).to_owned(),
        Candidate::Category(category) => snapshot.aggregates.catalog.category_path(category).to_owned(),
        Candidate::Content(block) => snapshot.block_name(block).to_owned(),
    }
}
