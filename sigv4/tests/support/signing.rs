//! Signs owned requests, and tampers with them.

use daypass_sigv4::{Credentials, Payload, Signing, presign, sign};

use crate::owned::{Owned, SECRET, Setting};

impl Owned {
    pub(crate) fn signed(mut self, setting: &Setting<'_>) -> Self {
        let added = self.with_head(|head| sign(head, &signing(setting), Payload::Bytes(&self.body))).unwrap();
        self.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())));
        self
    }

    pub(crate) fn presigned(mut self, setting: &Setting<'_>, payload: Payload<'_>, expires: u32) -> Self {
        self.query = Some(self.with_head(|head| presign(head, &signing(setting), payload, expires)).unwrap());
        self
    }

    /// Replaces the first `from` in the query.
    pub(crate) fn requery(mut self, from: &str, to: &str) -> Self {
        let query = self.query.unwrap_or_default();
        assert!(query.contains(from), "`{from}` is not in `{query}`");
        self.query = Some(query.replacen(from, to, 1));
        self
    }

    /// Replaces the first `from` in a header.
    pub(crate) fn rehead(mut self, name: &str, from: &str, to: &str) -> Self {
        let (_, value) = self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap();
        let text = String::from_utf8(value.clone()).unwrap();
        assert!(text.contains(from), "`{from}` is not in `{text}`");
        *value = text.replacen(from, to, 1).into_bytes();
        self
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

fn signing<'a>(setting: &Setting<'a>) -> Signing<'a> {
    Signing {
        credentials: Credentials {
            access_key_id: setting.access_key_id,
            secret_access_key: SECRET,
            session_token: setting.token,
        },
        region: "eu-west-1",
        service: setting.service,
        path: setting.rules.path,
        at: setting.now,
    }
}
