//! Why a web identity token is refused: the exact step for the operator, and AWS's words for the client.

use jiff::Timestamp;

use crate::proof::Step;

/// The kind of answer that a refusal gets on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The token was genuine once and its time is over.
    ExpiredToken,
    /// The provider's keys can't be had at the moment; clients try again.
    IdpCommunication,
    /// The token proves nothing here.
    InvalidIdentityToken,
    /// The token breaks the length that the interface allows.
    Validation,
}

/// Why a token is refused.
///
/// The message for the client is [`Self::message`]; the `Display` form is for operators and repeats what
/// the token says, so it never goes out before the signature is verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The header names an algorithm that the provider doesn't use.
    #[error("the algorithm `{seen}` is not allowed: {wanted}")]
    Algorithm { seen: String, wanted: String },
    /// The audience is not one of the provider's client ids.
    #[error("the audience `{seen}` is not a client id of the provider")]
    Audience { seen: String },
    /// A claim of the right type has an impossible value.
    #[error("the claim `{name}` is not acceptable: {problem}")]
    Claim { name: String, problem: String },
    /// The token is over.
    #[error("the token expired at {expired}, it is {now}")]
    Expired { expired: Timestamp, now: Timestamp },
    /// The claim `iss` is another one after the signature was verified.
    #[error("the issuer `{seen}` is not `{wanted}`")]
    Issuer { seen: String, wanted: String },
    /// The provider's keys could not be had.
    #[error("the keys of `{issuer}` are unavailable: {cause}")]
    KeysUnavailable { issuer: String, cause: String },
    /// No key of the provider is the one the token was signed with.
    #[error("no key for the token: {problem}")]
    NoKey { problem: String },
    /// Too short or too long to be a token.
    #[error("the token has {characters} characters, not 4 to 20000")]
    Length { characters: usize },
    /// The bytes are not a token of the one accepted form.
    #[error("the {part} is malformed: {problem}")]
    Malformed { part: &'static str, problem: String },
    /// A claim that every token needs is absent.
    #[error("the claim `{name}` is missing")]
    MissingClaim { name: &'static str },
    /// The token is from the future.
    #[error("the claim `{name}` is {at}, it is {now}")]
    NotYetValid { name: &'static str, at: Timestamp, now: Timestamp },
    /// The signature is not the key's.
    #[error("the signature does not verify: {problem}")]
    Signature { problem: String },
    /// No provider is configured for the issuer.
    #[error("no provider for the issuer `{issuer}`")]
    UnknownProvider { issuer: String },
}

const UNVERIFIED: &str = "The web identity token that was passed could not be validated";
const NO_KEYS: &str = "Couldn't retrieve verification key from your identity provider, please reference \
                       AssumeRoleWithWebIdentity documentation for requirements";

impl Refusal {
    /// The kind of answer.
    pub fn class(&self) -> Class {
        match self {
            Self::Expired { .. } => Class::ExpiredToken,
            Self::KeysUnavailable { .. } => Class::IdpCommunication,
            Self::Length { .. } => Class::Validation,
            Self::Algorithm { .. }
            | Self::Audience { .. }
            | Self::Claim { .. }
            | Self::Issuer { .. }
            | Self::Malformed { .. }
            | Self::MissingClaim { .. }
            | Self::NoKey { .. }
            | Self::NotYetValid { .. }
            | Self::Signature { .. }
            | Self::UnknownProvider { .. } => Class::InvalidIdentityToken,
        }
    }

    /// Whether the signature had been verified, so that the client may be told what is wrong.
    pub fn is_after_signature(&self) -> bool {
        match self {
            Self::Audience { .. }
            | Self::Claim { .. }
            | Self::Expired { .. }
            | Self::Issuer { .. }
            | Self::MissingClaim { .. }
            | Self::NotYetValid { .. } => true,
            Self::Algorithm { .. }
            | Self::KeysUnavailable { .. }
            | Self::Length { .. }
            | Self::Malformed { .. }
            | Self::NoKey { .. }
            | Self::Signature { .. }
            | Self::UnknownProvider { .. } => false,
        }
    }

    /// The message for the client: one fixed sentence a class until the signature is verified.
    pub fn message(&self) -> String {
        match self {
            Self::Algorithm { .. }
            | Self::Malformed { .. }
            | Self::NoKey { .. }
            | Self::Signature { .. }
            | Self::UnknownProvider { .. } => UNVERIFIED.to_owned(),
            Self::KeysUnavailable { .. } => NO_KEYS.to_owned(),
            Self::Length { characters } => length_message(*characters),
            Self::Audience { .. } => "Incorrect token audience".to_owned(),
            Self::Claim { name, .. } => format!("Invalid value for claim: {name}"),
            Self::Expired { expired, now } => format!(
                "Token expired: current date/time {} must be before the expiration date/time {}",
                now.as_second(),
                expired.as_second()
            ),
            Self::Issuer { .. } => "Incorrect token issuer".to_owned(),
            Self::MissingClaim { name } => format!("Missing a required claim: {name}"),
            Self::NotYetValid { name, .. } => format!("Token is not yet valid: {name} is in the future"),
        }
    }

    /// The failed check with what it saw and wanted, for the operator.
    pub fn explain(&self) -> Step {
        let (name, seen, wanted) = match self {
            Self::Algorithm { seen, wanted } => ("algorithm", seen.clone(), wanted.clone()),
            Self::Audience { seen } => ("audience", seen.clone(), "a client id of the provider".to_owned()),
            Self::Claim { name, problem } => {
                ("claims", format!("`{name}`: {problem}"), "a usable value".to_owned())
            }
            Self::Expired { expired, now } => {
                ("expiry", format!("exp {expired}"), format!("later than {now}"))
            }
            Self::Issuer { seen, wanted } => ("issuer", seen.clone(), wanted.clone()),
            Self::KeysUnavailable { cause, .. } => ("keys", cause.clone(), "a key set".to_owned()),
            Self::Length { characters } => {
                ("length", characters.to_string(), "4 to 20000 characters".to_owned())
            }
            Self::Malformed { part, problem } => {
                ("form", format!("{part}: {problem}"), "a signed token in compact form".to_owned())
            }
            Self::MissingClaim { name } => ("claims", format!("no `{name}`"), format!("`{name}`")),
            Self::NoKey { problem } => ("key", problem.clone(), "one key of the provider".to_owned()),
            Self::NotYetValid { name, at, now } => {
                ("times", format!("{name} {at}"), format!("not later than {now}"))
            }
            Self::Signature { problem } => ("signature", problem.clone(), "a valid signature".to_owned()),
            Self::UnknownProvider { issuer } => {
                ("provider", issuer.clone(), "a configured issuer".to_owned())
            }
        };
        Step { name, seen: seen.chars().take(256).collect(), wanted }
    }
}

/// AWS's model-constraint message; the value itself is a secret and left out.
fn length_message(characters: usize) -> String {
    let bound = if characters < 4 { "greater than or equal to 4" } else { "less than or equal to 20000" };
    format!(
        "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: \
         Member must have length {bound}"
    )
}
