//! Reading of elements by namespace and name, with texts exactly as they are.

use roxmltree::{Attribute, Document, Node, ParsingOptions};

pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(super) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A document without DTD, of at most so many nodes.
pub(super) fn parse(text: &str, nodes: u32) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: nodes, ..ParsingOptions::default() };
    Document::parse_with_options(text, options)
}

/// Whether the node is this element.
pub(super) fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(namespace) && node.tag_name().name() == name
}

/// The children that are this element.
pub(super) fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is(*child, namespace, name))
}

/// The child that is this element: none, or the only one.
pub(super) fn child<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> Result<Option<Node<'a, 'i>>, Twice> {
    let mut found = children(node, namespace, name);
    match (found.next(), found.next()) {
        (one, None) => Ok(one),
        _ => Err(Twice(name)),
    }
}

/// An element that may be there once is there twice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Twice(pub(super) &'static str);

/// The attribute of this name without a prefix: SAML and XML signature give no other one a meaning.
///
/// roxmltree by itself takes the first of this name, whatever its namespace.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let plain = |one: &Attribute<'_, '_>| one.namespace().is_none() && one.name() == name;
    node.attributes().find(plain).map(|one| one.value())
}

/// The text that an element holds, if it holds nothing else.
pub(super) fn text(node: Node<'_, '_>) -> Option<String> {
    let mut whole = String::new();
    for child in node.children() {
        if !child.is_text() {
            return None;
        }
        whole.push_str(child.text()?);
    }
    Some(whole)
}

/// Whether a text can be an XML `ID`: 1 to 256 of ASCII's name characters, not beginning with a digit, `-` or `.`.
pub(super) fn is_id(text: &str) -> bool {
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=256).contains(&text.len())
        && text.bytes().all(named)
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}
