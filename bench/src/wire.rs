//! Requests as clients send them, made once and sent often.

use std::net::SocketAddr;

use bytes::Bytes;
use daypass_sigv4::{Credentials, Head, PathStyle, Payload, Signing};
use http::{Method, Request, header};
use http_body_util::Full;

use crate::clock::now;
use crate::issuer::Issuer;
use crate::site::{REGION, role};
use crate::{Outcome, REQUESTS};

/// A request with its whole body.
pub(crate) type Prepared = Request<Full<Bytes>>;

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const AGENT: &str = "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux lang/python#3.13.7 md/pyimpl#CPython";

/// What a sign-in hands out.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
}

/// Sign-ins of 1,000 subjects under 1,000 session names into ten roles.
pub(crate) fn sign_ins(issuer: &Issuer, to: SocketAddr) -> Outcome<Vec<Prepared>> {
    (0..REQUESTS).map(|number| sign_in(issuer, to, number)).collect()
}

fn sign_in(issuer: &Issuer, to: SocketAddr, number: usize) -> Outcome<Prepared> {
    let token = issuer.token(&format!("plant:line-{number}"))?;
    let role = role(number).replace(':', "%3A").replace('/', "%2F");
    let body = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={role}&RoleSessionName=session-{number}\
         &WebIdentityToken={token}"
    );
    request(to, &[], body)
}

/// `GetCallerIdentity`, signed anew for each of the sessions.
pub(crate) fn caller_identities(sessions: &[Session], to: SocketAddr) -> Outcome<Vec<Prepared>> {
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let host = to.to_string();
    let headers: [(&str, &[u8]); 2] = [("host", host.as_bytes()), ("content-type", FORM.as_bytes())];
    let head = Head { method: "POST", path: "/", query: None, headers: &headers };
    let prepare = |session: &Session| {
        let added = daypass_sigv4::sign(&head, &session.signing("sts"), Payload::Bytes(body.as_bytes()))?;
        request(to, &added, body.to_owned())
    };
    sessions.iter().map(prepare).collect()
}

/// Asks a broker's telemetry listener whether it is ready.
pub(crate) fn ready(to: SocketAddr) -> Outcome<Prepared> {
    let request = Request::builder().uri("/readyz").header(header::HOST, to.to_string());
    Ok(request.body(Full::default())?)
}

fn request(to: SocketAddr, headers: &[(&'static str, String)], body: String) -> Outcome<Prepared> {
    let mut request = Request::builder().method(Method::POST).uri("/").header(header::HOST, to.to_string());
    request = request.header(header::USER_AGENT, AGENT).header(header::CONTENT_TYPE, FORM);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    Ok(request.body(Full::new(Bytes::from(body)))?)
}

impl Session {
    /// What an answer hands out.
    pub(crate) fn of(answer: &str) -> Outcome<Self> {
        let part = |name: &str| -> Outcome<String> {
            let (_, rest) =
                answer.split_once(&format!("<{name}>")).ok_or_else(|| format!("no {name}: {answer}"))?;
            Ok(rest.split('<').next().unwrap_or_default().to_owned())
        };
        Ok(Self {
            access_key_id: part("AccessKeyId")?,
            secret_access_key: part("SecretAccessKey")?,
            session_token: part("SessionToken")?,
        })
    }

    /// How this session signs for a service.
    pub(crate) fn signing<'a>(&'a self, service: &'a str) -> Signing<'a> {
        let credentials = Credentials {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            session_token: Some(&self.session_token),
        };
        Signing { credentials, region: REGION, service, path: PathStyle::Normalized, at: now() }
    }
}
