//! Where a moment of a session lies in a picture, and which moments its axis names.

use chrono::{DateTime, Utc};

/// The time that a picture spans: a whole session, from its first event on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Where it ends, in session time.
    to_ms: u64,
    /// The wall clock at session time 0.
    zero: DateTime<Utc>,
}

/// A moment that an axis names.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Per cent of the picture's width.
    pub x: f64,
    pub label: String,
}

/// Seconds from one tick to the next that people count in.
const STEPS: [i64; 17] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
const DAY_S: i64 = 86_400;

impl Scale {
    /// A scale up to a moment; never shorter than a second, so that nothing is divided by zero.
    #[must_use]
    pub fn new(to_ms: u64, zero: DateTime<Utc>) -> Self {
        Self { to_ms: to_ms.max(1000), zero }
    }

    /// Where it ends, in session time.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.to_ms
    }

    /// Per cent of the width at which a moment lies; one behind the end lies on the edge.
    #[must_use]
    pub fn x(&self, t_ms: u64) -> f64 {
        round(100.0 * real(t_ms.min(self.to_ms)) / real(self.to_ms))
    }

    /// At most `most` steps between moments at round times of the wall clock, in UTC. Minutes where that is enough,
    /// seconds where the ticks are closer, and the date where a tick begins a day.
    #[must_use]
    pub fn ticks(&self, most: i64) -> Vec<Tick> {
        let span_ms = i64::try_from(self.to_ms).unwrap_or(i64::MAX);
        let span_s = span_ms / 1000;
        let enough = |step: &i64| span_s / step <= most.max(1);
        let days = || (span_s / DAY_S / most.max(1) + 1) * DAY_S;
        let step = STEPS.into_iter().find(enough).unwrap_or_else(days);
        let zero_ms = self.zero.timestamp_millis();
        let first = zero_ms.div_euclid(step * 1000) + i64::from(zero_ms.rem_euclid(step * 1000) > 0);
        // Never more than were asked for, whatever a log says of its time.
        let moments = (first..).take(usize::try_from(most).unwrap_or(0) + 2);
        let inside = moments
            .map(|number| number.saturating_mul(step * 1000))
            .map(|at_ms| (at_ms, at_ms.saturating_sub(zero_ms)))
            .take_while(|(_, t)| *t <= span_ms);
        inside
            .map(|(at_ms, t_ms)| Tick { x: self.x(t_ms.unsigned_abs()), label: label(at_ms, step) })
            .collect()
    }
}

fn label(at_ms: i64, step: i64) -> String {
    let Some(at) = DateTime::from_timestamp_millis(at_ms) else { return String::new() };
    let format = match step {
        DAY_S.. => "%m-%d",
        _ if (at_ms / 1000).rem_euclid(DAY_S) == 0 => "%m-%d %H:%M",
        60.. => "%H:%M",
        _ => "%H:%M:%S",
    };
    at.format(format).to_string()
}

/// A number of a picture, short: two digits behind the point are a hundredth of a per cent.
#[must_use]
pub fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Whole numbers of a picture; beyond 2^53 they are as near as it matters for drawing.
#[expect(clippy::cast_precision_loss, reason = "a picture needs no more than 53 bits")]
pub fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(to_ms: u64) -> Scale {
        let zero = DateTime::from_timestamp(1_799_978_350, 0).expect("a time");
        Scale::new(to_ms, zero)
    }

    fn labels(to_ms: u64) -> Vec<String> {
        scale(to_ms).ticks(6).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn a_moment_lies_between_the_edges() {
        assert_eq!([0, 2_500, 10_000, 99_999].map(|t| scale(10_000).x(t)), [0.0, 25.0, 100.0, 100.0]);
        assert!(scale(0).x(0).is_finite(), "a session of one moment has a picture too");
    }

    #[test]
    fn ticks_stand_at_round_times_and_are_few() {
        assert_eq!(
            labels(12_000),
            ["01:59:10", "01:59:12", "01:59:14", "01:59:16", "01:59:18", "01:59:20", "01:59:22"]
        );
        assert_eq!(labels(5_400_000), ["02:00", "02:15", "02:30", "02:45", "03:00", "03:15"]);
        assert_eq!(labels(86_400_000), ["06:00", "12:00", "18:00", "01-16 00:00"]);
        assert_eq!(labels(30 * 86_400_000).len(), 5);
        assert!(labels(u64::MAX).len() < 10);
    }

    #[test]
    fn a_tick_lies_where_its_moment_lies() {
        let ticks = scale(100_000).ticks(6);
        assert_eq!(ticks[0], Tick { x: 5.0, label: "01:59:15".to_owned() });
    }
}
