//! Issuers that many parties share, and how their subjects are built.
//!
//! After the IAM user guide, "Identity-provider controls for shared OIDC providers", with clusters added: every workload
//! of a cluster gets tokens of the same issuer.

/// What is known of an issuer by its name, the URL without the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Issuer {
    GitHub,
    GitLab,
    Kubernetes,
    /// Shared in another way.
    Shared,
    /// One organization's own, as far as is known.
    Private,
}

/// Hosts of issuers that serve many organizations.
const SHARED: [&str; 9] = [
    "agent.buildkite.com",
    "api.pulumi.com",
    "app.terraform.io",
    "oidc-configuration.audit-log.githubusercontent.com",
    "oidc.codefresh.io",
    "oidc.vercel.com",
    "proidc.upbound.io",
    "studio.datachain.ai",
    "vstoken.actions.githubusercontent.com",
];

impl Issuer {
    pub(super) fn of(name: &str) -> Self {
        let (host, path) = name.split_once('/').unwrap_or((name, ""));
        let host = host.split(':').next().unwrap_or_default();
        let enterprise = host.starts_with("token.actions.") && host.ends_with(".ghe.com");
        if host == "token.actions.githubusercontent.com" || enterprise {
            return Self::GitHub;
        }
        if host == "gitlab.com" {
            return Self::GitLab;
        }
        let cluster = host.starts_with("oidc.eks.")
            || host.starts_with("oidc-eks.")
            || host.ends_with(".oic.prod-aks.azure.com")
            || host == "kubernetes.default"
            || host.starts_with("kubernetes.default.svc")
            || (host == "container.googleapis.com" && path.starts_with("v1/projects/"));
        if cluster {
            return Self::Kubernetes;
        }
        // With a path of its own, Vercel's issuer is one team's.
        let own_path = host == "oidc.vercel.com" && !path.is_empty();
        if SHARED.contains(&host) && !own_path { Self::Shared } else { Self::Private }
    }

    pub(super) fn is_shared(self) -> bool {
        self != Self::Private
    }

    /// Claims that no later owner of a name gets; empty where none are known.
    pub(super) fn immutable_ids(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository_id", "repository_owner_id", "enterprise_id"],
            Self::GitLab => &["project_id", "namespace_id"],
            Self::Kubernetes | Self::Shared | Self::Private => &[],
        }
    }

    /// A subject as this issuer writes it.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::GitHub => "repo:<owner>/<repository>:ref:refs/heads/main",
            Self::GitLab => "project_path:<group>/<project>:ref_type:branch:ref:main",
            Self::Kubernetes => "system:serviceaccount:<namespace>:<name>",
            Self::Shared | Self::Private => "<subject>",
        }
    }
}

/// How subjects start, and the character that ends the part that tells one party from the others.
const SCHEMES: [(&str, char); 6] = [
    ("organization:", ':'),
    ("owner:", ':'),
    ("project_path:", '/'),
    ("pulumi:", ':'),
    ("repo:", '/'),
    ("system:serviceaccount:", ':'),
];

/// Whether a pattern's start, up to its first wildcard or variable, tells one party from all others.
pub(super) fn names_somebody(pattern: &str) -> bool {
    let end = pattern.find(['*', '?', '$']).unwrap_or(pattern.len());
    if end == pattern.len() {
        return !pattern.is_empty();
    }
    let start = pattern.get(..end).unwrap_or_default();
    for (scheme, stop) in SCHEMES {
        if scheme.starts_with(start) {
            return false;
        }
        if let Some(party) = start.strip_prefix(scheme) {
            return party.find(stop).is_some_and(|at| at > 0);
        }
    }
    !start.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j29_a_pattern_must_name_one_party() {
        for (pattern, names) in [
            ("repo:corp/shop:ref:refs/heads/main", true),
            ("repo:corp/*", true),
            ("repo:corp*", false),
            ("repo:*", false),
            ("repo:/*", false),
            ("rep*", false),
            ("*", false),
            ("?*", false),
            ("*:corp/shop", false),
            ("${aws:username}", false),
            ("", false),
            ("project_path:corp/*", true),
            ("project_path:corp*", false),
            ("system:serviceaccount:shop:*", true),
            ("system:serviceaccount:*:deploy", false),
            ("organization:corp:*", true),
            ("organization:corp*", false),
            ("user-4711", true),
            ("user-*", true),
        ] {
            assert_eq!(names_somebody(pattern), names, "{pattern}");
        }
    }

    #[test]
    fn j29_issuers_of_many_parties_are_known() {
        for (name, issuer) in [
            ("token.actions.githubusercontent.com", Issuer::GitHub),
            ("token.actions.githubusercontent.com/corp", Issuer::GitHub),
            ("token.actions.corp.ghe.com", Issuer::GitHub),
            ("gitlab.com", Issuer::GitLab),
            ("oidc.eks.eu-west-1.amazonaws.com/id/0A", Issuer::Kubernetes),
            ("kubernetes.default.svc.cluster.local", Issuer::Kubernetes),
            ("container.googleapis.com/v1/projects/p/locations/l/clusters/c", Issuer::Kubernetes),
            ("app.terraform.io", Issuer::Shared),
            ("oidc.vercel.com", Issuer::Shared),
            ("oidc.vercel.com/corp", Issuer::Private),
            ("idp.corp.test/realms/main", Issuer::Private),
            ("gitlab.com.evil.test", Issuer::Private),
        ] {
            assert_eq!(Issuer::of(name), issuer, "{name}");
        }
    }
}
