//! What is wrong with an input, said so that its sender can mend it.

use serde::Serialize;
use std::fmt;

/// One fault of one field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// The field as the sender wrote it, dotted for nesting: `items.0.price`.
    pub field: String,
    /// A stable code for programs, such as `invalid_currency`.
    pub code: &'static str,
    /// A sentence for people that names the fix.
    pub detail: String,
    /// The id of the row at fault, where it is known.
    pub row: Option<Box<str>>,
}

impl Problem {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code, detail: detail.into(), row: None }
    }

    /// The same fault, of a field inside `outer`.
    #[must_use]
    pub fn inside(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }

    /// The same fault, of the row with this id.
    #[must_use]
    pub fn of_row(mut self, id: &str) -> Self {
        self.row = Some(id.into());
        self
    }

    /// The same fault under another field name.
    #[must_use]
    pub fn of(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.field, self.detail, self.code)
    }
}

impl std::error::Error for Problem {}
