//! The only reader of clocks. Everything else is given a [`Now`], reckons with it, and says moments as seen from it.

use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// Wall time, to the millisecond: for people.
    pub at: DateTime<Utc>,
    /// Milliseconds since boot, sleep included (`CLOCK_BOOTTIME`): for every duration.
    pub up_ms: u64,
}

impl Now {
    /// `03:24Z`; on another day than this one with that day, as [`day`] says it.
    #[must_use]
    pub fn minute(self, at: DateTime<Utc>) -> String {
        format!("{}Z", self.hour_minute(at))
    }

    /// `03:24:17Z`; on another day than this one with that day, as [`day`] says it.
    #[must_use]
    pub fn second(self, at: DateTime<Utc>) -> String {
        format!("{}{}", self.day(at), at.format("%H:%M:%SZ"))
    }

    /// `03:24`, for a column whose zone is told elsewhere; with the day as in [`Self::minute`].
    #[must_use]
    pub fn hour_minute(self, at: DateTime<Utc>) -> String {
        format!("{}{}", self.day(at), at.format("%H:%M"))
    }

    fn day(self, at: DateTime<Utc>) -> String {
        day(at.date_naive(), self.at.date_naive())
    }
}

/// What stands before a time of day on `date` as seen from `today`: nothing on that day itself, `Sun ` where the name
/// can mean no other day (three days around it), then `11-29 `, and in another year `2027-01-02 `.
#[must_use]
pub fn day(date: NaiveDate, today: NaiveDate) -> String {
    match (date - today).num_days() {
        0 => String::new(),
        -3..=3 => date.format("%a ").to_string(),
        _ if date.year() == today.year() => date.format("%m-%d ").to_string(),
        _ => date.format("%Y-%m-%d ").to_string(),
    }
}

/// Reads both clocks.
#[must_use]
pub fn now() -> Now {
    Now { at: Utc::now().trunc_subsecs(3), up_ms: up_ms() }
}

/// Milliseconds since boot, counting the time that the machine slept.
#[must_use]
pub fn up_ms() -> u64 {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let t = rustix::time::clock_gettime(clock);
    u64::try_from(t.tv_sec).unwrap_or(0) * 1000 + u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000_000
}

/// Names this boot of this machine: `up_ms` readings compare only within one.
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_else(|_| format!("booted-{}", sysinfo::System::boot_time().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_on_another_day_says_which() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a moment");
        let now = Now { at: at("2026-12-30T23:59:00Z"), up_ms: 0 };
        let said = |text| now.minute(at(text));
        assert_eq!(said("2026-12-30T00:00:00Z"), "00:00Z");
        assert_eq!(said("2026-12-31T00:01:00Z"), "Thu 00:01Z");
        assert_eq!(said("2026-12-27T23:59:00Z"), "Sun 23:59Z");
        assert_eq!(said("2026-12-26T23:59:00Z"), "12-26 23:59Z");
        assert_eq!(said("2027-01-02T03:24:00Z"), "Sat 03:24Z");
        assert_eq!(said("2027-01-03T03:24:00Z"), "2027-01-03 03:24Z");
        assert_eq!(now.second(at("2026-12-31T00:01:02Z")), "Thu 00:01:02Z");
        assert_eq!(now.hour_minute(at("2026-12-31T00:01:02Z")), "Thu 00:01");
    }
}
