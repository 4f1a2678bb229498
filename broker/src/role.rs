//! Roles and the names of things around them: validated, compiled, ready to be decided on.

mod account;
mod arn;
mod name;
mod tag;
#[cfg(test)]
mod tests;

pub use account::AccountId;
pub use arn::{AssumedRoleArn, AssumedRoleId, PolicyArn, RoleArn, RoleId};
pub use name::{Invalid, Path, PolicyName, RoleName, SessionName, SourceIdentity};
pub use tag::{TAGS_AT_MOST, TagKey, TagValue, Tags};
