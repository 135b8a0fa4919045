//! A finding about a runbook: where, what, and what to do; as text with the source line, and as JSON.

use std::collections::HashSet;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::json;

use super::codes::Code;
use crate::text::safe;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The runbook cannot be used.
    Error,
    /// It can, but an operator should know.
    Warning,
}

/// One finding. Its texts are safe to display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub code: Code,
    /// A sentence without its full stop: what is wrong.
    pub message: String,
    /// Bytes of the source.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error; severity follows from the code.
    #[must_use]
    pub fn new(code: Code, span: Range<usize>, message: impl AsRef<str>) -> Self {
        let severity = if code.as_str().starts_with('W') { Severity::Warning } else { Severity::Error };
        Self { severity, code, message: safe(message.as_ref()).into_owned(), span, help: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Some(safe(help.as_ref()).into_owned());
        self
    }

    /// Line and column of its beginning, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self, source: &str) -> (usize, usize) {
        position(source, self.span.start)
    }

    /// As text: `file:line:col: error[E012]: …`, the source line with a caret, the help.
    #[must_use]
    pub fn render(&self, file: &str, source: &str, color: bool) -> String {
        let (line, column) = self.position(source);
        let level = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut text = format!("{}:{line}:{column}: {level}[{}]: {}\n", safe(file), self.code, self.message);
        text.push_str(&self.snippet(source, line, color));
        if let Some(help) = &self.help {
            text.push_str(&format!("  = help: {help}\n"));
        }
        text
    }

    /// The source line with its caret. Only the first line of the span is shown, made safe for a terminal.
    fn snippet(&self, source: &str, line: usize, color: bool) -> String {
        let begin = floor(source, self.span.start);
        let from = source[..begin].rfind('\n').map_or(0, |i| i + 1);
        let to = source[begin..].find('\n').map_or(source.len(), |i| begin + i);
        let end = floor(source, self.span.end.clamp(begin, to));
        let before = safe(&source[from..begin]).into_owned();
        let marked = safe(&source[begin..end]).into_owned();
        let after = safe(source[end..to].trim_end_matches('\r')).into_owned();
        let shown = format!("{before}{marked}{after}");
        let span = before.len()..(before.len() + marked.len());
        let snippet = Snippet::source(shown).line_start(line).annotation(AnnotationKind::Primary.span(span));
        let report = [Level::ERROR.no_name().primary_title("").element(snippet)];
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        // Its title is our own first line, so the renderer's is dropped.
        let text = renderer.render(&report);
        let body = text.split_once('\n').map_or("", |(_, body)| body);
        format!("{}\n", body.trim_end())
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self, file: &str, source: &str) -> serde_json::Value {
        let (line, column) = self.position(source);
        let (end_line, end_column) = position(source, self.span.end);
        json!({
            "file": file,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "severity": match self.severity { Severity::Error => "error", Severity::Warning => "warning" },
            "code": self.code.as_str(),
            "message": self.message,
            "help": self.help,
        })
    }
}

/// Line and column of a byte, both from 1.
fn position(source: &str, byte: usize) -> (usize, usize) {
    let before = &source[..floor(source, byte)];
    let line = before.matches('\n').count() + 1;
    let column = before[before.rfind('\n').map_or(0, |i| i + 1)..].chars().count() + 1;
    (line, column)
}

/// The nearest byte at or before `byte` where a character begins.
fn floor(source: &str, byte: usize) -> usize {
    let mut at = byte.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Findings as they are gathered; what was found twice is kept once.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Diagnostic>,
    known: HashSet<(usize, Code, String)>,
    /// Spans whose value was replaced to go on: what would be said about the stand-in is not said.
    replaced: Vec<Range<usize>>,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        if self.known.insert((diagnostic.span.start, diagnostic.code, diagnostic.message.clone())) {
            self.found.push(diagnostic);
        }
    }

    /// Adds a finding about meaning, unless the value there is a stand-in for one that was already found wrong.
    pub fn about(&mut self, diagnostic: Diagnostic) {
        let span = &diagnostic.span;
        if !self.replaced.iter().any(|r| r.start <= span.start && span.end <= r.end) {
            self.add(diagnostic);
        }
    }

    /// Notes that the value there is a stand-in from here on.
    pub fn replaced(&mut self, span: Range<usize>) {
        self.replaced.push(span);
    }

    /// Whether there is any error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// Drops what was found within these places, apart from syntax errors: what was read there is a guess.
    pub fn drop_guesses(&mut self, places: &[Range<usize>]) {
        let guess =
            |d: &Diagnostic| d.code != Code::Syntax && places.iter().any(|p| p.contains(&d.span.start));
        self.found.retain(|d| !guess(d));
    }

    /// The places of the syntax errors.
    #[must_use]
    pub fn syntax_errors(&self) -> Vec<Range<usize>> {
        self.found.iter().filter(|d| d.code == Code::Syntax).map(|d| d.span.clone()).collect()
    }

    /// The findings in the order of the file.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| (d.span.start, d.code));
        self.found
    }
}
