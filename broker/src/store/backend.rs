//! The store that the configuration names, behind one type.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::embedded::Embedded;
use super::redis::Redis;
use super::{
    Cursor, Limits, LiveView, Page, Recorded, Reservation, Revocation, RevokeError, Selector, SessionName,
    SessionRecord, Settlement, Store, Unavailable,
};
use crate::revocation::SessionId;
use crate::seal::KeyId;

/// One of the stores.
#[derive(Debug)]
pub enum Backend {
    /// A file of this broker alone.
    Embedded(Box<Embedded>),
    /// A Redis shared by brokers.
    Redis(Box<Redis>),
}

impl Store for Backend {
    async fn record(
        &self,
        record: &SessionRecord,
        reservation: Option<&Reservation>,
        limits: Limits,
    ) -> Result<Recorded, Unavailable> {
        match self {
            Self::Embedded(store) => store.record(record, reservation, limits).await,
            Self::Redis(store) => store.record(record, reservation, limits).await,
        }
    }

    async fn session(&self, name: &SessionName) -> Result<Option<SessionRecord>, Unavailable> {
        match self {
            Self::Embedded(store) => store.session(name).await,
            Self::Redis(store) => store.session(name).await,
        }
    }

    async fn sessions(&self, selector: &Selector, cursor: Cursor) -> Result<Page, Unavailable> {
        match self {
            Self::Embedded(store) => store.sessions(selector, cursor).await,
            Self::Redis(store) => store.sessions(selector, cursor).await,
        }
    }

    async fn revoke(&self, revocations: &[Revocation]) -> Result<Settlement, RevokeError> {
        match self {
            Self::Embedded(store) => store.revoke(revocations).await,
            Self::Redis(store) => store.revoke(revocations).await,
        }
    }

    async fn touch(&self, uses: &[(SessionId, Timestamp)]) -> Result<(), Unavailable> {
        match self {
            Self::Embedded(store) => store.touch(uses).await,
            Self::Redis(store) => store.touch(uses).await,
        }
    }

    async fn clock(&self) -> Result<Option<Timestamp>, Unavailable> {
        match self {
            Self::Embedded(store) => store.clock().await,
            Self::Redis(store) => store.clock().await,
        }
    }

    fn live(&self) -> &Arc<LiveView> {
        match self {
            Self::Embedded(store) => store.live(),
            Self::Redis(store) => store.live(),
        }
    }

    fn peer_keys(&self) -> Arc<BTreeSet<KeyId>> {
        match self {
            Self::Embedded(store) => store.peer_keys(),
            Self::Redis(store) => store.peer_keys(),
        }
    }
}
