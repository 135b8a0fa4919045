//! The only reader of clocks. Everything else is given a [`Now`] and reckons with it.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// Wall time, to the millisecond: for people.
    pub at: DateTime<Utc>,
    /// Milliseconds since boot, sleep included (`CLOCK_BOOTTIME`): for every duration.
    pub up_ms: u64,
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
