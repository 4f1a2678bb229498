//! What every request to assume a role by a proof brings besides the proof, and what every answer to one has.

use secrecy::ExposeSecret as _;

use crate::api::constraints::{Constraints, NotANumber, Text};
use crate::api::error::WireError;
use crate::api::request::Incoming;
use crate::api::xml::Xml;
use crate::federate::Wanted;
use crate::role::{PolicyArn, RoleArn, SessionName};
use crate::session::Session;
use crate::trust::Surroundings;

const ROLE_ARN: Text = arn("RoleArn");
const POLICY: Text = Text::new("Policy", 1, 2_048).of(is_latin, r"[\u0009\u000A\u000D\u0020-\u00FF]+");
const POLICY_ARN: Text = Text::new("arn", 20, 2_048);
const MAX_POLICY_ARNS: usize = 10;

/// The terms of a session, within the model's constraints one by one.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    role_arn: &'a str,
    inline_policy: Option<&'a str>,
    policy_arns: Vec<&'a str>,
    duration: Option<u32>,
    least_token: Option<u32>,
}

/// The rule for a parameter that is an ARN.
pub(super) const fn arn(name: &'static str) -> Text {
    Text::new(name, 20, 2_048).of(
        is_printable,
        r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
    )
}

impl<'a> Terms<'a> {
    /// Reads them; what breaches a constraint is in `constraints`.
    pub(super) fn read(constraints: &mut Constraints<'a>) -> Result<Self, WireError> {
        Ok(Self {
            role_arn: constraints.required(&ROLE_ARN),
            inline_policy: constraints.optional(&POLICY),
            policy_arns: constraints.list("PolicyArns", &POLICY_ARN, MAX_POLICY_ARNS),
            duration: constraints.number("DurationSeconds", 900, 43_200).map_err(malformed)?,
            least_token: constraints.number("MinimumSessionTokenSize", 0, 4_096).map_err(malformed)?,
        })
    }

    /// What is wanted, if no constraint was breached and every ARN is one.
    pub(super) fn wanted(
        self,
        session_name: Option<SessionName>,
        incoming: &'a Incoming,
        surroundings: Surroundings<'a>,
    ) -> Result<Wanted<'a>, WireError> {
        if RoleArn::account_in(self.role_arn).is_none() {
            return Err(WireError::validation("Request ARN is invalid"));
        }
        Ok(Wanted {
            role_arn: self.role_arn,
            session_name,
            duration: self.duration,
            inline_policy: self.inline_policy,
            managed_policies: self.policy_arns.iter().map(|arn| policy_arn(arn)).collect::<Result<_, _>>()?,
            least_token: self.least_token.and_then(|size| usize::try_from(size).ok()).unwrap_or(0),
            request_digest: incoming.digest(),
            request_id: &incoming.request_id,
            event_id: incoming.event_id,
            surroundings,
        })
    }
}

/// The elements that every answer with credentials has.
pub(super) fn credentials(xml: &mut Xml, session: &Session) {
    let claims = &session.claims;
    let account = claims.role_arn.split(':').nth(4).unwrap_or_default();
    let role_name = claims.role_arn.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{}", claims.session_name);
    let percent = session.packed_size.map(|percent| percent.to_string());
    xml.element("AssumedRoleUser", |xml| {
        xml.text("Arn", &arn).text("AssumedRoleId", &format!("{}:{}", claims.role_id, claims.session_name));
    })
    .element("Credentials", |xml| {
        xml.text("AccessKeyId", &session.access_key_id)
            .text("SecretAccessKey", session.secret_access_key.expose_secret())
            .text("SessionToken", &session.token)
            .text("Expiration", &claims.expires.to_string());
    })
    .optional("PackedPolicySize", percent.as_deref())
    .optional("SessionTokenUtilization", percent.as_deref())
    .text("SessionTokenSize", &session.token.len().to_string())
    .optional("SourceIdentity", claims.source_identity.as_deref());
}

fn policy_arn(text: &str) -> Result<PolicyArn, WireError> {
    PolicyArn::parse(text).map_err(|_| WireError::validation(format!("ARN {text} is not valid.")))
}

fn malformed(NotANumber: NotANumber) -> WireError {
    WireError::bad_request("MalformedInput", "A parameter that must be an integer is not one")
}

fn is_latin(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{7e}' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
