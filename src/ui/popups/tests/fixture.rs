//! A cutover in hand, and a desk to sit at: the state, the clocks, who drives.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyEvent, KeyModifiers};
use indexmap::IndexMap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::clock::Now;
use crate::event::{Credentials, Health, Person, Seat};
use crate::runbook::model::{
    Action, Check, Command, FileExpect, Gate, OnFailure, Override, Probe, Retries, Rollback, RollbackGate,
    RollbackWindow, Runbook, Stage, Step, Template, TextExpect, Trigger, TriggerThen, TriggerWhen,
};
use crate::runbook::{StageId, StepId};
use crate::session::{
    CheckState, Operator, Soak, StageState, StageStatus, State, StepState, StepStatus, Telemetry, Tick,
};
use crate::ui::keymap::{Key, Keymap};
use crate::ui::popups::{Context, Opened, Outcome, Popup};
use crate::ui::theme::Theme;

pub const UP_MS: u64 = 10_000_000;

pub fn now() -> Now {
    let at: DateTime<Utc> = "2026-11-20T02:51:07Z".parse().unwrap();
    Now { at, up_ms: UP_MS }
}

pub fn ago(ms: u64) -> Now {
    let now = now();
    Now { at: now.at - Duration::from_millis(ms), up_ms: now.up_ms - ms }
}

pub fn run(id: &str, title: &str, argv: &[&str]) -> Step {
    let command = Command::Argv(argv.iter().map(|word| Template::from(*word)).collect());
    step(id, title, Action::Run { command, expect: Default::default() })
}

pub fn step(id: &str, title: &str, action: Action) -> Step {
    Step {
        id: id.into(),
        title: title.to_owned(),
        description: None,
        applies: true,
        action,
        timeout: Some(Duration::from_secs(30)),
        estimate: Some(Duration::from_secs(20)),
        env: IndexMap::new(),
        cwd: None,
        user: None,
        files: Vec::new(),
        needs: Vec::new(),
        retries: Retries { attempts: 1, delay: Duration::ZERO, backoff: 1.0 },
        on_failure: OnFailure::Hold,
        idempotent: false,
        repeatable: false,
        skippable: false,
        output_limit: 1 << 26,
        evidence: Vec::new(),
        capture: IndexMap::new(),
        undoes: Vec::new(),
    }
}

fn undo(id: &str, argv: &[&str], of: &str) -> Step {
    Step { undoes: vec![of.into()], on_failure: OnFailure::Stuck, ..run(id, "", argv) }
}

fn stage(id: &str, title: &str, steps: Vec<Step>, rollback: Vec<Step>) -> Stage {
    Stage {
        id: id.into(),
        title: title.to_owned(),
        description: None,
        applies: true,
        watch: Vec::new(),
        estimate: None,
        point_of_no_return: false,
        steps,
        rollback,
        gate: Gate {
            checks: Vec::new(),
            soak: None,
            accept: Vec::new(),
            approvals: 0,
            roles: Vec::new(),
            consecutive_sessions: 1,
            drilled: None,
            auto: false,
            over: Override::Reason,
        },
    }
}

fn check(id: &str, title: &str, probe: Probe) -> Check {
    Check {
        id: id.into(),
        title: title.to_owned(),
        applies: true,
        probe,
        period: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 1,
        unit: None,
        advisory: false,
    }
}

fn exists(path: &str) -> Probe {
    let expect = FileExpect {
        exists: true,
        executable: Some(true),
        sha256: None,
        sha256sums: None,
        max_age: None,
        text: TextExpect::default(),
    };
    Probe::File { paths: vec![path.into()], expect }
}

/// Four stages; the last is a point of no return.
pub fn runbook() -> Runbook {
    let freeze = stage(
        "freeze",
        "Freeze writes",
        vec![run("freeze.lock", "Lock the schema", &["psql", "-c", "select lock_schema()"])],
        vec![undo("freeze.unlock", &["psql", "-c", "select unlock_schema()"], "freeze.lock")],
    );
    let mut switch = stage(
        "switch",
        "Switch the traffic",
        vec![
            Step {
                repeatable: true,
                ..run("switch.stop-old", "Stop the old one", &["scripts/stop.sh", "old"])
            },
            Step {
                needs: vec!["switch.stop-old".into()],
                skippable: true,
                ..run("switch.start-new", "Start the new one", &["scripts/start.sh", "new"])
            },
        ],
        vec![
            undo("switch.stop-new", &["scripts/stop.sh", "new"], "switch.start-new"),
            undo("switch.start-old", &["scripts/start.sh", "old"], "switch.stop-old"),
        ],
    );
    switch.gate.checks = vec!["readyz".into(), "lag".into()];
    switch.gate.soak = Some(Duration::from_secs(300));
    switch.gate.accept = vec!["Support sees no tickets".to_owned()];
    let observe = stage(
        "observe",
        "Observe",
        vec![step(
            "observe.ask",
            "Business sign-off",
            Action::Confirm {
                question: "Does the business accept the new service?".into(),
                note_required: false,
                role: Some("business".to_owned()),
                items: vec!["Orders flow".to_owned(), "Invoices flow".to_owned()],
            },
        )],
        Vec::new(),
    );
    let mut drop_old = stage(
        "drop-old",
        "Drop the old primary",
        vec![run("drop-old.drop", "Drop it", &["dropdb", "old primary"])],
        Vec::new(),
    );
    drop_old.point_of_no_return = true;
    drop_old.gate.over = Override::Never;
    let checks = [
        check("readyz", "the new one is ready", exists("run/ready")),
        check("lag", "replica lag", exists("run/lag")),
        check("old-binary", "the old binary is there", exists("bin/old")),
    ];
    Runbook {
        id: "orders".to_owned(),
        title: "orders-db: primary cutover".to_owned(),
        owner: None,
        ticket: Some("CHG0048213".to_owned()),
        environment: Some("production".to_owned()),
        policy: Vec::new(),
        shell: ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec(),
        vars: IndexMap::new(),
        secrets: IndexMap::new(),
        env: IndexMap::new(),
        checks: checks.into_iter().map(|check| (check.id.clone(), check)).collect(),
        stages: vec![freeze, switch, observe, drop_old],
        triggers: vec![Trigger {
            id: "switch.readyz.rollback".into(),
            stage: Some("switch".into()),
            applies: true,
            check: "readyz".into(),
            condition: TriggerWhen::FailingFor(Duration::from_secs(10)),
            then: TriggerThen::Rollback { to: Some("switch".into()), grace: Duration::from_secs(30) },
            armed_from_entry: false,
        }],
        roles: IndexMap::new(),
        window: None,
        notify: Vec::new(),
        rollback: Rollback {
            window: Some(RollbackWindow { from: "freeze".into(), lasts: Duration::from_secs(3600) }),
            ready: vec!["old-binary".into()],
            prepare: Vec::new(),
            steps: vec![run("rollback.report", "Tell everyone", &["scripts/tell.sh", "rolled back"])],
            gate: Some(RollbackGate { checks: vec!["old-binary".into()], timeout: Duration::from_secs(300) }),
        },
        dir: "/srv/cutover".into(),
        text: "".into(),
        sha256: "77b0c1d2e3f4a5b6c7d8e9f00112233445566778899aabbccddeeff001122333e".to_owned(),
    }
}

/// The stage `switch` is at its gate and GO; `freeze` has passed.
pub fn at_go() -> State {
    let runbook = runbook();
    let mut state = State { seq: 211, decisive_seq: 205, started: Some(ago(3_000_000)), ..State::default() };
    for stage in &runbook.stages {
        state.stages.insert(stage.id.clone(), StageState::default());
    }
    entered(&mut state, "freeze", StageStatus::Passed, 2_400_000);
    entered(&mut state, "switch", StageStatus::AtGate, 900_000);
    let switch = state.stages.get_mut("switch").unwrap();
    switch.at_gate = Some(ago(400_000));
    switch.soak = Soak { started: true, banked_ms: 300_000, reached: true, ..Soak::default() };
    switch.ticks.insert(
        "Support sees no tickets".to_owned(),
        Tick { pass: true, by: "opsB".to_owned(), at: ago(60_000).at, note: None },
    );
    for id in ["freeze.lock", "switch.stop-old", "switch.start-new"] {
        passed(&mut state, id);
    }
    for id in ["readyz", "lag", "old-binary"] {
        health(&mut state, id, Health::Ok, "");
    }
    state.runbook = Some(Arc::new(runbook));
    let driver = Operator {
        person: Person { person: "opsA".to_owned(), uid: 1000, seat: Seat::Driver },
        credentials: Credentials { uid: 1000, login_uid: Some(1000), ..Credentials::default() },
        roles: vec!["business".to_owned()],
        since: ago(2_400_000),
        left: None,
    };
    state.crew.insert("opsA".to_owned(), driver);
    state
}

pub fn entered(state: &mut State, id: &str, status: StageStatus, ms_ago: u64) {
    let stage = state.stages.get_mut(&StageId::from(id)).unwrap();
    stage.status = status;
    stage.entered = Some(ago(ms_ago));
}

pub fn passed(state: &mut State, id: &str) {
    let step = StepState {
        status: StepStatus::Passed,
        attempt: 1,
        tries: 1,
        began: 1,
        started: Some(ago(800_000)),
        ended: Some(ago(780_000)),
        ..StepState::default()
    };
    state.steps.insert(StepId::from(id), step);
}

pub fn health(state: &mut State, id: &str, health: Health, reason: &str) {
    let seen =
        CheckState { health, reason: reason.to_owned(), changed: Some(ago(90_000)), ..CheckState::default() };
    state.checks.insert(id.into(), seen);
}

/// The runbook of a state, to be changed.
pub fn plan(state: &mut State) -> &mut Runbook {
    Arc::make_mut(state.runbook.as_mut().unwrap())
}

/// Somewhere to sit.
pub struct Desk {
    pub state: State,
    pub telemetry: Telemetry,
    pub now: Now,
    pub keymap: Keymap,
    pub operator: Person,
    /// How long somebody has sat here; the session's time stands still meanwhile, as where its engine is gone.
    pub waited_ms: Cell<u64>,
}

impl Desk {
    pub fn new(state: State) -> Self {
        let operator = Person { person: "opsA".to_owned(), uid: 1000, seat: Seat::Driver };
        Self {
            state,
            telemetry: Telemetry::default(),
            now: now(),
            keymap: Keymap::default(),
            operator,
            waited_ms: Cell::new(0),
        }
    }

    /// Nobody presses anything for a moment.
    pub fn waits(&self) {
        self.waited_ms.set(self.waited_ms.get() + 500);
    }

    pub fn cx(&self) -> Context<'_> {
        Context {
            state: &self.state,
            telemetry: &self.telemetry,
            now: self.now,
            watched_ms: self.waited_ms.get(),
            keymap: &self.keymap,
            operator: Some(&self.operator),
            replay: None,
        }
    }

    pub fn open(&self, open: impl FnOnce(&Context) -> Opened) -> Box<dyn Popup> {
        open(&self.cx()).unwrap()
    }

    /// Presses keys as an operator would, who looks at a frame for a moment before each; what the last one led to.
    pub fn press(&self, popup: &mut Box<dyn Popup>, keys: &str) -> Outcome {
        self.press_at(popup, keys, 120, 60)
    }

    pub fn press_at(&self, popup: &mut Box<dyn Popup>, keys: &str, width: u16, height: u16) -> Outcome {
        let mut outcome = Outcome::Stay;
        for key in keys.split_whitespace() {
            assert_eq!(outcome, Outcome::Stay, "closed before {key}");
            if let Some(text) = key.strip_prefix("type:") {
                for c in text.chars() {
                    outcome = popup.key(KeyEvent::from(crossterm::event::KeyCode::Char(c)), &self.cx());
                }
                continue;
            }
            self.drawn(&**popup, width, height);
            let key: Key = key.parse().unwrap();
            let ctrl = if key.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            let alt = if key.alt { KeyModifiers::ALT } else { KeyModifiers::NONE };
            outcome = popup.key(KeyEvent::new(key.code, ctrl | alt), &self.cx());
        }
        outcome
    }

    pub fn drawn(&self, popup: &dyn Popup, width: u16, height: u16) -> String {
        let buffer = self.buffer(popup, width, height);
        let rows = buffer.content().chunks(usize::from(width.max(1)));
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n")
            .collect()
    }

    /// What is on the screen after a moment.
    pub fn buffer(&self, popup: &dyn Popup, width: u16, height: u16) -> Buffer {
        self.first_frame(popup, width, height);
        self.waits();
        self.first_frame(popup, width, height)
    }

    pub fn first_frame(&self, popup: &dyn Popup, width: u16, height: u16) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        popup.render(area, &mut buffer, &self.cx(), &Theme::mono());
        buffer
    }
}
