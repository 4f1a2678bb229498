//! What a token says, as CBOR (RFC 8949) with integer keys in ascending order; anything else is refused.

use std::sync::Arc;

use jiff::Timestamp;
use minicbor::{Decoder, Encoder, data::Type, decode, encode};

use super::Birth;
use crate::revocation::{Link, Scope, ScopeId, SessionId, Target};
use crate::trust::AssumedRole;

/// The session's identity, limits and life. The role's own policies are not part of it: they are read live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// One link for each session of the chain, this one's last.
    pub links: Vec<Link>,
    /// ARN of the assumed role, its path included.
    pub role_arn: Arc<str>,
    /// The role's immutable id, `AROA…`.
    pub role_id: Arc<str>,
    /// The session's name.
    pub session_name: Arc<str>,
    /// ARN of the provider that vouched for the first proof.
    pub provider: Option<Arc<str>>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// Keys of the tags that go on to chained sessions.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity, which no later session of the chain can change.
    pub source_identity: Option<String>,
    /// Session policies.
    pub policies: SessionPolicies,
    /// Condition keys of the proof that persist in the session, such as its subject and audience.
    pub carried: Vec<(Arc<str>, Vec<String>)>,
    /// When it was issued, to the second.
    pub issued: Timestamp,
    /// When it ends, to the second.
    pub expires: Timestamp,
    /// Nothing; makes the token as long as its receiver wants it.
    pub padding: Vec<u8>,
}

/// Session policies: the inline document whole, managed ones by ARN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionPolicies {
    /// The inline document.
    pub inline: Option<String>,
    /// ARNs of managed policies.
    pub managed: Vec<String>,
}

/// The claims are not of the form that this version writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ClaimsError(pub(crate) String);

impl From<decode::Error> for ClaimsError {
    fn from(error: decode::Error) -> Self {
        Self(error.to_string())
    }
}

const FIELDS: u64 = 13;

impl Claims {
    /// The claims of a session that begins now in an assumed role.
    pub(super) fn of(assumed: &AssumedRole, birth: &Birth) -> Self {
        let issued = Timestamp::from_second(birth.issued.as_second()).unwrap_or(birth.issued);
        let identity = &assumed.identity;
        let asked = issued.checked_add(assumed.duration).unwrap_or(issued);
        let expires = identity.not_after().map_or(asked, |end| asked.min(end));
        let link = Link { session: birth.session, stamp: birth.stamp, targets: assumed.targets.clone() };
        Self {
            links: vec![link],
            role_arn: (&assumed.role.arn).into(),
            role_id: (&assumed.role.id).into(),
            session_name: (&assumed.session_name).into(),
            provider: Some(Arc::clone(identity.provider_arn())),
            tags: identity.session_tags().to_vec(),
            transitive_tag_keys: identity.transitive_tag_keys().to_vec(),
            source_identity: identity.source_identity().map(str::to_owned),
            policies: SessionPolicies {
                inline: assumed.inline_policy.clone(),
                managed: assumed.managed_policies.iter().map(ToString::to_string).collect(),
            },
            carried: identity.carried().map(|key| (Arc::clone(&key.name), key.values.clone())).collect(),
            issued,
            expires,
            padding: Vec::new(),
        }
    }

    /// The claims as CBOR.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        let written = self.write(&mut Encoder::new(&mut bytes));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        bytes
    }

    /// The claims of a token's plaintext.
    pub fn decode(bytes: &[u8]) -> Result<Self, ClaimsError> {
        let mut decoder = Decoder::new(bytes);
        let claims = Self::read(&mut decoder)?;
        if decoder.position() != bytes.len() {
            return Err(ClaimsError("bytes after the claims".into()));
        }
        Ok(claims)
    }

    /// Bytes of CBOR that session policies and tags take.
    pub fn packed_bytes(&self) -> usize {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        let written = self.write_tags(&mut encoder).and_then(|()| self.write_policies(&mut encoder));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        bytes.len()
    }

    /// Whether there is a session policy or tag at all.
    pub fn has_packed(&self) -> bool {
        !self.tags.is_empty() || self.policies.inline.is_some() || !self.policies.managed.is_empty()
    }

    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        e.map(FIELDS)?.u8(0)?.array(self.links.len() as u64)?;
        for link in &self.links {
            e.array(3)?.bytes(&link.session.0)?.u64(link.stamp)?.array(link.targets.len() as u64)?;
            for target in &link.targets {
                e.array(2)?.u8(target.scope as u8)?.bytes(&target.id.0)?;
            }
        }
        e.u8(1)?.str(&self.role_arn)?.u8(2)?.str(&self.role_id)?.u8(3)?.str(&self.session_name)?;
        optional(e.u8(4)?, self.provider.as_deref())?;
        e.u8(5)?;
        self.write_tags(e)?;
        strings(e.u8(6)?, &self.transitive_tag_keys)?;
        optional(e.u8(7)?, self.source_identity.as_deref())?;
        e.u8(8)?;
        self.write_policies(e)?;
        e.u8(9)?.array(self.carried.len() as u64)?;
        for (key, values) in &self.carried {
            strings(e.array(2)?.str(key)?, values)?;
        }
        e.u8(10)?.i64(self.issued.as_second())?.u8(11)?.i64(self.expires.as_second())?;
        e.u8(12)?.bytes(&self.padding)?;
        Ok(())
    }

    fn write_tags(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        e.array(self.tags.len() as u64)?;
        for (key, value) in &self.tags {
            e.array(2)?.str(key)?.str(value)?;
        }
        Ok(())
    }

    fn write_policies(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        optional(e.array(2)?, self.policies.inline.as_deref())?;
        strings(e, &self.policies.managed)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, ClaimsError> {
        if d.map()? != Some(FIELDS) {
            return Err(ClaimsError(format!("not a map of {FIELDS} fields")));
        }
        let claims = Self {
            links: field(d, 0).and_then(|d| list(d, read_link))?,
            role_arn: field(d, 1).and_then(shared_text)?,
            role_id: field(d, 2).and_then(shared_text)?,
            session_name: field(d, 3).and_then(shared_text)?,
            provider: field(d, 4).and_then(optional_shared_text)?,
            tags: field(d, 5).and_then(|d| list(d, |d| pair(d, text, text)))?,
            transitive_tag_keys: field(d, 6).and_then(|d| list(d, text))?,
            source_identity: field(d, 7).and_then(optional_text)?,
            policies: field(d, 8)
                .and_then(|d| pair(d, optional_text, |d| list(d, text)))
                .map(|(inline, managed)| SessionPolicies { inline, managed })?,
            carried: field(d, 9).and_then(|d| list(d, |d| pair(d, shared_text, |d| list(d, text))))?,
            issued: field(d, 10).and_then(time)?,
            expires: field(d, 11).and_then(time)?,
            padding: field(d, 12).and_then(|d| Ok(d.bytes()?.to_vec()))?,
        };
        if claims.links.is_empty() {
            return Err(ClaimsError("a chain without a session".into()));
        }
        Ok(claims)
    }
}

pub(crate) type Written = Result<(), encode::Error<std::convert::Infallible>>;

pub(crate) fn optional(e: &mut Encoder<&mut Vec<u8>>, text: Option<&str>) -> Written {
    match text {
        Some(text) => e.str(text)?,
        None => e.null()?,
    };
    Ok(())
}

pub(crate) fn strings(e: &mut Encoder<&mut Vec<u8>>, texts: &[String]) -> Written {
    e.array(texts.len() as u64)?;
    for text in texts {
        e.str(text)?;
    }
    Ok(())
}

pub(crate) fn field<'d, 'b>(d: &'d mut Decoder<'b>, key: u8) -> Result<&'d mut Decoder<'b>, ClaimsError> {
    match d.u8()? {
        found if found == key => Ok(d),
        found => Err(ClaimsError(format!("field {found} where {key} belongs"))),
    }
}

/// A definite array, read without trusting its length for memory.
pub(crate) fn list<'b, T>(
    d: &mut Decoder<'b>,
    item: impl Fn(&mut Decoder<'b>) -> Result<T, ClaimsError>,
) -> Result<Vec<T>, ClaimsError> {
    let length = d.array()?.ok_or_else(|| ClaimsError("an array without a length".into()))?;
    let mut items = Vec::with_capacity(usize::try_from(length.min(8)).unwrap_or(0));
    for _ in 0..length {
        items.push(item(d)?);
    }
    Ok(items)
}

pub(crate) fn pair<'b, A, B>(
    d: &mut Decoder<'b>,
    first: impl Fn(&mut Decoder<'b>) -> Result<A, ClaimsError>,
    second: impl Fn(&mut Decoder<'b>) -> Result<B, ClaimsError>,
) -> Result<(A, B), ClaimsError> {
    expect_array(d, 2)?;
    Ok((first(d)?, second(d)?))
}

pub(crate) fn expect_array(d: &mut Decoder<'_>, length: u64) -> Result<(), ClaimsError> {
    if d.array()? == Some(length) { Ok(()) } else { Err(ClaimsError(format!("not an array of {length}"))) }
}

pub(crate) fn text(d: &mut Decoder<'_>) -> Result<String, ClaimsError> {
    Ok(d.str()?.to_owned())
}

pub(crate) fn shared_text(d: &mut Decoder<'_>) -> Result<Arc<str>, ClaimsError> {
    Ok(d.str()?.into())
}

pub(crate) fn optional_shared_text(d: &mut Decoder<'_>) -> Result<Option<Arc<str>>, ClaimsError> {
    Ok(optional_text(d)?.map(Arc::from))
}

pub(crate) fn optional_text(d: &mut Decoder<'_>) -> Result<Option<String>, ClaimsError> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    text(d).map(Some)
}

pub(crate) fn time(d: &mut Decoder<'_>) -> Result<Timestamp, ClaimsError> {
    Timestamp::from_second(d.i64()?).map_err(|_| ClaimsError("a time out of range".into()))
}

pub(crate) fn sixteen(d: &mut Decoder<'_>) -> Result<[u8; 16], ClaimsError> {
    d.bytes()?.try_into().map_err(|_| ClaimsError("an id that is not 16 bytes".into()))
}

fn read_link(d: &mut Decoder<'_>) -> Result<Link, ClaimsError> {
    expect_array(d, 3)?;
    let session = SessionId(sixteen(d)?);
    let stamp = d.u64()?;
    let targets = list(d, target)?;
    Ok(Link { session, stamp, targets })
}

pub(crate) fn target(d: &mut Decoder<'_>) -> Result<Target, ClaimsError> {
    expect_array(d, 2)?;
    let scope = Scope::from_number(d.u8()?).ok_or_else(|| ClaimsError("an unknown scope".into()))?;
    Ok(Target { scope, id: ScopeId(sixteen(d)?) })
}
