//! The verify path in process: token opened, signature checked, decision made, nothing else. One thread.

use std::net::IpAddr;
use std::sync::Arc;

use daypass_broker::app::{App, start};
use daypass_broker::authorize::{Action, authenticate};
use daypass_broker::config::{Snapshot, load};
use daypass_broker::store::Store as _;
use daypass_broker::trust::Surroundings;
use daypass_sigv4::{Head, Payload, Rules};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock::now;
use crate::compare::sessions;
use crate::issuer::Issuer;
use crate::process::Redis;
use crate::site::{ACCOUNT, REGION, Site};
use crate::wire::Session;
use crate::{Outcome, Plan, REQUESTS};

/// Requests verified, after as many that don't count.
const VERIFIED: usize = 200_000;
const HOST: &str = "orders.corp.test";

/// A request to a service as it came, and what it stands for there.
struct Request {
    path: String,
    headers: Vec<(&'static str, String)>,
    action: &'static str,
    resource: String,
    allowed: bool,
}

/// How long one request takes from its bytes to the decision on it.
pub(crate) async fn measure(plan: &Plan) -> Outcome<Value> {
    let issuer = Issuer::new()?;
    let redis = Redis::start(&plan.work)?;
    let site = Site::new(plan, &redis.url(), &issuer)?;
    let broker = site.start(plan).await?;
    let sessions = sessions(&issuer, broker.address).await?;
    broker.process.stop().await?;
    let requests: Vec<Request> = sessions
        .iter()
        .enumerate()
        .map(|(number, session)| Request::new(session, number))
        .collect::<Result<_, _>>()?;

    let loaded = load(&site.path("daypass.toml")).map_err(|found| found.to_text(false))?;
    let app = start::start(Arc::clone(&loaded.snapshot), "bench".into(), false).await?;
    while app.store.live().read(app.clock.since_boot(), app.max_staleness()).is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let mut nanos = Vec::with_capacity(VERIFIED);
    for counts in [false, true] {
        for number in 0..VERIFIED {
            // A stride without a common divisor: neighbours are far apart, and each comes equally often.
            let Some(request) = requests.get(number * 389 % REQUESTS) else { continue };
            let began = Instant::now();
            let allowed = request.decide(&app, &loaded.snapshot)?;
            let took = began.elapsed().as_nanos();
            if allowed != request.allowed {
                return Err(format!("{} {} was decided wrongly", request.action, request.resource).into());
            }
            if counts {
                nanos.push(u64::try_from(took)?);
            }
        }
    }
    nanos.sort_unstable();
    let share = |percent: usize| nanos.get(VERIFIED * percent / 100).map(|nanos| *nanos as f64 / 1_000.0);
    Ok(json!({ "p50_us": share(50), "p99_us": share(99), "verified": VERIFIED, "requests": REQUESTS }))
}

impl Request {
    /// One of 1,000, each signed by another session; two of five are denied.
    fn new(session: &Session, number: usize) -> Outcome<Self> {
        let (method, action, kind, allowed) = match number % 5 {
            0 => ("GET", "orders:GetOrder", "order/open", true),
            1 => ("GET", "orders:PutOrder", "order/open", true),
            2 => ("GET", "orders:GetOrder", "order/closed", true),
            3 => ("GET", "orders:DeleteOrder", "order/open", false),
            _ => ("GET", "orders:GetOrder", "order/secret", false),
        };
        let path = format!("/{kind}/{number}");
        let host: [(&str, &[u8]); 1] = [("host", HOST.as_bytes())];
        let head = Head { method, path: &path, query: None, headers: &host };
        let signed = daypass_sigv4::sign(&head, &session.signing("orders"), Payload::Bytes(b""))?;
        let mut headers = vec![("host", HOST.to_owned()), ("accept", "*/*".to_owned())];
        headers.extend([("user-agent", "orders/1.4".to_owned()), ("accept-encoding", "gzip".to_owned())]);
        headers.extend(signed);
        let resource = format!("arn:aws:orders:{REGION}:{ACCOUNT}:{kind}/{number}");
        Ok(Self { path, headers, action, resource, allowed })
    }

    fn decide(&self, app: &App, snapshot: &Snapshot) -> Outcome<bool> {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let head = Head { method: "GET", path: &self.path, query: None, headers: &headers };
        let (caller, _) = authenticate(app, snapshot, &head, Payload::Bytes(b""), "orders", Rules::STANDARD)?;
        let action = Action {
            name: self.action,
            resource: &self.resource,
            resource_account: caller.role().account,
            context: &[],
            surroundings: Surroundings {
                source_ip: Some(IpAddr::from([10, 1, 2, 3])),
                secure: true,
                user_agent: "orders/1.4",
                region: REGION,
                now: now(),
            },
        };
        let verdict = caller.may(&action, &snapshot.directory);
        Ok(verdict.decision.is_allowed())
    }
}
