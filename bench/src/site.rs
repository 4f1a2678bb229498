//! What the broker is given on disk: settings, a keyring, and a directory of one account with ten roles.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, ISSUER, Issuer};
use crate::process::{Process, address};
use crate::{Outcome, Plan, load, wire};

/// The account that everything happens in.
pub(crate) const ACCOUNT: &str = "111122223333";
/// Its region.
pub(crate) const REGION: &str = "eu-west-1";
/// Roles that sessions are spread over.
pub(crate) const ROLES: usize = 10;

/// The ARN of one of the roles.
pub(crate) fn role(number: usize) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/Role{}", number % ROLES)
}

/// The immutable id of one of the roles: letters only, so that it reads as one.
pub(crate) fn role_id(number: usize) -> String {
    let letter = b"ABCDEFGHIJ".get(number % ROLES).copied().map_or('A', char::from);
    format!("AROABENCH{}{letter}", "A".repeat(11))
}

/// A folder of configuration.
#[derive(Debug)]
pub(crate) struct Site(tempfile::TempDir);

/// A running broker and where it listens.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Site {
    /// The account with its state at `url` and the issuer trusted.
    pub(crate) fn new(plan: &Plan, url: &str, issuer: &Issuer) -> Outcome<Self> {
        let site = Self(tempfile::tempdir_in(&plan.work)?);
        site.write("daypass.toml", &settings(url))?;
        let account = format!("directory/{ACCOUNT}");
        site.write(&format!("{account}/account.toml"), "name = \"Plant\"\n")?;
        let provider = format!(
            "id = \"OIDCISSUER1\"\nissuer = \"{ISSUER}\"\nclient_ids = [\"{AUDIENCE}\"]\n\
             algorithms = [\"RS256\"]\njwks_file = \"issuer.json\"\n"
        );
        site.write(&format!("{account}/oidc-providers/issuer.toml"), &provider)?;
        site.write(&format!("{account}/oidc-providers/issuer.json"), &issuer.key_set())?;
        for number in 0..ROLES {
            let role = format!("{account}/roles/Role{number}");
            let id = format!("id = \"{}\"\nmax_session_duration = \"12h\"\n", role_id(number));
            site.write(&format!("{role}/role.toml"), &id)?;
            site.write(&format!("{role}/trust.json"), &document(&trust()))?;
            site.write(&format!("{role}/policies/Orders.json"), &document(&orders()))?;
        }
        let keys =
            Command::new(&plan.broker).args(["keys", "init", "--file"]).arg(site.path("keyring")).output()?;
        if !keys.status.success() {
            return Err(String::from_utf8_lossy(&keys.stderr).into_owned().into());
        }
        Ok(site)
    }

    /// A broker of this configuration, ready to verify.
    pub(crate) async fn start(&self, plan: &Plan) -> Outcome<Broker> {
        let mut command = Command::new(&plan.broker);
        command.args(["serve", "--config"]).arg(self.path("daypass.toml"));
        let (process, said) = Process::start(&mut command, &self.path("log"), "listening ")?;
        let telemetry = address(&said, "telemetry")?;
        while load::once(telemetry, &[wire::ready(telemetry)?]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(Broker { process, address: address(&said, "url")? })
    }

    /// Where a file of the site is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Outcome<()> {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        Ok(std::fs::write(path, text)?)
    }
}

/// Everything as shipped but for the limits on one peer and one account, which are one load generator here.
fn settings(state: &str) -> String {
    format!(
        "directory = \"directory\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\nhosts = [\"127.0.0.1\"]\n\
         region = \"{REGION}\"\n[telemetry]\nlisten = \"127.0.0.1:0\"\n[admin]\nsocket = \"admin.sock\"\n\
         [keys]\nfile = \"keyring\"\n[audit]\nfile = \"audit.jsonl\"\nrefusals_file = \"refusals.jsonl\"\n\
         [state]\nurl = \"{state}\"\n\
         [limits]\nissues_per_second_per_peer = 1000000\nsessions_per_account = 100000000\n\
         sessions_per_principal = 1000000\nmax_staleness = \"5s\"\n"
    )
}

fn trust() -> Value {
    let provider = ISSUER.trim_start_matches("https://");
    json!([{
        "Effect": "Allow",
        "Principal": { "Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}") },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": { format!("{provider}:aud"): AUDIENCE },
            "StringLike": { format!("{provider}:sub"): "plant:*" },
        },
    }])
}

fn orders() -> Value {
    json!([
        { "Effect": "Allow", "Action": "orders:Get*", "Resource": "arn:aws:orders:*:*:order/*" },
        { "Effect": "Allow", "Action": ["orders:PutOrder", "orders:ListOrders"],
          "Resource": format!("arn:aws:orders:{REGION}:{ACCOUNT}:order/open/*") },
        { "Effect": "Allow", "Action": "orders:*", "Resource": "arn:aws:orders:*:*:user/${aws:userid}/*" },
        { "Effect": "Deny", "Action": "orders:*", "Resource": "arn:aws:orders:*:*:order/secret/*" },
        { "Effect": "Deny", "Action": "orders:*", "Resource": "*",
          "Condition": { "NotIpAddress": { "aws:SourceIp": ["127.0.0.0/8", "10.0.0.0/8"] } } },
    ])
}

fn document(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}
