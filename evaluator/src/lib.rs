//! Decides requests by IAM policies, and says why. No IO, no clock, no randomness: policies and a request in, a decision
//! out.
//!
//! 1. [`Policies::compile`] checks documents as IAM does (in its words where they are known, with line, column and a fix),
//!    and indexes them. [`Policies::pin`] ties the users and roles that they name to immutable ids.
//! 2. [`Applicable`] says which compiled policies have a say in a request, and in which role.
//! 3. [`evaluate`] decides a [`Request`] without allocating; [`explain()`] takes the same arguments and says why.
//!
//! A document that doesn't compile is not to be used: at request time there is no such thing as an invalid policy.
//!
//! What AWS leaves open is decided towards refusing:
//!
//! * A value that an operator can't read (`NumericLessThan` on `ten`, `ArnLike` on what is no ARN), or several values for an
//!   operator that takes one, keep an Allow from applying and don't keep a Deny from applying.
//! * An IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is such a value for a range that has only one of the two.
//! * `*` alone is no ARN: `ArnLike` wants all six fields, as in `arn:*:*:*:*:*`. An action names one service: `*:GetObject`
//!   doesn't compile.
//! * A variable at the start of an ARN operator's value has to bring an ARN's first five fields.
//! * A variable without a value matches nothing in `Resource`; in `NotResource` its Allow doesn't apply and its Deny does.
//! * What follows from the principal (`aws:PrincipalArn`, `aws:username`…) is never read from the context.
//! * `*` in an Allow speaks of everyone who signs, and of the anonymous, but not of an identity provider or a service: those
//!   are named. In a Deny it speaks of all.
//! * A role is assumed by what its trust policy allows or not at all: without one, `sts:AssumeRole…` is denied.
//! * `*` in a resource policy stands for the identity policy's Allow; boundary and session policies still limit it unless the
//!   statement also names the caller by a condition on `aws:PrincipalArn`.
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
