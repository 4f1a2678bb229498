//! Recording many sessions at once: while one batch is on its way to Redis, the next gathers.

use std::sync::Arc;

use redis::{Cmd, Pipeline, ToRedisArgs, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::keys::key;
use super::lane::{DEADLINE, Lane, MAX_WAITING};
use super::record::{Entries, List};
use crate::revocation::{MARK_KEPT_MS, Scope};
use crate::store::Unavailable;

/// The most sessions of a batch.
pub(super) const MAX_BATCH: usize = 256;
/// One in so many sessions has the lists tended that it is in: what has ended is taken out.
const TENDED_BY_ONE_IN: u8 = 16;

/// Stores sessions; those that ask at the same time share the way to Redis.
#[derive(Debug)]
pub(super) struct Recorder(mpsc::Sender<Waiting>);

/// A session that waits to be stored, and who waits for it.
struct Waiting {
    entries: Arc<Entries>,
    asked: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The scope whose limit the session passes, if any.
pub(super) type Answer = Result<Option<Scope>, Unavailable>;

impl Recorder {
    /// A recorder on the lane; its task ends with it.
    pub(super) fn start(lane: Arc<Lane>) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(run(lane, waiting));
        Self(queue)
    }

    /// Stores the session and lists it; the scope whose limit it passes, if any, is returned. Then it has to be taken
    /// back.
    pub(super) async fn insert(&self, entries: Arc<Entries>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { entries, asked: Instant::now(), answer };
        self.0.try_send(waiting).map_err(|_| Unavailable::Backlog)?;
        answered.await.unwrap_or_else(|_| Err(Unavailable::Failed("nobody records sessions any more".into())))
    }
}

async fn run(lane: Arc<Lane>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while waiting.recv_many(&mut batch, MAX_BATCH).await > 0 {
        // Together they take no longer than the first of them may.
        let deadline = batch.first().map_or_else(Instant::now, |first| first.asked) + DEADLINE;
        let entries: Vec<&Entries> = batch.iter().map(|waiting| &*waiting.entries).collect();
        let answers = insert(&entries, &lane, deadline).await;
        for (waiting, answer) in batch.drain(..).zip(answers) {
            // Whoever asked may have gone.
            let _ = waiting.answer.send(answer);
        }
    }
}

/// Stores the sessions; each has its own answer.
pub(super) async fn insert(sessions: &[&Entries], lane: &Lane, deadline: Instant) -> Vec<Answer> {
    match insert_together(sessions, lane, deadline).await {
        Ok(passed) => passed.into_iter().map(Ok).collect(),
        // A command that the server refuses fails all of them: alone, each has its own answer.
        Err(Unavailable::Failed(_)) if sessions.len() > 1 => {
            let mut answers = Vec::with_capacity(sessions.len());
            for session in sessions {
                let passed = insert_together(&[session], lane, deadline).await;
                answers.push(passed.map(|passed| passed.into_iter().next().flatten()));
            }
            answers
        }
        Err(error) => vec![Err(error); sessions.len()],
    }
}

/// Stores the sessions and lists them; of each, the scope whose limit it passes.
async fn insert_together(
    sessions: &[&Entries],
    lane: &Lane,
    deadline: Instant,
) -> Result<Vec<Option<Scope>>, Unavailable> {
    let listings = Listing::of(sessions);
    // No transaction: what a broken connection leaves half done is what nobody was told of either.
    let mut pipeline = Pipeline::with_capacity(sessions.len().saturating_mul(8));
    for session in sessions {
        pipeline.add_command(set(&key(session.name), &session.sealed, session.lives_ms));
    }
    // What has ended by then counts no more.
    let ended = sessions.first().map_or(0, |first| first.ended);
    let live = format!("({ended}");
    let mut counted = Vec::new();
    for list in listings.chunk_by(|one, other| one.list.name == other.list.name) {
        if let Some(count) = list_all(list, ended, &live, &mut pipeline) {
            counted.push((count, list));
        }
    }
    let answers: Vec<Value> = lane.query_by(&pipeline, deadline).await?;
    let mut passed = vec![None; sessions.len()];
    for (count, list) in counted {
        pass(list, answers.get(count), &mut passed);
    }
    Ok(passed)
}

/// A session in one of its lists.
struct Listing<'s> {
    list: List,
    session: &'s Entries,
    /// Its place in the batch.
    number: usize,
}

impl<'s> Listing<'s> {
    /// All of a batch, list by list; those with a limit last, by their scope.
    fn of(sessions: &[&'s Entries]) -> Vec<Self> {
        let mut listings: Vec<Self> = Vec::with_capacity(sessions.len().saturating_mul(6));
        for (number, session) in sessions.iter().enumerate() {
            listings.extend(session.lists.iter().map(|list| Self { list: *list, session, number }));
        }
        listings.sort_unstable_by_key(|listing| {
            (listing.list.limit.map(|(scope, _)| scope), listing.list.name.id, listing.number)
        });
        listings
    }
}

/// Adds the commands that put sessions into the list that they share; if it has a limit, the place of the answer that
/// counts who is in it.
fn list_all(list: &[Listing<'_>], ended: u64, live: &str, pipeline: &mut Pipeline) -> Option<usize> {
    let first = list.first()?;
    let key = key(first.list.name);
    let mut add = Cmd::with_capacity(
        list.len().saturating_mul(2).saturating_add(2),
        list.len().saturating_mul(40).saturating_add(64),
    );
    add.arg("ZADD").arg(&key);
    let mut tends = false;
    for Listing { session, .. } in list {
        add.arg(session.score).arg(&session.name.id);
        tends |= session.name.id.last().is_some_and(|byte| byte % TENDED_BY_ONE_IN == 0);
    }
    pipeline.add_command(add);
    if tends {
        pipeline.add_command(command("ZREMRANGEBYSCORE", &key, ("-inf", ended)));
    }
    // Each time, or a list could end before these sessions, which end 36 h from now at most.
    pipeline.add_command(command("PEXPIRE", &key, MARK_KEPT_MS));
    first.list.limit?;
    pipeline.add_command(command("ZCOUNT", &key, (live, "+inf")));
    Some(pipeline.len().saturating_sub(1))
}

/// Notes which of a list's newcomers find no place in it: as if they had come one by one, without those who pass another
/// limit already.
fn pass(list: &[Listing<'_>], count: Option<&Value>, passed: &mut [Option<Scope>]) {
    // An answer that is no number leaves room for nobody.
    let count = match count {
        Some(Value::Int(count)) => u64::try_from(*count).unwrap_or(u64::MAX),
        _ => u64::MAX,
    };
    let mut live = count.saturating_sub(list.len() as u64);
    for Listing { list, number, .. } in list {
        let (Some((scope, limit)), Some(passed @ None)) = (list.limit, passed.get_mut(*number)) else {
            continue;
        };
        if live >= limit {
            *passed = Some(scope);
        } else {
            live = live.saturating_add(1);
        }
    }
}

fn set(key: &[u8], value: &[u8], lives_ms: u64) -> Cmd {
    let mut command = Cmd::with_capacity(5, key.len().saturating_add(value.len()).saturating_add(32));
    command.arg("SET").arg(key).arg(value).arg("PX").arg(lives_ms);
    command
}

/// A command with room for what it usually takes, so that it is made in two allocations.
fn command(name: &str, key: &[u8], rest: impl ToRedisArgs) -> Cmd {
    let mut command = Cmd::with_capacity(4, key.len().saturating_add(64));
    command.arg(name).arg(key).arg(rest);
    command
}
