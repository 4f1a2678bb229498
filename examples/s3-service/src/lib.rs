//! An S3 server on a directory that asks Daypass about every request.
//!
//! One way through: [`front`] takes the signature off and measures the head, s3s names the operation,
//! [`access`] asks the broker, and only then does [`body`] let bytes through to the disk, each checked.

pub mod access;
pub mod body;
pub mod broker;
pub mod checksum;
pub mod chunked;
pub mod clock;
pub mod front;
pub mod head;
pub mod listen;
pub mod operation;
pub mod payload;
pub mod question;
pub mod refusal;
mod sign;
pub mod storable;
pub mod workload;
