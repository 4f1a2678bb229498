//! Strict JSON that remembers where each value stands. Duplicate members, deep nesting, and text after the document are
//! errors, since a reader that forgives them can be made to see another policy than its author did.

use std::borrow::Cow;
use std::collections::HashSet;

/// A policy needs seven levels; more is an attack on the reader's stack.
const MAX_DEPTH: usize = 16;

#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub(crate) at: usize,
    /// Just behind its last character.
    pub(crate) end: usize,
    pub(crate) node: Node<'a>,
}

#[derive(Debug)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Vec<Member<'a>>),
}

#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) at: usize,
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Value<'a>,
}

#[derive(Debug)]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) fix: Cow<'static, str>,
}

/// Reads one JSON value that is the whole of `text`.
pub(crate) fn parse(text: &str) -> Result<Value<'_>, JsonError> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.peek().is_some() {
        return Err(reader.error("remove what follows the document"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nest less deeply"));
        }
        self.skip_space();
        let at = self.at;
        let node = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Node::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ if self.eat("true") => Node::Bool(true),
            _ if self.eat("false") => Node::Bool(false),
            _ if self.eat("null") => Node::Null,
            _ => return Err(self.error("write a JSON value here")),
        };
        Ok(Value { at, end: self.at, node })
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, JsonError> {
        self.at += 1;
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut names = HashSet::new();
        self.skip_space();
        if self.eat("}") {
            return Ok(Node::Object(members));
        }
        loop {
            self.skip_space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("write a member name in double quotes"));
            }
            let name = self.string()?;
            if !names.insert(name.clone()) {
                let fix = Cow::Owned(format!("write `{name}` only once"));
                return Err(JsonError { at, fix });
            }
            self.skip_space();
            if !self.eat(":") {
                return Err(self.error("write a colon here"));
            }
            let value = self.value(depth + 1)?;
            members.push(Member { at, name, value });
            self.skip_space();
            if self.eat("}") {
                return Ok(Node::Object(members));
            }
            if !self.eat(",") {
                return Err(self.error("write a comma or a closing brace here"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node<'a>, JsonError> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.eat("]") {
            return Ok(Node::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.skip_space();
            if self.eat("]") {
                return Ok(Node::Array(values));
            }
            if !self.eat(",") {
                return Err(self.error("write a comma or a closing bracket here"));
            }
        }
    }

    fn number(&mut self) -> Result<Node<'a>, JsonError> {
        let length = self.rest().bytes().take_while(|b| b"+-.0123456789eE".contains(b)).count();
        let text = self.rest().get(..length).unwrap_or_default();
        if !is_number(text) {
            return Err(self.error("write the number as JSON does, or quote it"));
        }
        self.at += length;
        Ok(Node::Number(text))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let mut read = Cow::Borrowed("");
        loop {
            let plain = self.rest().bytes().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
            let piece = self.rest().get(..plain).unwrap_or_default();
            if read.is_empty() {
                read = Cow::Borrowed(piece);
            } else {
                read.to_mut().push_str(piece);
            }
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => read.to_mut().push(self.escape()?),
                Some(_) => return Err(self.error("escape control characters in strings")),
                None => return Err(self.error("close the string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let escaped = self.peek();
        self.at += 1;
        match escaped {
            Some(b'"') => Ok('"'),
            Some(b'\\') => Ok('\\'),
            Some(b'/') => Ok('/'),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'n') => Ok('\n'),
            Some(b'r') => Ok('\r'),
            Some(b't') => Ok('\t'),
            Some(b'u') => self.unicode(),
            _ => {
                self.at -= 1;
                Err(self.error("write one of JSON's escapes"))
            }
        }
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex4()?;
        let scalar = match first {
            0xD800..=0xDBFF if self.eat("\\u") => {
                let second = self.hex4()?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.error("write both halves of the surrogate pair"));
                }
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            other => other,
        };
        char::from_u32(scalar).ok_or_else(|| self.error("write both halves of the surrogate pair"))
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.rest().get(..4).unwrap_or_default();
        let is_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u32::from_str_radix(digits, 16) {
            Ok(number) if is_hex => {
                self.at += 4;
                Ok(number)
            }
            _ => Err(self.error("write four hexadecimal digits")),
        }
    }

    fn skip_space(&mut self) {
        self.at += self.rest().bytes().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, fix: &'static str) -> JsonError {
        JsonError { at: self.at, fix: Cow::Borrowed(fix) }
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(integer)
        && (integer == "0" || !integer.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Line and column, both from 1, of a byte offset; columns count characters.
pub(crate) fn locate(text: &str, at: usize) -> (u32, u32) {
    Places::of(text).locate(at)
}

/// Finds the lines and columns of many byte offsets, reading the text once if they come in order.
#[derive(Debug)]
pub(crate) struct Places<'t> {
    text: &'t str,
    /// What was read, and where that ends.
    read: usize,
    line: u32,
    column: u32,
}

impl<'t> Places<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { text, read: 0, line: 1, column: 1 }
    }

    pub(crate) fn locate(&mut self, at: usize) -> (u32, u32) {
        if at < self.read {
            *self = Self::of(self.text);
        }
        let more = self.text.get(self.read..at).or_else(|| self.text.get(self.read..)).unwrap_or_default();
        for character in more.chars() {
            if character == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.read = self.read.saturating_add(more.len());
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_json_allows() {
        for text in ["{}", " [1, -0.5e+3, true, null, \"a\\u00e9\\ud83d\\ude00\\n\"] ", "0"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_json_forbids() {
        let deep = "[".repeat(5000);
        let cases = [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "01",
            "1.",
            ".5",
            "+1",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\t\"",
            "{} {}",
            "nul",
            "\u{feff}{}",
            "'a'",
            deep.as_str(),
        ];
        for text in cases {
            assert!(parse(text).is_err(), "{}", text.chars().take(30).collect::<String>());
        }
    }

    #[test]
    fn says_where() {
        let text = "{\n  \"é\": x}";
        let error = parse(text).unwrap_err();
        assert_eq!(locate(text, error.at), (2, 8));
        let mut places = Places::of(text);
        for at in [0, 2, 4, 9, 9, 5, 0, text.len(), 99] {
            assert_eq!(places.locate(at), locate(text, at), "{at}");
        }
        assert_eq!(locate(text, 99), (2, 10));
    }
}
