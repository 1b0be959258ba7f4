//! Gives others a chance where the shopper passed something by again and again.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use crate::profile::seconds;
use crate::shown::TIMES_MAX;
use crate::tables::ParamSpec;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "seen_often",
    doc: "Removes what was in the shopper's view in lists `times` times this week and the week before, without being looked at, carted or bought.",
    plain: "you passed by many times",
    params: &[ParamSpec {
        name: "times",
        doc: "Views in lists that are enough.",
        default: 8.0,
        range: (1.0, TIMES_MAX as f64),
    }],
    hard: false,
    run,
};

fn run(context: &Context<'_>, params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let Some(profile) = context.profile else { return 0 };
    let Some(shown) = profile.shown() else { return 0 };
    let (enough, now_s) = (params[0] as u8, seconds(context.request.now));
    pool.remove(remover, SPEC.hard, |one| {
        let Candidate::Product(product) = one.candidate else { return false };
        shown.times(product, now_s) >= enough
            && !profile.recent().iter().any(|act| act.product == product)
            && !profile.bought().iter().any(|held| held.product == product)
    })
}
