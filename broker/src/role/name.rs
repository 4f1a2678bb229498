//! Names with a pattern: each type holds only what its pattern allows (STS and IAM API references).

use std::sync::Arc;

/// Why a text is not the name it should be; a sentence about the rule, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct Invalid {
    rule: &'static str,
}

impl Invalid {
    pub(super) const fn new(rule: &'static str) -> Self {
        Self { rule }
    }

    /// The rule that was broken.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

/// Defines a cheap-to-clone text type that only `parse` builds.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&$name> for std::sync::Arc<str> {
            fn from(text: &$name) -> Self {
                Self::clone(&text.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(super) use text_type;

text_type! {
    /// A role's session name, `RoleSessionName`: 2 to 64 of `[\w+=,.@-]`.
    SessionName
}
text_type! {
    /// Who a session is really for, `SourceIdentity`: 2 to 64 of `[\w+=,.@-]`, not starting with `aws:`.
    SourceIdentity
}
text_type! {
    /// A role's name: 1 to 64 of `[\w+=,.@-]`, and neither `.` nor `..`, since it is a folder's name too.
    RoleName
}
text_type! {
    /// A user's name: 1 to 64 of `[\w+=,.@-]`, and neither `.` nor `..`, since it is a folder's name too.
    UserName
}
text_type! {
    /// A group's name: 1 to 128 of `[\w+=,.@-]`, and neither `.` nor `..`, since it is a folder's name too.
    GroupName
}
text_type! {
    /// A policy's name: 1 to 128 of `[\w+=,.@-]`, and neither `.` nor `..`.
    PolicyName
}
text_type! {
    /// A path of IAM: `/`, or up to 512 printable ASCII characters between slashes.
    Path
}

impl SessionName {
    /// The pattern as AWS's messages print it.
    pub const PATTERN: &str = r"[\w+=,.@-]*";

    /// Checks length and pattern.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if named(text, 2, 64) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    const INVALID: Invalid = Invalid::new(r"a session name is 2 to 64 characters of [\w+=,.@-]");
}

impl SourceIdentity {
    /// Checks length, pattern and the reserved prefix.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // `:` is outside the pattern, so a value starting `aws:` never passes it.
        if named(text, 2, 64) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    const INVALID: Invalid =
        Invalid::new(r"a source identity is 2 to 64 characters of [\w+=,.@-] and doesn't start with aws:");
}

impl RoleName {
    /// Checks length and pattern.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if Self::matches(text) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    pub(super) fn matches(text: &str) -> bool {
        named(text, 1, 64) && !dots(text)
    }

    const INVALID: Invalid = Invalid::new(r"a role's name is 1 to 64 characters of [\w+=,.@-], not . or ..");
}

impl UserName {
    /// Checks length and pattern.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if named(text, 1, 64) && !dots(text) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    const INVALID: Invalid = Invalid::new(r"a user's name is 1 to 64 characters of [\w+=,.@-], not . or ..");
}

impl GroupName {
    /// Checks length and pattern.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if named(text, 1, 128) && !dots(text) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    const INVALID: Invalid =
        Invalid::new(r"a group's name is 1 to 128 characters of [\w+=,.@-], not . or ..");
}

impl PolicyName {
    /// Checks length and pattern.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if named(text, 1, 128) && !dots(text) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    const INVALID: Invalid =
        Invalid::new(r"a policy's name is 1 to 128 characters of [\w+=,.@-], not . or ..");
}

impl Path {
    /// Checks that it starts and ends with `/`, has no `.`, `..` or empty segment, and its length.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if Self::matches(text) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    pub(super) fn matches(text: &str) -> bool {
        let printable = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && !b"*?:$".contains(&byte));
        let inner = text.strip_prefix('/').filter(|_| printable && text.len() <= 512);
        match inner {
            Some("") => true,
            Some(inner) => inner
                .strip_suffix('/')
                .is_some_and(|segments| segments.split('/').all(|one| !one.is_empty() && !dots(one))),
            None => false,
        }
    }

    const INVALID: Invalid = Invalid::new(
        "a path is / or /segments/ of at most 512 printable characters, without wildcards or ..",
    );
}

/// `[\w+=,.@-]` between two lengths; `\w` is ASCII only, as in AWS's patterns.
fn named(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

fn dots(text: &str) -> bool {
    text == "." || text == ".."
}
