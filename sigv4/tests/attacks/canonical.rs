//! What canonicalisation must keep apart: paths, queries, headers, hosts and encodings.

use daypass_sigv4::Class;

use crate::{get, mismatches, passes, post, presigned, refused, s3, sts};

#[test]
fn v01_path_tricks() {
    let setting = sts();
    for path in ["//a", "/./a", "/x/../a", "/a"] {
        passes(&get(path, "").signed(&setting), &setting);
    }
    for (signed, sent) in
        [("/a/b", "/a%2Fb"), ("/a%2Fb", "/a/b"), ("/a%2Fb", "/a%252Fb"), ("/a", "/a/"), ("/..%2Fa", "/a")]
    {
        let mut request = get(signed, "").signed(&setting);
        passes(&request, &setting);
        request.path = sent.into();
        mismatches(&request, &setting);
    }
    for (signed, sent) in [("/b/a", "/b//a"), ("/b/a", "/b/./a"), ("/b/a", "/x/../b/a"), ("/b/a", "/b/%61")] {
        let mut request = get(signed, "").signed(&s3());
        request.check(&s3()).unwrap();
        request.path = sent.into();
        mismatches(&request, &s3());
    }
    let mut request = get("/a", "").signed(&setting);
    request.path = "a".into();
    mismatches(&request, &setting);
}

#[test]
fn v02_repeated_query_keys() {
    let request = get("/", "k=2&k=10&k=1&a=").signed(&sts());
    passes(&request, &sts());
    passes(&request.clone().requery("k=2&k=10&k=1", "k=1&k=2&k=10"), &sts());
    mismatches(&request.clone().requery("k=2&", ""), &sts());
    mismatches(&request.requery("k=2", "k=3"), &sts());
}

#[test]
fn v03_duplicate_multiline_and_padded_headers() {
    let request = post().with("X-Tag", "b").with("X-Tag", " a   c\r\n  d ").signed(&sts());
    passes(&request, &sts());
    passes(&request.clone().rehead("X-Tag", "b", "b ").rehead("X-Tag", "b", "  b"), &sts());
    mismatches(&request.clone().rehead("X-Tag", "b", "bb"), &sts());
    mismatches(&request.clone().with("X-Tag", "e"), &sts());
    let mut swapped = request;
    swapped.headers.swap(2, 3);
    mismatches(&swapped, &sts());
    for (name, value) in [("Host", "id.corp.test:8443"), ("Content-Type", "text/plain")] {
        let twice = post().with(name, value).signed(&sts());
        let message = format!("Found more than one '{}' HTTP header.", name.to_ascii_lowercase());
        refused(&twice, &sts(), Class::IncompleteSignature, &message);
    }
    for name in ["X-Amz-Date", "X-Amz-Security-Token"] {
        let message = format!("Found more than one '{}' HTTP header.", name.to_ascii_lowercase());
        refused(&post().signed(&sts()).with(name, "x"), &sts(), Class::IncompleteSignature, &message);
    }
}

#[test]
fn v13_host_spoof() {
    let request = post().signed(&sts());
    passes(&request.clone().with("X-Forwarded-Host", "evil.test"), &sts());
    let relayed =
        request.rehead("Host", "id.corp.test", "evil.test").with("X-Forwarded-Host", "id.corp.test:8443");
    mismatches(&relayed, &sts());
    mismatches(&presigned().rehead("Host", ":8443", ""), &sts());
}

#[test]
fn v16_plus_overlong_and_broken_escapes() {
    let honest = get("/", "a=b%20c&d=e%2Bf&g=%2F").signed(&sts());
    passes(&honest, &sts());
    for (from, to) in [
        ("%20", "+"),
        ("%2B", "+"),
        ("%2B", "%20"),
        ("%2F", "%C0%AF"),
        ("%2F", "%zz"),
        ("%2F", "%2"),
        ("%2F", "%"),
    ] {
        mismatches(&honest.clone().requery(from, to), &sts());
    }
    for path in ["/%C0%AF", "/%", "/%2", "/%zz", "/%FF"] {
        for setting in [sts(), s3()] {
            mismatches(&get(path, "").signed(&setting), &setting);
        }
    }
    passes(&get("/a+b/%C3%A9", "").signed(&sts()), &sts());
}
