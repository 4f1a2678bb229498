//! Why a SAML response is refused: the exact step for the operator, and AWS's words for the client.

use jiff::Timestamp;

use crate::proof::Step;

/// The kind of answer that a refusal gets on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The assertion is genuine, and grants nothing here.
    AccessDenied,
    /// The assertion was genuine once and its time is over.
    ExpiredToken,
    /// The response proves nothing here.
    InvalidIdentityToken,
    /// The identity provider itself says that the sign-in failed.
    RejectedClaim,
    /// The parameter breaks what the interface allows.
    Validation,
}

/// Why a response is refused.
///
/// The message for the client is [`Self::message`]; the `Display` form is for operators and repeats what the response
/// says, so it never goes out before a signature is verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// An attribute or a part of the assertion has a value that can't be used.
    #[error("`{name}` is not acceptable: {problem}")]
    Attribute { name: String, problem: String },
    /// The assertion is for somebody else, or for others as well.
    #[error("the audience is `{seen}`")]
    Audience { seen: String },
    /// The parameter is not base64.
    #[error("the response is not base64: {problem}")]
    Encoding { problem: String },
    /// The assertion is over.
    #[error("{name} was {at}, it is {now}")]
    Expired { name: &'static str, at: Timestamp, now: Timestamp },
    /// The issuer is not the provider's entity.
    #[error("the issuer `{seen}` is not `{wanted}`")]
    Issuer { seen: String, wanted: String },
    /// Too short or too long.
    #[error("the response has {characters} characters, not 4 to 100000")]
    Length { characters: usize },
    /// The bytes are not a response of the one accepted shape.
    #[error("the response is malformed: {problem}")]
    Malformed { problem: String },
    /// A part that every assertion needs is absent.
    #[error("there is no {name}")]
    Missing { name: &'static str },
    /// Nobody is named.
    #[error("the assertion has no NameID")]
    NoNameId,
    /// The assertion is from the future.
    #[error("{name} is {at}, it is {now}")]
    NotYetValid { name: &'static str, at: Timestamp, now: Timestamp },
    /// The assertion was sent to another place.
    #[error("{name} is `{seen}`")]
    Recipient { name: &'static str, seen: String },
    /// The assertion does not grant the role through the provider.
    #[error("the assertion does not grant `{role}` through `{provider}`")]
    RoleNotGranted { role: String, provider: String },
    /// A session name is missing.
    #[error("the assertion has no RoleSessionName")]
    NoSessionName,
    /// The session name is several or not one.
    #[error("the RoleSessionName is not acceptable")]
    SessionName,
    /// No certificate of the provider's made the signature.
    #[error("the signature does not verify: {problem}")]
    Signature { problem: &'static str },
    /// The source identity is several or not one.
    #[error("the SourceIdentity is not acceptable")]
    SourceIdentity,
    /// The identity provider says that the sign-in failed.
    #[error("the response's status is not success")]
    Status,
    /// No provider of this name is in the role's account.
    #[error("no SAML provider `{arn}` in the role's account")]
    UnknownProvider { arn: String },
    /// The response answers nobody's request, or the assertion another one's.
    #[error("{problem}")]
    Unsolicited { problem: &'static str },
}

const UNVERIFIED: &str = "Response signature invalid";

impl Refusal {
    /// The kind of answer.
    pub fn class(&self) -> Class {
        match self {
            Self::NoNameId | Self::RoleNotGranted { .. } => Class::AccessDenied,
            Self::Expired { .. } => Class::ExpiredToken,
            Self::Status => Class::RejectedClaim,
            Self::Encoding { .. } | Self::Length { .. } => Class::Validation,
            Self::Attribute { .. }
            | Self::Audience { .. }
            | Self::Issuer { .. }
            | Self::Malformed { .. }
            | Self::Missing { .. }
            | Self::NoSessionName
            | Self::NotYetValid { .. }
            | Self::Recipient { .. }
            | Self::SessionName
            | Self::Signature { .. }
            | Self::SourceIdentity
            | Self::UnknownProvider { .. }
            | Self::Unsolicited { .. } => Class::InvalidIdentityToken,
        }
    }

    /// Whether a signature had been verified, so that the client may be told what is wrong.
    pub fn is_after_signature(&self) -> bool {
        !matches!(
            self,
            Self::Encoding { .. }
                | Self::Length { .. }
                | Self::Malformed { .. }
                | Self::Signature { .. }
                | Self::UnknownProvider { .. }
        )
    }

    /// The message for the client: one fixed sentence until a signature is verified.
    pub fn message(&self) -> String {
        match self {
            Self::Malformed { .. } | Self::Signature { .. } | Self::UnknownProvider { .. } => {
                UNVERIFIED.to_owned()
            }
            Self::Encoding { .. } => constraint("be base64"),
            Self::Length { characters } if *characters < 4 => {
                constraint("have length greater than or equal to 4")
            }
            Self::Length { .. } => constraint("have length less than or equal to 100000"),
            Self::Attribute { name, .. } => format!("Invalid value in AuthnResponse: {name}"),
            Self::Audience { .. } => "Response does not contain the required audience".to_owned(),
            Self::Expired { name: "IssueInstant", .. } => {
                "Token must be redeemed within 5 minutes of issuance".to_owned()
            }
            Self::Expired { .. } => "Response has expired".to_owned(),
            Self::Issuer { .. } => "Issuer not present in specified provider".to_owned(),
            Self::Missing { name } => format!("{name} is required in AuthnResponse"),
            Self::NoNameId | Self::RoleNotGranted { .. } => {
                "Not authorized to perform sts:AssumeRoleWithSAML".to_owned()
            }
            Self::NotYetValid { .. } => "Response is not yet valid".to_owned(),
            Self::Recipient { .. } => "Response does not contain the required recipient".to_owned(),
            Self::NoSessionName => "RoleSessionName is required in AuthnResponse".to_owned(),
            Self::SessionName => {
                "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}".to_owned()
            }
            Self::SourceIdentity => {
                "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"".to_owned()
            }
            Self::Status => "The identity provider did not report success".to_owned(),
            Self::Unsolicited { .. } => "Response is not in response to a request".to_owned(),
        }
    }

    /// The failed check with what it saw and wanted, for the operator.
    pub fn explain(&self) -> Step {
        let (name, wanted) = match self {
            Self::Encoding { .. } => ("form", "base64 without line breaks"),
            Self::Length { .. } => ("length", "4 to 100000 characters"),
            Self::Malformed { .. } => {
                ("form", "a response with one assertion, signed by one of the two forms")
            }
            Self::UnknownProvider { .. } => ("provider", "a provider of the role's account"),
            Self::Signature { .. } => ("signature", "a signature by a valid certificate of the metadata"),
            Self::Issuer { .. } => ("issuer", "the entityID of the provider"),
            Self::Audience { .. } => ("audience", "one of the provider's `audiences`, and nobody else"),
            Self::Recipient { .. } => ("recipient", "one of the provider's `recipients`"),
            Self::Expired { .. } => ("expiry", "an assertion made less than 5 minutes ago"),
            Self::NotYetValid { .. } => ("times", "a time that is not to come"),
            Self::Status => ("status", "success"),
            Self::Unsolicited { .. } => ("request", "an answer to a request, or `idp_initiated = true`"),
            Self::RoleNotGranted { .. } => ("role attribute", "a value of both, with a comma between them"),
            Self::Attribute { .. } | Self::SessionName | Self::SourceIdentity => ("claims", "a usable value"),
            Self::Missing { .. } | Self::NoNameId | Self::NoSessionName => ("claims", "a value"),
        };
        Step { name, seen: self.to_string().chars().take(256).collect(), wanted: wanted.to_owned() }
    }
}

/// AWS's model-constraint message; the value itself is a proof and left out.
fn constraint(rule: &str) -> String {
    format!(
        "1 validation error detected: Value at 'sAMLAssertion' failed to satisfy constraint: Member must {rule}"
    )
}
