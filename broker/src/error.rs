//! Findings about files an operator wrote: where, what, why and what to do about it.

mod render;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

/// How much a finding weighs: an error refuses the files, a warning doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One finding about one place in one file.
///
/// Lines and columns count from 1; a finding about a whole file, or about one that is missing, is at 1:1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

/// The text a finding points into, so that it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: Arc<str>,
    start: usize,
    len: usize,
}

impl Diagnostic {
    /// An error at the top of `file`.
    pub fn error(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.into(),
            line: 1,
            column: 1,
            message: message.into(),
            cause: None,
            fix: None,
            excerpt: None,
        }
    }

    /// A warning at the top of `file`.
    pub fn warning(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, message) }
    }

    /// The same finding at a line and column.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.line = line.max(1);
        self.column = column.max(1);
        self
    }

    /// The same finding, pointing at `len` bytes from byte `start` of the file's text; sets line and column.
    #[must_use]
    pub fn within(mut self, text: &Arc<str>, start: usize, len: usize) -> Self {
        (self.line, self.column) = position(text, start);
        self.excerpt = Some(Excerpt { text: Arc::clone(text), start, len });
        self
    }

    /// The same finding in other words.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same finding of another weight.
    #[must_use]
    pub fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same finding with the reason behind it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Line and column, from 1 and in characters, of a byte offset; an offset past the end is the end.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let (mut line, mut column) = (1, 1);
    for (at, character) in text.char_indices() {
        if at >= offset {
            break;
        }
        if character == '\n' {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    (line, column)
}

/// Every finding of one reading, errors and warnings, in the order of files and lines.
///
/// `Display` is text for a terminal without colours; serializing gives a list of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|found| found.severity == Severity::Error)
    }

    /// How many are errors, and how many warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.0.iter().filter(|found| found.severity == Severity::Error).count();
        (errors, self.0.len().saturating_sub(errors))
    }

    /// The findings, one after another.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// True without any finding.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Text for a terminal: each finding with its place, the line it is on, cause and fix.
    pub fn to_text(&self, colour: bool) -> String {
        render::text(self.iter(), colour)
    }

    /// The findings ordered by file and place, each once.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| {
            (&a.file, a.line, a.column, a.severity, &a.message)
                .cmp(&(&b.file, b.line, b.column, b.severity, &b.message))
        });
        self.0.dedup();
        self
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(found: I) -> Self {
        Self(found.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.to_text(false))
    }
}
