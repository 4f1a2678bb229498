//! Findings as text for people: miette draws the line a finding is on.

use std::fmt::Write;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents,
    Report, SourceCode, SourceSpan, SpanContents,
};

use super::{Diagnostic, Severity};

/// Lines longer than this are not shown: a minified policy would fill the screen.
const LONGEST_LINE: usize = 200;

/// All findings, an empty line after each.
pub(super) fn text<'d>(findings: impl Iterator<Item = &'d Diagnostic>, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_context_lines(0)
        .with_width(110)
        .with_break_words(false)
        .without_syntax_highlighting();
    let mut text = String::new();
    for finding in findings {
        if handler.render_report(&mut text, report(finding).as_ref()).is_err() {
            text.push_str(&finding.message);
        }
        text.push('\n');
    }
    text
}

fn report(finding: &Diagnostic) -> Report {
    let severity = match finding.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let line = Line::of(finding);
    let file = escaped(&finding.file.to_string_lossy());
    let mut message = match &line {
        Some(_) => format!("{word}: {}", escaped(&finding.message)),
        None => format!("{word}: {file}:{}:{}: {}", finding.line, finding.column, escaped(&finding.message)),
    };
    if let Some(cause) = &finding.cause {
        // Writing to a String cannot fail.
        let _ = write!(message, ": {}", escaped(cause));
    }
    let mut diagnostic = MietteDiagnostic::new(message).with_severity(severity);
    if let Some(fix) = &finding.fix {
        diagnostic = diagnostic.with_help(escaped(fix));
    }
    match line {
        Some(line) => {
            let span = LabeledSpan::new_primary_with_span(None, (line.start, line.length));
            Report::new(diagnostic.with_label(span)).with_source_code(line)
        }
        None => Report::new(diagnostic),
    }
}

/// The one line that a finding points into.
struct Line {
    file: String,
    text: String,
    number: usize,
    /// Bytes from the line's start, and how many of them are meant.
    start: usize,
    length: usize,
    column: usize,
}

impl Line {
    /// Nothing if the line is long, holds control characters or an `@`, which could end a password.
    fn of(finding: &Diagnostic) -> Option<Self> {
        let excerpt = finding.excerpt.as_ref()?;
        let before = excerpt.text.get(..excerpt.start)?;
        let start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let line = excerpt.text.get(start..)?.lines().next().unwrap_or_default();
        let at = excerpt.start.saturating_sub(start);
        let showable = line.len() <= LONGEST_LINE
            && at < line.len()
            && !line.chars().any(|character| character.is_control() && character != '\t')
            && !line.contains('@');
        showable.then(|| Self {
            file: escaped(&finding.file.to_string_lossy()),
            text: line.to_owned(),
            number: finding.line,
            start: at,
            length: excerpt.len.clamp(1, line.len().saturating_sub(at)),
            column: finding.column,
        })
    }
}

impl SourceCode for Line {
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let whole = SourceSpan::from((0, self.text.len()));
        let (line, column) = (self.number.saturating_sub(1), self.column.saturating_sub(1));
        let contents =
            MietteSpanContents::new_named(self.file.clone(), self.text.as_bytes(), whole, line, column, 1);
        Ok(Box::new(contents))
    }
}

/// What a file says is shown, never interpreted by the terminal.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
