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
    pub(super) all: Object,
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

    fn try_from(all: Object) -> Result<Self, ClaimsError> {
        let owned = |name| Ok::<_, WrongType>(all.text(name)?.map(str::to_owned));
        Ok(Self {
            issuer: owned("iss")?.ok_or(ClaimsError::NoIssuer)?,
            subject: owned("sub")?,
            audience: all.texts("aud")?,
            authorized_party: owned("azp")?,
            expires: all.integer("exp")?,
            issued: all.integer("iat")?,
            not_before: all.integer("nbf")?,
            id: owned("jti")?,
            methods: all.texts("amr")?,
            email: owned("email")?,
            all,
        })
    }
}
