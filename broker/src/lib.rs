//! Placeholder.

pub mod config;
pub mod error;
pub mod proof;
pub mod role;
