//! Resources of a statement: `*` or ARNs, checked as IAM checks them.

use super::{Dialect, Elements, text::Text, texts};
use crate::arn::ArnPattern;
use crate::document::Kind;
use crate::error::{LEGACY, Problems, Rank};
use crate::statement::{ResourcePattern, Resources};
use crate::template::Syntax;

type Fault = (Rank, String, &'static str);

/// What IAM's own resources start with.
const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

pub(super) fn read(
    elements: &Elements<'_, '_>,
    statement: usize,
    dialect: Dialect,
    problems: &mut Problems,
) -> Option<Resources> {
    let Some(value) = elements.resource.or(elements.not_resource) else {
        if dialect.kind == Kind::Trust {
            return Some(Resources::Unnamed);
        }
        return missing(statement, problems);
    };
    if dialect.kind == Kind::Trust {
        let name = if elements.resource.is_some() { "Resource" } else { "NotResource" };
        let message = format!("Has prohibited field {name}.");
        problems.add(value.at, Rank::Resource, message, "remove it: a trust policy belongs to its role");
        return None;
    }
    let texts = texts(value, problems);
    if texts.is_empty() {
        return missing(value.at, problems);
    }
    let mut patterns = Vec::with_capacity(texts.len());
    for text in &texts {
        match resource(text, dialect) {
            Ok(pattern) => patterns.push(pattern),
            Err((rank, message, fix)) => problems.add(text.at, rank, message, fix),
        }
    }
    if patterns.len() < texts.len() {
        return None;
    }
    Some(if elements.resource.is_some() { Resources::Only(patterns) } else { Resources::Except(patterns) })
}

fn missing(at: usize, problems: &mut Problems) -> Option<Resources> {
    let message = "Policy statement must contain resources.";
    problems.add(at, Rank::ResourcesMissing, message, "add `Resource` with at least one ARN, or `*`");
    None
}

fn resource(Text { text, .. }: &Text, dialect: Dialect) -> Result<ResourcePattern, Fault> {
    if text == "*" {
        return Ok(ResourcePattern::Every);
    }
    check_shape(text)?;
    let syntax = Syntax { wildcards: true, variables: dialect.variables };
    let legacy = |fix| (Rank::Legacy, LEGACY.to_owned(), fix);
    let pattern = ArnPattern::parse(text, syntax).map_err(legacy)?;
    if pattern.has_variables_before_resource() {
        return Err(legacy("use variables only after the fifth colon"));
    }
    Ok(ResourcePattern::Arn(Box::new(pattern)))
}

fn check_shape(text: &str) -> Result<(), Fault> {
    let named = |message: String, fix| Err((Rank::Resource, message, fix));
    let fix = "write `arn:partition:service:region:account:resource`, or `*`";
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    let (Some(scheme), Some(partition)) = (next(), next()) else {
        return named(format!("Resource {text} must be in ARN format or \"*\"."), fix);
    };
    let [service, region, account, path] = [next(), next(), next(), next()];
    if !is_partition(partition) {
        let field = |part: Option<&str>| part.unwrap_or("*").to_owned();
        let shown = [field(service), field(region), field(account), field(path)].join(":");
        let message =
            format!("Partition \"{partition}\" is not valid for resource \"arn:{partition}:{shown}\".");
        return named(message, "name the partition: `aws`");
    }
    let qualified = |s: &&str| !s.contains(['*', '?']);
    let Some(service) = service.filter(qualified) else {
        let message = "Resource vendor must be fully qualified and cannot contain regexes.";
        return named(message.to_owned(), "name the service, without wildcards");
    };
    let (Some(region), Some(account), Some(path)) = (region, account, path) else {
        return Err((Rank::Legacy, LEGACY.to_owned(), fix));
    };
    if scheme != "arn" || service.is_empty() {
        return Err((Rank::Legacy, LEGACY.to_owned(), fix));
    }
    if service == "iam" && !region.is_empty() && region != "*" {
        return named(
            format!("IAM resource {text} cannot contain region information."),
            "leave the region empty",
        );
    }
    if service == "iam" && !is_iam_path(path) {
        let paths = IAM_PATHS.join(", ");
        let message = format!("IAM resource path must either be \"*\" or start with {paths}.");
        return named(message, "start the path with the resource's type");
    }
    if service == "s3" && !region.is_empty() && region != "*" && account.is_empty() {
        return named(
            format!("Resource {text} can not contain region information."),
            "leave the region empty",
        );
    }
    Ok(())
}

fn is_partition(name: &str) -> bool {
    name == "*" || name == "aws" || name.strip_prefix("aws-").is_some_and(|rest| !rest.is_empty())
}

fn is_iam_path(path: &str) -> bool {
    path == "*"
        || path == "root"
        || path.starts_with("${")
        || IAM_PATHS.iter().any(|start| path.starts_with(start))
}
