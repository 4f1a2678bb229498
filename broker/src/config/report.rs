//! Where every step leaves what it found, so that one reading tells all errors.

use std::{cell::RefCell, path::PathBuf, sync::Arc};

use crate::error::{Diagnostic, Diagnostics};

/// Collects findings; shared by the steps of one compilation.
#[derive(Debug, Default)]
pub(super) struct Report(RefCell<Diagnostics>);

impl Report {
    pub(super) fn new(found: Diagnostics) -> Self {
        Self(RefCell::new(found))
    }

    pub(super) fn push(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    /// All findings in the order of files and lines.
    pub(super) fn into_sorted(self) -> Diagnostics {
        self.0.into_inner().sorted()
    }
}

/// One file's text and the path it is told by.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: Arc<str>,
}

impl Source {
    /// An error about the whole file.
    pub(super) fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.path, message)
    }

    /// The same finding pointing at a line and column of this file, as policies report them.
    pub(super) fn place(&self, finding: Diagnostic, line: usize, column: usize) -> Diagnostic {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = self.text.get(start..).unwrap_or_default();
        let inner: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        finding.within(&self.text, start.saturating_add(inner), 1).at(line, column)
    }
}
