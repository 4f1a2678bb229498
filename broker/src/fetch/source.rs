//! Where one key set comes from, and the bounded way there: 5 seconds, 1 MiB, no redirect, no proxy.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls::ClientConfig;

use super::FetchError;
use super::address::{Guard, Resolver};
use super::roots::SystemRoots;
use crate::proof::oidc::discovery::{self, MAX_DISCOVERY_BYTES};
use crate::proof::oidc::{Endpoint, KeySet, KeySource, MAX_KEY_SET_BYTES, Provider};

pub(super) struct Source {
    issuer: Endpoint,
    jwks_url: Option<Endpoint>,
    guard: Arc<Guard>,
    http: reqwest::Client,
    deadline: Duration,
}

impl Source {
    pub(super) fn new(
        provider: &Provider,
        roots: &SystemRoots,
        deadline: Duration,
    ) -> Result<Self, FetchError> {
        let issuer = provider.issuer().clone();
        let jwks_url = match provider.keys() {
            KeySource::JwksUrl(url) => Some(url.clone()),
            KeySource::Discovery | KeySource::Uploaded(_) => None,
        };
        let named = std::iter::once(&issuer).chain(&jwks_url);
        let guard = Arc::new(Guard::new(named, provider.ca_pem().is_some()));
        let plain_http = !issuer.is_secure() || jwks_url.as_ref().is_some_and(|url| !url.is_secure());
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(provider, roots)?)
            .https_only(!plain_http)
            .dns_resolver(Resolver::new(guard.clone()))
            .redirect(Policy::none())
            .no_proxy()
            .user_agent("daypass")
            .build()
            .map_err(|error| FetchError::Authorities(causes(&error)))?;
        Ok(Self { issuer, jwks_url, guard, http, deadline })
    }

    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        tokio::time::timeout(self.deadline, self.fetch_untimed()).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn fetch_untimed(&self) -> Result<KeySet, FetchError> {
        let jwks_url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let bytes = self.get(&jwks_url, jwks_url.as_str(), MAX_KEY_SET_BYTES).await?;
        Ok(KeySet::parse(&bytes)?)
    }

    async fn discover(&self) -> Result<Endpoint, FetchError> {
        let url = discovery::address(&self.issuer);
        let document = self.get(&self.issuer, &url, MAX_DISCOVERY_BYTES).await?;
        Ok(discovery::jwks_uri(&document, &self.issuer)?)
    }

    async fn get(&self, endpoint: &Endpoint, url: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
        if endpoint.address().is_some_and(|address| !self.guard.admits(endpoint.host(), address)) {
            return Err(FetchError::Address(endpoint.host().to_owned()));
        }
        let broken = |error: reqwest::Error| FetchError::Http {
            url: url.to_owned(),
            cause: causes(&error.without_url()),
        };
        let mut response = self.http.get(url).send().await.map_err(broken)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status { url: url.to_owned(), status: response.status().as_u16() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(FetchError::TooLarge(url.to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The provider's own authorities, or else the system's; ring does the cryptography.
fn tls(provider: &Provider, roots: &SystemRoots) -> Result<ClientConfig, FetchError> {
    let roots = match provider.ca_pem() {
        Some(pem) => Arc::new(super::roots::parse(pem)?),
        None => roots.store(),
    };
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Authorities(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The error and what is behind it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
