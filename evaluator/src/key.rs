//! Condition keys: where the values of each come from.

use crate::context::Seen;
use crate::request::Request;

/// A condition key, compared without regard to case.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    written: Box<str>,
    lower: Box<str>,
    source: Source,
}

/// Where a key's value comes from. What follows from the principal is never read from the context: a claim or a header
/// that found its way there under such a name can't change who asks.
#[derive(Debug, Clone, Copy)]
enum Source {
    Context,
    PrincipalAccount,
    PrincipalArn,
    PrincipalType,
    UserId,
    UserName,
}

impl Key {
    pub(crate) fn new(written: &str) -> Self {
        let lower = written.to_ascii_lowercase();
        let source = match lower.as_str() {
            "aws:principalaccount" => Source::PrincipalAccount,
            "aws:principalarn" => Source::PrincipalArn,
            "aws:principaltype" => Source::PrincipalType,
            "aws:userid" => Source::UserId,
            "aws:username" => Source::UserName,
            _ => Source::Context,
        };
        Self { written: written.into(), lower: lower.into(), source }
    }

    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    pub(crate) fn lower(&self) -> &str {
        &self.lower
    }

    pub(crate) const fn names_the_caller(&self) -> bool {
        matches!(self.source, Source::PrincipalArn)
    }

    pub(crate) fn seen<'r>(&self, request: &'r Request<'_>) -> Seen<'r> {
        let principal = &request.principal;
        match self.source {
            Source::Context => request.context.seen(&self.lower),
            Source::PrincipalAccount => Seen::of(principal.account()),
            Source::PrincipalArn => Seen::of(principal.arn()),
            Source::PrincipalType => Seen::of(principal.type_name()),
            Source::UserId => Seen::of(principal.user_id()),
            Source::UserName => Seen::of(principal.user_name()),
        }
    }

    /// The one value of the key; none where it is absent or has several.
    pub(crate) fn single<'r>(&self, request: &'r Request<'_>) -> Option<&'r str> {
        match self.seen(request) {
            Seen::One(value) => Some(value),
            Seen::Absent | Seen::Many(_) => None,
        }
    }
}
