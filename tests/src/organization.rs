//! Policies that are not the caller's own, by a real S3 service: the organization's, and the bucket's.

use serde_json::{Value, json};

use crate::harness::{Broker, Credentials, PYTHON, S3, Site, document, role};

const ORGANIZATION: &str = "[root]\nscps = [\"FullAWSAccess\"]\nrcps = [\"RCPFullAWSAccess\"]\n\
     [[ou]]\npath = \"plant\"\naccounts = [\"111122223333\"]\n";
const STRANGER: &str = "arn:aws:iam::444455556666:role/Stranger";
const BUCKET: &str = "directory/111122223333/resource-policies/reports";

struct Scene {
    site: Site,
    broker: Broker,
    s3: S3,
    deploy: Credentials,
}

impl Scene {
    fn new() -> Self {
        let site = Site::new();
        let broker = site.start();
        let s3 = S3::start(&site, &broker);
        let deploy = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
        Self { site, broker, s3, deploy }
    }

    /// Writes files below `directory/` and waits until they are in force.
    fn now(&self, files: &[(&str, &str)]) {
        files.iter().for_each(|(name, text)| self.site.write(name, text));
        self.broker.reloaded();
    }

    /// Why S3 refuses to put an object; none if it is stored.
    fn put(&self, credentials: &Credentials, key: &str) -> Option<String> {
        self.refusal(credentials, "put_object", &json!({ "Bucket": "reports", "Key": key, "Body": "text" }))
    }

    fn read(&self, credentials: &Credentials, key: &str) -> Option<String> {
        self.refusal(credentials, "get_object", &json!({ "Bucket": "reports", "Key": key }))
    }

    fn refusal(&self, credentials: &Credentials, call: &str, arguments: &Value) -> Option<String> {
        let client = PYTHON().at(&self.broker).with(credentials).storing_at(&self.s3);
        let answer = client.ask(call, arguments);
        let error = answer.get("Error")?;
        assert_eq!((&answer["status"], &error["Code"]), (&json!(403), &json!("AccessDenied")), "{answer}");
        Some(error["Message"].as_str().expect("a message").to_owned())
    }
}

fn statement(effect: &str, actions: &[&str], resource: &str) -> String {
    document(&json!([{ "Effect": effect, "Action": actions, "Resource": resource }]))
}

fn of_everyone(effect: &str, principal: &Value, action: &str) -> String {
    let resource = "arn:aws:s3:::reports/*";
    document(&json!([{ "Effect": effect, "Principal": principal, "Action": action, "Resource": resource }]))
}

#[test]
fn a_service_control_policy_limits_sessions_that_run() {
    let scene = Scene::new();
    assert_eq!(scene.put(&scene.deploy, "frozen/a"), None);
    let limited = format!("{ORGANIZATION}scps = [\"FullAWSAccess\", \"Frozen\"]\n");
    let frozen = statement("Deny", &["s3:PutObject"], "arn:aws:s3:::reports/frozen/*");
    scene.now(&[
        ("directory/organization.toml", &limited),
        ("directory/organization/scps/Frozen.json", &frozen),
    ]);
    let told = scene.put(&scene.deploy, "frozen/b").expect("a refusal");
    assert!(told.contains("with an explicit deny in a service control policy"), "{told}");
    assert_eq!(scene.put(&scene.deploy, "free"), None);

    let only_reading = format!("{ORGANIZATION}scps = [\"Reading\"]\n");
    // The S3 service's own session is under it too.
    let reading = statement("Allow", &["s3:Get*", "daypass:Verify"], "*");
    scene.now(&[
        ("directory/organization.toml", &only_reading),
        ("directory/organization/scps/Reading.json", &reading),
    ]);
    let told = scene.put(&scene.deploy, "free").expect("a refusal");
    assert!(told.contains("because no service control policy allows the s3:PutObject action"), "{told}");
    assert_eq!(scene.read(&scene.deploy, "free"), None);
}

#[test]
fn a_resource_control_policy_limits_whoever_comes() {
    let scene = Scene::new();
    scene.now(&[
        (
            "directory/organization.toml",
            &ORGANIZATION.replace("[\"RCPFullAWSAccess\"]", "[\"RCPFullAWSAccess\", \"Frozen\"]"),
        ),
        ("directory/organization/rcps/Frozen.json", &of_everyone("Deny", &json!("*"), "s3:PutObject")),
    ]);
    let told = scene.put(&scene.deploy, "a").expect("a refusal");
    assert!(told.contains("with an explicit deny in a resource control policy"), "{told}");
    scene.now(&[("directory/organization.toml", ORGANIZATION)]);
    assert_eq!(scene.put(&scene.deploy, "a"), None);
}

#[test]
fn a_bucket_policy_lets_a_neighbour_in_and_keeps_others_out() {
    let scene = Scene::new();
    let stranger = scene.broker.assume(&scene.site.issuer.token("plant:a"), STRANGER);
    assert_eq!(scene.put(&scene.deploy, "a"), None);
    let told = scene.read(&stranger, "a").expect("a refusal");
    assert!(told.contains("because no resource-based policy allows the s3:GetObject action"), "{told}");

    let owner = format!("{BUCKET}/resource.toml");
    let arn = "arn = \"arn:aws:s3:::reports\"\n";
    let policy = format!("{BUCKET}/policy.json");
    let open = of_everyone("Allow", &json!({ "AWS": STRANGER }), "s3:GetObject");
    scene.now(&[(&owner, arn), (&policy, &open)]);
    assert_eq!(scene.read(&stranger, "a"), None);
    assert!(scene.put(&stranger, "b").is_some(), "the bucket's policy lets the neighbour only read");

    scene.now(&[(&policy, &of_everyone("Deny", &json!({ "AWS": role("Deploy") }), "s3:*"))]);
    let told = scene.read(&scene.deploy, "a").expect("a refusal");
    assert!(told.contains("with an explicit deny in a resource-based policy"), "{told}");
    assert!(scene.read(&stranger, "a").is_some());
}
