//! Where the change window stands: before it, within it, after it. It is told and warned about, and locks nothing.

use chrono::{DateTime, Utc};

use super::State;
use crate::clock::Now;

/// The change window as of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has not opened yet.
    Before { opens: DateTime<Utc>, in_ms: u64 },
    /// It is open; `closes` with the milliseconds that are left, where it closes at all.
    Open { closes: Option<(DateTime<Utc>, u64)> },
    /// It has closed.
    After { closed: DateTime<Utc>, since_ms: u64 },
}

impl Standing {
    /// Whether whoever works now works outside it.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        matches!(self, Self::Before { .. } | Self::After { .. })
    }
}

/// Where the change window of a session that is not over stands; `None` where the runbook has none.
#[must_use]
pub fn standing(state: &State, now: Now) -> Option<Standing> {
    let window = state.runbook.as_ref()?.window.filter(|_| !state.is_closed())?;
    if let Some(opens) = window.opens.filter(|opens| now.at < *opens) {
        return Some(Standing::Before { opens, in_ms: between(now.at, opens) });
    }
    Some(match window.closes {
        Some(closed) if closed <= now.at => Standing::After { closed, since_ms: between(closed, now.at) },
        closes => Standing::Open { closes: closes.map(|closes| (closes, between(now.at, closes))) },
    })
}

/// Milliseconds from one moment to a later one.
fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
    u64::try_from((to - from).num_milliseconds()).unwrap_or(0)
}

/// A sentence on a window that whoever works now is outside of; `None` within it.
#[must_use]
pub fn warning(state: &State, now: Now) -> Option<String> {
    let minutes =
        |ms: u64| crate::runbook::number::span(std::time::Duration::from_secs(ms.div_ceil(60_000) * 60));
    match standing(state, now)? {
        Standing::Before { opens, in_ms } => {
            let opens = opens.format("%Y-%m-%d %H:%MZ");
            Some(format!("the change window is not open yet: it opens {opens}, in {}", minutes(in_ms)))
        }
        Standing::After { closed, since_ms } => {
            let closed = closed.format("%Y-%m-%d %H:%MZ");
            Some(format!("the change window is over: it closed {closed}, {} ago", minutes(since_ms)))
        }
        Standing::Open { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::runbook::load::{Inputs, Missing, Source, load};
    use crate::runbook::model::Host;

    const STAGE: &str = "[[stage]]\nid = \"a\"\n[[stage.step]]\nid = \"s\"\nwait = \"1s\"\n";

    fn warned(window: &str, at: &str) -> Option<String> {
        let text = format!("{STAGE}[window]\n{window}\n");
        let source = Source { text, file: "a.toml".into(), dir: "/".into() };
        let host = Host { name: "h".into(), os: "linux".into(), arch: "x86_64".into() };
        let loaded = load(&source, &Inputs { set: Default::default(), host, missing: Missing::Error });
        let runbook = loaded.runbook.map(Arc::new);
        assert!(runbook.is_some(), "{:?}", loaded.diagnostics);
        let at = at.parse().expect("a moment");
        warning(&State { runbook, ..State::default() }, Now { at, up_ms: 0 })
    }

    #[test]
    fn only_who_works_outside_the_window_is_warned() {
        let window = "opens = 2026-11-20T03:10:00+01:00\ncloses = \"2026-11-20T04:00:00Z\"";
        let early = warned(window, "2026-11-20T02:00:00Z").expect("it opens in ten minutes");
        assert_eq!(early, "the change window is not open yet: it opens 2026-11-20 02:10Z, in 10m");
        assert_eq!(warned(window, "2026-11-20T02:10:00Z"), None);
        assert_eq!(warned(window, "2026-11-20T03:59:59Z"), None);
        let late = warned(window, "2026-11-20T05:30:30Z").expect("it has closed");
        assert_eq!(late, "the change window is over: it closed 2026-11-20 04:00Z, 1h31m ago");
        assert_eq!(warned("opens = 2026-11-20T03:10:00Z", "2036-01-01T00:00:00Z"), None);
        assert_eq!(warned("closes = 2026-11-20T03:10:00Z", "2016-01-01T00:00:00Z"), None);
    }
}
