//! Numbers that look random and follow from a seed: SplitMix64 (Steele, Lea, Flood 2014), so that a fit gives the same
//! model again.

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..n; 0 for n = 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_mean_nought_and_variance_one() {
        let mut seeded = Seeded::new(7);
        let rolls: Vec<f64> = (0..50_000).map(|_| seeded.normal()).collect();
        let mean = |of: &dyn Fn(f64) -> f64| rolls.iter().map(|roll| of(*roll)).sum::<f64>() / 50_000.0;
        assert!(mean(&|x| x).abs() < 0.02 && (mean(&|x| x * x) - 1.0).abs() < 0.03);
        assert!((0..100).all(|_| seeded.below(3) < 3) && seeded.below(0) == 0);
        assert_eq!(Seeded::new(5).bits(), Seeded::new(5).bits());
    }
}
