//! Conditions of every operator, on keys that requests carry.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::generate::{ROLE, USER};

/// Operators that take the same values, the values, and the keys they are asked of.
type Family = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const FAMILIES: &[Family] = &[
    (
        &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        &[
            "a",
            "b",
            "A",
            "ab",
            "a*",
            "*b",
            "?",
            "a?*",
            "${t:one}",
            "${t:Two, 'b'}",
            "${*}",
            "x${aws:username}",
            "1",
            "*",
        ],
        &["t:one", "t:two", "T:ONE", "t:absent"],
    ),
    (
        &["StringEquals", "StringLike", "StringNotEquals", "StringEqualsIgnoreCase"],
        &[USER, ROLE, "kim", "*kim", "User", "AssumedRole", "AIDAKIMKIMKIMKIMKIM", "111122223333", "arn:*"],
        &["aws:PrincipalArn", "aws:username", "aws:PrincipalType", "aws:userid", "AWS:PrincipalAccount"],
    ),
    (
        &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        &[
            "arn:*:*:*:*:*",
            USER,
            ROLE,
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::111122223333:*/${aws:username}",
            "arn:*:s3:*:*:a:*",
            "${t:arn}",
            "${t:arn}*",
            "${t:one}*",
            "arn:aws:iam::${aws:PrincipalAccount}:user/kim",
        ],
        &["aws:PrincipalArn", "t:arn", "t:arn", "t:absent"],
    ),
    (
        &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        &["1", "1.0", "2", "10", "-1", "1.5"],
        &["t:number", "t:number", "t:two", "t:absent"],
    ),
    (
        &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        &[
            "2020-01-01T00:00:00Z",
            "2020-01-01",
            "2020-06",
            "1577836800",
            "2020-01-01T02:00:00+02:00",
            "2020-06-15T12:30:45.5Z",
        ],
        &["t:date", "t:date", "t:absent"],
    ),
    (&["Bool"], &["true", "false", "True", "${t:two}"], &["t:bool", "t:bool", "t:two", "t:absent"]),
    (&["BinaryEquals"], &["AQI=", "AQID"], &["t:binary", "t:binary", "t:absent"]),
    (
        &["IpAddress", "NotIpAddress"],
        &["10.0.0.0/8", "10.1.2.3", "192.0.2.0/24", "2001:db8::/32", "::1", "0.0.0.0/0", "::/0"],
        &["t:ip", "t:ip", "t:absent"],
    ),
    (
        &["Null"],
        &["true", "false", "False"],
        &["t:one", "t:two", "t:absent", "aws:PrincipalArn", "aws:username"],
    ),
];

/// The member `Condition`; empty for most statements.
pub(crate) fn conditions() -> impl Strategy<Value = Map<String, Value>> {
    let some = vec(condition(), 1..3);
    let conditions = prop_oneof![3 => Just(Vec::new()), 2 => some];
    conditions.prop_map(|conditions| {
        let mut merged: Map<String, Value> = Map::new();
        for (operator, key, values) in conditions {
            let keys = merged.entry(operator).or_insert_with(|| json!({})).as_object_mut().unwrap();
            if !keys.keys().any(|known| known.eq_ignore_ascii_case(&key)) {
                keys.insert(key, values);
            }
        }
        merged
    })
}

fn condition() -> impl Strategy<Value = (String, String, Value)> {
    let family = prop_oneof![3 => select(&FAMILIES[..3]), 6 => select(FAMILIES)];
    family.prop_flat_map(|(operators, values, keys)| {
        let values = prop_oneof![
            2 => vec(select(values), 1..4).prop_map(|values| values.into_iter().map(unquoted).collect()),
            1 => select(values).prop_map(unquoted),
        ];
        let quantifier = select(&["", "", "ForAllValues:", "ForAnyValue:"][..]);
        let suffix = select(&["", "", "IfExists"][..]);
        let operator = (select(operators), quantifier, suffix).prop_map(|(name, quantifier, suffix)| {
            if name == "Null" { name.to_owned() } else { format!("{quantifier}{name}{suffix}") }
        });
        (operator, select(keys).prop_map(str::to_owned), values)
    })
}

/// Numbers and booleans as such: AWS takes them without quotes too.
fn unquoted(text: &str) -> Value {
    match text {
        "1" | "2" => json!(text.parse::<i64>().unwrap()),
        "true" => json!(true),
        text => text.into(),
    }
}
