//! What of a request is signed besides its body, and how much of it is looked at.

use crate::refusal::Refusal;

/// The head of a request as it came over the wire, nothing decoded, joined or reordered.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path as sent, escapes included.
    pub path: &'a str,
    /// The query as sent, without `?`.
    pub query: Option<&'a str>,
    /// Headers in wire order, in any case, duplicates kept.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// How much of a stranger's request is read before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of headers.
    pub headers: usize,
    /// Bytes of all header names and values.
    pub header_bytes: usize,
    /// Bytes of the path.
    pub path_bytes: usize,
    /// Bytes of the query.
    pub query_bytes: usize,
    /// Number of query parameters.
    pub query_parameters: usize,
}

impl Limits {
    /// 100 headers of 64 KiB, a path of 8 KiB, a query of 64 KiB and 256 parameters.
    ///
    /// `AssumeRole` by GET with 50 tags, all transitive, ten policies and a presigned signature is 170 parameters.
    pub const STANDARD: Self = Self {
        headers: 100,
        header_bytes: 64 * 1024,
        path_bytes: 8 * 1024,
        query_bytes: 64 * 1024,
        query_parameters: 256,
    };
}

impl<'a> Head<'a> {
    /// The values of every header named `name` (lower case), in wire order.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        values(self.headers, name)
    }

    /// The value of a header that may be sent once only.
    pub(crate) fn single(&self, name: &'static str) -> Result<Option<&'a [u8]>, Refusal> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Refusal::HeaderDuplicated { name });
        }
        Ok(first)
    }

    pub(crate) fn check_size(&self, limits: &Limits) -> Result<(), Refusal> {
        let bounded = |what, size: usize, limit| {
            if size > limit { Err(Refusal::TooLarge { what, limit }) } else { Ok(()) }
        };
        bounded("headers", self.headers.len(), limits.headers)?;
        let bytes = self
            .headers
            .iter()
            .fold(0usize, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()));
        bounded("header bytes", bytes, limits.header_bytes)?;
        bounded("path bytes", self.path.len(), limits.path_bytes)?;
        bounded("query bytes", self.query.map_or(0, str::len), limits.query_bytes)
    }
}

/// The values of every header named `name` (lower case), in wire order.
pub(crate) fn values<'a>(headers: &[(&'a str, &'a [u8])], name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// A header value without the white space around it.
pub(crate) fn trimmed(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().map(str::trim_ascii)
}

// Hides values: headers carry session tokens.
impl std::fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        f.debug_struct("Head")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &names)
            .finish()
    }
}
