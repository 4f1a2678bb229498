//! Policies and requests drawn from small alphabets, so that they meet often: every form of statement, operator and
//! principal, and every type of policy.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::generate_conditions::conditions;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/kim";
const ISSUER: &str = "arn:aws:iam::111122223333:user/issuer";
const ROOT: &str = "arn:aws:iam::111122223333:root";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/team/Deploy";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Deploy/ci";
const FEDERATED_USER: &str = "arn:aws:sts::111122223333:federated-user/pat";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/idp.test";
const SERVICE: &str = "rolesanywhere.amazonaws.com";

const ACTIONS: &[&str] =
    &["*", "s3:*", "s3:Get*", "s3:GetObject", "S3:getobject", "*:*", "s3:?etObject", "ec2:*", "sts:*"];
const TRUST_ACTIONS: &[&str] = &["sts:*", "sts:AssumeRole", "STS:Assume*", "sts:AssumeRoleWithWebIdentity"];
const RESOURCES: &[&str] = &[
    "*",
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::a",
    "arn:aws:s3:::a/*",
    "arn:aws:s3:::a*b",
    "arn:aws:s3:::?*a?",
    "arn:*:s3:*:*:*/*",
    "arn:aws:s3:::${t:one}/*",
    "arn:aws:s3:::${t:one, 'a'}*",
    "arn:aws:s3:::${aws:username}*",
    "arn:aws:s3:::*${*}*",
    "arn:aws:s3:::${$}{t:one}",
    "arn:aws:s3:::b*ab*${T:Two}",
    "arn:aws:sqs:*:*:a",
    "arn:aws:iam::111122223333:role/*",
];
const PRINCIPALS: &[(&str, &str)] = &[
    ("AWS", "*"),
    ("AWS", ACCOUNT),
    ("AWS", ACCOUNT),
    ("AWS", ROOT),
    ("AWS", "444455556666"),
    ("AWS", USER),
    ("AWS", "AIDAKIMKIMKIMKIMKIM"),
    ("AWS", ISSUER),
    ("AWS", "AIDAISSUERISSUER"),
    ("AWS", ROLE),
    ("AWS", "AROADEPLOYDEPLOYDEPLOY"),
    ("AWS", SESSION),
    ("AWS", SESSION),
    ("AWS", FEDERATED_USER),
    ("Federated", PROVIDER),
    ("Service", SERVICE),
    ("CanonicalUser", "abcdef"),
];

/// What the grammar lets a statement of a kind of policy have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Identity, boundary, session and service control policies.
    Unnamed,
    Resource,
    ResourceControl,
    Trust,
}

pub(crate) fn some(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let several = vec(select(of), 1..4).prop_map(Value::from);
    prop_oneof![2 => several, 1 => select(of).prop_map(Value::from)]
}

fn principals(everyone: bool) -> impl Strategy<Value = Value> {
    let several = vec(select(PRINCIPALS), 1..5).prop_map(move |entries| {
        let mut named: Map<String, Value> = Map::new();
        for (kind, name) in entries {
            let name = if name == "*" && !everyone { ROOT } else { name };
            named.entry(kind).or_insert_with(|| json!([])).as_array_mut().unwrap().push(name.into());
        }
        Value::Object(named)
    });
    let one = select(&["*"][..]).prop_map(Value::from);
    prop_oneof![3 => several, u32::from(everyone) => one]
}

pub(crate) fn statement(kind: Kind) -> impl Strategy<Value = Value> {
    let trust = kind == Kind::Trust;
    let elements = (
        prop::bool::weighted(0.15),
        (
            prop::bool::weighted(if trust { 0.0 } else { 0.12 }),
            some(if trust { TRUST_ACTIONS } else { ACTIONS }),
        ),
        (prop::bool::weighted(0.12), some(RESOURCES)),
        conditions(),
        (prop::bool::weighted(0.5), principals(true), principals(false)),
    );
    elements.prop_map(move |(deny, (not_action, actions), (not_resource, resources), conditions, named)| {
        let mut statement = Map::new();
        statement.insert("Effect".into(), if deny { "Deny" } else { "Allow" }.into());
        statement.insert(if not_action { "NotAction" } else { "Action" }.into(), actions);
        if !trust {
            statement.insert(if not_resource { "NotResource" } else { "Resource" }.into(), resources);
        }
        let (negated, principals, exempted) = named;
        match kind {
            Kind::Unnamed => {}
            Kind::ResourceControl => drop(statement.insert("Principal".into(), "*".into())),
            Kind::Resource if negated && deny => drop(statement.insert("NotPrincipal".into(), exempted)),
            // A role that anyone may assume doesn't load.
            Kind::Trust if conditions.is_empty() => drop(statement.insert("Principal".into(), exempted)),
            Kind::Resource | Kind::Trust => drop(statement.insert("Principal".into(), principals)),
        }
        if !conditions.is_empty() {
            statement.insert("Condition".into(), Value::Object(conditions));
        }
        Value::Object(statement)
    })
}

fn document(kind: Kind, versions: &'static [&'static str]) -> impl Strategy<Value = Value> {
    // Five and more are looked up; as many don't fit into a session policy.
    let most = if versions == THIS_VERSION { 3 } else { 7 };
    (prop_oneof![8 => vec(statement(kind), 1..3), 1 => vec(statement(kind), 2..most)], select(versions))
        .prop_map(|(statements, version)| match version {
            "" => json!({ "Statement": without_variables(&statements) }),
            "2008-10-17" => json!({ "Version": version, "Statement": without_variables(&statements) }),
            version => json!({ "Version": version, "Statement": statements }),
        })
}

/// Where `${…}` is text, some values don't load: an ARN without its fields, a boolean that is none.
pub(crate) fn without_variables(statements: &[Value]) -> Value {
    let text = Value::from(statements).to_string();
    let text = text.replace("\"${t:arn}", "\"arn:aws:s3:::").replace("\"${t:one}*\"", "\"arn:*:*:*:*:*\"");
    serde_json::from_str(&text.replace("\"${t:two}\"", "true")).unwrap()
}

const ANY_VERSION: &[&str] = &["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", ""];
const THIS_VERSION: &[&str] = &["2012-10-17"];

/// A limit: most let everything through, so that several of them together still do now and then.
fn limit(kind: Kind) -> impl Strategy<Value = Value> {
    let mut everything = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    if kind == Kind::ResourceControl {
        everything["Principal"] = "*".into();
    }
    let open = json!({ "Version": "2012-10-17", "Statement": everything });
    prop_oneof![2 => Just(open), 1 => document(kind, THIS_VERSION)]
}

pub(crate) fn session() -> impl Strategy<Value = Value> {
    vec(limit(Kind::Unnamed), 1..3).prop_map(Value::from)
}

pub(crate) fn level(kind: Kind) -> impl Strategy<Value = Value> {
    vec(limit(kind), 1..3).prop_map(Value::from)
}

/// Members as in the case files.
pub(crate) fn policies() -> impl Strategy<Value = Value> {
    use prop::option::weighted;
    let sets = (
        vec(document(Kind::Unnamed, ANY_VERSION), 0..4).prop_map(Value::from),
        weighted(0.3, level(Kind::Unnamed)),
        weighted(0.4, session()),
        weighted(0.25, vec(level(Kind::Unnamed), 1..4).prop_map(Value::from)),
        weighted(0.2, vec(level(Kind::ResourceControl), 1..3).prop_map(Value::from)),
        weighted(
            0.6,
            prop_oneof![
                3 => document(Kind::Resource, ANY_VERSION).prop_map(|document| ("resource", document)),
                1 => document(Kind::Trust, ANY_VERSION).prop_map(|document| ("trust", document)),
            ],
        ),
    );
    sets.prop_map(|(identity, boundary, session, scp, rcp, resource)| {
        let mut policies = Map::from_iter([("identity".to_owned(), identity)]);
        let optional = [("boundary", boundary), ("session", session), ("scp", scp), ("rcp", rcp)];
        policies.extend(optional.into_iter().filter_map(|(name, set)| set.map(|set| (name.to_owned(), set))));
        policies.extend(resource.map(|(name, document)| (name.to_owned(), document)));
        Value::Object(policies)
    })
}

const CALLERS: &[(&str, &str)] = &[
    (USER, "AIDAKIMKIMKIMKIMKIM"),
    (USER, "AIDAKIMKIMKIMKIMKIM"),
    (SESSION, "AROADEPLOYDEPLOYDEPLOY:ci"),
    (SESSION, "AROADEPLOYDEPLOYDEPLOY:ci"),
    (FEDERATED_USER, "111122223333:pat"),
    (ROOT, ""),
    (PROVIDER, ""),
    (SERVICE, ""),
    ("anonymous", ""),
];

/// What each key may hold; keys with another's values are read by its operators too.
const CONTEXT: &[(&str, &[&str])] = &[
    ("t:one", &["a", "b", "A", "ab", "*", "?", "", "a:b"]),
    ("T:two", &["a", "b", "ab", "1", "true"]),
    ("t:number", &["1", "2.0", "10", "-1", "1.50", "ten", ""]),
    ("t:date", &["2020-01-01T00:00:00Z", "2020-06", "1577836800", "2020-06-15T12:30:45.5Z", "soon"]),
    ("t:bool", &["true", "FALSE", "false", "yes"]),
    ("t:binary", &["AQI=", "AQID", "!!"]),
    ("t:ip", &["10.1.2.3", "192.0.2.7", "2001:db8::1", "::ffff:10.1.2.3", "::1", "nowhere"]),
    ("t:arn", &[USER, ROLE, "arn:aws:s3:::a:b:c", "topic", "arn"]),
    ("aws:PrincipalArn", &[ROLE]),
    ("aws:UserName", &["admin"]),
];

pub(crate) fn request() -> impl Strategy<Value = Value> {
    let entry = select(CONTEXT).prop_flat_map(|(key, values)| {
        let several = vec(select(values), 0..4).prop_map(Value::from);
        let one = select(values).prop_map(Value::from);
        prop_oneof![1 => several, 4 => one].prop_map(move |values| (key.to_owned(), values))
    });
    let action = select(
        &[
            "s3:GetObject",
            "S3:GETOBJECT",
            "s3:GetObject",
            "s3:PutObject",
            "ec2:Run",
            "sts:AssumeRole",
            "sts:AssumeRoleWithWebIdentity",
        ][..],
    );
    let resource = prop_oneof![
        6 => "arn:aws:s3:::[ab/*]{0,4}",
        1 => Just(ROLE.to_owned()),
        1 => select(&["*", "arn:aws:sqs:eu-west-1:111122223333:a", "arn:aws:s3:::kim", "arn:aws:s3:::${t:one}"][..])
            .prop_map(str::to_owned),
    ];
    let account = select(&[ACCOUNT, ACCOUNT, "444455556666"][..]);
    (select(CALLERS), action, resource, account, vec(entry, 2..9)).prop_map(
        |((principal, id), action, resource, account, context)| {
            let context: Map<_, _> = context.into_iter().collect();
            json!({ "principal": principal, "id": id, "role_arn": ROLE, "user_arn": ISSUER, "action": action,
                "resource": resource, "resource_account": account, "context": context })
        },
    )
}
