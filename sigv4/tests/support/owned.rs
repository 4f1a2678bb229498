//! A request that owns its bytes, so that tests can change it and send it through the whole way.

use daypass_sigv4::{Head, Limits, Payload, Refusal, Rules, SignedPayload, SigningKey, parse, verify};
use jiff::Timestamp;

pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Who is asked, by whom, when.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) service: &'a str,
    pub(crate) rules: Rules,
    pub(crate) now: Timestamp,
}

impl Owned {
    pub(crate) fn new(
        method: &str,
        path: &str,
        query: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            query: query.map(Into::into),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            body: body.into(),
        }
    }

    pub(crate) fn with_head<R>(&self, then: impl FnOnce(&Head<'_>) -> R) -> R {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        then(&Head {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &headers,
        })
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn check(&self, setting: &Setting<'_>) -> Result<SignedPayload, Refusal> {
        self.check_with(setting, Payload::Bytes(&self.body))
    }

    /// The broker's order: parse, scope, key and token, signature.
    pub(crate) fn check_with(
        &self,
        setting: &Setting<'_>,
        payload: Payload<'_>,
    ) -> Result<SignedPayload, Refusal> {
        self.with_head(|head| {
            let request = parse(head, &Limits::STANDARD)?.ok_or(Refusal::Unsigned)?;
            let scoped = request.check_scope(setting.service)?;
            if request.access_key_id() != setting.access_key_id || request.session_token() != setting.token {
                return Err(Refusal::TokenMalformed);
            }
            let key = SigningKey::derive(SECRET, request.date(), request.region(), request.service());
            verify(scoped, &key, payload, setting.rules, setting.now).map(|verified| verified.payload())
        })
    }
}
