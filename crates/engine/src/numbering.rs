//! Names and their dense numbers.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// A list of names that only grows; its numbers are positions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Numbering {
    /// By number.
    pub names: Vec<Arc<str>>,
    #[serde(skip)]
    numbers: HashMap<Arc<str>, u32>,
}

impl Numbering {
    /// The number of a name.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The number of a name, given to it where it has none.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.get(name) {
            return number;
        }
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        let number = (self.names.len() - 1) as u32;
        self.numbers.insert(name, number);
        number
    }

    /// Rebuilds what a checkpoint leaves out.
    pub fn restore(&mut self) {
        self.numbers = self.names.iter().zip(0..).map(|(name, number)| (name.clone(), number)).collect();
    }
}
