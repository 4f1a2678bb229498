//! Signing keys of sessions in use: derived once for a session's day, region and service, not for each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use daypass_sigv4::{SignedRequest, SigningKey};

use crate::revocation::SessionId;
use crate::seal::KeyId;

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
    date: Box<str>,
    region: Box<str>,
    service: Box<str>,
    key: Arc<SigningKey>,
}

impl SigningKeys {
    /// The key that must have signed, or what `derive` gives: it is asked if the session's last request had another
    /// scope.
    ///
    /// A session's secret depends on its id and on the key that sealed it alone, once its token has opened.
    pub fn key<E>(
        &self,
        session: SessionId,
        sealed_by: KeyId,
        signed: &SignedRequest<'_>,
        derive: impl FnOnce() -> Result<SigningKey, E>,
    ) -> Result<Arc<SigningKey>, E> {
        let [first, ..] = session.0;
        let Some(shard) = self.0.get(usize::from(first) % SHARDS) else { return derive().map(Arc::new) };
        let known = |kept: &&Kept| kept.sealed_by == sealed_by && kept.is_for(signed);
        let lock = || shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().get(&session).filter(known) {
            return Ok(Arc::clone(&kept.key));
        }
        let key = Arc::new(derive()?);
        let mut kept = lock();
        if kept.len() >= SESSIONS && !kept.contains_key(&session) {
            kept.clear();
        }
        kept.insert(session, Kept::new(sealed_by, signed, Arc::clone(&key)));
        Ok(key)
    }
}

impl Kept {
    fn new(sealed_by: KeyId, signed: &SignedRequest<'_>, key: Arc<SigningKey>) -> Self {
        let (date, region, service) = (signed.date().into(), signed.region().into(), signed.service().into());
        Self { sealed_by, date, region, service, key }
    }

    fn is_for(&self, signed: &SignedRequest<'_>) -> bool {
        *self.date == *signed.date() && *self.region == *signed.region() && *self.service == *signed.service()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use daypass_sigv4::{Head, Limits, parse};

    use super::*;

    const SESSION: SessionId = SessionId([7; 16]);

    /// How often a key is derived for requests of these dates, regions and services, in turn.
    fn derived(keys: &SigningKeys, session: SessionId, sealed_by: u32, scopes: &[&str]) -> usize {
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
            keys.key(session, KeyId(sealed_by), &signed, derive).unwrap();
        }
        times.get()
    }

    #[test]
    fn a_key_serves_its_own_session_and_scope_alone() {
        let (keys, sts) = (SigningKeys::default(), "20261122/eu-west-1/sts");
        assert_eq!(derived(&keys, SESSION, 1, &[sts, sts, sts]), 1);
        for other in ["20261123/eu-west-1/sts", "20261122/eu-west-2/sts", "20261122/eu-west-1/s3"] {
            assert_eq!(derived(&keys, SESSION, 1, &[other, other, sts]), 2, "{other}");
        }
        assert_eq!(derived(&keys, SessionId([8; 16]), 1, &[sts]), 1, "another session");
        assert_eq!(derived(&keys, SESSION, 2, &[sts]), 1, "the session sealed by another key");
    }

    #[test]
    fn memory_stays_bounded_whatever_sessions_come() {
        let keys = SigningKeys::default();
        for number in 0..40_000_u32 {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_le_bytes());
            derived(&keys, SessionId(id), 1, &["20261122/eu-west-1/sts"]);
        }
        let kept: usize = keys.0.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= SHARDS * SESSIONS, "{kept}");
    }
}
