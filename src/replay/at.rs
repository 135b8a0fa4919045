//! A moment of a session as people write it.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, Utc};

/// Where the playhead is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// To an event: `211`.
    Seq(u64),
    /// To a moment of the wall clock: `2026-11-20T02:41:42Z`.
    Wall(DateTime<Utc>),
    /// To the first such time, UTC, after the session began: `02:41:42` or `02:41`.
    Daytime(NaiveTime),
    /// So many milliseconds after the session began: `T+00:41:42`.
    Time(u64),
    /// So many milliseconds onwards from here, or back: `+10m`, `-90s`.
    By(i64),
}

impl std::str::FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || {
            format!(
                "`{text}` is no moment: write an event's number (211), a time of day in UTC (02:41:42), a whole time \
                 (2026-11-20T02:41:42Z), a time since the session began (T+00:41:42), or how far from here (+10m)"
            )
        };
        if let Ok(seq) = text.parse() {
            // A plain number never begins with a sign.
            return if seq > 0 && !text.starts_with('+') { Ok(Self::Seq(seq)) } else { Err(wrong()) };
        }
        if let Some(since) = text.strip_prefix("T+").or_else(|| text.strip_prefix("t+")) {
            return clock(since).or_else(|| span(since)).map(Self::Time).ok_or_else(wrong);
        }
        for (sign, way) in [('+', 1), ('-', -1)] {
            if let Some(far) = text.strip_prefix(sign) {
                let far = span(far).or_else(|| clock(far)).and_then(|ms| i64::try_from(ms).ok());
                return far.map(|ms| Self::By(way * ms)).ok_or_else(wrong);
            }
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Wall(at.with_timezone(&Utc)));
        }
        let day = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        ["%H:%M:%S%.f", "%H:%M"]
            .iter()
            .find_map(|form| NaiveTime::parse_from_str(day, form).ok())
            .map(Self::Daytime)
            .ok_or_else(wrong)
    }
}

impl At {
    /// The first moment, not before `start`, at which the clock shows `time`.
    pub(super) fn day_of(start: DateTime<Utc>, time: NaiveTime) -> DateTime<Utc> {
        // Written to the second, it is meant to the second.
        let from = start.timestamp();
        let same = start.date_naive().and_time(time).and_utc();
        if same.timestamp() >= from { same } else { same.checked_add_days(Days::new(1)).unwrap_or(same) }
    }
}

/// `[H:]MM:SS`, in milliseconds.
fn clock(text: &str) -> Option<u64> {
    let parts: Option<Vec<u64>> = text.split(':').map(|part| part.parse().ok()).collect();
    let (h, m, s) = match parts?.as_slice() {
        [h, m, s] => (*h, *m, *s),
        [m, s] => (0, *m, *s),
        _ => return None,
    };
    (m < 60 || h == 0).then_some(())?;
    (s < 60).then_some(())?;
    h.checked_mul(3600)?.checked_add(m.checked_mul(60)?)?.checked_add(s)?.checked_mul(1000)
}

/// `10m`, `1h 30m`, in milliseconds.
fn span(text: &str) -> Option<u64> {
    let span: Duration = humantime::parse_duration(text).ok()?;
    u64::try_from(span.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_every_form_that_people_write() {
        let wall = |text: &str| DateTime::parse_from_rfc3339(text).expect("a time").with_timezone(&Utc);
        let day = |h, m, s| NaiveTime::from_hms_opt(h, m, s).expect("a time");
        for (text, at) in [
            ("211", At::Seq(211)),
            ("02:41:42", At::Daytime(day(2, 41, 42))),
            ("02:41Z", At::Daytime(day(2, 41, 0))),
            ("2026-11-20T03:41:42+01:00", At::Wall(wall("2026-11-20T02:41:42Z"))),
            ("T+00:41:42", At::Time(2_502_000)),
            ("T+90:00", At::Time(5_400_000)),
            ("T+26:00:00", At::Time(93_600_000)),
            ("T+10m", At::Time(600_000)),
            ("+10m", At::By(600_000)),
            ("-1m 30s", At::By(-90_000)),
            (" 7 ", At::Seq(7)),
        ] {
            assert_eq!(text.parse(), Ok(at), "{text}");
        }
        let beyond = ["0", "", "T+", "+", "+5", "-", "25:00", "T+1:99:00", "99999999999999999999", "now"];
        for wrong in beyond {
            let error = wrong.parse::<At>().expect_err(wrong);
            assert!(error.contains("is no moment"), "{wrong}: {error}");
        }
        assert!(format!("T+{}:00:00", u64::MAX).parse::<At>().is_err());
    }

    #[test]
    fn a_time_of_day_before_the_beginning_is_the_next_days() {
        let start =
            DateTime::parse_from_rfc3339("2026-11-19T23:50:10.7Z").expect("a time").with_timezone(&Utc);
        let of = |text: &str| match text.parse() {
            Ok(At::Daytime(time)) => At::day_of(start, time).to_rfc3339(),
            other => panic!("{other:?}"),
        };
        assert_eq!(of("23:50:10"), "2026-11-19T23:50:10+00:00");
        assert_eq!(of("23:55"), "2026-11-19T23:55:00+00:00");
        assert_eq!(of("00:10"), "2026-11-20T00:10:00+00:00");
    }
}
