//! The Daypass broker: proofs of identity in, expiring session credentials out, and every request they make decided.
//!
//! `ARCHITECTURE.md` describes the way through these modules; imports point one way only.

pub mod administer;
pub mod api;
pub mod app;
pub mod audit;
pub mod authorize;
pub mod clock;
pub mod config;
pub mod dev;
pub mod error;
pub mod federate;
pub mod fetch;
pub mod keys;
pub mod private;
pub mod proof;
pub mod revocation;
pub mod role;
pub mod seal;
pub mod session;
pub mod simulate;
pub mod store;
pub mod trust;
