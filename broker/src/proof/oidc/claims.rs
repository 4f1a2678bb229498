//! The claims of a token as typed values: a registered claim of another JSON type makes it malformed.

use serde::Deserialize;

use super::json::{Object, WrongType};

/// The claims of RFC 7519 §4.1 and OpenID Connect Core §2 that decide, and all others beside them.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Object")]
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) subject: Option<String>,
    pub(super) audience: Vec<String>,
    pub(super) authorized_party: Option<String>,
    pub(super) expires: Option<i64>,
    pub(super) issued: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) id: Option<String>,
    pub(super) methods: Vec<String>,
    pub(super) email: Option<String>,
    pub(super) others: Object,
}

/// Why an object is no set of claims.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClaimsError {
    #[error("there is no `iss`")]
    NoIssuer,
    #[error(transparent)]
    Type(#[from] WrongType),
}

impl TryFrom<Object> for Claims {
    type Error = ClaimsError;

    fn try_from(mut others: Object) -> Result<Self, ClaimsError> {
        Ok(Self {
            issuer: others.take_text("iss")?.ok_or(ClaimsError::NoIssuer)?,
            subject: others.take_text("sub")?,
            audience: others.take_texts("aud")?,
            authorized_party: others.take_text("azp")?,
            expires: others.integer("exp")?,
            issued: others.integer("iat")?,
            not_before: others.integer("nbf")?,
            id: others.take_text("jti")?,
            methods: others.take_texts("amr")?,
            email: others.take_text("email")?,
            others,
        })
    }
}
