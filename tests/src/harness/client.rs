//! Real clients, run as a workload would run them: nothing in their environment but what a test gives.

use std::{path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use super::{Broker, Credentials, S3, installed};

/// boto3.
pub(crate) const PYTHON: fn() -> Client = Client::python;
/// The JavaScript SDK.
pub(crate) const JAVASCRIPT: fn() -> Client = Client::javascript;

/// One client with an environment of its own.
#[derive(Debug)]
pub(crate) struct Client {
    command: Command,
    home: TempDir,
}

impl Client {
    pub(crate) fn python() -> Self {
        let mut client = Self::new(&installed::python());
        client.command.arg(installed::script("aws.py"));
        client
    }

    pub(crate) fn javascript() -> Self {
        let mut client = Self::new(&installed::node()).set("DAYPASS_NODE_MODULES", installed::node_modules());
        client.command.arg(installed::script("aws.mjs"));
        client
    }

    /// The AWS CLI, pointed at a broker.
    pub(crate) fn aws_cli(endpoint: &str) -> Self {
        let mut client = Self::new(&installed::aws_cli());
        client.command.args(["--endpoint-url", endpoint, "--output", "json", "--region", "eu-west-1"]);
        client
    }

    fn new(program: &Path) -> Self {
        let home = TempDir::new().expect("a folder");
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home.path());
        for (name, value) in [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_MAX_ATTEMPTS", "1"),
        ] {
            command.env(name, value);
        }
        Self { command, home }
    }

    pub(crate) fn set(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn at(self, broker: &Broker) -> Self {
        let url = broker.url();
        self.set("DAYPASS_URL", &url).set("AWS_ENDPOINT_URL_STS", url)
    }

    pub(crate) fn storing_at(self, s3: &S3) -> Self {
        self.set("S3_URL", s3.url())
    }

    pub(crate) fn with(self, credentials: &Credentials) -> Self {
        self.set("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
            .set("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key)
            .set("AWS_SESSION_TOKEN", &credentials.session_token)
    }

    /// A token in a file, for a role: what a projected service-account token looks like.
    pub(crate) fn with_token_file(self, token: &str, role: &str) -> Self {
        let file = self.home.path().join("token");
        std::fs::write(&file, format!("{token}\n")).expect("a token file");
        self.set("AWS_WEB_IDENTITY_TOKEN_FILE", file)
            .set("AWS_ROLE_ARN", role)
            .set("AWS_ROLE_SESSION_NAME", "from-a-file")
    }

    /// Runs a question with its arguments; the JSON that the client printed.
    pub(crate) fn ask(mut self, question: &str, arguments: &Value) -> Value {
        self.command.arg(question).arg(arguments.to_string());
        let (_, output, errors) = self.finish();
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}{errors}"))
    }

    /// Runs arguments; the exit code, what was printed, and what was said on standard error.
    pub(crate) fn run(mut self, arguments: &[&str]) -> (Option<i32>, String, String) {
        self.command.args(arguments);
        self.finish()
    }

    fn finish(mut self) -> (Option<i32>, String, String) {
        let output = self.command.output().expect("the client runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}
