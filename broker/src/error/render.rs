//! Findings as text for people: miette draws the line a finding is on.

use std::fmt::Write;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use super::{Diagnostic, Excerpt, Severity};

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
    let place = format!("{}:{}:{}", escaped(&finding.file.to_string_lossy()), finding.line, finding.column);
    let mut message = format!("{word}: {place}: {}", escaped(&finding.message));
    if let Some(cause) = &finding.cause {
        // Writing to a String cannot fail.
        let _ = write!(message, ": {}", escaped(cause));
    }
    let mut diagnostic = MietteDiagnostic::new(message).with_severity(severity);
    if let Some(fix) = &finding.fix {
        diagnostic = diagnostic.with_help(format!("fix: {}", escaped(fix)));
    }
    match finding.excerpt.as_ref().filter(|excerpt| excerpt.is_showable()) {
        Some(excerpt) => {
            let span = LabeledSpan::new_primary_with_span(None, (excerpt.start, excerpt.len.max(1)));
            let name = finding.file.to_string_lossy().into_owned();
            Report::new(diagnostic.with_label(span))
                .with_source_code(NamedSource::new(name, excerpt.text.to_string()))
        }
        None => Report::new(diagnostic),
    }
}

impl Excerpt {
    /// A line is shown unless it is long, holds control characters or looks like a URL with a password.
    fn is_showable(&self) -> bool {
        let end = self.start.saturating_add(self.len.max(1));
        let (Some(before), Some(_)) = (self.text.get(..self.start), self.text.get(self.start..end)) else {
            return false;
        };
        let start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        line.len() <= LONGEST_LINE
            && end <= start.saturating_add(line.len())
            && !line.chars().any(|character| character.is_control() && character != '\t')
            && !line.split_once("://").is_some_and(|(_, authority)| authority.contains('@'))
    }
}

/// What a file says is shown, never interpreted by the terminal.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
