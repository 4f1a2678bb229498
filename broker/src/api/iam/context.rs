//! Condition keys that a simulation supposes, each of a type.

use std::net::IpAddr;

use crate::api::constraints::{Constraints, Text};
use crate::api::form::Fields;

const NAME: Text = Text::new("ContextKeyName", 5, 256);
const TYPES: [&str; 12] = [
    "string",
    "stringList",
    "numeric",
    "numericList",
    "boolean",
    "booleanList",
    "ip",
    "ipList",
    "binary",
    "binaryList",
    "date",
    "dateList",
];
/// The longest value; what AWS bounds by the size of the request.
const VALUE: Text = Text::new("ContextKeyValues", 0, 2_048);

/// One entry.
#[derive(Debug)]
pub(super) struct Entry<'f> {
    pub(super) key: &'f str,
    pub(super) kind: &'f str,
    pub(super) values: Vec<&'f str>,
}

/// The entries of a request, until the first number that has none.
pub(super) fn entries<'f>(fields: &'f Fields<'f>, constraints: &mut Constraints<'f>) -> Vec<Entry<'f>> {
    let mut entries = Vec::new();
    for number in 1.. {
        let part = |name: &str| format!("ContextEntries.member.{number}.{name}");
        if !fields.mentions(&format!("ContextEntries.member.{number}")) {
            break;
        }
        let place = |name: &str| format!("contextEntries.{number}.member.{name}");
        let key = fields.value(&part("ContextKeyName")).unwrap_or_default();
        constraints.text(&NAME, key, || place("contextKeyName"));
        let values = fields.members(&part("ContextKeyValues"), None);
        for value in &values {
            constraints.text(&VALUE, value, || place("contextKeyValues"));
        }
        let usual = if values.len() == 1 { "string" } else { "stringList" };
        let kind = fields.value(&part("ContextKeyType")).unwrap_or(usual);
        constraints.among(kind, &place("contextKeyType"), &TYPES);
        entries.push(Entry { key, kind, values });
    }
    entries
}

/// What a value weighs beyond its bytes.
const VALUE_WEIGHT: usize = 128;

impl Entry<'_> {
    /// What comparing with the entry can cost: the bytes of its values, and some for each.
    pub(super) fn weight(&self) -> usize {
        self.values.iter().map(|value| value.len().saturating_add(VALUE_WEIGHT)).sum()
    }

    /// Whether there are as many values as the type has, each of which it can read.
    pub(super) fn is_of_its_type(&self) -> bool {
        let (base, several) = match self.kind.strip_suffix("List") {
            Some(base) => (base, true),
            None => (self.kind, false),
        };
        (several || self.values.len() == 1) && self.values.iter().all(|value| reads_as(base, value))
    }
}

fn reads_as(base: &str, value: &str) -> bool {
    match base {
        "boolean" => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        "numeric" => value.parse::<f64>().is_ok_and(f64::is_finite),
        "ip" => value.parse::<IpAddr>().is_ok() || value.parse::<ipnet::IpNet>().is_ok(),
        "date" => value.parse::<jiff::Timestamp>().is_ok() || value.parse::<i64>().is_ok(),
        "binary" => data_encoding::BASE64.decode(value.as_bytes()).is_ok(),
        _ => true,
    }
}
