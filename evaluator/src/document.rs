//! A policy document as it comes in, and what its kind may hold.

/// A policy document and what it is used as.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// How errors and explanations call it: a file path, an ARN.
    pub name: &'a str,
    /// The JSON text.
    pub text: &'a str,
    /// What it is used as.
    pub kind: Kind,
}

/// What a document is used as; decides its grammar and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Inline policy of a user, group or role. Limits are for all of an owner's together: see [`size`].
    Identity,
    /// Managed policy (attached, as a permissions boundary, or as a session policy).
    Managed,
    /// Role trust policy.
    Trust,
    /// Inline session policy.
    Session,
    /// Resource-based policy other than a role's trust policy.
    Resource,
    /// Service control policy.
    ServiceControl,
    /// Resource control policy.
    ResourceControl,
}

/// The longest text that the wire carries, white space included.
pub(crate) const MAX_BYTES: usize = 131_072;

impl Kind {
    /// The most characters that AWS lets one document of this kind have, white space not counted.
    ///
    /// Trust policies: the raised quota. Resource policies: S3's bucket policies.
    pub const fn limit(self) -> usize {
        match self {
            Self::Identity => 10_240,
            Self::Managed => 6_144,
            Self::Trust => 4_096,
            Self::Session => 2_048,
            Self::Resource => 20_480,
            Self::ServiceControl | Self::ResourceControl => 5_120,
        }
    }

    pub(crate) fn too_long(self) -> String {
        let limit = self.limit();
        match self {
            Self::Identity => format!("Maximum policy size of {limit} bytes exceeded"),
            Self::Trust => format!("Cannot exceed quota for ACLSizePerRole: {limit}"),
            _ => format!("Cannot exceed quota for PolicySize: {limit}"),
        }
    }

    pub(crate) const fn names_principals(self) -> bool {
        matches!(self, Self::Trust | Self::Resource | Self::ResourceControl)
    }
}

/// The characters of a document that count towards AWS's limits: all but white space.
pub fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}
