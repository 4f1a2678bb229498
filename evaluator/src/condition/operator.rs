//! Operator names, with their quantifier in front and `IfExists` behind.

use super::{Order, string::Comparison};

#[derive(Debug, Clone)]
pub(crate) struct Operator {
    pub(crate) written: Box<str>,
    pub(crate) quantifier: Quantifier,
    pub(crate) family: Family,
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
}

/// How many of a key's values must satisfy the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// The key has one value.
    Single,
    AllValues,
    AnyValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Arn,
    Binary,
    Bool,
    Date(Order),
    Ip,
    Null,
    Numeric(Order),
    String(Comparison),
}

impl Operator {
    /// None for a name that AWS doesn't have; names are matched exactly.
    pub(crate) fn parse(written: &str) -> Option<Self> {
        let (quantifier, rest) = match written.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::AllValues, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::AnyValue, rest),
            Some(_) => return None,
            None => (Quantifier::Single, written),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let (family, negated) = family(name)?;
        if family == Family::Null && (if_exists || quantifier != Quantifier::Single) {
            return None;
        }
        Some(Self { written: written.into(), quantifier, family, negated, if_exists })
    }
}

fn family(name: &str) -> Option<(Family, bool)> {
    let positive = |family| Some((family, false));
    let negated = |family| Some((family, true));
    match name {
        "StringEquals" => positive(Family::String(Comparison::Exact)),
        "StringNotEquals" => negated(Family::String(Comparison::Exact)),
        "StringEqualsIgnoreCase" => positive(Family::String(Comparison::IgnoreCase)),
        "StringNotEqualsIgnoreCase" => negated(Family::String(Comparison::IgnoreCase)),
        "StringLike" => positive(Family::String(Comparison::Like)),
        "StringNotLike" => negated(Family::String(Comparison::Like)),
        "ArnEquals" | "ArnLike" => positive(Family::Arn),
        "ArnNotEquals" | "ArnNotLike" => negated(Family::Arn),
        "IpAddress" => positive(Family::Ip),
        "NotIpAddress" => negated(Family::Ip),
        "Bool" => positive(Family::Bool),
        "BinaryEquals" => positive(Family::Binary),
        "Null" => positive(Family::Null),
        "NumericNotEquals" => negated(Family::Numeric(Order::Equal)),
        "DateNotEquals" => negated(Family::Date(Order::Equal)),
        _ => match (name.strip_prefix("Numeric"), name.strip_prefix("Date")) {
            (Some(rest), _) => positive(Family::Numeric(order(rest)?)),
            (_, Some(rest)) => positive(Family::Date(order(rest)?)),
            _ => None,
        },
    }
}

fn order(name: &str) -> Option<Order> {
    match name {
        "Equals" => Some(Order::Equal),
        "LessThan" => Some(Order::Less),
        "LessThanEquals" => Some(Order::LessOrEqual),
        "GreaterThan" => Some(Order::Greater),
        "GreaterThanEquals" => Some(Order::GreaterOrEqual),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_aws_names_only() {
        for name in ["StringEquals", "ForAllValues:StringNotLikeIfExists", "DateLessThanEquals", "Null"] {
            assert!(Operator::parse(name).is_some(), "{name}");
        }
        for name in [
            "stringequals",
            "ForAnyValue::StringEquals",
            "ForSomeValues:Bool",
            "NullIfExists",
            "ForAnyValue:Null",
            "BinaryNotEquals",
            "NumericLike",
            "StringLessThan",
            "",
            "IfExists",
            "DateNotEqualsX",
        ] {
            assert!(Operator::parse(name).is_none(), "{name}");
        }
    }
}
