//! A signed request, parsed: who says to have signed what, and when. Nothing is believed yet.

use std::borrow::Cow;

use data_encoding::HEXLOWER;

use crate::credential::Credential;
use crate::head::{Head, Limits, trimmed};
use crate::query::CanonicalQuery;
use crate::refusal::{Refusal, excerpt};
use crate::time::SignedAt;
use crate::{authorization, path, presigned};

/// A request that claims to be signed; every accessor returns what the sender wrote.
pub struct SignedRequest<'a> {
    pub(crate) head: Head<'a>,
    pub(crate) query: CanonicalQuery<'a>,
    pub(crate) credential: Credential<'a>,
    pub(crate) signed_headers: Cow<'a, str>,
    pub(crate) signature: [u8; 32],
    pub(crate) signed_at: SignedAt<'a>,
    pub(crate) form: Form,
    /// The header that the time was read from, which must be signed then.
    pub(crate) date_header: Option<&'static str>,
    token: Option<Cow<'a, str>>,
}

/// Where the signature was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In the `Authorization` header.
    Header,
    /// In the query, valid for so many seconds.
    Presigned {
        /// Seconds after its date, 1 to 604,800.
        expires: u32,
    },
}

/// A signed request whose scope is the service's and whose scope date is its own; only
/// [`SignedRequest::check_scope`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct ScopedRequest<'r, 'a> {
    pub(crate) request: &'r SignedRequest<'a>,
}

/// Reads the signature of a request; `None` when nothing tries to sign it.
///
/// A request that tries and fails is a [`Refusal`], never `None`. Sizes are checked first, for unsigned ones too.
pub fn parse<'a>(head: &Head<'a>, limits: &Limits) -> Result<Option<SignedRequest<'a>>, Refusal> {
    head.check_size(limits)?;
    let raw_query = head.query.unwrap_or_default();
    let mut authorizations = head.values("authorization");
    match (authorizations.next(), presigned::attempted(raw_query)) {
        (None, None) => Ok(None),
        (Some(_), Some(parameter)) => Err(Refusal::BothForms { parameter }),
        (Some(_), None) if authorizations.next().is_some() => Err(Refusal::AuthorizationDuplicated),
        (Some(value), None) => {
            let query = canonical_query(head, raw_query, limits)?;
            from_header(*head, query, value).map(Some)
        }
        (None, Some(_)) => {
            let query = canonical_query(head, raw_query, limits)?;
            from_query(*head, query).map(Some)
        }
    }
}

impl<'a> SignedRequest<'a> {
    /// The id of the key that is said to have signed.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.credential.access_key_id
    }

    /// The day of the scope, `YYYYMMDD`.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.credential.date
    }

    /// The region of the scope.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.credential.region
    }

    /// The service of the scope.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.credential.service
    }

    /// When the request says it was signed.
    #[must_use]
    pub fn signed_at(&self) -> jiff::Timestamp {
        self.signed_at.instant
    }

    /// Lower-case names of the signed headers, in order.
    pub fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.signed_headers.split(';')
    }

    /// The session token, of the header or of the query.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Where the signature was.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Hands on the request if its scope names a well-formed region, `service` and the day it was signed.
    ///
    /// Comes before any look at the key. How old the request is belongs to [`crate::verify()`]: AWS answers an
    /// unknown key or a foreign token before it says that a request is stale.
    pub fn check_scope(&self, service: &str) -> Result<ScopedRequest<'_, 'a>, Refusal> {
        self.credential.check_scope(service, &self.signed_at)?;
        Ok(ScopedRequest { request: self })
    }

    pub(crate) fn signs(&self, name: &str) -> bool {
        self.signed_headers().any(|signed| signed.eq_ignore_ascii_case(name))
    }
}

impl<'r, 'a> ScopedRequest<'r, 'a> {
    /// The request as parsed.
    #[must_use]
    pub fn request(&self) -> &'r SignedRequest<'a> {
        self.request
    }
}

fn canonical_query<'a>(
    head: &Head<'a>,
    raw: &'a str,
    limits: &Limits,
) -> Result<CanonicalQuery<'a>, Refusal> {
    // A question to the broker brings head fields as text, so what HTTP forbids must be refused here as well.
    if head.method.is_empty() || !head.method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Refusal::MethodMalformed { seen: excerpt(head.method) });
    }
    if !(head.path.is_empty() || head.path.starts_with('/')) {
        return Err(Refusal::PathRelative);
    }
    path::check(head.path).map_err(|cause| Refusal::PathMalformed { cause })?;
    let query = CanonicalQuery::parse(raw, limits.query_parameters)?;
    presigned::check_unique(&query)?;
    Ok(query)
}

fn from_header<'a>(
    head: Head<'a>,
    query: CanonicalQuery<'a>,
    value: &'a [u8],
) -> Result<SignedRequest<'a>, Refusal> {
    let (date_header, date) = match head.single("x-amz-date")? {
        Some(date) => ("x-amz-date", Some(date)),
        None => ("date", head.single("date")?),
    };
    let authorization = authorization::parse(value, date.is_some())?;
    let credential = Credential::parse(authorization.credential)?;
    check_signed_headers(authorization.signed_headers)?;
    let date = date.and_then(trimmed).unwrap_or_default();
    let signed_at = match date_header {
        "date" => SignedAt::from_date_header(date)?,
        _ => SignedAt::from_basic(date.into())?,
    };
    let token = head.single("x-amz-security-token")?;
    let token = token.map(|token| trimmed(token).ok_or(Refusal::TokenMalformed)).transpose()?;
    Ok(SignedRequest {
        head,
        query,
        credential,
        signed_headers: authorization.signed_headers.into(),
        signature: signature(authorization.signature)?,
        signed_at,
        form: Form::Header,
        date_header: Some(date_header),
        token: token.map(Cow::Borrowed),
    })
}

fn from_query<'a>(head: Head<'a>, query: CanonicalQuery<'a>) -> Result<SignedRequest<'a>, Refusal> {
    let presigned = presigned::parse(&query)?;
    if head.values("x-amz-security-token").next().is_some() {
        return Err(Refusal::TokenOutsideQuery);
    }
    let credential = Credential::parse(&presigned.credential)?.into_owned();
    check_signed_headers(&presigned.signed_headers)?;
    Ok(SignedRequest {
        head,
        query,
        credential,
        signature: signature(&presigned.signature)?,
        signed_at: SignedAt::from_basic(presigned.date.into())?,
        signed_headers: presigned.signed_headers.into(),
        form: Form::Presigned { expires: presigned.expires },
        date_header: None,
        token: presigned.token.map(Cow::Owned),
    })
}

/// Names must be lower-case tokens in strictly ascending order, as every signer writes them.
fn check_signed_headers(text: &str) -> Result<(), Refusal> {
    let is_name = |name: &str| {
        let token = name.strip_prefix(':').unwrap_or(name);
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
        };
        !token.is_empty() && token.bytes().all(allowed)
    };
    let mut previous = "";
    for name in text.split(';') {
        if !is_name(name) || name <= previous {
            return Err(Refusal::SignedHeadersMalformed { seen: excerpt(text) });
        }
        previous = name;
    }
    Ok(())
}

fn signature(text: &str) -> Result<[u8; 32], Refusal> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return Err(Refusal::SignatureMalformed);
    }
    HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).map_err(|_| Refusal::SignatureMalformed)?;
    Ok(bytes)
}

// Hides the token and the headers.
impl std::fmt::Debug for SignedRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedRequest")
            .field("credential", &self.credential)
            .field("signed_headers", &self.signed_headers)
            .field("signed_at", &self.signed_at.basic)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}
