//! Claims under a genuine signature: times, audiences, subjects, tags.

use super::*;

/// The refusal of honestly signed claims with `changes`, which the client is told in AWS's words.
fn refused(changes: &Value, message: &str) -> Refusal {
    let refusal = refused_claims(&with(changes), &provider());
    assert_eq!(refusal.message(), message, "{changes}: {refusal}");
    refusal
}

fn accepted(changes: &Value) -> FederatedIdentity {
    let issuer = TestIssuer::es256("k");
    redeem(&issuer.token(&with(changes)), &provider(), &issuer.key_set()).unwrap()
}

#[test]
fn j10_times_of_another_json_type() {
    let issuer = TestIssuer::es256("k");
    for name in ["exp", "nbf", "iat"] {
        for value in
            [json!("1900000300"), json!([NOW]), json!({}), json!(true), json!(1_900_000_300.0), json!(1.5)]
        {
            let refusal = refused_unverified(&issuer.token(&with(&json!({name: value}))), &issuer);
            assert!(refusal.to_string().contains(&format!("`{name}` is not an integer")), "{refusal}");
        }
        let mut null = honest();
        null[name] = Value::Null;
        refused_unverified(&issuer.token(&null), &issuer);
    }
}

#[test]
fn j11_expiry_missing_negative_or_absurd() {
    let refusal = refused(&json!({"exp": null}), "Missing a required claim: exp");
    assert_eq!(refusal.class(), Class::InvalidIdentityToken);
    assert!(refusal.is_after_signature());
    let refusal = refused(
        &json!({"exp": -1}),
        "Token expired: current date/time 1900000000 must be before the expiration date/time -1",
    );
    assert_eq!(refusal.class(), Class::ExpiredToken);
    for milliseconds in [json!(NOW * 1_000), json!(i64::MAX), json!(i64::MIN)] {
        let refusal = refused(&json!({"exp": milliseconds}), "Invalid value for claim: exp");
        assert_eq!(refusal.class(), Class::InvalidIdentityToken);
    }
    let issuer = TestIssuer::es256("k");
    for number in ["1e400", "1e10", "18446744073709551615", "9223372036854775808"] {
        let payload = honest().to_string().replace(&format!("{}", NOW + 300), number);
        assert!(payload.contains(number));
        refused_unverified(&issuer.signed(&issuer.header().to_string(), &payload), &issuer);
    }
}

#[test]
fn an_expired_token_is_told_so_in_awss_words() {
    let refusal = refused(
        &json!({"exp": NOW - 60}),
        "Token expired: current date/time 1900000000 must be before the expiration date/time 1899999940",
    );
    assert_eq!(refusal.class(), Class::ExpiredToken);
    accepted(&json!({"exp": NOW - 59}));
}

#[test]
fn j12_tokens_from_the_future() {
    for name in ["iat", "nbf"] {
        let message = format!("Token is not yet valid: {name} is in the future");
        let refusal = refused(&json!({name: NOW + 61}), &message);
        assert_eq!(refusal.class(), Class::InvalidIdentityToken);
        accepted(&json!({name: NOW + 60}));
    }
    refused(&json!({"iat": null}), "Missing a required claim: iat");
}

#[test]
fn j13_audiences_that_are_not_us() {
    refused(&json!({"aud": null}), "Missing a required claim: aud");
    refused(&json!({"aud": []}), "Missing a required claim: aud");
    for audience in [
        json!("sts.amazonaws.com.evil.test"),
        json!("sts.amazonaws"),
        json!("STS.amazonaws.com"),
        json!(""),
        json!(["https://kubernetes.default.svc"]),
        json!(["https://kubernetes.default.svc", "sts.amazonaws.com"]),
        json!(["sts.amazonaws.com", "second"]),
    ] {
        let refusal = refused(&json!({"aud": audience}), "Incorrect token audience");
        assert_eq!(refusal.class(), Class::InvalidIdentityToken);
    }
    let issuer = TestIssuer::es256("k");
    for audience in [json!(7), json!({"a": "sts.amazonaws.com"}), json!(["sts.amazonaws.com", 7])] {
        refused_unverified(&issuer.token(&with(&json!({"aud": audience}))), &issuer);
    }
    assert_eq!(accepted(&json!({"aud": ["sts.amazonaws.com"]})).audience(), "sts.amazonaws.com");
    assert_eq!(accepted(&json!({"aud": "second"})).audience(), "second");
}

#[test]
fn j14_issuers_that_look_alike() {
    let issuer = TestIssuer::es256("k");
    for name in [
        "https://idp.corp.test/realm/",
        "https://idp.corp.test/Realm",
        "https://IDP.corp.test/realm",
        "http://idp.corp.test/realm",
        "https://idp.corp.test:443/realm",
        "https://u@idp.corp.test/realm",
        "https://idp.corp.test/realm?x",
        "https://ıdp.corp.test/realm",
        " https://idp.corp.test/realm",
        "idp.corp.test/realm",
        "",
    ] {
        let refusal = refused_unverified(&issuer.token(&with(&json!({"iss": name}))), &issuer);
        assert_eq!(refusal, Refusal::UnknownProvider { issuer: name.to_owned() });
    }
    for value in [json!([ISSUER]), json!(7)] {
        refused_unverified(&issuer.token(&with(&json!({"iss": value}))), &issuer);
    }
    refused_unverified(&issuer.token(&with(&json!({"iss": null}))), &issuer);
}

#[test]
fn j37_the_authorized_party_is_the_audience() {
    let identity = accepted(&json!({"azp": "second", "aud": ["api", "other"]}));
    assert_eq!(identity.audience(), "second");
    let key =
        |name: &str| identity.context().iter().find(|key| key.name.ends_with(name)).unwrap().values.clone();
    assert_eq!(key(":aud"), ["second"]);
    assert_eq!(key(":oaud"), ["api", "other"]);
    refused(&json!({"azp": "stranger"}), "Incorrect token audience");
    refused(&json!({"azp": ""}), "Incorrect token audience");
    refused(&json!({"azp": "second", "aud": null}), "Missing a required claim: aud");
    let issuer = TestIssuer::es256("k");
    refused_unverified(&issuer.token(&with(&json!({"azp": ["second"]}))), &issuer);
}

#[test]
fn subjects_are_required_and_bounded() {
    refused(&json!({"sub": null}), "Missing a required claim: sub");
    for subject in [json!(""), json!("x".repeat(256)), json!("a\nb"), json!("a\u{0}b")] {
        refused(&json!({"sub": subject}), "Invalid value for claim: sub");
    }
    assert_eq!(accepted(&json!({"sub": "ü".repeat(255)})).subject(), "ü".repeat(255));
    // Wildcards are what they are: letters of a name.
    assert_eq!(accepted(&json!({"sub": "repo:*:${x}"})).subject(), "repo:*:${x}");
}

#[test]
fn single_use_providers_need_a_token_id() {
    let once = Provider::new(Settings { single_use: true, ..settings() }).unwrap();
    assert_eq!(refused_claims(&honest(), &once).message(), "Missing a required claim: jti");
    assert_eq!(refused_claims(&with(&json!({"jti": ""})), &once).message(), "Invalid value for claim: jti");
    let issuer = TestIssuer::es256("k");
    let token = issuer.token(&with(&json!({"jti": "id-1"})));
    assert_eq!(redeem(&token, &once, &issuer.key_set()).unwrap().single_use_id(), Some("provider-1 id-1"));
}

#[test]
fn tags_in_both_forms() {
    let nested = json!({
        "https://aws.amazon.com/tags": {
            "principal_tags": {"Team": ["core"], "Cost Center": "12"},
            "transitive_tag_keys": ["Team"]
        }
    });
    let flat = json!({
        "https://aws.amazon.com/tags/principal_tags/Team": "core",
        "https://aws.amazon.com/tags/principal_tags/Cost Center": ["12"],
        "https://aws.amazon.com/tags/transitive_tag_keys": ["Team"]
    });
    for claims in [nested, flat] {
        let identity = accepted(&claims);
        let mut tags = identity.session_tags().to_vec();
        tags.sort();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags, [pair("Cost Center", "12"), pair("Team", "core")]);
        assert_eq!(identity.transitive_tag_keys(), ["Team"]);
    }
    assert!(accepted(&json!({})).session_tags().is_empty());
}

#[test]
fn j31_tags_beyond_the_limits() {
    let tags = "https://aws.amazon.com/tags";
    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    for nested in [
        json!({"principal_tags": {"aws:PrincipalTag": "x"}}),
        json!({"principal_tags": {"AWS:x": "x"}}),
        json!({"principal_tags": {"": "x"}}),
        json!({"principal_tags": {"k".repeat(129): "x"}}),
        json!({"principal_tags": {"k": "x".repeat(257)}}),
        json!({"principal_tags": {"k*": "x"}}),
        json!({"principal_tags": {"k": "${aws:username}"}}),
        json!({"principal_tags": {"k": "a\tb"}}),
        json!({"principal_tags": {"Team": "a", "team": "b"}}),
        json!({"principal_tags": {"k": ["a", "b"]}}),
        json!({"principal_tags": {"k": 7}}),
        json!({"principal_tags": ["k"]}),
        json!({"principal_tags": many}),
        json!({"principal_tags": {"k": "v"}, "transitive_tag_keys": ["other"]}),
        json!({"principal_tags": {"k": "v"}, "transitive_tag_keys": ["k", "K"]}),
        json!({"principal_tags": {"k": "v"}, "transitive_tag_keys": "k"}),
        json!(["k"]),
    ] {
        let refusal = refused_claims(&with(&json!({tags: nested})), &provider());
        assert_eq!(refusal.class(), Class::InvalidIdentityToken);
        assert_eq!(refusal.message(), "Invalid value for claim: https://aws.amazon.com/tags", "{nested}");
    }
    let both = json!({tags: {"principal_tags": {"k": "a"}}, format!("{tags}/principal_tags/K"): "b"});
    assert_eq!(refused_claims(&with(&both), &provider()).class(), Class::InvalidIdentityToken);
}

#[test]
fn source_identities() {
    let claim = "https://aws.amazon.com/source_identity";
    assert_eq!(accepted(&json!({claim: "alice@corp.test"})).source_identity(), Some("alice@corp.test"));
    assert_eq!(accepted(&json!({claim: ["alice"]})).source_identity(), Some("alice"));
    assert_eq!(accepted(&json!({})).source_identity(), None);
    for value in [
        json!("a"),
        json!("a".repeat(65)),
        json!("a b"),
        json!("aws:x"),
        json!("ä-ö"),
        json!(7),
        json!(["a", "b"]),
    ] {
        refused(&json!({claim: value}), "Invalid value for claim: https://aws.amazon.com/source_identity");
    }
}
