//! A configured OpenID Connect provider: every rule for its tokens, checked and computed when it is loaded.

use std::sync::Arc;
use std::time::Duration;

use ring::digest;

use super::algorithm::{Algorithm, UnusableAlgorithm};
use super::context::ContextRules;
use super::endpoint::{Allowed, Endpoint, EndpointError};
use super::keys::KeySet;

/// What configuration says about a provider, not yet checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account it belongs to, 12 digits.
    pub account_id: String,
    /// Its immutable id.
    pub id: String,
    /// The issuer URL; a token's `iss` must be exactly this text.
    pub issuer: String,
    /// Audiences that mean us, 1 to 100.
    pub client_ids: Vec<String>,
    /// Names of the signature algorithms it may use, at least one.
    pub algorithms: Vec<String>,
    /// How far its clock may be off, at most 5 minutes.
    pub clock_skew: Duration,
    /// Further claims that become condition keys if their values are scalar.
    pub claims: Vec<String>,
    /// Whether a token may be redeemed only once, by its `jti`.
    pub single_use: bool,
    /// Where its keys come from.
    pub keys: KeySettings,
    /// The only certificate authorities that its servers' certificates may come from, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Base URLs under which this broker itself issues tokens: never trusted as a provider.
    pub own_issuers: Vec<String>,
    /// Whether an issuer may be plain http on loopback, for `daypass dev`.
    pub loopback_http: bool,
}

/// Where a provider's keys come from, not yet checked.
#[derive(Clone, Debug)]
pub enum KeySettings {
    /// From the address in the issuer's discovery document.
    Discovery,
    /// From this https URL.
    JwksUrl(String),
    /// From a key set that configuration brings along; nothing is ever fetched.
    Uploaded(Arc<KeySet>),
}

/// Where a provider's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// From the address in the issuer's discovery document.
    Discovery,
    /// From this URL.
    JwksUrl(Endpoint),
    /// From configuration.
    Uploaded(Arc<KeySet>),
}

/// A provider whose settings hold together.
#[derive(Clone, Debug)]
pub struct Provider {
    pub(super) account_id: Arc<str>,
    pub(super) arn: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) issuer_text: Arc<str>,
    pub(super) client_ids: Vec<Arc<str>>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) skew_seconds: i64,
    pub(super) single_use: bool,
    pub(super) context: ContextRules,
    issuer: Endpoint,
    keys: KeySource,
    ca_pem: Option<Vec<u8>>,
    fingerprint: [u8; 32],
}

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The account isn't 12 digits.
    #[error("the account `{0}` is not 12 digits")]
    Account(String),
    /// An algorithm that is unknown or not acceptable.
    #[error(transparent)]
    Algorithm(#[from] UnusableAlgorithm),
    /// No algorithm is named.
    #[error("no algorithm is named")]
    Algorithms,
    /// An opt-in claim that may not become a condition key.
    #[error("the claim `{0}` can't be added: {1}")]
    Claim(String, &'static str),
    /// Client ids that are none, too many, or no text.
    #[error("client ids must be 1 to 100 texts of 1 to 255 printable characters")]
    ClientIds,
    /// More skew than honest clocks have.
    #[error("the clock skew is more than 5 minutes")]
    ClockSkew,
    /// The issuer's URL.
    #[error("the issuer is not acceptable: {0}")]
    Issuer(EndpointError),
    /// The key set's URL.
    #[error("the key set URL is not acceptable: {0}")]
    JwksUrl(EndpointError),
    /// The broker would take its own tokens for proofs.
    #[error("the issuer `{0}` is this broker itself")]
    OwnIssuer(String),
}

impl Provider {
    /// Checks all settings and computes what verification needs from them.
    pub fn new(settings: Settings) -> Result<Self, ProviderError> {
        if settings.account_id.len() != 12 || !settings.account_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ProviderError::Account(settings.account_id));
        }
        let allowed = Allowed { loopback_http: settings.loopback_http, query: false };
        let issuer = Endpoint::parse(&settings.issuer, allowed).map_err(ProviderError::Issuer)?;
        if settings.own_issuers.iter().any(|own| is_same_or_below(issuer.as_str(), own)) {
            return Err(ProviderError::OwnIssuer(settings.issuer));
        }
        if settings.clock_skew > Duration::from_secs(300) {
            return Err(ProviderError::ClockSkew);
        }
        let keys = match settings.keys {
            KeySettings::Discovery => KeySource::Discovery,
            KeySettings::Uploaded(set) => KeySource::Uploaded(set),
            KeySettings::JwksUrl(url) => {
                let allowed = Allowed { loopback_http: settings.loopback_http, query: true };
                KeySource::JwksUrl(Endpoint::parse(&url, allowed).map_err(ProviderError::JwksUrl)?)
            }
        };
        let name = issuer.without_scheme();
        Ok(Self {
            arn: format!("arn:aws:iam::{}:oidc-provider/{name}", settings.account_id).into(),
            account_id: settings.account_id.into(),
            id: settings.id.into(),
            issuer_text: issuer.as_str().into(),
            client_ids: checked_client_ids(settings.client_ids)?,
            algorithms: parsed_algorithms(&settings.algorithms)?,
            skew_seconds: i64::try_from(settings.clock_skew.as_secs()).unwrap_or_default(),
            single_use: settings.single_use,
            context: ContextRules::new(name, &settings.claims)?,
            fingerprint: fingerprint(&issuer, &keys, settings.ca_pem.as_deref()),
            issuer,
            keys,
            ca_pem: settings.ca_pem,
        })
    }

    /// The account it belongs to.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// `arn:aws:iam::<account>:oidc-provider/<issuer without scheme>`
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its immutable id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Audiences that mean us.
    pub fn client_ids(&self) -> &[Arc<str>] {
        &self.client_ids
    }

    /// The issuer, exactly as tokens must carry it.
    pub fn issuer(&self) -> &Endpoint {
        &self.issuer
    }

    /// Where its keys come from.
    pub fn keys(&self) -> &KeySource {
        &self.keys
    }

    /// The only authorities for its servers' certificates, as PEM; without them the system's count.
    pub fn ca_pem(&self) -> Option<&[u8]> {
        self.ca_pem.as_deref()
    }

    /// Identifies everything that decides which keys this provider has: issuer, source and authorities.
    ///
    /// Two providers with the same fingerprint may share one fetched set.
    pub fn keys_fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

fn checked_client_ids(ids: Vec<String>) -> Result<Vec<Arc<str>>, ProviderError> {
    let usable = |id: &String| (1..=255).contains(&id.chars().count()) && !id.chars().any(char::is_control);
    if (1..=100).contains(&ids.len()) && ids.iter().all(usable) {
        Ok(ids.into_iter().map(Arc::from).collect())
    } else {
        Err(ProviderError::ClientIds)
    }
}

fn parsed_algorithms(names: &[String]) -> Result<Vec<Algorithm>, ProviderError> {
    if names.is_empty() {
        return Err(ProviderError::Algorithms);
    }
    Ok(names.iter().map(|name| Algorithm::parse(name)).collect::<Result<_, _>>()?)
}

/// Whether `issuer` is the URL `own` or one below it, whatever the spelling of host, port and scheme.
fn is_same_or_below(issuer: &str, own: &str) -> bool {
    let normal = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let default_port = if scheme.eq_ignore_ascii_case("http") { ":80" } else { ":443" };
        let authority = authority.to_ascii_lowercase();
        let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
        format!("{authority}/{path}").trim_end_matches('/').to_owned() + "/"
    };
    normal(issuer).starts_with(&normal(own))
}

fn fingerprint(issuer: &Endpoint, keys: &KeySource, ca_pem: Option<&[u8]>) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    let source = match keys {
        KeySource::Discovery => "discovery",
        KeySource::JwksUrl(url) => url.as_str(),
        KeySource::Uploaded(_) => "uploaded",
    };
    for part in [issuer.as_str().as_bytes(), source.as_bytes(), ca_pem.unwrap_or_default()] {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    crate::proof::digest_bytes(&hash.finish())
}
