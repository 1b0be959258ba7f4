//! A simulated shop that shows the worse products first, to shoppers who look at the first places: clicks weighted by
//! clipped inverse propensities (Joachims et al., WSDM 2017) recover the true order, plain clicks do not.

use crate::gbdt::noise;
use bespoke_models::gbdt::{Gbdt, GbdtParams, LambdaRank, Loss, Rows};

const PRODUCTS: usize = 10;
/// Largest weight of a click.
const CLIP: f32 = 20.0;

/// Probability of a click on a product once it is looked at: the higher the number, the better.
fn appeal(product: usize) -> f32 {
    0.25 + 0.06 * product as f32
}

/// Probability that a place is looked at.
fn looked_at(place: usize) -> f32 {
    1.0 / (1 + place) as f32
}

/// Slates of the logging policy with what was clicked; a weight a row is 1 over the logged propensity of its place.
fn log(slates: usize) -> Rows {
    let mut noise = noise(21);
    let (mut values, mut labels, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..slates {
        // The worst products first, now and then two exchanged.
        let mut slate: Vec<usize> = (0..PRODUCTS).collect();
        for _ in 0..3 {
            let (a, b) = ((noise() * 9.99) as usize, (noise() * 9.99) as usize);
            slate.swap(a, b);
        }
        for (place, &product) in slate.iter().enumerate() {
            values.extend([product as f32, noise()]);
            labels.push(f32::from(u8::from(noise() < looked_at(place) * appeal(product))));
            weights.push((1.0 / looked_at(place)).min(CLIP));
        }
    }
    let rows = Rows::new(2, values, labels).expect("sound");
    let rows = rows.grouped(vec![PRODUCTS as u32; slates]).expect("whole slates");
    rows.weighted(weights).expect("sound")
}

fn unweighted(rows: &Rows) -> Rows {
    let plain = Rows::new(2, rows.values().to_vec(), rows.labels().to_vec()).expect("sound");
    plain.grouped(rows.groups().to_vec()).expect("whole slates")
}

/// Share of pairs of products in the true order.
fn right_pairs(rows: &Rows) -> f64 {
    let loss = Loss::LambdaRank(LambdaRank::default());
    let params = GbdtParams { loss, trees: 50, leaves: 10, rows_in_leaf_min: 500, ..GbdtParams::default() };
    let model = Gbdt::fit(&params, rows, 1).expect("sound");
    let mut scores = Vec::new();
    model.score(&(0..PRODUCTS).flat_map(|product| [product as f32, 0.5]).collect::<Vec<_>>(), &mut scores);
    let pairs = (0..PRODUCTS).flat_map(|low| (low + 1..PRODUCTS).map(move |high| (low, high)));
    let right = pairs.clone().filter(|&(low, high)| scores[high] > scores[low]).count();
    right as f64 / pairs.count() as f64
}

#[test]
fn inverse_propensities_recover_the_true_order_and_plain_clicks_do_not() {
    let logged = log(40_000);
    let (corrected, plain) = (right_pairs(&logged), right_pairs(&unweighted(&logged)));
    assert!(corrected >= 0.93, "corrected {corrected}, plain {plain}");
    assert!(plain <= 0.7, "corrected {corrected}, plain {plain}");
}
