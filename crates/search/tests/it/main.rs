//! The golden corpus of what texts and queries become.

mod analysis;
mod everyday;
mod measures;
mod planning;
mod shop;
mod understanding;
