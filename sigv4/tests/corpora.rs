//! The recorded signing suites in the folder that `DAYPASS_VECTORS` names: all of them verify, and none does once
//! any one bit of a signed part is changed.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a broken vector fails the test")]
#![expect(clippy::indexing_slicing, clippy::string_slice, reason = "a broken vector fails the test")]

use std::path::PathBuf;

use daypass_sigv4::{Class, PathStyle, Refusal, Rules};
use owned::{Owned, Setting};
use serde_json::Value;

#[path = "support/owned.rs"]
mod owned;

/// The suite appends this token after signing, as no client of a broker does: it is refused as sent.
const TOKEN_AFTER_SIGNING: &str = "post-sts-header-after";

fn vectors(path: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("DAYPASS_VECTORS").expect("DAYPASS_VECTORS names the vectors' folder"))
        .join(path)
}

#[test]
fn v01_v02_v03_aws_signing_suite() {
    let mut cases: Vec<_> =
        vectors("sigv4/v4").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert_eq!(cases.len(), 38);
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let context: Value =
            serde_json::from_slice(&std::fs::read(case.join("context.json")).unwrap()).unwrap();
        let token = context["credentials"]["token"].as_str();
        for form in ["header", "query"] {
            let text = std::fs::read(case.join(format!("{form}-signed-request.txt"))).unwrap();
            let mut request = parse_text(&text);
            let mut setting = Setting {
                access_key_id: context["credentials"]["access_key_id"].as_str().unwrap(),
                token,
                service: context["service"].as_str().unwrap(),
                rules: Rules::STANDARD,
                now: context["timestamp"].as_str().unwrap().parse().unwrap(),
            };
            if context["normalize"] == false {
                setting.rules.path = PathStyle::Verbatim;
            }
            if name == TOKEN_AFTER_SIGNING {
                let refusal = request.check(&setting).unwrap_err();
                assert_eq!(refusal.class(), Class::SignatureDoesNotMatch, "{name} {form}");
                request = without_token(request);
                setting.token = None;
            }
            request.check(&setting).unwrap_or_else(|refusal| panic!("{name} {form}: {refusal:#?}"));
            refuses_every_flip(&format!("{name} {form}"), &request, &setting);
        }
    }
}

#[test]
fn captured_requests_of_unmodified_clients() {
    let rows = std::fs::read_to_string(vectors("wire-requests/requests.jsonl")).unwrap();
    let (mut signed, mut unsigned) = (0, 0);
    for (index, row) in rows.lines().enumerate() {
        let row: Value = serde_json::from_str(row).unwrap();
        let request = parse_row(&row);
        let header = |name: &str| {
            let found = request.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        };
        let query = request.query.clone().unwrap_or_default().replace("%2F", "/");
        let signature = format!("{} {query}", header("authorization").unwrap_or_default());
        let Some((_, credential)) = signature.split_once("Credential=") else {
            let outcome = request.check(&any_setting());
            assert_eq!((row["sig"].as_str(), outcome), (Some("none"), Err(Refusal::Unsigned)), "row {index}");
            unsigned += 1;
            continue;
        };
        let date = header("x-amz-date")
            .unwrap_or_else(|| query[query.find("X-Amz-Date=").unwrap() + 11..][..16].into());
        let credential: Vec<_> = credential.split('/').collect();
        let token = header("x-amz-security-token");
        let setting = Setting {
            access_key_id: credential[0],
            token: token.as_deref(),
            service: credential[3],
            rules: Rules::STANDARD,
            now: format!(
                "{}-{}-{}T{}:{}:{}Z",
                &date[..4],
                &date[4..6],
                &date[6..8],
                &date[9..11],
                &date[11..13],
                &date[13..15]
            )
            .parse()
            .unwrap(),
        };
        request.check(&setting).unwrap_or_else(|refusal| panic!("row {index}: {refusal:#?}"));
        refuses_every_flip(&format!("row {index}"), &request, &setting);
        signed += 1;
    }
    assert_eq!((signed, unsigned), (49, 6));
}

/// Flips every bit of every signed part; what then still verifies must mean the same.
fn refuses_every_flip(name: &str, request: &Owned, setting: &Setting<'_>) {
    let mut parts: Vec<Part> = vec![Part::Method, Part::Path, Part::Query, Part::Body];
    let signed = request.with_head(|head| {
        let request = daypass_sigv4::parse(head, &daypass_sigv4::Limits::STANDARD).unwrap().unwrap();
        request.signed_headers().map(str::to_owned).collect::<Vec<_>>()
    });
    for (index, (header, _)) in request.headers.iter().enumerate() {
        let header = header.to_ascii_lowercase();
        if header == "authorization" || signed.contains(&header) {
            parts.extend([Part::HeaderName(index), Part::HeaderValue(index)]);
        }
    }
    for part in parts {
        let original = part.bytes(request);
        for position in 0..original.len() * 8 {
            let mut bytes = original.clone();
            bytes[position / 8] ^= 1 << (position % 8);
            let Some(changed) = part.replace(request, bytes) else { continue };
            if changed.check(setting).is_ok() {
                let same = meaning(request, setting.rules) == meaning(&changed, setting.rules);
                assert!(same, "{name}: bit {position} of {part:?} may be changed: {changed:?}");
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Method,
    Path,
    Query,
    Body,
    HeaderName(usize),
    HeaderValue(usize),
}

impl Part {
    fn bytes(self, request: &Owned) -> Vec<u8> {
        match self {
            Self::Method => request.method.clone().into(),
            Self::Path => request.path.clone().into(),
            Self::Query => request.query.clone().unwrap_or_default().into(),
            Self::Body => request.body.clone(),
            Self::HeaderName(index) => request.headers[index].0.clone().into(),
            Self::HeaderValue(index) => request.headers[index].1.clone(),
        }
    }

    /// `None` where HTTP itself refuses the bytes before anyone looks at a signature.
    fn replace(self, request: &Owned, bytes: Vec<u8>) -> Option<Owned> {
        let mut changed = request.clone();
        match self {
            Self::Method => changed.method = String::from_utf8(bytes).ok()?,
            Self::Path => changed.path = String::from_utf8(bytes).ok()?,
            Self::Query => changed.query = Some(String::from_utf8(bytes).ok()?),
            Self::Body => changed.body = bytes,
            Self::HeaderName(index) => changed.headers[index].0 = String::from_utf8(bytes).ok()?,
            Self::HeaderValue(index) => changed.headers[index].1 = bytes,
        }
        Some(changed)
    }
}

type Meaning = (String, Vec<String>, Vec<(Vec<u8>, Vec<u8>)>, Vec<(String, Vec<Vec<u8>>)>, Vec<u8>);

/// What a request says, by rules written apart from the crate's: the path's segments, the decoded query, headers
/// by word.
fn meaning(request: &Owned, rules: Rules) -> Meaning {
    let mut segments: Vec<String> = request.path.split('/').map(Into::into).collect();
    if rules.path == PathStyle::Normalized {
        segments.retain(|segment| !matches!(segment.as_str(), "" | "."));
        while let Some(up) = segments.iter().position(|segment| segment == "..") {
            segments.drain(up.saturating_sub(1)..=up);
        }
        let slash = segments.is_empty() || request.path.ends_with('/');
        segments.push(slash.to_string());
    }
    let query = request.query.clone().unwrap_or_default();
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect();
    pairs.sort();
    let headers = request.headers.iter().map(|(name, value)| {
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(Into::into);
        (name.to_ascii_lowercase(), words.collect())
    });
    (request.method.clone(), segments, pairs, headers.collect(), request.body.clone())
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes: Vec<u8> = parts.next().unwrap_or_default().into();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

fn without_token(request: Owned) -> Owned {
    let mut request = request.without("x-amz-security-token");
    request.query = request.query.map(|query| {
        let kept = query.split('&').filter(|pair| !pair.starts_with("X-Amz-Security-Token="));
        kept.collect::<Vec<_>>().join("&")
    });
    request
}

fn any_setting() -> Setting<'static> {
    let now = "2026-11-22T00:16:06Z".parse().unwrap();
    Setting { access_key_id: "AKID", token: None, service: "sts", rules: Rules::STANDARD, now }
}

fn parse_row(row: &Value) -> Owned {
    let target = row["path"].as_str().unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let headers: Vec<_> = row["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| (header[0].as_str().unwrap(), header[1].as_str().unwrap()))
        .collect();
    Owned::new(row["method"].as_str().unwrap(), path, query, &headers, row["body"].as_str().unwrap())
}

fn parse_text(text: &[u8]) -> Owned {
    let text = std::str::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap_or_else(|| (text.trim_end_matches('\n'), ""));
    let mut lines = head.split('\n');
    let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut request = Owned::new(method, path, query, &[], body);
    for line in lines {
        if line.starts_with(' ') {
            let (_, value) = request.headers.last_mut().unwrap();
            value.extend_from_slice(format!("\n{line}").as_bytes());
        } else {
            let (name, value) = line.split_once(':').unwrap();
            request.headers.push((name.into(), value.into()));
        }
    }
    request
}
