//! Slopes against finite differences.

use super::*;
use bespoke_domain::ProductNo;

fn small() -> Training {
    let mut seeded = Seeded::new(5);
    let sequences = (0..6).map(|row| (0..3 + row).map(|_| ProductNo(seeded.below(19) as u32)).collect());
    let attributes =
        Interactions::new((0..20_u32).map(|product| [(ProductNo(product % 4), 1.0), (ProductNo(4), 1.0)]));
    let data = SequenceData { sequences: sequences.collect(), product_count: 20, attributes };
    let params = SequenceParams {
        width: 32,
        inner: 16,
        heads: 2,
        layers: 2,
        reach: 5,
        dropout: 0.3,
        id_dropout: 0.3,
        ..SequenceParams::default()
    };
    let mut training = Training::new(&params, &data, FitRun { seed: 3, threads: 2 });
    // Far from where training starts, so that every part has a say.
    training.weights.iter_mut().for_each(|weight| *weight += (0.2 * seeded.normal()) as f32);
    training
}

#[test]
fn slopes_are_those_of_finite_differences() {
    let mut training = small();
    let batch: Vec<u32> = (0..training.sequences.len() as u32).collect();
    let (_, count) = training.slopes_of(&batch);
    let slopes = training.slopes.clone();
    let mut seeded = Seeded::new(9);
    let [_, _, tower] = training.spans();
    let layout = training.layout.clone();
    let starts = layout.layers.iter().flat_map(|layer| [layer.distances.start, layer.up_bias.start]);
    let mut places: Vec<usize> = starts.map(|start| tower.start + start).collect();
    places.extend((0..400).map(|_| seeded.below(slopes.len())));
    let greatest = f64::from(slopes.iter().fold(0.0_f32, |most, slope| most.max(slope.abs())));
    let mut off = Vec::new();
    for &place in &places {
        let at = training.weights[place];
        let slope = f64::from(slopes[place]);
        let mut difference = |step: f32| {
            let mut loss = |value| {
                training.weights[place] = value;
                training.slopes_of(&batch).0 / count as f64
            };
            (loss(at + step) - loss(at - step)) / f64::from(2.0 * step)
        };
        // A shorter step where the long one goes over the edge of a feed-forward layer.
        let [long, short] = [4e-3, 1e-3].map(&mut difference);
        training.weights[place] = at;
        let is_off = |difference: f64| (difference - slope).abs() > 2e-2 * slope.abs() + 2e-3 * greatest;
        if is_off(long) && is_off(short) {
            off.push((place, slope, long, short));
        }
    }
    assert!(off.len() * 100 <= places.len(), "{off:?}");
}
