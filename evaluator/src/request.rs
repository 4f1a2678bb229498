//! The question: may this principal do this action on this resource, in this context?

use crate::context::Context;
use crate::principal::Principal;

/// One question to the evaluator, all borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: Principal<'a>,
    /// `service:Operation`, in any case.
    pub action: &'a str,
    /// The resource's ARN, or `*` for an action that has none.
    pub resource: &'a str,
    /// The account that owns the resource, since not every ARN says; decides what counts as cross-account.
    pub resource_account: &'a str,
    /// Condition keys.
    pub context: &'a Context<'a>,
}

/// An action longer than this is no service's.
const MAX_ACTION: usize = 192;
/// A longer resource name is refused unread; AWS's longest fields are 2,048 characters.
const MAX_RESOURCE: usize = 8_192;

/// A request made ready for matching, without allocating.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) resource: Arn<'a>,
    action: [u8; MAX_ACTION],
    action_length: usize,
}

impl<'a> Facts<'a> {
    /// None where action or resource could not be any service's: such a request is denied unread.
    pub(crate) fn of(request: &'a Request<'a>) -> Option<Self> {
        let (service, name) = request.action.split_once(':')?;
        let resource = Arn::split(request.resource);
        let sound = !service.is_empty()
            && !name.is_empty()
            && !name.contains(':')
            && request.action.is_ascii()
            && request.resource.len() <= MAX_RESOURCE
            && (resource.fields.is_some() || request.resource == "*");
        let mut action = [0; MAX_ACTION];
        let target = action.get_mut(..request.action.len())?;
        target.copy_from_slice(request.action.as_bytes());
        target.make_ascii_lowercase();
        sound.then_some(Self { request, resource, action, action_length: request.action.len() })
    }

    /// The action in lower case.
    pub(crate) fn action(&self) -> &str {
        let bytes = self.action.get(..self.action_length).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }
}

/// A name taken apart at its first five colons; the last field keeps its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arn<'a> {
    pub(crate) fields: Option<[&'a str; 6]>,
}

impl<'a> Arn<'a> {
    pub(crate) fn split(whole: &'a str) -> Self {
        let mut parts = whole.splitn(6, ':');
        let mut next = || parts.next();
        let mut fields = || Some([next()?, next()?, next()?, next()?, next()?, next()?]);
        Self { fields: fields().filter(|[scheme, ..]| *scheme == "arn") }
    }
}
