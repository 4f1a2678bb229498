//! A service's table from method and path to action and resource.

use http::Method;

use super::super::{
    fields::{Fields, Rejected},
    value,
};

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    pub path: Vec<Segment>,
    pub action: String,
    /// The resource after the service's prefix, with `{name}` for what the path captured.
    pub resource: String,
}

/// A part of a path between slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    /// One decoded, non-empty segment without `/`, never a pattern.
    Capture(String),
}

/// Reads one `[[route]]`.
pub(super) fn route(fields: &mut Fields<'_>, service: Option<&str>) -> Option<Route> {
    let method = fields.required("method", "add method = \"GET\"", value::parsed(method));
    let path = fields.required("path", "add path = \"/orders/{id}\"", value::parsed(path));
    let action = fields.required("action", "add action = \"orders:GetOrder\"", value::filled);
    let resource = fields.required("resource", "add resource = \"order/{id}\"", value::filled);
    let route = Route { method: method?, path: path?, action: action?, resource: resource? };
    let sound = route.action.split_once(':').is_some_and(|(prefix, name)| {
        service.is_none_or(|service| prefix == service)
            && !name.is_empty()
            && name.len() <= 128
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if !sound {
        let message = format!("`{}` is not an action of this service", route.action);
        fields.error("action", message, format!("write \"{}:Name\"", service.unwrap_or("orders")));
        return None;
    }
    for name in captures(&route.resource) {
        if !route.path.contains(&Segment::Capture(name.clone())) {
            let message = format!("the path captures no `{name}`");
            fields.error("resource", message, format!("write {{{name}}} in `path`"));
            return None;
        }
    }
    Some(route)
}

/// Two routes that take the same requests with equally long literal prefixes would make the order matter.
pub(super) fn report_ties(routes: &[Route], fields: &Fields<'_>) {
    for (index, one) in routes.iter().enumerate() {
        for other in routes.iter().skip(index.saturating_add(1)) {
            if one.ties_with(other) {
                let message = format!("the routes of `{}` and `{}` tie", one.action, other.action);
                fields.error("route", message, "make the literal start of one path longer, or remove one");
            }
        }
    }
}

impl Route {
    fn ties_with(&self, other: &Self) -> bool {
        let overlap = |pair: (&Segment, &Segment)| match pair {
            (Segment::Literal(one), Segment::Literal(other)) => one == other,
            _ => true,
        };
        self.method == other.method
            && self.path.len() == other.path.len()
            && self.path.iter().zip(&other.path).all(overlap)
            && self.literal_prefix() == other.literal_prefix()
    }

    /// How long the path's start is that is no capture.
    pub fn literal_prefix(&self) -> usize {
        let literal = |segment: &Segment| match segment {
            Segment::Literal(text) => Some(text.len().saturating_add(1)),
            Segment::Capture(_) => None,
        };
        self.path.iter().map_while(literal).sum()
    }
}

fn method(text: &str) -> Result<Method, Rejected> {
    let sound = !text.is_empty() && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| sound);
    method.ok_or_else(|| Rejected::new("it is not a method").fix("write \"GET\""))
}

fn path(text: &str) -> Result<Vec<Segment>, Rejected> {
    let wrong = |why: &str| Rejected::new(why.to_owned()).fix("write \"/orders/{id}\"");
    let inner = text.strip_prefix('/').ok_or_else(|| wrong("it doesn't start with /"))?;
    if text.len() > 1024 || text.contains(['?', '#', '%', '*']) {
        return Err(wrong("it is decoded, without query, wildcards and at most 1024 bytes"));
    }
    let mut segments: Vec<Segment> = Vec::new();
    for part in inner.split('/') {
        let segment = match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if is_name(name) => Segment::Capture(name.to_owned()),
            None if !part.contains(['{', '}']) && !matches!(part, "." | "..") => {
                Segment::Literal(part.to_owned())
            }
            _ => return Err(wrong("a capture is {name} between slashes")),
        };
        if matches!(segment, Segment::Capture(_)) && segments.contains(&segment) {
            return Err(wrong("it captures one name twice"));
        }
        segments.push(segment);
    }
    Ok(segments)
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The names in braces of a resource.
fn captures(resource: &str) -> impl Iterator<Item = String> {
    resource.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default().to_owned())
}
