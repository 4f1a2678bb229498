//! Key sets: what is refused as a whole, what is skipped by name, and which key a token gets.

use super::*;

fn rsa_key(bits: usize, exponent: &str) -> Value {
    use base64::Engine as _;
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    if !bits.is_multiple_of(8) {
        modulus[0] = (1 << (bits % 8)) - 1;
    }
    let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(modulus);
    json!({"kty": "RSA", "kid": "weak", "n": n, "e": exponent})
}

#[test]
fn j19_weak_rsa_keys_are_no_keys() {
    let issuer = TestIssuer::es256("k");
    for (key, reason) in [
        (rsa_key(1_024, "AQAB"), "RSA of 1024 bits, not 2048 to 8192"),
        (rsa_key(2_047, "AQAB"), "RSA of 2047 bits, not 2048 to 8192"),
        (rsa_key(8_193, "AQAB"), "RSA of 8193 bits, not 2048 to 8192"),
        (rsa_key(2_048, "AQ"), "an RSA exponent that is even, 1 or longer than 33 bits"),
        (rsa_key(2_048, "Ag"), "an RSA exponent that is even, 1 or longer than 33 bits"),
    ] {
        let keys = uploaded(&json!({"keys": [key, issuer.jwk()]})).unwrap();
        assert_eq!(keys.skipped(), [SkippedKey { kid: Some("weak".to_owned()), reason: reason.to_owned() }]);
        let token = TestIssuer::rs256("weak").token(&honest());
        let refusal = redeem(&token, &provider(), &keys).unwrap_err();
        assert_eq!(refusal.to_string(), format!("no key for the token: `weak` can't be used: {reason}"));
        assert_eq!((refusal.class(), refusal.message().as_str()), (Class::InvalidIdentityToken, UNVERIFIED));
    }
    assert!(uploaded(&json!({"keys": [rsa_key(2_048, "Aw")]})).is_ok());
}

#[test]
fn j25_key_sets_that_are_refused() {
    let public = TestIssuer::es256("k").jwk();
    let plus = |name: &str, value: Value| {
        let mut key = public.clone();
        key[name] = value;
        key
    };
    let many: Vec<_> = (0..101).map(|n| plus("kid", json!(n.to_string()))).collect();
    for (keys, expected) in [
        (json!([{"kty": "oct", "k": "AAAA"}, public]), "key 0 is not public: it has `k`"),
        (json!([{"kty": "oct"}, public]), "key 0 is malformed: a shared key (`oct`)"),
        (json!([public, plus("d", json!("AAAA"))]), "key 1 is not public: it has `d`"),
        (json!([public, public]), "two keys have the id `k`"),
        (json!(many), "more than 100 keys of the type `EC`"),
        (json!([plus("x", json!("AAAA"))]), "key 0 is malformed: `x` has not 32 bytes"),
        (json!([plus("y", json!(7))]), "key 0 is malformed: `y` is not a string"),
        (json!([plus("kty", json!(null))]), "key 0 is malformed: `kty` is not a string"),
        (json!([7]), "key 0 is malformed: not an object"),
        (json!([]), "no usable signature key"),
        (json!([plus("use", json!("enc"))]), "no usable signature key: its `use` is `enc`"),
        (json!({"k": 1}), "not a key set: there is no array `keys`"),
    ] {
        assert_eq!(uploaded(&json!({"keys": keys})).unwrap_err().to_string(), expected);
    }
    assert!(uploaded(&json!({"keys": many[..100]})).is_ok());
    assert_eq!(KeySet::parse(&vec![b' '; MAX_KEY_SET_BYTES + 1]).unwrap_err(), KeySetError::TooLarge);
    let twice = format!(r#"{{"keys":[],"keys":[{public}]}}"#);
    assert!(KeySet::parse(twice.as_bytes()).unwrap_err().to_string().contains("a member occurs twice"));
}

#[test]
fn keys_for_other_purposes_are_skipped() {
    let issuer = TestIssuer::es256("k");
    let with_member = |name: &str, value: Value| {
        let mut key = TestIssuer::es256("other").jwk();
        key[name] = value;
        key
    };
    for (other, reason) in [
        (with_member("use", json!("enc")), "its `use` is `enc`"),
        (with_member("key_ops", json!(["deriveKey"])), "its `key_ops` don't have `verify`"),
        (
            with_member("alg", json!("ECDH-ES")),
            "`ECDH-ES` is not one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA",
        ),
        (with_member("alg", json!("ES384")), "its `alg` is ES384, which needs another key"),
        (
            with_member("alg", json!("ES512")),
            "`ES512` is not supported: it needs the curve P-521, use ES256 or ES384",
        ),
        (with_member("crv", json!("P-521")), "the curve P-521 is not supported"),
        (with_member("crv", json!("secp256k1")), "the curve `secp256k1` is not supported"),
        (with_member("kty", json!("AKP")), "the key type `AKP` is not supported"),
    ] {
        let keys = uploaded(&json!({"keys": [other, issuer.jwk()]})).unwrap();
        assert_eq!(keys.skipped()[0].reason, reason);
        assert!(redeem(&issuer.token(&honest()), &provider(), &keys).is_ok());
    }
    let mut fit = issuer.jwk();
    fit["use"] = json!("sig");
    fit["alg"] = json!("ES256");
    fit["key_ops"] = json!(["verify"]);
    assert!(
        redeem(&issuer.token(&honest()), &provider(), &uploaded(&json!({"keys": [fit]})).unwrap()).is_ok()
    );
}

#[test]
fn a_token_without_a_key_id_needs_the_only_key() {
    let issuer = TestIssuer::es256("k");
    let token = issuer.signed(r#"{"alg":"ES256"}"#, &honest().to_string());
    let other_kind = TestIssuer::rs256("rsa");
    let alone = uploaded(&json!({"keys": [other_kind.jwk(), issuer.jwk()]})).unwrap();
    assert!(redeem(&token, &provider(), &alone).is_ok());
    let two = uploaded(&json!({"keys": [issuer.jwk(), TestIssuer::es256("l").jwk()]})).unwrap();
    let refusal = redeem(&token, &provider(), &two).unwrap_err();
    assert_eq!(refusal.to_string(), "no key for the token: several keys could be meant and no id says which");
    assert_eq!(refusal.message(), UNVERIFIED);
}

#[test]
fn a_set_without_key_ids_serves_tokens_that_have_one() {
    let issuer = TestIssuer::es256("k");
    let mut nameless = issuer.jwk();
    nameless.as_object_mut().unwrap().remove("kid");
    let keys = uploaded(&json!({"keys": [nameless]})).unwrap();
    assert!(keys.knows(Some("k")));
    assert!(redeem(&issuer.token(&honest()), &provider(), &keys).is_ok());
}

#[test]
fn a_set_knows_its_own_ids_only() {
    let mut skipped = TestIssuer::es256("enc").jwk();
    skipped["use"] = json!("enc");
    let keys = uploaded(&json!({"keys": [TestIssuer::es256("k").jwk(), skipped]})).unwrap();
    assert!(keys.knows(None) && keys.knows(Some("k")) && keys.knows(Some("enc")));
    assert!(!keys.knows(Some("new")));
}
