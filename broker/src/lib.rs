//! Placeholder.

pub mod config;
pub mod error;
pub mod role;
pub mod proof;
