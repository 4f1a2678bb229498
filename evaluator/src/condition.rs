//! One condition of a statement: an operator, a key, and the values wanted. One file an operator family.

use crate::context::Seen;
use crate::key::Key;
use crate::request::Request;

mod arn;
mod binary;
mod boolean;
mod date;
mod ip;
mod null;
mod numeric;
mod operator;
mod string;

pub(crate) use operator::{Family, Operator, Quantifier};

/// The outcome of a condition. `Undecidable` (a value that can't be read, several values for an operator that takes
/// one) never lets an Allow apply and never keeps a Deny from applying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    Undecidable,
}

impl Truth {
    const fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Undecidable => Self::Undecidable,
        }
    }

    pub(crate) const fn of(held: bool) -> Self {
        if held { Self::Yes } else { Self::No }
    }
}

/// The longest value that is compared, in bytes; header lines and claims end well before.
const MAX_VALUE: usize = 16_384;

#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) key: Key,
    /// The values as the policy writes them, for explanations and lints.
    pub(crate) wanted: Vec<String>,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Arn(arn::Wanted),
    Binary(binary::Wanted),
    Bool(boolean::Wanted),
    Date(date::Wanted),
    Ip(ip::Wanted),
    Null(null::Wanted),
    Numeric(numeric::Wanted),
    String(string::Wanted),
}

/// Why a value of a condition was refused: which one, and what to write.
#[derive(Debug)]
pub(crate) struct BadValue {
    pub(crate) index: usize,
    pub(crate) fix: &'static str,
}

impl Condition {
    /// Compiles the values for the operator; `variables` as the document's version says.
    pub(crate) fn compile(
        operator: Operator,
        key: Key,
        wanted: Vec<String>,
        variables: bool,
    ) -> Result<Self, BadValue> {
        let values = wanted.as_slice();
        let test = match operator.family {
            Family::Arn => Test::Arn(arn::Wanted::compile(values, variables)?),
            Family::Binary => Test::Binary(binary::Wanted::compile(values)?),
            Family::Bool => Test::Bool(boolean::Wanted::compile(values, variables)?),
            Family::Date(order) => Test::Date(date::Wanted::compile(order, values)?),
            Family::Ip => Test::Ip(ip::Wanted::compile(values)?),
            Family::Null => Test::Null(null::Wanted::compile(values)?),
            Family::Numeric(order) => Test::Numeric(numeric::Wanted::compile(order, values)?),
            Family::String(comparison) => {
                Test::String(string::Wanted::compile(comparison, values, variables)?)
            }
        };
        Ok(Self { operator, key, wanted, test })
    }

    /// Its key, and those of the variables in its values.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        let variables = match &self.test {
            Test::Arn(wanted) => wanted.keys(),
            Test::Bool(wanted) => wanted.keys(),
            Test::String(wanted) => wanted.keys(),
            Test::Binary(_) | Test::Date(_) | Test::Ip(_) | Test::Null(_) | Test::Numeric(_) => Vec::new(),
        };
        std::iter::once(&self.key).chain(variables)
    }

    /// See [`Template::searched_pieces`](crate::template::Template::searched_pieces).
    pub(crate) fn searched_pieces(&self) -> usize {
        match &self.test {
            Test::Arn(wanted) => wanted.searched_pieces(),
            Test::String(wanted) => wanted.searched_pieces(),
            // No other operator takes wildcards.
            Test::Binary(_)
            | Test::Bool(_)
            | Test::Date(_)
            | Test::Ip(_)
            | Test::Null(_)
            | Test::Numeric(_) => 0,
        }
    }

    /// Whether the request meets the condition.
    pub(crate) fn truth(&self, request: &Request<'_>) -> Truth {
        let seen = self.key.seen(request);
        if let Test::Null(wanted) = &self.test {
            return wanted.truth(matches!(seen, Seen::Absent));
        }
        match (seen, self.operator.quantifier) {
            (Seen::Absent, _) if self.operator.if_exists => Truth::Yes,
            (Seen::Absent, Quantifier::AllValues) => Truth::Yes,
            (Seen::Absent, Quantifier::AnyValue) => Truth::No,
            (Seen::Absent, Quantifier::Single) => Truth::of(self.operator.negated),
            (Seen::Many(_), Quantifier::Single) => Truth::Undecidable,
            (Seen::One(value), _) => self.one(value, request),
            (Seen::Many(_), Quantifier::AllValues) => self.fold(seen, Truth::No, request),
            (Seen::Many(_), Quantifier::AnyValue) => self.fold(seen, Truth::Yes, request),
        }
    }

    /// `decisive` if any value gives that; undecidable if any does; else the opposite.
    fn fold(&self, seen: Seen<'_>, decisive: Truth, request: &Request<'_>) -> Truth {
        let mut outcome = decisive.not();
        for value in seen.iter() {
            match self.one(value, request) {
                truth if truth == decisive => return decisive,
                Truth::Undecidable => outcome = Truth::Undecidable,
                _ => {}
            }
        }
        outcome
    }

    fn one(&self, value: &str, request: &Request<'_>) -> Truth {
        if value.len() > MAX_VALUE {
            return Truth::Undecidable;
        }
        let any = match &self.test {
            Test::Arn(wanted) => wanted.any(value, request),
            Test::Binary(wanted) => wanted.any(value),
            Test::Bool(wanted) => wanted.any(value, request),
            Test::Date(wanted) => wanted.any(value),
            Test::Ip(wanted) => wanted.any(value),
            Test::Null(wanted) => wanted.truth(false),
            Test::Numeric(wanted) => wanted.any(value),
            Test::String(wanted) => wanted.any(value, request),
        };
        if self.operator.negated { any.not() } else { any }
    }

    /// True where the condition can only hold for requests that carry the key with a wanted value.
    pub(crate) const fn pins(&self) -> bool {
        !self.operator.negated
            && !self.operator.if_exists
            && !matches!(self.operator.quantifier, Quantifier::AllValues)
            && !matches!(self.operator.family, Family::Null)
    }
}

/// Compiles each value with `compile`, naming the one that fails.
fn compile_each<T>(
    values: &[String],
    compile: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Vec<T>, BadValue> {
    let indexed = values.iter().enumerate();
    indexed.map(|(index, value)| compile(value).map_err(|fix| BadValue { index, fix })).collect()
}

/// The order operators of numbers and dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds<T: Ord>(self, seen: &T, wanted: &T) -> bool {
        match self {
            Self::Equal => seen == wanted,
            Self::Less => seen < wanted,
            Self::LessOrEqual => seen <= wanted,
            Self::Greater => seen > wanted,
            Self::GreaterOrEqual => seen >= wanted,
        }
    }
}
