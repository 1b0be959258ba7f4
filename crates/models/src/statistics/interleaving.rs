//! Two rankings in one list, and which of them the clicks prefer: team-draft interleaving (Radlinski, Kurup and Joachims, CIKM 2008).
//! Each shopper is shown both, so what differs between shoppers does not count. A product that both would put next belongs to neither: a click on it
//! says nothing about which is better.

use super::moments::Unit;
use super::sample::{Effect, Sample};
use bespoke_domain::experiment::Team;

/// A product of the list and whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed<T> {
    /// The product.
    pub item: T,
    /// The ranking that put it there; `None` where both would have, or where the other had no more.
    pub team: Option<Team>,
}

/// The list of `len` products. In each round the ranking with fewer products puts its best that is not there yet; at equal numbers `coin` decides, true
/// for the treated one. Rankings MUST NOT repeat products; equal scores are put in one order before. What does not `fit` what is listed so far is passed by.
pub fn team_draft<T: Copy + PartialEq>(
    (control, treated): (&[T], &[T]),
    len: usize,
    fits: impl Fn(&[Placed<T>], T) -> bool,
    mut coin: impl FnMut() -> bool,
) -> Vec<Placed<T>> {
    let mut list: Vec<Placed<T>> = Vec::with_capacity(len);
    let mut ahead = 0_i64;
    while list.len() < len {
        let next = |ranking: &[T]| {
            let is_free = |item: &T| list.iter().all(|placed| placed.item != *item) && fits(&list, *item);
            ranking.iter().copied().find(is_free)
        };
        let placed = match (next(control), next(treated)) {
            (None, None) => break,
            (Some(item), None) | (None, Some(item)) => Placed { item, team: None },
            (Some(item), Some(same)) if item == same => Placed { item, team: None },
            (Some(of_control), Some(of_treated)) => {
                if ahead < 0 || (ahead == 0 && coin()) {
                    Placed { item: of_treated, team: Some(Team::Treated) }
                } else {
                    Placed { item: of_control, team: Some(Team::Control) }
                }
            }
        };
        ahead += match placed.team {
            Some(Team::Treated) => 1,
            Some(Team::Control) => -1,
            None => 0,
        };
        list.push(placed);
    }
    list
}

/// Who won a list by the products that were clicked or bought: 1 for the treated ranking, −1 for the control, 0 for neither.
pub fn credit<T: PartialEq>(list: &[Placed<T>], chosen: &[T]) -> i64 {
    let of = |team| {
        list.iter().filter(|placed| placed.team == Some(team) && chosen.contains(&placed.item)).count()
    };
    (of(Team::Treated) as i64 - of(Team::Control) as i64).signum()
}

/// A shopper's lists as a unit: what was won and lost over the number of lists in which somebody won. [`preference`] reads the
/// moments' ratio of them.
pub fn unit(credits: &[i64]) -> Unit {
    let decided = credits.iter().filter(|credit| **credit != 0).count() as i64;
    Unit { value: credits.iter().sum(), denominator: decided, ..Unit::default() }
}

/// The share of decided lists that the treated ranking won less that which the control won, −1 to 1, with its error over
/// shoppers; `wins` is the ratio of [`unit()`]s.
pub fn preference(wins: &Sample) -> Effect {
    Effect { estimate: wins.mean, error: wins.error(), degrees: wins.count - 1.0, count: wins.count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;
    use crate::statistics::moments::{Limits, Moments};
    use crate::statistics::sample::Look;

    fn teams(list: &[Placed<u32>]) -> Vec<(u32, Option<Team>)> {
        list.iter().map(|placed| (placed.item, placed.team)).collect()
    }

    #[test]
    fn what_both_would_put_next_is_nobodys() {
        let list = team_draft((&[1, 2, 3, 4], &[1, 3, 2, 5]), 5, |_, _| true, || true);
        let (control, treated) = (Some(Team::Control), Some(Team::Treated));
        // After 3 both would put 2 next; after 4 the control has no more.
        assert_eq!(teams(&list), [(1, None), (3, treated), (2, None), (4, control), (5, None)]);
        assert_eq!((credit(&list, &[1]), credit(&list, &[1, 3]), credit(&list, &[3, 4])), (0, 1, 0));
        assert_eq!(credit(&list, &[2, 4, 5]), -1);
    }

    #[test]
    fn equal_rankings_are_nobodys_and_short_ones_end() {
        let list = team_draft((&[1, 2, 3], &[1, 2, 3]), 9, |_, _| true, || true);
        assert!(list.len() == 3 && list.iter().all(|placed| placed.team.is_none()));
        assert_eq!(teams(&team_draft((&[], &[7]), 2, |_, _| true, || false)), [(7, None)]);
    }

    /// Shoppers who click each of the first five products with these chances, in lists of both rankings.
    fn tested(seed: u64, shoppers: usize, appeal: impl Fn(u32) -> f64, rankings: [&[u32]; 2]) -> Effect {
        let mut seeded = Seeded::new(seed);
        let mut moments = Moments::default();
        for _ in 0..shoppers {
            let taste = seeded.unit();
            let lists = 1 + seeded.below(4);
            let mut credits = Vec::new();
            for _ in 0..lists {
                let list = team_draft((rankings[0], rankings[1]), 5, |_, _| true, || seeded.unit() < 0.5);
                let clicked: Vec<u32> = list
                    .iter()
                    .map(|placed| placed.item)
                    .filter(|item| seeded.unit() < taste * appeal(*item))
                    .collect();
                credits.push(credit(&list, &clicked));
            }
            moments.add(&unit(&credits), &Limits::NONE);
        }
        preference(&moments.ratio())
    }

    #[test]
    fn the_better_ranking_is_preferred_and_equally_good_ones_are_not() {
        let (control, treated): (&[u32], &[u32]) = (&[1, 2, 3, 4, 5, 6, 7, 8], &[1, 6, 7, 8, 2, 3, 4, 5]);
        let better = tested(1, 3000, |item| if item >= 6 { 0.5 } else { 0.3 }, [control, treated]);
        assert!(better.interval(0.05, Look::Once).low > 0.0);
        let wrong = (0..400).filter(|run| tested(100 + run, 300, |_| 0.4, [control, treated]).p() < 0.05);
        let share = wrong.count() as f64 / 400.0;
        assert!(share < 0.05 + 2.0 * 0.011, "false positives: {share}");
    }
}
