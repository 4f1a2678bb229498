//! A running broker, asked over its own wire and by its command line.

use std::{net::SocketAddr, process::Command};

use daypass_sigv4::{Head, PathStyle, Payload, Signing};
use serde_json::Value;

use super::{Answer, Site, exchange, form, now, process::Process};

/// The broker of a site.
#[derive(Debug)]
pub(crate) struct Broker {
    process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) telemetry: SocketAddr,
}

/// What a sign-in hands out.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    pub(crate) expiration: String,
}

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Broker {
    pub(super) fn start(site: &Site) -> Self {
        Self::run_by(site.daypass(&["serve", "--config", "daypass.toml"]), site)
    }

    /// Starts it by a command that ends in its own.
    pub(super) fn run_by(mut command: Command, site: &Site) -> Self {
        let process = Process::start(&mut command, &site.path("daypass.log"));
        let listening = process.after("listening ");
        let (address, telemetry) = (address(&listening, "url="), address(&listening, "telemetry="));
        let broker = Self { address, telemetry, process };
        broker.ready();
        broker
    }

    /// Waits until it can verify: at once with state in a file, with Redis once the view is whole.
    fn ready(&self) {
        let started = tokio::time::Instant::now();
        while self.telemetry("/readyz").status != 200 {
            assert!(started.elapsed().as_secs() < 40, "never ready: {}", self.telemetry("/readyz").body);
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    }

    /// `daypass dev` in the folder `dev` of a site, and its identity provider.
    pub(crate) fn develop(site: &Site) -> (Self, SocketAddr) {
        let mut command = site.daypass(&["dev", "--port", "0", "--dir", "dev"]);
        let process = Process::start(&mut command, &site.path("dev.log"));
        let listening = process.after("listening ");
        let (broker, telemetry) = (address(&listening, "url="), address(&listening, "telemetry="));
        (Self { address: broker, telemetry, process }, address(&listening, "issuer="))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it as a crash would.
    pub(crate) fn crash(&mut self) {
        self.process.crash();
    }

    /// Asks it to end, and waits; its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.process.signal("TERM");
        self.process.ended()
    }

    /// Waits until a changed configuration is in force.
    #[track_caller]
    pub(crate) fn reloaded(&self) {
        self.process.after_logging("the configuration changed and is in force");
    }

    /// Waits until a changed configuration is refused; what the log says of it.
    #[track_caller]
    pub(crate) fn reload_refused(&self) -> String {
        let mut line = String::new();
        while !line.contains("the last good one stays") {
            line = self.process.after_logging("\"level\":\"ERROR\"");
        }
        line
    }

    /// Waits until a changed keyring is in force.
    #[track_caller]
    pub(crate) fn keyring_taken(&self) {
        self.process.after_logging("the keyring changed and is in force");
    }

    /// Waits until a changed keyring is refused; what the log says of it.
    #[track_caller]
    pub(crate) fn keyring_refused(&self) -> String {
        self.process.after_logging("\"level\":\"ERROR\"")
    }

    /// Has it abort; whether the system wrote a core.
    pub(crate) fn aborted_with_core(&mut self) -> bool {
        self.process.signal("ABRT");
        self.process.dumped_core()
    }

    /// Sends raw bytes.
    pub(crate) fn send(&self, request: &[u8]) -> Answer {
        exchange(self.address, request)
    }

    /// Sends a request with these headers after `Host`; the body's length is added.
    pub(crate) fn request(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(&self.bytes(line, headers, body))
    }

    /// The bytes of a request to this broker.
    pub(crate) fn bytes(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        let mut text = format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        text.into_bytes()
    }

    /// Sends a form of STS, unsigned.
    pub(crate) fn post(&self, fields: &[(&str, &str)]) -> Answer {
        self.request("POST /", &[("Content-Type", FORM)], &form(fields))
    }

    /// Sends `AssumeRoleWithWebIdentity` with further fields.
    pub(crate) fn assume_with(&self, token: &str, role: &str, more: &[(&str, &str)]) -> Answer {
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", "session"),
            ("WebIdentityToken", token),
        ];
        let kept = fields.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        self.post(&kept.chain(more).copied().collect::<Vec<_>>())
    }

    /// Signs in, and fails if that is refused.
    #[track_caller]
    pub(crate) fn assume(&self, token: &str, role: &str) -> Credentials {
        Credentials::of(&self.assume_with(token, role, &[]))
    }

    /// Sends a form that these credentials sign.
    pub(crate) fn signed(&self, credentials: &Credentials, fields: &[(&str, &str)]) -> Answer {
        self.signed_for("sts", credentials, fields)
    }

    /// Sends a form that these credentials sign for a service.
    pub(crate) fn signed_for(
        &self,
        service: &str,
        credentials: &Credentials,
        fields: &[(&str, &str)],
    ) -> Answer {
        let body = form(fields);
        let headers = credentials.headers(self, service, "POST", "/", &[("content-type", FORM)], &body);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.request("POST /", &headers, &body)
    }

    /// Asks who these credentials are.
    pub(crate) fn caller(&self, credentials: &Credentials) -> Answer {
        self.signed(credentials, &CALLER)
    }

    /// Asks the telemetry listener for a page.
    pub(crate) fn telemetry(&self, path: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.telemetry);
        exchange(self.telemetry, request.as_bytes())
    }

    /// Runs a command of the binary against this broker's site.
    pub(crate) fn run(&self, site: &Site, arguments: &[&str]) -> Ran {
        Ran::of(site, &[arguments, &["--config", "daypass.toml"]].concat())
    }

    /// Runs a command and reads its JSON.
    #[track_caller]
    pub(crate) fn json(&self, site: &Site, arguments: &[&str]) -> Value {
        let ran = self.run(site, &[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&ran.output).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}

/// An address that a broker said it listens on.
fn address(listening: &str, name: &str) -> SocketAddr {
    let url = listening.split(' ').find_map(|part| part.strip_prefix(name)).expect("an address");
    url.rsplit('/').next().expect("an authority").parse().expect("a socket address")
}

/// The content type of STS requests.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The fields of `GetCallerIdentity`.
pub(crate) const CALLER: [(&str, &str); 2] = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];

impl Credentials {
    /// What an answer hands out; fails if it is a refusal.
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let part =
            |name: &str| answer.element(name).unwrap_or_else(|| panic!("no {name} in {}", answer.body));
        Self {
            access_key_id: part("AccessKeyId"),
            secret_access_key: part("SecretAccessKey"),
            session_token: part("SessionToken"),
            expiration: part("Expiration"),
        }
    }

    /// These headers, and those that sign the request with them; `Host` is not repeated.
    pub(crate) fn headers(
        &self,
        broker: &Broker,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Vec<(String, String)> {
        let host = broker.address.to_string();
        let mut sent: Vec<(&str, &[u8])> = vec![("host", host.as_bytes())];
        sent.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let head = Head { method, path, query, headers: &sent };
        let signing = self.signing(service);
        let added =
            daypass_sigv4::sign(&head, &signing, Payload::Bytes(body.as_bytes())).expect("it can be signed");
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let added = added.iter().map(|(name, value)| (*name, value.as_str()));
        headers.iter().copied().chain(added).map(owned).collect()
    }

    /// The query of a presigned `GetCallerIdentity`.
    pub(crate) fn presigned(&self, broker: &Broker, expires: u32) -> String {
        let host = broker.address.to_string();
        let query = form(&CALLER);
        let headers: [(&str, &[u8]); 1] = [("host", host.as_bytes())];
        let head = Head { method: "GET", path: "/", query: Some(&query), headers: &headers };
        daypass_sigv4::presign(&head, &self.signing("sts"), Payload::Bytes(b""), expires)
            .expect("it can be signed")
    }

    /// The headers that sign a request to an S3 service for a body with this hash, `Host` among them.
    pub(crate) fn s3_headers(
        &self,
        url: &str,
        method: &str,
        path: &str,
        hash: &str,
    ) -> Vec<(String, String)> {
        let host = url.trim_start_matches("http://");
        let headers: [(&str, &[u8]); 2] =
            [("host", host.as_bytes()), ("x-amz-content-sha256", hash.as_bytes())];
        let head = Head { method, path, query: None, headers: &headers };
        let signing = Signing { path: PathStyle::Verbatim, ..self.signing("s3") };
        let added = daypass_sigv4::sign(&head, &signing, Payload::Bytes(b"")).expect("it can be signed");
        let given = [("host", host), ("x-amz-content-sha256", hash)];
        let added = added.iter().map(|(name, value)| (*name, value.as_str()));
        given.into_iter().chain(added).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn signing<'a>(&'a self, service: &'a str) -> Signing<'a> {
        let credentials = daypass_sigv4::Credentials {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            session_token: (!self.session_token.is_empty()).then_some(&self.session_token),
        };
        Signing { credentials, region: "eu-west-1", service, path: PathStyle::Normalized, at: now() }
    }
}

impl Ran {
    /// Runs a command whose output and errors nobody reads any more, as behind `| head -1`; its exit code.
    pub(crate) fn unread(site: &Site, arguments: &[&str]) -> Option<i32> {
        let closed = || {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            writer
        };
        site.daypass(arguments).stdout(closed()).stderr(closed()).status().expect("the binary runs").code()
    }

    /// Runs a command of the binary in a site's folder.
    pub(crate) fn of(site: &Site, arguments: &[&str]) -> Self {
        let output = site.daypass(arguments).output().expect("the binary runs");
        Self {
            code: output.status.code(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
