//! Removes what the shopper bought lately.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use crate::profile::{Profile, seconds};
use crate::tables::ParamSpec;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "already_bought",
    doc: "Removes what the shopper bought within the last `days`.",
    plain: "you bought lately",
    params: &[ParamSpec {
        name: "days",
        doc: "How long a purchase counts, in days.",
        default: 90.0,
        range: (0.0, 3650.0),
    }],
    hard: false,
    run,
};

fn run(context: &Context<'_>, params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let since_s = i64::from(seconds(context.request.now)) - (params[0] * 86_400.0) as i64;
    let bought = context.profile.map_or(&[][..], Profile::bought);
    let lately = bought.iter().filter(|held| i64::from(held.time_s) >= since_s);
    pool.remove_listed(remover, SPEC.hard, lately.map(|held| Candidate::Product(held.product)))
}
