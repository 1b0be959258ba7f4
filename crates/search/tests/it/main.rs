//! The golden corpus of what texts and queries become.

mod analysis;
mod planning;
mod shop;
mod understanding;
