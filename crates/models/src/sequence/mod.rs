//! What comes next, from the order of a shopper's last events: self-attention over them (SASRec: Kang, McAuley, ICDM 2018)
//! with a softmax over all products, as two towers. The product tower is a product's own vector and those of its
//! attribute values, `e_i = v_i + Σ_a w_ia u_a`, the shopper tower a transformer over the vectors of the last events;
//! `P(i next) = softmax(e_i · h)`. Where own vectors are dropped at random in training (DropoutNet: Volkovs, Yu, Poutanen,
//! NIPS 2017), values learn to stand for a product that nobody has had yet. Content similarity s may have a say beside the
//! towers: `P(i next) ∝ e^(e_i · h) · (1 + s_i)^weight` (wide beside deep: Cheng et al., DLRS 2016).

mod attention;
mod block;
mod crossed;
mod introduced;
mod kernels;
mod layout;
mod softmax;
mod train;

pub use train::Training;

use crate::content_similarity::{ContentParams, ContentSimilarity};
use crate::interactions::Interactions;
use crate::lanes::{Kernel, LANES, axpy, dispatch, dot};
use crate::nearest::{Vectors, greatest};
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use crate::sound;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use block::{Pass, Tower};
use crossed::Crossed;
use introduced::Introduced;
use layout::Shape;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use train::entry_scale;

/// Most products that are introduced after the fit: numbers below that many beyond those of the fit.
pub const INTRODUCED_MAX: usize = 20_000;

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SequenceParams {
    /// Numbers a vector; rounded up to whole lanes.
    pub width: u32,
    /// Numbers inside a feed-forward layer; rounded up to whole lanes.
    pub inner: u32,
    /// Blocks of attention and feed-forward.
    pub layers: u32,
    /// Heads of attention; as many as leave each whole lanes.
    pub heads: u32,
    /// Events that are looked at, the latest.
    pub reach: u32,
    /// Share of values dropped in training.
    pub dropout: f32,
    /// Share of products known by their attributes alone in a step.
    pub id_dropout: f32,
    /// Products that a pair of attribute values needs to be a value of its own; 0 for no pairs.
    pub pair_products_min: u32,
    /// Power of content similarity beside the towers; 0 for no say.
    pub content_weight: f32,
    /// How content similarity is reckoned.
    pub content: ContentParams,
    /// Products drawn for the softmax of a step; 0 for all.
    pub negatives: u32,
    /// Shoppers a step.
    pub batch: u32,
    /// Step of Adam.
    pub learning_rate: f32,
    /// Share of a weight × the step that it loses each time.
    pub weight_decay: f32,
    /// Most times that every shopper is learned from.
    pub epochs: u32,
    /// Epochs without a better judgement after which training stops, where somebody judges.
    pub patience: u32,
}

impl Default for SequenceParams {
    fn default() -> Self {
        Self {
            width: 64,
            inner: 128,
            layers: 2,
            heads: 2,
            reach: 50,
            dropout: 0.5,
            id_dropout: 0.0,
            pair_products_min: 0,
            content_weight: 0.0,
            content: ContentParams::default(),
            negatives: 2048,
            batch: 128,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            epochs: 60,
            patience: 5,
        }
    }
}

/// What to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceData {
    /// A shopper's products each, oldest first.
    pub sequences: Vec<Vec<ProductNo>>,
    /// Products: numbers below this; others in sequences are passed over.
    pub product_count: usize,
    /// Attribute values with their weights, a row a product; rows may be missing.
    pub attributes: Interactions,
}

/// Both towers, fitted. A copy shares what was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    params: SequenceParams,
    /// A vector a product.
    products: Arc<Vectors>,
    /// Whether something was known of a product.
    offered: Arc<[bool]>,
    /// A vector an attribute value.
    values: Arc<[f32]>,
    tower: Arc<[f32]>,
    /// Which pairs of values are values of their own.
    crossed: Crossed,
    /// Where it has a weight.
    content: Option<ContentSimilarity>,
    /// No part of the bytes: they follow from the catalogue.
    #[serde(skip)]
    introduced: Introduced,
}

impl SequenceParams {
    /// Fits all [`SequenceParams::epochs`].
    pub fn fit(&self, data: &SequenceData, run: FitRun) -> Sequence {
        let mut training = Training::new(self, data, run);
        (0..self.epochs).for_each(|_| _ = training.epoch());
        training.model()
    }

    /// Fits until `judge`, asked after every epoch, has not been pleased more for [`SequenceParams::patience`] epochs; gives
    /// the model that pleased it most, and after how many epochs that was.
    pub fn fit_judged(
        &self,
        data: &SequenceData,
        run: FitRun,
        mut judge: impl FnMut(&Sequence) -> f64,
    ) -> (Sequence, u32) {
        let mut training = Training::new(self, data, run);
        let (mut best, mut most, mut when) = (training.model(), f64::NEG_INFINITY, 0);
        for epoch in 1..=self.epochs {
            training.epoch();
            let model = training.model();
            let judged = judge(&model);
            if judged > most {
                (best, most, when) = (model, judged, epoch);
            } else if epoch - when >= self.patience {
                break;
            }
        }
        (best, when)
    }

    fn shape(&self) -> Shape {
        let whole = |count: u32| (count as usize).max(1).next_multiple_of(LANES);
        let width = whole(self.width);
        let fits = |heads: &usize| (width / LANES).is_multiple_of(*heads);
        let heads = (1..=(self.heads as usize).clamp(1, width / LANES)).rev().find(fits).unwrap_or(1);
        Shape {
            width,
            inner: whole(self.inner),
            heads,
            layers: self.layers as usize,
            reach: (self.reach as usize).max(1),
        }
    }
}

impl Sequence {
    /// What the shopper wants after `events`, oldest first; nothing where none of them is known.
    pub fn wanted(&self, events: &[ProductNo]) -> Option<Vec<f32>> {
        let shape = self.params.shape();
        let latest: Vec<&[f32]> =
            events.iter().rev().filter_map(|product| self.vector(*product)).take(shape.reach).collect();
        let scale = entry_scale(shape.width);
        let rows = latest.into_iter().rev().flatten();
        let x: Vec<f32> = rows.map(|value| value * scale).collect();
        let wanted = (!x.is_empty()).then(|| dispatch(Wanted { model: self, shape, x }));
        wanted.filter(|wanted| wanted.iter().all(|value| value.is_finite()))
    }

    /// Content similarity reckoned and weighed anew. `attributes` are what the model was fitted on.
    pub fn weigh_content(&mut self, weight: f32, params: ContentParams, attributes: &Interactions) {
        (self.params.content_weight, self.params.content) = (weight, params);
        self.content = (weight != 0.0).then(|| ContentSimilarity::new(params, attributes));
    }

    /// The vector of a product of which something is known.
    fn vector(&self, product: ProductNo) -> Option<&[f32]> {
        let width = self.params.shape().width;
        if !self.is_fitted(product) {
            return self.introduced.get(product, width);
        }
        self.products.rows().get(product.index() * width..(product.index() + 1) * width)
    }

    /// Whether the fit knew something of a product: it keeps the vector of then.
    pub fn is_fitted(&self, product: ProductNo) -> bool {
        self.offered.get(product.index()).copied().unwrap_or(false)
    }

    /// How many attribute values were learned.
    pub fn value_count(&self) -> usize {
        self.values.len() / self.params.shape().width
    }

    /// Gives a product that the fit knew nothing of the vector of its attribute values, with their weights: it is
    /// recommended from now on. Without a value that was learned, it is not. What came before does not matter.
    pub fn introduce(&mut self, product: ProductNo, values: &[(u32, f32)]) {
        let width = self.params.shape().width;
        let crossed = self.crossed.row(values);
        let known = crossed.iter().filter(|value| (value.0 as usize) < self.value_count());
        let norm = known.clone().map(|value| value.1 * value.1).sum::<f32>().sqrt();
        if self.is_fitted(product) || product.index() >= self.offered.len() + INTRODUCED_MAX {
            return;
        }
        let mut vector = vec![0.0; width];
        for &(value, weight) in known {
            axpy(weight / norm, &self.values[value as usize * width..][..width], &mut vector);
        }
        let is_known = norm > 0.0 && vector.iter().all(|value| value.is_finite());
        self.introduced.put(product, is_known.then_some(&vector), width);
        if let Some(content) = &mut self.content {
            content.set(product, if is_known { values } else { &[] });
        }
    }

    /// What comes next, found without looking at every product in full. A score is the probability over that of the best;
    /// what speaks against itself (`e · h ≤ 0`) is left out.
    pub fn nearest(
        &self,
        events: &[ProductNo],
        excluded: &[ProductNo],
        limit: usize,
        scratch: &mut Scores,
    ) -> Vec<(f32, ProductNo)> {
        let Some(wanted) = self.wanted(events) else { return Vec::new() };
        let mut all = self.products.best(&wanted, excluded, limit, scratch);
        let fitted = all.len();
        dispatch(introduced::Products { introduced: &self.introduced, wanted: &wanted, into: &mut all });
        let mut top = TopK::new(limit.min(all.len()));
        for (at, (score, product)) in all.into_iter().enumerate() {
            if at < fitted || (score > 0.0 && !excluded.contains(&product)) {
                top.push(score, product);
            }
        }
        let mut best = top.into_sorted();
        let most = best.first().map_or(0.0, |first| first.0);
        best.iter_mut().for_each(|one| one.0 = kernels::exp(one.0 - most));
        best.retain(|one| one.0.is_finite() && one.0 > 0.0);
        best
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let params = &self.params;
        let is_small = params.width <= 1024 && params.inner <= 4096 && params.layers <= 16;
        if !is_small || params.heads > 1024 || params.reach > 10_000 {
            return false;
        }
        let shape = params.shape();
        let lists = [&self.values, &self.tower];
        sound::vectors(&self.products, shape.width, self.offered.len())
            && self.values.len().is_multiple_of(shape.width)
            && self.tower.len() == shape.layout().len
            && self.content.as_ref().is_none_or(ContentSimilarity::is_sound)
            && lists.iter().all(|list| list.iter().all(|value| value.is_finite()))
    }
}

impl Recommender for Sequence {
    fn product_count(&self) -> usize {
        self.offered.len().max(self.introduced.end())
    }

    fn size_bytes(&self) -> usize {
        let lists = 4 * (self.values.len() + self.tower.len()) + self.offered.len();
        let content = self.content.as_ref().map_or(0, ContentSimilarity::size_bytes);
        self.products.size_bytes() + lists + content + self.introduced.size_bytes()
    }

    /// The history is events, oldest first; weights are not looked at. A score is the probability of coming next.
    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let events: Vec<_> = ask.history.iter().map(|one| one.0).collect();
        let Some(wanted) = self.wanted(&events) else { return Vec::new() };
        let Scores { vector: scores, shared, .. } = scratch;
        shared.clear();
        if let Some(content) = &self.content {
            content.score(&events, shared);
        }
        dispatch(Shares { model: self, wanted: &wanted, shared, scores });
        for product in ask.excluded {
            if let Some(score) = scores.get_mut(product.index()) {
                *score = 0.0;
            }
        }
        greatest(scores, ask.limit)
    }
}

/// The last event's row out of the tower.
struct Wanted<'a> {
    model: &'a Sequence,
    shape: Shape,
    x: Vec<f32>,
}

impl Kernel for Wanted<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run(mut self) -> Vec<f32> {
        let (shape, layout) = (&self.shape, self.shape.layout());
        let mut pass = Pass::of(vec![self.x.len() / shape.width]);
        let tower = Tower { shape, layout: &layout, weights: &self.model.tower, dropout: 0.0 };
        tower.forward(&mut self.x, &mut pass, None);
        self.x.split_off(self.x.len() - shape.width)
    }
}

/// The softmax over what is offered.
struct Shares<'a> {
    model: &'a Sequence,
    wanted: &'a [f32],
    /// Content similarity, or nothing.
    shared: &'a [f32],
    scores: &'a mut Vec<f32>,
}

impl Kernel for Shares<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { model, wanted, shared, scores } = self;
        scores.clear();
        scores.resize(model.product_count(), 0.0);
        // Loops and no closures: those would be compiled for plain processors.
        let vectors = model.products.rows().chunks_exact(wanted.len());
        for (score, vector) in scores.iter_mut().zip(vectors) {
            *score = dot(vector, wanted);
        }
        for (product, vector) in model.introduced.each(wanted.len()) {
            scores[product.index()] = dot(vector, wanted);
        }
        let weight = model.params.content_weight;
        let mut most = f32::NEG_INFINITY;
        for (score, shared) in scores.iter_mut().zip(shared) {
            if *shared > 0.0 {
                *score += weight * libm::log1pf(*shared);
            }
            most = most.max(*score);
        }
        if most.is_finite() {
            // Only with content similarity, whose weight is free: no power of e beyond what a number holds.
            for score in scores.iter_mut() {
                *score -= most;
            }
        }
        kernels::exp_each(scores);
        let introduced = model.introduced.each(wanted.len());
        let kept: Vec<(ProductNo, f32)> = introduced.map(|one| (one.0, scores[one.0.index()])).collect();
        for (score, offered) in scores.iter_mut().zip(model.offered.iter()) {
            *score *= f32::from(u8::from(*offered));
        }
        scores[model.offered.len()..].fill(0.0);
        for (product, score) in kept {
            scores[product.index()] = score;
        }
        let mut total = 0.0_f32;
        for score in scores.iter() {
            total += *score;
        }
        for score in scores.iter_mut() {
            *score /= total;
        }
    }
}
