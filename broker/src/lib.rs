//! Placeholder.
pub mod clock;
