//! The serial heart of the engine: it takes what came in, decides it against a working state, writes the events, and
//! only then shows, answers and acts. Synchronous and without a clock of its own, so that a day passes in a
//! millisecond of a test.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::driver::{Effect, Report, SampleOrder};
use super::journal::Journal;
use super::work::{Work, effect, fact_events, notices, untold, world};
use crate::check::tracker::Taken;
use crate::check::{Change, Tracker};
use crate::clock::Now;
use crate::event::{By, Event, EventKind, Health, ItemOf};
use crate::feed::Ask;
use crate::redact::Redactor;
use crate::session::telemetry::{LogHealth, Measure};
use crate::session::{Command, Facts, Refusal, State, decide, settle, watch};

/// How late the loop may come to a look before the time counts as unobserved.
pub(super) const LATE_MS: u64 = 3_000;
/// The loop looks at least this often.
pub const LOOK_MS: u64 = 1_000;
/// The log says this often how far the telemetry goes; besides at each stage's end and at the close.
const CHECKPOINT_MS: u64 = 60_000;
/// How many rounds may follow one another by themselves; more is a fault in the rules, not in the runbook.
const MOST_ROUNDS: usize = 10_000;

/// What came in.
#[derive(Debug)]
pub enum Input {
    Ask(Ask),
    Report(Report),
    /// The engine's own events: it started, somebody joined, it is stopping.
    Own(By, EventKind),
    /// Something for the screens alone: who is attached.
    Show(Measure),
}

/// What an operator is told of a command.
pub type Answer = Result<(), Refusal>;
/// Where that goes.
pub type Answerer = oneshot::Sender<Answer>;

/// What one turn leads to, in this order: show, answer, act.
#[derive(Debug, Default)]
pub struct Turn {
    pub events: Vec<Arc<Event>>,
    pub measures: Vec<Measure>,
    pub answers: Vec<(Answerer, Answer)>,
    pub effects: Vec<Effect>,
    /// When to look again at the latest, on the boot clock.
    pub next_up_ms: u64,
}

/// The engine without its surroundings.
#[derive(Debug)]
pub struct Machine<J> {
    state: State,
    /// Made once the runbook is known.
    tracker: Option<Tracker>,
    /// What the tracker said that is not recorded yet.
    changes: Vec<Change>,
    journal: J,
    /// No secret reaches the log, whatever carries it.
    redactor: Redactor,
    log: LogHealth,
    /// The log is written on its reserve: a way back, and nothing that goes forward.
    reserve: Option<LogHealth>,
    /// Facts from outside that could not be recorded yet; commands are refused instead.
    unrecorded: VecDeque<Input>,
    last_look: Option<u64>,
    /// Since when nothing could be recorded.
    silent_since: Option<u64>,
    last_checkpoint: u64,
}

impl<J: Journal> Machine<J> {
    /// A machine over a folded log, which may be empty.
    pub fn new(state: State, journal: J, redactor: Redactor) -> Self {
        Self {
            state,
            tracker: None,
            changes: Vec::new(),
            journal,
            redactor,
            log: LogHealth::Ok,
            reserve: None,
            unrecorded: VecDeque::new(),
            last_look: None,
            silent_since: None,
            last_checkpoint: 0,
        }
    }

    /// The state as it is on disk.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where its events go.
    #[must_use]
    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// The session is over for this engine: what only a running one may hold is given back.
    pub fn closed(&mut self) {
        if self.state.is_closed() {
            self.journal.closed();
        }
    }

    /// The same, to be changed: a test breaks it.
    #[cfg(test)]
    pub fn journal_mut(&mut self) -> &mut J {
        &mut self.journal
    }

    /// Takes one batch of inputs.
    pub fn turn(&mut self, inputs: Vec<Input>, now: Now) -> Turn {
        if self.state.is_closed() {
            return self.over(inputs, now);
        }
        let mut turn = Turn::default();
        let (asks, facts) = self.receive(inputs, now, &mut turn);
        // Of looks at the frozen files only the newest matters, however long nothing could be recorded.
        if facts.iter().any(is_frozen) {
            self.unrecorded.retain(|fact| !is_frozen(fact));
        }
        self.unrecorded.extend(facts);
        let was = self.health();
        if self.log != LogHealth::Ok {
            self.recover(&asks, now, &mut turn);
        }
        self.reserve = self.journal.mind_the_disk().filter(|_| self.log == LogHealth::Ok);
        let refusal = Refusal::new(self.health().sentence());
        let (asks, refused): (Vec<Ask>, Vec<Ask>) = asks.into_iter().partition(|ask| {
            self.log == LogHealth::Ok && (self.reserve.is_none() || self.is_way_back(&ask.command))
        });
        turn.answers.extend(refused.into_iter().map(|ask| (ask.answer, Err(refusal.clone()))));
        if self.log == LogHealth::Ok {
            self.record(asks, now, &mut turn);
        }
        if self.health() != was {
            turn.measures.push(Measure::Log(self.health()));
        }
        if turn.measures.iter().any(|measure| matches!(measure, Measure::Head(_))) {
            turn.measures.extend(self.journal.file().map(Measure::LogFile));
        }
        // A sample is a sign that somebody watched and could have recorded what it saw: while nothing can be recorded there
        // is none, so that whoever takes over counts that time as unobserved.
        let silent = self.log != LogHealth::Ok;
        for measure in turn.measures.iter().filter(|m| !(silent && matches!(m, Measure::Sample { .. }))) {
            self.journal.keep(self.state.seq, now, measure);
        }
        self.last_look = Some(now.up_ms);
        self.poll(now, &mut turn);
        turn.next_up_ms = turn.next_up_ms.min(now.up_ms + LOOK_MS);
        turn
    }

    /// The session is over: whatever comes in changes nothing any more.
    fn over(&self, inputs: Vec<Input>, now: Now) -> Turn {
        let refused = |input| match input {
            Input::Ask(Ask { operator, command, seen_seq, answer }) => {
                let answered = decide(&self.state, &command, &operator, seen_seq, now);
                Some((answer, answered.and_then(|_| Err(Refusal::new("the engine is stopping")))))
            }
            _ => None,
        };
        let answers = inputs.into_iter().filter_map(refused).collect();
        Turn { answers, next_up_ms: now.up_ms + LOOK_MS, ..Turn::default() }
    }

    /// What comes in when the engine has ended its work: those who were being told may still have been, and that is
    /// recorded; whoever asks for anything else is refused. With `give_up`, nobody waits for the rest any longer.
    pub fn last_words(&mut self, inputs: Vec<Input>, give_up: bool, now: Now) -> Turn {
        let is_told = |input: &Input| matches!(input, Input::Report(Report::Told(_)));
        let (told, rest): (Vec<Input>, Vec<Input>) = inputs.into_iter().partition(is_told);
        let mut turn = self.over(rest, now);
        let mut work = self.work(now);
        told.iter().for_each(|fact| fact_events(&mut work, fact));
        if give_up {
            untold(&work.state).into_iter().for_each(|event| work.happen(By::ENGINE, event));
        }
        if work.events.is_empty() {
            return turn;
        }
        match self.journal.append(&work.events) {
            Ok(head) => {
                turn.measures.push(Measure::Head(head));
                self.state = work.state;
                turn.events = work.events;
            }
            Err(health) => {
                tracing::error!("what became of notifications is not recorded: {}", health.sentence())
            }
        }
        turn
    }

    /// The log's health as it is shown.
    fn health(&self) -> LogHealth {
        self.reserve.clone().unwrap_or_else(|| self.log.clone())
    }

    /// Whether a command leads back, or to the end, so that it may use the reserve.
    fn is_way_back(&self, command: &Command) -> bool {
        match command {
            Command::Rollback { .. }
            | Command::Kill { .. }
            | Command::Pause
            | Command::Veto { .. }
            | Command::Abort { .. } => true,
            // Nobody goes back who has not the wheel.
            Command::AskWheel
            | Command::OfferWheel { .. }
            | Command::AcceptWheel
            | Command::DeclineWheel
            | Command::TakeWheel => true,
            Command::Retry { .. }
            | Command::Skip { .. }
            | Command::Resolve { .. }
            | Command::Resume
            | Command::Confirm { .. }
            | Command::Tick { on: ItemOf::Step(_), .. } => self.state.active_rollback().is_some(),
            _ => false,
        }
    }

    /// Sorts the inputs: samples go to the tracker and the telemetry at once, commands and facts to the record.
    fn receive(&mut self, inputs: Vec<Input>, now: Now, turn: &mut Turn) -> (Vec<Ask>, Vec<Input>) {
        let (mut asks, mut facts) = (Vec::new(), Vec::new());
        for input in inputs {
            match input {
                Input::Ask(ask) => asks.push(ask),
                Input::Report(Report::Sampled(sample)) => {
                    let Some(tracker) = &mut self.tracker else {
                        turn.measures.push(sample.into());
                        continue;
                    };
                    let Taken { samples, changes } = tracker.take(sample, now.up_ms);
                    self.changes.extend(changes);
                    turn.measures.extend(samples.into_iter().map(Measure::from));
                }
                Input::Report(Report::Output { step, progress }) => {
                    turn.measures.push(Measure::Output { step, progress });
                }
                Input::Show(measure) => turn.measures.push(measure),
                fact => facts.push(fact),
            }
        }
        (asks, facts)
    }

    fn recover(&mut self, asks: &[Ask], now: Now, turn: &mut Turn) {
        let urgent = !self.unrecorded.is_empty()
            || asks.iter().any(|ask| matches!(ask.command, Command::Rollback { .. } | Command::Kill { .. }));
        let why = self.log.sentence();
        match self.journal.recover(urgent) {
            // A log begins with its session's opening; that it could not be written at once is worth no event.
            Ok(_) if self.state.seq == 0 => (self.log, self.silent_since) = (LogHealth::Ok, None),
            Ok(dropped_bytes) => {
                let mut work = self.work(now);
                work.happen(By::ENGINE, EventKind::LogRecovered { why, dropped_bytes });
                // What was seen meanwhile is in no record: it proves nothing, whoever reads that.
                let from = self.silent_since.unwrap_or(now.up_ms);
                work.happen(By::ENGINE, EventKind::Unobserved { from, to: now.up_ms });
                match self.journal.append(&work.events) {
                    Ok(head) => {
                        turn.measures.push(Measure::Head(head));
                        self.state = work.state;
                        self.log = LogHealth::Ok;
                        (self.silent_since, self.last_look) = (None, Some(now.up_ms));
                        turn.events.extend(work.events);
                    }
                    Err(health) => self.log = health,
                }
            }
            Err(health) => self.log = health,
        }
    }

    /// Decides everything against a working state, writes it, and makes it the state.
    fn record(&mut self, asks: Vec<Ask>, now: Now, turn: &mut Turn) {
        let mut work = self.work(now);
        if let Some(last) = self.last_look.filter(|last| now.up_ms > last + LOOK_MS + LATE_MS) {
            work.happen(By::ENGINE, EventKind::Unobserved { from: last, to: now.up_ms });
        }
        for fact in &self.unrecorded {
            fact_events(&mut work, fact);
        }
        if !asks.is_empty() {
            // Whoever asks is answered by what is known by now, not by what was recorded last.
            self.follow(&mut work);
        }
        let mut answers = Vec::with_capacity(asks.len());
        for ask in asks {
            let answer = match decide(&work.state, &ask.command, &ask.operator, ask.seen_seq, now) {
                Ok(events) => {
                    events.into_iter().for_each(|event| work.happen(By::Person(ask.operator.clone()), event));
                    Ok(())
                }
                Err(refusal) => {
                    if !work.state.is_closed() {
                        let refused = EventKind::CommandRefused {
                            command: ask.command.word().to_owned(),
                            why: refusal.0.clone(),
                        };
                        work.happen(By::Person(ask.operator.clone()), refused);
                    }
                    Err(refusal)
                }
            };
            answers.push((ask.answer, answer));
        }
        let next = self.follow(&mut work);
        if now.up_ms >= self.last_checkpoint + CHECKPOINT_MS && !work.state.is_closed() {
            self.last_checkpoint = now.up_ms;
            work.checkpoint();
        }
        let work_events = std::mem::take(&mut work.events);
        if work_events.is_empty() {
            turn.answers.extend(answers);
            turn.next_up_ms = next;
            self.recorded(work.changes_taken);
            return;
        }
        match self.journal.append(&work_events) {
            Ok(head) => {
                turn.effects.extend(notices(&work.state, self.state.seq, &head));
                turn.measures.push(Measure::Head(head));
                turn.effects.extend(work_events.iter().filter_map(|event| effect(&work.state, &event.event)));
                self.state = work.state;
                self.recorded(work.changes_taken);
                turn.events.extend(work_events);
                turn.answers.extend(answers);
                turn.next_up_ms = next;
            }
            Err(health) => {
                // Nothing of this happened. What came from outside is kept and told again when the log is back.
                let refusal = Refusal::new(health.sentence());
                self.log = health;
                self.silent_since.get_or_insert(self.last_look.unwrap_or(now.up_ms));
                turn.answers.extend(answers.into_iter().map(|(answer, _)| (answer, Err(refusal.clone()))));
                turn.next_up_ms = now.up_ms + LOOK_MS;
            }
        }
    }

    /// A batch that begins with the state as it is on disk.
    fn work(&mut self, now: Now) -> Work {
        Work {
            state: self.state.clone(),
            events: Vec::new(),
            fences: Vec::new(),
            changes_taken: 0,
            mark: self.journal.telemetry_mark(),
            redactor: self.redactor.clone(),
            now,
        }
    }

    fn recorded(&mut self, changes: usize) {
        self.unrecorded.clear();
        self.changes.drain(..changes);
    }

    /// Folds in what follows by itself until nothing does; returns when to look again.
    fn follow(&mut self, work: &mut Work) -> u64 {
        let mut at_rest = true;
        for _ in 0..MOST_ROUNDS {
            self.watch(work);
            if at_rest && !work.state.is_closed() {
                work.record_changes(&self.changes);
            }
            let facts = self.tracker.as_ref().map(|tracker| tracker.facts(&work.state, work.now.up_ms));
            let facts = Facts { only_back: self.reserve.is_some(), ..facts.unwrap_or_default() };
            let settled = settle(&work.state, &facts, work.now);
            at_rest = settled.events.is_empty();
            if at_rest && (work.state.is_closed() || work.changes_taken == self.changes.len()) {
                return settled.next_up_ms.unwrap_or(u64::MAX);
            }
            settled.events.into_iter().for_each(|(by, event)| work.happen(by, event));
        }
        tracing::error!("the rules did not come to rest after {MOST_ROUNDS} rounds");
        work.now.up_ms + LOOK_MS
    }

    /// Starts and stops polling as the state needs it, sets fences, and collects what changes in the
    /// checks' health.
    fn watch(&mut self, work: &mut Work) {
        let Some(runbook) = work.state.runbook.clone().filter(|_| !work.state.is_closed()) else { return };
        let tracker = self.tracker.get_or_insert_with(|| Tracker::of(&runbook));
        let up = work.now.up_ms;
        tracker.enter_stage(work.state.current_stage());
        tracker.compare_with(&work.state.baselines);
        for fenced in std::mem::take(&mut work.fences) {
            // What it was before the fence is not to be recorded behind it.
            let mut at = 0;
            self.changes.retain(|change| {
                at += 1;
                at <= work.changes_taken
                    || change.check != fenced
                    || !matches!(change.to, Health::Ok | Health::Stale)
            });
            self.changes.extend(tracker.fence(&fenced, up));
        }
        self.changes.extend(tracker.poll(&watch::needed(&work.state), up));
        self.changes.extend(tracker.tick(up));
    }

    /// The samples that are due.
    fn poll(&mut self, now: Now, turn: &mut Turn) {
        let (Some(runbook), Some(tracker)) = (self.state.runbook.clone(), &mut self.tracker) else { return };
        let world = world(&self.state);
        for id in tracker.due(now.up_ms) {
            if let Some(check) = runbook.check(&id) {
                let check = Arc::new(check.clone());
                turn.effects.push(Effect::Sample(SampleOrder { check, world: world.clone() }));
            }
        }
        for next in tracker.next_due(now.up_ms).into_iter().chain(tracker.next_deadline()) {
            turn.next_up_ms = turn.next_up_ms.min(next);
        }
    }
}

/// Says what the frozen files are.
fn is_frozen(fact: &Input) -> bool {
    matches!(fact, Input::Report(Report::Frozen(_)))
}
