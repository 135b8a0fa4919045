//! Where a session stands, as `ctl status` says it: facts, which are JSON as they are.

mod words;

pub(super) use words::{blocked, gone, row};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::sessions::Here;
use crate::clock::Now;
use crate::event::Health;
use crate::runbook::StageId;
use crate::runbook::model::{Action, Step};
use crate::session::handover::{handover, status_line};
use crate::session::telemetry::LogHealth;
use crate::session::votes::Vote;
use crate::session::{
    StageStatus, State, StepStatus, Telemetry, TriggerState, gate, second, way_back, window,
};
use crate::ui::format;

/// Whether anybody drives the session, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
pub(super) enum Engine {
    Live,
    Gone { since: DateTime<Utc> },
    Over { since: DateTime<Utc> },
}

/// A session, as it stands.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    session: String,
    title: String,
    mode: &'static str,
    #[serde(flatten)]
    engine: Engine,
    state: String,
    standing: String,
    paused: Option<Paused>,
    elapsed_ms: u64,
    stage: Option<Stage>,
    next_stage: Option<Next>,
    holds: Vec<gate::Missing>,
    questions: Vec<Question>,
    running: Vec<Running>,
    countdowns: Vec<Countdown>,
    not_green: Vec<NotGreen>,
    change_window: Option<ChangeWindow>,
    way_back: WayBack,
    driver: Option<String>,
    /// Since when the driver is away.
    driver_away: Option<DateTime<Utc>>,
    here: Vec<Here>,
    wheel_offered_to: Option<String>,
    wheel_asked_by: Vec<String>,
    log: Log,
}

#[derive(Debug, Serialize)]
struct Paused {
    by: String,
    at: DateTime<Utc>,
}

/// The stage in hand.
#[derive(Debug, Serialize)]
struct Stage {
    id: String,
    title: String,
    /// From 1.
    number: usize,
    of: usize,
    at_gate: bool,
    gate: Gate,
    soak: Option<Soak>,
    items: Vec<Item>,
    votes: Vec<Voted>,
    override_asked: Option<OverrideAsked>,
}

/// When the work may be done.
#[derive(Debug, Serialize)]
struct ChangeWindow {
    opens: Option<DateTime<Utc>>,
    closes: Option<DateTime<Utc>>,
    /// That it is not open now; null where it is.
    warning: Option<String>,
}

/// The way back: is it ready, how long it takes, until when it can start.
#[derive(Debug, Serialize)]
struct WayBack {
    #[serde(flatten)]
    gate: Gate,
    /// No check of the runbook tells whether it is ready.
    unproven: bool,
    /// What rolling back as far as it goes would run now.
    steps: Vec<String>,
    /// What is known to be needed for it, and how many of the steps were measured and have no time at all.
    takes_ms: u64,
    steps_measured: usize,
    steps_without_time: usize,
    takes: String,
    /// By when everything has to be undone.
    deadline: Option<DateTime<Utc>>,
    /// The last moment at which a rollback can start and still end by then; a bound only, where steps have no time.
    last_safe_start: Option<DateTime<Utc>>,
    in_time: Option<String>,
    /// The latest point of no return that was passed, and the next one.
    no_return_passed: Option<String>,
    no_return_ahead: Option<String>,
}

/// A gate.
#[derive(Debug, Serialize)]
struct Gate {
    go: bool,
    missing: Vec<gate::Missing>,
}

#[derive(Debug, Serialize)]
struct Soak {
    so_far_ms: u64,
    asked_ms: u64,
    running: bool,
}

/// What a person ticks; `passed` is null where nobody did.
#[derive(Debug, Serialize)]
struct Item {
    item: String,
    passed: Option<bool>,
}

/// A vote; one that is void counts no more, for this reason.
#[derive(Debug, Serialize)]
struct Voted {
    person: String,
    role: Option<String>,
    go: bool,
    note: Option<String>,
    void: Option<String>,
}

/// The override that waits for a second person's word.
#[derive(Debug, Serialize)]
struct OverrideAsked {
    by: String,
    reason: String,
    missing: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Next {
    id: String,
    title: String,
    point_of_no_return: bool,
}

#[derive(Debug, Serialize)]
struct Question {
    step: String,
    /// `confirm`: yes or no. `unknown`: what became of it is to be said.
    kind: &'static str,
    question: String,
}

#[derive(Debug, Serialize)]
struct Running {
    step: String,
    attempt: u32,
    elapsed_ms: u64,
    /// Its timeout; null where it may take as long as it takes.
    budget_ms: Option<u64>,
    ending: Option<String>,
}

#[derive(Debug, Serialize)]
struct Countdown {
    trigger: String,
    why: String,
    fires_in_ms: u64,
}

#[derive(Debug, Serialize)]
struct NotGreen {
    check: String,
    health: &'static str,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Log {
    /// ok, full, failed; null where no engine says.
    health: Option<&'static str>,
    why: Option<String>,
    head: Option<String>,
    seq: u64,
}

impl Status {
    /// Where `state` stands at `now`. `telemetry` is what an engine says beside the log; `head` the log's head.
    pub(super) fn of(
        state: &State,
        engine: Engine,
        telemetry: Option<&Telemetry>,
        head: Option<String>,
        now: Now,
    ) -> Self {
        let opened = state.opened.as_deref();
        let runbook = state.runbook.as_deref();
        let next = state.next_stage().and_then(|id| state.stage_plan(id)).filter(|_| !state.is_closed());
        Self {
            session: opened.map(|opened| opened.session.clone()).unwrap_or_default(),
            title: runbook.map(|runbook| runbook.title.clone()).unwrap_or_default(),
            mode: opened.map_or("", |opened| opened.mode.word()),
            engine,
            state: state.situation().word().replace(' ', "_"),
            standing: status_line(state, now),
            paused: state.paused.as_ref().map(|pause| Paused { by: pause.by.clone(), at: pause.at }),
            elapsed_ms: state.elapsed_ms(state.outcome.map_or(now, |(_, at)| at)),
            stage: state.current_stage().and_then(|id| stage(state, id, now)),
            next_stage: next.map(|stage| Next {
                id: stage.id.to_string(),
                title: stage.title.clone(),
                point_of_no_return: stage.point_of_no_return,
            }),
            holds: handover(state, now).holds,
            questions: questions(state),
            running: running(state, now),
            countdowns: countdowns(state, now),
            not_green: not_green(state),
            change_window: ChangeWindow::of(state, now),
            way_back: WayBack::of(state, now),
            driver: state.wheel.clone(),
            driver_away: state.wheel.as_ref().and_then(|name| Some(state.crew.get(name)?.left?.at)),
            here: if engine == Engine::Live { Here::all(state) } else { Vec::new() },
            wheel_offered_to: state.wheel_offer.as_ref().map(|offer| offer.to.clone()),
            wheel_asked_by: state.wheel_asked.clone(),
            log: Log::of(state, telemetry, head),
        }
    }
}

impl ChangeWindow {
    fn of(state: &State, now: Now) -> Option<Self> {
        let window = state.runbook.as_ref()?.window.filter(|_| !state.is_closed())?;
        Some(Self { opens: window.opens, closes: window.closes, warning: window::warning(state, now) })
    }
}

impl WayBack {
    fn of(state: &State, now: Now) -> Self {
        let back = way_back::way_back(state, now);
        let deadline = back.deadline.filter(|_| back.takes.steps > 0);
        Self {
            gate: Gate::of(gate::escape_hatch(state)),
            unproven: back.ready == way_back::Ready::Unproven,
            steps: back.steps.iter().map(|(id, _)| id.to_string()).collect(),
            takes_ms: back.takes.ms,
            steps_measured: back.takes.measured,
            steps_without_time: back.takes.unknown,
            takes: back.takes.in_words(),
            deadline: deadline.as_ref().map(|deadline| deadline.ends),
            last_safe_start: deadline.as_ref().map(|deadline| deadline.last_start),
            in_time: deadline.as_ref().map(|deadline| deadline.in_words(now)),
            no_return_passed: back.no_return.passed.map(|stage| stage.to_string()),
            no_return_ahead: back.no_return.ahead.map(|(stage, _)| stage.to_string()),
        }
    }
}

impl Gate {
    fn of(verdict: gate::Verdict) -> Self {
        Self { go: verdict.is_go(), missing: verdict.missing }
    }
}

impl Log {
    fn of(state: &State, telemetry: Option<&Telemetry>, head: Option<String>) -> Self {
        let (health, why) = match telemetry.map(|telemetry| &telemetry.log) {
            None => (None, None),
            Some(LogHealth::Ok) => (Some("ok"), None),
            Some(LogHealth::Full(why)) => (Some("full"), Some(why.clone())),
            Some(LogHealth::Failed(why)) => (Some("failed"), Some(why.clone())),
        };
        Self { health, why, head, seq: state.seq }
    }
}

fn stage(state: &State, id: &StageId, now: Now) -> Option<Stage> {
    let (plan, seen) = (state.stage_plan(id)?, state.stages.get(id)?);
    let soak = plan.gate.soak.map(|asked| {
        let asked_ms = format::ms(asked);
        let so_far_ms =
            if seen.soak.reached { asked_ms } else { seen.soak.so_far_ms(now.up_ms).min(asked_ms) };
        Soak { so_far_ms, asked_ms, running: seen.soak.running_since.is_some() }
    });
    let item = |item: &String| Item { item: item.clone(), passed: seen.ticks.get(item).map(|t| t.pass) };
    let vote = |vote: &Vote| Voted {
        person: vote.person.clone(),
        role: vote.role.clone(),
        go: vote.go,
        note: vote.note.clone(),
        void: vote.void.clone(),
    };
    let override_asked = second::standing(state).map(|(_, asked)| OverrideAsked {
        by: asked.by.clone(),
        reason: asked.reason.clone(),
        missing: asked.missing.clone(),
    });
    Some(Stage {
        id: id.to_string(),
        title: plan.title.clone(),
        number: state.stages.get_index_of(id)? + 1,
        of: state.stages.len(),
        at_gate: seen.status == StageStatus::AtGate,
        gate: Gate::of(gate::evaluate(state, id)),
        soak,
        items: plan.gate.accept.iter().map(item).collect(),
        votes: seen.votes.iter().map(vote).collect(),
        override_asked,
    })
}

fn questions(state: &State) -> Vec<Question> {
    let question = |step| {
        let seen = state.step(&step);
        let (kind, question) = match state.step_plan(&step).map(|plan| &plan.action) {
            Some(Action::Confirm { .. }) if seen.status == StepStatus::Waiting => {
                let asked = seen.what.as_deref().unwrap_or_default();
                ("confirm", asked.strip_prefix("confirm: ").unwrap_or(asked))
            }
            _ => ("unknown", seen.why.as_deref().unwrap_or_default()),
        };
        Question { step: step.to_string(), kind, question: question.to_owned() }
    };
    state.questions().into_iter().map(question).collect()
}

fn running(state: &State, now: Now) -> Vec<Running> {
    let steps = state.runbook.iter().flat_map(|runbook| runbook.all_steps());
    let is_question = |step: &Step| matches!(step.action, Action::Confirm { .. });
    let open = steps.filter(|step| state.step(&step.id).status.is_open() && !is_question(step));
    let running = open.map(|step| {
        let seen = state.step(&step.id);
        Running {
            step: step.id.to_string(),
            attempt: seen.attempt,
            elapsed_ms: seen.started.map_or(0, |at| now.up_ms.saturating_sub(at.up_ms)),
            budget_ms: step.timeout.map(format::ms),
            ending: seen.killed.as_ref().map(|ending| ending.why.clone()),
        }
    });
    running.collect()
}

fn countdowns(state: &State, now: Now) -> Vec<Countdown> {
    let armed = state.triggers.iter().filter_map(|(id, trigger)| match trigger {
        TriggerState::Armed { why, fires_at } => Some(Countdown {
            trigger: id.to_string(),
            why: why.clone(),
            fires_in_ms: fires_at.saturating_sub(now.up_ms),
        }),
        _ => None,
    });
    armed.collect()
}

/// What is looked at now and not green.
fn not_green(state: &State) -> Vec<NotGreen> {
    let bad = state.checks.iter().filter(|(id, seen)| seen.health != Health::Idle && !state.is_green(id));
    bad.map(|(id, seen)| NotGreen {
        check: id.to_string(),
        health: seen.health.word(),
        reason: seen.reason.clone(),
    })
    .collect()
}
