//! The one place where a refusal becomes a wire code: what AWS's clients key on, and nothing that a stranger may not
//! know.

use daypass_sigv4::Class;
use http::StatusCode;

use crate::audit;
use crate::authorize;
use crate::federate;
use crate::proof::{oidc, saml};
use crate::session::{MintError, OpenError};
use crate::trust;

/// An answer that refuses, in AWS's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WireError {
    /// The status.
    pub(super) status: StatusCode,
    /// The code that clients key on.
    pub(super) code: &'static str,
    /// The message.
    pub(super) message: String,
}

const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

impl WireError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// 400.
    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 403.
    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 400 `ValidationError`.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::bad_request("ValidationError", message)
    }

    /// 400 `InvalidInput`: what IAM's simulation answers to what it can't take.
    pub(super) fn invalid_input(message: impl Into<String>) -> Self {
        Self::bad_request("InvalidInput", message)
    }

    /// 404 `NoSuchEntity`.
    pub(super) fn no_such_entity(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
    }

    /// 503: try again.
    pub(super) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The service cannot answer right now. Try again.",
        )
    }

    /// 500.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "The request could not be processed.")
    }

    fn throttling() -> Self {
        Self::bad_request("Throttling", "Rate exceeded")
    }

    fn invalid_token() -> Self {
        Self::forbidden("InvalidClientTokenId", INVALID_TOKEN)
    }
}

impl From<&federate::Refusal> for WireError {
    fn from(refusal: &federate::Refusal) -> Self {
        use federate::Refusal as R;
        match refusal {
            R::Audit(
                audit::Unavailable::Broken | audit::Unavailable::Busy | audit::Unavailable::Deadline,
            )
            | R::Clock(_)
            | R::Skew(_)
            | R::Stale(_)
            | R::Store(_) => Self::unavailable(),
            R::NoRandomness(_) => Self::internal(),
            R::Barred(_) | R::Overtaken(_) => {
                Self::forbidden("AccessDenied", "Access denied: new sessions are barred")
            }
            R::Mint(error) => error.into(),
            R::Saml(refusal) => refusal.into(),
            R::Spent => Self::bad_request("InvalidIdentityToken", "The token was redeemed before"),
            R::Throttled(_) | R::TooManySessions(_) => Self::throttling(),
            R::Trust(refusal) => refusal.into(),
            R::WebIdentity(refusal) => refusal.into(),
        }
    }
}

impl From<&oidc::Refusal> for WireError {
    fn from(refusal: &oidc::Refusal) -> Self {
        let code = match refusal.class() {
            oidc::Class::ExpiredToken => "ExpiredTokenException",
            oidc::Class::IdpCommunication => "IDPCommunicationError",
            oidc::Class::InvalidIdentityToken => "InvalidIdentityToken",
            oidc::Class::Validation => "ValidationError",
        };
        Self::bad_request(code, refusal.message())
    }
}

impl From<&saml::Refusal> for WireError {
    fn from(refusal: &saml::Refusal) -> Self {
        match refusal.class() {
            saml::Class::AccessDenied => Self::forbidden("AccessDenied", refusal.message()),
            saml::Class::ExpiredToken => Self::bad_request("ExpiredTokenException", refusal.message()),
            saml::Class::InvalidIdentityToken => Self::bad_request("InvalidIdentityToken", refusal.message()),
            saml::Class::RejectedClaim => Self::forbidden("IDPRejectedClaim", refusal.message()),
            saml::Class::Validation => Self::validation(refusal.message()),
        }
    }
}

impl From<&trust::Refusal> for WireError {
    fn from(refusal: &trust::Refusal) -> Self {
        match refusal {
            trust::Refusal::Denied { action, .. } => {
                Self::forbidden("AccessDenied", format!("Not authorized to perform {action}"))
            }
            trust::Refusal::Duration { .. } => Self::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ),
            trust::Refusal::MalformedPolicy(errors) => Self::bad_request(
                "MalformedPolicyDocument",
                errors.first().map_or("The policy is not valid", |error| error.message.as_str()),
            ),
            trust::Refusal::UnknownPolicy(arn) => Self::bad_request(
                "MalformedPolicyDocument",
                format!("The policy {arn} does not exist or is not attachable."),
            ),
            trust::Refusal::PolicyTooLarge(percent) => packed_too_large(*percent),
        }
    }
}

impl From<&MintError> for WireError {
    fn from(error: &MintError) -> Self {
        match error {
            MintError::ChainTooLong(_) => {
                Self::forbidden("AccessDenied", "The chain of sessions is too long")
            }
            MintError::PackedTooLarge(percent) => packed_too_large(*percent),
            MintError::Seal(_) => Self::internal(),
        }
    }
}

fn packed_too_large(percent: u32) -> WireError {
    let message = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
    WireError::bad_request("PackedPolicyTooLarge", message)
}

impl From<&authorize::Refusal> for WireError {
    fn from(refusal: &authorize::Refusal) -> Self {
        use authorize::Refusal as R;
        match refusal {
            R::ClockInDoubt | R::KeyNotHereYet | R::Stale(_) => Self::unavailable(),
            R::ForeignKey(_) | R::NoToken | R::RoleGone(_) | R::SessionPolicyGone(_) => Self::invalid_token(),
            R::Signature(refusal) => {
                let (status, code) = signature_code(refusal.class());
                Self::new(status, code, refusal.message())
            }
            R::Token(OpenError::Expired(_)) => {
                Self::forbidden("ExpiredToken", "The security token included in the request is expired")
            }
            R::Token(
                OpenError::Claims(_) | OpenError::Malformed | OpenError::Revoked(_) | OpenError::Seal(_),
            ) => Self::invalid_token(),
        }
    }
}

fn signature_code(class: Class) -> (StatusCode, &'static str) {
    match class {
        Class::IncompleteSignature => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
        Class::InvalidClientTokenId => (StatusCode::FORBIDDEN, "InvalidClientTokenId"),
        Class::MissingAuthenticationToken => (StatusCode::FORBIDDEN, "MissingAuthenticationToken"),
        Class::SignatureDoesNotMatch => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
        Class::ValidationError => (StatusCode::BAD_REQUEST, "ValidationError"),
    }
}
