//! The one form of a signature that is looked at: one reference to the element that it is in, by algorithms of a list.
//!
//! Whatever else XML signature can do (other references, transforms, keys of the sender's own) is never asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

use super::xml::{self, EXCLUSIVE, SIGNATURE, is, text};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Digest algorithms, and the bytes of their digests.
const DIGESTS: [(&str, usize); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", 32),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", 48),
    ("http://www.w3.org/2001/04/xmlenc#sha512", 64),
];
/// Bytes of a signature: from ECDSA on P-256 to RSA of 8192 bits.
const SIGNATURE_BYTES: std::ops::RangeInclusive<usize> = 64..=1_024;
/// What a sender may say of its key; none of it is believed.
const KEY_HINTS: [&str; 3] = ["KeyName", "KeyValue", "X509Data"];

/// Prefixes that one canonicalization may be told; honest ones have one or two.
const MOST_PREFIXES: usize = 16;

/// The kind of key behind a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    Ecdsa,
}

impl Family {
    fn of(algorithm: &str) -> Option<Self> {
        match algorithm.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#")? {
            "rsa-sha256" | "rsa-sha384" | "rsa-sha512" => Some(Self::Rsa),
            "ecdsa-sha256" | "ecdsa-sha384" | "ecdsa-sha512" => Some(Self::Ecdsa),
            _ => None,
        }
    }
}

/// The kind of key that `signature` was made with, if it has the one form and covers the element with id `covered`.
pub(super) fn shape(signature: Node<'_, '_>, covered: &str) -> Result<Family, &'static str> {
    let (signed_info, value) = match parts(signature)?[..] {
        [signed_info, value] => (signed_info, value),
        [signed_info, value, key_info] => {
            key_hints(key_info)?;
            (signed_info, value)
        }
        _ => return Err("a signature has other parts than SignedInfo, SignatureValue and KeyInfo"),
    };
    if !is(signed_info, SIGNATURE, "SignedInfo") || !is(value, SIGNATURE, "SignatureValue") {
        return Err("a signature has not its parts in their order");
    }
    if !SIGNATURE_BYTES.contains(&decoded(value)?) {
        return Err("a signature value has not the length of one");
    }
    let [canonicalization, method, reference] = parts(signed_info)?[..] else {
        return Err("a signature has not exactly one reference");
    };
    if !is(canonicalization, SIGNATURE, "CanonicalizationMethod")
        || !is(method, SIGNATURE, "SignatureMethod")
        || !is(reference, SIGNATURE, "Reference")
    {
        return Err("a signature has not exactly one reference");
    }
    exclusive(canonicalization)?;
    empty(method)?;
    refers(reference, covered)?;
    Family::of(algorithm(method)?).ok_or("the signature algorithm is not allowed")
}

fn refers(reference: Node<'_, '_>, covered: &str) -> Result<(), &'static str> {
    let only_known = reference.attributes().all(|attribute| matches!(attribute.name(), "URI" | "Id"));
    if !only_known || xml::attribute(reference, "URI").and_then(|uri| uri.strip_prefix('#')) != Some(covered)
    {
        return Err("a reference is not to the element that its signature is in");
    }
    let [transforms, method, value] = parts(reference)?[..] else {
        return Err("a reference has other parts than Transforms, DigestMethod and DigestValue");
    };
    if !is(transforms, SIGNATURE, "Transforms")
        || !is(method, SIGNATURE, "DigestMethod")
        || !is(value, SIGNATURE, "DigestValue")
    {
        return Err("a reference has not its parts in their order");
    }
    empty(method)?;
    let named = algorithm(method)?;
    let (_, bytes) =
        DIGESTS.iter().find(|(name, _)| *name == named).ok_or("the digest algorithm is not allowed")?;
    if decoded(value)? != *bytes {
        return Err("a digest has not the length of one");
    }
    let [enveloped, canonical] = parts(transforms)?[..] else {
        return Err("the transforms are not enveloped signature and exclusive canonicalization");
    };
    let both = [enveloped, canonical].iter().all(|one| is(*one, SIGNATURE, "Transform"));
    if !both || algorithm(enveloped)? != ENVELOPED {
        return Err("the transforms are not enveloped signature and exclusive canonicalization");
    }
    empty(enveloped)?;
    exclusive(canonical)
}

/// Exclusive canonicalization without comments, at most with a list of prefixes (RFC 3741).
fn exclusive(node: Node<'_, '_>) -> Result<(), &'static str> {
    if algorithm(node)? != EXCLUSIVE {
        return Err("the canonicalization is not the exclusive one");
    }
    match parts(node)?[..] {
        [] => Ok(()),
        [prefixes] if is(prefixes, EXCLUSIVE, "InclusiveNamespaces") => {
            empty(prefixes)?;
            let list = xml::attribute(prefixes, "PrefixList").unwrap_or_default();
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.# ".contains(&byte);
            // Every one of them is looked for at every element.
            let few = list.split(' ').count() <= MOST_PREFIXES;
            let sound = few && list.len() <= 256 && list.bytes().all(known);
            if sound { Ok(()) } else { Err("a list of prefixes is not acceptable") }
        }
        _ => Err("a canonicalization has parts that it may not have"),
    }
}

fn key_hints(node: Node<'_, '_>) -> Result<(), &'static str> {
    let known = |hint: &Node<'_, '_>| {
        hint.tag_name().namespace() == Some(SIGNATURE) && KEY_HINTS.contains(&hint.tag_name().name())
    };
    if is(node, SIGNATURE, "KeyInfo") && parts(node)?.iter().all(known) {
        return Ok(());
    }
    Err("a signature's KeyInfo has other parts than names, values and certificates")
}

fn algorithm<'a>(node: Node<'a, '_>) -> Result<&'a str, &'static str> {
    xml::attribute(node, "Algorithm").ok_or("an algorithm is not named")
}

/// The elements in a node that holds only elements and white space.
fn parts<'a, 'i>(node: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>, &'static str> {
    let stray = |child: &Node<'_, '_>| {
        child.is_text() && !child.text().unwrap_or_default().chars().all(|c| c.is_ascii_whitespace())
    };
    if node.children().any(|child| stray(&child)) {
        return Err("a signature has text where it may have none");
    }
    Ok(node.children().filter(Node::is_element).collect())
}

fn empty(node: Node<'_, '_>) -> Result<(), &'static str> {
    if parts(node)?.is_empty() { Ok(()) } else { Err("an algorithm has parameters") }
}

/// How many bytes an element holds in base64; white space between its characters is usual.
fn decoded(node: Node<'_, '_>) -> Result<usize, &'static str> {
    let text = text(node).unwrap_or_default();
    let base64: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(base64).map_err(|_| "a digest or signature value is not base64")?;
    Ok(bytes.len())
}
