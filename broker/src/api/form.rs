//! Form fields of the Query protocol, from a body or a query string: decoded once, strictly, each name once.

use std::borrow::Cow;
use std::collections::hash_map::{Entry, HashMap};

/// The greatest number of fields that any request has use for.
const MAX_FIELDS: usize = 500;

/// The decoded fields of one request, by name.
#[derive(Default)]
pub struct Fields<'a> {
    values: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

/// Why a form does not decode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A name was sent twice, which two readers could take for two requests.
    #[error("the parameter {0} was given more than once")]
    Duplicate(String),
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the request is not validly form-encoded")]
    Encoding,
    /// More fields than the protocol has use for.
    #[error("more than {MAX_FIELDS} parameters")]
    TooMany,
}

impl<'a> Fields<'a> {
    /// The fields of `application/x-www-form-urlencoded` text, without the parameters that presign a URL.
    pub fn parse(encoded: &'a str) -> Result<Self, FormError> {
        let mut fields = Self::default();
        for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            if name.starts_with("X-Amz-") {
                continue;
            }
            if fields.values.len() >= MAX_FIELDS {
                return Err(FormError::TooMany);
            }
            let value = decode(value)?;
            match fields.values.entry(name) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(known) => {
                    return Err(FormError::Duplicate(known.key().chars().take(64).collect()));
                }
            };
        }
        Ok(fields)
    }

    /// A field's value; an empty one counts as given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(AsRef::as_ref)
    }

    /// Whether a parameter, or a member of one, was given with a value.
    pub fn mentions(&self, name: &str) -> bool {
        let of_name = |field: &str| {
            field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.values.iter().any(|(field, value)| !value.is_empty() && of_name(field))
    }

    /// Values of `name.member.N` and, with a `suffix`, of `name.member.N.suffix`, for N from 1 without a gap.
    pub fn members(&self, name: &str, suffix: Option<&str>) -> Vec<&str> {
        (1..=MAX_FIELDS)
            .map_while(|number| match suffix {
                Some(suffix) => self.value(&format!("{name}.member.{number}.{suffix}")),
                None => self.value(&format!("{name}.member.{number}")),
            })
            .collect()
    }
}

// Hides values: one of them is a proof.
impl std::fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, FormError> {
    // To the end in any case: without a way out, many bytes are looked at at a time.
    if !text.bytes().fold(false, |found, byte| found | matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let high = rest.next().and_then(hex).ok_or(FormError::Encoding)?;
                let low = rest.next().and_then(hex).ok_or(FormError::Encoding)?;
                bytes.push(high << 4 | low);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| FormError::Encoding)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_decode_as_forms_do() {
        let fields = Fields::parse("Action=A&Name=a+b%2Bc%C3%BC&Empty=&Bare").unwrap();
        assert_eq!(fields.value("Name"), Some("a b+cü"));
        assert_eq!(
            (fields.value("Empty"), fields.value("Bare"), fields.value("No")),
            (Some(""), Some(""), None)
        );
    }

    #[test]
    fn v07_a_name_given_twice_is_refused_in_any_spelling() {
        assert_eq!(Fields::parse("Action=A&Action=B").err(), Some(FormError::Duplicate("Action".into())));
        assert_eq!(Fields::parse("Action=A&%41ction=A").err(), Some(FormError::Duplicate("Action".into())));
    }

    #[test]
    fn v16_broken_encodings_are_refused() {
        for broken in ["A=%", "A=%2", "A=%zz", "A=%c0%af", "A=%ff", "%c3=x"] {
            assert_eq!(Fields::parse(broken).err(), Some(FormError::Encoding), "{broken}");
        }
        assert!(Fields::parse("A=%c3%bc").is_ok());
    }

    #[test]
    fn h03_too_many_fields_are_refused() {
        let many = |count: usize| (0..count).map(|n| format!("a{n}=x")).collect::<Vec<_>>().join("&");
        assert!(Fields::parse(&many(MAX_FIELDS)).is_ok());
        assert_eq!(Fields::parse(&many(MAX_FIELDS + 1)).err(), Some(FormError::TooMany));
    }

    #[test]
    fn t22_debug_forms_show_no_values() {
        let shown = format!("{:?}", Fields::parse("WebIdentityToken=canary").unwrap());
        assert_eq!(shown, r#"{"WebIdentityToken"}"#);
    }

    #[test]
    fn members_stop_at_the_first_gap() {
        let fields =
            Fields::parse("P.member.1.arn=a&P.member.2.arn=b&P.member.4.arn=d&K.member.1=x").unwrap();
        assert_eq!(fields.members("P", Some("arn")), ["a", "b"]);
        assert_eq!(fields.members("K", None), ["x"]);
    }

    #[test]
    fn parameters_of_a_presigned_url_are_not_fields() {
        let fields = Fields::parse("Action=A&X-Amz-Date=1&X-Amz-Signature=2").unwrap();
        assert_eq!(fields.value("X-Amz-Date"), None);
    }
}
