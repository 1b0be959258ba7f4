//! What every model under test offers: parameters with knobs to turn, fitting, predicting.

use crate::session_data::Session;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Millis, ProductNo};
use bespoke_models::scratch::Scratch;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Days over which the training sessions are spread evenly, since the files carry no time.
pub const SPAN_DAYS: i64 = 180;

/// One parameter and the values that tuning tries.
pub struct Knob<P> {
    /// Its name.
    pub name: &'static str,
    /// What it may be set to.
    pub values: &'static [f32],
    /// Sets it.
    pub set: fn(&mut P, f32),
    /// Whether it changes what is fitted, rather than how it is asked.
    pub refits: bool,
}

/// A knob for how a fitted model is asked.
pub const fn knob<P>(name: &'static str, values: &'static [f32], set: fn(&mut P, f32)) -> Knob<P> {
    Knob { name, values, set, refits: false }
}

/// A knob for what is fitted.
pub const fn refit_knob<P>(name: &'static str, values: &'static [f32], set: fn(&mut P, f32)) -> Knob<P> {
    Knob { name, values, set, refits: true }
}

/// A model under test.
pub trait Model: Sized + Sync {
    /// Plain data; the default is what serves.
    type Params: Copy + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// What tuning turns, in this order.
    const KNOBS: &'static [Knob<Self::Params>];

    /// Learns from sessions in time order.
    fn fit(params: &Self::Params, sessions: &[Session]) -> Self;

    /// The `limit` most likely next items, best first.
    fn predict(
        &self,
        params: &Self::Params,
        session: &[ProductNo],
        limit: usize,
        scratch: &mut Scratch,
    ) -> Vec<(f32, ProductNo)>;
}

/// The moment at which session `index` of `count` happens.
pub fn moment(index: usize, count: usize) -> Millis {
    Millis(SPAN_DAYS * DAY_MS * index as i64 / count.max(1) as i64)
}

/// The moment after the last training session, at which everything is predicted.
pub fn now() -> Millis {
    Millis(SPAN_DAYS * DAY_MS)
}
