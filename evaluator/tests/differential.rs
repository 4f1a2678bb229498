//! The evaluator beside the npm package `@cloud-copilot/iam-simulate`, on generated requests: `DAYPASS_SIMULATOR` names
//! the folder that its packages are in, and `DAYPASS_DECISIONS` how many (20,000 by default). A case that the two answer
//! differently is reduced as far as both keep to their answers. What is left must be a reading that
//! `differential/readings.json` lists, with who is right.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

#[cfg(test)]
#[path = "suite/generate.rs"]
mod generate;
#[cfg(test)]
#[path = "suite/generate_conditions.rs"]
mod generate_conditions;
#[cfg(test)]
#[path = "suite/plain.rs"]
mod plain;
#[cfg(test)]
#[path = "suite/plain_caller.rs"]
mod plain_caller;
#[cfg(test)]
#[path = "suite/plain_conditions.rs"]
mod plain_conditions;
#[cfg(test)]
#[path = "suite/plain_text.rs"]
mod plain_text;
#[cfg(test)]
#[path = "differential/readings.rs"]
mod readings;
#[cfg(test)]
#[path = "suite/support.rs"]
mod support;

#[cfg(test)]
use readings::{Answers, readings};

#[cfg(test)]
#[derive(Debug)]
struct Simulator {
    process: std::process::Child,
    input: std::process::ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

#[cfg(test)]
impl Simulator {
    fn start() -> Self {
        let packages =
            std::env::var("DAYPASS_SIMULATOR").expect("DAYPASS_SIMULATOR must name the simulator's folder");
        let node = std::env::var("DAYPASS_NODE").unwrap_or_else(|_| "node".to_owned());
        let mut process = Command::new(node)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/simulate.mjs"))
            .arg(packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    /// One answer a case, in their order.
    fn answers(&mut self, cases: &[Value]) -> Vec<String> {
        for case in cases {
            writeln!(self.input, "{}", theirs(case)).unwrap();
        }
        self.input.flush().unwrap();
        let mut lines = self.output.by_ref().lines();
        cases.iter().map(|_| lines.next().unwrap().unwrap()).collect()
    }

    /// The first of the cases to which both still answer as given.
    fn first_like(&mut self, cases: Vec<Value>, (ours, theirs): &Answers) -> Option<Value> {
        let mut alike: Vec<_> = cases.into_iter().filter(|case| crate::ours(case) == Some(*ours)).collect();
        let at = self.answers(&alike).iter().position(|said| said == theirs)?;
        Some(alike.swap_remove(at))
    }
}

/// The case in the simulator's terms: it is told what follows from the principal, has the
/// root user's rights and a federated user's lack of them as policies, and reads each document as it is meant.
#[cfg(test)]
fn theirs(case: &Value) -> Value {
    let mut case = case.clone();
    let caller = plain_caller::Caller::of(&case["request"]);
    let value = |mut values: Vec<String>| {
        if values.len() == 1 { values.remove(0).into() } else { Value::from(values) }
    };
    case["request"]["context"] =
        caller.context.into_iter().map(|(key, values)| (key, value(values))).collect();
    let policies = case["policies"].as_object_mut().unwrap();
    policies.values_mut().for_each(spell_out);
    let statement = |action: &str| {
        let statement = json!({ "Effect": "Allow", "Action": action, "Resource": "*" });
        json!({ "Version": "2012-10-17", "Statement": statement })
    };
    if caller.is_federated_user && !policies.contains_key("session") {
        policies.insert("session".to_owned(), json!([statement("none:None")]));
    }
    if caller.is_root {
        let identity = policies.entry("identity").or_insert_with(|| json!([]));
        identity.as_array_mut().unwrap().push(statement("*"));
    }
    case
}

/// Writes the documents in `value` without what the simulator reads in another way, though it means the same: `*:*`,
/// wildcards for a partition where there is but one and for the region and account that S3 leaves empty, and `${` that is
/// text in an old version.
#[cfg(test)]
fn spell_out(value: &mut Value) {
    match value {
        Value::Array(documents) => documents.iter_mut().for_each(spell_out),
        document => {
            let mut text = document.to_string().replace("\"*:*\"", "\"*\"").replace("\"arn:*:", "\"arn:aws:");
            text = text.replace("arn:aws:s3:*:*:", "arn:aws:s3:::");
            if document["Version"] != "2012-10-17" {
                text = text.replace("${", "${$}{");
            }
            *document = serde_json::from_str(&text).unwrap();
        }
    }
}

/// None where the policies don't compile.
#[cfg(test)]
fn ours(case: &Value) -> Option<&'static str> {
    let sets = support::Sets::read(&case["policies"], "").ok()?;
    Some(support::with_request(&case["request"], |request| {
        sets.with(|applicable| support::name(daypass_evaluator::evaluate(request, applicable)))
    }))
}

/// The value without one of its parts, for each that can go.
#[cfg(test)]
fn lesser(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Array(values) => {
            for at in (0..values.len()).filter(|_| values.len() > 1 || !values[0].is_string()) {
                let mut fewer = values.clone();
                fewer.remove(at);
                all.push(fewer.into());
            }
            for (at, part) in values.iter().enumerate() {
                all.extend(lesser(part).into_iter().map(|part| {
                    let mut same = values.clone();
                    same[at] = part;
                    Value::from(same)
                }));
            }
        }
        Value::Object(members) => {
            for (name, part) in members {
                if !["Version", "Effect"].contains(&name.as_str()) {
                    let mut fewer = members.clone();
                    fewer.remove(name);
                    all.push(fewer.into());
                }
                all.extend(lesser(part).into_iter().map(|part| {
                    let mut same = members.clone();
                    same.insert(name.clone(), part);
                    Value::from(same)
                }));
            }
        }
        _ => {}
    }
    all
}

/// The smallest case that both still answer so.
#[cfg(test)]
fn reduce(mut case: Value, answers: &Answers, simulator: &mut Simulator) -> Value {
    loop {
        let with = |place: &[&str], part: Value| {
            let mut smaller = case.clone();
            *place.iter().fold(&mut smaller, |value, name| &mut value[name]) = part;
            smaller
        };
        let policies = lesser(&case["policies"]).into_iter().map(|part| with(&["policies"], part));
        let context =
            lesser(&case["request"]["context"]).into_iter().map(|part| with(&["request", "context"], part));
        // Limits without a document aren't limits to the simulator.
        let is_empty =
            |case: &Value, name: &str| case["policies"][name].as_array().is_some_and(Vec::is_empty);
        let sound = |case: &Value| !["boundary", "session"].iter().any(|name| is_empty(case, name));
        match simulator.first_like(policies.chain(context).filter(sound).collect(), answers) {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

/// The case without what only one of the two is told of: paths and ids of principals, several session policies, policies
/// of callers who can have none, trust policies for anything but assuming the role. None where the resource is a pattern,
/// which the simulator takes for all that it covers.
#[cfg(test)]
fn comparable(policies: &Value, request: &Value) -> Option<Value> {
    let text = json!({ "policies": policies, "request": request }).to_string();
    let mut case: Value = serde_json::from_str(
        &text.replace("role/team/Deploy", "role/Deploy").replace("AIDAISSUERISSUER", "AIDANOBODYNOBODYNO"),
    )
    .unwrap();
    case["request"]["id"] = "AIDANOBODYNOBODY".into();
    let (principal, action) = (request["principal"].as_str()?, request["action"].as_str()?);
    let assumes = action.to_ascii_lowercase().starts_with("sts:assumerole");
    // To the simulator, whose root users are those with a policy that allows everything, they may assume roles.
    if principal.ends_with(":root") && assumes {
        return None;
    }
    let policies = case["policies"].as_object_mut()?;
    if request["resource"].as_str()?.contains('*') || assumes != policies.contains_key("trust") {
        return None;
    }
    if let Some(Value::Array(sessions)) = policies.get_mut("session") {
        sessions.truncate(1);
    }
    if !principal.contains(":iam:") && !principal.contains(":sts:") || principal.contains("-provider/") {
        for own in ["identity", "boundary", "session", "scp"] {
            policies.remove(own);
        }
    }
    Some(case)
}

#[test]
fn simulator_and_evaluator_agree() {
    let wanted = std::env::var("DAYPASS_DECISIONS").map_or(20_000, |text| text.parse::<u32>().unwrap());
    let listed: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("differential/readings.json")).unwrap();
    let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let (mut compared, mut differing) = (0, 0);
    let mut runner = TestRunner::deterministic();
    let strategy = (generate::policies(), generate::request());
    let mut simulator = Simulator::start();
    while compared < wanted {
        let mut cases = Vec::new();
        while cases.len() < 500 {
            let (policies, request) = strategy.new_tree(&mut runner).unwrap().current();
            cases.extend(comparable(&policies, &request));
        }
        compared += 500;
        let said = simulator.answers(&cases);
        for (case, said) in cases.into_iter().zip(said) {
            let answer = support::decide(&case);
            assert_eq!(answer, plain::decide(&case["policies"], &case["request"]), "{case}");
            if answer == said {
                continue;
            }
            differing += 1;
            assert!(!said.starts_with("error"), "{said}: {case}");
            let answers = (answer, said);
            let small = reduce(case, &answers, &mut simulator);
            let reasons = readings(&small, &answers);
            for reason in &reasons {
                *counted.entry(reason).or_default() += 1;
            }
            if reasons.is_empty() {
                println!("DIFF {answers:?} {small}");
                unexplained.push(small);
            }
        }
    }
    drop(simulator.input);
    simulator.process.wait().unwrap();
    println!("{compared} requests, {differing} answered differently: {counted:#?}");
    assert!(unexplained.is_empty(), "{} for no listed reason: {:#?}", unexplained.len(), unexplained.first());
    // Some are rare.
    let met = |name: &&String| compared < 100_000 || counted.contains_key(name.as_str());
    let stale: Vec<_> = listed.keys().filter(|name| !met(name)).collect();
    assert!(stale.is_empty(), "listed as read differently, yet never met: {stale:?}");
    let unlisted: Vec<_> = counted.keys().filter(|name| !listed.contains_key(**name)).collect();
    assert!(unlisted.is_empty(), "not listed: {unlisted:?}");
}
