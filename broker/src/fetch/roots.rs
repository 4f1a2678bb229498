//! Certificate authorities: the system's bundle, or a provider's own file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::FetchError;

/// Where distributions keep their bundle.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authorities that the operating system trusts.
#[derive(Clone)]
pub struct SystemRoots(Arc<RootCertStore>);

impl SystemRoots {
    /// Reads the system's bundle; without one nothing is trusted, and only providers with authorities of
    /// their own can be fetched from.
    pub fn load() -> Self {
        let mut store = RootCertStore::empty();
        if let Some(pem) = BUNDLES.iter().find_map(|path| std::fs::read(Path::new(path)).ok()) {
            // System bundles may hold certificates of forms that are of no use here.
            store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
        }
        Self(Arc::new(store))
    }

    pub(super) fn store(&self) -> Arc<RootCertStore> {
        self.0.clone()
    }
}

impl fmt::Debug for SystemRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemRoots({})", self.0.len())
    }
}

/// Reads a provider's own file, of which every certificate must be usable.
pub(super) fn parse(pem: &[u8]) -> Result<RootCertStore, FetchError> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| FetchError::Authorities(error.to_string()))?;
        store.add(certificate).map_err(|error| FetchError::Authorities(error.to_string()))?;
    }
    if store.is_empty() {
        Err(FetchError::Authorities("no certificate in the file".to_owned()))
    } else {
        Ok(store)
    }
}
