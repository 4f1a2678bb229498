//! From an assertion to the condition keys `saml:…` (IAM user guide, keys for SAML federation).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

use super::assertion::Assertion;
use super::provider::Provider;
use crate::proof::ConditionKey;

const FORMATS: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";

/// Attribute names, and the keys that they become; those with `1` have one value, the first.
const KEYS: &[(&str, &str, bool)] = &[
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "edupersonaffiliation", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.2", "edupersonnickname", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.3", "edupersonorgdn", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.4", "edupersonorgunitdn", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.5", "edupersonprimaryaffiliation", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "edupersonprincipalname", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7", "edupersonentitlement", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.8", "edupersonprimaryorgunitdn", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "edupersonscopedaffiliation", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "edupersontargetedid", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "edupersonassurance", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.2", "eduorghomepageuri", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.3", "eduorgidentityauthnpolicyuri", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.4", "eduorglegalname", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.5", "eduorgsuperioruri", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.6", "eduorgwhitepagesuri", false),
    ("urn:oid:2.5.4.3", "cn", false),
    ("urn:oid:2.5.4.3", "commonname", false),
    ("urn:oid:2.5.4.4", "surname", false),
    ("urn:oid:2.5.4.42", "givenname", false),
    ("urn:oid:2.5.4.45", "x500uniqueidentifier", false),
    ("urn:oid:0.9.2342.19200300.100.1.1", "uid", false),
    ("urn:oid:0.9.2342.19200300.100.1.3", "mail", false),
    ("urn:oid:0.9.2342.19200300.100.1.45", "organizationstatus", false),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "name", false),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "givenname", false),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "surname", false),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "mail", false),
    ("http://schemas.xmlsoap.org/claims/CommonName", "commonname", false),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "primarygroupsid", false),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "uid", false),
];

/// The keys for the trust policy, sorted by name; one claim a key, further ones are left out.
pub(super) fn keys(assertion: &Assertion, provider: &Provider) -> Vec<ConditionKey> {
    let mut keys: BTreeMap<Arc<str>, (Vec<String>, bool)> = BTreeMap::new();
    for (attribute, key, single) in KEYS {
        let Some(values) = assertion.attributes.others.get(*attribute).filter(|values| !values.is_empty())
        else {
            continue;
        };
        let most = if *single { 1 } else { values.len() };
        let values = values.iter().take(most).cloned().collect();
        keys.entry(format!("saml:{key}").into()).or_insert((values, false));
    }
    let format = &assertion.subject.format;
    let of_subject = [
        ("saml:aud", assertion.subject.recipient.clone(), false),
        ("saml:doc", format!("{}/{}", provider.account_id, provider.name), false),
        ("saml:iss", assertion.issuer.clone(), false),
        ("saml:namequalifier", name_qualifier(provider), true),
        ("saml:sub", assertion.subject.name_id.clone().unwrap_or_default(), true),
        ("saml:sub_type", format.strip_prefix(FORMATS).unwrap_or(format).to_owned(), true),
    ];
    for (name, value, carried) in of_subject {
        keys.insert(name.into(), (vec![value], carried));
    }
    keys.into_iter().map(|(name, (values, carried))| ConditionKey { name, values, carried }).collect()
}

/// What tells subjects of equal names apart: base64 of SHA-1 of issuer, account and provider.
///
/// SHA-1 because AWS's formula has it; nothing depends on its strength, since the parts are configuration.
fn name_qualifier(provider: &Provider) -> String {
    let parts = format!("{}{}/{}", provider.entity_id, provider.account_id, provider.name);
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, parts.as_bytes()))
}
