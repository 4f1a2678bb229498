//! The canonical request and the string to sign, streamed into a hash or written out for an operator.

use data_encoding::HEXLOWER;
use ring::{digest, hmac};

use crate::head;
use crate::path::{self, PathStyle};
use crate::query::CanonicalQuery;

/// Where canonical bytes go.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for digest::Context {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for hmac::Context {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The parts that a signature covers, whatever its algorithm.
#[derive(Clone, Copy)]
pub struct CanonicalRequest<'c> {
    /// The method, in upper case.
    pub method: &'c str,
    /// The path as sent.
    pub path: &'c str,
    /// How `path` is read.
    pub style: PathStyle,
    /// The query in canonical order.
    pub query: &'c CanonicalQuery<'c>,
    /// Every header, in wire order.
    pub headers: &'c [(&'c str, &'c [u8])],
    /// Names of the signed headers: lower case, sorted, joined by `;`.
    pub signed_headers: &'c str,
    /// The payload hash in lower-case hexadecimal, or one of S3's literals.
    pub payload: &'c str,
}

impl CanonicalRequest<'_> {
    /// SHA-256 of the canonical request, without building it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        self.write(&mut context, |value, sink| sink.put(value));
        finish(context)
    }

    /// The canonical request for an operator's eyes, session tokens replaced by `<hidden>`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        self.write(&mut text, |_, sink| sink.put(b"<hidden>"));
        String::from_utf8_lossy(&text).into_owned()
    }

    fn write<S: Sink>(&self, sink: &mut S, token: impl Fn(&[u8], &mut S)) {
        sink.put(self.method.as_bytes());
        sink.put(b"\n");
        path::write(self.path, self.style, sink);
        sink.put(b"\n");
        self.query.write(sink, |value, sink| token(value.as_bytes(), sink));
        sink.put(b"\n");
        for name in self.signed_headers.split(';') {
            sink.put(name.as_bytes());
            for (index, value) in head::values(self.headers, name).enumerate() {
                sink.put(if index == 0 { b":" } else { b"," });
                if name == "x-amz-security-token" {
                    token(value.trim_ascii(), sink);
                } else {
                    write_collapsed(value, sink);
                }
            }
            sink.put(b"\n");
        }
        sink.put(b"\n");
        sink.put(self.signed_headers.as_bytes());
        sink.put(b"\n");
        sink.put(self.payload.as_bytes());
    }
}

// Hides values: headers carry session tokens.
impl std::fmt::Debug for CanonicalRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CanonicalRequest").field(&self.text()).finish()
    }
}

/// Trimmed, with every run of white space (a folded line too) as one space.
fn write_collapsed<S: Sink>(value: &[u8], sink: &mut S) {
    let words =
        value.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            sink.put(b" ");
        }
        sink.put(word);
    }
}

/// What is finally signed: algorithm, time, scope and the digest of the canonical request.
#[derive(Debug, Clone, Copy)]
pub struct StringToSign<'s> {
    /// The algorithm's name as sent.
    pub algorithm: &'s str,
    /// `YYYYMMDDTHHMMSSZ`.
    pub timestamp: &'s str,
    /// Date, region and service of the scope.
    pub scope: [&'s str; 3],
    /// SHA-256 of the canonical request.
    pub request_digest: [u8; 32],
}

impl StringToSign<'_> {
    /// The string itself, for algorithms that sign a whole message.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::with_capacity(192);
        self.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    pub(crate) fn write(&self, sink: &mut impl Sink) {
        sink.put(self.algorithm.as_bytes());
        sink.put(b"\n");
        sink.put(self.timestamp.as_bytes());
        sink.put(b"\n");
        for part in self.scope {
            sink.put(part.as_bytes());
            sink.put(b"/");
        }
        sink.put(crate::TERMINATOR.as_bytes());
        sink.put(b"\n");
        sink.put(&hex(&self.request_digest));
    }
}

/// Lower-case hexadecimal without an allocation.
pub(crate) fn hex(digest: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    HEXLOWER.encode_mut(digest, &mut text);
    text
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(bytes);
    finish(context)
}

fn finish(context: digest::Context) -> [u8; 32] {
    array(context.finish().as_ref())
}

/// The 32 bytes of a SHA-256 output, which always has that length.
pub(crate) fn array(output: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(output).for_each(|(to, from)| *to = *from);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_request_is_written_as_documented() {
        let query =
            CanonicalQuery::parse("b=2&a=%2f&X-Amz-Security-Token=secret&X-Amz-Signature=ff", 9).unwrap();
        let request = CanonicalRequest {
            method: "GET",
            path: "/x/../a b",
            style: PathStyle::Normalized,
            query: &query,
            headers: &[
                ("X-Tag", b" b \t c "),
                ("Host", b"example.test"),
                ("x-tag", b"a"),
                ("X-Amz-Security-Token", b"secret"),
                ("Other", b"z"),
            ],
            signed_headers: "host;x-amz-security-token;x-tag",
            payload: "UNSIGNED-PAYLOAD",
        };
        let text = "GET\n/a%20b\nX-Amz-Security-Token=<hidden>&a=%2F&b=2\nhost:example.test\n\
            x-amz-security-token:<hidden>\nx-tag:b c,a\n\nhost;x-amz-security-token;x-tag\nUNSIGNED-PAYLOAD";
        assert_eq!(request.text(), text);
        assert_eq!(request.digest(), sha256(text.replace("<hidden>", "secret").as_bytes()));
        assert!(!format!("{request:?} {query:?}").contains("secret"));
    }

    #[test]
    fn the_string_to_sign_is_written_as_documented() {
        let scope = ["20150830", "us-east-1", "iam"];
        let string = StringToSign {
            algorithm: crate::ALGORITHM,
            timestamp: "20150830T123600Z",
            scope,
            request_digest: sha256(b""),
        };
        let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(string.text(), text);
    }
}
