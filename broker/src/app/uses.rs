//! When sessions were last used: noted in memory at every request, written to the store once a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::revocation::SessionId;

/// How many sessions are noted between two writings; more are noted the next time they are used.
const MOST: usize = 100_000;

/// Last uses that are not written yet.
#[derive(Debug, Default)]
pub struct Uses(Mutex<HashMap<SessionId, Timestamp>>);

impl Uses {
    /// Notes that a session was used.
    pub fn note(&self, session: SessionId, now: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() < MOST || uses.contains_key(&session) {
            uses.insert(session, now);
        }
    }

    /// What was noted since the last call.
    pub fn take(&self) -> Vec<(SessionId, Timestamp)> {
        let uses = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        uses.into_iter().collect()
    }
}
