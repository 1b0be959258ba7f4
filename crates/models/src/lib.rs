//! Everything fitted from data, in the order in which a decision meets it: the columns it is kept in, popularity,
//! shared content, repurchase, returns, co-occurrence, session neighbours, boosted trees, and the metrics that judge them. Pure: no I/O, no clock, no thread randomness.

/// Columns shared between the writer and published snapshots.
pub mod cow;
/// What older signals still count.
pub mod decay;
/// Decayed counts and exact leaderboards.
pub mod popularity;

/// Products that share attribute values and words.
pub mod content_index;
/// Vectors of products by a model that is dropped in, as they are kept.
pub mod embedded;
/// Where products stand in a space of meaning.
pub mod product_vectors;
/// After how long a product is bought again.
pub mod repurchase;
/// What words and texts mean.
pub mod text_vectors;
/// Products whose vectors point the same way.
pub mod vector_index;

/// Clicks for where a product stands.
pub mod appeal;
/// Means of what shoppers say and do.
pub mod means;
/// How often something happens with a product.
pub mod rates;

/// Decayed, bounded rows of what goes with a product.
pub mod co_occurrence;
/// What is viewed or bought together: events into rows, a session into predictions.
pub mod co_visit;
/// The sessions that the neighbours come from, bounded and shared.
pub mod kept_sessions;
/// Closed sessions and where each product occurs in them.
pub mod session_index;
/// Predictions from the sessions most like this one.
pub mod session_knn;

/// Gradient-boosted trees: rankings, probabilities, amounts.
pub mod gbdt;

/// Scores into probabilities.
pub mod isotonic;
/// What becomes of a candidate: click, cart, purchase, return.
pub mod ranker;
/// Candidates of a session, described and ranked.
pub mod rerank;

/// Working memory of a prediction, reused from one to the next.
pub mod scratch;

/// Vectors by alternating least squares.
pub mod als;
/// One side of alternating least squares.
pub mod als_solve;
/// All-pairs linear weights in closed form.
pub mod ease;
/// Neighbours and a smooth view of the whole graph.
pub mod graph_filter;
/// Who had to do with what: training data.
pub mod interactions;
/// Neighbours by the shoppers that products share.
pub mod item_knn;
/// Those that a shop learns from its log.
pub mod learned;
/// Item–item models once fitted.
pub mod neighbours;
/// What the next order holds: habits and what is new.
pub mod next_basket;
/// A shopper's orders as weights of products.
pub mod orders;
/// What every recommender offers.
pub mod recommender;
/// What comes next, from the order of the last events.
pub mod sequence;
/// Sparse linear weights among neighbours.
pub mod slim;
/// Own habits and those of the shoppers most alike.
pub mod tifu_knn;
/// What a shop's log tells a model.
pub mod training_set;

/// What products share, numbered and weighed.
pub mod attribute_values;
/// The next from the order of events, among products known by what the catalogue says.
pub mod two_tower;

/// Products that share values with what a shopper had.
pub mod content_similarity;

/// Small systems of equations.
pub mod cholesky;
/// Inverses of large matrices.
pub mod dense;
/// Eigenvalues of symmetric matrices.
pub mod eigen;
/// Vectors that point in similar directions.
mod groups;
/// Float kernels with the same bits everywhere.
pub mod lanes;
/// The best inner products among many vectors.
pub mod nearest;
/// Work shared among threads.
pub mod parts;
/// Values of parameters that are best on a validation split.
pub mod search;
/// Numbers that follow from a seed.
pub mod seeded;
/// The leading singular vectors of sparse data.
pub mod singular;
/// Whether what was read belongs together.
mod sound;
/// Products of tall matrices.
pub mod tall;

/// How good a ranking is, and how long it took.
pub mod metrics;
/// How relevant the results of a search are, by judgments.
pub mod relevance;

/// What a policy that never ran would have been worth.
pub mod off_policy;
/// Whether something helped, and how sure that is.
pub mod statistics;

/// Content that is chosen while it is tried.
pub mod bandit;
