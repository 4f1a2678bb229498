//! The shape that a response must have before a signature is looked at: one assertion, signatures where they belong, and
//! nothing that two readers could take for different things.

use std::collections::HashSet;

use roxmltree::{Document, Namespace, Node};

use super::signature::{self, Family};
use super::xml::{self, ASSERTION, PROTOCOL, SIGNATURE, is_id};

/// Namespaces in force at one element.
const MOST_NAMESPACES: usize = 32;

/// What the signatures of a well-shaped response cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Id of the assertion.
    pub(super) assertion: String,
    /// Id of the response, if it is signed itself.
    pub(super) signed_response: Option<String>,
    /// The kind of key that all signatures are made with.
    pub(super) family: Family,
}

/// The shape of a document, or what is wrong with it (SAML core 5.4, profiles 4.1.4).
pub(super) fn shape(document: &Document<'_>) -> Result<Shape, &'static str> {
    let root = document.root_element();
    if !xml::is(root, PROTOCOL, "Response") {
        return Err("its root is not a SAML 2.0 response");
    }
    let mut found = Found::default();
    for node in document.descendants() {
        found.look_at(node)?;
    }
    let [assertion] = found.assertions[..] else {
        return Err("it has not exactly one assertion");
    };
    if !xml::is(assertion, ASSERTION, "Assertion") || assertion.parent() != Some(root) {
        return Err("its assertion is not a SAML 2.0 assertion right below it");
    }
    let (response_id, assertion_id) = (id(root)?, id(assertion)?);
    let (mut signed_response, mut families) = (None, Vec::new());
    for node in &found.signatures {
        let covered = match node.parent() {
            Some(parent) if parent == root && signed_response.is_none() => {
                signed_response = Some(response_id.to_owned());
                response_id
            }
            Some(parent) if parent == assertion => assertion_id,
            _ => return Err("a signature has a place of its own"),
        };
        families.push(signature::shape(*node, covered)?);
    }
    match families[..] {
        [] => Err("it is not signed"),
        [family] => Ok(Shape { assertion: assertion_id.to_owned(), signed_response, family }),
        [family, other] if family == other && signed_response.is_some() => {
            Ok(Shape { assertion: assertion_id.to_owned(), signed_response, family })
        }
        _ => Err("its signatures are more than one of its own and one of its assertion, by the same key"),
    }
}

fn id<'a>(node: Node<'a, '_>) -> Result<&'a str, &'static str> {
    xml::attribute(node, "ID").filter(|id| is_id(id)).ok_or("its response or assertion has no usable ID")
}

#[derive(Default)]
struct Found<'a, 'i> {
    ids: HashSet<&'a str>,
    assertions: Vec<Node<'a, 'i>>,
    signatures: Vec<Node<'a, 'i>>,
    /// Those that were found to be absolute.
    namespaces: HashSet<*const Namespace<'i>>,
}

impl<'a, 'i> Found<'a, 'i> {
    fn look_at(&mut self, node: Node<'a, 'i>) -> Result<(), &'static str> {
        if node.is_root() || node.is_text() {
            return Ok(());
        }
        if !node.is_element() {
            return Err("it has comments or processing instructions");
        }
        let namespaces = node.namespaces().take(MOST_NAMESPACES.saturating_add(1));
        if namespaces.clone().count() > MOST_NAMESPACES {
            return Err("more than 32 namespaces are in force at one element");
        }
        for namespace in namespaces {
            // One value stands for all elements that a namespace is in force at: thousands of them read it once.
            if self.namespaces.insert(std::ptr::from_ref(namespace)) && !is_absolute(namespace.uri()) {
                return Err("a namespace is not an absolute URI");
            }
        }
        self.keep_ids(node)?;
        let namespace = node.tag_name().namespace().ok_or("an element has no namespace")?;
        let inside_signature =
            node.parent().is_some_and(|parent| parent.tag_name().namespace() == Some(SIGNATURE));
        if (namespace == SIGNATURE || inside_signature)
            && node.attributes().any(|one| one.namespace().is_some())
        {
            // libxml2 takes the first attribute of a name, whatever its namespace.
            return Err("an attribute of a signature has a prefix");
        }
        // By name alone: an assertion of another namespace is one too many as well.
        match node.tag_name().name() {
            "Assertion" => self.assertions.push(node),
            "Response" if node.parent().is_some_and(|parent| !parent.is_root()) => {
                return Err("a response is inside of the response");
            }
            name if name.starts_with("Encrypted") => return Err("it has encrypted parts"),
            "Signature" if namespace != SIGNATURE || inside_signature => {
                return Err("a signature is not one of XML signature, or inside of another one");
            }
            "Signature" => self.signatures.push(node),
            _ if namespace == SIGNATURE && !inside_signature => {
                return Err("a part of a signature is outside of one");
            }
            _ => {}
        }
        Ok(())
    }

    /// Every attribute that any reader could take for an ID must be a plain one, and each of another value.
    fn keep_ids(&mut self, node: Node<'a, 'i>) -> Result<(), &'static str> {
        for attribute in node.attributes().filter(|one| one.name().eq_ignore_ascii_case("id")) {
            if attribute.namespace().is_some() {
                return Err("an ID has a prefix");
            }
            if !self.ids.insert(attribute.value()) {
                return Err("an ID is used twice");
            }
        }
        Ok(())
    }
}

/// Whether canonical XML takes the URI for an absolute one: of another it makes an empty text, which has a digest too.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let part_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let part_of_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(part_of_scheme)
        && !rest.is_empty()
        && uri.len() <= 512
        && rest.bytes().all(part_of_uri)
}
