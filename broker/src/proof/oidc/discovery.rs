//! A discovery document, read for the two members that matter: whose it is, and where its keys are.

use super::endpoint::{Allowed, Endpoint, EndpointError};
use super::json::{Object, WrongType};

/// Largest discovery document, in bytes.
pub const MAX_DISCOVERY_BYTES: usize = 1024 * 1024;

/// Why a discovery document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// It speaks for another issuer.
    #[error("the document is of the issuer `{seen}`, not `{wanted}`")]
    Issuer { seen: String, wanted: String },
    /// The address of the keys.
    #[error("`jwks_uri` is not acceptable: {0}")]
    JwksUri(#[from] EndpointError),
    /// Not JSON, or without a member that is needed.
    #[error("not a discovery document: {0}")]
    Malformed(String),
}

/// The address of `issuer`'s discovery document (OpenID Connect Discovery §4.1).
pub fn address(issuer: &Endpoint) -> String {
    format!("{}/.well-known/openid-configuration", issuer.as_str().trim_end_matches('/'))
}

/// The address of the keys in `document`, which must be of `issuer` exactly.
///
/// Nothing else is required: GitHub Actions and Kubernetes have no `authorization_endpoint`.
pub fn jwks_uri(document: &[u8], issuer: &Endpoint) -> Result<Endpoint, DiscoveryError> {
    let document = Object::parse(document).map_err(|error| DiscoveryError::Malformed(error.to_string()))?;
    let member = |name: &'static str| {
        let wrong = |error: WrongType| DiscoveryError::Malformed(error.to_string());
        let missing = || DiscoveryError::Malformed(format!("there is no `{name}`"));
        document.text(name).map_err(wrong)?.ok_or_else(missing)
    };
    let seen = member("issuer")?;
    if seen != issuer.as_str() {
        let cut = seen.chars().take(256).collect();
        return Err(DiscoveryError::Issuer { seen: cut, wanted: issuer.as_str().to_owned() });
    }
    // An issuer on loopback over http is the development one; its keys may be there too.
    let allowed = Allowed { loopback_http: !issuer.is_secure(), query: true };
    Ok(Endpoint::parse(member("jwks_uri")?, allowed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Endpoint {
        Endpoint::parse(text, Allowed::default()).unwrap()
    }

    #[test]
    fn documents_without_an_authorization_endpoint_parse() {
        for (wanted, document) in [
            (
                "https://token.actions.githubusercontent.com",
                r#"{"issuer":"https://token.actions.githubusercontent.com",
                "jwks_uri":"https://token.actions.githubusercontent.com/.well-known/jwks",
                "subject_types_supported":["public","pairwise"],"response_types_supported":["id_token"],
                "claims_supported":["sub","aud"],"id_token_signing_alg_values_supported":["RS256"],
                "scopes_supported":["openid"]}"#,
            ),
            (
                "https://kubernetes.default.svc.cluster.local",
                r#"{"issuer":"https://kubernetes.default.svc.cluster.local",
                "jwks_uri":"https://10.96.0.1:443/openid/v1/jwks","response_types_supported":["id_token"],
                "subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}"#,
            ),
        ] {
            assert!(jwks_uri(document.as_bytes(), &issuer(wanted)).is_ok(), "{wanted}");
        }
    }

    #[test]
    fn j26_issuer_is_not_the_configured_one() {
        let document = br#"{"issuer":"https://idp.test/","jwks_uri":"https://idp.test/keys"}"#;
        let error = jwks_uri(document, &issuer("https://idp.test")).unwrap_err().to_string();
        assert_eq!(error, "the document is of the issuer `https://idp.test/`, not `https://idp.test`");
        assert!(jwks_uri(document, &issuer("https://idp.test/")).is_ok());
    }

    #[test]
    fn j25_keys_only_over_https() {
        for uri in
            ["http://idp.test/keys", "file:///etc/passwd", "https://u@idp.test/keys", "//idp.test/keys"]
        {
            let document = format!(r#"{{"issuer":"https://idp.test","jwks_uri":"{uri}"}}"#);
            let error = jwks_uri(document.as_bytes(), &issuer("https://idp.test")).unwrap_err().to_string();
            assert!(error.starts_with("`jwks_uri` is not acceptable"), "{uri}: {error}");
        }
    }

    #[test]
    fn the_slash_at_the_end_of_an_issuer_is_not_doubled() {
        assert_eq!(address(&issuer("https://a.test/")), "https://a.test/.well-known/openid-configuration");
        assert_eq!(address(&issuer("https://a.test/x")), "https://a.test/x/.well-known/openid-configuration");
    }
}
