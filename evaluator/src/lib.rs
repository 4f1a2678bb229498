//! Decides requests by IAM policies, and says why. No IO, no clock, no randomness: policies and a request in, a decision
//! out.
//!
//! Policies are compiled once, when they are loaded, and refused there; [`evaluate`] then answers without allocating.
//!
//! ```
//! use daypass_evaluator::{Applicable, Context, Document, Kind, Policies, Principal, Request, evaluate};
//!
//! let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject",
//!     "Resource": "arn:aws:s3:::reports/${aws:username}/*"}}"#;
//! let policies = Policies::compile(&[Document { name: "own-reports", text, kind: Kind::Identity }])?;
//! let context = Context::new();
//! let request = Request {
//!     principal: Principal::User { arn: "arn:aws:iam::111122223333:user/kim", id: "AIDAEXAMPLEEXAMPLE" },
//!     action: "s3:GetObject",
//!     resource: "arn:aws:s3:::reports/kim/march.csv",
//!     resource_account: "111122223333",
//!     context: &context,
//! };
//! let applicable = Applicable { identity: &[&policies], ..Applicable::default() };
//! assert!(evaluate(&request, &applicable).is_allowed());
//! # Ok::<(), Vec<daypass_evaluator::PolicyError>>(())
//! ```

mod applicable;
mod arn;
mod condition;
mod context;
mod decide;
mod decision;
mod document;
mod error;
mod explain;
mod grammar;
mod index;
mod inspect;
mod json;
mod key;
mod policies;
mod principal;
mod request;
mod statement;
mod template;

pub use applicable::Applicable;
pub use context::Context;
pub use decide::evaluate;
pub use decision::{Decision, Outcome, PolicyType};
pub use document::{Document, Kind, size};
pub use error::PolicyError;
pub use explain::{ConditionResult, Considered, Explanation, Fit, Position, explain};
pub use inspect::{ConditionView, StatementView};
pub use policies::{Policies, Resolved};
pub use principal::Principal;
pub use request::Request;
