//! What the store remembers of a session, as CBOR (RFC 8949) with integer keys in ascending order; anything else is
//! refused. No key, token or proof is part of it.

use std::sync::Arc;

use jiff::Timestamp;
use minicbor::{Decoder, Encoder};

use super::value::{ReadError, target_list, write_targets};
use crate::revocation::{Scope, SessionId, Target};
use crate::session::claims::{
    Written, field, optional, optional_shared_text, optional_text, shared_text, sixteen, text, time,
};

/// A session as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The session.
    pub session: SessionId,
    /// Its access key id, `ASIA…`.
    pub access_key_id: String,
    /// Its link's stamp.
    pub stamp: u64,
    /// What can end it, besides its own id; what it is listed under.
    pub targets: Vec<Target>,
    /// The account of its role.
    pub account: Arc<str>,
    /// ARN of the assumed role.
    pub role_arn: Arc<str>,
    /// The role's immutable id.
    pub role_id: Arc<str>,
    /// The session's name.
    pub session_name: Arc<str>,
    /// ARN of the provider that vouched for the proof.
    pub provider: Option<Arc<str>>,
    /// The principal for display, such as issuer and subject.
    pub principal: String,
    /// The source identity.
    pub source_identity: Option<String>,
    /// When it was issued, to the second.
    pub issued: Timestamp,
    /// When it ends, to the second.
    pub expires: Timestamp,
    /// Address that it was issued to.
    pub peer: String,
    /// The request that it was issued by.
    pub request_id: String,
    /// When it was last used, within a minute; stored apart from the record.
    pub last_used: Option<Timestamp>,
}

const FIELDS: u64 = 15;

impl SessionRecord {
    /// The record as CBOR, without its last use.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        let written = self.write(&mut Encoder::new(&mut bytes));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        bytes
    }

    /// The record in a plaintext.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut decoder = Decoder::new(bytes);
        let record = Self::read(&mut decoder)?;
        super::value::end(&decoder)?;
        Ok(record)
    }

    /// The targets that sessions are listed under and counted by.
    pub(super) fn listed_under(&self) -> impl Iterator<Item = Target> + '_ {
        let listed = |target: &&Target| {
            matches!(
                target.scope,
                Scope::Principal | Scope::Role | Scope::Provider | Scope::Certificate | Scope::Account
            )
        };
        self.targets.iter().filter(listed).copied()
    }

    /// The principal by its issuer and subject, which comes before its source identity.
    pub(super) fn principal_target(&self) -> Option<Target> {
        self.targets.iter().copied().find(|target| target.scope == Scope::Principal)
    }

    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        e.map(FIELDS)?.u8(0)?.bytes(&self.session.0)?.u8(1)?.str(&self.access_key_id)?;
        e.u8(2)?.u64(self.stamp)?.u8(3)?;
        write_targets(e, &self.targets)?;
        e.u8(4)?.str(&self.account)?.u8(5)?.str(&self.role_arn)?.u8(6)?.str(&self.role_id)?;
        e.u8(7)?.str(&self.session_name)?;
        optional(e.u8(8)?, self.provider.as_deref())?;
        e.u8(9)?.str(&self.principal)?;
        optional(e.u8(10)?, self.source_identity.as_deref())?;
        e.u8(11)?.i64(self.issued.as_second())?.u8(12)?.i64(self.expires.as_second())?;
        e.u8(13)?.str(&self.peer)?.u8(14)?.str(&self.request_id)?;
        Ok(())
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, ReadError> {
        if d.map()? != Some(FIELDS) {
            return Err(ReadError(format!("not a map of {FIELDS} fields")));
        }
        Ok(Self {
            session: field(d, 0).and_then(sixteen).map(SessionId)?,
            access_key_id: field(d, 1).and_then(text)?,
            stamp: field(d, 2)?.u64()?,
            targets: field(d, 3).and_then(target_list)?,
            account: field(d, 4).and_then(shared_text)?,
            role_arn: field(d, 5).and_then(shared_text)?,
            role_id: field(d, 6).and_then(shared_text)?,
            session_name: field(d, 7).and_then(shared_text)?,
            provider: field(d, 8).and_then(optional_shared_text)?,
            principal: field(d, 9).and_then(text)?,
            source_identity: field(d, 10).and_then(optional_text)?,
            issued: field(d, 11).and_then(time)?,
            expires: field(d, 12).and_then(time)?,
            peer: field(d, 13).and_then(text)?,
            request_id: field(d, 14).and_then(text)?,
            last_used: None,
        })
    }
}
