//! Who asks, for the plain evaluator: the names that a principal element may call them by, and the keys that follow.

use serde_json::Value;

use crate::plain_text::Context;

/// How closely a principal element names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Account,
    /// Everyone, the role of a session, the user behind a federated user.
    Covering,
    Itself,
}

pub(crate) struct Caller {
    /// The request's context, with what follows from the principal in place of what it says of that.
    pub(crate) context: Context,
    pub(crate) account: Option<String>,
    pub(crate) has_identity: bool,
    pub(crate) is_root: bool,
    pub(crate) is_federated_user: bool,
    /// A named provider or service, which `*` in an Allow doesn't speak of.
    must_be_named: bool,
    /// Type and name of each principal element that means the caller.
    names: Vec<(&'static str, String, Form)>,
    /// The forms in which `NotPrincipal` has to name the caller to exempt it.
    exempted_by: &'static [Form],
}

impl Caller {
    pub(crate) fn of(request: &Value) -> Self {
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        let (whole, id, role, issuer) = (text("principal"), text("id"), text("role_arn"), text("user_arn"));
        let account = whole.split(':').nth(4).unwrap_or_default().to_owned();
        let mut names = vec![
            ("AWS", account.clone(), Form::Account),
            ("AWS", format!("arn:aws:iam::{account}:root"), Form::Account),
        ];
        let is = |mark: &str| whole.contains(mark);
        let (is_user, is_session, is_federated_user, is_root) =
            (is(":user/"), is(":assumed-role/"), is(":federated-user/"), is(":root"));
        let exempted_by: &[Form] = match () {
            () if is_user => &[Form::Account, Form::Itself],
            () if is_root => &[Form::Account],
            () if is_session || is_federated_user => &[Form::Account, Form::Covering, Form::Itself],
            () => &[Form::Itself],
        };
        let (mut arn, mut kind, mut user_id) = (whole.clone(), "", id.clone());
        if is_user {
            kind = "User";
            names.extend([("AWS", whole.clone(), Form::Itself), ("AWS", id, Form::Itself)]);
        } else if is_session {
            (kind, arn) = ("AssumedRole", role.clone());
            let role_id = id.split(':').next().unwrap().to_owned();
            names.extend([("AWS", role, Form::Covering), ("AWS", role_id, Form::Covering)]);
            names.push(("AWS", whole.clone(), Form::Itself));
        } else if is_federated_user {
            kind = "FederatedUser";
            names.push(("AWS", issuer, Form::Covering));
            names.push(("AWS", "AIDAISSUERISSUER".to_owned(), Form::Covering));
            names.push(("AWS", whole.clone(), Form::Itself));
        } else if is_root {
            (kind, user_id) = ("Account", account.clone());
        } else {
            names =
                vec![("Federated", whole.clone(), Form::Itself), ("Service", whole.clone(), Form::Itself)];
        }
        let anonymous = whole == "anonymous";
        let has_identity = is_user || is_session || is_federated_user || is_root;
        let mut caller = Self {
            context: context(&request["context"]),
            account: has_identity.then_some(account.clone()),
            has_identity,
            is_root,
            is_federated_user,
            must_be_named: !has_identity && !anonymous,
            names,
            exempted_by,
        };
        let name = whole.rsplit('/').next().unwrap().to_owned();
        let keys = [
            ("aws:principalaccount", has_identity, account),
            ("aws:principalarn", has_identity, arn),
            (
                "aws:principaltype",
                has_identity || anonymous,
                if anonymous { "Anonymous" } else { kind }.to_owned(),
            ),
            ("aws:userid", has_identity, user_id),
            ("aws:username", is_user, name),
        ];
        for (key, known, value) in keys {
            caller.context.remove(key);
            if known {
                caller.context.insert(key.to_owned(), vec![value]);
            }
        }
        caller
    }

    /// How a statement names the caller, if it does; `by_condition`: it has a condition on the caller's ARN.
    pub(crate) fn named_by(&self, statement: &Value, deny: bool, by_condition: bool) -> Option<Form> {
        if let Some(exempt) = statement.get("NotPrincipal") {
            let forms: Vec<Form> =
                entries(exempt).iter().filter_map(|entry| self.entry_form(entry)).collect();
            let exempted = self.exempted_by.iter().all(|form| forms.contains(form));
            return (!exempted).then_some(Form::Covering);
        }
        let Some(named) = statement.get("Principal") else {
            return Some(Form::Covering);
        };
        let everyone = match (deny, self.must_be_named, by_condition) {
            (false, true, _) => None,
            (false, false, true) => Some(Form::Itself),
            _ => Some(Form::Covering),
        };
        let entries = if named == "*" { vec![("AWS", "*".to_owned())] } else { entries(named) };
        let form = |entry: &(&str, String)| if entry.1 == "*" { everyone } else { self.entry_form(entry) };
        entries.iter().filter_map(form).max()
    }

    fn entry_form(&self, (kind, name): &(&str, String)) -> Option<Form> {
        let own = self.names.iter().find(|(own_kind, own, _)| own_kind == kind && own == name);
        own.map(|(_, _, form)| *form)
    }
}

fn entries(principals: &Value) -> Vec<(&str, String)> {
    let kinds = principals.as_object().unwrap().iter();
    kinds
        .flat_map(|(kind, names)| {
            crate::plain::strings(names).into_iter().map(move |name| (kind.as_str(), name))
        })
        .collect()
}

fn context(given: &Value) -> Context {
    let entries = given.as_object().into_iter().flatten();
    let entries = entries.map(|(key, values)| (key.to_ascii_lowercase(), crate::plain::strings(values)));
    entries.filter(|(_, values)| !values.is_empty()).collect()
}
