//! A supposed identity, as `daypass simulate --trust` reads it.

use std::collections::BTreeMap;
use std::path::Path;

use daypass_broker::config::Directory;
use daypass_broker::proof::ConditionKey;
use daypass_broker::proof::oidc::{Provider, Supposed, suppose};
use daypass_broker::role::{RoleArn, SessionName};
use daypass_broker::trust::Presented;
use serde::Deserialize;
use serde_json::{Map, Value};

type Error = Box<dyn std::error::Error>;

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// A provider's ARN, or an issuer that the role's account has.
    provider: String,
    /// The payload of a token; `iss` is the provider's own if it is left out.
    claims: Option<Map<String, Value>>,
    /// Condition keys beside those of the claims, or in their place.
    #[serde(default)]
    context: BTreeMap<String, Values>,
    session_name: Option<String>,
    /// Session tags beside those of the claims.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    source_identity: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

/// An identity that nobody proved.
pub(super) struct Identity {
    provider_arn: String,
    supposed: Supposed,
    pub(super) session_name: SessionName,
}

impl Input {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("`{shown}`: {error}"))?;
        Ok(serde_json::from_str(&text)
            .map_err(|error| format!("`{shown}`: {error}; see `daypass simulate --help` for its form"))?)
    }

    pub(super) fn identity(self, directory: &Directory, role: &str) -> Result<Identity, Error> {
        let provider = provider(directory, role, &self.provider)?;
        let mut supposed = match self.claims {
            None => Supposed::default(),
            Some(mut claims) => {
                claims.entry("iss").or_insert_with(|| provider.issuer().as_str().into());
                suppose(provider, &Value::Object(claims).to_string())
                    .map_err(|refusal| format!("a token with these claims would be refused: {refusal}"))?
            }
        };
        for (key, values) in self.context {
            let values = match values {
                Values::One(value) => vec![value],
                Values::Many(values) => values,
            };
            supposed.context.push(ConditionKey { name: key.into(), values, carried: false });
        }
        supposed.session_tags.extend(self.tags);
        supposed.source_identity = self.source_identity.or(supposed.source_identity);
        let session_name = SessionName::parse(self.session_name.as_deref().unwrap_or("simulated"))
            .map_err(|invalid| format!("`session_name`: {invalid}"))?;
        Ok(Identity { provider_arn: provider.arn().to_owned(), supposed, session_name })
    }
}

impl Identity {
    pub(super) fn presented(&self) -> Presented<'_> {
        Presented {
            provider_arn: &self.provider_arn,
            context: &self.supposed.context,
            session_tags: &self.supposed.session_tags,
            transitive_tag_keys: &self.supposed.transitive_tag_keys,
            source_identity: self.supposed.source_identity.as_deref(),
        }
    }
}

fn provider<'d>(directory: &'d Directory, role: &str, named: &str) -> Result<&'d Provider, Error> {
    let account = RoleArn::parse(role).ok().and_then(|arn| arn.account());
    let by_issuer = || account.and_then(|account| directory.oidc_provider(&account, named));
    let found = directory.oidc_provider_by_arn(named).or_else(by_issuer);
    found.map(AsRef::as_ref).ok_or_else(|| {
        let known: Vec<&str> = directory.oidc_providers().map(|provider| provider.arn()).collect();
        format!("no provider `{named}`; the directory has {}", known.join(", ")).into()
    })
}
