//! Where a session stands, as `ctl status` says it: the same facts as text and as JSON.

use std::fmt;

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
use crate::text::safe_line;
use crate::ui::format;

/// Whether anybody drives the session, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
pub(super) enum Engine {
    Live,
    Gone { since: DateTime<Utc> },
    Over { since: DateTime<Utc> },
}

impl Engine {
    /// That nobody drives `session`, where nobody does.
    pub(super) fn in_words(self, session: &str) -> Option<String> {
        match self {
            Self::Live => None,
            Self::Gone { since } => Some(gone(session, since)),
            Self::Over { since } => Some(format!("over since {}", instant(since))),
        }
    }
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

    fn in_words(&self) -> String {
        let moment = |word: &str, at: DateTime<Utc>| format!("{word} {}", at.format("%Y-%m-%d %H:%MZ"));
        let ends = [self.opens.map(|at| moment("opens", at)), self.closes.map(|at| moment("closes", at))];
        let ends: Vec<String> = ends.into_iter().flatten().collect();
        self.warning.clone().unwrap_or_else(|| ends.join(", "))
    }
}

impl WayBack {
    fn of(state: &State, now: Now) -> Self {
        let back = way_back::way_back(state, now);
        let deadline = back.deadline.filter(|_| back.takes.steps > 0);
        Self {
            gate: Gate::of(gate::escape_hatch(state)),
            steps: back.steps.iter().map(|(id, _)| id.to_string()).collect(),
            takes_ms: back.takes.ms,
            steps_measured: back.takes.measured,
            steps_without_time: back.takes.unknown,
            takes: back.takes.in_words(),
            deadline: deadline.as_ref().map(|deadline| deadline.ends),
            last_safe_start: deadline.as_ref().map(|deadline| deadline.last_start),
            in_time: deadline.as_ref().map(way_back::Deadline::in_words),
            no_return_passed: back.no_return.passed.map(|stage| stage.to_string()),
            no_return_ahead: back.no_return.ahead.map(|(stage, _)| stage.to_string()),
        }
    }

    fn lines(&self, told: bool) -> Vec<String> {
        let steps = match self.steps.len() {
            0 => String::new(),
            1 => "1 step, ".to_owned(),
            count => format!("{count} steps, "),
        };
        let word = if self.gate.go { "ready" } else { "NOT READY" };
        let mut lines = vec![row("way back", &format!("{word}; {steps}{}", self.takes))];
        lines.extend(self.gate.missing.iter().filter(|_| !told).map(|missing| row("", &missing.what)));
        lines.extend(self.in_time.iter().map(|in_time| row("", in_time)));
        lines.extend(
            self.no_return_passed
                .iter()
                .map(|stage| row("", &format!("nothing before {stage} can be rolled back any more"))),
        );
        lines
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

/// The text that an operator reads; every line of it is safe for a terminal.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        lines.iter().try_for_each(|line| writeln!(f, "{}", safe_line(line)))
    }
}

impl Status {
    fn lines(&self) -> Vec<String> {
        let elapsed = format::clock(self.elapsed_ms);
        let mut lines = vec![format!("{}: {}, {}, T+{elapsed}", self.session, self.title, self.mode)];
        lines.extend(self.engine.in_words(&self.session));
        lines.push(self.standing.clone());
        lines.extend(self.where_it_is());
        lines.extend(self.holds.iter().flat_map(|hold| blocked("hold", hold)));
        lines.extend(self.questions.iter().map(|q| row("question", &format!("{}: {}", q.step, q.question))));
        lines.extend(self.countdowns.iter().map(|countdown| {
            let left = countdown.fires_in_ms.div_ceil(1000);
            row("countdown", &format!("{} fires in {left}s: {}", countdown.trigger, countdown.why))
        }));
        lines.extend(self.running.iter().map(|running| row("running", &running.in_words())));
        lines.extend(self.stage.as_ref().into_iter().flat_map(Stage::gate_lines));
        if !matches!(self.engine, Engine::Over { .. }) {
            lines.extend(self.change_window.iter().map(|window| row("window", &window.in_words())));
            lines.extend(self.way_back_lines());
        }
        lines.extend(self.crew_lines());
        lines.push(row("log", &self.log.in_words()));
        lines
    }

    fn where_it_is(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(Stage { id, title, number, of, at_gate, .. }) = &self.stage {
            let gate = if *at_gate { ", at its gate" } else { "" };
            lines.push(row("stage", &format!("{number} of {of}, {id}: {title}{gate}")));
        }
        if let Some(next) = &self.next_stage {
            let point = if next.point_of_no_return { ", a point of no return" } else { "" };
            lines.push(row("next", &format!("{}: {}{point}", next.id, next.title)));
        }
        lines
    }

    fn way_back_lines(&self) -> Vec<String> {
        // At a gate it is among what blocks.
        let told = self.stage.as_ref().is_some_and(|stage| stage.at_gate);
        self.way_back.lines(told)
    }

    fn crew_lines(&self) -> Vec<String> {
        let driver = match (self.driver.as_deref(), self.driver_away) {
            (None, _) => "nobody".to_owned(),
            (Some(driver), None) => driver.to_owned(),
            (Some(driver), Some(since)) => {
                format!("{driver}, AWAY since {}: `wheel take`", since.format("%H:%M:%SZ"))
            }
        };
        let mut lines = vec![row("driver", &driver)];
        lines.extend(self.here.iter().map(|here| row("here", &here.in_words())));
        lines.extend(self.wheel_offered_to.iter().map(|to| row("wheel", &format!("offered to {to}"))));
        lines.extend(self.wheel_asked_by.iter().map(|by| row("wheel", &format!("asked for by {by}"))));
        lines
    }
}

impl Stage {
    fn gate_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(soak) = &self.soak {
            let stands =
                if soak.running || soak.so_far_ms >= soak.asked_ms { "" } else { ", standing still" };
            let (so_far, asked) = (format::took(soak.so_far_ms), format::took(soak.asked_ms));
            lines.push(row("soak", &format!("{so_far} of {asked}{stands}")));
        }
        lines.extend(self.votes.iter().map(|vote| row("vote", &vote.in_words())));
        if let Some(OverrideAsked { by, reason, .. }) = &self.override_asked {
            lines.push(row("override", &format!("{by} asks for a second person's word: {reason}")));
        }
        // Before the gate most of it is still to come.
        let missing = self.gate.missing.iter().filter(|_| self.at_gate);
        lines.extend(missing.flat_map(|missing| blocked("blocked by", missing)));
        lines
    }
}

impl Voted {
    fn in_words(&self) -> String {
        let word = if self.go { "GO" } else { "NO-GO" };
        let role = self.role.as_ref().map_or_else(String::new, |role| format!(" for {role}"));
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        let void = self.void.as_ref().map_or_else(String::new, |why| format!(" (void: {why})"));
        format!("{} {word}{role}{note}{void}", self.person)
    }
}

impl Log {
    fn in_words(&self) -> String {
        let head = self.head.as_deref().unwrap_or("unknown");
        match (self.health, &self.why) {
            (Some(health), Some(why)) => format!("{}: {why}, head {head}", health.to_uppercase()),
            (Some(health), None) => format!("{health}, head {head}"),
            (None, _) => format!("head {head}"),
        }
    }
}

impl Running {
    fn in_words(&self) -> String {
        let attempt = if self.attempt > 1 { format!(", attempt {}", self.attempt) } else { String::new() };
        let budget = self.budget_ms.map_or_else(String::new, |ms| format!(" of {}", format::took(ms)));
        let ending = self.ending.as_ref().map_or_else(String::new, |why| format!(", being ended: {why}"));
        format!("{}{attempt} for {}{budget}{ending}", self.step, format::took(self.elapsed_ms))
    }
}

/// That an engine is gone, and what brings it back.
pub(super) fn gone(session: &str, since: DateTime<Utc>) -> String {
    format!(
        "the engine of {session} is gone since {}: `gonogo resume {session}` brings it back",
        instant(since)
    )
}

fn instant(at: DateTime<Utc>) -> impl fmt::Display {
    at.format("%Y-%m-%d %H:%M:%SZ")
}

/// What stands in the way, and what takes it out of it.
pub(super) fn blocked(name: &str, missing: &gate::Missing) -> [String; 2] {
    [row(name, &missing.what), row("", &format!("released by: {}", missing.release))]
}

pub(super) fn row(name: &str, what: &str) -> String {
    format!("  {name:<11} {what}")
}
