//! When everything is done, and how long a rollback still takes, as it is said on the screen.

use super::format;
use super::theme::Mark;
use crate::clock::Now;
use crate::session::forecast::{BackLeft, End, Forecast, Known, Moment};

/// `02:45`, or `≥02:45` where it may well be later.
#[must_use]
pub fn expected(moment: Moment, now: Now) -> String {
    let sign = if moment.at_least { "≥" } else { "" };
    format!("{sign}{}", now.hour_minute(moment.at))
}

/// `+4m`, `-2m`, `+1h20m`: how much later than planned, to the nearest minute.
#[must_use]
pub fn drift(late_ms: i64) -> String {
    let minutes = late_ms.unsigned_abs().saturating_add(30_000) / 60_000;
    let sign = if late_ms < 0 && minutes > 0 { '-' } else { '+' };
    match minutes {
        0..100 => format!("{sign}{minutes}m"),
        100..6_000 => format!("{sign}{}h{:02}", minutes / 60, minutes % 60),
        _ => format!("{sign}{}d", minutes / 1_440),
    }
}

/// What late is for the eye: from a minute on it stands out.
#[must_use]
pub fn mark(late_ms: Option<i64>) -> Option<Mark> {
    late_ms.filter(|late| *late >= 60_000).map(|_| Mark::Warn)
}

/// `ETA 03:24Z +4m`, `ETA ≥03:24Z`, `no estimate`; nothing while a rollback is under way.
#[must_use]
pub fn eta(forecast: &Forecast, now: Now) -> Option<String> {
    let late = forecast.late_ms().map(|late| format!(" {}", drift(late))).unwrap_or_default();
    match forecast.end {
        End::Over(at) => Some(format!("ended {}{late}", now.minute(at))),
        End::Expected(moment) => Some(format!("ETA {}Z{late}", expected(moment, now))),
        End::NoEstimate => Some("ETA unknown: no estimate".to_owned()),
        End::GoingBack | End::Without => None,
    }
}

/// `3:10 left as measured`, `at least 3:10 left`, `time left unknown`.
#[must_use]
pub fn back(left: &BackLeft) -> String {
    let time = format::took(left.ms);
    match left.known {
        Known::Measured | Known::Written => format!("{time} left {}", left.known.word()),
        Known::AtLeast => format!("at least {time} left"),
        Known::No => "time left unknown".to_owned(),
    }
}

/// `back 02:51Z`, `back ≥02:51Z`, `back ?`.
#[must_use]
pub fn back_at(left: &BackLeft, now: Now) -> String {
    let at_least = left.known == Known::AtLeast;
    left.at.map_or("back ?".to_owned(), |at| format!("back {}Z", expected(Moment { at, at_least }, now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_said_to_the_nearest_minute() {
        let drifts = [0, 29_000, 31_000, -29_000, -61_000, 8_400_000, 900_000_000].map(drift);
        assert_eq!(drifts, ["+0m", "+0m", "+1m", "+0m", "-1m", "+2h20", "+10d"]);
    }
}
