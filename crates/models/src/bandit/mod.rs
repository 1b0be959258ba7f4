//! Content that is chosen while it is tried: Thompson sampling (Biometrika 1933; Chapelle and Li, NIPS 2011) with the probability of every choice known
//! before it is made. Sampling by posterior draws is the same as choosing each arm with the probability of its being the best; here that
//! probability is integrated (`probability`), raised to a floor, logged, and the choice is drawn from it. No Monte Carlo, so that what is logged is exact.
//!
//! What comes in late counts once its time is over, clicked or not: to learn from clicks at once
//! and from their absence later would make every new arm look good. What bandits collect is told apart by `aipw`, not by a t-test: arms
//! are tried less when they look bad, so their plain means are too low and its error is 9 % where 5 % was asked for.

/// Means of arms from data a bandit collected.
pub mod aipw;
/// Arms whose means depend on the context.
pub mod linear;
/// What is believed of arms.
pub mod posterior;
/// Probabilities of being best.
pub mod probability;
