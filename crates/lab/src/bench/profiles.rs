//! What profiles weigh: a million shoppers, each with as many recent events as a profile keeps (among them
//! four cart lines and two purchases), folded in round by round.

use super::stats::resident_gib;
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_domain::{Consent, Event, EventKind, Millis, Offset, ProductNo, ShopperNo};
use bespoke_engine::profile::RECENT_MAX;
use bespoke_engine::profiles::Profiles;
use std::time::Instant;

/// Measures GiB by the growth of this process, and nanoseconds an event.
///
/// # Errors
/// When the process's memory cannot be read.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let shoppers = options.scaled(1_000_000);
    let before = resident_gib("self")?;
    let profiles = Profiles::default();
    let started = Instant::now();
    let mut offset = Offset(0);
    for round in 0..RECENT_MAX as u32 {
        let kind = match round % 25 {
            11 | 23 => EventKind::AddToCart,
            24 => EventKind::Purchase,
            _ => EventKind::ViewItem,
        };
        let mut event = Event::new(kind, Millis(1_735_689_600_000 + i64::from(round) * 60_000));
        event.consent = Consent::GRANTED;
        for shopper in 0..shoppers {
            offset = offset.next();
            let product = ProductNo(shopper.wrapping_mul(31).wrapping_add(round * 7_919) % 1_000_000);
            profiles.change(ShopperNo(shopper), |profile| profile.absorb(offset, &event, &[product]));
        }
    }
    let nanos = started.elapsed().as_secs_f64() * 1e9 / offset.0.max(1) as f64;
    let full = (0..shoppers).step_by(997).filter_map(|no| profiles.get(ShopperNo(no)));
    assert!(full.map(|profile| profile.recent().len()).all(|len| len == RECENT_MAX), "profiles are full");
    let gib = resident_gib("self")? - before;
    let figure = |name, value| Figure { bench: "profiles", name, value };
    Ok(vec![
        figure("gib", gib),
        figure("bytes_each", gib * f64::from(1 << 30) / f64::from(shoppers)),
        figure("absorb_ns", nanos),
    ])
}
