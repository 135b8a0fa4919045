//! What proves that something worked: matchers over what was seen, pure, for steps and checks alike. Each turns one
//! expectation into one [`Proof`], and what was not seen is never a met one.

mod capture;
mod duration;
mod exit;
pub(crate) mod json;
mod report;
mod status;
mod text;

pub use capture::{CaptureError, LONGEST_CAPTURE, capture};
pub use duration::duration;
pub use exit::{Ended, exit};
pub use report::{Before, FileMark, FileSeen, ReportSeen, report};
pub use status::{Answer, Body, answer};
pub use text::{Text, excerpt, first_match, text, unread};

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Pattern, RunExpect};
use crate::runbook::patterns;

/// One thing that was expected, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was expected, as an operator reads it: `output matches /^overall: PASS$/`.
    pub expected: String,
    pub met: bool,
    /// What was seen: `line 12: "overall: PASS"`, `no match in 312 lines`.
    pub seen: String,
}

impl Proof {
    /// One expectation and what was seen for it.
    pub fn new(expected: impl Into<String>, met: bool, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), met, seen: seen.into() }
    }
}

/// Whether everything was met. Without any proof nothing is.
#[must_use]
pub fn all_met(proofs: &[Proof]) -> bool {
    !proofs.is_empty() && proofs.iter().all(|p| p.met)
}

/// The first thing that was not met, as one line: `no match in 312 lines (expected: output matches /PASS/)`.
#[must_use]
pub fn why_not(proofs: &[Proof]) -> Option<String> {
    if proofs.is_empty() {
        return Some("nothing was seen that could prove it".to_owned());
    }
    let unmet: Vec<&Proof> = proofs.iter().filter(|p| !p.met).collect();
    let first = unmet.first()?;
    let more = match unmet.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(format!("{} (expected: {}){more}", first.seen, first.expected))
}

/// A decoded text, or why it cannot be read.
pub type Read<'a> = Result<&'a str, &'a str>;

/// What a command wrote: both streams together in order of arrival, and each alone.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    pub both: Read<'a>,
    pub stdout: Read<'a>,
    pub stderr: Read<'a>,
    /// The limit in bytes at which the output was cut, where it was.
    pub cut: Option<u64>,
    /// A secret was in it before it was masked; by which stream is not known.
    pub leaked: bool,
}

/// Judges a command that has ended. The exit is always among the proofs, also where nothing else is expected.
/// `reports` are what was seen for each of `expect.report`, in its order; a missing one is not met.
#[must_use]
pub fn run(
    expect: &RunExpect,
    ended: Ended,
    output: Output<'_>,
    reports: &[ReportSeen],
    scope: &Scope,
) -> Vec<Proof> {
    let mut proofs = vec![exit(&expect.exit, ended)];
    for (name, all, over) in [
        ("output", output.both, &expect.text),
        ("stdout", output.stdout, &expect.stdout),
        ("stderr", output.stderr, &expect.stderr),
    ] {
        proofs.extend(match all {
            Ok(all) => text(over, Text { name, text: all, cut: output.cut, leaked: output.leaked }, scope),
            Err(why) => unread(over, name, why, scope),
        });
    }
    for (i, wanted) in expect.report.iter().enumerate() {
        match reports.get(i) {
            Some(seen) => proofs.extend(report(wanted, seen, scope)),
            None => proofs.push(Proof::new(
                format!("report {} is written by this attempt", wanted.path.as_str()),
                false,
                "it was not looked at",
            )),
        }
    }
    proofs
}

/// Compiles a pattern with the run-time values of `scope`, in multi-line mode.
///
/// # Errors
/// A sentence: a value is missing, or the pattern does not compile.
pub fn compile(pattern: &Pattern, scope: &Scope) -> Result<Regex, String> {
    let source = scope.pattern(pattern).map_err(|e| e.to_string())?;
    patterns::of_lines(&source).map_err(|e| format!("the pattern /{source}/ does not compile: {e}"))
}

/// A byte count as people write it: `64 MiB`, `1.5 KiB`, `312 bytes`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} bytes");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut size = n as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let text = format!("{size:.1}");
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), UNITS[unit])
}

/// A span of time as people say it, in its largest unit: `14 h`, `3 min`, `250 ms`.
pub(crate) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(expect: &RunExpect, ended: Ended) -> Vec<Proof> {
        run(
            expect,
            ended,
            Output { both: Ok(""), stdout: Ok(""), stderr: Ok(""), cut: None, leaked: false },
            &[],
            &Scope::default(),
        )
    }

    #[test]
    fn a_command_that_expects_nothing_is_still_judged_by_its_exit() {
        let proofs = silent(&RunExpect::default(), Ended::Code(1));
        assert_eq!(proofs.len(), 1);
        assert!(!all_met(&proofs));
        assert!(all_met(&silent(&RunExpect::default(), Ended::Code(0))));
    }

    #[test]
    fn no_proof_at_all_is_not_green() {
        assert!(!all_met(&[]));
        assert!(why_not(&[]).is_some());
    }

    #[test]
    fn sizes_and_spans_read_well() {
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(span(14 * 3_600_000 + 5), "14 h");
        assert_eq!(span(90_000), "1 min");
        assert_eq!(span(3 * 86_400_000), "3 d");
    }
}
