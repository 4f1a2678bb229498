//! Strict JSON for text that strangers send: duplicate members are refused, depth and size are budgeted,
//! and integers stay apart from other numbers, so that `1.0` or `1e3` never passes for a time.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Deepest nesting of arrays and objects.
const MAX_DEPTH: u32 = 16;
/// Most values in one document, a key set of 200 keys with certificate chains included.
const MAX_VALUES: u32 = 10_000;
/// Most members of one object: they are compared with each other.
const MAX_MEMBERS: usize = 256;

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is no integer of 64 bits, or isn't written as one.
    OtherNumber,
    String(String),
    Array(Vec<Self>),
    Object(Object),
}

impl Value {
    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// The members of a JSON object in their order, no name twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object(Vec<(String, Value)>);

impl Object {
    /// Reads `bytes`, which must be exactly one object.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The value of a member.
    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All members.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The member `name` as text; `Err` if it is there and is no string.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, WrongType> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(WrongType { name, wanted: "a string" }),
        }
    }

    /// The member `name` as an integer; `Err` if it is there and isn't written as one.
    pub(crate) fn integer(&self, name: &'static str) -> Result<Option<i64>, WrongType> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(*number)),
            Some(_) => Err(WrongType { name, wanted: "an integer" }),
        }
    }

    /// Takes out the member `name`, a text; `Err` if it is there and is no string.
    pub(crate) fn take_text(&mut self, name: &'static str) -> Result<Option<String>, WrongType> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(WrongType { name, wanted: "a string" }),
        }
    }

    /// The member `name` as a list: an array of strings, or one string; absent means empty.
    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<&str>, WrongType> {
        let text = |item: &Value| item.as_str().is_some();
        match self.member(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) if items.iter().all(text) => {
                Ok(items.iter().filter_map(Value::as_str).collect())
            }
            Some(Value::String(only)) => Ok(vec![only]),
            Some(_) => Err(WrongType { name, wanted: "a string or an array of strings" }),
        }
    }

    /// Takes out the member `name`, read as [`Self::texts`] reads it.
    pub(crate) fn take_texts(&mut self, name: &'static str) -> Result<Vec<String>, WrongType> {
        let texts = self.texts(name)?.into_iter().map(str::to_owned).collect();
        self.take(name);
        Ok(texts)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(at).1)
    }
}

/// The first 64 characters, for messages that repeat what an outsider wrote.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A member whose value has another JSON type than its meaning needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not {wanted}")]
pub(crate) struct WrongType {
    name: &'static str,
    wanted: &'static str,
}

impl<'de> de::Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Cell::new(MAX_VALUES);
        match (Strict { depth: 0, values: &values }).deserialize(deserializer)? {
            Value::Object(object) => Ok(object),
            _ => Err(de::Error::custom("not an object")),
        }
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: u32,
    values: &'a Cell<u32>,
}

impl Strict<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self { depth, values: self.values })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.values.get().checked_sub(1).ok_or_else(|| de::Error::custom("too many values"))?;
        self.values.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::OtherNumber, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object: Vec<(String, Value)> = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.iter().any(|(earlier, _)| *earlier == name) {
                return Err(de::Error::custom("a member occurs twice"));
            }
            if object.len() >= MAX_MEMBERS {
                return Err(de::Error::custom("too many members"));
            }
            object.push((name, members.next_value_seed(inner)?));
        }
        Ok(Value::Object(Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j09_duplicate_members_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":{"b":1,"b":2}}"#, r#"{"a":[{"b":1,"\u0062":2}]}"#] {
            let error = Object::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("a member occurs twice"), "{text}: {error}");
        }
        assert!(Object::parse(br#"{"a":1,"b":{"a":1}}"#).is_ok());
    }

    #[test]
    fn j22_depth_and_size_budgets() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Object::parse(nested(15).as_bytes()).is_ok());
        assert!(Object::parse(nested(16).as_bytes()).unwrap_err().to_string().starts_with("nested too deep"));
        let wide = |count: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(count));
        assert!(Object::parse(wide(9_990).as_bytes()).is_ok());
        assert!(
            Object::parse(wide(10_000).as_bytes()).unwrap_err().to_string().starts_with("too many values")
        );
        let members: Vec<_> = (0..257).map(|n| format!("\"{n}\":1")).collect();
        let error = Object::parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("too many members"));
    }

    #[test]
    fn only_plain_integers_are_integers() {
        let object = Object::parse(br#"{"a":1,"b":-1,"c":1.0,"d":1e3,"e":18446744073709551615}"#).unwrap();
        assert_eq!(object.integer("a"), Ok(Some(1)));
        assert_eq!(object.integer("b"), Ok(Some(-1)));
        for name in ["c", "d", "e"] {
            assert!(object.integer(name).is_err(), "{name}");
        }
        assert!(Object::parse(br#"{"a":1e400}"#).is_err());
        assert!(Object::parse(br#"{"a":1} x"#).is_err());
        assert!(Object::parse(br#"[1]"#).is_err());
    }
}
