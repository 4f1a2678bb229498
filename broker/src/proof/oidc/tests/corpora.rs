//! Public test vectors (Wycheproof, the JOSE cookbook), read from `$DAYPASS_VECTORS`.
//!
//! A vector that is valid and of an algorithm of ours must verify, every other one must be refused; what
//! deviates is listed with its reason, and a listed one that stops deviating fails as well.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use serde::Deserialize;

use super::*;
use crate::proof::oidc::token::Envelope;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    file: String,
    case: String,
    verifies: bool,
    reason: String,
}

/// What happened to the vectors of one file.
#[derive(Default)]
struct Tally {
    verified: usize,
    refused: usize,
    other_algorithms: usize,
    deviations: Vec<(String, bool)>,
}

impl Tally {
    fn add(&mut self, case: &str, valid: bool, ours: bool, verifies: bool) {
        match (valid && ours, verifies) {
            (true, true) => self.verified += 1,
            (false, false) if valid => self.other_algorithms += 1,
            (false, false) => self.refused += 1,
            (_, verifies) => self.deviations.push((case.to_owned(), verifies)),
        }
    }
}

fn document(path: &str) -> Value {
    let root = std::env::var("DAYPASS_VECTORS").expect("DAYPASS_VECTORS names the folder of the vectors");
    let text = std::fs::read(PathBuf::from(root).join(path)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Verifies a JWS of any payload along the way that a token goes.
fn verifies(jws: &str, keys: &Value) -> bool {
    let keys = if keys.get("keys").is_some() { keys.clone() } else { json!({"keys": [keys]}) };
    let (Ok(envelope), Ok(keys)) = (Envelope::open(jws), uploaded(&keys)) else { return false };
    let Ok(algorithm) = Algorithm::parse(&envelope.algorithm) else { return false };
    let Ok(key) = keys.select(algorithm, envelope.kid.as_deref()) else { return false };
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    matches!(signature::verify(algorithm.jws(), &key.material, signed.as_bytes(), signature), Ok(true))
}

/// Verifies a bare signature with the key set.
fn verifies_raw(algorithm: Algorithm, key: &Value, message: &[u8], signature: &[u8]) -> bool {
    let Ok(keys) = uploaded(&json!({"keys": [key]})) else { return false };
    let Ok(key) = keys.select(algorithm, None) else { return false };
    let signature = URL_SAFE_NO_PAD.encode(signature);
    matches!(signature::verify(algorithm.jws(), &key.material, message, &signature), Ok(true))
}

fn is_ours(jws: &str) -> bool {
    Envelope::open(jws).is_ok_and(|envelope| Algorithm::parse(&envelope.algorithm).is_ok())
}

fn jws_file(name: &str) -> Tally {
    let mut tally = Tally::default();
    for group in document(&format!("wycheproof/{name}.json"))["testGroups"].as_array().unwrap() {
        let keys = group.get("public").unwrap_or_else(|| &group["private"]);
        for case in group["tests"].as_array().unwrap() {
            let valid = case["result"] == "valid";
            let id = case["tcId"].to_string();
            let Some(text) = case.get("jws").or_else(|| case.get("jwe")) else { continue };
            let jws = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
            tally.add(&id, valid, is_ours(&jws), verifies(&jws, keys));
        }
    }
    tally
}

fn signature_file(name: &str, algorithm: &str) -> Tally {
    let mut tally = Tally::default();
    let algorithm = Algorithm::parse(algorithm);
    for group in document(&format!("wycheproof/{name}.json"))["testGroups"].as_array().unwrap() {
        let key = public_key(group);
        for case in group["tests"].as_array().unwrap() {
            let bytes = |name: &str| HEXLOWER.decode(case[name].as_str().unwrap().as_bytes()).unwrap();
            let accepted = algorithm
                .as_ref()
                .is_ok_and(|algorithm| verifies_raw(*algorithm, &key, &bytes("msg"), &bytes("sig")));
            tally.add(&case["tcId"].to_string(), case["result"] == "valid", algorithm.is_ok(), accepted);
        }
    }
    tally
}

/// The key of a group; a few have the point of a curve only.
fn public_key(group: &Value) -> Value {
    if let Some(key) = group.get("publicKeyJwk").or_else(|| group.get("keyJwk")) {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove("kid");
        return key;
    }
    let point = HEXLOWER.decode(group["publicKey"]["uncompressed"].as_str().unwrap().as_bytes()).unwrap();
    let (x, y) = point[1..].split_at(point.len() / 2);
    let curve = group["publicKey"]["curve"].as_str().unwrap().replace("secp", "P-").replace("r1", "");
    json!({"kty": "EC", "crv": curve, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
}

fn cookbook() -> Tally {
    let mut tally = Tally::default();
    for (name, ours) in [
        ("4_1.rsa_v15_signature", true),
        ("4_2.rsa-pss_signature", true),
        ("4_3.ecdsa_signature", false),
        ("4_4.hmac-sha2_integrity_protection", false),
    ] {
        let case = document(&format!("jose-cookbook/jws/{name}.json"));
        let mut key = case["input"]["key"].clone();
        for member in ["d", "p", "q", "dp", "dq", "qi"] {
            key.as_object_mut().unwrap().remove(member);
        }
        let compact = case["output"]["compact"].as_str().unwrap();
        tally.add(name, true, ours, verifies(compact, &key));
        for other in ["json", "json_flat"] {
            let text = case["output"][other].to_string();
            tally.add(&format!("{name}.{other}"), true, false, verifies(&text, &key));
        }
    }
    for (name, public) in [
        ("3_1.ec_public_key", false),
        ("3_2.ec_private_key", false),
        ("3_3.rsa_public_key", true),
        ("3_4.rsa_private_key", false),
        ("3_5.symmetric_key_mac_computation", false),
        ("3_6.symmetric_key_encryption", false),
    ] {
        let key = document(&format!("jose-cookbook/jwk/{name}.json"));
        tally.add(name, true, public, uploaded(&json!({"keys": [key]})).is_ok());
    }
    tally
}

#[test]
fn corpora_verify_as_published() {
    let mut tallies = BTreeMap::from([("cookbook", cookbook())]);
    for name in ["json_web_signature_test", "json_web_key_test", "json_web_crypto_test"] {
        tallies.insert(name, jws_file(name));
    }
    for (name, algorithm) in [
        ("rsa_signature_2048_sha256_test", "RS256"),
        ("rsa_signature_2048_sha384_test", "RS384"),
        ("rsa_signature_4096_sha512_test", "RS512"),
        ("rsa_pss_2048_sha256_mgf1_32_test", "PS256"),
        ("ecdsa_secp256r1_sha256_p1363_test", "ES256"),
        ("ecdsa_secp384r1_sha384_p1363_test", "ES384"),
        ("ecdsa_secp521r1_sha512_p1363_test", "ES512"),
        ("ed25519_test", "EdDSA"),
    ] {
        tallies.insert(name, signature_file(name, algorithm));
    }
    let listed: Vec<Deviation> =
        serde_json::from_str(include_str!("../../../../testdata/oidc/corpora-deviations.json")).unwrap();
    let mut expected: Vec<_> = listed
        .iter()
        .inspect(|deviation| assert!(!deviation.reason.is_empty()))
        .map(|deviation| (deviation.file.clone(), deviation.case.clone(), deviation.verifies))
        .collect();
    let mut seen = Vec::new();
    for (file, tally) in &tallies {
        println!(
            "{file}: {} verified, {} refused, {} valid of other algorithms or forms refused, {} deviations",
            tally.verified,
            tally.refused,
            tally.other_algorithms,
            tally.deviations.len()
        );
        seen.extend(
            tally.deviations.iter().map(|(case, verifies)| ((*file).to_owned(), case.clone(), *verifies)),
        );
    }
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
}
