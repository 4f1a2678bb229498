//! Placeholder.
pub mod audit;
pub mod clock;
