//! The table: every kind, and the line that it is shown as.

use indexmap::IndexMap;

use super::*;
use crate::event::{
    EngineWord, Identity, Mode, NoteTag, PastDrill, PastRollback, PastSession, Person, Resolution, Seat,
    SessionHead, SessionOpened,
};
use crate::runbook::model::Host;

fn line(event: EventKind) -> String {
    describe(&Event { seq: 1, at: chrono::DateTime::UNIX_EPOCH, up_ms: 0, by: By::ENGINE, event })
}

fn opsa() -> Person {
    Person { person: "opsA".to_owned(), uid: 1000, seat: Seat::Driver }
}

fn opened() -> EventKind {
    EventKind::SessionOpened(Box::new(SessionOpened {
        format: 1,
        session: "20261120-211502-mtproxy".to_owned(),
        runbook: String::new(),
        sha256: String::new(),
        dir: "/opt/cutover".to_owned(),
        file: "runbook.toml".to_owned(),
        vars: IndexMap::new(),
        mode: Mode::Rehearsal,
        host: Host { name: "relay-1".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
        share: None,
        drill: None,
        session_dir: String::new(),
        version: "0.1.0".to_owned(),
    }))
}

fn past() -> PastSessions {
    let head = |session: &str| SessionHead { session: session.to_owned(), seq: 9, sha256: String::new() };
    let at = chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a date");
    let aborted = PastSession {
        session: "20261119-web".to_owned(),
        head: None,
        gates: IndexMap::new(),
        broken: Some("it was aborted".to_owned()),
    };
    let drill = PastDrill {
        environment: Some("staging".to_owned()),
        finished: at,
        back: head("20261118-web-drill"),
        forward: head("20261118-web-drill-2"),
        soak_ms: None,
    };
    let rollback = PastRollback {
        session: "20261118-web-drill".to_owned(),
        mode: Mode::Rehearsal,
        drill: true,
        environment: Some("staging".to_owned()),
        by: "opsA".to_owned(),
        at,
        from: "switch".into(),
        took_ms: 3_249,
        gate_ms: 100,
    };
    PastSessions {
        live: vec![aborted],
        drills: vec![drill],
        rollback: Some(rollback),
        steps: IndexMap::new(),
    }
}

fn finish(attempt: u32, passed: bool, why: &str, remains: Vec<u32>) -> EventKind {
    EventKind::StepFinished(Box::new(StepFinished {
        step: "switch.start-go".into(),
        attempt,
        passed,
        why: why.to_owned(),
        proofs: Vec::new(),
        exit: None,
        took_ms: 3_249,
        output: None,
        captures: IndexMap::new(),
        remains,
    }))
}

fn check(to: Health, reason: &str, value: Option<&str>) -> EventKind {
    EventKind::CheckChanged {
        check: "readyz".into(),
        from: Health::Pending,
        to,
        reason: reason.to_owned(),
        value: value.map(str::to_owned),
        since: 0,
    }
}

fn gate(stage: &str, missing: &[&str]) -> EventKind {
    let missing: Vec<String> = missing.iter().map(|&m| m.to_owned()).collect();
    EventKind::GateChanged { stage: stage.into(), go: missing.is_empty(), missing }
}

#[test]
fn every_kind_reads_as_one_short_line() {
    use EventKind as E;
    let process = Identity { pid: 4711, start_time: 1, boot_id: "b".to_owned() };
    let table: Vec<(E, &str)> = vec![
        (opened(), "session 20261120-211502-mtproxy opened: rehearsal runbook.toml on relay-1, gonogo 0.1.0"),
        (
            E::EngineStarted {
                boot_id: "b".to_owned(),
                version: "0.1.0".to_owned(),
                pid: 7,
                recovered: vec!["switch.flip runs on".to_owned(), "a lock was stale".to_owned()],
            },
            "engine started, gonogo 0.1.0, pid 7: switch.flip runs on; a lock was stale",
        ),
        (E::EngineStopping { reason: "SIGTERM".to_owned() }, "engine stopping: SIGTERM"),
        (E::PastSessions(Box::default()), "earlier sessions: nothing is known of any"),
        (
            E::PastSessions(Box::new(past())),
            "earlier sessions: the live one before this, 20261119-web: it was aborted; drilled in staging at \
             2026-11-18 11:06Z; rolling back took 3.2s in 20261118-web-drill",
        ),
        (E::Unobserved { from: 1_000, to: 162_000 }, "nobody observed anything for 2m 41s"),
        (
            E::LogRecovered { why: "the disk has room again".to_owned(), dropped_bytes: 0 },
            "the log can be written again: the disk has room again",
        ),
        (
            E::LogRecovered { why: "the disk has room again".to_owned(), dropped_bytes: 312 },
            "the log can be written again, 312 bytes of a broken line dropped: the disk has room again",
        ),
        (
            E::OperatorJoined { person: opsa(), credentials: Default::default(), roles: vec![] },
            "opsA joined as driver",
        ),
        (E::OperatorLeft { person: opsa(), why: String::new() }, "opsA left"),
        (
            E::CommandRefused { command: "advance".to_owned(), why: "NO-GO: readyz is failing".to_owned() },
            "advance refused: NO-GO: readyz is failing",
        ),
        (E::PolicyAcknowledged, "policy acknowledged"),
        (E::StageEntered { stage: "switch".into() }, "entered switch"),
        (
            E::StepStarted {
                step: "switch.start-go".into(),
                attempt: 1,
                what: "relay --config new.toml".to_owned(),
                sha256: String::new(),
            },
            "step switch.start-go started: relay --config new.toml",
        ),
        (
            E::StepLaunched { step: "switch.start-go".into(), attempt: 2, process },
            "step switch.start-go attempt 2 is up, pid 4711",
        ),
        (finish(1, true, "exit 0", vec![]), "step switch.start-go passed in 3.2s: exit 0"),
        (
            finish(2, false, "exit 1, expected 0", vec![]),
            "step switch.start-go attempt 2 failed: exit 1, expected 0",
        ),
        (
            finish(1, true, "exit 0", vec![9, 10]),
            "step switch.start-go passed in 3.2s: exit 0 (leaves 2 in the background)",
        ),
        (
            E::StepUnknown {
                step: "switch.flip".into(),
                attempt: 1,
                evidence: "its shim is gone and left no exit record".to_owned(),
            },
            "step switch.flip is unknown: its shim is gone and left no exit record",
        ),
        (
            E::StepResolved {
                step: "switch.flip".into(),
                attempt: 1,
                outcome: Resolution::Done,
                reason: "the link points to new".to_owned(),
            },
            "step switch.flip resolved as done: the link points to new",
        ),
        (
            E::StepSkipped { step: "switch.flip".into(), reason: "done by hand".to_owned() },
            "step switch.flip skipped: done by hand",
        ),
        (
            E::StepKilled {
                step: "switch.flip".into(),
                attempt: 1,
                why: "ended by opsA".to_owned(),
                timed_out: false,
            },
            "step switch.flip is being ended: ended by opsA",
        ),
        (
            E::EndRefused {
                step: "switch.flip".into(),
                attempt: 1,
                why: "not permitted to end process 7 as app".to_owned(),
            },
            "step switch.flip could not be ended and runs on: not permitted to end process 7 as app",
        ),
        (
            E::LinkFound {
                step: "switch.flip".into(),
                attempt: 1,
                was: Some("releases/7".to_owned()),
                to: None,
            },
            "the link of step switch.flip was releases/7 before, and is to be nothing",
        ),
        (
            E::OutputCut { step: "switch.flip".into(), attempt: 1, kept: 64 << 20, dropped: 1 << 20 },
            "output of step switch.flip was cut: 64 MiB kept, 1 MiB dropped",
        ),
        (
            E::Confirmed { step: "pre.signed-off".into(), attempt: 1, note: Some("by the owner".to_owned()) },
            "step pre.signed-off answered yes: by the owner",
        ),
        (
            E::Declined { step: "pre.signed-off".into(), attempt: 1, note: None },
            "step pre.signed-off answered no",
        ),
        (
            E::ItemTicked {
                on: ItemOf::Gate("observe".into()),
                item: "no alerts".to_owned(),
                pass: true,
                note: None,
            },
            "ticked \"no alerts\" of gate of observe as passed",
        ),
        (
            E::ItemTicked {
                on: ItemOf::Step("pre.signed-off".into()),
                item: "tickets".to_owned(),
                pass: false,
                note: Some("two open".to_owned()),
            },
            "ticked \"tickets\" of step pre.signed-off as failed: two open",
        ),
        (check(Health::Ok, "", Some("200")), "check readyz pending → ok (200)"),
        (
            check(Health::Failing, "status 503, expected 200", Some("503")),
            "check readyz pending → failing: status 503, expected 200",
        ),
        (check(Health::Stale, "", None), "check readyz pending → stale"),
        (gate("switch", &[]), "gate of switch is GO"),
        (gate("switch", &["check readyz is failing"]), "gate of switch is NO-GO: check readyz is failing"),
        (gate("switch", &["a", "b", "c"]), "gate of switch is NO-GO: a (and 2 more)"),
        (gate("rollback", &["old is to be green"]), "gate of the rollback is NO-GO: old is to be green"),
        (E::SoakStarted { stage: "observe".into() }, "soak of observe started"),
        (
            E::SoakBroken { stage: "observe".into(), why: "check readyz is failing".to_owned() },
            "soak of observe broken: check readyz is failing",
        ),
        (E::SoakReached { stage: "observe".into() }, "soak of observe reached"),
        (
            E::Promoted { stage: "observe".into(), overridden: vec![], reason: None, asked_by: None },
            "promoted observe",
        ),
        (
            E::Promoted {
                stage: "observe".into(),
                overridden: vec!["a".to_owned(), "b".to_owned()],
                asked_by: None,
                reason: Some("the owner accepts the lag".to_owned()),
            },
            "promoted observe, overriding 2: the owner accepts the lag",
        ),
        (E::Paused, "paused"),
        (E::Resumed, "resumed"),
        (
            E::TriggerArmed {
                trigger: "switch.stats.rollback".into(),
                why: "stats is failing for 10s".to_owned(),
                grace_ms: 15_000,
            },
            "trigger switch.stats.rollback armed: stats is failing for 10s; rolls back in 15s unless vetoed",
        ),
        (E::TriggerCleared { trigger: "stats.hold".into() }, "trigger stats.hold cleared"),
        (
            E::TriggerVetoed { trigger: "stats.hold".into(), reason: Some("known".to_owned()) },
            "trigger stats.hold vetoed: known",
        ),
        (
            E::TriggerFired { trigger: "stats.hold".into(), why: "stats failed 3 times".to_owned() },
            "trigger stats.hold fired: stats failed 3 times",
        ),
        (
            E::RollbackStarted {
                to: "prewarm".into(),
                full: false,
                steps: vec!["switch.back".into()],
                reason: None,
            },
            "rolling back to prewarm, 1 step",
        ),
        (
            E::RollbackStarted {
                to: "pre".into(),
                full: true,
                steps: vec!["switch.back".into(), "rollback.prove".into()],
                reason: Some("stats is failing".to_owned()),
            },
            "rolling back everything, 2 steps: stats is failing",
        ),
        (E::StageRolledBack { stage: "switch".into() }, "rolled back switch"),
        (
            E::RollbackStuck {
                step: None,
                why: "switch.back did not undo: exit 1".to_owned(),
                remaining: vec!["switch.back".into(), "rollback.prove".into()],
            },
            "rollback stuck, 2 steps to go: switch.back did not undo: exit 1",
        ),
        (E::RollbackFinished { full: true, skipped: Vec::new() }, "rollback finished, everything is undone"),
        (
            E::RollbackFinished { full: true, skipped: vec!["a.x".into(), "b.y".into()] },
            "rollback finished, NOT ALL IS UNDONE: skipped a.x, b.y",
        ),
        (
            E::RollbackFinished { full: false, skipped: Vec::new() },
            "rollback finished, what was before is at its gate again",
        ),
        (
            E::NoteAdded { tag: NoteTag::Decision, text: "we wait for the DBA".to_owned() },
            "decision: we wait for the DBA",
        ),
        (
            E::EvidenceAdded {
                step: Some("observe.keep".into()),
                source: "/var/log/relay.log".to_owned(),
                path: "evidence/relay.log".to_owned(),
                bytes: 1536,
                sha256: String::new(),
            },
            "evidence kept, step observe.keep: /var/log/relay.log (1.5 KiB)",
        ),
        (
            E::Checkpoint { telemetry_bytes: 2048, telemetry_sha256: String::new() },
            "checkpoint, 2 KiB of telemetry",
        ),
        (E::SessionClosed { outcome: Outcome::Completed, reason: None }, "session completed"),
        (
            E::SessionClosed { outcome: Outcome::Aborted, reason: Some("the window closed".to_owned()) },
            "session aborted: the window closed",
        ),
        (E::Unknown, "something that a newer gonogo recorded"),
    ];
    for (event, expected) in table {
        assert_eq!(line(event), expected);
    }
}

#[test]
fn an_author_has_a_name() {
    assert_eq!(author(&By::Engine(EngineWord::Engine)), "engine");
    assert_eq!(author(&By::Trigger { trigger: "stats.hold".into() }), "trigger stats.hold");
    assert_eq!(author(&By::Person(opsa())), "opsA");
}

#[test]
fn what_went_wrong_is_a_failure_and_the_rest_is_not() {
    assert!(is_failure(&finish(1, false, "exit 1", vec![])));
    assert!(!is_failure(&finish(1, true, "exit 0", vec![])));
    assert!(is_failure(&check(Health::Stale, "", None)));
    assert!(!is_failure(&check(Health::Ok, "", None)));
    assert!(!is_failure(&EventKind::Paused));
    assert!(is_failure(&EventKind::SessionClosed { outcome: Outcome::RolledBack, reason: None }));
}
