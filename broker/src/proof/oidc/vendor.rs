//! Claims that well-known issuers' tokens show to trust policies without an opt-in, as AWS lists them.

/// A claim that becomes a condition key: where it is in the token, and the key's name behind the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExposedClaim {
    /// Names of members from the outside in; usually one.
    pub(super) path: &'static [&'static str],
    /// The part of the condition key after `<issuer>:`.
    pub(super) name: &'static str,
}

macro_rules! claims {
    ($($name:literal),* $(,)?) => { &[$(ExposedClaim { path: &[$name], name: $name }),*] };
}

const GITHUB: &[ExposedClaim] = claims![
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "workflow",
];
const GITLAB: &[ExposedClaim] = claims![
    "namespace_id",
    "pipeline_source",
    "project_id",
    "ref_protected",
    "runner_environment",
    "user_access_level",
    "user_email",
    "user_id",
    "user_login",
];
const BUILDKITE: &[ExposedClaim] = claims![
    "build_branch",
    "cluster_id",
    "cluster_name",
    "organization_id",
    "organization_slug",
    "pipeline_id",
    "pipeline_slug",
];
const CIRCLECI: &[ExposedClaim] = claims!["oidc.circleci.com/project-id"];
const GOOGLE: &[ExposedClaim] =
    &[ExposedClaim { path: &["google", "organization_number"], name: "google/organization_number" }];

/// The claims of the issuer that is called `name` (its URL without the scheme); empty for any other.
pub(super) fn claims(name: &str) -> &'static [ExposedClaim] {
    let (host, path) = name.split_once('/').unwrap_or((name, ""));
    match host {
        "token.actions.githubusercontent.com" => GITHUB,
        "github.com" if path.starts_with("enterprises/") => GITHUB,
        "gitlab.com" if path.is_empty() => GITLAB,
        "agent.buildkite.com" if path.is_empty() => BUILDKITE,
        "oidc.circleci.com" if path.starts_with("org/") => CIRCLECI,
        "accounts.google.com" if path.is_empty() => GOOGLE,
        _ if is_github_enterprise(host) => GITHUB,
        _ => &[],
    }
}

/// `token.actions.<one label>.ghe.com`
fn is_github_enterprise(host: &str) -> bool {
    host.strip_prefix("token.actions.")
        .and_then(|rest| rest.strip_suffix(".ghe.com"))
        .is_some_and(|label| !label.is_empty() && !label.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_issuers_have_extra_claims() {
        for (name, count) in [
            ("token.actions.githubusercontent.com", 10),
            ("token.actions.githubusercontent.com/corp", 10),
            ("token.actions.corp.ghe.com", 10),
            ("github.com/enterprises/corp", 10),
            ("gitlab.com", 9),
            ("agent.buildkite.com", 7),
            ("oidc.circleci.com/org/1", 1),
            ("accounts.google.com", 1),
            ("gitlab.corp.test", 0),
            ("token.actions.a.b.ghe.com", 0),
            ("token.actions.githubusercontent.com.evil.test", 0),
        ] {
            assert_eq!(claims(name).len(), count, "{name}");
        }
    }
}
