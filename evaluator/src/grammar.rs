//! Reads a policy document into statements, gathering every fault on the way.

use crate::document::{Document, Kind, MAX_BYTES, size};
use crate::error::{Problems, Rank};
use crate::json::{self, Member, Node, Places, Value};
use crate::statement::Statement;
use crate::template::{MAX_SEARCHED_TOGETHER, SEARCH_LESS};

mod conditions;
mod elements;
mod principals;
mod resources;
mod text;

use text::texts;

/// What the readers of a statement's elements need to know of its document.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    kind: Kind,
    /// Version 2012-10-17: `${…}` are variables.
    variables: bool,
}

/// The statements of `document`, or what is wrong with it.
pub(crate) fn read(document: &Document<'_>, number: usize, problems: &mut Problems) -> Vec<Statement> {
    if document.text.len() > MAX_BYTES || size(document.text) > document.kind.limit() {
        problems.add(0, Rank::Syntax, document.kind.too_long(), "shorten the document, or split it");
        return Vec::new();
    }
    let root = match json::parse(document.text) {
        Ok(root) => root,
        Err(error) => {
            problems.syntax(error.at, error.fix);
            return Vec::new();
        }
    };
    let Node::Object(members) = &root.node else {
        problems.syntax(root.at, "make the document an object with `Version` and `Statement`");
        return Vec::new();
    };
    let envelope = envelope(members, root.at, document.kind, problems);
    let dialect = Dialect { kind: document.kind, variables: envelope.variables };
    let statements = statements(&envelope, document, number, dialect, problems);
    if statements.iter().map(Statement::searched_pieces).sum::<usize>() > MAX_SEARCHED_TOGETHER {
        problems.legacy(root.at, format!("{SEARCH_LESS}, in all patterns together"));
    }
    statements
}

/// The top level of a document.
struct Envelope<'v, 'a> {
    /// Version 2012-10-17.
    variables: bool,
    statements: &'v [Value<'a>],
}

fn envelope<'v, 'a>(
    members: &'v [Member<'a>],
    at: usize,
    kind: Kind,
    problems: &mut Problems,
) -> Envelope<'v, 'a> {
    let (mut version, mut statement) = (None, None);
    for member in members {
        match &*member.name {
            "Version" => version = Some(&member.value),
            "Statement" => statement = Some(&member.value),
            "Id" => {
                if !matches!(member.value.node, Node::String(_)) {
                    problems.syntax(member.value.at, "make the id a string");
                }
            }
            other => problems.syntax(member.at, format!("remove `{other}`: no policy has such an element")),
        }
    }
    let statements = match statement.map(|value| (value, &value.node)) {
        Some((_, Node::Array(list))) if !list.is_empty() => list.as_slice(),
        Some((one, Node::Object(_))) => std::slice::from_ref(one),
        other => {
            problems.syntax(
                other.map_or(at, |(value, _)| value.at),
                "give `Statement` an object, or a list of them",
            );
            &[]
        }
    };
    Envelope { variables: has_variables(version, at, kind, problems), statements }
}

fn statements(
    envelope: &Envelope<'_, '_>,
    document: &Document<'_>,
    number: usize,
    dialect: Dialect,
    problems: &mut Problems,
) -> Vec<Statement> {
    let mut read: Vec<Statement> = Vec::new();
    let mut sids = std::collections::HashSet::new();
    let mut places = Places::of(document.text);
    for value in envelope.statements {
        let Node::Object(members) = &value.node else {
            problems.syntax(value.at, "make each statement an object");
            continue;
        };
        let elements = sort_elements(members, problems);
        if let Some(sid) = elements.sid
            && let Node::String(text) = &sid.node
            && !text.is_empty()
            && !sids.insert(text.clone())
        {
            let message = "Statement IDs (SID) in a single policy must be unique.";
            problems.add(sid.at, Rank::SidUnique, message, "give each statement its own Sid");
        }
        let (line, column) = places.locate(value.at);
        let end = places.locate(value.end);
        let statement = read_statement(&elements, value.at, dialect, problems);
        read.extend(statement.map(|statement| Statement {
            document: number,
            line,
            column,
            end,
            ..statement
        }));
    }
    principals::locate(&mut read, document.text);
    read
}

/// True for 2012-10-17; an absent version means 2008-10-17, which managed policies may not have.
fn has_variables(version: Option<&Value<'_>>, root: usize, kind: Kind, problems: &mut Problems) -> bool {
    let at = version.map_or(root, |value| value.at);
    match version.map(|value| &value.node) {
        Some(Node::String(text)) if text == "2012-10-17" => true,
        None => {
            outdated(at, kind, problems);
            false
        }
        Some(Node::String(text)) if text == "2008-10-17" => {
            outdated(at, kind, problems);
            false
        }
        Some(_) => {
            problems.syntax(at, "write the version as `2012-10-17`");
            false
        }
    }
}

fn outdated(at: usize, kind: Kind, problems: &mut Problems) {
    if matches!(kind, Kind::Managed | Kind::ServiceControl | Kind::ResourceControl) {
        let message = "Policy document must be version 2012-10-17 or greater.";
        problems.add(at, Rank::Version, message, "write `\"Version\": \"2012-10-17\"`");
    }
}

/// The elements of a statement, each at most once.
#[derive(Debug, Default)]
struct Elements<'v, 'a> {
    sid: Option<&'v Value<'a>>,
    effect: Option<&'v Value<'a>>,
    action: Option<&'v Value<'a>>,
    not_action: Option<&'v Value<'a>>,
    resource: Option<&'v Value<'a>>,
    not_resource: Option<&'v Value<'a>>,
    principal: Option<&'v Value<'a>>,
    not_principal: Option<&'v Value<'a>>,
    condition: Option<&'v Value<'a>>,
}

fn read_statement(
    elements: &Elements<'_, '_>,
    at: usize,
    dialect: Dialect,
    problems: &mut Problems,
) -> Option<Statement> {
    let sid = elements.sid.map_or_else(Box::default, |value| elements::sid(value, dialect, problems));
    let effect = elements::effect(elements.effect, at, problems);
    let conditions = elements.condition.map_or_else(Vec::new, |c| conditions::read(c, dialect, problems));
    let actions = elements::actions(elements, at, dialect, problems);
    let resources = resources::read(elements, at, dialect, problems);
    let has_condition = !conditions.is_empty();
    let principals = principals::read(elements, at, effect, has_condition, dialect, problems);
    Some(Statement {
        document: 0,
        sid,
        line: 0,
        column: 0,
        end: (0, 0),
        effect: effect?,
        principals: principals?,
        actions: actions?,
        resources: resources?,
        conditions,
    })
}

fn sort_elements<'v, 'a>(members: &'v [Member<'a>], problems: &mut Problems) -> Elements<'v, 'a> {
    let mut elements = Elements::default();
    for Member { at, name, value } in members {
        let slot = match &**name {
            "Sid" => &mut elements.sid,
            "Effect" => &mut elements.effect,
            "Action" => &mut elements.action,
            "NotAction" => &mut elements.not_action,
            "Resource" => &mut elements.resource,
            "NotResource" => &mut elements.not_resource,
            "Principal" => &mut elements.principal,
            "NotPrincipal" => &mut elements.not_principal,
            "Condition" => &mut elements.condition,
            other => {
                problems.syntax(*at, format!("remove `{other}`: no statement has such an element"));
                continue;
            }
        };
        *slot = Some(value);
    }
    let pairs = [
        (elements.action, elements.not_action, "write `Action` or `NotAction`, not both"),
        (elements.resource, elements.not_resource, "write `Resource` or `NotResource`, not both"),
        (elements.principal, elements.not_principal, "write `Principal` or `NotPrincipal`, not both"),
    ];
    for (one, other, fix) in pairs {
        if let (Some(_), Some(second)) = (one, other) {
            problems.syntax(second.at, fix);
        }
    }
    elements
}
