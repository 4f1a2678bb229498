//! The Daypass broker: proofs of identity in, expiring session credentials out, and every request they make decided.
//! `ARCHITECTURE.md` describes the way through these modules; imports point one way only.

pub mod keys;
pub mod revocation;
pub mod seal;
pub mod session;
pub mod store;
