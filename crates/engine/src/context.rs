//! What a source, filter or rule can see of one decision: the snapshot, the request with its ids resolved, and the
//! profile – the latter only where the shopper allows it.

use crate::condition::{Check, Lookup};
use crate::engine::Snapshot;
use crate::experiment::{Assigned, assigned};
use crate::facets::{Facet, facets};
use crate::found::Found;
use crate::profile::{Act, Dated, Profile, Recent};
use crate::tables::{PlannedBlock, PlannedPlacement};
use bespoke_domain::{Candidate, CategoryNo, Condition, Offset, ProductNo, Purpose, Request};
use std::cell::OnceCell;

/// Most products of a visit that sources look at.
const VISIT_MAX: usize = 50;

/// The inputs of one decision, resolved.
pub struct Context<'a> {
    /// The shop.
    pub snapshot: &'a Snapshot,
    /// What was asked.
    pub request: &'a Request,
    /// The arms it is in.
    pub assigned: Assigned,
    /// The placement that answers: the one that was asked for, or what stands in for it in an arm.
    pub planned: Option<&'a PlannedPlacement>,
    /// The shopper, where consent allows and nobody is held out.
    pub profile: Option<&'a Profile>,
    /// The last entry of the shopper's profile, read or not: whether it may be read is told by it too.
    pub profile_offset: Offset,
    /// Products the page is about.
    pub items: Vec<ProductNo>,
    /// Products of the visit going on, or of the last one where there is nothing of this yet, in order, repeats kept; the
    /// page's product last.
    pub visit: Vec<ProductNo>,
    /// Products in the cart, by the request and by events.
    pub cart: Vec<ProductNo>,
    /// Those of the cart that others may start from: not what is nobody's business on this page.
    seeds: Vec<ProductNo>,
    /// Products that must not be shown.
    pub exclude: Vec<ProductNo>,
    /// Products that are to be put in order, where the request gives them.
    pub given: Vec<ProductNo>,
    /// Whether the page names a category that there is not.
    pub is_elsewhere: bool,
    /// Category the page is about: named, or that of its product; 0 = the whole shop.
    pub category: CategoryNo,
    /// What every candidate must be like.
    pub filter: Option<Check>,
    /// Ids of the request that the catalogue does not know.
    pub missing_ids: Vec<String>,
    /// What the search finds, once it was looked for.
    found: OnceCell<Option<Found>>,
    /// What its results can be narrowed by, once that was counted.
    facets: OnceCell<Vec<Facet>>,
}

impl<'a> Context<'a> {
    /// Resolves a request against a snapshot and a profile.
    pub fn new(snapshot: &'a Snapshot, profile: Option<&'a Profile>, request: &'a Request) -> Self {
        let unknown = snapshot.aggregates.unknown_consent();
        let profile_offset = profile.map(|profile| profile.last_offset).unwrap_or_default();
        let settings = snapshot.aggregates.settings.as_deref();
        let assigned = settings
            .map(|settings| assigned(settings, &snapshot.aggregates.epochs, request))
            .unwrap_or_default();
        let name = assigned.variant.as_ref().unwrap_or(&request.placement);
        let planned = snapshot.plan.get(name);
        let allowed = |profile: &&Profile| {
            !assigned.is_held && profile.consent(unknown).allows(Purpose::Personalization)
        };
        let profile = profile.filter(allowed);
        let mut missing_ids = Vec::new();
        let items = resolve(snapshot, &request.items, &mut missing_ids);
        let mut cart = resolve(snapshot, &request.cart, &mut missing_ids);
        let given = resolve(snapshot, &request.given, &mut missing_ids);
        let exclude = resolve(snapshot, &request.exclude, &mut Vec::new());
        cart.extend(profile.into_iter().flat_map(Profile::cart));
        let category = category(snapshot, request, &items);
        let private = Private { snapshot, category };
        let mut visit = visit(profile, request, &items);
        visit.retain(|product| !private.holds(*product) || items.contains(product));
        let seeds = cart.iter().copied().filter(|product| !private.holds(*product)).collect();
        let named = request.category.as_deref().filter(|path| !path.is_empty());
        let is_elsewhere = named.is_some_and(|path| snapshot.aggregates.catalog.category(path).is_none());
        missing_ids.extend(named.filter(|_| is_elsewhere).map(str::to_owned));
        Self {
            snapshot,
            request,
            assigned,
            planned,
            profile,
            profile_offset,
            items,
            visit,
            cart,
            seeds,
            is_elsewhere,
            exclude,
            given,
            category,
            filter: request.filter.as_ref().map(|filter| resolved(snapshot, filter)),
            missing_ids,
            found: OnceCell::new(),
            facets: OnceCell::new(),
        }
    }

    /// What the request's search finds; `None` where it searches for nothing.
    pub fn found(&self) -> Option<&Found> {
        let find = || Some(Found::new(self, self.planned?, self.request.search.as_deref()?));
        self.found.get_or_init(find).as_ref()
    }

    /// The content block that a candidate is, where it is one of the placement's.
    pub fn block(&self, candidate: Candidate) -> Option<&'a PlannedBlock> {
        let Candidate::Content(number) = candidate else { return None };
        self.planned?.blocks.iter().find(|block| block.number == number)
    }

    /// What the search's results can be narrowed by; none where that is not asked for.
    pub fn facets(&self) -> &[Facet] {
        let count = || {
            let search = self.request.search.as_deref()?;
            Some(facets(self, search, self.found()?, search.facets.as_deref()?))
        };
        self.facets.get_or_init(|| count().unwrap_or_default())
    }

    /// The same, where nothing else is asked any more.
    pub fn into_facets(self) -> Vec<Facet> {
        self.facets();
        self.facets.into_inner().unwrap_or_default()
    }

    /// The products that "together" sources start from: the page's, else the cart's, else the visit's last.
    pub fn anchors(&self) -> &[ProductNo] {
        if !self.items.is_empty() {
            &self.items
        } else if !self.seeds.is_empty() {
            &self.seeds
        } else {
            &self.visit[self.visit.len().saturating_sub(1)..]
        }
    }

    /// What the shopper did lately, oldest first; nothing that is nobody's business on this page.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &'a Recent> + '_ {
        let private = Private { snapshot: self.snapshot, category: self.category };
        let recent = self.profile.map_or(&[][..], Profile::recent);
        recent.iter().filter(move |one| !private.holds(one.product))
    }

    /// What the shopper bought, each product with its last time; nothing that is nobody's business on this page.
    pub fn bought(&self) -> impl Iterator<Item = &'a Dated> + '_ {
        let private = Private { snapshot: self.snapshot, category: self.category };
        let bought = self.profile.map_or(&[][..], Profile::bought);
        bought.iter().filter(move |one| !private.holds(one.product))
    }

    /// Whether the anchors come from what the shopper did rather than from the page.
    pub fn anchors_are_personal(&self) -> bool {
        self.items.is_empty() && (self.request.cart.is_empty() || self.cart.is_empty())
    }

    /// A product's title, or its id where it has none.
    pub fn title(&self, product: ProductNo) -> &str {
        let catalog = &self.snapshot.aggregates.catalog;
        catalog.title(product).unwrap_or_else(|| catalog.id(product))
    }
}

/// What is nobody's business on a page about `category`.
struct Private<'a> {
    snapshot: &'a Snapshot,
    category: CategoryNo,
}

impl Private<'_> {
    fn holds(&self, product: ProductNo) -> bool {
        let sensitive = &self.snapshot.plan.sensitive;
        !sensitive.is_empty()
            && !sensitive.contains(self.category)
            && self
                .snapshot
                .aggregates
                .catalog
                .row(product)
                .is_some_and(|row| sensitive.contains(row.category))
    }
}

fn resolved(snapshot: &Snapshot, filter: &Condition) -> Check {
    let settings = snapshot.aggregates.settings.as_ref();
    let lookup = Lookup {
        product: &|id| snapshot.product(id),
        block: &|name| snapshot.block(name),
        catalog: &snapshot.aggregates.catalog,
        segments: settings.map_or(&[], |settings| &settings.segments),
    };
    Check::new(filter, &lookup)
}

fn resolve(snapshot: &Snapshot, ids: &[String], missing: &mut Vec<String>) -> Vec<ProductNo> {
    let number = |id: &String| {
        let number = snapshot.product(id);
        if number.is_none() {
            missing.push(id.clone());
        }
        number
    };
    ids.iter().filter_map(number).collect()
}

fn visit(profile: Option<&Profile>, request: &Request, items: &[ProductNo]) -> Vec<ProductNo> {
    let recent = profile.map_or(&[][..], |profile| profile.latest_visit(request.now));
    let mut visit: Vec<ProductNo> = Vec::with_capacity(recent.len() + 1);
    for one in recent {
        if one.act() == Act::View || !visit.contains(&one.product) {
            visit.push(one.product);
        }
    }
    if let [.., last] = items
        && visit.last() != Some(last)
    {
        visit.push(*last);
    }
    visit.drain(..visit.len().saturating_sub(VISIT_MAX));
    visit
}

fn category(snapshot: &Snapshot, request: &Request, items: &[ProductNo]) -> CategoryNo {
    let catalog = &snapshot.aggregates.catalog;
    let named = request.category.as_ref().and_then(|path| catalog.category(path));
    let of_product = || catalog.row(*items.last()?).map(|row| row.category);
    named.or_else(of_product).unwrap_or_default()
}
