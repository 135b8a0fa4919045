//! What a line says that the judge needs: its clocks, and what it vouches for.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::Deserialize;

use super::beside::Vouched;
use crate::audit::canon::{self, Fields};
use crate::audit::chain::Entry;
use crate::audit::dir;
use crate::session::Snapshot;

/// Of one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Milliseconds of the wall clock since 1970, and of the boot clock; `None` where a line does not tell.
    pub clocks: Option<(i64, u64)>,
    pub what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Nothing,
    Opens {
        session: Option<String>,
        runbook: Option<Vouched>,
    },
    /// An engine starts, in the boot of this name.
    Starts(Option<String>),
    Vouches(Vouched),
    /// Exact copies lie in a folder of their own.
    Copies(Snapshot),
    /// How far the telemetry goes.
    Measured(Vouched),
    Closes,
    /// Somebody was told of an event, or was not.
    Tells,
}

/// Reads a line strictly.
pub(super) fn read(line: &[u8]) -> Result<Entry<Said>, String> {
    let fields = canon::strictly(line)?;
    let what = what(&fields);
    let opens = matches!(what, What::Opens { .. });
    Ok(Entry { seq: fields.seq, opens, what: Said { clocks: clocks(&fields), what } })
}

/// A record of a file; one that lacks anything vouches for nothing.
#[derive(Deserialize)]
struct Record {
    path: String,
    bytes: u64,
    sha256: String,
}

impl Record {
    fn vouched(self) -> Vouched {
        Vouched { path: self.path, bytes: self.bytes, sha256: self.sha256, grows: false }
    }
}

fn what(fields: &Fields<'_>) -> What {
    #[derive(Deserialize)]
    struct Opened {
        session: Option<String>,
        runbook: Option<String>,
        sha256: Option<String>,
    }
    #[derive(Deserialize)]
    struct Started {
        boot_id: String,
    }
    #[derive(Deserialize)]
    struct Finished {
        output: Record,
    }
    #[derive(Deserialize)]
    struct Copied {
        attempt: u32,
        path: String,
        files: u32,
        bytes: u64,
        sha256: String,
    }
    #[derive(Deserialize)]
    struct Checkpoint {
        telemetry_bytes: u64,
        telemetry_sha256: String,
    }
    let event = &*fields.event;
    match &*fields.kind {
        "session_opened" => {
            let Ok(Opened { session, runbook, sha256 }) = serde_json::from_str(event) else {
                return What::Opens { session: None, runbook: None };
            };
            let runbook = runbook.zip(sha256).map(|(text, sha256)| Vouched {
                path: dir::RUNBOOK.to_owned(),
                bytes: text.len() as u64,
                sha256,
                grows: false,
            });
            What::Opens { session, runbook }
        }
        "notified" | "notify_failed" => What::Tells,
        "engine_started" => What::Starts(serde_json::from_str(event).ok().map(|Started { boot_id }| boot_id)),
        "step_finished" => serde_json::from_str(event)
            .map_or(What::Nothing, |Finished { output }| What::Vouches(output.vouched())),
        "evidence_added" => serde_json::from_str(event)
            .map_or(What::Nothing, |record: Record| What::Vouches(record.vouched())),
        // A simulated one copied nothing.
        "snapshot_taken" => match serde_json::from_str(event) {
            Ok(Copied { attempt, path, files, bytes, sha256 }) if !sha256.is_empty() => {
                What::Copies(Snapshot { attempt, path, files, bytes, sha256 })
            }
            _ => What::Nothing,
        },
        "checkpoint" => serde_json::from_str(event).map_or(What::Nothing, |at: Checkpoint| {
            What::Measured(Vouched {
                path: dir::TELEMETRY.to_owned(),
                bytes: at.telemetry_bytes,
                sha256: at.telemetry_sha256,
                grows: true,
            })
        }),
        "session_closed" => What::Closes,
        _ => What::Nothing,
    }
}

fn clocks(fields: &Fields<'_>) -> Option<(i64, u64)> {
    let at = fields.at.as_deref()?;
    let at = as_written(at).or_else(|| Some(DateTime::parse_from_rfc3339(at).ok()?.timestamp_millis()))?;
    Some((at, fields.up_ms?))
}

/// A time in the form in which every build so far wrote it, `2026-11-20T21:15:02.113Z`, or without a fraction.
fn as_written(at: &str) -> Option<i64> {
    let bytes = at.as_bytes();
    let number = |from: usize, length: usize| {
        bytes.get(from..from + length)?.iter().try_fold(0_u32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let milli = match bytes.len() {
        20 => 0,
        24 if bytes[19] == b'.' => number(20, 3)?,
        _ => return None,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (bytes.len() - 1, b'Z')];
    if marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(number(0, 4)?.cast_signed(), number(5, 2)?, number(8, 2)?)?;
    let time: NaiveDateTime =
        date.and_hms_milli_opt(number(11, 2)?, number(14, 2)?, number(17, 2)?, milli)?;
    Some(time.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_any_reader_of_times_reads_it() {
        let times = [
            "2026-11-20T21:15:02.113Z",
            "2024-02-29T23:59:59Z",
            "1970-01-01T00:00:00.001Z",
            "2026-13-20T21:15:02.113Z",
            "2026-02-29T21:15:02.113Z",
            "2026-11-20 21:15:02.113Z",
            "2026-11-20T21:15:02,113Z",
            "2026-11-20T24:15:02.113Z",
            "2026-11-20T21:15:0x.113Z",
        ];
        for time in times {
            if let Some(at) = as_written(time) {
                let known = DateTime::parse_from_rfc3339(time).expect("a time").timestamp_millis();
                assert_eq!(at, known, "{time}");
            }
        }
        assert_eq!(times.iter().filter(|time| as_written(time).is_some()).count(), 3);
    }
}
