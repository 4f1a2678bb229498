//! The servers under measurement: started, waited for, asked for their memory and processor time, and ended.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Outcome;

/// How long a server may take to end once it is told to.
const PATIENCE: Duration = Duration::from_secs(30);
/// The kernel counts processor time in hundredths of a second.
const TICKS: f64 = 100.0;

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a server and waits for the line of its standard output that contains `words`; gives the rest of it.
    pub(crate) fn start(command: &mut Command, log: &Path, words: &str) -> Outcome<(Self, String)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let mut process = Self(child);
        let mut lines = BufReader::new(process.0.stdout.take().ok_or("no standard output")?).lines();
        let said = loop {
            let Some(line) = lines.next() else {
                return Err(format!("{command:?} ended: {}", std::fs::read_to_string(log)?).into());
            };
            if let Some((_, rest)) = line?.split_once(words) {
                break rest.trim().to_owned();
            }
        };
        // It goes on writing, and must not find the other end closed or full.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok((process, said))
    }

    /// Resident memory now and at most so far, in bytes.
    pub(crate) fn memory(&self) -> Outcome<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map(|kib| kib * 1_024)
        };
        field("VmRSS:").zip(field("VmHWM:")).ok_or_else(|| "no memory in /proc".into())
    }

    /// Seconds of processor time that it has used.
    pub(crate) fn processor(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name in brackets may hold spaces; 14th and 15th of all fields are user and system time.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let ticks: Vec<f64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        Ok(ticks.iter().sum::<f64>() / TICKS)
    }

    /// Tells it to end, and waits until it has written everything it holds.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        let mut waited = Duration::ZERO;
        while self.0.try_wait()?.is_none() {
            if waited > PATIENCE {
                return Err("a server did not end".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            waited += Duration::from_millis(50);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The address in `… NAME=http://ADDRESS …`.
pub(crate) fn address(said: &str, name: &str) -> Outcome<SocketAddr> {
    let url = said.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix("=http://"));
    Ok(url.ok_or("no address")?.parse()?)
}

/// A redis-server in memory only.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) process: Process,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one on a free port.
    pub(crate) fn start(work: &Path) -> Outcome<Self> {
        let folder = tempfile::tempdir_in(work)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.args(["--maxmemory-policy", "noeviction", "--dir"]).arg(folder.path());
        let log = folder.path().join("log");
        let (process, _) = Process::start(&mut command, &log, "Ready to accept connections")?;
        Ok(Self { process, port, _folder: folder })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Bytes that its data take, allocator's waste left out.
    pub(crate) fn bytes(&self) -> Outcome<u64> {
        let asked =
            Command::new("redis-cli").args(["-p", &self.port.to_string(), "INFO", "memory"]).output()?;
        let answer = String::from_utf8(asked.stdout)?;
        let used = answer.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(used.ok_or("no used_memory")?.trim().parse()?)
    }
}
