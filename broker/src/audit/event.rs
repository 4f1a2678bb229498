//! What happened, in the shape of `CloudTrail`'s record. Proofs, tokens and secrets have no field here to be put in.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::text::Text;
pub use identity::{IdentityKind, Issuer, Parameter, SessionContext, UserIdentity};
pub use step::{Outcome, Step};

mod identity;
mod step;

/// `CloudTrail`'s version of the record that this one follows.
const EVENT_VERSION: &str = "1.11";
/// The most request parameters and steps that one event keeps; the first ones stay.
const MAX_ITEMS: usize = 64;

/// The service an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Source {
    /// Cognito's federated identities.
    #[serde(rename = "cognito-identity.amazonaws.com")]
    CognitoIdentity,
    /// The broker's own administration, and its answers to verify callers.
    #[serde(rename = "daypass")]
    Daypass,
    /// IAM.
    #[serde(rename = "iam.amazonaws.com")]
    Iam,
    /// IAM Roles Anywhere.
    #[serde(rename = "rolesanywhere.amazonaws.com")]
    RolesAnywhere,
    /// STS.
    #[serde(rename = "sts.amazonaws.com")]
    Sts,
}

/// What the broker answered about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

/// One audit record, built up field by field; the broker's name and region are added when it is recorded.
///
/// Every text is cut at 1 KB, parameters and steps at 64 each, so a line stays under 512 KiB whatever comes in.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    event_version: &'static str,
    #[serde(serialize_with = "seconds")]
    event_time: Timestamp,
    event_source: Source,
    event_name: Text<'a>,
    pub(super) aws_region: Text<'a>,
    #[serde(rename = "sourceIPAddress", skip_serializing_if = "Option::is_none")]
    source_ip_address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<Text<'a>>,
    #[serde(rename = "requestID")]
    request_id: Text<'a>,
    #[serde(rename = "eventID", serialize_with = "as_uuid")]
    event_id: [u8; 16],
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_account_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<UserIdentity<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "parameters")]
    request_parameters: Vec<(Parameter<'a>, Text<'a>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_elements: Option<ResponseElements<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<Text<'a>>,
    pub(super) additional_event_data: Additional<'a>,
}

#[derive(Debug, Clone, Serialize)]
struct ResponseElements<'a> {
    credentials: Credentials<'a>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    access_key_id: Text<'a>,
    #[serde(serialize_with = "seconds")]
    expiration: Timestamp,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Additional<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "digest")]
    proof_digest: Option<[u8; 32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_session_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    step: Vec<Step<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory_version: Option<Text<'a>>,
    pub(super) broker: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gap: Option<super::gap::Gap>,
}

impl<'a> Event<'a> {
    /// An event of that request at that time; `event_id` is 16 random bytes.
    pub fn new(
        event_time: Timestamp,
        event_source: Source,
        event_name: impl Into<Text<'a>>,
        request_id: impl Into<Text<'a>>,
        event_id: [u8; 16],
    ) -> Self {
        Self {
            event_version: EVENT_VERSION,
            event_time,
            event_source,
            event_name: event_name.into(),
            aws_region: Text::default(),
            source_ip_address: None,
            user_agent: None,
            request_id: request_id.into(),
            event_id,
            recipient_account_id: None,
            user_identity: None,
            request_parameters: Vec::new(),
            response_elements: None,
            error_code: None,
            error_message: None,
            additional_event_data: Additional::default(),
        }
    }

    /// The address the request came from.
    pub fn peer(mut self, address: IpAddr) -> Self {
        self.source_ip_address = Some(address);
        self
    }

    /// What the client calls itself.
    pub fn user_agent(mut self, agent: impl Into<Text<'a>>) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// The account that the event concerns.
    pub fn account(mut self, account: impl Into<Text<'a>>) -> Self {
        self.recipient_account_id = Some(account.into());
        self
    }

    /// Who asked.
    pub fn identity(mut self, identity: UserIdentity<'a>) -> Self {
        self.user_identity = Some(identity);
        self
    }

    /// One thing that was asked for; the 65th and later are dropped.
    pub fn parameter(mut self, name: Parameter<'a>, value: impl Into<Text<'a>>) -> Self {
        if self.request_parameters.len() < MAX_ITEMS {
            self.request_parameters.push((name, value.into()));
        }
        self
    }

    /// The credential that the answer carries.
    pub fn issued(mut self, access_key_id: impl Into<Text<'a>>, expiration: Timestamp) -> Self {
        let credentials = Credentials { access_key_id: access_key_id.into(), expiration };
        self.response_elements = Some(ResponseElements { credentials });
        self
    }

    /// The refusal that the answer carries.
    pub fn error(mut self, code: impl Into<Text<'a>>, message: impl Into<Text<'a>>) -> Self {
        self.error_code = Some(code.into());
        self.error_message = Some(message.into());
        self
    }

    /// The identity provider or trust anchor that the proof came from, by ARN.
    pub fn provider(mut self, provider: impl Into<Text<'a>>) -> Self {
        self.additional_event_data.provider = Some(provider.into());
        self
    }

    /// SHA-256 of the proof, which names it without repeating it.
    pub fn proof_digest(mut self, digest: [u8; 32]) -> Self {
        self.additional_event_data.proof_digest = Some(digest);
        self
    }

    /// The session that was issued, used or ended.
    pub fn session(mut self, id: impl Into<Text<'a>>) -> Self {
        self.additional_event_data.session_id = Some(id.into());
        self
    }

    /// The session that the request was signed with, when it made another.
    pub fn parent_session(mut self, id: impl Into<Text<'a>>) -> Self {
        self.additional_event_data.parent_session_id = Some(id.into());
        self
    }

    /// The source identity in force.
    pub fn source_identity(mut self, identity: impl Into<Text<'a>>) -> Self {
        self.additional_event_data.source_identity = Some(identity.into());
        self
    }

    /// What the policies said, and which statement made the difference, if one did.
    pub fn decision(mut self, decision: Decision, statement: Option<Text<'a>>) -> Self {
        self.additional_event_data.decision = Some(decision);
        self.additional_event_data.statement = statement;
        self
    }

    /// More steps of the way that the request took; the 65th and later are dropped.
    pub fn steps(mut self, steps: impl IntoIterator<Item = Step<'a>>) -> Self {
        let kept = &mut self.additional_event_data.step;
        kept.extend(steps.into_iter().take(MAX_ITEMS.saturating_sub(kept.len())));
        self
    }

    pub(super) fn gap(mut self, gap: super::gap::Gap) -> Self {
        self.additional_event_data.gap = Some(gap);
        self
    }

    /// The version of the directory that decided.
    pub fn directory_version(mut self, version: impl Into<Text<'a>>) -> Self {
        self.additional_event_data.directory_version = Some(version.into());
        self
    }
}

fn seconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    // CloudTrail's times are whole seconds; rounding up could put an event into the future.
    let seconds = time.as_millisecond().div_euclid(1_000);
    serializer.collect_str(&Timestamp::from_second(seconds).unwrap_or(*time))
}

fn as_uuid<S: Serializer>(id: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&uuid(*id))
}

/// Random bytes as a version 4 UUID (RFC 9562 §5.4), the form of AWS's event and request ids.
pub fn uuid(id: [u8; 16]) -> String {
    let bits = u128::from_be_bytes(id) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let mut text = String::with_capacity(36);
    for (number, pair) in bits.to_be_bytes().chunks(2).enumerate() {
        if matches!(number, 2..=5) {
            text.push('-');
        }
        data_encoding::HEXLOWER.encode_append(pair, &mut text);
    }
    text
}

fn digest<S: Serializer>(digest: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    digest.map(|digest| super::chain::hex(&digest)).serialize(serializer)
}

fn parameters<S: Serializer>(list: &[(Parameter<'_>, Text<'_>)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (at, (name, value)) in list.iter().enumerate() {
        let key: Cow<'_, str> = name.key();
        // A JSON object with a name twice means what its reader likes: the first stands.
        if list.iter().take(at).all(|(earlier, _)| earlier != name) {
            map.serialize_entry(&key, value)?;
        }
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_uuids() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
