//! The binary: what it refuses to start on, and how it stops.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_daypass-example-s3-service");

fn command(root: &std::path::Path, listen: &str, broker: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["--listen", listen, "--broker", broker, "--web-identity-token-file", "/nonexistent"]);
    command.args(["--role-arn", crate::broker::ROLE, "--root"]).arg(root).env_remove("RUST_LOG");
    command
}

#[test]
fn proofs_and_objects_do_not_travel_in_the_clear_by_accident() {
    let root = tempfile::tempdir().unwrap();
    for (listen, broker, says) in [
        ("0.0.0.0:0", "http://127.0.0.1:1", "error: `0.0.0.0:0` is reachable by others"),
        ("127.0.0.1:0", "http://id.corp.test", "error: `http://id.corp.test/` must be https"),
    ] {
        let output = command(root.path(), listen, broker).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(says), "{output:?}");
    }
}

#[test]
fn a_broker_that_is_away_does_not_keep_it_from_starting_or_stopping() {
    let root = tempfile::tempdir().unwrap();
    let mut service =
        command(root.path(), "127.0.0.1:0", "http://127.0.0.1:1").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let seen: Vec<_> = lines.map(Result::unwrap).take_while(|line| !line.contains(" ready ")).collect();
    assert!(seen.iter().any(|line| line.contains("requests are answered 503")), "{seen:?}");
    let id = service.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(service.wait().unwrap().code(), Some(0));
}
