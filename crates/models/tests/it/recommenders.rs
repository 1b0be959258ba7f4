//! One suite for every recommender, in one table: a known answer, the same seed = the same bytes whatever the threads, no
//! product that is not known, saved and loaded the same, many at once = each alone, odd input.

use bespoke_domain::ProductNo;
use bespoke_models::als::AlsParams;
use bespoke_models::als_solve::Solver;
use bespoke_models::ease::{EaseParams, PRODUCTS_MAX, Refused};
use bespoke_models::graph_filter::{GraphFilter, GraphFilterParams};
use bespoke_models::interactions::Interactions;
use bespoke_models::item_knn::{ItemKnnParams, Similarity};
use bespoke_models::next_basket::NextBasketParams;
use bespoke_models::orders::Orders;
use bespoke_models::recommender::{Ask, FitRun, Recommender, Scores, recommend_each};
use bespoke_models::seeded::Seeded;
use bespoke_models::slim::SlimParams;
use bespoke_models::tifu_knn::TifuKnnParams;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A fitted model and its bytes.
type Fitted = (Box<dyn Recommender>, Vec<u8>);

/// A recommender under test: how it is fitted, and how it comes back from bytes.
struct Entry {
    name: &'static str,
    fit: fn(&Interactions, FitRun) -> Fitted,
    load: fn(&[u8]) -> Box<dyn Recommender>,
}

fn saved<M: Recommender + Serialize + 'static>(model: M) -> Fitted {
    let bytes = postcard::to_allocvec(&model).expect("models are plain data");
    (Box::new(model), bytes)
}

fn load<M: Recommender + DeserializeOwned + 'static>(bytes: &[u8]) -> Box<dyn Recommender> {
    Box::new(postcard::from_bytes::<M>(bytes).expect("just written"))
}

fn knn(similarity: Similarity) -> ItemKnnParams {
    ItemKnnParams { similarity, neighbours_max: 30 }
}

fn als(solver: Solver) -> AlsParams {
    AlsParams { factors: 20, unobserved: 0.1, solver, ..AlsParams::default() }
}

macro_rules! entry {
    ($name:literal, $model:ty, $fit:expr) => {
        Entry { name: $name, fit: |data, run| saved::<$model>($fit(data, run)), load: load::<$model> }
    };
}

/// Every recommender.
fn table() -> [Entry; 11] {
    use bespoke_models::{
        als::Als, ease::Ease, neighbours::Neighbours, next_basket::NextBasket, tifu_knn::TifuKnn,
    };
    [
        entry!("cosine", Neighbours, |data, run| knn(Similarity::Cosine).fit(data, run)),
        entry!("tf-idf", Neighbours, |data, run| knn(Similarity::TfIdf).fit(data, run)),
        entry!("bm25", Neighbours, |data, run| knn(Similarity::Bm25 { k1: 1.2, b: 0.7 }).fit(data, run)),
        entry!("rp3beta", Neighbours, |data, run| {
            knn(Similarity::Rp3Beta { alpha: 0.6, beta: 0.3 }).fit(data, run)
        }),
        entry!("graph filter", GraphFilter, |data, run| {
            GraphFilterParams { neighbours_max: 30, factors: 10, ..GraphFilterParams::default() }
                .fit(data, run)
        }),
        entry!("slim", Neighbours, |data, run| SlimParams::default().fit(data, run)),
        entry!("ease", Ease, |data, run| EaseParams { regularization: 5.0 }.fit(data, run).expect("small")),
        entry!("als exact", Als, |data, run| als(Solver::Cholesky).fit(data, run)),
        entry!("als gradients", Als, |data, run| als(Solver::Cg { steps: 3 }).fit(data, run)),
        entry!("tifu-knn", TifuKnn, |data, run| TifuKnnParams::default().fit(&as_orders(data), run)),
        entry!("next basket", NextBasket, |data, run| NextBasketParams::default().fit(&as_orders(data), run)),
    ]
}

/// What a shopper had to do with n times is in their last n orders.
pub(crate) fn as_orders(data: &Interactions) -> Orders {
    let shoppers = (0..data.row_count()).map(|row| {
        let history = data.history(row);
        let count = history.iter().fold(0.0_f32, |most, one| most.max(one.1)) as usize;
        let order =
            |at: usize| history.iter().filter(move |one| one.1 >= (count - at) as f32).map(|one| one.0);
        (0..count).map(|at| order(at).collect()).collect()
    });
    Orders::new(shoppers.collect()).with_products(data.column_count())
}

const RUN: FitRun = FitRun { seed: 7, threads: 1 };

/// Shoppers and products 0 to 49 of which like goes with like, even with even; but shopper i does not have product i.
fn checkerboard() -> Interactions {
    Interactions::new((0..50_u32).map(|row| -> Vec<_> {
        let like = (0..50).filter(|column| column % 2 == row % 2 && *column != row);
        like.map(|column| (ProductNo(column), 1.0)).collect()
    }))
}

/// 300 shoppers who mostly keep to one of five tastes among 60 products, 4 products that nobody had after them.
pub(crate) fn tastes() -> Interactions {
    let mut seeded = Seeded::new(11);
    let rows = (0..300).map(|row| {
        let mut one = |_| {
            let taste = if seeded.unit() < 0.8 { row % 5 } else { seeded.below(5) };
            (ProductNo((taste * 12 + seeded.below(12)) as u32), 1.0 + seeded.below(3) as f32)
        };
        (0..8).map(&mut one).collect::<Vec<_>>()
    });
    Interactions::new(rows.collect::<Vec<_>>()).with_columns(64)
}

fn top(model: &dyn Recommender, history: &[(ProductNo, f32)], limit: usize) -> Vec<(f32, ProductNo)> {
    let excluded: Vec<_> = history.iter().map(|one| one.0).collect();
    model.recommend(&Ask { history, excluded: &excluded, limit }, &mut Scores::default())
}

#[test]
fn the_missing_square_of_the_checkerboard_is_found() {
    let data = checkerboard();
    for entry in table() {
        let (model, _) = (entry.fit)(&data, RUN);
        for row in 0..50 {
            let answers = top(model.as_ref(), &data.history(row), 1);
            assert_eq!(answers.first().map(|one| one.1), Some(ProductNo(row as u32)), "{}", entry.name);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads() {
    let data = tastes();
    for entry in table() {
        let (_, bytes) = (entry.fit)(&data, RUN);
        for threads in [1, 2, 5] {
            assert!((entry.fit)(&data, FitRun { seed: 7, threads }).1 == bytes, "{}", entry.name);
        }
    }
}

#[test]
fn saved_and_loaded_answers_are_the_same() {
    let data = tastes();
    for entry in table() {
        let (model, bytes) = (entry.fit)(&data, RUN);
        let loaded = (entry.load)(&bytes);
        assert_eq!(loaded.product_count(), 64, "{}", entry.name);
        assert!(model.size_bytes() > 0);
        for row in 0..data.row_count() {
            let history = data.history(row);
            assert_eq!(
                top(model.as_ref(), &history, 10),
                top(loaded.as_ref(), &history, 10),
                "{}",
                entry.name
            );
        }
    }
}

#[test]
fn answers_are_known_products_in_order_without_repeats_and_many_at_once_are_each_alone() {
    let data = tastes();
    for entry in table() {
        let (model, _) = (entry.fit)(&data, RUN);
        let histories: Vec<_> = (0..data.row_count()).map(|row| data.history(row)).collect();
        let excluded = [ProductNo(3), ProductNo(17), ProductNo(9999)];
        let asks: Vec<_> =
            histories.iter().map(|history| Ask { history, excluded: &excluded, limit: 25 }).collect();
        let answers = recommend_each(model.as_ref(), &asks, 2);
        let mut scratch = Scores::default();
        for (ask, answer) in asks.iter().zip(&answers) {
            assert_eq!(model.recommend(ask, &mut scratch), *answer, "{}", entry.name);
            assert!(super::well_formed(answer, 25) && !answer.is_empty(), "{}: {answer:?}", entry.name);
            let is_fair = |one: &(f32, ProductNo)| one.1.0 < 60 && !excluded.contains(&one.1);
            assert!(answer.iter().all(is_fair), "{}: {answer:?}", entry.name);
        }
    }
}

#[test]
fn odd_histories_get_an_answer_without_a_panic() {
    let p = ProductNo;
    let empty = Interactions::new(Vec::<Vec<(ProductNo, f32)>>::new());
    for entry in table() {
        let (model, _) = (entry.fit)(&tastes(), RUN);
        let unknown = [(p(64), 1.0), (p(u32::MAX), 1.0), (p(1), f32::NAN)];
        for history in [&[][..], &unknown[..]] {
            assert_eq!(top(model.as_ref(), history, 10), [], "{}", entry.name);
        }
        assert_eq!(top(model.as_ref(), &[(p(1), 1.0)], 0), [], "{}", entry.name);
        let (nothing, _) = (entry.fit)(&empty, RUN);
        assert_eq!(top(nothing.as_ref(), &[(p(1), 1.0)], 10), [], "{}", entry.name);
        let alone = Interactions::new([[(p(5), 1.0)]]);
        let (alone, _) = (entry.fit)(&alone, RUN);
        assert_eq!(top(alone.as_ref(), &[(p(5), 1.0)], 10), [], "{}", entry.name);
    }
}

#[test]
fn ease_is_the_closed_form_of_an_independent_solve() {
    let data = tastes();
    let count = data.column_count();
    let lambda = 5.0;
    let fitted = EaseParams { regularization: lambda as f32 }.fit(&data, RUN).expect("small");
    // Gauss–Jordan with row exchanges on [G + λI | I], in 64 bits: shares no code with the model.
    let mut wide = vec![vec![0.0_f64; 2 * count]; count];
    for row in 0..data.row_count() {
        let history = data.history(row);
        for &(one, weight) in &history {
            history.iter().for_each(|(other, w)| wide[one.index()][other.index()] += f64::from(weight * w));
        }
    }
    for (at, line) in wide.iter_mut().enumerate() {
        line[at] += lambda;
        line[count + at] = 1.0;
    }
    for at in 0..count {
        let pivot =
            (at..count).max_by(|a, b| wide[*a][at].abs().total_cmp(&wide[*b][at].abs())).expect("some");
        wide.swap(at, pivot);
        let from = wide[at].clone();
        for (row, line) in wide.iter_mut().enumerate() {
            let factor = if row == at { 1.0 - 1.0 / from[at] } else { line[at] / from[at] };
            line.iter_mut().zip(&from).for_each(|(value, from)| *value -= factor * from);
        }
    }
    for i in 0..count {
        for j in 0..count {
            let wanted = if i == j { 0.0 } else { -wide[i][count + j] / wide[j][count + j] };
            let weight = f64::from(fitted.weight(ProductNo(i as u32), ProductNo(j as u32)));
            assert!((weight - wanted).abs() < 1e-4, "{i} {j}: {weight} {wanted}");
        }
    }
}

/// `P = inv(XᵀX + 0.5 I); B = -P / diag(P)`, diagonal nought, of the rows below, by numpy 2 in 64 bits.
const NUMPY: [(u32, u32, f32); 20] = [
    (0, 1, 0.368353),
    (0, 2, 0.004996),
    (0, 3, 0.088496),
    (0, 4, 0.142728),
    (1, 0, 0.369311),
    (1, 2, 0.402998),
    (1, 3, -0.214356),
    (1, 4, 0.254743),
    (2, 0, 0.007802),
    (2, 1, 0.627756),
    (2, 3, 0.668633),
    (2, 4, -0.422764),
    (3, 0, 0.117035),
    (3, 1, -0.282750),
    (3, 2, 0.566195),
    (3, 4, 0.413731),
    (4, 0, 0.205462),
    (4, 1, 0.365759),
    (4, 2, -0.389675),
    (4, 3, 0.450344),
];

#[test]
fn ease_gives_numpys_figures() {
    let rows: [&[u32]; 6] = [&[0, 1, 2], &[0, 1], &[1, 2, 3], &[2, 3], &[0, 3, 4], &[1, 4]];
    let data = Interactions::new(
        rows.map(|row| row.iter().map(|one| (ProductNo(*one), 1.0)).collect::<Vec<(ProductNo, f32)>>()),
    );
    let fitted = EaseParams { regularization: 0.5 }.fit(&data, RUN).expect("small");
    for (i, j, wanted) in NUMPY {
        let weight = fitted.weight(ProductNo(i), ProductNo(j));
        assert!((weight - wanted).abs() < 1e-5, "{i} {j}: {weight} {wanted}");
    }
}

#[test]
fn ease_refuses_what_it_cannot_hold() {
    let large = Interactions::new([[(ProductNo(PRODUCTS_MAX as u32), 1.0)]]);
    let refused = EaseParams::default().fit(&large, RUN).err();
    assert_eq!(refused, Some(Refused::TooManyProducts(PRODUCTS_MAX + 1)));
    assert_eq!(EaseParams { regularization: 0.0 }.fit(&tastes(), RUN).err(), Some(Refused::Regularization));
}

#[test]
fn gradients_come_to_the_exact_solution() {
    let data = tastes();
    let params = |solver, sweeps| AlsParams { sweeps, ..als(solver) };
    let exact = params(Solver::Cholesky, 4).fit(&data, RUN);
    let near = params(Solver::Cg { steps: 40 }, 4).fit(&data, RUN);
    for row in 0..data.row_count() {
        let history = data.history(row);
        let [one, other] = [&exact, &near].map(|model| top(model, &history, 5));
        for (a, b) in one.iter().zip(&other) {
            assert!((a.0 - b.0).abs() < 2e-3, "{one:?} {other:?}");
        }
    }
}
