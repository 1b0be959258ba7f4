//! Numbers that look random and follow from a key alone: SplitMix64 (Steele, Lea, Flood 2014), started from a seed, a
//! purpose and a number, so that the thousandth product is rolled without rolling the 999 before it.

/// What is rolled; two purposes never share a sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each names the thing whose facts are rolled")]
pub enum What {
    Leaf = 1,
    Brand,
    Group,
    Row,
    Shopper,
    Visit,

    Days,
    After,
    Narrow,
    Search,
}

/// A sequence of rolls.
#[derive(Clone, Debug)]
pub struct Dice(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// The sequence of the thing numbered `no`.
    pub fn new(seed: u64, what: What, no: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(STEP)) ^ mix((what as u64) << 56 ^ no.wrapping_mul(STEP))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..n; 0 for n = 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u32
    }

    /// True with probability `p`.
    pub fn happens(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// In 0..n, small numbers more often: `n · u^power`.
    pub fn skewed(&mut self, n: u32, power: f64) -> u32 {
        ((f64::from(n) * libm::pow(self.unit(), power)) as u32).min(n.saturating_sub(1))
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// Exponential with this mean.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// One of `all`, which MUST NOT be empty.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u32) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolls_follow_from_the_key_and_keys_differ() {
        let roll = |seed, what, no| Dice::new(seed, what, no).unit();
        assert_eq!(roll(1, What::Row, 7).to_bits(), roll(1, What::Row, 7).to_bits());
        let others = [roll(2, What::Row, 7), roll(1, What::Group, 7), roll(1, What::Row, 8)];
        assert!(others.iter().all(|other| *other != roll(1, What::Row, 7)));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut dice = Dice::new(3, What::Days, 0);
        let n = 100_000;
        let (mut sum, mut squares, mut units, mut waits) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..n {
            let normal = dice.normal();
            sum += normal;
            squares += normal * normal;
            units += dice.unit();
            waits += dice.wait(3.0);
        }
        let mean = |total: f64| total / f64::from(n);
        assert!(mean(sum).abs() < 0.01 && (mean(squares) - 1.0).abs() < 0.02);
        assert!((mean(units) - 0.5).abs() < 0.005 && (mean(waits) - 3.0).abs() < 0.05);
    }
}
