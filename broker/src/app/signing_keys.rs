//! Signing keys of sessions in use: derived once for a session's day, region and service, not for each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use daypass_sigv4::{SignedRequest, SigningKey};
use jiff::Timestamp;

use crate::revocation::SessionId;
use crate::seal::KeyId;
use crate::session::OpenSession;

/// Shards, so that requests hardly wait for each other at a lock.
const SHARDS: usize = 16;
/// Sessions that a shard keeps before it starts anew.
const SESSIONS: usize = 1_024;

/// Up to 16,384 sessions' keys, each of its latest scope.
#[derive(Debug, Default)]
pub struct SigningKeys([Mutex<HashMap<SessionId, Kept>>; SHARDS]);

#[derive(Debug)]
struct Kept {
    sealed_by: KeyId,
    access_key_id: Box<str>,
    expires: Timestamp,
    date: Box<str>,
    region: Box<str>,
    service: Box<str>,
    key: Arc<SigningKey>,
}

impl SigningKeys {
    /// The key that must have signed, or what `derive` gives: it is asked if the session's last request had another
    /// scope.
    ///
    /// All that a session's secret depends on is compared.
    pub fn key<E>(
        &self,
        open: &OpenSession,
        signed: &SignedRequest<'_>,
        derive: impl FnOnce() -> Result<SigningKey, E>,
    ) -> Result<Arc<SigningKey>, E> {
        let session = open.claims().session();
        let [first, ..] = session.0;
        let Some(shard) = self.0.get(usize::from(first) % SHARDS) else { return derive().map(Arc::new) };
        let known = |kept: &&Kept| kept.is_of(open) && kept.is_for(signed);
        let lock = || shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().get(&session).filter(known) {
            return Ok(Arc::clone(&kept.key));
        }
        let key = Arc::new(derive()?);
        let mut kept = lock();
        if kept.len() >= SESSIONS && !kept.contains_key(&session) {
            kept.clear();
        }
        kept.insert(session, Kept::new(open, signed, Arc::clone(&key)));
        Ok(key)
    }
}

impl Kept {
    fn new(open: &OpenSession, signed: &SignedRequest<'_>, key: Arc<SigningKey>) -> Self {
        Self {
            sealed_by: open.sealed_by(),
            access_key_id: open.access_key_id().into(),
            expires: open.claims().expires,
            date: signed.date().into(),
            region: signed.region().into(),
            service: signed.service().into(),
            key,
        }
    }

    fn is_of(&self, open: &OpenSession) -> bool {
        self.sealed_by == open.sealed_by()
            && *self.access_key_id == *open.access_key_id()
            && self.expires == open.claims().expires
    }

    fn is_for(&self, signed: &SignedRequest<'_>) -> bool {
        *self.date == *signed.date() && *self.region == *signed.region() && *self.service == *signed.service()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use daypass_sigv4::{Head, Limits, parse};
    use jiff::SignedDuration;

    use super::*;
    use crate::keys::{Keyring, file::KeyringFile};
    use crate::revocation::{Link, View};
    use crate::session::{Claims, SessionPolicies, open, seal_claims};

    const STS: &str = "20261122/eu-west-1/sts";

    fn keyring() -> Keyring {
        KeyringFile::generate(false, &mut || [1; 32]).validate().unwrap()
    }

    /// A session of so many minutes, sealed and opened.
    fn opened(keyring: &Keyring, id: [u8; 16], minutes: i64) -> OpenSession {
        let issued: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let claims = Claims {
            links: vec![Link { session: SessionId(id), stamp: 1, targets: Vec::new() }],
            role_arn: "arn:aws:iam::111122223333:role/Deploy".into(),
            role_id: "AROAAAAAAAAAAAAAAAAAA".into(),
            session_name: "build-7".into(),
            provider: None,
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            policies: SessionPolicies::default(),
            carried: Vec::new(),
            issued,
            expires: issued + SignedDuration::from_mins(minutes),
            padding: Vec::new(),
        };
        let session = seal_claims(claims, keyring, &[3; 32]).unwrap();
        open(&session.token, &session.access_key_id, keyring, &View::default(), issued).unwrap()
    }

    /// How often a key is derived for requests of these dates, regions and services, in turn.
    fn derived(keys: &SigningKeys, session: &OpenSession, scopes: &[&str]) -> usize {
        let times = Cell::new(0);
        for scope in scopes {
            let date = scope.split('/').next().unwrap();
            let (basic, zeros) = (format!("{date}T000000Z"), "0".repeat(64));
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/{scope}/aws4_request, SignedHeaders=host;x-amz-date, Signature={zeros}"
            );
            let headers: [(&str, &[u8]); 3] = [
                ("host", b"a"),
                ("x-amz-date", basic.as_bytes()),
                ("authorization", authorization.as_bytes()),
            ];
            let head = Head { method: "GET", path: "/", query: None, headers: &headers };
            let signed = parse(&head, &Limits::STANDARD).unwrap().unwrap();
            let derive = || {
                times.set(times.get() + 1);
                Ok::<_, ()>(SigningKey::derive("secret", signed.date(), signed.region(), signed.service()))
            };
            keys.key(session, &signed, derive).unwrap();
        }
        times.get()
    }

    #[test]
    fn a_key_serves_its_own_session_and_scope_alone() {
        let (keys, keyring) = (SigningKeys::default(), keyring());
        let session = opened(&keyring, [7; 16], 60);
        assert_eq!(derived(&keys, &session, &[STS, STS, STS]), 1);
        for other in ["20261123/eu-west-1/sts", "20261122/eu-west-2/sts", "20261122/eu-west-1/s3"] {
            assert_eq!(derived(&keys, &session, &[other, other, STS]), 2, "{other}");
        }
        for (id, minutes) in [([8; 16], 60), ([7; 16], 61)] {
            let other = opened(&keyring, id, minutes);
            assert_eq!(derived(&keys, &other, &[STS, STS]), 1, "{id:?} {minutes}");
        }
    }

    #[test]
    fn memory_stays_bounded_whatever_sessions_come() {
        let (keys, keyring) = (SigningKeys::default(), keyring());
        for number in 0..18_000_u32 {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_le_bytes());
            derived(&keys, &opened(&keyring, id, 60), &[STS]);
        }
        let kept: usize = keys.0.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= SHARDS * SESSIONS, "{kept}");
    }
}
