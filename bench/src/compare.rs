//! Our broker beside a peer: rounds in turn under the same load, and what share of the peer's rate ours reaches.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::issuer::Issuer;
use crate::load::{self, Round};
use crate::process::{Process, Redis, address};
use crate::site::Site;
use crate::wire::{self, Prepared, Session};
use crate::{Outcome, Plan};

/// How long each server is loaded before anything counts.
const WARM_UP: Duration = Duration::from_secs(2);

/// One of the two, and the load that it gets.
struct Side<'p> {
    to: SocketAddr,
    requests: Arc<Vec<Prepared>>,
    /// Whose processor time is counted.
    processes: Vec<&'p Process>,
    rounds: Vec<Round>,
    answered: usize,
    processor: f64,
}

/// `AssumeRoleWithWebIdentity` with RS256 beside one RSA verification and one write to Redis; a Redis each.
pub(crate) async fn issue(plan: &Plan) -> Outcome<Value> {
    let issuer = Issuer::new()?;
    let (redis, peers_redis) = (Redis::start(&plan.work)?, Redis::start(&plan.work)?);
    let site = Site::new(plan, &redis.url(), &issuer)?;
    let broker = site.start(plan).await?;
    let (n, e) = issuer.public();
    let (peer, to) = peer(plan, &site, &["exchange", &peers_redis.url(), &n, &e])?;

    let requests = |to| wire::sign_ins(&issuer, to).map(Arc::new);
    let mut ours =
        Side::new(broker.address, requests(broker.address)?, vec![&broker.process, &redis.process]);
    let mut theirs = Side::new(to, requests(to)?, vec![&peer, &peers_redis.process]);
    let result = alternate(plan, &mut theirs, &mut ours).await?;
    let answered = ours.answered;
    broker.process.stop().await?;
    check_audit(&site.path("audit.jsonl"), "AssumeRoleWithWebIdentity", answered)?;
    Ok(result)
}

/// `GetCallerIdentity` beside a handler that answers with a constant.
pub(crate) async fn caller(plan: &Plan) -> Outcome<Value> {
    let issuer = Issuer::new()?;
    let redis = Redis::start(&plan.work)?;
    let site = Site::new(plan, &redis.url(), &issuer)?;
    let broker = site.start(plan).await?;
    let (peer, to) = peer(plan, &site, &["constant"])?;

    let sessions = sessions(&issuer, broker.address).await?;
    let requests = |to| wire::caller_identities(&sessions, to).map(Arc::new);
    let mut ours =
        Side::new(broker.address, requests(broker.address)?, vec![&broker.process, &redis.process]);
    let mut theirs = Side::new(to, requests(to)?, vec![&peer]);
    let result = alternate(plan, &mut theirs, &mut ours).await?;
    let answered = ours.answered;
    broker.process.stop().await?;
    check_audit(&site.path("audit.jsonl"), "GetCallerIdentity", answered)?;
    Ok(result)
}

/// A session of each of 1,000 subjects.
pub(crate) async fn sessions(issuer: &Issuer, to: SocketAddr) -> Outcome<Vec<Session>> {
    let answers = load::once(to, &wire::sign_ins(issuer, to)?).await?;
    answers.iter().map(|answer| Session::of(answer)).collect()
}

fn peer(plan: &Plan, site: &Site, arguments: &[&str]) -> Outcome<(Process, SocketAddr)> {
    let mut command = Command::new(&plan.peers);
    command.args(arguments);
    let (process, said) = Process::start(&mut command, &site.path("peer.log"), "listening ")?;
    Ok((process, address(&said, "url")?))
}

async fn alternate(plan: &Plan, theirs: &mut Side<'_>, ours: &mut Side<'_>) -> Outcome<Value> {
    theirs.warm_up().await?;
    ours.warm_up().await?;
    for _ in 0..plan.rounds {
        theirs.round(plan.round).await?;
        ours.round(plan.round).await?;
    }
    let pairs = ours.rounds.iter().zip(&theirs.rounds);
    let mut ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours.per_second / theirs.per_second).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    Ok(
        json!({ "ours": ours.json(), "peer": theirs.json(), "ratios": ratios, "median_ratio": middle(&ratios) }),
    )
}

fn middle(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

impl<'p> Side<'p> {
    fn new(to: SocketAddr, requests: Arc<Vec<Prepared>>, processes: Vec<&'p Process>) -> Self {
        Self { to, requests, processes, rounds: Vec::new(), answered: 0, processor: 0.0 }
    }

    async fn warm_up(&mut self) -> Outcome<()> {
        self.answered += load::run(self.to, &self.requests, WARM_UP).await?.answered;
        Ok(())
    }

    async fn round(&mut self, time: Duration) -> Outcome<()> {
        let before = self.used()?;
        let round = load::run(self.to, &self.requests, time).await?;
        self.processor += self.used()? - before;
        self.answered += round.answered;
        eprintln!("  {:>7.0} a second, p50 {} µs, p99 {} µs", round.per_second, round.p50, round.p99);
        self.rounds.push(round);
        Ok(())
    }

    fn used(&self) -> Outcome<f64> {
        self.processes.iter().map(|process| process.processor()).sum()
    }

    fn json(&self) -> Value {
        let rounds: Vec<Value> = self.rounds.iter().map(Round::json).collect();
        let answered: usize = self.rounds.iter().map(|round| round.answered).sum();
        let mut rates: Vec<f64> = self.rounds.iter().map(|round| round.per_second).collect();
        rates.sort_unstable_by(f64::total_cmp);
        json!({
            "per_second": middle(&rates).map(f64::round),
            "server_processor_us": (self.processor * 1e7 / answered as f64).round() / 10.0,
            "rounds": rounds,
        })
    }
}

/// Every answer must have its line: a trail that lost some would have been cheaper to write.
fn check_audit(file: &Path, event: &str, answered: usize) -> Outcome<()> {
    let wanted = format!("\"eventName\":\"{event}\"");
    let mut lines = 0;
    for line in BufReader::new(File::open(file)?).lines() {
        lines += usize::from(line?.contains(&wanted));
    }
    if lines < answered {
        return Err(format!("{answered} answers and only {lines} audit lines of {event}").into());
    }
    Ok(())
}
