//! A real OpenID provider (npm's `oidc-provider`) on https, with a CA of its own, and sign-ins by the code flow.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex, MutexGuard},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{installed, process::Process};

/// The audience of its tokens.
const CLIENT: &str = "sts.amazonaws.com";
/// How often the sign-in redirects before it names the client's own address.
const HOPS: &str = "2";

/// A running provider.
#[derive(Debug)]
pub(crate) struct Idp {
    issuer: String,
    folder: TempDir,
    process: Mutex<Process>,
}

static SHARED: LazyLock<Idp> = LazyLock::new(Idp::start);

impl Idp {
    /// The provider that all tests share which don't turn its keys; it ends with the test process.
    pub(crate) fn shared() -> &'static Self {
        &SHARED
    }

    /// A provider of the test's own.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        certificates(folder.path());
        let settings = json!({
            "cert_file": folder.path().join("tls.crt"),
            "key_file": folder.path().join("tls.key"),
            "client_ids": [CLIENT, "another-client"],
            "lifetime_seconds": 3600,
            "accounts": accounts(),
        });
        let file = folder.path().join("settings.json");
        std::fs::write(&file, settings.to_string()).expect("a settings file");
        let mut command = Command::new(installed::node());
        command.arg(installed::script("idp.mjs")).arg(&file);
        command.env("DAYPASS_NODE_MODULES", installed::node_modules());
        let process = Process::start(&mut command, &folder.path().join("errors.txt"));
        let issuer = process.after("listening ");
        Self { issuer, folder, process: Mutex::new(process) }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The issuer without its scheme, as in ARNs and condition keys.
    pub(crate) fn name(&self) -> &str {
        self.issuer.trim_start_matches("https://")
    }

    /// The CA that its certificate comes from.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Its key set, as it serves it.
    pub(crate) fn keys(&self) -> Value {
        let body = self.curl(&[&format!("{}/jwks", self.issuer)]);
        serde_json::from_str(&body).expect("a key set")
    }

    /// Signs with a new key from now on; the old one stays in its key set.
    pub(crate) fn rotate(&self) {
        self.command("rotate");
    }

    /// How many times its key set was fetched.
    pub(crate) fn fetches(&self) -> u64 {
        self.command("count").parse().expect("a number")
    }

    /// Signs an account in by the code flow and answers with its ID token.
    pub(crate) fn token(&self, account: &str) -> String {
        self.token_for(CLIENT, account)
    }

    /// The same for another client of the provider.
    pub(crate) fn token_for(&self, client: &str, account: &str) -> String {
        let jar = TempDir::new().expect("a folder");
        let cookies = jar.path().join("cookies").display().to_string();
        let url = format!(
            "{}/auth?client_id={client}&response_type=code&scope=openid&login_hint={account}\
             &redirect_uri=https%3A%2F%2Flocalhost%2Fcallback",
            self.issuer
        );
        let steps = ["-c", &cookies, "-b", &cookies, "-L", "--max-redirs", HOPS];
        let last = ["-o", "/dev/null", "-w", "%{redirect_url}", &url];
        let redirect = self.curl(&[&steps[..], &last[..]].concat());
        let code = redirect.split_once("code=").and_then(|(_, rest)| rest.split('&').next());
        let code = code.unwrap_or_else(|| panic!("no code in `{redirect}`"));
        let secret = format!("{client}:a%20secret%20of%20the%20test%20client");
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Flocalhost%2Fcallback"
        );
        let body = self.curl(&["-u", &secret, "-d", &form, &format!("{}/token", self.issuer)]);
        let answer: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        answer["id_token"].as_str().unwrap_or_else(|| panic!("no token in {body}")).to_owned()
    }

    fn curl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("curl");
        command.arg("-sS").arg("--cacert").arg(self.ca_file()).args(arguments);
        let output = command.output().expect("curl is installed");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.is_empty() || errors.contains("redirects followed"), "{errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    fn command(&self, word: &str) -> String {
        let mut process: MutexGuard<'_, Process> = self.process.lock().expect("no test broke it");
        process.tell(word);
        process.after(word)
    }
}

/// Who can sign in, and what their tokens say.
fn accounts() -> Value {
    json!({
        "alice": { "email": "alice@plant.test", "amr": ["pwd", "mfa"] },
        "service-s3": {},
        "tagged": {
            "https://aws.amazon.com/tags": { "principal_tags": { "team": ["core"], "stage": ["prod"] }, "transitive_tag_keys": ["team"] },
            "https://aws.amazon.com/source_identity": "alice",
        },
        "flattened": {
            "https://aws.amazon.com/tags/principal_tags/team": "core",
            "https://aws.amazon.com/tags/transitive_tag_keys": ["team"],
        },
        "mallory": {},
    })
}

/// A CA and a certificate for localhost, as files.
fn certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.distinguished_name.push(DnType::CommonName, "a test CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let mut leaf =
        CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("parameters");
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    let leaf = leaf.signed_by(&key, &authority).expect("a certificate");
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
    write("ca.pem", authority.pem());
    write("tls.crt", leaf.pem());
    write("tls.key", key.serialize_pem());
}
