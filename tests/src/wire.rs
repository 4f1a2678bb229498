//! Raw requests and the exact answers, one file a topic in `cases/wire`: anyone can add a line.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::harness::{Answer, Broker, Credentials, FORM, Site, form, role};
use crate::simulation::auditor;

/// One request and its answer. `{token}`, `{role}` and `{host}` stand for a token of the issuer, a role and the broker.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Method and target; a POST of a form to `/` if absent.
    #[serde(default = "post")]
    line: String,
    /// Headers beyond Host and Content-Length.
    #[serde(default = "form_type")]
    headers: BTreeMap<String, String>,
    /// Whether the form is that of an honest sign-in with these fields replaced (`null` takes one out).
    #[serde(default)]
    sign_in: Option<BTreeMap<String, Option<String>>>,
    /// A form of exactly these fields.
    #[serde(default)]
    form: Vec<(String, String)>,
    /// A body of exactly these characters.
    #[serde(default)]
    body: String,
    /// Whether credentials sign the request.
    #[serde(default)]
    signed: bool,
    /// The service that it is signed for.
    #[serde(default = "sts")]
    service: String,
    /// The role whose credentials sign.
    #[serde(default = "deploy")]
    role: String,
    answer: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    code: Option<String>,
    message: Option<String>,
    /// Texts that the body has.
    #[serde(default)]
    body: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

fn post() -> String {
    "POST /".to_owned()
}

fn sts() -> String {
    "sts".to_owned()
}

fn deploy() -> String {
    "Deploy".to_owned()
}

fn form_type() -> BTreeMap<String, String> {
    BTreeMap::from([("content-type".to_owned(), FORM.to_owned())])
}

#[test]
fn requests_are_answered_exactly() {
    let files = [
        ("actions", include_str!("../cases/wire/actions.json")),
        ("fields", include_str!("../cases/wire/fields.json")),
        ("iam", include_str!("../cases/wire/iam.json")),
        ("policies", include_str!("../cases/wire/policies.json")),
        ("transport", include_str!("../cases/wire/transport.json")),
    ];
    let site = Site::new();
    site.settings("embedded:state", "[limits]\nissues_per_second_per_peer = 1000\n");
    auditor(&site);
    let broker = site.start();
    let signers: BTreeMap<&str, Credentials> = ["Deploy", "Auditor"]
        .map(|name| (name, broker.assume(&site.issuer.token("plant:a"), &role(name))))
        .into();
    let mut wrong = Vec::new();
    for (file, text) in files {
        let cases: Vec<Case> = serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for case in cases {
            let answer = asked(&broker, &site, &signers[case.role.as_str()], &case);
            if let Some(difference) = difference(&case.answer, &answer) {
                wrong.push(format!("{file}: {}: {difference}\n    {}", case.name, answer.body));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn asked(broker: &Broker, site: &Site, credentials: &Credentials, case: &Case) -> Answer {
    let token = site.issuer.token("plant:a");
    let filled = |text: &str| {
        text.replace("{token}", &token)
            .replace("{role}", &role("Deploy"))
            .replace("{host}", &broker.address.to_string())
    };
    let mut fields: Vec<(String, String)> = case.form.clone();
    if let Some(changes) = &case.sign_in {
        fields.extend(sign_in(changes));
    }
    let fields: Vec<(String, String)> =
        fields.into_iter().map(|(name, value)| (name, filled(&value))).collect();
    let pairs: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = if pairs.is_empty() { filled(&case.body) } else { form(&pairs) };
    let headers: Vec<(&str, &str)> =
        case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let line = filled(&case.line);
    if !case.signed {
        return broker.request(&line, &headers, &body);
    }
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let headers = credentials.headers(broker, &case.service, method, path, &headers, &body);
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    broker.request(&line, &headers, &body)
}

fn sign_in(changes: &BTreeMap<String, Option<String>>) -> Vec<(String, String)> {
    let honest = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", "{role}"),
        ("RoleSessionName", "session"),
        ("WebIdentityToken", "{token}"),
    ];
    let kept = honest.iter().filter(|(name, _)| !changes.contains_key(*name));
    let kept = kept.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let changed = changes.iter().filter_map(|(name, value)| value.clone().map(|value| (name.clone(), value)));
    kept.chain(changed).collect()
}

fn difference(expected: &Expected, answer: &Answer) -> Option<String> {
    let (status, code, message) = answer.refusal();
    if status != expected.status {
        return Some(format!("status {status}, not {}", expected.status));
    }
    for (name, got, wanted) in [("code", code, &expected.code), ("message", message, &expected.message)] {
        if let Some(wanted) = wanted
            && *wanted != got
        {
            return Some(format!("{name} `{got}`, not `{wanted}`"));
        }
    }
    if let Some(text) = expected.body.iter().find(|text| !answer.body.contains(*text)) {
        return Some(format!("no `{text}` in the body"));
    }
    for (name, wanted) in &expected.headers {
        if answer.header(name) != Some(wanted) {
            return Some(format!("header {name} is {:?}, not `{wanted}`", answer.header(name)));
        }
    }
    None
}
