//! What an operator would have on disk: `daypass.toml`, a keyring, and a directory of two accounts.

use std::{os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Broker, Idp, Issuer, Redis, installed};

/// The account that nearly everything happens in.
pub(crate) const ACCOUNT: &str = "111122223333";
/// The other account, a tenant that must stay apart.
pub(crate) const NEIGHBOUR: &str = "444455556666";

/// The ARN of a role of the account.
pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// A folder of configuration, and the issuer whose tokens it trusts.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) issuer: Issuer,
}

impl Site {
    /// The sample accounts on the embedded store.
    ///
    /// `Deploy` may be assumed with tags and a source identity, `Plain` without; `Short` allows 1 h and `Long` 12 h;
    /// `Gateway` may ask about S3 requests; `Stranger` in the other account trusts the same issuer.
    pub(crate) fn new() -> Self {
        let site =
            Self { folder: TempDir::new().expect("a folder"), issuer: Issuer::new("https://issuer.test") };
        site.settings("embedded:state", "");
        site.write("directory/111122223333/account.toml", "name = \"Plant\"\n");
        site.write("directory/444455556666/account.toml", "name = \"Neighbour\"\n");
        site.provider(ACCOUNT, "issuer", "OIDCISSUER1");
        site.provider(NEIGHBOUR, "issuer", "OIDCISSUER2");
        let everything = ["AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity"];
        let only = ["AssumeRoleWithWebIdentity"];
        let reports = json!([
            { "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::reports/*" },
            { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::reports" },
            { "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::reports/secret/*" },
        ]);
        site.role("Deploy", "AROADEPLOYAAAAAAAAAAB", "12h", &site.trust(ACCOUNT, &everything), &reports);
        site.role("Plain", "AROAPLAINAAAAAAAAAAAB", "1h", &site.trust(ACCOUNT, &only), &reports);
        let verify = json!([{ "Effect": "Allow", "Action": "daypass:Verify", "Resource": "*" }]);
        site.role("Gateway", "AROAGATEWAYAAAAAAAAAB", "1h", &site.trust(ACCOUNT, &only), &verify);
        let stranger = site.trust(NEIGHBOUR, &only);
        site.role_in(NEIGHBOUR, "Stranger", "AROASTRANGERAAAAAAAAB", "1h", &stranger, &reports);
        let service = format!(
            "id = \"SERVICES3\"\nservice = \"s3\"\nhosts = [\"127.0.0.1\", \"localhost\"]\n\
             resource_prefix = \"arn:aws:s3:::\"\ncallers = [\"{}\"]\nunsigned_payload = false\n",
            role("Gateway")
        );
        site.write("directory/111122223333/services/s3.toml", &service);
        site
    }

    /// The same, keeping its state in a Redis.
    pub(crate) fn on_redis(redis: &Redis) -> Self {
        let site = Self::new();
        site.settings(&redis.url(), &limits(""));
        site
    }

    /// The same, with a real provider and the role `Web` that trusts its accounts.
    pub(crate) fn with_idp(idp: &Idp) -> Self {
        let site = Self::new();
        site.trust_idp(idp);
        site
    }

    /// Adds a real provider and the role `Web`.
    pub(crate) fn trust_idp(&self, idp: &Idp) {
        let ca = std::fs::read_to_string(idp.ca_file()).expect("its CA");
        self.write("directory/111122223333/oidc-providers/idp-ca.pem", &ca);
        let provider = format!(
            "id = \"OIDCIDP1\"\nissuer = \"{}\"\nclient_ids = [\"sts.amazonaws.com\"]\nca_file = \"idp-ca.pem\"\n",
            idp.issuer()
        );
        self.write("directory/111122223333/oidc-providers/idp.toml", &provider);
        let name = idp.name();
        let trust = json!([{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{name}") },
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": { "StringEquals": {
                format!("{name}:aud"): "sts.amazonaws.com",
                format!("{name}:sub"): ["alice", "tagged", "flattened", "service-s3"],
            } },
        }]);
        let reports =
            json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*" }]);
        self.role("Web", "AROAWEBAAAAAAAAAAAAAB", "12h", &trust, &reports);
    }

    /// Writes `daypass.toml` for a state and further lines, which may open tables of their own.
    pub(crate) fn settings(&self, state: &str, more: &str) {
        let text = format!(
            "directory = \"directory\"\n{}[state]\nurl = \"{state}\"\n{more}",
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\nhosts = [\"127.0.0.1\", \"localhost\"]\n\
             region = \"eu-west-1\"\n[telemetry]\nlisten = \"127.0.0.1:0\"\n[admin]\nsocket = \"admin.sock\"\n\
             [keys]\nfile = \"keyring\"\n[audit]\nfile = \"audit.jsonl\"\nrefusals_file = \"refusals.jsonl\"\n"
        );
        self.write("daypass.toml", &text);
    }

    fn provider(&self, account: &str, name: &str, id: &str) {
        let url = &self.issuer.url;
        let text = format!(
            "id = \"{id}\"\nissuer = \"{url}\"\nclient_ids = [\"sts.amazonaws.com\"]\nalgorithms = [\"ES256\"]\n\
             jwks_file = \"{name}.json\"\n"
        );
        self.write(&format!("directory/{account}/oidc-providers/{name}.toml"), &text);
        self.write(&format!("directory/{account}/oidc-providers/{name}.json"), &self.issuer.jwks());
    }

    /// Statements that let subjects `plant:*` of the test's issuer do these STS actions.
    pub(crate) fn trust(&self, account: &str, actions: &[&str]) -> Value {
        let name = self.issuer.url.trim_start_matches("https://");
        let actions: Vec<String> = actions.iter().map(|action| format!("sts:{action}")).collect();
        json!([{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{account}:oidc-provider/{name}") },
            "Action": actions,
            "Condition": {
                "StringEquals": { format!("{name}:aud"): "sts.amazonaws.com" },
                "StringLike": { format!("{name}:sub"): "plant:*" },
            },
        }])
    }

    /// Writes a role of the account from the statements of its trust and its one policy.
    pub(crate) fn role(&self, name: &str, id: &str, longest: &str, trust: &Value, policy: &Value) {
        self.role_in(ACCOUNT, name, id, longest, trust, policy);
    }

    fn role_in(&self, account: &str, name: &str, id: &str, longest: &str, trust: &Value, policy: &Value) {
        let folder = format!("directory/{account}/roles/{name}");
        self.write(
            &format!("{folder}/role.toml"),
            &format!("id = \"{id}\"\nmax_session_duration = \"{longest}\"\n"),
        );
        self.write(&format!("{folder}/trust.json"), &document(trust));
        self.write(&format!("{folder}/policies/Main.json"), &document(policy));
    }

    /// Where a file of the site is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the site.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(path, text).expect("the file");
    }

    /// Changes who may do what with a file of the site.
    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode))
            .expect("the file is there");
    }

    /// What a file of the site holds; nothing if it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Waits until the file of refusals has the request: no answer waits for that.
    #[track_caller]
    pub(crate) fn refusal_recorded(&self, request: &str) {
        let asked = tokio::time::Instant::now();
        while !self.read("refusals.jsonl").contains(request) {
            assert!(asked.elapsed().as_secs() < 10, "request {request} was never recorded");
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    }

    /// Every byte of every file below the site.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    found.push((path, bytes));
                }
            }
        }
        found
    }

    /// A command of the binary, run in the site's folder.
    pub(crate) fn daypass(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(installed::binary("daypass"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// Makes the keyring where there is none and starts a broker that is ready when this returns.
    pub(crate) fn start(&self) -> Broker {
        self.keyring();
        Broker::start(self)
    }

    /// The same, where the system would write a core of any size.
    pub(crate) fn start_with_cores(&self) -> Broker {
        self.keyring();
        let daypass = self.daypass(&["serve", "--config", "daypass.toml"]);
        let mut command = Command::new("prlimit");
        command.arg("--core=unlimited:unlimited").arg(daypass.get_program()).args(daypass.get_args());
        command.current_dir(self.folder.path());
        Broker::run_by(command, self)
    }

    /// The same, where the log's reader has gone away.
    pub(crate) fn start_unheard(&self) -> Broker {
        self.keyring();
        let daypass = self.daypass(&["serve", "--config", "daypass.toml"]);
        let mut command = Command::new("bash");
        command.args(["-c", "exec \"$@\" 2> >(exec true)", "bash"]);
        command.arg(daypass.get_program()).args(daypass.get_args()).current_dir(self.folder.path());
        Broker::run_by(command, self)
    }

    /// Makes the keyring where there is none.
    pub(crate) fn keyring(&self) {
        if !self.path("keyring").exists() {
            let made =
                self.daypass(&["keys", "init", "--file", "keyring"]).output().expect("the binary runs");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
    }

    /// A second site on the same Redis, with the same keyring and directory.
    pub(crate) fn twin(&self) -> Self {
        self.keyring();
        let folder = TempDir::new().expect("a folder");
        let copied =
            Command::new("cp").args(["-r", "-p"]).args(self.shared_files()).arg(folder.path()).status();
        assert!(copied.is_ok_and(|status| status.success()), "the site was not copied");
        Self { folder, issuer: Issuer::new(&self.issuer.url) }
    }

    fn shared_files(&self) -> Vec<PathBuf> {
        ["daypass.toml", "keyring", "directory"].map(|name| self.path(name)).to_vec()
    }
}

/// Limits on Redis: a broker that finds an empty one waits that long for peers that know its history.
pub(crate) fn limits(more: &str) -> String {
    format!("[limits]\nmax_staleness = \"5s\"\n{more}")
}

/// A policy document around statements.
pub(crate) fn document(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}
