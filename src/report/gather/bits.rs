//! What is told in other words elsewhere, in the words of a report.

use super::happened::Happened;
use crate::audit::verify;
use crate::event::SessionOpened;
use crate::history::{self, BandKind};
use crate::report::model::{self, Band, Host, Mark, Record, Session, Timeline, When};
use crate::session::{Hold, State};

/// What `verify` says.
pub(super) fn record(report: &verify::Report) -> Record {
    let verdicts = report.verdicts.iter().map(|verdict| model::Verdict {
        word: verdict.word().to_owned(),
        code: verdict.code(),
        text: verdict.to_string(),
    });
    Record {
        verdicts: verdicts.collect(),
        code: report.code(),
        live: report.live,
        anchored: report.anchored,
        events: report.events,
        head: report.head.clone(),
        findings: report.findings.clone(),
    }
}

/// The session as a whole.
pub(super) fn session(
    opened: &SessionOpened,
    state: &State,
    first: When,
    last: When,
    happened: &Happened,
) -> Session {
    let SessionOpened { session, mode, host, share, session_dir, .. } = opened;
    let closed = state.is_closed();
    let paused = state.paused.as_ref().map(|pause| format!("the session is paused by {}", pause.by));
    let holds =
        if closed { Vec::new() } else { state.holds().iter().map(Hold::sentence).chain(paused).collect() };
    Session {
        name: session.clone(),
        mode: *mode,
        host: Host { name: host.name.clone(), os: host.os.clone(), arch: host.arch.clone() },
        share: share.clone(),
        folder: session_dir.clone(),
        opened: first,
        last,
        closed,
        duration_ms: last.t_ms,
        situation: state.situation(),
        outcome: state.outcome.map(|(outcome, _)| outcome),
        reason: happened.close_reason.clone(),
        holds,
        engines: happened.engines.clone(),
    }
}

/// The picture along the session's time, without what stands with steps and checks.
pub(super) fn timeline(timeline: &history::Timeline) -> Timeline {
    let bands = timeline.bands.iter().filter_map(|band| {
        let what = match &band.kind {
            BandKind::Stage { stage, status } => {
                model::BandKind::Stage { stage: stage.to_string(), status: *status }
            }
            BandKind::Gate { stage, go } => model::BandKind::Gate { stage: stage.to_string(), go: *go },
            BandKind::Soak { stage } => model::BandKind::Soak { stage: stage.to_string() },
            BandKind::RollingBack { to, full } => {
                model::BandKind::RollingBack { to: to.to_string(), full: *full }
            }
            BandKind::Stuck => model::BandKind::Stuck,
            BandKind::Paused { by } => model::BandKind::Paused { by: by.clone() },
            BandKind::Holding => model::BandKind::Holding,
            BandKind::Unobserved => model::BandKind::Unobserved,
            BandKind::Step { .. } | BandKind::Check { .. } => return None,
        };
        Some(Band { what, from_ms: band.from_ms, to_ms: band.to_ms })
    });
    let marks = timeline.marks.iter().map(|mark| Mark {
        seq: mark.seq,
        t_ms: mark.t_ms,
        kinds: std::iter::once(mark.kind).chain(mark.also.iter().copied()).collect(),
        label: mark.label.clone(),
        by: mark.by.clone(),
    });
    Timeline { end_ms: timeline.end_ms(), bands: bands.collect(), marks: marks.collect() }
}
