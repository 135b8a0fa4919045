//! States, times and sizes as the page says them: a state is a glyph and a word in a colour, never the colour alone.

use chrono::{DateTime, Utc};

use super::markup::{Markup, html};
use crate::event::{Health, Outcome};
use crate::report::Report;
use crate::report::model::{StageStatus, StepStatus};
pub use crate::report::words::span as took;

/// A glyph, a word and the class of their colour.
pub type State = (&'static str, &'static str, &'static str);

/// A state in a line of text.
pub fn state((glyph, word, class): State) -> Markup {
    html!("<span class='s {}'>{} {}</span>", class, glyph, word)
}

pub fn health(health: Health) -> State {
    match health {
        Health::Idle => ("·", "IDLE", "pending"),
        Health::Pending => ("·", "PENDING", "pending"),
        Health::Ok => ("✓", "OK", "ok"),
        Health::Failing => ("✗", "FAIL", "fail"),
        Health::Stale => ("~", "STALE", "stale"),
    }
}

pub fn stage(status: StageStatus) -> State {
    match status {
        StageStatus::Pending => ("·", "PENDING", "pending"),
        StageStatus::Active => ("▶", "RUNNING", "running"),
        StageStatus::AtGate => ("?", "AT GATE", "ask"),
        StageStatus::Passed => ("✓", "DONE", "ok"),
        StageStatus::RollingBack => ("▲", "ROLLING BACK", "warn"),
        StageStatus::RolledBack => ("▲", "ROLLED BACK", "warn"),
        StageStatus::Skipped => ("·", "SKIPPED", "pending"),
    }
}

pub fn step(status: StepStatus) -> State {
    match status {
        StepStatus::Pending => ("·", "PENDING", "pending"),
        StepStatus::Running => ("▶", "RUNNING", "running"),
        StepStatus::Waiting => ("?", "ASKS", "ask"),
        StepStatus::Passed => ("✓", "DONE", "ok"),
        StepStatus::Failed => ("✗", "FAILED", "fail"),
        StepStatus::Unknown => ("?", "UNKNOWN", "stale"),
        StepStatus::Skipped => ("·", "SKIPPED", "pending"),
    }
}

pub fn outcome(outcome: Option<Outcome>) -> State {
    match outcome {
        Some(Outcome::Completed) => ("✓", "COMPLETED", "ok"),
        Some(Outcome::RolledBack) => ("▲", "ROLLED BACK", "warn"),
        Some(Outcome::Aborted) => ("✗", "ABORTED", "fail"),
        None => ("▶", "NOT CLOSED", "running"),
    }
}

pub fn met(met: bool) -> State {
    if met { ("✓", "MET", "ok") } else { ("✗", "NOT MET", "fail") }
}

pub fn go(go: bool) -> State {
    if go { ("✓", "GO", "ok") } else { ("✗", "NO-GO", "fail") }
}

/// `T+00:42:17`: session time.
pub fn since_start(t_ms: u64) -> String {
    let s = t_ms / 1000;
    format!("T+{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Whether everything is of the day on which the session was opened.
pub fn in_one_day(report: &Report) -> bool {
    report.session.opened.at.date_naive() == report.session.last.at.date_naive()
}

/// `02:42:17Z`, as what a machine reads too; its day shows where the session lasted into another one.
pub fn clock(at: DateTime<Utc>) -> Markup {
    html!(
        "<time class='time' datetime='{}'><span class='day'>{} </span>{}</time>",
        at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        at.format("%Y-%m-%d").to_string(),
        at.format("%H:%M:%SZ").to_string()
    )
}

/// `2026-11-20 02:42:17Z`.
pub fn date(at: DateTime<Utc>) -> Markup {
    html!(
        "<time class='time' datetime='{}'>{}</time>",
        at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        at.format("%Y-%m-%d %H:%M:%SZ").to_string()
    )
}

/// `312 B`, `8.8 MB`, in powers of 1000.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut unit, mut size, mut tenths) = (0, n, 0);
    while size >= 1000 && unit + 1 < UNITS.len() {
        (tenths, size, unit) = (size % 1000 / 100, size / 1000, unit + 1);
    }
    if unit == 0 || size >= 100 {
        format!("{size} {}", UNITS[unit])
    } else {
        format!("{size}.{tenths} {}", UNITS[unit])
    }
}

/// A measured number: as many digits as tell it apart.
pub fn number(value: f64) -> String {
    match value.abs() {
        1e15.. => format!("{value:e}"),
        100.0.. => format!("{value:.0}"),
        1.0.. => trimmed(format!("{value:.2}")),
        _ => trimmed(format!("{value:.4}")),
    }
}

fn trimmed(number: String) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sizes_and_numbers_read_as_people_say_them() {
        assert_eq!(since_start(2_537_000), "T+00:42:17");
        assert_eq!(
            [312, 1_240, 88_000_000, 888_000_000].map(bytes),
            ["312 B", "1.2 kB", "88.0 MB", "888 MB"]
        );
        assert_eq!([0.0, 0.02, 7.2, 200.0, 1e18].map(number), ["0", "0.02", "7.2", "200", "1e18"]);
    }
}
