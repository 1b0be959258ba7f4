//! What of a product is searched: its texts by field.

use crate::analysis::Language;

/// A part of a product that words can stand in, from the one that says most of what it is to the one that says least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Field {
    /// The title.
    Title,
    /// The brand.
    Brand,
    /// The categories, their whole paths.
    Category,
    /// Values of attributes, and the names of those that it has ("touchscreen").
    Attributes,
    /// The description.
    Description,
    /// Ids, article and model numbers, GTINs.
    Codes,
}

/// Number of fields.
pub const FIELD_COUNT: usize = 6;

/// The texts of a product.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document<'a> {
    /// The title.
    pub title: &'a str,
    /// The brand; empty where it has none.
    pub brand: &'a str,
    /// Paths of categories, such as `Home > Kitchen`.
    pub categories: Vec<&'a str>,
    /// Attributes, name and value.
    pub attributes: Vec<(&'a str, &'a str)>,
    /// The description.
    pub description: &'a str,
    /// Ids, article numbers, GTINs.
    pub codes: Vec<&'a str>,
    /// The language that it says its texts are in; `None` where it says none: then they are in the shop's.
    pub language: Option<Language>,
}
