//! Attacks on a signature, each beside the honest request it was made from.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a broken fixture fails the test")]

use daypass_sigv4::{Class, Payload, Rules, SignedPayload};
use owned::{Owned, Setting};

mod canonical;
mod form;
#[path = "../support/owned.rs"]
mod owned;
mod payload;
mod signature;
#[path = "../support/signing.rs"]
mod signing;

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your \
    AWS Secret Access Key and signing method. Consult the service documentation for details.";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
const HOST: (&str, &str) = ("Host", "id.corp.test:8443");

fn sts() -> Setting<'static> {
    Setting {
        access_key_id: "ASIAEXAMPLE",
        token: Some("token/+="),
        service: "sts",
        rules: Rules::STANDARD,
        now: "2026-11-22T00:16:06Z".parse().unwrap(),
    }
}

fn s3() -> Setting<'static> {
    Setting { service: "s3", rules: Rules::S3, ..sts() }
}

fn at(now: &str) -> Setting<'static> {
    Setting { now: now.parse().unwrap(), ..sts() }
}

fn post() -> Owned {
    Owned::new("POST", "/", None, &[HOST, FORM], "Action=GetCallerIdentity&Version=2011-06-15")
}

fn get(path: &str, query: &str) -> Owned {
    Owned::new("GET", path, Some(query), &[HOST], "")
}

fn presigned() -> Owned {
    get("/", "Action=GetCallerIdentity&Version=2011-06-15").presigned(&sts(), Payload::Bytes(b""), 60)
}

#[track_caller]
fn passes(request: &Owned, setting: &Setting<'_>) {
    assert_eq!(request.check(setting), Ok(SignedPayload::Checked));
}

#[track_caller]
fn refused(request: &Owned, setting: &Setting<'_>, class: Class, message: &str) {
    let refusal = request.check(setting).unwrap_err();
    assert_eq!((refusal.class(), refusal.message().as_str()), (class, message), "{refusal}");
}

#[track_caller]
fn mismatches(request: &Owned, setting: &Setting<'_>) {
    refused(request, setting, Class::SignatureDoesNotMatch, MISMATCH);
}
