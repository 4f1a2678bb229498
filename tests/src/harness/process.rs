//! A server process: started, waited for by what it prints, and killed when dropped.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// How long any server may take to print what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server, its printed lines and the file that its standard error goes to.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: PathBuf,
}

impl Process {
    /// Starts a server; its standard error is appended to `errors`.
    pub(crate) fn start(command: &mut Command, errors: &Path) -> Self {
        let log = File::options().create(true).append(true).open(errors).expect("a file for standard error");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = child.stdout.take().expect("standard output");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, lines, errors: errors.to_owned() }
    }

    /// The rest of the next printed line that contains `words`.
    pub(crate) fn after(&self, words: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                let errors = std::fs::read_to_string(&self.errors).unwrap_or_default();
                panic!("the server never printed `{words}`; its standard error:\n{errors}");
            };
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Writes a line to its standard input.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("standard input");
        writeln!(input, "{line}").expect("the server reads");
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, such as `TERM` or `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "no signal {name} to {}", self.id());
    }

    /// Ends it as a crash would, at once.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("the process was running");
        self.child.wait().expect("the process ends");
    }

    /// Waits until it ends by itself and answers with its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().expect("the process ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
