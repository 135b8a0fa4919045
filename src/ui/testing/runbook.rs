//! A runbook of three stages, made by hand.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use crate::runbook::model::{
    Action, Check, Command, Gate, HttpExpect, HttpTarget, OnFailure, Override, Probe, ProcessExpect,
    ProcessSelect, Retries, Rollback, RollbackWindow, RunExpect, Runbook, Stage, Step, Trigger, TriggerThen,
    TriggerWhen,
};
use crate::runbook::{CheckId, StageId, StepId, TriggerId};

/// The runbook of the stories: freeze, switch (with a soak and an item to accept), and a last stage behind a point of
/// no return.
pub fn runbook() -> Runbook {
    let checks =
        [http("old-readyz", false), http("new-readyz", false), http("latency", true), relay(), writer()];
    Runbook {
        id: "orders-db".to_owned(),
        title: "orders-db: primary cutover".to_owned(),
        owner: None,
        ticket: Some("CHG0048213".to_owned()),
        environment: Some("production".to_owned()),
        policy: vec![],
        shell: vec!["sh".to_owned(), "-c".to_owned()],
        vars: IndexMap::new(),
        secrets: IndexMap::new(),
        env: IndexMap::new(),
        checks: checks.into_iter().map(|check| (check.id.clone(), check)).collect(),
        stages: vec![
            Stage {
                steps: vec![
                    run("freeze", "stop-writers", "Stop the writers"),
                    ask("freeze", "told", "Are the teams told?"),
                ],
                rollback: vec![run("freeze", "start-writers", "Start the writers again")],
                estimate: Some(Duration::from_secs(120)),
                ..stage("freeze", "Freeze writes")
            },
            Stage {
                steps: vec![
                    Step {
                        retries: Retries { attempts: 3, delay: Duration::from_secs(5), backoff: 1.0 },
                        ..run("switch", "verify", "Verify the read path")
                    },
                    run("switch", "weights", "Set the weights"),
                ],
                rollback: vec![run("switch", "weights-back", "Set the weights back")],
                gate: Gate {
                    checks: vec![CheckId::from("new-readyz"), CheckId::from("relay-new")],
                    soak: Some(Duration::from_secs(300)),
                    accept: vec!["support sees no tickets".to_owned()],
                    approvals: 0,
                    roles: Vec::new(),
                    consecutive_sessions: 1,
                    drilled: None,
                    auto: false,
                    over: Override::Reason,
                },
                estimate: Some(Duration::from_secs(480)),
                ..stage("switch", "Switch traffic")
            },
            Stage {
                point_of_no_return: true,
                steps: vec![run("drop", "drop-old", "Drop the old primary")],
                estimate: Some(Duration::from_secs(600)),
                ..stage("drop", "Drop the old primary")
            },
        ],
        triggers: vec![Trigger {
            id: TriggerId::from("switch.new-readyz.rollback"),
            stage: Some(StageId::from("switch")),
            applies: true,
            check: CheckId::from("new-readyz"),
            condition: TriggerWhen::FailingFor(Duration::from_secs(60)),
            then: TriggerThen::Rollback { to: None, grace: Duration::from_secs(30) },
            armed_from_entry: true,
        }],
        roles: IndexMap::new(),
        window: None,
        rollback: Rollback {
            window: Some(RollbackWindow { from: StageId::from("switch"), lasts: Duration::from_secs(3_600) }),
            ready: vec![CheckId::from("old-readyz")],
            ..Rollback::default()
        },
        notify: Vec::new(),
        dir: PathBuf::from("/srv/cutover"),
        text: "".into(),
        sha256: String::new(),
    }
}

fn stage(id: &str, title: &str) -> Stage {
    Stage {
        id: StageId::from(id),
        title: title.to_owned(),
        description: None,
        applies: true,
        watch: vec![CheckId::from("old-readyz")],
        estimate: None,
        point_of_no_return: false,
        steps: vec![],
        rollback: vec![],
        gate: Gate {
            checks: vec![],
            soak: None,
            accept: vec![],
            approvals: 0,
            roles: Vec::new(),
            consecutive_sessions: 1,
            drilled: None,
            auto: false,
            over: Override::Reason,
        },
    }
}

fn run(stage: &str, id: &str, title: &str) -> Step {
    let command = Command::Argv(vec!["./step".into(), id.into()]);
    let expect = RunExpect { exit: vec![0], ..RunExpect::default() };
    step(stage, id, title, Action::Run { command, expect })
}

fn ask(stage: &str, id: &str, question: &str) -> Step {
    let action =
        Action::Confirm { question: question.into(), note_required: false, role: None, items: vec![] };
    step(stage, id, question, action)
}

pub fn step(stage: &str, id: &str, title: &str, action: Action) -> Step {
    Step {
        id: StepId::new(stage, id),
        title: title.to_owned(),
        description: None,
        applies: true,
        action,
        timeout: Some(Duration::from_secs(300)),
        estimate: Some(Duration::from_secs(20)),
        env: IndexMap::new(),
        cwd: None,
        user: None,
        files: vec![],
        needs: vec![],
        retries: Retries { attempts: 1, delay: Duration::ZERO, backoff: 1.0 },
        on_failure: OnFailure::Hold,
        idempotent: false,
        repeatable: true,
        skippable: true,
        output_limit: 1 << 26,
        evidence: vec![],
        capture: IndexMap::new(),
        undoes: vec![],
    }
}

pub fn check(id: &str, probe: Probe, advisory: bool) -> Check {
    Check {
        id: CheckId::from(id),
        title: id.to_owned(),
        applies: true,
        probe,
        period: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 5,
        unit: None,
        advisory,
    }
}

fn http(id: &str, advisory: bool) -> Check {
    let target = HttpTarget {
        url: "http://127.0.0.1/readyz".into(),
        method: "GET".to_owned(),
        headers: IndexMap::new(),
        body: None,
        json: None,
        follow_redirects: 0,
        insecure: false,
        ca: None,
        proxy: None,
    };
    check(id, Probe::Http { target, expect: HttpExpect::default() }, advisory)
}

fn process(id: &str, running: bool) -> Check {
    let expect = ProcessExpect {
        running,
        count: None,
        max_rss: None,
        max_cpu: None,
        max_restarts: None,
        env: IndexMap::new(),
    };
    check(id, Probe::Process { select: ProcessSelect::default(), expect }, false)
}

fn relay() -> Check {
    process("relay-new", true)
}

fn writer() -> Check {
    process("writer", false)
}
