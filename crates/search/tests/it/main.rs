//! The golden corpus of what texts and queries become.

mod analysis;
mod everyday;
mod planning;
mod shop;
mod understanding;
