//! How reports say times, spans and outcomes, whatever their form.

use chrono::{DateTime, Utc};

use super::model::{Attempt, Entry, Member, Report, StageStatus, StepStatus, When, Window};
use crate::event::Outcome;

/// A span of time, short: `250ms`, `3.2s`, `15s`, `2m 41s`, `26h 4m`.
#[must_use]
pub fn span(ms: u64) -> String {
    let (s, m, h) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
    let two = |large: u64, of: &str, small: u64, also: &str| match small {
        0 => format!("{large}{of}"),
        _ => format!("{large}{of} {small}{also}"),
    };
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 if ms % 1_000 >= 100 => format!("{s}.{}s", ms % 1_000 / 100),
        1_000..60_000 => format!("{s}s"),
        60_000..3_600_000 => two(m, "m", s % 60, "s"),
        _ => two(h, "h", m % 60, "m"),
    }
}

/// What it took of what it was to take, `4.2s of 4s`; where both round to the same, to the millisecond: `4s 3ms of 4s`.
#[must_use]
pub fn span_of(took_ms: u64, of_ms: u64) -> String {
    if took_ms != of_ms && span(took_ms) == span(of_ms) {
        let exactly = |ms| humantime::format_duration(std::time::Duration::from_millis(ms));
        return format!("{} of {}", exactly(took_ms), exactly(of_ms));
    }
    format!("{} of {}", span(took_ms), span(of_ms))
}

/// The time of day in UTC, and the date where it is not the day on which the session was opened.
#[must_use]
pub fn clock(report: &Report, when: When) -> String {
    let same_day = when.at.date_naive() == report.session.opened.at.date_naive();
    when.at.format(if same_day { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
}

/// How it went, in capitals: `COMPLETED`, and of a session that is not closed, `RUNNING, so far`.
#[must_use]
pub fn outcome(report: &Report) -> String {
    match report.session.outcome {
        Some(Outcome::Completed) => "COMPLETED".to_owned(),
        Some(Outcome::RolledBack) if report.rollbacks.last().is_some_and(|r| !r.skipped.is_empty()) => {
            "ROLLED BACK, NOT ALL: undo steps were skipped".to_owned()
        }
        Some(Outcome::RolledBack) => "ROLLED BACK".to_owned(),
        Some(Outcome::Aborted) => "ABORTED".to_owned(),
        None => format!("{}, so far", report.session.situation.word().to_uppercase()),
    }
}

/// Who had the wheel, in the order in which they first had it.
#[must_use]
pub fn drivers(report: &Report) -> Vec<&Member> {
    let mut drivers: Vec<&Member> = report.crew.iter().filter(|member| !member.wheel.is_empty()).collect();
    drivers.sort_by_key(|member| member.wheel[0].from_ms);
    drivers
}

/// How we know who somebody is.
#[must_use]
pub fn known(member: &Member) -> String {
    match &member.known_as {
        Some(known) => known.clone(),
        None => format!("uid {}, not told apart from others", member.uid),
    }
}

/// A stage's state in a word.
#[must_use]
pub fn stage_status(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Pending => "not entered",
        StageStatus::Active => "active",
        StageStatus::AtGate => "at its gate",
        StageStatus::Passed => "passed",
        StageStatus::RollingBack => "rolling back",
        StageStatus::RolledBack => "rolled back",
        StageStatus::Skipped => "skipped",
    }
}

/// A step's state in a word.
#[must_use]
pub fn step_status(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "not run",
        StepStatus::Running => "running",
        StepStatus::Waiting => "waiting",
        StepStatus::Passed => "passed",
        StepStatus::Failed => "failed",
        StepStatus::Unknown => "unknown",
        StepStatus::Skipped => "skipped",
    }
}

/// How a soak of one passage went, against what was asked for: `2m reached, broken once`.
#[must_use]
pub fn soak(asked_ms: u64, entry: &Entry) -> String {
    let soak = &entry.soak;
    let came = match (&soak.reached, &soak.started) {
        (Some(_), _) => "reached",
        (None, Some(_)) => "not reached",
        (None, None) => "not started",
    };
    let broken = match soak.breaks.len() {
        0 => String::new(),
        1 => ", broken once".to_owned(),
        n => format!(", broken {n} times"),
    };
    format!("{} {came}{broken}", span(asked_ms))
}

/// How an attempt ended: `passed in 48.9s`, `failed in 30s: exit 1 (expected: exit 0)`.
#[must_use]
pub fn attempt(attempt: &Attempt) -> String {
    let took = attempt.took_ms.map(|took| format!(" in {}", span(took))).unwrap_or_default();
    let why = match attempt.why.as_str() {
        "" => String::new(),
        why => format!(": {why}"),
    };
    format!("{}{took}{why}", step_status(attempt.status))
}

/// From when until when the work was to be done.
pub fn change_window(window: &Window) -> String {
    let moment = |word: &str, at: DateTime<Utc>| format!("{word} {}", at.format("%Y-%m-%d %H:%M UTC"));
    let ends = [window.opens.map(|at| moment("from", at)), window.closes.map(|at| moment("until", at))];
    ends.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        for (ms, said) in [
            (0, "0ms"),
            (250, "250ms"),
            (3_250, "3.2s"),
            (15_040, "15s"),
            (120_000, "2m"),
            (161_999, "2m 41s"),
            (93_840_000, "26h 4m"),
        ] {
            assert_eq!(span(ms), said);
        }
    }

    #[test]
    fn what_took_a_little_longer_is_not_said_to_have_taken_as_long() {
        assert_eq!(span_of(4_003, 4_000), "4s 3ms of 4s");
        assert_eq!(span_of(161_999, 161_000), "2m 41s 999ms of 2m 41s");
        assert_eq!(span_of(4_200, 4_000), "4.2s of 4s");
        assert_eq!(span_of(4_000, 4_000), "4s of 4s");
    }
}
