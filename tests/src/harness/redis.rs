//! A redis-server of the test's own, on its own port, without persistence.

use std::{collections::BTreeSet, process::Command};

use tempfile::TempDir;

use super::process::{Process, free_port};

/// A running Redis.
#[derive(Debug)]
pub(crate) struct Redis {
    port: u16,
    folder: TempDir,
    process: Process,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let port = free_port();
        let folder = TempDir::new().expect("a folder");
        let process = run(port, &folder);
        Self { port, folder, process }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it and starts it again: everything in it is gone.
    pub(crate) fn restart_empty(&mut self) {
        self.process.crash();
        self.process = run(self.port, &self.folder);
    }

    /// Kills it for good.
    pub(crate) fn crash(&mut self) {
        self.process.crash();
    }

    /// The names of the commands that it was ever sent, in lower case.
    pub(crate) fn commands(&self) -> BTreeSet<String> {
        let client = redis::Client::open(self.url()).expect("an address");
        let mut connection = client.get_connection().expect("a connection");
        let text: String =
            redis::cmd("INFO").arg("commandstats").query(&mut connection).expect("what it counted");
        let names = text.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split([':', '|']).next());
        names.map(str::to_owned).collect()
    }

    /// Every byte of its state: the dump that a thief would take, and the values as it serves them.
    pub(crate) fn everything(&self) -> Vec<u8> {
        let client = redis::Client::open(self.url()).expect("an address");
        let mut connection = client.get_connection().expect("a connection");
        let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("the keys");
        let mut bytes = Vec::new();
        for key in keys {
            let value: Vec<u8> = redis::cmd("DUMP").arg(&key).query(&mut connection).expect("its value");
            bytes.extend([key, value].concat());
        }
        let () = redis::cmd("SAVE").query(&mut connection).expect("a dump");
        bytes.extend(std::fs::read(self.folder.path().join("dump.rdb")).expect("the dump"));
        bytes
    }
}

fn run(port: u16, folder: &TempDir) -> Process {
    let port = port.to_string();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--rdbcompression", "no", "--dir"]).arg(folder.path());
    let process = Process::start(&mut command, &folder.path().join("errors.txt"));
    process.after("Ready to accept connections");
    process
}
