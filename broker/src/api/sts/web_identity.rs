//! `AssumeRoleWithWebIdentity` on the wire: its parameters within the model's constraints, its result.

use secrecy::ExposeSecret as _;

use super::{Answer, document};
use crate::api::constraints::{Constraints, NotANumber, Text};
use crate::api::error::WireError;
use crate::api::form::Fields;
use crate::api::request::Incoming;
use crate::app::App;
use crate::federate::{self, Issued, Wanted, WebIdentityRequest};
use crate::role::{PolicyArn, RoleArn, SessionName};
use crate::trust::Surroundings;

const OPERATION: &str = "AssumeRoleWithWebIdentity";
const ROLE_ARN: Text = Text::new("RoleArn", 20, 2_048)
    .of(is_printable, r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+");
const SESSION_NAME: Text = Text::new("RoleSessionName", 2, 64).of(is_name, SessionName::PATTERN);
const TOKEN: Text = Text::new("WebIdentityToken", 4, 20_000).secret();
const PROVIDER_ID: Text = Text::new("ProviderId", 4, 2_048);
const POLICY: Text = Text::new("Policy", 1, 2_048).of(is_latin, r"[\u0009\u000A\u000D\u0020-\u00FF]+");
const POLICY_ARN: Text = Text::new("arn", 20, 2_048);
const MAX_POLICY_ARNS: usize = 10;

/// Credentials, or why not.
pub(super) async fn answer(app: &App, incoming: &Incoming, fields: &Fields<'_>) -> Answer {
    let snapshot = app.snapshot.load_full();
    let surroundings = Surroundings {
        source_ip: Some(incoming.peer.address),
        secure: incoming.peer.secure,
        user_agent: incoming.user_agent(),
        region: snapshot.settings.server.region.as_str(),
        now: app.clock.reading().now(),
    };
    let request = parse(fields, incoming, surroundings)?;
    match federate::with_web_identity(app, &request).await {
        Ok(issued) => {
            app.meters.issued_by_web_identity.increment(1);
            Ok(render(&issued, &incoming.request_id))
        }
        Err(refusal) => {
            let error = WireError::from(&refusal);
            metrics::counter!("daypass_assertions_rejected_total", "kind" => "oidc", "reason" => error.code)
                .increment(1);
            Err(error)
        }
    }
}

fn parse<'a>(
    fields: &'a Fields<'a>,
    incoming: &'a Incoming,
    surroundings: Surroundings<'a>,
) -> Result<WebIdentityRequest<'a>, WireError> {
    let mut constraints = Constraints::new(fields);
    let role_arn = constraints.required(&ROLE_ARN);
    let session_name = constraints.required(&SESSION_NAME);
    // Files end in a newline, and clients send files as they are.
    let token = constraints.required(&TOKEN).trim_end_matches(['\r', '\n']);
    constraints.optional(&PROVIDER_ID);
    let inline_policy = constraints.optional(&POLICY);
    let policy_arns = constraints.list("PolicyArns", &POLICY_ARN, MAX_POLICY_ARNS);
    let duration = constraints.number("DurationSeconds", 900, 43_200).map_err(malformed)?;
    let least_token = constraints.number("MinimumSessionTokenSize", 0, 4_096).map_err(malformed)?;
    constraints.finish().map_err(WireError::validation)?;
    if RoleArn::account_in(role_arn).is_none() {
        return Err(WireError::validation("Request ARN is invalid"));
    }
    let managed_policies = policy_arns.iter().map(|arn| policy_arn(arn)).collect::<Result<_, _>>()?;
    let session_name =
        SessionName::parse(session_name).map_err(|invalid| WireError::validation(invalid.to_string()))?;
    let wanted = Wanted {
        role_arn,
        session_name,
        duration,
        inline_policy,
        managed_policies,
        least_token: least_token.and_then(|size| usize::try_from(size).ok()).unwrap_or(0),
        request_digest: incoming.digest(),
        request_id: &incoming.request_id,
        event_id: incoming.event_id,
        surroundings,
    };
    Ok(WebIdentityRequest { wanted, token })
}

fn policy_arn(text: &str) -> Result<PolicyArn, WireError> {
    PolicyArn::parse(text).map_err(|_| WireError::validation(format!("ARN {text} is not valid.")))
}

fn malformed(NotANumber: NotANumber) -> WireError {
    WireError::bad_request("MalformedInput", "A parameter that must be an integer is not one")
}

fn render(issued: &Issued, request_id: &str) -> String {
    let (session, identity) = (issued.session(), issued.identity());
    let claims = &session.claims;
    let account = claims.role_arn.split(':').nth(4).unwrap_or_default();
    let role_name = claims.role_arn.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{}", claims.session_name);
    let percent = session.packed_size.map(|percent| percent.to_string());
    document(OPERATION, request_id, |xml| {
        xml.text("SubjectFromWebIdentityToken", identity.subject())
            .text("Audience", identity.audience())
            .element("AssumedRoleUser", |xml| {
                xml.text("Arn", &arn)
                    .text("AssumedRoleId", &format!("{}:{}", claims.role_id, claims.session_name));
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
            .text("Provider", identity.provider_arn())
            .optional("SourceIdentity", claims.source_identity.as_deref());
    })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn is_latin(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{7e}' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
