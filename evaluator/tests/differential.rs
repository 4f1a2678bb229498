//! The evaluator beside the npm package `@cloud-copilot/iam-simulate`, on generated requests: `DAYPASS_SIMULATOR` names
//! the folder that its packages are in. What the two read differently is listed in `differential/readings.json`, with
//! who is right; a case with nothing of that must be answered alike.

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
#[path = "suite/support.rs"]
mod support;

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

    /// The first of the cases that it answers differently.
    fn first_difference(&mut self, cases: Vec<Value>) -> Option<Value> {
        let known: Vec<_> = cases.into_iter().filter_map(|case| Some((ours(&case)?, case))).collect();
        let (answers, cases): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let said = self.answers(&cases);
        let differs = |(said, answer): (&String, &&str)| said != answer && !said.starts_with("error");
        let at = said.iter().zip(&answers).position(differs)?;
        cases.into_iter().nth(at)
    }
}

/// The case in the simulator's terms: it is told what follows from the principal.
#[cfg(test)]
fn theirs(case: &Value) -> Value {
    let mut case = case.clone();
    let context = plain_caller::Caller::of(&case["request"]).context;
    let value = |mut values: Vec<String>| {
        if values.len() == 1 { values.remove(0).into() } else { Value::from(values) }
    };
    case["request"]["context"] = context.into_iter().map(|(key, values)| (key, value(values))).collect();
    case
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

/// The smallest case that is still answered differently.
#[cfg(test)]
fn reduce(mut case: Value, simulator: &mut Simulator) -> Value {
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
        match simulator.first_difference(policies.chain(context).filter(sound).collect()) {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

#[cfg(test)]
fn sees_part(seen: &[String], part: &str) -> bool {
    seen.iter().any(|value| value.contains(part))
}

/// What stands between `${` and `}`.
#[cfg(test)]
fn variables(text: &str) -> Vec<String> {
    let inside = |part: &str| part.split_once('}').map(|(inside, _)| inside.to_owned());
    text.split("${").skip(1).filter_map(inside).collect()
}

/// The reasons for which a reduced case may be answered differently, by their names in the list.
#[cfg(test)]
fn readings(case: &Value) -> Vec<&'static str> {
    let policies = &case["policies"];
    let (text, context) = (policies.to_string(), &case["request"]["context"]);
    let seen: Vec<String> = context.as_object().unwrap().values().flat_map(plain::strings).collect();
    let principal = case["request"]["principal"].as_str().unwrap();
    let is = |mark: &str| principal.contains(mark);
    let has = |mark: &str| text.contains(mark);
    let count = |mark: &str| text.matches(mark).count();
    let sees = |values: &[&str]| seen.iter().any(|value| values.contains(&value.as_str()));
    let limited = policies.get("session").is_some() || policies.get("boundary").is_some();
    let several =
        context.as_object().unwrap().values().any(|values| values.as_array().is_some_and(|v| v.len() > 1));
    let values =
        |variable: &String| plain_text::value(variable, &plain_caller::Caller::of(&case["request"]).context);
    let variables: Vec<Option<String>> = variables(&text).iter().map(values).collect();
    let everyone = policies["resource"].to_string().contains("\"*\"");
    let both = |one: &str, other: &str| {
        (has(one) || sees_part(&seen, one)) && (has(other) || sees_part(&seen, other))
    };
    let all = [
        ("root-user", is(":root")),
        (
            "federated-user-without-session-policy",
            is(":federated-user/") && policies.get("session").is_none(),
        ),
        ("user-behind-a-federated-user", is(":federated-user/") && has("user/issuer")),
        ("variables-of-the-first-version", has("${") && count("\"Statement\":") > count("\"2012-10-17\"")),
        ("variables-in-arns", has("Arn") && ["\"${t:", "::${aws:"].iter().any(|start| has(start))),
        ("resource-control-level-without-allow", policies.get("rcp").is_some()),
        ("wildcard-as-partition", has("\"arn:*:")),
        ("wildcard-as-service", has("\"*:*Object\"")),
        ("everyone-is-no-provider", (is("-provider/") || is(".amazonaws.com")) && has("\"*\"")),
        ("provider-has-no-account", is("-provider/")),
        ("not-principal", has("NotPrincipal")),
        ("session-named-by-its-arn", limited && has(&format!("\"{principal}\""))),
        ("any-value-if-exists", has("ForAnyValue:") && has("IfExists")),
        ("variable-without-value", variables.contains(&None)),
        ("variable-with-an-empty-value", has("${") && sees(&[""])),
        ("everyone-within-limits", limited && everyone),
        ("address-of-the-other-family", both("::", ".") && has("IpAddress")),
        ("several-values-for-one", several),
        (
            "arn-star",
            has("Arn")
                && (has("Arn\":\"*\"") || has("arn\":\"*\"") || has("Arn\":[\"*\"") || has("arn\":[\"*\"")),
        ),
        ("ipv4-inside-ipv6", sees(&["::ffff:10.1.2.3"])),
        ("every-ipv4-address", has("0.0.0.0/0")),
        ("seconds-since-1970", has("1577836800") || sees(&["1577836800"])),
        ("values-that-cannot-be-read", sees(&["ten", "soon", "nowhere", "!!", "yes", "topic", "arn", ""])),
        ("values-of-another-type", (has("Numeric") || has("Bool")) && sees(&["a", "b", "ab", "1", "true"])),
    ];
    all.into_iter().filter(|(_, fits)| *fits).map(|(name, _)| name).collect()
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
    // The simulator knows no root user, so that nearly all of their requests differ.
    if principal.ends_with(":root") && request["context"].as_object()?.len() > 2 {
        return None;
    }
    let assumes = action.starts_with("sts:AssumeRole");
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
    let wanted = std::env::var("DAYPASS_DECISIONS").map_or(100_000, |text| text.parse::<u32>().unwrap());
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
            let small = reduce(case, &mut simulator);
            let reasons = readings(&small);
            for reason in &reasons {
                *counted.entry(reason).or_default() += 1;
            }
            if reasons.is_empty() {
                println!("DIFF ours={} theirs={said} {small}", ours(&small).unwrap());
                unexplained.push(small);
            }
        }
    }
    drop(simulator.input);
    simulator.process.wait().unwrap();
    println!("{compared} requests, {differing} answered differently: {counted:#?}");
    assert!(unexplained.is_empty(), "{} for no listed reason: {:#?}", unexplained.len(), unexplained.first());
    let stale: Vec<_> = listed.keys().filter(|name| !counted.contains_key(name.as_str())).collect();
    assert!(stale.is_empty(), "listed as read differently, yet never met: {stale:?}");
    let unlisted: Vec<_> = counted.keys().filter(|name| !listed.contains_key(**name)).collect();
    assert!(unlisted.is_empty(), "not listed: {unlisted:?}");
}
