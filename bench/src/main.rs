//! Comparisons in one run on one machine: the broker beside bare handlers that do the least that it could do, under the
//! same load from the same client.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

mod clock;
mod compare;
mod decision;
mod issuer;
mod load;
mod machine;
mod memory;
mod process;
mod report;
mod site;
mod wire;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Connections of the load.
const CONNECTIONS: usize = 256;
/// Different requests that a load draws from.
const REQUESTS: usize = 1_000;

/// What to run and where things are.
#[derive(Debug, Clone)]
struct Plan {
    /// The broker's binary.
    broker: PathBuf,
    /// The peers' binary.
    peers: PathBuf,
    /// A folder on the disk that is to be measured.
    work: PathBuf,
    /// Where results are written.
    results: PathBuf,
    /// Rounds of each of the two that are compared.
    rounds: usize,
    /// How long each round takes.
    round: Duration,
    /// Sessions of the greater of the two stores whose brokers' memory is compared.
    sessions: usize,
    /// Which of the measurements; all if none is named.
    only: Vec<String>,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let plan = plan(std::env::args().skip(1))?;
    let mut results = Map::new();
    results.insert("machine".into(), machine::describe(&plan.work)?);
    for name in ["issue", "caller", "decision", "memory"] {
        if !plan.only.is_empty() && plan.only.iter().all(|only| only != name) {
            continue;
        }
        eprintln!("measuring {name}");
        let result = match name {
            "issue" => compare::issue(&plan).await?,
            "caller" => compare::caller(&plan).await?,
            "decision" => decision::measure(&plan).await?,
            _ => memory::measure(&plan).await?,
        };
        results.insert(name.into(), result);
    }
    results.insert("load_after".into(), machine::load().into());
    let results = Value::Object(results);
    std::fs::write(&plan.results, format!("{results:#}\n"))?;
    print!("{}", report::table(&results));
    Ok(())
}

fn plan(arguments: impl Iterator<Item = String>) -> Outcome<Plan> {
    let mut plan = Plan {
        broker: PathBuf::new(),
        peers: PathBuf::new(),
        work: std::env::temp_dir(),
        results: "results.json".into(),
        rounds: 5,
        round: Duration::from_secs(10),
        sessions: 1_000_000,
        only: Vec::new(),
    };
    let mut arguments = arguments;
    while let Some(name) = arguments.next() {
        let Some(option) = name.strip_prefix("--") else {
            plan.only.push(name);
            continue;
        };
        let value = arguments.next().ok_or_else(|| format!("--{option} needs a value"))?;
        match option {
            "broker" => plan.broker = value.into(),
            "peers" => plan.peers = value.into(),
            "work" => plan.work = value.into(),
            "results" => plan.results = value.into(),
            "rounds" => plan.rounds = value.parse()?,
            "seconds" => plan.round = Duration::from_secs(value.parse()?),
            "sessions" => plan.sessions = value.parse()?,
            _ => return Err(format!("no option --{option}").into()),
        }
    }
    Ok(plan)
}
