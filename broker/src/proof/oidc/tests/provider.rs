//! Providers: what configuration may say, and which claims become condition keys.

use super::*;
use crate::proof::ConditionKey;

fn refused(change: impl FnOnce(&mut Settings)) -> String {
    let mut settings = settings();
    change(&mut settings);
    Provider::new(settings).unwrap_err().to_string()
}

/// The condition keys of a token with `claims` from `issuer`, without the prefix and the usual ones.
fn extra_keys(issuer_url: &str, opted_in: &[&str], claims: &Value) -> Vec<(String, String)> {
    let settings = Settings {
        issuer: issuer_url.to_owned(),
        claims: opted_in.iter().map(|claim| (*claim).to_owned()).collect(),
        ..settings()
    };
    let provider = Provider::new(settings).unwrap();
    let mut claims = with(claims);
    claims["iss"] = json!(issuer_url);
    let issuer = TestIssuer::es256("k");
    let identity = redeem(&issuer.token(&claims), &provider, &issuer.key_set()).unwrap();
    let prefix = issuer_url.strip_prefix("https://").unwrap().to_lowercase() + ":";
    let usual = ["aud", "oaud", "sub"];
    let key = |key: &ConditionKey| (key.name.strip_prefix(&prefix).unwrap().to_owned(), key.values.join("|"));
    identity.context().iter().map(key).filter(|(key, _)| !usual.contains(&key.as_str())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn j27_provider_urls_that_are_refused() {
    for url in
        ["http://idp.test", "https://idp.test?x=1", "https://idp.test#x", "https://u@idp.test", "file:///x"]
    {
        let message = refused(|settings| settings.issuer = url.to_owned());
        assert!(message.starts_with("the issuer is not acceptable: "), "{message}");
        if !url.contains('?') {
            let message = refused(|settings| settings.keys = KeySettings::JwksUrl(url.to_owned()));
            assert!(message.starts_with("the key set URL is not acceptable: "), "{message}");
        }
    }
    let dev = Settings { issuer: "http://127.0.0.1:4280/idp".to_owned(), loopback_http: true, ..settings() };
    assert!(Provider::new(dev.clone()).is_ok());
    assert!(Provider::new(Settings { loopback_http: false, ..dev.clone() }).is_err());
    assert!(Provider::new(Settings { issuer: "http://10.0.0.1/idp".to_owned(), ..dev }).is_err());
}

#[test]
fn j38_the_broker_itself_is_no_provider() {
    for url in [
        "https://id.corp.test",
        "https://id.corp.test/",
        "https://id.corp.test:443",
        "https://id.corp.test/a/b",
    ] {
        let message = refused(|settings| settings.issuer = url.to_owned());
        assert_eq!(message, format!("the issuer `{url}` is this broker itself"));
    }
    for url in ["https://id.corp.test.other.test", "https://id.corp.test:8443", "https://x.id.corp.test"] {
        assert!(Provider::new(Settings { issuer: url.to_owned(), ..settings() }).is_ok(), "{url}");
    }
}

#[test]
fn settings_that_are_refused() {
    for (name, expected) in [
        ("ES512", "`ES512` is not supported: it needs the curve P-521, use ES256 or ES384"),
        ("none", "`none` is no public-key signature"),
        ("HS256", "`HS256` is no public-key signature"),
        ("rs256", "`rs256` is not one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"),
    ] {
        assert_eq!(refused(|settings| settings.algorithms = vec![name.to_owned()]), expected);
    }
    assert_eq!(refused(|settings| settings.algorithms.clear()), "no algorithm is named");
    assert_eq!(refused(|settings| settings.account_id = "1".to_owned()), "the account `1` is not 12 digits");
    assert!(
        refused(|settings| settings.account_id = "11112222333x".to_owned()).ends_with("is not 12 digits")
    );
    let clock = refused(|settings| settings.clock_skew = Duration::from_secs(301));
    assert_eq!(clock, "the clock skew is more than 5 minutes");
    for ids in [vec![], vec!["x".to_owned(); 101], vec![String::new()], vec!["a\n".to_owned()]] {
        let message = refused(|settings| settings.client_ids = ids);
        assert_eq!(message, "client ids must be 1 to 100 texts of 1 to 255 printable characters");
    }
    assert!(Provider::new(Settings { client_ids: vec!["x".to_owned(); 100], ..settings() }).is_ok());
}

#[test]
fn j31_no_claim_takes_the_place_of_another() {
    for (claims, problem) in [
        (vec!["sub"], "it has a meaning of its own"),
        (vec!["SUB"], "it has a meaning of its own"),
        (vec!["oaud"], "it has a meaning of its own"),
        (vec!["role", "Role"], "it is there already"),
        (vec![""], "it is no name of 1 to 255 bytes"),
    ] {
        let last = (*claims.last().unwrap()).to_owned();
        let message =
            refused(|settings| settings.claims = claims.iter().map(|claim| (*claim).to_owned()).collect());
        assert_eq!(message, format!("the claim `{last}` can't be added: {problem}"));
    }
    // A claim called like a global key is the provider's, and only on request.
    let claims = json!({"aws:PrincipalArn": "x", "SUB": "admin"});
    assert_eq!(extra_keys(ISSUER, &[], &claims), []);
    assert_eq!(extra_keys(ISSUER, &["aws:PrincipalArn"], &claims), pairs(&[("aws:principalarn", "x")]));
}

#[test]
fn scalar_claims_on_request() {
    let claims = json!({"role": "admin", "level": 3, "on": true, "off": false, "ratio": 1.5, "list": ["a"],
        "tree": {"a": "b"}, "none": {}, "other": "x"});
    let names = ["role", "level", "on", "off", "ratio", "list", "tree", "absent"];
    let expected = [("level", "3"), ("off", "false"), ("on", "true"), ("role", "admin")];
    assert_eq!(extra_keys(ISSUER, &names, &claims), pairs(&expected));
    assert_eq!(extra_keys(ISSUER, &[], &claims), []);
}

#[test]
fn well_known_issuers_show_their_claims() {
    let claims = json!({"repository": "corp/app", "ref": "refs/heads/main", "actor_id": "7", "job": "x"});
    let expected = [("actor_id", "7"), ("ref", "refs/heads/main"), ("repository", "corp/app")];
    assert_eq!(extra_keys("https://token.actions.githubusercontent.com", &[], &claims), pairs(&expected));
    let google = json!({"google": {"organization_number": 42}, "hd": "corp.test"});
    let expected = [("google/organization_number", "42")];
    assert_eq!(extra_keys("https://accounts.google.com", &[], &google), pairs(&expected));
    assert_eq!(extra_keys(ISSUER, &[], &claims), []);
}

#[test]
fn condition_keys_are_lower_case_and_sorted() {
    let url = "https://idp.corp.test:8443/Realm";
    let keys = extra_keys(url, &["Zeta", "alpha"], &json!({"Zeta": "z", "alpha": "a"}));
    assert_eq!(keys, pairs(&[("alpha", "a"), ("zeta", "z")]));
    let provider = Provider::new(Settings { issuer: url.to_owned(), ..settings() }).unwrap();
    assert_eq!(provider.arn(), "arn:aws:iam::111122223333:oidc-provider/idp.corp.test:8443/Realm");
}

#[test]
fn fingerprints_tell_key_sources_apart() {
    let print = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        *Provider::new(settings).unwrap().keys_fingerprint()
    };
    let base = print(|_| {});
    assert_eq!(base, print(|settings| settings.id = "other".to_owned()));
    assert_ne!(base, print(|settings| settings.issuer = "https://other.test".to_owned()));
    assert_ne!(base, print(|settings| settings.ca_pem = Some(b"x".to_vec())));
    assert_ne!(
        base,
        print(|settings| settings.keys = KeySettings::JwksUrl("https://idp.corp.test/k".to_owned()))
    );
}
