//! Who asked, and for what: the parts of an event that come from the request.

use std::borrow::Cow;

use serde::Serialize;

use crate::audit::text::Text;

/// `CloudTrail`'s kinds of caller, and the operator on the broker's own socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum IdentityKind {
    /// A session of a role.
    AssumedRole,
    /// A federated user's session.
    FederatedUser,
    /// A user with a long-lived access key.
    #[serde(rename = "IAMUser")]
    IamUser,
    /// Whoever may open the administration socket.
    Operator,
    /// An account's root.
    Root,
    /// The subject of a SAML assertion.
    #[serde(rename = "SAMLUser")]
    SamlUser,
    /// Somebody who has proved nothing yet.
    Unknown,
    /// The subject of an OpenID token.
    WebIdentityUser,
}

/// Who asked.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity<'a> {
    /// What kind of caller.
    #[serde(rename = "type")]
    pub kind: IdentityKind,
    /// The immutable id: `AROA…:session`, `AIDA…`, or `issuer:audience:subject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<Text<'a>>,
    /// The principal's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<Text<'a>>,
    /// The principal's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Text<'a>>,
    /// The id, never the secret, of the key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<Text<'a>>,
    /// The user's name, or the subject of the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<Text<'a>>,
    /// Who vouched for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<Text<'a>>,
    /// How a session came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_context: Option<SessionContext<'a>>,
}

impl UserIdentity<'_> {
    /// A caller of that kind, nothing else known yet.
    pub fn of(kind: IdentityKind) -> Self {
        Self {
            kind,
            principal_id: None,
            arn: None,
            account_id: None,
            access_key_id: None,
            user_name: None,
            identity_provider: None,
            session_context: None,
        }
    }
}

/// How a session came to be.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionContext<'a> {
    /// The role behind the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<Issuer<'a>>,
    /// The source identity in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<Text<'a>>,
}

/// The role behind a session.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issuer<'a> {
    /// The role's immutable id.
    pub principal_id: Text<'a>,
    /// The role's ARN.
    pub arn: Text<'a>,
    /// The role's account.
    pub account_id: Text<'a>,
    /// The role's name.
    pub user_name: Text<'a>,
}

/// The request parameters that may be written down. The list is closed: proofs, tokens, signatures, query strings and
/// bodies are not on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// The action a verify caller asks about.
    Action,
    /// The file that a change of configuration concerns.
    File,
    /// The duration asked for, in seconds.
    DurationSeconds,
    /// The external id.
    ExternalId,
    /// The host that a request was made to.
    Host,
    /// The id of the key that a change of keys concerns.
    KeyId,
    /// The serial number of an MFA device.
    MfaSerial,
    /// The method of the request that is asked about.
    Method,
    /// The path of the request that is asked about, without its query.
    Path,
    /// The session policy.
    Policy,
    /// The ARNs of the managed session policies.
    PolicyArns,
    /// The principal that a change concerns.
    Principal,
    /// The profile of a certificate's session.
    ProfileArn,
    /// The provider named in the request.
    ProviderId,
    /// Why, in the operator's words.
    Reason,
    /// The resource a verify caller asks about.
    Resource,
    /// The role asked for.
    RoleArn,
    /// The name asked for the session.
    RoleSessionName,
    /// The scope of a revocation.
    Scope,
    /// The id that a revocation is for.
    ScopeId,
    /// The service a verify caller speaks for.
    Service,
    /// The source identity asked for.
    SourceIdentity,
    /// A session tag, by its key.
    Tag(Text<'a>),
    /// The keys of the tags that stay along a chain.
    TransitiveTagKeys,
    /// The trust anchor of a certificate.
    TrustAnchorArn,
}

impl Parameter<'_> {
    pub(super) fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Tag(key) => return Cow::Owned(format!("tag:{}", key.as_ref())),
            Self::Action => "action",
            Self::File => "file",
            Self::DurationSeconds => "durationSeconds",
            Self::ExternalId => "externalId",
            Self::Host => "host",
            Self::KeyId => "keyId",
            Self::MfaSerial => "serialNumber",
            Self::Method => "method",
            Self::Path => "path",
            Self::Policy => "policy",
            Self::PolicyArns => "policyArns",
            Self::Principal => "principal",
            Self::ProfileArn => "profileArn",
            Self::ProviderId => "providerId",
            Self::Reason => "reason",
            Self::Resource => "resource",
            Self::RoleArn => "roleArn",
            Self::RoleSessionName => "roleSessionName",
            Self::Scope => "scope",
            Self::ScopeId => "scopeId",
            Self::Service => "service",
            Self::SourceIdentity => "sourceIdentity",
            Self::TransitiveTagKeys => "transitiveTagKeys",
            Self::TrustAnchorArn => "trustAnchorArn",
        })
    }
}
