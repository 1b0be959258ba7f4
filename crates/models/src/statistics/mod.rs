//! Whether something helped, and how sure that is: from what each unit did to a verdict in words. In the order of use: sums of
//! units, arms with what was known before taken out, their difference with an interval – at one look or at every one –, the plan,
//! the checks, and the verdict; then tests that compare otherwise, and what is watched without a test. What each is for, and when not to trust it,
//! stands in `docs/experiments.md`.

/// Sums over units, exact.
pub mod moments;

/// A mean and the difference of two.
pub mod sample;
/// Intervals that hold at every look.
pub mod sequential;

/// What was known before, taken out.
pub mod cuped;
/// How many units, how long.
pub mod power;

/// Several questions at once.
pub mod multiple;
/// Whether the arms got the units they should.
pub mod srm;
/// Whether tests of nothing find nothing.
pub mod uniformity;
/// The answer.
pub mod verdict;

/// Two rankings in one list.
pub mod interleaving;
/// Markets that are switched back and forth.
pub mod switchback;

/// Alarms that do not flutter.
pub mod alarm;
/// Whether what comes in is what it was.
pub mod drift;
/// How evenly attention is spread.
pub mod spread;

/// Special functions.
pub mod distributions;
