//! The commands that need more than a few lines.

pub mod bandit;
pub mod challenge;
pub mod demo;
pub mod experiments;
pub mod export;
pub mod judge;
pub mod kpis;
pub mod learn;
pub mod operate;
pub mod pilot;
pub mod queries;
pub mod search;
mod table;
pub mod tune;
pub mod watch;
