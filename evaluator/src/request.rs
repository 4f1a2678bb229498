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
    /// The action in lower case.
    pub(crate) action: &'a str,
    /// The caller has a permissions boundary: no `NotPrincipal` exempts them.
    pub(crate) is_bounded: bool,
}

/// Room for an action in lower case.
#[derive(Debug)]
pub(crate) struct Lowered([u8; MAX_ACTION]);

impl Lowered {
    pub(crate) const fn new() -> Self {
        Self([0; MAX_ACTION])
    }

    /// None for what is too long, and for what isn't ASCII.
    fn fill(&mut self, text: &str) -> Option<&str> {
        let target = self.0.get_mut(..text.len())?;
        target.copy_from_slice(text.as_bytes());
        target.make_ascii_lowercase();
        str::from_utf8(target).ok().filter(|_| text.is_ascii())
    }
}

impl<'a> Facts<'a> {
    /// None where action or resource could not be any service's: such a request is denied unread.
    pub(crate) fn of(request: &'a Request<'a>, is_bounded: bool, room: &'a mut Lowered) -> Option<Self> {
        let action = room.fill(request.action)?;
        let (service, name) = action.split_once(':')?;
        let resource = Arn::split(request.resource);
        let sound = !service.is_empty()
            && !name.is_empty()
            && !name.contains(':')
            && request.resource.len() <= MAX_RESOURCE
            && (resource.fields.is_some() || request.resource == "*");
        sound.then_some(Self { request, resource, action, is_bounded })
    }
}

/// A name taken apart at its first five colons; the last field keeps its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arn<'a> {
    pub(crate) whole: &'a str,
    pub(crate) fields: Option<[&'a str; 6]>,
}

impl<'a> Arn<'a> {
    pub(crate) fn split(whole: &'a str) -> Self {
        let mut parts = whole.splitn(6, ':');
        let mut next = || parts.next();
        let mut fields = || Some([next()?, next()?, next()?, next()?, next()?, next()?]);
        Self { whole, fields: fields().filter(|[scheme, ..]| *scheme == "arn") }
    }
}
