//! Attacks on the form of a token and its header.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;

use super::*;

/// `header.payload.signature` with an unsigned header and honest claims.
fn unsigned(header: &str, signature: &[u8]) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(header), encode(&honest().to_string()), URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn j01_algorithm_none() {
    let issuer = TestIssuer::es256("k");
    for name in ["none", "None", "NONE", "nOnE", "none ", ""] {
        for signature in [&b""[..], b"x"] {
            refused_unverified(&unsigned(&json!({"alg": name, "kid": "k"}).to_string(), signature), &issuer);
        }
    }
    refused_unverified(&unsigned(r#"{"kid":"k"}"#, b"x"), &issuer);
}

#[test]
fn j02_hmac_keyed_with_the_public_key() {
    let issuer = TestIssuer::rs256("k");
    let jwk = issuer.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&modulus));
    for secret in
        [modulus, pem.clone().into_bytes(), format!(" \n{pem}").into_bytes(), jwk.to_string().into_bytes()]
    {
        let token = unsigned(r#"{"alg":"HS256","kid":"k"}"#, b"x");
        let (signed, _) = token.rsplit_once('.').unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let refusal = refused_unverified(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)), &issuer);
        assert!(matches!(refusal, Refusal::Algorithm { .. }), "{refusal}");
    }
}

#[test]
fn j03_the_header_does_not_choose_the_algorithm() {
    let issuer = TestIssuer::rs256("k");
    let pss = TestIssuer::rsa("PS256", "k", include_bytes!("../../../../testdata/oidc/test-rsa-2048.pem"));
    let token = pss.token(&honest());
    // The key has no `alg`, the token is genuine: only the provider's list stands against PS256.
    let only_rs256 = Provider::new(Settings { algorithms: vec!["RS256".to_owned()], ..settings() }).unwrap();
    let refusal = redeem(&token, &only_rs256, &issuer.key_set()).unwrap_err();
    assert_eq!(refusal.to_string(), "the algorithm `PS256` is not allowed: the provider allows RS256");
    assert_eq!(refusal.message(), UNVERIFIED);
    assert!(redeem(&token, &provider(), &issuer.key_set()).is_ok());
    // A key that is bound to RS256 is no key for PS256 either.
    let mut bound = issuer.jwk();
    bound["alg"] = json!("RS256");
    let refusal = redeem(&token, &provider(), &uploaded(&json!({"keys": [bound]})).unwrap()).unwrap_err();
    assert_eq!(refusal.to_string(), "no key for the token: the key of that id is not for PS256");
}

#[test]
fn j04_encrypted_tokens() {
    let issuer = TestIssuer::es256("k");
    let refusal = refused_unverified("eyJhbGciOiJSU0EtT0FFUCJ9.a2V5.aXY.Y2lwaGVy.dGFn", &issuer);
    assert!(refusal.to_string().contains("more than three segments"), "{refusal}");
    let header = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"k"}"#;
    refused_unverified(&unsigned(header, b"x"), &issuer);
}

#[test]
fn j05_keys_brought_along() {
    let (issuer, attacker) = (TestIssuer::es256("k"), TestIssuer::es256("k"));
    for (name, value) in [("jwk", attacker.jwk()), ("x5c", json!(["MIIB"])), ("x5c", json!([]))] {
        let mut header = attacker.header();
        header[name] = value;
        refused_unverified(&attacker.signed(&header.to_string(), &honest().to_string()), &issuer);
        // Even beside a genuine signature.
        refused_unverified(&issuer.signed(&header.to_string(), &honest().to_string()), &issuer);
    }
}

#[test]
fn j06_keys_referred_to() {
    let issuer = TestIssuer::es256("k");
    for name in ["jku", "x5u"] {
        let mut header = issuer.header();
        header[name] = json!("https://evil.test/keys");
        let refusal = refused_unverified(&issuer.signed(&header.to_string(), &honest().to_string()), &issuer);
        assert_eq!(
            refusal.to_string(),
            format!("the header is malformed: the parameter `{name}` is not accepted")
        );
    }
}

#[test]
fn j07_key_ids_are_only_compared() {
    let issuer = TestIssuer::es256("k");
    for kid in ["../../etc/passwd", "k' OR '1'='1", "k*", "*", "k\r\nDEL x", "{k}", "K", "k ", "", "k\0"] {
        let mut header = issuer.header();
        header["kid"] = json!(kid);
        let refusal = refused_unverified(&issuer.signed(&header.to_string(), &honest().to_string()), &issuer);
        assert!(matches!(refusal, Refusal::NoKey { .. }), "{kid}: {refusal}");
    }
    for kid in [json!(["k"]), json!(7), json!("k".repeat(1_025))] {
        let mut header = issuer.header();
        header["kid"] = kid;
        let refusal = refused_unverified(&issuer.signed(&header.to_string(), &honest().to_string()), &issuer);
        assert!(matches!(refusal, Refusal::Malformed { .. }), "{refusal}");
    }
}

#[test]
fn j08_critical_extensions_and_unencoded_payloads() {
    let issuer = TestIssuer::es256("k");
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
    ] {
        let mut header = issuer.header();
        header[name] = value;
        refused_unverified(&issuer.signed(&header.to_string(), &honest().to_string()), &issuer);
    }
    let mut harmless = issuer.header();
    harmless["x5t"] = json!("AAAA");
    let token = issuer.signed(&harmless.to_string(), &honest().to_string());
    assert!(redeem(&token, &provider(), &issuer.key_set()).is_ok());
}

#[test]
fn j09_duplicate_json_members() {
    let issuer = TestIssuer::es256("k");
    let (header, payload) = (issuer.header().to_string(), honest().to_string());
    let twice = |text: &str, member: &str| format!("{{{member},{}", text.strip_prefix('{').unwrap());
    for payload in [
        twice(&payload, r#""sub":"admin""#),
        twice(&payload, r#""s\u0075b":"admin""#),
        twice(&payload, r#""a":{"b":1,"b":2}"#),
    ] {
        let refusal = refused_unverified(&issuer.signed(&header, &payload), &issuer);
        assert!(refusal.to_string().contains("a member occurs twice"), "{refusal}");
    }
    refused_unverified(&issuer.signed(&twice(&header, r#""alg":"none""#), &payload), &issuer);
    let honest_twin = issuer.signed(&header, &twice(&payload, r#""other":"admin""#));
    assert!(redeem(&honest_twin, &provider(), &issuer.key_set()).is_ok());
}

#[test]
fn j16_json_serialisation() {
    let issuer = TestIssuer::es256("k");
    let token = issuer.token(&honest());
    let parts: Vec<_> = token.split('.').collect();
    let flat = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    let general =
        json!({"payload": parts[1], "signatures": [{"protected": parts[0], "signature": parts[2]}]});
    for text in [flat.to_string(), general.to_string(), format!(" {flat}")] {
        let refusal = refused_unverified(&text, &issuer);
        assert!(refusal.to_string().contains("JSON serialisation"), "{refusal}");
    }
    refused_unverified(&format!("{token}.{}", parts[2]), &issuer);
}

#[test]
fn j17_j18_ecdsa_signatures_of_other_forms() {
    let issuer = TestIssuer::es256("k");
    let token = issuer.token(&honest());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let genuine = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = genuine.split_at(32);
    let der_number = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = [&[0x30, 70][..], &der_number(r), &der_number(s)].concat();
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for forged in [
        vec![0; 64],
        [r, &[0; 32]].concat(),
        [&[0; 32], s].concat(),
        [&order[..], &order[..]].concat(),
        [r, &order[..]].concat(),
        vec![0xff; 64],
        der,
        [&[0; 16], r, &[0; 16], s].concat(),
        genuine[..63].to_vec(),
        [&genuine[..], &[0]].concat(),
    ] {
        let refusal = refused_unverified(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(forged)), &issuer);
        assert!(matches!(refusal, Refusal::Signature { .. }), "{refusal}");
    }
    let wrong_curve = TestIssuer::ec("ES384", "k");
    let refusal = refused_unverified(&token, &wrong_curve);
    assert_eq!(refusal.to_string(), "no key for the token: the key of that id is not for ES256");
}

#[test]
fn j20_oversized_tokens() {
    for (text, characters) in
        [("a.b".to_owned(), 3), (".".repeat(1_000_000), 1_000_000), ("ä".repeat(20_001), 20_001)]
    {
        let refusal = UnverifiedToken::parse(&text).unwrap_err();
        assert_eq!(refusal, Refusal::Length { characters });
        assert_eq!(refusal.class(), Class::Validation);
        let bound = if characters < 4 { "greater than or equal to 4" } else { "less than or equal to 20000" };
        assert_eq!(
            refusal.message(),
            format!(
                "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: \
                 Member must have length {bound}"
            )
        );
    }
    refused_unverified(&".".repeat(20_000), &TestIssuer::es256("k"));
    let issuer = TestIssuer::es256("k");
    let long = issuer.token(&with(&json!({"padding": "x".repeat(14_000)})));
    assert!(long.len() > 18_000 && redeem(&long, &provider(), &issuer.key_set()).is_ok());
}

#[test]
fn j21_compressed_and_password_based_encryption() {
    let issuer = TestIssuer::es256("k");
    for header in [
        json!({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_147_483_647, "p2s": "AAAA"}),
        json!({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}),
        json!({"alg": "ES256", "kid": "k", "p2c": 1}),
    ] {
        refused_unverified(&issuer.signed(&header.to_string(), &honest().to_string()), &issuer);
    }
}

#[test]
fn j22_deep_json() {
    let issuer = TestIssuer::es256("k");
    for depth in [16, 5_000] {
        let deep = format!(r#"{{"iss":"{ISSUER}","a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let refusal = refused_unverified(&issuer.signed(&issuer.header().to_string(), &deep), &issuer);
        assert!(refusal.to_string().contains("nested too deep"), "{refusal}");
    }
}

#[test]
fn j23_other_spellings_of_the_same_bytes() {
    let issuer = TestIssuer::es256("k");
    // 64 bytes leave four bits unused in the last character.
    let token = issuer.token(&honest());
    let last = token.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let cut = token.strip_suffix(last).unwrap();
    let (header, rest) = token.split_once('.').unwrap();
    let (start, end) = token.split_at(10);
    for spelled in [
        format!("{cut}{next}"),
        format!("{token}="),
        format!("{token}=="),
        format!("{header}=.{rest}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{start}\n{end}"),
        token.replacen('.', ".\n", 1),
        token.replace('_', "/").replace('-', "+") + "+",
    ] {
        let refusal = refused_unverified(&spelled, &issuer);
        assert!(matches!(refusal, Refusal::Malformed { .. }), "{spelled}: {refusal}");
    }
    assert!(redeem(&format!("{token}\r\n"), &provider(), &issuer.key_set()).is_ok());
}

#[test]
fn every_changed_character_is_refused() {
    let issuer = TestIssuer::es256("k");
    let token = issuer.token(&honest());
    for position in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        refused_unverified(&String::from_utf8(bytes).unwrap(), &issuer);
    }
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}
