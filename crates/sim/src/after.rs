//! What shoppers do besides browsing and buying: they filter, dismiss, rate, ask for help, and get mail. Rolled with dice of
//! its own, so that it does not change what they browse and buy.

use crate::catalogue::Product;
use crate::dice::{Dice, What};
use crate::truth;
use crate::visit::Visit;
use bespoke_domain::event::{Details, PageType};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Event, EventKind, Millis, Purpose};

/// What follows a mail, of those that arrive: kind, and the share of those of the kind before.
const AFTER_MAIL: [(EventKind, f64); 3] =
    [(EventKind::MessageOpened, 0.4), (EventKind::MessageClicked, 0.25), (EventKind::MessageConverted, 0.15)];

/// Adds the events that go with a visit, those at its end first.
pub(crate) fn add(visit: &mut Visit<'_>, leaf: u32, bought: &[Product]) {
    let mut dice = Dice::new(visit.shop.params.seed, What::After, visit.no);
    let end = visit.facts.last().map_or(visit.time, |fact| fact.event.time);
    if visit.is_signed_in && dice.happens(0.3) {
        say(visit, EventKind::Identify, end.plus(1_000), &[], Details::default());
    }
    if dice.happens(0.05) {
        say(visit, EventKind::FilterApplied, end.plus(2_000), &[], Details::default());
    }
    dismiss_or_unsave(visit, &mut dice, leaf, end);
    for product in bought {
        rate(visit, &mut dice, product, end);
    }
    if !bought.is_empty() && dice.happens(0.05) {
        let reason = ["delivery", "size", "defect"][dice.below(3) as usize];
        let details = Details {
            reason: Some(reason.into()),
            outcome: Some(if dice.happens(0.8) { "solved" } else { "refunded" }.into()),
            ..Details::default()
        };
        say(visit, EventKind::SupportContact, end.plus(4 * DAY_MS), &bought[..1], details);
    }
    if bought.is_empty() && visit.shopper.consent.allows(Purpose::Marketing) && dice.happens(0.1) {
        mail(visit, &mut dice, end.plus(DAY_MS));
    }
}

/// What a shopper would never take is dismissed now and then; what was saved is let go.
fn dismiss_or_unsave(visit: &mut Visit<'_>, dice: &mut Dice, leaf: u32, end: Millis) {
    let no = visit.shop.row_of(leaf, dice.below(visit.shop.group_count(leaf)), 0);
    let product = visit.shop.product(no);
    let wanted = truth::utility(visit.shop, &visit.shopper, &product);
    if dice.happens(0.05 * (1.0 - truth::click_if_seen(wanted))) {
        let details = Details { reason: Some("not_for_me".into()), ..Details::default() };
        say(visit, EventKind::DismissItem, end.plus(3_000), std::slice::from_ref(&product), details);
    } else if dice.happens(0.01) {
        say(visit, EventKind::RemoveFromWishlist, end.plus(3_000), &[product], Details::default());
    }
}

fn rate(visit: &mut Visit<'_>, dice: &mut Dice, product: &Product, end: Millis) {
    if dice.happens(0.15) {
        let stars = truth::rating(visit.shop, &visit.shopper, product, dice.unit());
        let details = Details { rating: Some(stars), ..Details::default() };
        say(visit, EventKind::RateItem, end.plus(10 * DAY_MS), std::slice::from_ref(product), details);
    }
}

fn mail(visit: &mut Visit<'_>, dice: &mut Dice, at: Millis) {
    let details = Details {
        channel: Some("mail".into()),
        message: Some(format!("m-{}", visit.no).into()),
        ..Details::default()
    };
    say(visit, EventKind::MessageSent, at, &[], details.clone());
    if dice.happens(0.02) {
        return say(visit, EventKind::MessageBounced, at.plus(60_000), &[], details);
    }
    let mut time = at;
    for (kind, share) in AFTER_MAIL {
        if !dice.happens(share) {
            break;
        }
        time = time.plus(600_000 + dice.wait(4.0 * 3_600_000.0) as i64);
        say(visit, kind, time, &[], details.clone());
    }
    if dice.happens(0.01) {
        say(visit, EventKind::MessageUnsubscribed, time.plus(60_000), &[], details);
    }
}

fn say(visit: &mut Visit<'_>, kind: EventKind, time: Millis, products: &[Product], details: Details) {
    let event = Event {
        session: visit.no + 1,
        consent: visit.shopper.consent,
        page: PageType::Other,
        items: products.iter().map(|product| visit.item(product, None)).collect(),
        currency: (!products.is_empty()).then_some(bespoke_domain::Currency::EUR),
        details: (details != Details::default()).then(|| Box::new(details)),
        ..Event::new(kind, time)
    };
    visit.push(event);
}
