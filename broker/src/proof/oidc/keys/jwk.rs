//! One entry of a key set (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2): used, skipped by name, or refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;

use super::KeySetError;
use crate::proof::oidc::algorithm::{Algorithm, KeyKind};
use crate::proof::oidc::json::{Object, WrongType, shown};

/// Members that only private or shared keys have.
const SECRET_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

pub(super) enum Entry {
    Key { kind: KeyKind, algorithm: Option<Algorithm>, material: DecodingKey },
    Skipped(String),
}

pub(super) fn read(index: usize, entry: &Object) -> Result<Entry, KeySetError> {
    if let Some(member) = SECRET_MEMBERS.iter().find(|member| entry.member(member).is_some()) {
        return Err(KeySetError::NotPublic { index, member });
    }
    parse(entry).map_err(|Malformed(problem)| KeySetError::Key { index, problem })
}

struct Malformed(String);

impl From<WrongType> for Malformed {
    fn from(error: WrongType) -> Self {
        Self(error.to_string())
    }
}

fn parse(entry: &Object) -> Result<Entry, Malformed> {
    let kty = entry.text("kty")?.ok_or_else(|| Malformed("there is no `kty`".to_owned()))?;
    if kty == "oct" {
        return Err(Malformed("a shared key (`oct`)".to_owned()));
    }
    if let Some(reason) = other_purpose(entry)? {
        return Ok(Entry::Skipped(reason));
    }
    let algorithm = match entry.text("alg")?.map(Algorithm::parse) {
        None => None,
        Some(Ok(algorithm)) => Some(algorithm),
        Some(Err(error)) => return Ok(Entry::Skipped(error.to_string())),
    };
    let (kind, material) = match (kty, entry.text("crv")?) {
        ("RSA", _) => match rsa(entry)? {
            Ok(material) => (KeyKind::Rsa, material),
            Err(reason) => return Ok(Entry::Skipped(reason)),
        },
        ("EC", Some("P-256")) => (KeyKind::P256, point(entry, 32)?),
        ("EC", Some("P-384")) => (KeyKind::P384, point(entry, 48)?),
        ("OKP", Some("Ed25519")) => (KeyKind::Ed25519, DecodingKey::from_ed_der(&sized(entry, "x", 32)?)),
        ("EC", Some("P-521")) => return Ok(Entry::Skipped("the curve P-521 is not supported".to_owned())),
        ("EC" | "OKP", Some(curve)) => {
            return Ok(Entry::Skipped(format!("the curve `{}` is not supported", shown(curve))));
        }
        ("EC" | "OKP", None) => return Err(Malformed("there is no `crv`".to_owned())),
        (other, _) => return Ok(Entry::Skipped(format!("the key type `{}` is not supported", shown(other)))),
    };
    if let Some(algorithm) = algorithm
        && algorithm.key_kind() != kind
    {
        return Ok(Entry::Skipped(format!("its `alg` is {}, which needs another key", algorithm.name())));
    }
    Ok(Entry::Key { kind, algorithm, material })
}

fn other_purpose(entry: &Object) -> Result<Option<String>, Malformed> {
    if let Some(purpose) = entry.text("use")?
        && purpose != "sig"
    {
        return Ok(Some(format!("its `use` is `{}`", shown(purpose))));
    }
    if entry.member("key_ops").is_some() && !entry.texts("key_ops")?.contains(&"verify") {
        return Ok(Some("its `key_ops` don't have `verify`".to_owned()));
    }
    Ok(None)
}

/// An RSA key, or why it is too weak or too large to be used.
fn rsa(entry: &Object) -> Result<Result<DecodingKey, String>, Malformed> {
    let (modulus, exponent) = (number(entry, "n")?, number(entry, "e")?);
    let bits = modulus.len().saturating_mul(8).saturating_sub(
        modulus.first().map_or(0, |byte| usize::try_from(byte.leading_zeros()).unwrap_or_default()),
    );
    if !RSA_BITS.contains(&bits) {
        return Ok(Err(format!("RSA of {bits} bits, not 2048 to 8192")));
    }
    let odd = exponent.last().is_some_and(|byte| byte & 1 == 1);
    // The crypto library takes exponents below 2^33 only; five bytes can be larger and fail when used.
    if !odd || exponent.as_slice() == [1] || exponent.len() > 5 {
        return Ok(Err("an RSA exponent that is even, 1 or longer than 33 bits".to_owned()));
    }
    Ok(Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent)))
}

fn point(entry: &Object, size: usize) -> Result<DecodingKey, Malformed> {
    let mut point = vec![4];
    point.extend(sized(entry, "x", size)?);
    point.extend(sized(entry, "y", size)?);
    Ok(DecodingKey::from_ec_der(&point))
}

/// A big-endian number without leading zero bytes (RFC 7518 §2; some providers send them).
fn number(entry: &Object, name: &'static str) -> Result<Vec<u8>, Malformed> {
    let bytes = bytes(entry, name)?;
    let number: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    if number.is_empty() { Err(Malformed(format!("`{name}` is zero"))) } else { Ok(number) }
}

fn sized(entry: &Object, name: &'static str, size: usize) -> Result<Vec<u8>, Malformed> {
    let bytes = bytes(entry, name)?;
    if bytes.len() == size { Ok(bytes) } else { Err(Malformed(format!("`{name}` has not {size} bytes"))) }
}

fn bytes(entry: &Object, name: &'static str) -> Result<Vec<u8>, Malformed> {
    let text = entry.text(name)?.ok_or_else(|| Malformed(format!("there is no `{name}`")))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|error| Malformed(format!("`{name}`: {error}")))
}
