//! Content blocks that a bandit chooses.

use super::explore::Drawn;
use super::{Ranked, Work};
use crate::context::Context;
use crate::draw::draw;
use bespoke_domain::content::Bandit;
use bespoke_domain::{BlockNo, Candidate};

/// The bandit that chooses; none for whom personalization is measured against: they get the first block.
pub(super) fn bandit<'a>(context: &Context<'a>) -> Option<&'a Bandit> {
    context.planned?.placement.bandit.as_ref().filter(|_| !context.assigned.is_held)
}

impl Work<'_> {
    /// Lets the bandit choose among those that no rule placed.
    pub(super) fn draw_blocks(
        &mut self,
        context: &Context<'_>,
        bandit: &Bandit,
        mut ranked: Vec<Ranked>,
        free: usize,
    ) -> Vec<usize> {
        ranked.sort_unstable_by_key(|one| self.pool.all[one.at].candidate);
        let number = |one: &Ranked| match self.pool.all[one.at].candidate {
            Candidate::Content(block) => Some((block, one.at)),
            Candidate::Product(_) | Candidate::Category(_) => None,
        };
        let (blocks, places): (Vec<BlockNo>, Vec<usize>) = ranked.iter().filter_map(number).unzip();
        if free > 0 && !blocks.is_empty() {
            let factors: Vec<f32> = places.iter().map(|at| self.pool.all[*at].factor).collect();
            let (draw, drawn) = draw(context, bandit, (&blocks, &factors), free);
            self.draw = Some(draw);
            let one =
                |(at, probability): (usize, f32)| Drawn { at: places[at], probability, is_early: false };
            self.drawn = drawn.into_iter().map(one).collect();
        }
        let chosen: Vec<usize> = self.drawn.iter().map(|one| one.at).collect();
        let not_in_top = self.remover("not_in_top");
        let rest: Vec<usize> = ranked.iter().map(|one| one.at).filter(|at| !chosen.contains(at)).collect();
        rest.into_iter().for_each(|at| self.leave_out(at, not_in_top));
        chosen
    }
}
