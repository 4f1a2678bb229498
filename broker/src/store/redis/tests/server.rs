//! A `redis-server` for one test, on a port and in a directory of its own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::*;

pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
    pub(super) directory: tempfile::TempDir,
    arguments: Vec<String>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(super) async fn start_with(arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let child = spawn(port, directory.path(), &arguments);
        let server = Self { child, port, directory, arguments };
        server.answers().await;
        server
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends the server as a crash would.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port, as empty as its settings leave it.
    pub(super) async fn restart(&mut self) {
        self.child = spawn(self.port, self.directory.path(), &self.arguments);
        self.answers().await;
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The answer to a command on a connection of its own.
    pub(super) async fn ask<T: redis::FromRedisValue>(&self, command: &[&[u8]]) -> T {
        self.try_ask(command).await.unwrap()
    }

    async fn try_ask<T: redis::FromRedisValue>(&self, command: &[&[u8]]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await?;
        let (name, arguments) = command.split_first().unwrap();
        let mut command = redis::cmd(std::str::from_utf8(name).unwrap());
        for argument in arguments {
            command.arg(*argument);
        }
        command.query_async(&mut connection).await
    }

    async fn answers(&self) {
        eventually("redis-server answers", async || self.try_ask::<String>(&[b"PING"]).await.is_ok()).await;
    }
}

fn spawn(port: u16, directory: &std::path::Path, arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--rdbcompression", "no", "--dir"])
        .arg(directory)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("these tests need `redis-server`: install Debian's package of that name")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Waits until `condition` holds; fails after 10 s.
pub(super) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let waiting = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), waiting).await.is_ok(), "waited for: {what}");
}
