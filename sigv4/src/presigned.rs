//! The query form: a request signed by `X-Amz-*` parameters, valid until it expires.

use std::borrow::Cow;

use crate::authorization::check_algorithm;
use crate::encoding;
use crate::query::CanonicalQuery;
use crate::refusal::Refusal;
use crate::time;

pub(crate) const ALGORITHM: &str = "X-Amz-Algorithm";
pub(crate) const CREDENTIAL: &str = "X-Amz-Credential";
pub(crate) const DATE: &str = "X-Amz-Date";
pub(crate) const EXPIRES: &str = "X-Amz-Expires";
pub(crate) const SECURITY_TOKEN: &str = "X-Amz-Security-Token";
pub(crate) const SIGNATURE: &str = "X-Amz-Signature";
pub(crate) const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";

/// The parameters that make a request a presigned one, in the order AWS names missing ones.
const PARAMETERS: [&str; 7] =
    [ALGORITHM, CREDENTIAL, SIGNATURE, SIGNED_HEADERS, DATE, EXPIRES, SECURITY_TOKEN];

/// The parameters of `SigV2`, which is refused.
const LEGACY: [&str; 2] = ["AWSAccessKeyId", "SignatureVersion"];

/// The parameters, decoded; of them only algorithm and expiry are checked yet.
pub(crate) struct Presigned {
    pub(crate) credential: String,
    pub(crate) date: String,
    pub(crate) expires: u32,
    pub(crate) signed_headers: String,
    pub(crate) signature: String,
    pub(crate) token: Option<String>,
}

/// Names the first parameter that tries to authenticate the request, in any case and under any escapes.
pub(crate) fn attempted(raw_query: &str) -> Option<&'static str> {
    raw_query.split('&').find_map(|pair| {
        let name = encoding::decode(pair.split('=').next()?).ok()?;
        let known = |candidate: &&&str| candidate.eq_ignore_ascii_case(&name);
        PARAMETERS.iter().chain(&LEGACY).find(known).copied()
    })
}

/// Refuses a query that names an `X-Amz-*` parameter twice, whatever the case.
pub(crate) fn check_unique(query: &CanonicalQuery<'_>) -> Result<(), Refusal> {
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in query.pairs() {
        let reserved = name.get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-amz-"));
        if !reserved {
            continue;
        }
        if seen.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(Refusal::ParameterDuplicated { name: crate::refusal::excerpt(name) });
        }
        seen.push(name);
    }
    Ok(())
}

/// Reads the parameters of a request that has at least one of them.
pub(crate) fn parse(query: &CanonicalQuery<'_>) -> Result<Presigned, Refusal> {
    if query.value(ALGORITHM).is_none() && LEGACY.iter().any(|name| query.value(name).is_some()) {
        return Err(Refusal::AlgorithmUnsupported { seen: "AWS2".into() });
    }
    let value = |name| query.value(name).map(Cow::into_owned).filter(|value| !value.is_empty());
    let required = |name| value(name).ok_or_else(|| Refusal::QueryIncomplete { missing: missing(query) });
    let algorithm = required(ALGORITHM)?;
    check_algorithm(&algorithm)?;
    let credential = required(CREDENTIAL)?;
    let signature = required(SIGNATURE)?;
    let signed_headers = required(SIGNED_HEADERS)?;
    let date = required(DATE)?;
    let expires = time::expires(&query.value(EXPIRES).unwrap_or_default())?;
    let token = query.value(SECURITY_TOKEN).map(Cow::into_owned);
    Ok(Presigned { credential, date, expires, signed_headers, signature, token })
}

fn missing(query: &CanonicalQuery<'_>) -> Vec<&'static str> {
    let absent = |name: &&str| query.value(name).is_none_or(|value| value.is_empty());
    PARAMETERS.into_iter().take(5).filter(absent).collect()
}
