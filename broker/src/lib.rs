//! Placeholder.

pub mod fetch;
pub mod proof;
