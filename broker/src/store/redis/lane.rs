//! The connection that issuing and listing share: every call bounded in time, all of them in number, and none kept
//! waiting for a server that has just failed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::Pipeline;
use redis::aio::MultiplexedConnection;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::connection::Address;
use crate::store::Unavailable;

/// How long a call waits for Redis.
pub(super) const DEADLINE: Duration = Duration::from_millis(250);
/// How long after a failure calls fail at once.
const PAUSE: Duration = Duration::from_millis(250);
/// Calls that may wait for Redis at once.
pub(super) const MAX_WAITING: usize = 2_048;

#[derive(Debug)]
pub(super) struct Lane {
    address: Address,
    state: Mutex<State>,
    connecting: tokio::sync::Mutex<()>,
    waiting: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Counts connections, so that the failure of an old one doesn't end a new one.
    generation: u64,
    paused_until: Option<Instant>,
}

impl Lane {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            state: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(MAX_WAITING),
        }
    }

    /// The answers to a pipeline. Commands that failed fail all of it.
    pub(super) async fn query<T: redis::FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, Unavailable> {
        self.query_by(pipeline, Instant::now() + DEADLINE).await
    }

    /// The same by a deadline that began earlier.
    pub(super) async fn query_by<T: redis::FromRedisValue>(
        &self,
        pipeline: &Pipeline,
        deadline: Instant,
    ) -> Result<T, Unavailable> {
        let _place = self.waiting.try_acquire().map_err(|_| Unavailable::Backlog)?;
        let connected = tokio::time::timeout_at(deadline, self.connection()).await;
        let (mut connection, generation) = match connected {
            Ok(connected) => connected?,
            Err(_) => return Err(self.failed(None, Unavailable::Deadline)),
        };
        match tokio::time::timeout_at(deadline, pipeline.query_async(&mut connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            // The server refused the command, for want of memory or right: the connection is sound.
            Ok(Err(error))
                if !error.is_io_error()
                    && !error.is_unrecoverable_error()
                    && error.code() != Some("READONLY") =>
            {
                Err(Unavailable::Failed(error.to_string()))
            }
            Ok(Err(error)) => Err(self.failed(Some(generation), Unavailable::Failed(error.to_string()))),
            Err(_) => Err(self.failed(Some(generation), Unavailable::Deadline)),
        }
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), Unavailable> {
        if let Some(connection) = self.standing()? {
            return Ok(connection);
        }
        let _alone = self.connecting.lock().await;
        if let Some(connection) = self.standing()? {
            return Ok(connection);
        }
        // Boxed: it is large, and every call would hold room for it.
        match Box::pin(self.address.connect()).await {
            Ok(connection) => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.generation = state.generation.wrapping_add(1);
                state.connection = Some(connection.clone());
                Ok((connection, state.generation))
            }
            Err(error) => Err(self.failed(None, error.into())),
        }
    }

    fn standing(&self) -> Result<Option<(MultiplexedConnection, u64)>, Unavailable> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.paused_until.is_some_and(|until| Instant::now() < until) {
            return Err(Unavailable::Failed("it failed a moment ago".into()));
        }
        Ok(state.connection.clone().map(|connection| (connection, state.generation)))
    }

    /// Drops the connection that failed, and lets nobody wait for the next one for a while.
    fn failed(&self, generation: Option<u64>, error: Unavailable) -> Unavailable {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if generation.is_none_or(|generation| generation == state.generation) {
            state.connection = None;
            state.paused_until = Some(Instant::now() + PAUSE);
        }
        error
    }
}
