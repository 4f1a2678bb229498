//! A server process: started, waited for by what it prints, and killed when dropped.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// How long any server may take to print what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server, what it prints, and its log: its standard error, which a file keeps as well.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    printed: Receiver<String>,
    logged: Receiver<String>,
    log: PathBuf,
}

impl Process {
    /// Starts a server; its log is appended to the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let mut file = File::options().create(true).append(true).open(log).expect("a file for the log");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let printed = lines(child.stdout.take().expect("standard output"), |_| ());
        let logged = lines(child.stderr.take().expect("standard error"), move |line| {
            writeln!(file, "{line}").expect("the log is written");
        });
        let input = child.stdin.take();
        Self { child, input, printed, logged, log: log.to_owned() }
    }

    /// The rest of the next printed line that contains `words`.
    #[track_caller]
    pub(crate) fn after(&self, words: &str) -> String {
        self.wait(&self.printed, words)
    }

    /// The rest of the next line of its log that contains `words`.
    #[track_caller]
    pub(crate) fn after_logging(&self, words: &str) -> String {
        self.wait(&self.logged, words)
    }

    #[track_caller]
    fn wait(&self, lines: &Receiver<String>, words: &str) -> String {
        loop {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|why| {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let end = if why == RecvTimeoutError::Disconnected { "it ended" } else { "it goes on" };
                panic!("the server never said `{words}`, {end}; its log:\n{log}");
            });
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

    /// Sends a signal by name, such as `TERM` or `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "no signal {name} to {}", self.child.id());
    }

    /// Ends it as a crash would, at once.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("the process was running");
        self.child.wait().expect("the process ends");
    }

    /// Waits until it ends by a signal; whether that wrote a core.
    pub(crate) fn dumped_core(&mut self) -> bool {
        self.child.wait().expect("the process ends").core_dumped()
    }

    /// Waits until it ends by itself and answers with its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().expect("the process ends").code()
    }
}

/// The lines of a stream as they come; each is handed to `keep` first.
fn lines(
    stream: impl Read + Send + 'static,
    mut keep: impl FnMut(&str) + Send + 'static,
) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            keep(&line);
            // Nobody waits for lines once the test is over; the stream is still read, so that the server never blocks.
            let _waited_for = sender.send(line);
        }
    });
    receiver
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
