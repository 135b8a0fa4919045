//! Times and sizes as they are shown: short, and readable without arithmetic.

use chrono::{DateTime, FixedOffset, Timelike, Utc};

use crate::clock::{self, Now};

/// `00:42:17`: hours, minutes, seconds.
#[must_use]
pub fn clock(ms: u64) -> String {
    let s = ms / 1000;
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// `0:06`, `11:52`, `1:02:03`: a duration to the second.
#[must_use]
pub fn took(ms: u64) -> String {
    let s = ms / 1000;
    if s < 3600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// `40s`, `6m`, `1h20m`, `3d`: a duration at a glance.
#[must_use]
pub fn about(ms: u64) -> String {
    let s = ms.div_ceil(1000);
    match s {
        0..=99 => format!("{s}s"),
        100..3600 => format!("{}m", s.div_ceil(60)),
        3600..86_400 if (s / 60).is_multiple_of(60) => format!("{}h", s / 3600),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s / 60 % 60),
        _ => format!("{}d", s / 86_400),
    }
}

/// `41ms`, `1.2s`: how long a probe took.
#[must_use]
pub fn latency(ms: u32) -> String {
    if ms < 1000 { format!("{ms}ms") } else { format!("{:.1}s", f64::from(ms) / 1000.0) }
}

/// `312 B`, `88 MB`: a size in powers of 1000.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut scaled = n;
    let mut rest = 0;
    while scaled >= 1000 && unit + 1 < UNITS.len() {
        rest = scaled % 1000 / 100;
        scaled /= 1000;
        unit += 1;
    }
    if unit == 0 || scaled >= 10 {
        format!("{scaled} {}", UNITS[unit])
    } else {
        format!("{scaled}.{rest} {}", UNITS[unit])
    }
}

/// `02:42:17Z`.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    format!("{:02}:{:02}:{:02}Z", at.hour(), at.minute(), at.second())
}

/// `2026-11-20 02:42Z`: a moment in a text that is read on any day.
#[must_use]
pub fn date_minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%MZ").to_string()
}

/// `(03:42 +01:00)`: the same moment on the clocks of this place, with the day where it is another one here.
#[must_use]
pub fn local(now: Now, zone: FixedOffset) -> String {
    let local = now.at.with_timezone(&zone);
    let day = clock::day(local.date_naive(), now.at.date_naive());
    format!("({day}{})", local.format("%H:%M %:z"))
}

/// A duration in milliseconds; beyond all bounds, the largest.
#[must_use]
pub fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_as_people_say_them() {
        assert_eq!(clock(2_537_000), "00:42:17");
        assert_eq!([took(6_400), took(712_000), took(3_723_000)], ["0:06", "11:52", "1:02:03"]);
        let abouts = [0, 40_000, 340_000, 3_600_000, 4_800_000, 260_000_000].map(about);
        assert_eq!(abouts, ["0s", "40s", "6m", "1h", "1h20m", "3d"]);
        assert_eq!([latency(41), latency(1_240)], ["41ms", "1.2s"]);
        let sizes = [312, 1_240, 88_000_000, u64::MAX].map(bytes);
        assert_eq!(sizes, ["312 B", "1.2 kB", "88 MB", "18446744 TB"]);
    }
}
