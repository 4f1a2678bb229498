//! A server process: started, waited for by what it prints, and killed when dropped.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// How long any server may take to print what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server may take that is known to be slow, as a Java one on a busy machine.
const LONG_PATIENCE: Duration = Duration::from_secs(240);

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
        self.wait(&self.printed, words, PATIENCE)
    }

    /// The rest of the next line of its log that contains `words`.
    #[track_caller]
    pub(crate) fn after_logging(&self, words: &str) -> String {
        self.wait(&self.logged, words, PATIENCE)
    }

    /// The same for a server that is slow to start.
    #[track_caller]
    pub(crate) fn after_logging_late(&self, words: &str) -> String {
        self.wait(&self.logged, words, LONG_PATIENCE)
    }

    #[track_caller]
    fn wait(&self, lines: &Receiver<String>, words: &str, patience: Duration) -> String {
        loop {
            let line = lines.recv_timeout(patience).unwrap_or_else(|why| {
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

/// Keeps watch beside a program that does not end with its standard input: when that closes, kills it and takes away its
/// folder.
const WATCH: &str =
    r#"exec 3<&0; (cat <&3; kill -KILL $$; rm -rf "$0") >/dev/null 2>&1 & exec "$@" 3<&- </dev/null"#;

/// A command for a server that ends with this process even where nothing is dropped: because all tests share it, or after
/// a crash of theirs. Its folder goes with it.
pub(crate) fn ending_with_the_tests(program: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH]).arg(folder).arg(program);
    command
}

/// A port of loopback that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    free.local_addr().expect("its address").port()
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
