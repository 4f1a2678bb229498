//! What has been ended: marks by scope, merged by maximum, and the view of them that every verification reads. Pure.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use ring::digest;

/// How far ahead of the clock a mark lies, so that no broker's skew lets a session slip past it: 240 s.
pub const MARK_LEAD_MS: u64 = 240_000;
/// How long marks are kept after a revocation: an hour longer than the longest session, 37 h.
pub const MARK_KEPT_MS: u64 = 37 * 3_600_000;
/// The mark that nothing is issued past.
pub const FOR_GOOD: u64 = u64::MAX;

/// What a revocation is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Scope {
    /// One session.
    Session = 0,
    /// All that was issued on one proof: an assertion, a token, a certificate's signed request.
    Proof = 1,
    /// A principal at its identity provider, or a source identity.
    Principal = 2,
    /// A role, by its immutable id.
    Role = 3,
    /// An identity provider or trust anchor, by its immutable id.
    Provider = 4,
    /// A certificate, by issuer key and serial.
    Certificate = 5,
    /// An account.
    Account = 6,
    /// A key of the keyring.
    Key = 7,
    /// Everything issued before: set when the store's history is lost and no peer can restore it.
    Everything = 8,
}

impl Scope {
    /// The scope of a stored number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Session,
            1 => Self::Proof,
            2 => Self::Principal,
            3 => Self::Role,
            4 => Self::Provider,
            5 => Self::Certificate,
            6 => Self::Account,
            7 => Self::Key,
            8 => Self::Everything,
            _ => return None,
        })
    }

    /// The scope's name on the command line and in audit lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Proof => "proof",
            Self::Principal => "principal",
            Self::Role => "role",
            Self::Provider => "provider",
            Self::Certificate => "certificate",
            Self::Account => "account",
            Self::Key => "key",
            Self::Everything => "everything",
        }
    }

    /// The mark that ends all that this scope covers now, given the mark that stands.
    pub fn mark(self, now_ms: u64, standing: Option<u64>) -> u64 {
        match self {
            Self::Session | Self::Proof => FOR_GOOD,
            _ => standing.unwrap_or(0).saturating_add(1).max(now_ms.saturating_add(MARK_LEAD_MS)),
        }
    }
}

/// Sixteen bytes that stand for what a scope names, fit for tokens and store keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub [u8; 16]);

impl ScopeId {
    /// The id of what `parts` name within `scope`, such as issuer and subject of a principal.
    pub fn new(scope: Scope, parts: &[&[u8]]) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&[scope as u8]);
        for part in parts {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(hash.finish().as_ref()) {
            *to = *from;
        }
        Self(id)
    }
}

impl std::fmt::Debug for ScopeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// A target of revocation: a scope and what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The kind of thing.
    pub scope: Scope,
    /// Which one.
    pub id: ScopeId,
}

impl Target {
    /// The target that `parts` name within `scope`.
    pub fn new(scope: Scope, parts: &[&[u8]]) -> Self {
        Self { scope, id: ScopeId::new(scope, parts) }
    }

    /// The mark's target for everything issued before it.
    pub fn everything() -> Self {
        static EVERYTHING: LazyLock<Target> = LazyLock::new(|| Target::new(Scope::Everything, &[]));
        *EVERYTHING
    }

    /// The target of all that one key of the keyring has sealed.
    pub fn key(id: crate::seal::KeyId) -> Self {
        Self::new(Scope::Key, &[&id.0.to_be_bytes()])
    }
}

/// A revocation: all that `target` covers with a stamp up to `at` is dead. Merged by maximum, so replays, reordering
/// and stale copies can only revoke more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// What is ended.
    pub target: Target,
    /// Unsigned milliseconds, compared with stamps.
    pub at: u64,
    /// No new session on `target` before this time (milliseconds); 0 for none.
    pub barred_until: u64,
    /// When the mark may be forgotten (milliseconds).
    pub kept_until: u64,
}

/// A session's id: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// The target that ends this session alone.
    pub fn target(self) -> Target {
        Target { scope: Scope::Session, id: ScopeId(self.0) }
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for SessionId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| ())?;
        bytes.try_into().map(Self).map_err(|_| ())
    }
}

/// One session of a chain, as its token carries it: when it began and all that can end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The session.
    pub session: SessionId,
    /// Later than every mark that stood when it was issued.
    pub stamp: u64,
    /// What can end it, besides its own id.
    pub targets: Vec<Target>,
}

/// Why nothing can be issued on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// Ended for good: a proof whose sessions were all ended.
    #[error("its {} was ended", .0.name())]
    Ended(Scope),
    /// Barred for a time.
    #[error("no new session on its {} until {until_ms} ms", .scope.name())]
    Until {
        /// What is barred.
        scope: Scope,
        /// The end of the bar, in milliseconds.
        until_ms: u64,
    },
}

/// All marks that a broker knows, held in memory.
#[derive(Debug, Clone, Default)]
pub struct View {
    marks: HashMap<Target, Standing>,
    /// Whether a key was ever marked: if not, no token's key needs to be looked for.
    marks_keys: bool,
}

#[derive(Debug, Clone, Copy)]
struct Standing {
    at: u64,
    barred_until: u64,
    kept_until: u64,
}

impl View {
    /// How many targets are marked.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Takes a mark in; true if the view changed.
    pub fn merge(&mut self, mark: &Mark) -> bool {
        self.marks_keys |= mark.target.scope == Scope::Key;
        let new = Standing { at: mark.at, barred_until: mark.barred_until, kept_until: mark.kept_until };
        let standing =
            self.marks.entry(mark.target).or_insert(Standing { at: 0, barred_until: 0, kept_until: 0 });
        let merged = Standing {
            at: standing.at.max(new.at),
            barred_until: standing.barred_until.max(new.barred_until),
            kept_until: standing.kept_until.max(new.kept_until),
        };
        let changed = (merged.at, merged.barred_until, merged.kept_until)
            != (standing.at, standing.barred_until, standing.kept_until);
        *standing = merged;
        changed
    }

    /// Forgets what nothing live can depend on any more.
    pub fn forget(&mut self, now_ms: u64) {
        self.marks.retain(|_, standing| standing.kept_until > now_ms);
    }

    /// Every mark, in no order.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.marks.iter().map(|(target, standing)| Mark {
            target: *target,
            at: standing.at,
            barred_until: standing.barred_until,
            kept_until: standing.kept_until,
        })
    }

    /// The mark that stands on a target.
    pub fn mark(&self, target: Target) -> Option<u64> {
        self.marks.get(&target).map(|standing| standing.at)
    }

    /// The scope whose mark ends a link, if any does.
    pub fn ends(&self, link: &Link) -> Option<Scope> {
        if self.marks.is_empty() {
            return None;
        }
        let own = link.session.target();
        std::iter::once(&own)
            .chain(&link.targets)
            .chain(std::iter::once(&Target::everything()))
            .find(|target| self.marks.get(target).is_some_and(|standing| standing.at >= link.stamp))
            .map(|target| target.scope)
    }

    /// Whether a mark ends what `key` sealed at `stamp`.
    pub fn ends_key(&self, key: crate::seal::KeyId, stamp: u64) -> bool {
        self.marks_keys && self.mark(Target::key(key)).is_some_and(|at| at >= stamp)
    }

    /// The stamp of a session issued now on `targets`: past the clock and past every mark that stands on them.
    pub fn stamp(&self, targets: &[Target], now: Timestamp) -> Result<u64, Barred> {
        let now_ms = millis(now);
        let mut stamp = now_ms;
        for target in targets.iter().chain(std::iter::once(&Target::everything())) {
            let Some(standing) = self.marks.get(target) else { continue };
            if standing.barred_until > now_ms {
                return Err(Barred::Until { scope: target.scope, until_ms: standing.barred_until });
            }
            if standing.at == FOR_GOOD {
                return Err(Barred::Ended(target.scope));
            }
            stamp = stamp.max(standing.at);
        }
        Ok(stamp.saturating_add(1))
    }
}

/// A time as unsigned milliseconds since 1970; 0 for anything before.
pub fn millis(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
