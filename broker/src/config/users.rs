//! Users and groups of one account from their folders.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path as Place,
    sync::Arc,
};

use toml::de::DeValue;

use super::{
    attachments::{self, Inline},
    directory::Attachable,
    fields::{self, Rejected},
    ids::Ids,
    layout::{AccountFiles, OwnerFiles},
    report::{Report, Source},
    value,
};
use crate::{
    error::Diagnostic,
    role::{Group, GroupArn, GroupId, GroupName, Invalid, Path, Tags, User, UserArn, UserId, UserName},
};

/// AWS's quotas: the raised one of a user's managed policies, and characters of inline policies together.
const MANAGED_OF_A_USER: usize = 20;
const MANAGED_OF_A_GROUP: usize = 10;
const INLINE_OF_A_USER: usize = 2_048;
const INLINE_OF_A_GROUP: usize = 5_120;
const GROUPS_OF_A_USER: usize = 10;

/// Reads one account's users and groups, each with what is wrong reported.
pub(super) struct Reader<'r> {
    pub(super) policies: Attachable<'r>,
    /// The account's folder.
    pub(super) folder: &'r Place,
    pub(super) ids: &'r Ids,
    pub(super) report: &'r Report,
}

/// By name; nothing under a group that is wrong.
type Groups<'t> = BTreeMap<&'t str, Option<Arc<Group>>>;

impl Reader<'_> {
    /// The users and the groups that are sound.
    pub(super) fn read(&self, files: &AccountFiles<'_>) -> (Vec<User>, Vec<Arc<Group>>) {
        let groups: Groups<'_> =
            files.groups.iter().map(|(name, files)| (*name, self.group(name, files).map(Arc::new))).collect();
        let users = files.users.iter().filter_map(|(name, files)| self.user(name, files, &groups)).collect();
        (users, groups.into_values().flatten().collect())
    }

    fn group(&self, name: &str, files: &OwnerFiles<'_>) -> Option<Group> {
        let folder = self.folder.join("groups").join(name);
        let name = self.named(GroupName::parse(name), &folder, "group");
        let source = self.present(files.owner, &folder, "group")?;
        let (id, managed) = fields::file(source, self.report, |fields| {
            let id = self.ids.read(fields, source, |text| GroupId::parse(text).map_err(Into::into));
            Some((id, attachments::managed(fields, &self.policies, MANAGED_OF_A_GROUP)))
        })?;
        let inline = Inline::of(&files.policies);
        inline.limit(INLINE_OF_A_GROUP, self.report);
        let identity = inline.compile(&managed, source, self.report);
        let name = name?;
        Some(Group { arn: GroupArn::new(self.policies.account, &name), name, id: id?, identity: identity? })
    }

    fn user(&self, name: &str, files: &OwnerFiles<'_>, groups: &Groups<'_>) -> Option<User> {
        let folder = self.folder.join("users").join(name);
        let name = self.named(UserName::parse(name), &folder, "user");
        let source = self.present(files.owner, &folder, "user")?;
        let inline = Inline::of(&files.policies);
        inline.limit(INLINE_OF_A_USER, self.report);
        fields::file(source, self.report, |fields| {
            let id = self.ids.read(fields, source, |text| UserId::parse(text).map_err(Into::into));
            let root = Path::parse("/").ok()?;
            let path = fields.or_nothing("path", root, value::parsed(Path::parse));
            let tags = fields.or("tags", Tags::default(), attachments::tags);
            let member_of = fields.or("groups", Vec::new(), value::list(|one| member(one, groups)));
            let distinct: BTreeSet<_> = member_of.iter().map(|group| group.id.as_str()).collect();
            if distinct.len() < member_of.len() {
                fields.error("groups", "a group is named twice", "name each group once");
            }
            if member_of.len() > GROUPS_OF_A_USER {
                let message = format!("the user is in more than {GROUPS_OF_A_USER} groups");
                fields.error("groups", message, "merge some of the groups");
            }
            let managed = attachments::managed(fields, &self.policies, MANAGED_OF_A_USER);
            let boundary = attachments::boundary(fields, &self.policies);
            let identity = inline.compile(&managed, source, self.report);
            let (name, account) = (name?, self.policies.account);
            Some(User {
                arn: UserArn::new(account, &path?, &name),
                name,
                account,
                id: id?,
                tags,
                groups: member_of,
                identity: identity?,
                boundary,
            })
        })
    }

    fn named<T>(&self, name: Result<T, Invalid>, folder: &Place, kind: &str) -> Option<T> {
        let told = |invalid: Invalid| {
            let found = Diagnostic::error(folder, format!("this folder's name is not a {kind}'s name"));
            self.report.push(found.because(invalid.rule()).fix("rename the folder"));
        };
        name.map_err(told).ok()
    }

    fn present<'t>(&self, file: Option<&'t Source>, folder: &Place, kind: &str) -> Option<&'t Source> {
        if file.is_none() {
            let file = format!("{kind}.toml");
            let found = Diagnostic::error(folder.join(&file), format!("this {kind} has no {file}"));
            self.report.push(found.fix("create it, and run `daypass check --write-ids`"));
        }
        file
    }
}

fn member(value: &DeValue<'_>, groups: &Groups<'_>) -> Result<Arc<Group>, Rejected> {
    let name = value::filled(value)?;
    let group = groups.get(name.as_str()).ok_or_else(|| {
        Rejected::new(format!("there is no group `{name}` in this account"))
            .fix("create groups/<Name>/group.toml, or correct the name")
    })?;
    group.clone().ok_or_else(Rejected::told_elsewhere)
}
