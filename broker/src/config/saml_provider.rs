//! SAML providers from their folders: `provider.toml` and the metadata that it names.

use std::{cell::Cell, path::Path, sync::Arc, time::Duration};

use super::{
    fields::{self, Fields, Rejected},
    ids::{self, Ids},
    layout::SamlFiles,
    report::{Report, Source},
    value,
};
use crate::{
    error::Diagnostic,
    proof::saml::{Metadata, Provider, ProviderError, Settings, SingleUse},
    role::AccountId,
};

/// What every SAML provider of one account is read with.
pub(super) struct Reader<'t> {
    pub(super) account: AccountId,
    /// The account's folder.
    pub(super) folder: &'t Path,
    pub(super) ids: &'t Ids,
    pub(super) report: &'t Report,
}

impl Reader<'_> {
    /// The provider of a folder, if all of it is sound.
    pub(super) fn read(&self, name: &str, files: &SamlFiles<'_>) -> Option<Arc<Provider>> {
        let folder = self.folder.join("saml-providers").join(name);
        if !cfg!(feature = "saml") {
            let found = Diagnostic::error(folder, "this build has no SAML");
            self.report.push(found.fix("build it with the feature `saml`, or remove the provider"));
            return None;
        }
        let Some(source) = files.provider else {
            let found = Diagnostic::error(folder.join("provider.toml"), "this provider has no provider.toml");
            self.report.push(found.fix("create it, and run `daypass check --write-ids`"));
            return None;
        };
        let named = Cell::new("");
        let provider = fields::file(source, self.report, |fields| {
            let settings = self.settings(name, files, source, fields, &named)?;
            Provider::new(settings).map(Arc::new).map_err(|error| refused(fields, &error)).ok()
        });
        for (file, source) in files.metadata.iter().filter(|(file, _)| **file != named.get()) {
            let found = source.error("the provider does not name this file");
            self.report.push(found.fix(format!("remove it, or write metadata_file = \"{file}\"")));
        }
        provider
    }

    fn settings<'f>(
        &self,
        name: &str,
        files: &SamlFiles<'f>,
        source: &Source,
        fields: &mut Fields<'_>,
        named: &Cell<&'f str>,
    ) -> Option<Settings> {
        let id = self.ids.read(fields, source, ids::plain);
        let entity_id = "add entity_id = \"…\", the entityID of its metadata";
        let entity_id = fields.required("entity_id", entity_id, value::filled);
        let metadata_file = fields.or_nothing("metadata_file", "metadata.xml".to_owned(), value::filled);
        let metadata = metadata_file.and_then(|file| self.metadata(&file, files, fields, named));
        let audiences =
            "add audiences = [\"urn:amazon:webservices\"], or what the provider calls this broker";
        let audiences = fields.required("audiences", audiences, value::list(value::filled));
        let recipients =
            "add recipients = [\"https://…\"], the addresses that the provider sends responses to";
        let recipients = fields.required("recipients", recipients, value::list(value::filled));
        let skew = value::duration(Duration::ZERO, Duration::from_secs(300));
        let clock_skew = fields.or("clock_skew", Duration::from_secs(60), skew);
        let single_use = fields.or_nothing("single_use", SingleUse::Role, value::parsed(single_use));
        let idp_initiated = fields.or("idp_initiated", false, value::boolean);
        let encryption = fields.or_nothing("encryption", (), value::parsed(encryption));
        let later = |_: &toml::de::DeValue<'_>| -> Result<(), Rejected> {
            Err(Rejected::new("this build does not fetch metadata yet")
                .fix("save the metadata beside this file and name it as `metadata_file`"))
        };
        fields.optional("metadata_url", later);
        fields.optional("signing_cert_file", later);
        encryption?;
        Some(Settings {
            account_id: self.account.to_string(),
            id: id?,
            name: name.to_owned(),
            entity_id: entity_id?,
            metadata: metadata?,
            audiences: audiences?,
            recipients: recipients?,
            clock_skew,
            single_use: single_use?,
            idp_initiated,
        })
    }

    /// What a file beside `provider.toml` says.
    fn metadata<'f>(
        &self,
        name: &str,
        files: &SamlFiles<'f>,
        fields: &Fields<'_>,
        named: &Cell<&'f str>,
    ) -> Option<Metadata> {
        let Some((file, source)) = files.metadata.get_key_value(name) else {
            let message = format!("there is no metadata file `{}` beside this one", name.escape_default());
            fields.error(
                "metadata_file",
                message,
                "save the provider's metadata there, as a file ending in .xml",
            );
            return None;
        };
        named.set(file);
        Metadata::parse(&source.text)
            .map_err(|error| {
                let found = source.error(format!("this metadata cannot be used: {}", error.problem));
                let line = usize::try_from(error.line.max(1)).unwrap_or(1);
                let fix = "download it again from the provider, as it is";
                self.report.push(source.place(found, line, 1).fix(fix));
            })
            .ok()
    }
}

fn single_use(text: &str) -> Result<SingleUse, Rejected> {
    match text {
        "role" => Ok(SingleUse::Role),
        "once" => Ok(SingleUse::Once),
        _ => Err(Rejected::new("it is neither \"role\" nor \"once\"").fix("write single_use = \"role\"")),
    }
}

fn encryption(text: &str) -> Result<(), Rejected> {
    match text {
        "off" => Ok(()),
        "allowed" | "required" => Err(Rejected::new("this build does not decrypt assertions yet")
            .fix("write encryption = \"off\", and let the provider not encrypt")),
        _ => Err(Rejected::new("it is not \"off\"").fix("write encryption = \"off\"")),
    }
}

fn refused(fields: &Fields<'_>, error: &ProviderError) {
    let (key, fix) = match error {
        ProviderError::Audiences => ("audiences", "name what the provider calls this broker"),
        ProviderError::ClockSkew => ("clock_skew", "write \"60s\""),
        ProviderError::EntityId(_) => {
            ("entity_id", "write the entityID of the metadata, or get the right metadata")
        }
        ProviderError::Name => ("id", "rename the folder: 1 to 128 characters of [\\w._-]"),
        ProviderError::Recipients => {
            ("recipients", "name the addresses that the provider sends responses to")
        }
    };
    fields.error(key, error.to_string(), fix);
}
