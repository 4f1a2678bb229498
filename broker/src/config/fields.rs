//! TOML tables read field by field: every wrong, missing or unknown field is reported with its line.

use std::{collections::BTreeMap, ops::Range};

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Report, Source};
use crate::{error::Diagnostic, role::Invalid};

/// The longest TOML file that is read.
const LONGEST: usize = 128 * 1024;

/// Why a value is refused, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) cause: String,
    pub(super) fix: Option<String>,
    told: bool,
}

impl Rejected {
    pub(super) fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), fix: None, told: false }
    }

    /// A value that is refused only because of something that is reported elsewhere.
    pub(super) fn told_elsewhere() -> Self {
        Self { told: true, ..Self::new("") }
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl From<Invalid> for Rejected {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.rule())
    }
}

/// Reads a whole file; nothing comes back if its syntax is wrong. Fields that `read` didn't ask for are errors.
pub(super) fn file<T>(
    source: &Source,
    report: &Report,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Option<T> {
    let table = parse(source, report)?;
    let mut fields = Fields::new(source, report, String::new(), 0..0, table.get_ref());
    let value = read(&mut fields);
    fields.finish();
    value
}

fn parse<'t>(source: &'t Source, report: &Report) -> Option<Spanned<DeTable<'t>>> {
    if source.text.len() > LONGEST {
        report.push(
            source
                .error("this file is too long")
                .because(format!("a TOML file is at most {LONGEST} bytes"))
                .fix("split it or remove what it doesn't need"),
        );
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let span = error.span().unwrap_or_default();
        report.push(
            source
                .error("this is not valid TOML")
                .within(&source.text, span.start, span.len())
                .because(error.message().to_owned())
                .fix("write it as TOML, one `key = value` a line"),
        );
    }
    errors.is_empty().then_some(table)
}

/// One table's fields, taken by name one after another.
pub(super) struct Fields<'t> {
    source: &'t Source,
    report: &'t Report,
    name: String,
    place: Range<usize>,
    left: BTreeMap<&'t str, (Range<usize>, &'t DeValue<'t>)>,
    known: Vec<&'static str>,
    places: BTreeMap<&'static str, Range<usize>>,
}

impl<'t> Fields<'t> {
    fn new(
        source: &'t Source,
        report: &'t Report,
        name: String,
        place: Range<usize>,
        table: &'t DeTable<'t>,
    ) -> Self {
        let left = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), (key.span(), value.get_ref())))
            .collect();
        Self { source, report, name, place, left, known: Vec::new(), places: BTreeMap::new() }
    }

    /// The field's value; a wrong one is reported and counts as absent.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Rejected>,
    ) -> Option<T> {
        let (place, value) = self.take(key)?;
        match read(value) {
            Ok(value) => Some(value),
            Err(rejected) if rejected.told => None,
            Err(rejected) => {
                self.report.push(self.rejection(key, &place, rejected));
                None
            }
        }
    }

    /// The field's value; a missing one is reported with the fix.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        fix: &str,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Rejected>,
    ) -> Option<T> {
        if !self.left.contains_key(key) {
            self.known.push(key);
            let found = self.source.error(format!("`{}` is missing", self.path(key)));
            let found = if self.place.is_empty() {
                found
            } else {
                found.within(&self.source.text, self.place.start, self.place.len())
            };
            self.report.push(found.fix(fix));
            return None;
        }
        self.optional(key, read)
    }

    /// The field's value or, when it is absent or wrong (which is reported), the default.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Rejected>,
    ) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// The field's value, the default when it is absent, and nothing when it is wrong, which is reported.
    pub(super) fn or_nothing<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Rejected>,
    ) -> Option<T> {
        if self.left.contains_key(key) {
            return self.optional(key, read);
        }
        self.known.push(key);
        Some(default)
    }

    /// A table inside this one, read by `read`; an absent one is read as if it were empty.
    pub(super) fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        let empty = DeTable::new();
        let (place, table) = match self.take(key) {
            None => (0..0, &empty),
            Some((place, DeValue::Table(table))) => (place, table),
            Some((place, _)) => {
                let rejected = Rejected::new("it must be a table").fix(format!("write [{key}]"));
                self.report.push(self.rejection(key, &place, rejected));
                (place, &empty)
            }
        };
        let mut fields = Fields::new(self.source, self.report, self.path(key), place, table);
        let value = read(&mut fields);
        fields.finish();
        value
    }

    /// Every table of an array of tables; those that `read` finds wrong are left out.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Fields<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some((place, value)) = self.take(key) else {
            return Vec::new();
        };
        let tables = match value {
            DeValue::Array(array) => array.iter().map(|one| (one.span(), one.get_ref().as_table())).collect(),
            _ => vec![(place.clone(), None)],
        };
        let mut values = Vec::new();
        for (span, table) in tables {
            let Some(table) = table else {
                let rejected = Rejected::new("each must be a table").fix(format!("write [[{key}]]"));
                self.report.push(self.rejection(key, &place, rejected));
                continue;
            };
            let mut fields = Fields::new(self.source, self.report, self.path(key), span, table);
            values.extend(read(&mut fields));
            fields.finish();
        }
        values
    }

    /// Reports a finding that was made with this table's fields.
    pub(super) fn report(&self, finding: Diagnostic) {
        self.report.push(finding);
    }

    /// Reports an error about a field that was taken before, at its line; about a missing one at the table's.
    pub(super) fn error(&self, key: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.report.push(self.located(key, self.source.error(message)).fix(fix));
    }

    /// Reports a warning about a field that was taken before.
    pub(super) fn warning(&self, key: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.report.push(self.located(key, Diagnostic::warning(&self.source.path, message)).fix(fix));
    }

    /// The finding placed at a field, for checks that need more than the field's own file.
    pub(super) fn located(&self, key: &str, finding: Diagnostic) -> Diagnostic {
        let place = self.places.get(key).unwrap_or(&self.place);
        if place.is_empty() {
            return finding;
        }
        finding.within(&self.source.text, place.start, place.len())
    }

    fn take(&mut self, key: &'static str) -> Option<(Range<usize>, &'t DeValue<'t>)> {
        self.known.push(key);
        let (place, value) = self.left.remove(key)?;
        self.places.insert(key, place.clone());
        Some((place, value))
    }

    fn rejection(&self, key: &str, place: &Range<usize>, rejected: Rejected) -> Diagnostic {
        let found = self
            .source
            .error(format!("`{}` is invalid", self.path(key)))
            .within(&self.source.text, place.start, place.len())
            .because(rejected.cause);
        found.fix(rejected.fix.unwrap_or_else(|| format!("correct the value of `{key}`")))
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn finish(self) {
        for (key, (place, _)) in &self.left {
            let fix = match nearest(key, &self.known) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("remove it; known here: {}", self.known.join(", ")),
            };
            self.report.push(
                self.source
                    .error(format!("unknown field `{}`", self.path(key)))
                    .within(&self.source.text, place.start, place.len())
                    .fix(fix),
            );
        }
    }
}

/// The known name within two edits of what was written.
fn nearest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    if written.len() > 64 {
        return None;
    }
    let distance = |name: &str| edits(written.as_bytes(), name.as_bytes());
    known.iter().copied().filter(|name| distance(name) <= 2).min_by_key(|name| distance(name))
}

/// Levenshtein's distance.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left = i.saturating_add(1);
        let mut diagonal = i;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal.saturating_add(usize::from(x != y));
            diagonal = *cell;
            left = replaced.min(diagonal.saturating_add(1)).min(left.saturating_add(1));
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or_default()
}
