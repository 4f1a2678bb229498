//! A whole broker in the test's own process: real files, embedded store, real clock, and an issuer that it trusts.

use std::net::IpAddr;
use std::path::PathBuf;

use daypass_sigv4::{Credentials, Head, PathStyle, Payload, Signing, sign};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::App;
use crate::audit::{files, find};
use crate::federate::{Issued, Refusal, Wanted, WebIdentityRequest, with_web_identity};
use crate::keys::file::KeyringFile;
use crate::proof::oidc::tests::issuer::TestIssuer;
use crate::role::SessionName;
use crate::trust::Surroundings;

pub(crate) const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const ISSUER: &str = "https://idp.corp.test";
const ACCOUNT: &str = "directory/111122223333";

pub(crate) struct TestBroker {
    pub(crate) app: App,
    issuer: TestIssuer,
    folder: TempDir,
}

/// The ARN of a role of the one account.
pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

impl TestBroker {
    /// `Deploy` may be assumed, `Tagged` with tags and a source identity as well; `Gateway` asks about orders, `Files`
    /// about S3, `Blobs` about a service whose bodies may go unsigned, and `Silent` about orders without being allowed.
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let issuer = TestIssuer::es256("k1");
        write_site(&folder, &issuer);
        let loaded = crate::config::load(&folder.path().join("daypass.toml"));
        let snapshot = loaded.map_err(|found| found.to_text(false)).unwrap().snapshot;
        let app = super::start::start(snapshot, "test".to_owned(), false).await.unwrap();
        Self { app, issuer, folder }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock.reading().now()
    }

    /// What an honest token says.
    pub(crate) fn claims(&self) -> Value {
        let now = self.now().as_second();
        json!({"iss": ISSUER, "sub": "plant:7", "aud": "sts.amazonaws.com", "iat": now - 5, "exp": now + 300})
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.issuer.token(claims)
    }

    pub(crate) fn surroundings(&self) -> Surroundings<'static> {
        Surroundings {
            source_ip: Some(PEER),
            secure: true,
            user_agent: "test",
            region: "eu-west-1",
            now: self.now(),
        }
    }

    /// What is asked for besides the proof, under the request id `r-1`.
    pub(crate) fn wanted<'a>(&self, role_arn: &'a str) -> Wanted<'a> {
        Wanted {
            role_arn,
            session_name: Some(SessionName::parse("run-7").unwrap()),
            duration: None,
            inline_policy: None,
            managed_policies: Vec::new(),
            least_token: 0,
            request_digest: [0; 32],
            request_id: "r-1",
            event_id: [1; 16],
            surroundings: self.surroundings(),
        }
    }

    pub(crate) async fn redeem(&self, wanted: Wanted<'_>, token: &str) -> Result<Issued, Refusal> {
        with_web_identity(&self.app, &WebIdentityRequest { wanted, token }).await
    }

    /// A session of the role by an honest token.
    pub(crate) async fn session(&self, name: &str) -> Issued {
        let role = role(name);
        self.redeem(self.wanted(&role), &self.token(&self.claims())).await.unwrap()
    }

    /// The headers of `GET /` or another request, signed with the session's credentials.
    pub(crate) fn signed(
        &self,
        session: &Issued,
        service: &str,
        payload: Payload<'_>,
    ) -> Vec<(String, String)> {
        self.signed_with(session, service, payload, &[])
    }

    /// The same with further headers, signed as well.
    pub(crate) fn signed_with(
        &self,
        session: &Issued,
        service: &str,
        payload: Payload<'_>,
        more: &[(&'static str, &'static str)],
    ) -> Vec<(String, String)> {
        let session = session.session();
        let mut headers: Vec<(String, String)> = vec![("host".to_owned(), format!("{service}.corp.test"))];
        headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let borrowed: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let signing = Signing {
            credentials: Credentials {
                access_key_id: &session.access_key_id,
                secret_access_key: session.secret_access_key.expose_secret(),
                session_token: Some(&session.token),
            },
            region: "eu-west-1",
            service,
            path: if service == "s3" { PathStyle::Verbatim } else { PathStyle::Normalized },
            at: self.now(),
        };
        let head = Head { method: "GET", path: "/", query: None, headers: &borrowed };
        let added = sign(&head, &signing, payload).unwrap();
        headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
        headers
    }

    /// Changes or adds a file of the account and puts the whole configuration in force.
    pub(crate) fn change(&self, name: &str, text: &str) {
        self.change_all(&[(&format!("111122223333/{name}"), text)]);
    }

    /// Changes or adds files of the directory and puts the whole configuration in force.
    pub(crate) fn change_all(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.path(&format!("directory/{name}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let loaded = crate::config::load(&self.path("daypass.toml"));
        self.app.snapshot.store(loaded.map_err(|found| found.to_text(false)).unwrap().snapshot);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Closes the broker, so that everything is written, and gives the one record of request `r-1`.
    pub(crate) fn record(self) -> Value {
        let Self { app, issuer: _, folder } = self;
        drop(app);
        let files = files(&folder.path().join("audit.jsonl"), &folder.path().join("refusals.jsonl"));
        let mut found = find(&files, "r-1").unwrap();
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }
}

/// `passed`, `failed` or `not reached` and the name of each step of a record, in order.
pub(crate) fn steps(record: &Value) -> Vec<String> {
    let steps = record["additionalEventData"]["step"].as_array().unwrap();
    steps
        .iter()
        .map(|step| format!("{} {}", step["outcome"].as_str().unwrap(), step["step"].as_str().unwrap()))
        .collect()
}

fn write_site(folder: &TempDir, issuer: &TestIssuer) {
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "daypass.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\nregion = \"eu-west-1\"\n\
         [admin]\nsocket = \"admin.sock\"\n[state]\nurl = \"embedded:state\"\n[keys]\nfile = \"keyring\"\n",
    );
    let mut seed = 0;
    let mut draw = || {
        seed += 1;
        [seed; 32]
    };
    KeyringFile::generate(false, &mut draw).write(&folder.path().join("keyring")).unwrap();
    write(&format!("{ACCOUNT}/account.toml"), "name = \"Plant\"\n");
    write(
        &format!("{ACCOUNT}/oidc-providers/idp.toml"),
        &format!(
            "id = \"OIDC1\"\nissuer = \"{ISSUER}\"\nclient_ids = [\"sts.amazonaws.com\"]\n\
             algorithms = [\"ES256\"]\njwks_file = \"idp.json\"\n"
        ),
    );
    write(&format!("{ACCOUNT}/oidc-providers/idp.json"), &json!({"keys": [issuer.jwk()]}).to_string());
    let orders = json!({"Effect": "Allow", "Action": "orders:*", "Resource": "*"});
    let ask = json!({"Effect": "Allow", "Action": "daypass:Verify", "Resource": "*"});
    let tagging = ["AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity"];
    for (name, actions, policy) in [
        ("Deploy", &tagging[..1], &orders),
        ("Tagged", &tagging[..], &orders),
        ("Gateway", &tagging[..1], &ask),
        ("Files", &tagging[..1], &ask),
        ("Blobs", &tagging[..1], &ask),
        ("Silent", &tagging[..1], &orders),
    ] {
        let folder = format!("{ACCOUNT}/roles/{name}");
        let id = format!("{name:A<17}").to_uppercase();
        write(&format!("{folder}/role.toml"), &format!("id = \"AROA{id}\"\ntags = {{ team = \"core\" }}\n"));
        write(&format!("{folder}/trust.json"), &document(&trust(actions)));
        write(&format!("{folder}/policies/Main.json"), &document(policy));
    }
    for (service, callers, unsigned) in [
        ("orders", vec!["Gateway", "Silent"], false),
        ("s3", vec!["Files"], false),
        ("blobs", vec!["Blobs"], true),
    ] {
        let prefix = if service == "s3" {
            "arn:aws:s3:::".to_owned()
        } else {
            format!("arn:aws:{service}:eu:111122223333:")
        };
        let callers: Vec<String> = callers.into_iter().map(role).collect();
        let text = format!(
            "id = \"SERVICE{service}\"\nservice = \"{service}\"\nhosts = [\"{service}.corp.test\"]\n\
             resource_prefix = \"{prefix}\"\ncallers = {callers:?}\nunsigned_payload = {unsigned}\n"
        );
        write(&format!("{ACCOUNT}/services/{service}.toml"), &text);
    }
}

fn trust(actions: &[&str]) -> Value {
    let actions: Vec<String> = actions.iter().map(|action| format!("sts:{action}")).collect();
    json!({
        "Effect": "Allow", "Action": actions,
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/idp.corp.test"},
        "Condition": {
            "StringEquals": {"idp.corp.test:aud": "sts.amazonaws.com"},
            "StringLike": {"idp.corp.test:sub": "plant:*"},
        },
    })
}

fn document(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}
