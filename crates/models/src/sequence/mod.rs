//! What comes next, from the order of a shopper's last events: self-attention over them (SASRec: Kang, McAuley, ICDM 2018)
//! with a softmax over all products, as two towers. The product tower is a product's own vector and those of its
//! attribute values, `e_i = v_i + Σ_a w_ia u_a`, the shopper tower a transformer over the vectors of the last events;
//! `P(i next) = softmax(e_i · h)`. Where own vectors are dropped at random in training (DropoutNet: Volkovs, Yu, Poutanen,
//! NIPS 2017), values learn to stand for a product that nobody has had yet. Content similarity s may have a say beside the
//! towers: `P(i next) ∝ e^(e_i · h) · (1 + s_i)^weight` (wide beside deep: Cheng et al., DLRS 2016).

mod attention;
mod block;
mod crossed;
mod kernels;
mod layout;
mod softmax;
mod train;

pub use train::Training;

use crate::content_similarity::{ContentParams, ContentSimilarity};
use crate::interactions::Interactions;
use crate::lanes::{Kernel, LANES, axpy, dispatch, dot};
use crate::nearest::greatest;
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use bespoke_domain::ProductNo;
use block::{Pass, Tower};
use crossed::Crossed;
use layout::Shape;
use serde::{Deserialize, Serialize};
use train::entry_scale;

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

/// Both towers, fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    params: SequenceParams,
    /// A vector a product.
    products: Vec<f32>,
    /// Whether something is known of a product.
    offered: Vec<bool>,
    /// A vector an attribute value.
    values: Vec<f32>,
    tower: Vec<f32>,
    /// Which pairs of values are values of their own.
    crossed: Crossed,
    /// Where it has a weight.
    content: Option<ContentSimilarity>,
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
        let known = |product: &&ProductNo| self.offered.get(product.index()).copied().unwrap_or(false);
        let latest: Vec<_> = events.iter().rev().filter(known).take(shape.reach).collect();
        let scale = entry_scale(shape.width);
        let row = |product: &ProductNo| &self.products[product.index() * shape.width..][..shape.width];
        let rows = latest.iter().rev().flat_map(|product| row(product));
        let x: Vec<f32> = rows.map(|value| value * scale).collect();
        let wanted = (!x.is_empty()).then(|| dispatch(Wanted { model: self, shape, x }));
        wanted.filter(|wanted| wanted.iter().all(|value| value.is_finite()))
    }

    /// Content similarity reckoned and weighed anew. `attributes` are what the model was fitted on.
    pub fn weigh_content(&mut self, weight: f32, params: ContentParams, attributes: &Interactions) {
        (self.params.content_weight, self.params.content) = (weight, params);
        self.content = (weight != 0.0).then(|| ContentSimilarity::new(params, attributes));
    }

    /// Gives `product` the vector of its attribute values, with their weights: a product that came after the fit is
    /// recommended from now on. Without a value that was learned, nothing changes.
    pub fn introduce(&mut self, product: ProductNo, values: &[(u32, f32)]) {
        let width = self.params.shape().width;
        let crossed = self.crossed.row(values);
        let known = crossed.iter().filter(|value| (value.0 as usize) < self.values.len() / width);
        let norm = known.clone().map(|value| value.1 * value.1).sum::<f32>().sqrt();
        if !norm.is_finite() || norm <= 0.0 {
            return;
        }
        if self.offered.len() <= product.index() {
            self.offered.resize(product.index() + 1, false);
            self.products.resize(self.offered.len() * width, 0.0);
        }
        self.offered[product.index()] = true;
        if let Some(content) = &mut self.content {
            content.set(product, values);
        }
        let vector = &mut self.products[product.index() * width..][..width];
        vector.fill(0.0);
        for &(value, weight) in known {
            axpy(weight / norm, &self.values[value as usize * width..][..width], vector);
        }
    }
}

impl Recommender for Sequence {
    fn product_count(&self) -> usize {
        self.offered.len()
    }

    fn size_bytes(&self) -> usize {
        4 * (self.products.len() + self.values.len() + self.tower.len())
            + self.offered.len()
            + self.content.as_ref().map_or(0, ContentSimilarity::size_bytes)
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
        self.scores.clear();
        self.scores.resize(self.model.offered.len(), 0.0);
        // Loops and no closures: those would be compiled for plain processors.
        let vectors = self.model.products.chunks_exact(self.wanted.len());
        for (score, vector) in self.scores.iter_mut().zip(vectors) {
            *score = dot(vector, self.wanted);
        }
        let weight = self.model.params.content_weight;
        let mut most = f32::NEG_INFINITY;
        for (score, shared) in self.scores.iter_mut().zip(self.shared) {
            if *shared > 0.0 {
                *score += weight * libm::log1pf(*shared);
            }
            most = most.max(*score);
        }
        if most.is_finite() {
            // Only with content similarity, whose weight is free: no power of e beyond what a number holds.
            for score in self.scores.iter_mut() {
                *score -= most;
            }
        }
        kernels::exp_each(self.scores);
        let mut total = 0.0_f32;
        for (score, offered) in self.scores.iter_mut().zip(&self.model.offered) {
            *score *= f32::from(u8::from(*offered));
            total += *score;
        }
        for score in self.scores.iter_mut() {
            *score /= total;
        }
    }
}
