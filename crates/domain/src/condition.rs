//! A condition over a product, the shopper and the moment, as a typed tree: what a caller's filter, a rule and a segment
//! are written in. How it is written is the server's; what its fields mean is the engine's.

use serde::{Deserialize, Serialize};

/// Deepest nesting.
pub const DEPTH_MAX: usize = 16;
/// Most tests in one condition.
pub const TESTS_MAX: usize = 100;

/// A condition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Condition {
    /// Every one holds; an empty list holds.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A field is as it is said. A product without the field fails every test of it.
    Test(Test),
}

/// One test of one field.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Test {
    /// The field: one of the engine's table, or the name of a product's attribute.
    pub field: String,
    /// What must hold of it.
    pub is: Is,
}

/// What may hold of a field.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Is {
    /// It is one of these texts, whatever the letter case; of a category, it is there or below.
    OneOf(Vec<String>),
    /// It is a number from `least` to `most`, both included unless said otherwise.
    Within {
        /// Lower bound; minus infinity where there is none.
        least: f64,
        /// Upper bound; infinity where there is none.
        most: f64,
        /// Whether the lower bound itself fails.
        above: bool,
        /// Whether the upper bound itself fails.
        below: bool,
    },
    /// It is there.
    There,
}

impl Is {
    /// Whether a number is within; texts are not asked here.
    pub fn holds(&self, number: f64) -> bool {
        match self {
            Self::Within { least, most, above, below } => {
                (if *above { number > *least } else { number >= *least })
                    && (if *below { number < *most } else { number <= *most })
            }
            Self::OneOf(texts) => texts.iter().any(|text| text.parse() == Ok(number)),
            Self::There => true,
        }
    }
}

impl Condition {
    /// Every test in it, in order.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::tests).collect(),
            Self::Not(one) => one.tests(),
            Self::Test(test) => vec![test],
        }
    }
}
