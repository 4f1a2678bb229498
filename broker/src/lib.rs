//! Placeholder.

pub mod proof;
