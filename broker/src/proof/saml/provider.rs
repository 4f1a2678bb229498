//! A configured SAML provider: every rule for its responses, checked when it is loaded.

use std::sync::Arc;
use std::time::Duration;

use super::metadata::Metadata;

/// What configuration says about a provider, not yet checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account it belongs to, 12 digits.
    pub account_id: String,
    /// Its immutable id.
    pub id: String,
    /// Its name in the account.
    pub name: String,
    /// The entity id that its metadata must have.
    pub entity_id: String,
    /// What its metadata says.
    pub metadata: Metadata,
    /// Audiences that mean us, 1 to 20.
    pub audiences: Vec<String>,
    /// Addresses that mean us, 1 to 20: what its responses are sent to.
    pub recipients: Vec<String>,
    /// How far its clock may be off, at most 5 minutes.
    pub clock_skew: Duration,
    /// How often one assertion may be redeemed.
    pub single_use: SingleUse,
    /// Whether it may send responses that nobody asked for.
    pub idp_initiated: bool,
}

/// How often one assertion may be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleUse {
    /// Once for each role that it grants: command-line tools redeem one assertion for several.
    Role,
    /// Once.
    Once,
}

/// A provider whose settings hold together.
#[derive(Clone, Debug)]
pub struct Provider {
    pub(super) account_id: Arc<str>,
    pub(super) arn: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) name: String,
    pub(super) entity_id: Arc<str>,
    pub(super) metadata: Metadata,
    pub(super) audiences: Vec<String>,
    pub(super) recipients: Vec<Arc<str>>,
    pub(super) skew_seconds: i64,
    pub(super) single_use: SingleUse,
    pub(super) idp_initiated: bool,
}

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Audiences that are none, too many, or no text.
    #[error("audiences must be 1 to 20 texts of 1 to 1024 printable characters")]
    Audiences,
    /// More skew than honest clocks have.
    #[error("the clock skew is more than 5 minutes")]
    ClockSkew,
    /// The metadata is another entity's.
    #[error("the metadata is that of `{0}`")]
    EntityId(String),
    /// The name is not one of AWS's form.
    #[error("the name is not 1 to 128 characters of [\\w._-]")]
    Name,
    /// Recipients that are none, too many, or no text.
    #[error("recipients must be 1 to 20 texts of 1 to 1024 printable characters")]
    Recipients,
}

impl Provider {
    /// Checks all settings and computes what verification needs from them.
    pub fn new(settings: Settings) -> Result<Self, ProviderError> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !(1..=128).contains(&settings.name.len()) || !settings.name.bytes().all(named) {
            return Err(ProviderError::Name);
        }
        if settings.metadata.entity_id() != settings.entity_id {
            return Err(ProviderError::EntityId(settings.metadata.entity_id().to_owned()));
        }
        if settings.clock_skew > Duration::from_secs(300) {
            return Err(ProviderError::ClockSkew);
        }
        if !are_texts(&settings.audiences) {
            return Err(ProviderError::Audiences);
        }
        if !are_texts(&settings.recipients) {
            return Err(ProviderError::Recipients);
        }
        Ok(Self {
            arn: format!("arn:aws:iam::{}:saml-provider/{}", settings.account_id, settings.name).into(),
            account_id: settings.account_id.into(),
            id: settings.id.into(),
            name: settings.name,
            entity_id: settings.entity_id.into(),
            metadata: settings.metadata,
            audiences: settings.audiences,
            recipients: settings.recipients.into_iter().map(Arc::from).collect(),
            skew_seconds: i64::try_from(settings.clock_skew.as_secs()).unwrap_or_default(),
            single_use: settings.single_use,
            idp_initiated: settings.idp_initiated,
        })
    }

    /// `arn:aws:iam::<account>:saml-provider/<name>`
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account it belongs to.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// Its immutable id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name that its assertions have as issuer.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }
}

fn are_texts(texts: &[String]) -> bool {
    let usable = |text: &String| {
        (1..=1_024).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    (1..=20).contains(&texts.len()) && texts.iter().all(usable)
}
