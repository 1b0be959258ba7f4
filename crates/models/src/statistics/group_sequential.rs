//! Boundaries for a few looks that were planned before: at each of K equally spaced ones z is held against one number. Shorter than what holds at
//! every look, but only if all happen as planned. O'Brien and Fleming (Biometrics 1979) are strict at first, Pocock (Biometrika 1977) alike at
//! all. Constants by integrating the walk of the sum over the looks (Armitage, McPherson and Rowe 1969).

use super::distributions::{normal, normal_density};

/// How strict the looks are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// |z| at look k of K is held against c √(K/k).
    ObrienFleming,
    /// Against c at each.
    Pocock,
}

/// Intervals of the grid (even): constants are right to 1e-5.
const STEPS: usize = 200;

/// |z| above which each of `looks` rejects, with error `alpha` of the first kind over all of them. Up to twenty looks make sense.
pub fn boundaries(looks: usize, alpha: f64, shape: Shape) -> Vec<f64> {
    let at = |constant: f64| -> Vec<f64> {
        let one = |look: usize| match shape {
            Shape::ObrienFleming => constant * (looks as f64 / look as f64).sqrt(),
            Shape::Pocock => constant,
        };
        (1..=looks).map(one).collect()
    };
    let (mut low, mut high) = (0.5, 8.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if error_of(&at(middle)) > alpha { low = middle } else { high = middle }
    }
    at(0.5 * (low + high))
}

/// Probability that a walk without drift is beyond a boundary at any look.
fn error_of(boundaries: &[f64]) -> f64 {
    let mut crossed = 2.0 * normal(-boundaries[0]);
    // Density of the sum of k standard normals on those paths that have not crossed, on a grid between the boundaries.
    let mut grid = Grid::new(boundaries[0]);
    let mut density: Vec<f64> = grid.points().map(normal_density).collect();
    for (before, boundary) in boundaries.iter().enumerate().skip(1) {
        let limit = boundary * ((before + 1) as f64).sqrt();
        let beyond = |from: f64| normal(from - limit) + normal(-from - limit);
        crossed += grid.integral(&density, beyond);
        let next = Grid::new(limit);
        density = next.points().map(|to| grid.integral(&density, |from| normal_density(to - from))).collect();
        grid = next;
    }
    crossed
}

/// Points from −limit to limit, evenly.
struct Grid {
    limit: f64,
}

impl Grid {
    fn new(limit: f64) -> Self {
        Self { limit }
    }

    fn points(&self) -> impl Iterator<Item = f64> {
        let limit = self.limit;
        (0..=STEPS).map(move |at| limit * (2.0 * at as f64 / STEPS as f64 - 1.0))
    }

    /// Simpson's rule for density times `of`.
    fn integral(&self, density: &[f64], of: impl Fn(f64) -> f64) -> f64 {
        let weight = |at: usize| match at {
            0 | STEPS => 1.0,
            _ if at % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let sum: f64 =
            self.points().zip(density).enumerate().map(|(at, (x, d))| weight(at) * d * of(x)).sum();
        sum * 2.0 * self.limit / STEPS as f64 / 3.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: &[f64], wanted: &[f64]) {
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 6e-4), "{found:?} is not {wanted:?}");
    }

    #[test]
    fn published_constants() {
        let strict = boundaries(5, 0.05, Shape::ObrienFleming);
        near(&strict[4..], &[2.040]);
        // The others are published as multiples of the rounded last one, cut off after three digits.
        let published = [4.561, 3.225, 2.633, 2.280];
        assert!(
            strict.iter().zip(published).all(|(found, wanted)| (0.0..1.1e-3).contains(&(found - wanted)))
        );
        near(&boundaries(5, 0.05, Shape::Pocock), &[2.413; 5]);
        near(&boundaries(2, 0.05, Shape::Pocock), &[2.178; 2]);
        near(&boundaries(1, 0.05, Shape::Pocock), &[1.960]);
    }
}
