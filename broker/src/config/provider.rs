//! OpenID Connect providers from their files.

use std::{cell::RefCell, collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{
    fields::{self, Fields, Rejected},
    ids::{self, Ids},
    layout::AccountFiles,
    report::{Report, Source},
    tree::Tree,
    value,
};
use crate::{
    proof::oidc::{KeySet, KeySettings, Provider, ProviderError, Settings},
    role::AccountId,
};

/// What every provider of one account is read with.
pub(super) struct Providers<'t> {
    pub(super) account: AccountId,
    pub(super) tree: &'t Tree,
    pub(super) files: &'t AccountFiles<'t>,
    own_urls: &'t [String],
    pub(super) ids: &'t Ids,
    pub(super) report: &'t Report,
    used: RefCell<BTreeSet<String>>,
}

impl<'t> Providers<'t> {
    pub(super) fn new(
        account: AccountId,
        tree: &'t Tree,
        files: &'t AccountFiles<'t>,
        own_urls: &'t [String],
        ids: &'t Ids,
        report: &'t Report,
    ) -> Self {
        Self { account, tree, files, own_urls, ids, report, used: RefCell::default() }
    }

    /// All sound providers of the account.
    pub(super) fn read(&self) -> Vec<Arc<Provider>> {
        let mut providers: Vec<(Arc<Provider>, &Source)> = Vec::new();
        for source in self.files.oidc_providers.values() {
            let Some(provider) = self.provider(source) else {
                continue;
            };
            if let Some((_, other)) = providers.iter().find(|(other, _)| other.arn() == provider.arn()) {
                let found = source.error("this account already has a provider for this issuer");
                let found = found.because(format!("it is in {}", other.path.display()));
                self.report.push(found.fix("merge the two files: an issuer is one provider"));
                continue;
            }
            providers.push((Arc::new(provider), source));
        }
        for (name, source) in &self.files.attachments {
            if !self.used.borrow().contains(*name) {
                let found = source.error("no provider names this file");
                self.report.push(found.fix("remove it, or name it as `ca_file` or `jwks_file`"));
            }
        }
        providers.into_iter().map(|(provider, _)| provider).collect()
    }

    fn provider(&self, source: &Source) -> Option<Provider> {
        fields::file(source, self.report, |fields| {
            let id = self.ids.read(fields, source, ids::plain);
            let issuer = fields.required("issuer", "add issuer = \"https://…\"", value::filled);
            let client_ids = "add client_ids = [\"sts.amazonaws.com\"]";
            let client_ids = fields.required("client_ids", client_ids, value::list(value::filled));
            let algorithms = vec!["RS256".to_owned()];
            let algorithms = fields.or("algorithms", algorithms, value::list(value::filled));
            let skew = value::duration(Duration::ZERO, Duration::from_secs(300));
            let clock_skew = fields.or("clock_skew", Duration::from_secs(60), skew);
            let claims = fields.or("claims", Vec::new(), value::list(value::filled));
            let single_use = fields.or("single_use", false, value::boolean);
            let ca_pem = self.named(fields, "ca_file", certificates);
            let keys = self.keys(fields);
            let loopback_http = fields.or("insecure_loopback_http", false, value::boolean);
            let settings = Settings {
                account_id: self.account.to_string(),
                id: id?,
                issuer: issuer?,
                client_ids: client_ids?,
                algorithms,
                clock_skew,
                claims,
                single_use,
                keys: keys?,
                ca_pem: ca_pem?,
                own_issuers: self.own_urls.to_vec(),
                loopback_http,
            };
            Provider::new(settings).map_err(|error| refused(fields, &error)).ok()
        })
    }

    /// Where keys come from: at most one of the two fields; none of them means discovery.
    fn keys(&self, fields: &mut Fields<'_>) -> Option<KeySettings> {
        let url = fields.optional("jwks_url", value::filled);
        let uploaded = self.named(fields, "jwks_file", |text| {
            KeySet::parse(text.as_bytes()).map(Arc::new).map_err(|error| error.to_string())
        })?;
        match (url, uploaded) {
            (Some(_), Some(_)) => {
                let message = "`jwks_url` and `jwks_file` exclude each other";
                fields.error("jwks_file", message, "remove one of them");
                None
            }
            (Some(url), None) => Some(KeySettings::JwksUrl(url)),
            (None, Some(set)) => Some(KeySettings::Uploaded(set)),
            (None, None) => Some(KeySettings::Discovery),
        }
    }

    /// What a file named by a field holds: nothing if it isn't named, and no answer if it is wrong.
    fn named<T>(
        &self,
        fields: &mut Fields<'_>,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        let mut wrong = false;
        let value = fields.optional(key, |value| {
            wrong = true;
            let name = value::filled(value)?;
            let parsed = parse(&self.file(&name)?.text).map_err(Rejected::new)?;
            wrong = false;
            Ok(parsed)
        });
        (!wrong).then_some(value)
    }

    /// A file beside the provider's, or one anywhere by its absolute path.
    fn file(&self, name: &str) -> Result<&'t Source, Rejected> {
        if Path::new(name).is_absolute() {
            let unread =
                || Rejected::new(format!("`{name}` cannot be read")).fix("see what is said about it");
            return self.tree.outside.get(Path::new(name)).ok_or_else(unread);
        }
        self.used.borrow_mut().insert(name.to_owned());
        self.files.attachments.get(name).copied().ok_or_else(|| {
            Rejected::new(format!("there is no file `{name}` beside this one"))
                .fix("put it into oidc-providers/, or write its absolute path")
        })
    }
}

/// PEM with at least one certificate and nothing malformed.
fn certificates(text: &str) -> Result<Vec<u8>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match certificates {
        Ok(found) if found.is_empty() => Err("it holds no certificate in PEM".to_owned()),
        Ok(_) => Ok(text.as_bytes().to_vec()),
        Err(error) => Err(format!("it is not PEM: {error}")),
    }
}

fn refused(fields: &Fields<'_>, error: &ProviderError) {
    let (key, fix) = match error {
        ProviderError::Account(_) => ("id", "move the file into an account's folder"),
        ProviderError::Algorithm(_) | ProviderError::Algorithms => {
            ("algorithms", "name the algorithms that the provider signs with, such as \"RS256\"")
        }
        ProviderError::Claim(..) => ("claims", "remove it from `claims`"),
        ProviderError::ClientIds => ("client_ids", "name the audiences that tokens for this broker have"),
        ProviderError::ClockSkew => ("clock_skew", "write \"60s\""),
        ProviderError::Issuer(_) => ("issuer", "write the issuer exactly as it is in tokens, with https"),
        ProviderError::JwksUrl(_) => ("jwks_url", "write an https URL"),
        ProviderError::OwnIssuer(_) => ("issuer", "name a provider other than this broker"),
    };
    fields.error(key, error.to_string(), fix);
}
