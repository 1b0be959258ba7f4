//! How many different shoppers: who they are only until there are enough, then an estimate that names nobody.

use super::CROWD;
use bespoke_domain::ShopperNo;
use serde::{Deserialize, Serialize};

/// Words of bits that the estimate is made from.
const WORDS: usize = 2;
/// Most shoppers that an estimate says.
pub const COUNTED_MAX: u32 = 500;

/// Different shoppers, in 24 bytes. Below [`CROWD`] it knows who, so that one who withdraws can be taken out again and one who comes
/// back is not counted twice. From there on a shopper is one of 128 bits, which every 128th shares, and the number is that of linear counting
/// (Whang, Vander-Zanden, Taylor 1990), with a standard error of 7 % at a hundred.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Crowd {
    /// So many, in the order of their numbers; the rest is 0.
    Few(u8, [ShopperNo; CROWD - 1]),
    /// A bit each.
    Many([u64; WORDS]),
}

impl Default for Crowd {
    fn default() -> Self {
        Self::Few(0, Default::default())
    }
}

impl Crowd {
    /// Takes a shopper in. `root` tells under which number a shopper is kept now: two that turn out to be one count once, as long as
    /// it is known who they are.
    pub fn join(&mut self, shopper: ShopperNo, root: impl Fn(ShopperNo) -> ShopperNo) {
        if let Self::Many(bits) = self {
            return mark(bits, root(shopper));
        }
        let mut all: Vec<ShopperNo> = self.known().iter().copied().chain([shopper]).map(root).collect();
        all.sort_unstable();
        all.dedup();
        *self = if all.len() < CROWD {
            Self::few(&all)
        } else {
            let mut bits = [0; WORDS];
            all.iter().for_each(|one| mark(&mut bits, *one));
            Self::Many(bits)
        };
    }

    /// Takes a shopper out again, where it is still known that they are in.
    pub fn forget(&mut self, shopper: ShopperNo) {
        if self.has(shopper) {
            let others: Vec<ShopperNo> = self.known().iter().copied().filter(|one| *one != shopper).collect();
            *self = Self::few(&others);
        }
    }

    /// Whether it is known that a shopper is in.
    pub fn has(&self, shopper: ShopperNo) -> bool {
        self.known().contains(&shopper)
    }

    /// Whether there are so many that what they did may be shown.
    pub fn is_enough(&self) -> bool {
        matches!(self, Self::Many(_))
    }

    /// How many: exact below [`CROWD`], from there on an estimate of [`COUNTED_MAX`] at most.
    pub fn count(&self) -> u32 {
        let Self::Many(bits) = self else { return self.known().len() as u32 };
        let size = f64::from(u64::BITS) * WORDS as f64;
        let open: u32 = bits.iter().map(|word| word.count_zeros()).sum();
        // Where no bit is open there may be any number.
        let estimate = -size * libm::log(f64::from(open.max(1)) / size);
        (libm::round(estimate) as u32).clamp(CROWD as u32, COUNTED_MAX)
    }

    fn few(all: &[ShopperNo]) -> Self {
        let mut who = [ShopperNo::default(); CROWD - 1];
        who[..all.len()].copy_from_slice(all);
        Self::Few(all.len() as u8, who)
    }

    fn known(&self) -> &[ShopperNo] {
        match self {
            Self::Few(count, who) => &who[..usize::from(*count).min(who.len())],
            Self::Many(_) => &[],
        }
    }
}

fn mark(bits: &mut [u64; WORDS], shopper: ShopperNo) {
    // SplitMix64's last steps (Steele, Lea, Flood 2014): numbers are dense, bits must not be.
    let mut hash = u64::from(shopper.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let place = (hash ^ (hash >> 31)) as usize % (WORDS * u64::BITS as usize);
    bits[place / u64::BITS as usize] |= 1 << (place % u64::BITS as usize);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shoppers: impl Iterator<Item = u32>) -> Crowd {
        let mut crowd = Crowd::default();
        shoppers.for_each(|one| crowd.join(ShopperNo(one), |no| no));
        crowd
    }

    #[test]
    fn one_who_comes_again_and_again_is_one() {
        assert_eq!(of(std::iter::repeat_n(7, 1_000)).count(), 1);
        let four = of((0..4_000).map(|no| no % 4));
        assert_eq!((four.count(), four.is_enough()), (4, false));
        let five = of((0..5_000).map(|no| no % 5));
        assert_eq!((five.count(), five.is_enough(), five.has(ShopperNo(1))), (5, true, false));
    }

    #[test]
    fn identities_of_one_shopper_count_once_and_who_withdraws_is_taken_out() {
        let mut crowd = Crowd::default();
        (0..20).for_each(|one| crowd.join(ShopperNo(one), |no| ShopperNo(no.0 % 4)));
        assert_eq!(crowd, of(0..4));
        crowd.forget(ShopperNo(2));
        crowd.forget(ShopperNo(9));
        assert_eq!(crowd, of([0, 1, 3].into_iter()));
    }

    #[test]
    fn estimates_are_near_and_end() {
        for (count, least, most) in [(10, 8, 12), (50, 42, 58), (100, 83, 117), (200, 160, 240)] {
            for start in [0, 1_000, 77_777] {
                let estimate = of(start..start + count).count();
                assert!((least..=most).contains(&estimate), "{count} from {start}: {estimate}");
            }
        }
        assert_eq!(of(0..100_000).count(), COUNTED_MAX);
        assert_eq!(size_of::<Crowd>(), 24);
    }
}
