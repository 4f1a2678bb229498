//! How long it takes to compile the policies of 5,000 roles, and how much memory they hold. A process of its own, so that
//! nothing else counts. The result goes to the file named by `DAYPASS_BENCH_ROLES`.

use std::time::Instant;

use daypass_evaluator::{Document, Kind, Policies};
use serde_json::json;

const ROLES: usize = 5_000;
const STATEMENTS: usize = 10;
/// Rounds, of which the median counts.
const ROUNDS: usize = 5;

fn main() {
    let texts: Vec<String> = (0..ROLES).map(role).collect();
    let before = resident();
    let mut seconds = Vec::new();
    let mut held = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let compiled: Vec<Policies> = texts.iter().map(|text| compile(text)).collect();
        seconds.push(began.elapsed().as_secs_f64());
        assert_eq!(
            compiled.iter().map(|policies| policies.statements().count()).sum::<usize>(),
            ROLES * STATEMENTS
        );
        held = held.max(resident().saturating_sub(before));
    }
    seconds.sort_by(f64::total_cmp);
    let (median, mib) = (seconds[ROUNDS / 2], held as f64 / 1_048_576.0);
    let characters = texts.iter().map(String::len).sum::<usize>() / ROLES;
    println!(
        "{ROLES} roles of {STATEMENTS} statements ({characters} characters): {median:.2} s, aim 1 s; {mib:.0} MiB, aim 200 MiB"
    );
    if let Some(file) = std::env::var_os("DAYPASS_BENCH_ROLES") {
        let result = json!({ "roles": ROLES, "statements_a_role": STATEMENTS, "characters_a_role": characters,
            "median_seconds": (median * 1_000.0).round() / 1_000.0, "resident_mib": mib.round() });
        std::fs::write(file, format!("{result:#}\n")).unwrap();
    }
}

/// A role as they are: a few actions and resources a statement, some with a condition or a variable.
fn role(number: usize) -> String {
    let statement = |place: usize| {
        let service = ["s3", "sqs", "dynamodb", "kms", "logs"][place % 5];
        let mut statement = json!({ "Sid": format!("Allow{place}"), "Effect": if place == 9 { "Deny" } else { "Allow" },
            "Action": [format!("{service}:Get*"), format!("{service}:List*"), format!("{service}:Put{place}")],
            "Resource": [format!("arn:aws:{service}:eu-west-1:111122223333:team-{number}/{place}/*"),
                format!("arn:aws:{service}:eu-west-1:111122223333:shared/${{aws:PrincipalTag/team}}/*")] });
        if place % 3 == 0 {
            statement["Condition"] = json!({ "StringEquals": { "aws:PrincipalTag/team": ["core", "operations"] },
                "Bool": { "aws:SecureTransport": "true" } });
        }
        statement
    };
    json!({ "Version": "2012-10-17", "Statement": (0..STATEMENTS).map(statement).collect::<Vec<_>>() })
        .to_string()
}

fn compile(text: &str) -> Policies {
    Policies::compile(&[Document { name: "role", text, kind: Kind::Identity }]).unwrap()
}

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1_024
}
