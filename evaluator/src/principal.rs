//! Who asks, and which principal elements of a policy speak of them.

/// The caller of a request, as the broker established it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal<'a> {
    /// Nobody: an unsigned request without any proof.
    Anonymous,
    /// The account's root user.
    Root {
        /// `arn:aws:iam::<account>:root`.
        arn: &'a str,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::<account>:user/<path and name>`.
        arn: &'a str,
        /// The immutable id, `AIDA…`.
        id: &'a str,
    },
    /// A session of a role.
    RoleSession {
        /// The role's ARN with its path.
        role_arn: &'a str,
        /// `arn:aws:sts::<account>:assumed-role/<role name>/<session name>`.
        session_arn: &'a str,
        /// The assumed role id, `AROA…:<session name>`.
        id: &'a str,
    },
    /// A session from `GetFederationToken`.
    FederatedUser {
        /// `arn:aws:sts::<account>:federated-user/<name>`.
        arn: &'a str,
        /// `<account>:<name>`.
        id: &'a str,
        /// The ARN of the IAM user that asked for it.
        user_arn: &'a str,
        /// That user's immutable id.
        user_id: &'a str,
    },
    /// Whom an identity provider vouches for, before any session: the caller of `AssumeRoleWithWebIdentity` and `…WithSAML`.
    Federated {
        /// The provider's ARN, or a built-in provider's host name.
        provider: &'a str,
    },
    /// A service, such as `rolesanywhere.amazonaws.com`.
    Service {
        /// Its principal name.
        name: &'a str,
    },
}

impl<'a> Principal<'a> {
    /// The value of `aws:PrincipalArn`; a role session's is its role's.
    pub fn arn(&self) -> Option<&'a str> {
        match *self {
            Self::Root { arn } | Self::User { arn, .. } | Self::FederatedUser { arn, .. } => Some(arn),
            Self::RoleSession { role_arn, .. } => Some(role_arn),
            Self::Anonymous | Self::Federated { .. } | Self::Service { .. } => None,
        }
    }

    /// The account that the caller belongs to; none for callers without IAM identity.
    pub fn account(&self) -> Option<&'a str> {
        self.arn().and_then(|arn| arn.split(':').nth(4)).filter(|account| !account.is_empty())
    }

    /// The value of `aws:PrincipalType`.
    pub fn type_name(&self) -> Option<&'static str> {
        match self {
            Self::Anonymous => Some("Anonymous"),
            Self::Root { .. } => Some("Account"),
            Self::User { .. } => Some("User"),
            Self::RoleSession { .. } => Some("AssumedRole"),
            Self::FederatedUser { .. } => Some("FederatedUser"),
            Self::Federated { .. } | Self::Service { .. } => None,
        }
    }

    /// The value of `aws:userid`.
    pub fn user_id(&self) -> Option<&'a str> {
        match *self {
            Self::User { id, .. } | Self::RoleSession { id, .. } | Self::FederatedUser { id, .. } => Some(id),
            Self::Root { .. } => self.account(),
            Self::Anonymous | Self::Federated { .. } | Self::Service { .. } => None,
        }
    }

    /// The value of `aws:username`; IAM users only.
    pub fn user_name(&self) -> Option<&'a str> {
        match *self {
            Self::User { arn, .. } => arn.split_once(":user/").and_then(|(_, name)| name.rsplit('/').next()),
            _ => None,
        }
    }

    pub(crate) const fn is_root(&self) -> bool {
        matches!(self, Self::Root { .. })
    }

    /// True where an Allow to `*` speaks of the caller.
    pub(crate) const fn is_covered_by_everyone(&self) -> bool {
        !matches!(self, Self::Federated { .. } | Self::Service { .. })
    }

    /// True where identity policies can speak for the caller.
    pub(crate) const fn has_identity(&self) -> bool {
        !matches!(self, Self::Anonymous | Self::Federated { .. } | Self::Service { .. })
    }
}

/// How closely a principal element names the caller, weakest first; decides what an Allow overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// The caller's account: hands the question to the identity policies.
    Account,
    /// Everyone, the caller's role, or the user behind a federated user: stands for the identity policy's Allow.
    Covering,
    /// The very user, session, federated identity or service: final.
    Direct,
}

/// One entry of a `Principal` element.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Everyone,
    Account(Box<str>),
    /// A user or role by ARN; once pinned, only the holder of the id is meant.
    Identity {
        arn: Box<str>,
        pinned: Option<Box<str>>,
        at: (u32, u32),
    },
    /// A user's or role's immutable id.
    Id(Box<str>),
    /// An assumed-role session or federated user.
    Session(Box<str>),
    Federated(Box<str>),
    Service(Box<str>),
    /// Canonical users exist in S3 only; nobody here is one.
    CanonicalUser,
}

impl Pattern {
    /// How this entry names the caller, if it does.
    pub(crate) fn form(&self, principal: &Principal<'_>) -> Option<Form> {
        match self {
            Self::Everyone => Some(Form::Covering),
            Self::Account(account) => (principal.account() == Some(account)).then_some(Form::Account),
            Self::Identity { pinned: Some(id), .. } | Self::Id(id) => id_form(id, principal),
            Self::Identity { arn, pinned: None, .. } => arn_form(arn, principal),
            Self::Session(arn) => {
                let named = match *principal {
                    Principal::RoleSession { session_arn, .. } => session_arn == &**arn,
                    Principal::FederatedUser { arn: own, .. } => own == &**arn,
                    _ => false,
                };
                named.then_some(Form::Direct)
            }
            Self::Federated(wanted) => {
                let named = matches!(*principal, Principal::Federated { provider } if provider == &**wanted);
                named.then_some(Form::Direct)
            }
            Self::Service(wanted) => {
                let named = matches!(*principal, Principal::Service { name } if name == &**wanted);
                named.then_some(Form::Direct)
            }
            Self::CanonicalUser => None,
        }
    }

    pub(crate) const fn is_everyone(&self) -> bool {
        matches!(self, Self::Everyone)
    }
}

fn id_form(wanted: &str, principal: &Principal<'_>) -> Option<Form> {
    match *principal {
        Principal::User { id, .. } if id == wanted => Some(Form::Direct),
        Principal::RoleSession { id, .. } if id.split(':').next() == Some(wanted) => Some(Form::Covering),
        Principal::FederatedUser { user_id, .. } if user_id == wanted => Some(Form::Covering),
        _ => None,
    }
}

fn arn_form(wanted: &str, principal: &Principal<'_>) -> Option<Form> {
    match *principal {
        Principal::User { arn, .. } if arn == wanted => Some(Form::Direct),
        Principal::RoleSession { role_arn, .. } if role_arn == wanted => Some(Form::Covering),
        Principal::FederatedUser { user_arn, .. } if user_arn == wanted => Some(Form::Covering),
        _ => None,
    }
}

/// The `Principal` or `NotPrincipal` element of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Principals {
    /// The kind of policy has no such element.
    Unnamed,
    Only(Vec<Pattern>),
    /// Everyone but those who are listed with all that they are: account, role and session.
    Except(Vec<Pattern>),
}

impl Principals {
    /// The closest form in which the element names the caller, if it does. AWS: `NotPrincipal` "will always deny any IAM
    /// principal that has a permissions boundary policy attached".
    pub(crate) fn form(&self, principal: &Principal<'_>, is_bounded: bool) -> Option<Form> {
        match self {
            Self::Unnamed => Some(Form::Covering),
            Self::Only(patterns) => patterns.iter().filter_map(|pattern| pattern.form(principal)).max(),
            Self::Except(patterns) => (is_bounded || !exempts(patterns, principal)).then_some(Form::Covering),
        }
    }

    pub(crate) fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Unnamed => &[],
            Self::Only(patterns) | Self::Except(patterns) => patterns,
        }
    }
}

fn exempts(patterns: &[Pattern], principal: &Principal<'_>) -> bool {
    let names = |wanted: Form| patterns.iter().any(|pattern| pattern.form(principal) == Some(wanted));
    match principal {
        Principal::Anonymous => false,
        Principal::Root { .. } => names(Form::Account),
        Principal::User { .. } => names(Form::Account) && names(Form::Direct),
        Principal::RoleSession { .. } | Principal::FederatedUser { .. } => {
            names(Form::Account) && names(Form::Covering) && names(Form::Direct)
        }
        Principal::Federated { .. } | Principal::Service { .. } => names(Form::Direct),
    }
}
