//! The models of the next order under test: where each starts from, and the knobs that tuning turns. A new one is one
//! implementation and one line in [`MODELS`].

use super::data::Fold;
use super::{BasketOptions, BasketOutcome, evaluate};
use crate::model::{Knob, knob, refit_knob};
use bespoke_domain::ProductNo;
use bespoke_models::ease::{Ease, EaseParams, Refused};
use bespoke_models::interactions::Interactions;
use bespoke_models::neighbours::Neighbours;
use bespoke_models::next_basket::{NextBasket, NextBasketParams};
use bespoke_models::orders::{Decay, Due};
use bespoke_models::recommender::{Ask, FitRun, Recommender, Scores};
use bespoke_models::slim::SlimParams;
use bespoke_models::tifu_knn::{TifuKnn, TifuKnnParams};
use serde::Serialize;

/// One line of the table.
pub struct Entry {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// Tunes, fits and measures it.
    pub evaluate: fn(&Entry, &BasketOptions, &Fold) -> BasketOutcome,
}

/// Every model under test.
pub const MODELS: [Entry; 6] = [
    Entry { name: "popular", evaluate: evaluate::<Popular> },
    Entry { name: "frequency", evaluate: evaluate::<Frequency> },
    Entry { name: "ease", evaluate: evaluate::<Bought<EaseParams>> },
    Entry { name: "slim", evaluate: evaluate::<Bought<SlimParams>> },
    Entry { name: "tifu_knn", evaluate: evaluate::<Tifu> },
    Entry { name: "next_basket", evaluate: evaluate::<Next> },
];

/// How a shopper's orders become weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Asked {
    /// How orders fade, to fit and to ask.
    pub decay: Decay,
    /// How due products are, to ask.
    pub due: Due,
}

/// Parameters of a model with those of the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct With<P> {
    /// Of the weights.
    pub asked: Asked,
    /// Of the model.
    pub model: P,
}

/// A model under test.
pub trait BasketModel {
    /// Plain data; the default is what tuning starts from.
    type Params: Copy + Default + PartialEq + Serialize + 'static;
    /// Once fitted.
    type Fitted: Recommender;

    /// What tuning turns, in this order.
    const KNOBS: &'static [Knob<With<Self::Params>>];

    /// Where tuning starts.
    fn start() -> With<Self::Params> {
        With::default()
    }

    /// Fits it; `before` are other parameters and what they gave for the same fold.
    fn fit(
        params: &With<Self::Params>,
        before: Option<(With<Self::Params>, Self::Fitted)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<Self::Fitted, Refused>;
}

/// Every order the same weight.
const COUNTS: Asked = Asked {
    decay: Decay { group_len: 1, within: 1.0, across: 1.0 },
    due: Due { depth: 0.0, lapse: 0.0, prior: 1.0, again: 0.0 },
};

/// Own purchases by their number, or none; then by everyone's.
pub struct Counted {
    own: f32,
    /// Share of the weight of the most popular.
    popularity: Vec<f32>,
}

/// Below every difference between two own frequencies.
const TIE: f32 = 1e-4;

impl Counted {
    fn new(own: f32, data: &Interactions) -> Self {
        let turned = data.transposed();
        let sums: Vec<f32> =
            (0..turned.row_count()).map(|product| turned.row_len(product) as f32).collect();
        let most = sums.iter().fold(1.0_f32, |most, sum| most.max(*sum));
        Self { own, popularity: sums.iter().map(|sum| TIE * sum / most).collect() }
    }
}

impl Recommender for Counted {
    fn product_count(&self) -> usize {
        self.popularity.len()
    }

    fn size_bytes(&self) -> usize {
        4 * self.popularity.len()
    }

    fn recommend(&self, ask: &Ask<'_>, _scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let mut scores = self.popularity.clone();
        ask.history.iter().for_each(|&(product, weight)| scores[product.index()] += self.own * weight);
        ask.excluded.iter().for_each(|product| scores[product.index()] = 0.0);
        let mut top = bespoke_domain::order::TopK::new(ask.limit);
        scores.iter().enumerate().for_each(|(at, &score)| top.push(score, ProductNo(at as u32)));
        top.into_sorted()
    }
}

/// What most shoppers bought.
pub struct Popular;

impl BasketModel for Popular {
    type Params = ();
    type Fitted = Counted;
    const KNOBS: &'static [Knob<With<()>>] = &[];

    fn start() -> With<()> {
        With { asked: COUNTS, model: () }
    }

    fn fit(p: &With<()>, _: Option<(With<()>, Counted)>, fold: &Fold, _: FitRun) -> Result<Counted, Refused> {
        Ok(Counted::new(0.0, &fold.weights(&p.asked.decay)))
    }
}

/// What the shopper bought most often, then what most shoppers bought.
pub struct Frequency;

impl BasketModel for Frequency {
    type Params = ();
    type Fitted = Counted;
    const KNOBS: &'static [Knob<With<()>>] = &[];

    fn start() -> With<()> {
        With { asked: COUNTS, model: () }
    }

    fn fit(p: &With<()>, _: Option<(With<()>, Counted)>, fold: &Fold, _: FitRun) -> Result<Counted, Refused> {
        Ok(Counted::new(1.0, &fold.weights(&p.asked.decay)))
    }
}

/// A linear model of who bought what at all, asked with what was bought at all.
pub struct Bought<P>(P);

/// A recommender that looks at no weights.
pub struct Unweighted<R>(R);

impl<R: Recommender> Recommender for Unweighted<R> {
    fn product_count(&self) -> usize {
        self.0.product_count()
    }

    fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let history: Vec<_> = ask.history.iter().map(|one| (one.0, 1.0)).collect();
        self.0.recommend(&Ask { history: &history, ..*ask }, scratch)
    }
}

fn bought(fold: &Fold) -> Interactions {
    fold.weights(&COUNTS.decay).map(|_, _, _| 1.0)
}

impl BasketModel for Bought<EaseParams> {
    type Params = EaseParams;
    type Fitted = Unweighted<Ease>;
    const KNOBS: &'static [Knob<With<EaseParams>>] =
        &[refit_knob("regularization", &[100.0, 200.0, 500.0], |p, v| p.model.regularization = v)];

    fn fit(
        params: &With<EaseParams>,
        _: Option<(With<EaseParams>, Self::Fitted)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<Self::Fitted, Refused> {
        params.model.fit(&bought(fold), run).map(Unweighted)
    }
}

impl BasketModel for Bought<SlimParams> {
    type Params = SlimParams;
    type Fitted = Unweighted<Neighbours>;
    const KNOBS: &'static [Knob<With<SlimParams>>] = &[
        refit_knob("candidates_max", &[100.0, 200.0, 400.0], |p, v| p.model.candidates_max = v as u32),
        refit_knob("regularization", &[15.0, 30.0, 50.0, 100.0, 200.0], |p, v| p.model.regularization = v),
        refit_knob("busy", &[0.0, 0.2, 0.4, 0.6], |p, v| p.model.busy = v),
        refit_knob("popular", &[-0.1, -0.05, 0.0, 0.05], |p, v| p.model.popular = v),
    ];

    fn fit(
        params: &With<SlimParams>,
        _: Option<(With<SlimParams>, Self::Fitted)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<Self::Fitted, Refused> {
        Ok(Unweighted(params.model.fit(&bought(fold), run)))
    }
}

/// Own habits and those of the shoppers most alike.
pub struct Tifu;

impl BasketModel for Tifu {
    type Params = TifuKnnParams;
    type Fitted = TifuKnn;
    const KNOBS: &'static [Knob<With<TifuKnnParams>>] = &[
        knob("own", &[0.3, 0.5, 0.7, 0.9], |p, v| p.model.own = v),
        knob("group_len", &[1.0, 2.0, 3.0, 5.0, 7.0], |p, v| p.asked.decay.group_len = v as u32),
        knob("within", &[0.7, 0.8, 0.9, 0.95, 1.0], |p, v| p.asked.decay.within = v),
        knob("across", &[0.5, 0.6, 0.7, 0.8, 0.9, 1.0], |p, v| p.asked.decay.across = v),
        knob("neighbours", &[50.0, 100.0, 300.0, 600.0], |p, v| p.model.neighbours = v as u32),
        knob("power", &[0.0, 0.5, 1.0, 2.0], |p, v| p.model.power = v),
        knob("due depth", &[0.0, 0.2, 0.4, 0.6], |p, v| p.asked.due.depth = v),
        knob("due lapse", &[0.0, 0.1, 0.2], |p, v| p.asked.due.lapse = v),
    ];

    fn fit(
        params: &With<TifuKnnParams>,
        _: Option<(With<TifuKnnParams>, TifuKnn)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<TifuKnn, Refused> {
        Ok(params.model.fit(&fold.weights(&params.asked.decay), run))
    }
}

/// Habits and what goes with what.
pub struct Next;

impl BasketModel for Next {
    type Params = NextBasketParams;
    type Fitted = NextBasket;
    const KNOBS: &'static [Knob<With<NextBasketParams>>] = &[
        knob("new_linear", &[0.2, 0.35, 0.5, 0.7, 1.0, 2.0], |p, v| p.model.mix.new_linear = v),
        knob("own", &[0.5, 1.0, 1.5, 2.0, 3.0, 5.0], |p, v| p.model.mix.own = v),
        knob("alike", &[0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 5.0], |p, v| p.model.mix.alike = v),
        knob("linear", &[0.0, 0.05, 0.1, 0.2, 0.4], |p, v| p.model.mix.linear = v),
        knob("group_len", &[1.0, 2.0, 3.0, 5.0, 7.0], |p, v| p.asked.decay.group_len = v as u32),
        knob("within", &[0.7, 0.8, 0.9, 0.95, 1.0], |p, v| p.asked.decay.within = v),
        knob("across", &[0.5, 0.6, 0.7, 0.8, 0.9, 1.0], |p, v| p.asked.decay.across = v),
        knob("neighbours", &[100.0, 300.0, 600.0], |p, v| p.model.habits.neighbours = v as u32),
        knob("power", &[0.0, 0.5, 1.0, 2.0], |p, v| p.model.habits.power = v),
        knob("again", &[0.0, 0.25, 0.5, 1.0], |p, v| p.asked.due.again = v),
        knob("due depth", &[0.0, 0.2, 0.4], |p, v| p.asked.due.depth = v),
        refit_knob("regularization", &[30.0, 50.0, 100.0, 200.0], |p, v| p.model.linear.regularization = v),
        refit_knob("slim busy", &[0.0, 0.2, 0.4], |p, v| p.model.linear.busy = v),
    ];

    fn fit(
        params: &With<NextBasketParams>,
        before: Option<(With<NextBasketParams>, NextBasket)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<NextBasket, Refused> {
        let data = fold.weights(&params.asked.decay);
        Ok(match before {
            Some((old, fitted)) if old.model.linear == params.model.linear => {
                params.model.fit_with(fitted.into_linear(), &data, run)
            }
            _ => params.model.fit(&data, run),
        })
    }
}
