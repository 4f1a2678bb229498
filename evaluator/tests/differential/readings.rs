//! What a reduced case may be answered differently for: each reading is told by exactly what it takes.

use serde_json::Value;

use crate::plain::strings;
use crate::plain_caller::Caller;
use crate::plain_text::{self, Context};

/// The evaluator's answer and the simulator's.
pub(crate) type Answers = (&'static str, String);

/// The names of the readings that fit, as in `readings.json`.
pub(crate) fn readings(case: &Value, (ours, theirs): &Answers) -> Vec<&'static str> {
    let policies = &case["policies"];
    let caller = Caller::of(&case["request"]);
    let principal = case["request"]["principal"].as_str().unwrap();
    let is_provider = principal.contains("-provider/");
    let must_be_named = is_provider || principal.ends_with(".amazonaws.com");
    let resource = policies.get("resource").or_else(|| policies.get("trust"));
    let resource = resource.map(statements).unwrap_or_default();
    let resource_has =
        |mark: &str| resource.iter().any(|statement| statement["Principal"].to_string().contains(mark));
    let (allowed_here, allowed_there) = (
        (*ours, theirs.as_str()) == ("allow", "implicit_deny"),
        (*ours, theirs.as_str()) == ("implicit_deny", "allow"),
    );
    let limited =
        policies.get("session").is_some() || policies.get("boundary").is_some() || caller.is_federated_user;
    let allows = |statement: &Value| statement["Effect"] == "Allow";
    let everyone = resource
        .iter()
        .any(|statement| allows(statement) && statement["Principal"].to_string().contains("\"*\""));
    let by_condition = conditions(policies).iter().any(|condition| condition.key == "aws:principalarn");
    let own_account = ["\"111122223333\"", "111122223333:root\""];
    let mut of_the_caller = vec![
        (
            "user-behind-a-federated-user",
            caller.is_federated_user && resource_has("user/issuer") && *ours != "implicit_deny",
        ),
        ("everyone-is-no-provider", must_be_named && everyone && allowed_there),
        (
            "provider-has-no-account",
            is_provider && own_account.iter().any(|name| resource_has(name)) && *ours != "explicit_deny",
        ),
        (
            "provider-has-no-account",
            is_provider && case["request"]["resource_account"] != "111122223333" && allowed_here,
        ),
        (
            "not-principal",
            resource.iter().any(|s| s.get("NotPrincipal").is_some()) && *ours == "explicit_deny",
        ),
        ("session-named-by-its-arn", limited && allowed_here && resource_has(&format!("\"{principal}\""))),
        ("everyone-named-by-condition", limited && allowed_here && everyone && by_condition),
        ("everyone-within-limits", limited && allowed_there && everyone),
    ];
    of_the_caller.extend(variables(policies, &caller.context));
    of_the_caller
        .extend(conditions(policies).iter().flat_map(|condition| condition.readings(&caller.context)));
    let mut names: Vec<_> =
        of_the_caller.into_iter().filter_map(|(name, fits)| fits.then_some(name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn statements(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(documents) => documents.iter().flat_map(statements).collect(),
        Value::Object(members) => match members.get("Statement") {
            Some(Value::Array(all)) => all.clone(),
            Some(one) => vec![one.clone()],
            None => members.values().flat_map(statements).collect(),
        },
        _ => Vec::new(),
    }
}

/// The values of the variables in a text; none for one without a value.
fn values(text: &str, context: &Context) -> Vec<Option<String>> {
    let inside = |part: &str| part.split_once('}').map(|(inside, _)| plain_text::value(inside, context));
    text.split("${").skip(1).filter_map(inside).collect()
}

fn variables(policies: &Value, context: &Context) -> [(&'static str, bool); 2] {
    let (mut without, mut empty) = (false, false);
    for statement in statements(policies) {
        let mut texts = strings(&statement["NotResource"]);
        without |= texts.iter().any(|text| values(text, context).contains(&None));
        texts.extend(strings(&statement["Resource"]));
        for condition in of_statement(&statement) {
            let negated = condition.operator.contains("Not");
            without |= negated && condition.wanted.iter().any(|text| values(text, context).contains(&None));
            texts.extend(condition.wanted);
        }
        empty |= texts.iter().any(|text| values(text, context).iter().flatten().any(String::is_empty));
    }
    [("variable-without-value", without), ("variable-with-an-empty-value", empty)]
}

struct Condition {
    operator: String,
    key: String,
    wanted: Vec<String>,
}

fn conditions(policies: &Value) -> Vec<Condition> {
    statements(policies).iter().flat_map(of_statement).collect()
}

fn of_statement(statement: &Value) -> Vec<Condition> {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    let each = operators.flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, wanted)| Condition {
            operator: operator.clone(),
            key: key.to_ascii_lowercase(),
            wanted: strings(wanted),
        })
    });
    each.collect()
}

impl Condition {
    fn readings(&self, context: &Context) -> [(&'static str, bool); 9] {
        let seen = context.get(&self.key).map(Vec::as_slice).unwrap_or_default();
        let is = |family: &str| self.operator.contains(family);
        let wants = |part: &str| self.wanted.iter().any(|text| text.contains(part));
        let sees = |part: &str| seen.iter().any(|text| text.contains(part));
        let (wants_old, wants_new) = (self.wanted.iter().any(|text| !text.contains(':')), wants(":"));
        let old = |text: &String| text.parse::<std::net::Ipv4Addr>().is_ok();
        let (sees_old, sees_new) = (seen.iter().any(old), sees(":"));
        [
            ("any-value-if-exists", is("ForAnyValue:") && is("IfExists") && seen.is_empty()),
            ("several-values-for-one", !is(":") && !is("Null") && seen.len() > 1),
            (
                "address-of-the-other-family",
                is("NotIpAddress") && (sees_old && wants_new || sees_new && wants_old),
            ),
            ("ipv4-inside-ipv6", is("IpAddress") && sees("::ffff:")),
            ("every-ipv4-address", is("IpAddress") && wants("0.0.0.0/0") && sees_old),
            (
                "literals-where-nothing-is-a-pattern",
                is("String") && is("Equals") && wants("${*}") && sees("*"),
            ),
            ("variables-in-arns", is("Arn") && wants("${")),
            ("seconds-since-1970", is("Date") && (wants("1577836800") || sees("1577836800"))),
            ("values-that-cannot-be-read", seen.iter().any(|text| !self.can_read(text))),
        ]
    }

    /// Whether the operator's family has such values.
    fn can_read(&self, text: &str) -> bool {
        let is = |family: &str| self.operator.contains(family);
        let digits = |c: char| c.is_ascii_digit();
        match () {
            () if is("Arn") => text.starts_with("arn:") && text.matches(':').count() >= 5,
            () if is("Numeric") => text.parse::<f64>().is_ok(),
            () if is("Date") => text.starts_with(digits) && text.len() > 4,
            () if is("Bool") => ["true", "false"].contains(&text.to_lowercase().as_str()),
            () if is("Binary") => text != "!!",
            () if is("IpAddress") => text.parse::<std::net::IpAddr>().is_ok(),
            () => true,
        }
    }
}
