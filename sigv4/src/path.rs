//! Canonical paths: normalised and encoded again for most services, as sent for S3.

use crate::canonical::Sink;
use crate::encoding::{self, EncodingError};

/// How a service reads the path of a request when it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStyle {
    /// Dot segments and repeated slashes are resolved, then every byte (also `%`) is encoded: all services but S3.
    ///
    /// Several raw paths share one canonical path, so a router must work on the resolved path or refuse others.
    Normalized,
    /// The path as it was sent, bytes that needed an escape encoded once: S3, where `//` and `..` are names.
    Verbatim,
}

/// Whether `raw` may be canonicalised at all: rooted, well-formed escapes, UTF-8 once decoded.
pub(crate) fn check(raw: &str) -> Result<(), EncodingError> {
    encoding::decode(raw).map(|_| ())
}

/// Writes the canonical path; an empty one is `/`.
pub(crate) fn write<S: Sink>(raw: &str, style: PathStyle, sink: &mut S) {
    if raw.is_empty() || raw == "/" {
        return sink.put(b"/");
    }
    let mut out = String::with_capacity(raw.len().saturating_mul(2));
    match style {
        PathStyle::Verbatim => raw.bytes().for_each(|byte| push(byte, byte == b'%', &mut out)),
        PathStyle::Normalized => normalize(raw, &mut out),
    }
    sink.put(out.as_bytes());
}

fn normalize(raw: &str, out: &mut String) {
    let mut segments = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    for segment in &segments {
        out.push('/');
        segment.bytes().for_each(|byte| push(byte, false, out));
    }
    if segments.is_empty() || raw.ends_with('/') {
        out.push('/');
    }
}

fn push(byte: u8, as_sent: bool, out: &mut String) {
    if byte == b'/' || as_sent { out.push(char::from(byte)) } else { encoding::push_encoded(byte, out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(raw: &str, style: PathStyle) -> String {
        let mut text = Vec::new();
        write(raw, style, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn normalised_and_verbatim_paths() {
        for (raw, normalized, verbatim) in [
            ("", "/", "/"),
            ("/", "/", "/"),
            ("//", "/", "//"),
            ("//example//", "/example/", "//example//"),
            ("/./example", "/example", "/./example"),
            ("/example/..", "/", "/example/.."),
            ("/a/b/../../..", "/", "/a/b/../../.."),
            ("/a/b/..", "/a", "/a/b/.."),
            ("/example space/", "/example%20space/", "/example%20space/"),
            ("/a%2Fb", "/a%252Fb", "/a%2Fb"),
            ("/%2e%2e/a", "/%252e%252e/a", "/%2e%2e/a"),
            ("/ሴ", "/%E1%88%B4", "/%E1%88%B4"),
            ("/a:b@c", "/a%3Ab%40c", "/a%3Ab%40c"),
        ] {
            assert_eq!(canonical(raw, PathStyle::Normalized), normalized, "{raw}");
            assert_eq!(canonical(raw, PathStyle::Verbatim), verbatim, "{raw}");
        }
    }
}
