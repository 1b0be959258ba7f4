//! The models of the next order under test, and the knobs that tuning turns. A new one is one implementation and one line in
//! [`MODELS`].

use super::baselines::{Counted, Linear};
use super::data::Fold;
use super::{BasketOptions, BasketOutcome, evaluate};
use crate::model::{Knob, knob, refit_knob};
use bespoke_models::ease::{Ease, EaseParams, Refused};
use bespoke_models::interactions::Interactions;
use bespoke_models::neighbours::Neighbours;
use bespoke_models::next_basket::{NextBasket, NextBasketParams};
use bespoke_models::orders::{Decay, FromOrders};
use bespoke_models::recommender::FitRun;
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
    Entry { name: "ease", evaluate: evaluate::<BoughtEase> },
    Entry { name: "slim", evaluate: evaluate::<BoughtSlim> },
    Entry { name: "tifu_knn", evaluate: evaluate::<Tifu> },
    Entry { name: "next_basket", evaluate: evaluate::<Next> },
];

/// A model under test.
pub trait BasketModel {
    /// Plain data; the default is what tuning starts from.
    type Params: Copy + Default + PartialEq + Serialize + 'static;
    /// Once fitted.
    type Fitted: FromOrders;

    /// What tuning turns, in this order.
    const KNOBS: &'static [Knob<Self::Params>];

    /// Fits it; `before` are other parameters and what they gave for the same fold.
    ///
    /// # Errors
    /// Why there is no model.
    fn fit(
        params: &Self::Params,
        before: Option<(Self::Params, Self::Fitted)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<Self::Fitted, Refused>;
}

/// What most shoppers bought.
pub struct Popular;

impl BasketModel for Popular {
    type Params = ();
    type Fitted = Counted;
    const KNOBS: &'static [Knob<()>] = &[];

    fn fit(_: &(), _: Option<((), Counted)>, fold: &Fold, _: FitRun) -> Result<Counted, Refused> {
        Ok(Counted::new(0.0, &fold.orders))
    }
}

/// What the shopper bought most often, then what most shoppers bought.
pub struct Frequency;

impl BasketModel for Frequency {
    type Params = ();
    type Fitted = Counted;
    const KNOBS: &'static [Knob<()>] = &[];

    fn fit(_: &(), _: Option<((), Counted)>, fold: &Fold, _: FitRun) -> Result<Counted, Refused> {
        Ok(Counted::new(1.0, &fold.orders))
    }
}

fn bought(fold: &Fold) -> Interactions {
    fold.orders.weights(&Decay::default()).map(|_, _, _| 1.0)
}

/// Linear weights in closed form, of who bought what at all.
pub struct BoughtEase;

impl BasketModel for BoughtEase {
    type Params = EaseParams;
    type Fitted = Linear<Ease>;
    const KNOBS: &'static [Knob<EaseParams>] =
        &[refit_knob("regularization", &[100.0, 200.0, 500.0], |p, v| p.regularization = v)];

    fn fit(
        params: &EaseParams,
        _: Option<(EaseParams, Self::Fitted)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<Self::Fitted, Refused> {
        params.fit(&bought(fold), run).map(Linear)
    }
}

/// Sparse linear weights, of who bought what at all.
pub struct BoughtSlim;

impl BasketModel for BoughtSlim {
    type Params = SlimParams;
    type Fitted = Linear<Neighbours>;
    const KNOBS: &'static [Knob<SlimParams>] = &[
        refit_knob("regularization", &[15.0, 30.0, 50.0, 100.0, 200.0], |p, v| p.regularization = v),
        refit_knob("busy", &[0.0, 0.2, 0.4, 0.6], |p, v| p.busy = v),
        refit_knob("candidates_max", &[100.0, 200.0], |p, v| p.candidates_max = v as u32),
    ];

    fn fit(
        params: &SlimParams,
        _: Option<(SlimParams, Self::Fitted)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<Self::Fitted, Refused> {
        Ok(Linear(params.fit(&bought(fold), run)))
    }
}

/// Own habits and those of the shoppers most alike.
pub struct Tifu;

impl BasketModel for Tifu {
    type Params = TifuKnnParams;
    type Fitted = TifuKnn;
    const KNOBS: &'static [Knob<TifuKnnParams>] = &[
        knob("own", &[0.3, 0.5, 0.7, 0.9], |p, v| p.own = v),
        knob("group_len", &[1.0, 2.0, 3.0, 5.0, 7.0], |p, v| p.decay.group_len = v as u32),
        knob("across", &[0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], |p, v| p.decay.across = v),
        knob("within", &[0.7, 0.8, 0.9, 0.95, 1.0], |p, v| p.decay.within = v),
        knob("neighbours", &[50.0, 100.0, 300.0, 600.0], |p, v| p.neighbours = v as u32),
        knob("power", &[0.0, 0.5, 1.0, 2.0, 3.0], |p, v| p.power = v),
    ];

    fn fit(
        params: &TifuKnnParams,
        _: Option<(TifuKnnParams, TifuKnn)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<TifuKnn, Refused> {
        Ok(params.fit(&fold.orders, run))
    }
}

/// Habits, what goes with what, and what is bought again.
pub struct Next;

impl BasketModel for Next {
    type Params = NextBasketParams;
    type Fitted = NextBasket;
    const KNOBS: &'static [Knob<NextBasketParams>] = &[
        knob("repeat", &[1.0, 2.0, 4.0, 6.0, 9.0, 14.0], |p, v| p.mix.repeat = v),
        knob("rebuy", &[0.0, 0.15, 0.3, 0.5, 0.7], |p, v| p.mix.rebuy = v),
        knob("own", &[0.3, 0.4, 0.5, 0.6, 0.7, 0.8], |p, v| p.habits.own = v),
        knob("linear", &[0.1, 0.2, 0.3, 0.4, 0.6, 1.0], |p, v| p.mix.linear = v),
        knob("group_len", &[1.0, 2.0, 3.0, 5.0], |p, v| p.habits.decay.group_len = v as u32),
        knob("across", &[0.3, 0.4, 0.5, 0.6, 0.8], |p, v| p.habits.decay.across = v),
        knob("within", &[0.8, 0.9, 0.95, 1.0], |p, v| p.habits.decay.within = v),
        knob("neighbours", &[100.0, 300.0, 600.0], |p, v| p.habits.neighbours = v as u32),
        knob("power", &[0.0, 1.0, 2.0, 3.0], |p, v| p.habits.power = v),
        refit_knob("regularization", &[30.0, 60.0, 120.0], |p, v| p.linear.regularization = v),
    ];

    fn fit(
        params: &NextBasketParams,
        before: Option<(NextBasketParams, NextBasket)>,
        fold: &Fold,
        run: FitRun,
    ) -> Result<NextBasket, Refused> {
        Ok(match before {
            Some((old, fitted)) if old.linear == params.linear => {
                params.fit_with(fitted.into_linear(), &fold.orders, run)
            }
            _ => params.fit(&fold.orders, run),
        })
    }
}
