//! The candidates of one decision: each once, with its part of the score from each source, and the name of what removed
//! it. Nothing leaves the pool; so candidates = slate ∪ removed holds by construction.

use crate::catalog::{Catalog, Row};
use crate::tables::{SCORERS_MAX, SOURCES_MAX};
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, CategoryNo};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::cmp::Ordering;

/// One candidate.
#[derive(Clone, Copy, Debug)]
pub struct Pooled {
    /// What it is.
    pub candidate: Candidate,
    /// The product's hot columns, read once; of a category, its number.
    pub row: Row,
    /// Weighted, normalised score from each source, by its place in the placement.
    pub parts: [f32; SOURCES_MAX],
    /// Weighted number of each scorer, by its place in the placement.
    pub scores: [f32; SCORERS_MAX],
    /// The slot a rule claims for it.
    pub pin: Option<(u16, u16)>,
    /// What the objective makes of what is foreseen, where it is one of those looked at.
    pub worth: Option<f32>,
    /// By what rules multiply its score.
    pub factor: f32,
    /// Reservations it counts for, a bit each.
    pub reserved: u16,
    /// What removed it, as an index into the decision's list of removers.
    pub removed_by: Option<u16>,
}

impl Pooled {
    /// The score: what the objective makes of it, or what sources and scorers gave, times what rules multiply by.
    #[inline]
    pub fn score(&self) -> f32 {
        match self.worth {
            // What is worth less than nothing is worth more when it is raised.
            Some(worth) if worth < 0.0 => worth / self.factor.max(1e-6),
            Some(worth) => worth * self.factor,
            None => (self.blend() + self.scores.iter().sum::<f32>()) * self.factor,
        }
    }

    /// Its place in the order of scores: what the objective looked at before all else.
    #[inline]
    pub fn place(&self) -> Place {
        Place { is_behind: self.worth.is_none(), score: self.score(), candidate: self.candidate }
    }

    /// What the sources gave.
    #[inline]
    pub fn blend(&self) -> f32 {
        self.parts.iter().sum()
    }

    /// The source with the largest part.
    pub fn main_source(&self) -> usize {
        let larger = |best: usize, at: usize| if self.parts[at] > self.parts[best] { at } else { best };
        (0..SOURCES_MAX).fold(0, larger)
    }
}

/// A place in the order of scores, the best first.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    is_behind: bool,
    score: f32,
    candidate: Candidate,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let scores = || by_score((self.score, self.candidate), (other.score, other.candidate));
        self.is_behind.cmp(&other.is_behind).then_with(scores)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}

/// All candidates.
#[derive(Debug)]
pub struct Pool<'a> {
    catalog: &'a Catalog,
    /// In order of first sight.
    pub all: Vec<Pooled>,
    places: FxHashMap<Candidate, u32>,
    /// Slots kept by each reservation.
    pub reservations: Vec<u16>,
}

impl<'a> Pool<'a> {
    /// An empty pool with room for `capacity` candidates of the catalogue.
    pub fn with_capacity(catalog: &'a Catalog, capacity: usize) -> Self {
        Self {
            catalog,
            all: Vec::with_capacity(capacity),
            places: FxHashMap::with_capacity_and_hasher(capacity, FxBuildHasher),
            reservations: Vec::new(),
        }
    }

    /// The candidate's entry, made if it is new.
    pub fn entry(&mut self, candidate: Candidate) -> &mut Pooled {
        let next = self.all.len() as u32;
        let place = *self.places.entry(candidate).or_insert(next);
        if place == next {
            let row = match candidate {
                Candidate::Product(product) => self.catalog.row(product).copied().unwrap_or_default(),
                Candidate::Category(category) => Row::of_category(category),
                Candidate::Content(_) => Row::of_category(CategoryNo(0)),
            };
            let (parts, scores) = ([0.0; SOURCES_MAX], [0.0; SCORERS_MAX]);
            self.all.push(Pooled {
                candidate,
                row,
                parts,
                scores,
                pin: None,
                worth: None,
                factor: 1.0,
                reserved: 0,
                removed_by: None,
            });
        }
        &mut self.all[place as usize]
    }

    /// Where the candidate is in [`Pool::all`].
    pub fn place(&self, candidate: Candidate) -> Option<usize> {
        self.places.get(&candidate).map(|place| *place as usize)
    }

    /// A new reservation of `slots`, as its bit in [`Pooled::reserved`]; `None` when there are too many.
    pub fn reserve(&mut self, slots: u16) -> Option<u16> {
        let bit = 1_u16.checked_shl(self.reservations.len() as u32)?;
        self.reservations.push(slots);
        Some(bit)
    }

    /// Adds a source's candidates: scores are divided by its best and weighted.
    pub fn add(&mut self, source: usize, weight: f32, scored: &[(f32, Candidate)]) {
        let best =
            scored.iter().map(|(score, _)| *score).filter(|score| score.is_finite()).fold(0.0, f32::max);
        for (score, candidate) in scored {
            let part = if best > 0.0 && score.is_finite() { weight * score / best } else { 0.0 };
            self.entry(*candidate).parts[source] = part;
        }
    }

    /// Removes those of `listed` that are still in; the cost is that of the list, not of the pool. Otherwise as
    /// [`Pool::remove`].
    pub fn remove_listed(
        &mut self,
        remover: u16,
        hard: bool,
        listed: impl Iterator<Item = Candidate>,
    ) -> u32 {
        let mut count = 0;
        for candidate in listed {
            let Some(&place) = self.places.get(&candidate) else { continue };
            let one = &mut self.all[place as usize];
            if one.removed_by.is_none() && (hard || one.pin.is_none()) {
                one.removed_by = Some(remover);
                count += 1;
            }
        }
        count
    }

    /// Removes by name every candidate still in for which `goes` says so; returns how many. Pinned ones stay unless the
    /// filter is hard.
    pub fn remove(&mut self, remover: u16, hard: bool, mut goes: impl FnMut(&Pooled) -> bool) -> u32 {
        let mut count = 0;
        for one in self.all.iter_mut().filter(|one| one.removed_by.is_none() && (hard || one.pin.is_none())) {
            if goes(one) {
                one.removed_by = Some(remover);
                count += 1;
            }
        }
        count
    }
}
