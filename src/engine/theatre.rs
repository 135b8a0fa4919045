//! A stage for tests: the whole engine but its surroundings, under a clock that the test turns. Steps and checks go as
//! the script says; a day passes in a moment, and the log is a list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexMap;
use tokio::sync::oneshot;

use super::driver::simulated::{Script, attempt, sample};
use super::driver::{AdoptOrder, Effect, NotifyOrder, Report};
use super::machine::{Input, Machine, Turn};
use super::theatre_memory::Memory;
use super::work::{effect, untold};
use crate::clock::Now;
use crate::event::{
    By, Credentials, Event, EventKind, LOG_FORMAT, Mode, Person, Seat, SessionOpened, StepFinished,
};
use crate::feed::Ask;
use crate::redact::Redactor;
use crate::runbook::StepId;
use crate::runbook::model::Host;
use crate::session::notices::Notice;
use crate::session::{Command, Refusal, State, crew, legal};

/// A session on the stage.
pub(crate) struct Theatre {
    pub machine: Machine<Memory>,
    pub now: Now,
    pub script: Script,
    /// Steps whose command never ends by itself.
    pub hanging: BTreeSet<StepId>,
    /// Steps that nobody is permitted to end.
    pub unendable: BTreeSet<StepId>,
    /// Who was told what, and whether what became of it never comes back.
    pub told: Vec<NotifyOrder>,
    pub mute: bool,
    /// Nobody samples anything: the network is gone.
    pub blind: bool,
    /// What comes in later, by boot-clock time.
    coming: BTreeMap<u64, Vec<Input>>,
    look_at: u64,
    boots: u32,
    pub driver: Person,
    /// The log so far, each event of it legal where it stands.
    folded: State,
}

const STEP_MS: u64 = 100;
const SAMPLE_MS: u64 = 5;

impl Theatre {
    /// Opens a session of `runbook`, which must load.
    pub fn new(runbook: &str) -> Self {
        Self::in_mode(runbook, Mode::Simulated)
    }

    /// The same, which counts as something else than simulated.
    pub fn in_mode(runbook: &str, mode: Mode) -> Self {
        Self::of(Self::opening(runbook, mode))
    }

    /// Opens a session as it says.
    pub fn of(opened: SessionOpened) -> Self {
        let start = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a date");
        let driver = Person { person: "opsA".to_owned(), uid: 1000, seat: Seat::Driver };
        let mut theatre = Self {
            machine: Machine::new(
                State::default(),
                Memory::default(),
                Redactor::new([("", ""); 0]).expect("none"),
            ),
            now: Now { at: start, up_ms: 1_000_000 },
            script: Script::default(),
            hanging: BTreeSet::new(),
            unendable: BTreeSet::new(),
            told: Vec::new(),
            mute: false,
            blind: false,
            coming: BTreeMap::new(),
            look_at: 0,
            boots: 1,
            folded: State::default(),
            driver: driver.clone(),
        };
        let started = EventKind::EngineStarted {
            boot_id: "boot 1".to_owned(),
            version: "0".to_owned(),
            pid: 1,
            recovered: Vec::new(),
        };
        theatre.turn(vec![
            Input::Own(By::ENGINE, EventKind::SessionOpened(Box::new(opened))),
            Input::Own(By::ENGINE, started),
            Input::Own(
                By::Person(driver.clone()),
                EventKind::OperatorJoined {
                    person: driver,
                    credentials: Credentials { uid: 1000, login_uid: Some(1000), ..Credentials::default() },
                    roles: Vec::new(),
                },
            ),
        ]);
        assert!(theatre.state().runbook.is_some(), "the test's runbook does not load");
        theatre
    }

    /// What a session of `runbook` is opened with.
    pub fn opening(runbook: &str, mode: Mode) -> SessionOpened {
        SessionOpened {
            format: LOG_FORMAT,
            session: "20270115-080000-test".to_owned(),
            runbook: runbook.to_owned(),
            sha256: String::new(),
            dir: "/runbooks".to_owned(),
            file: "test.toml".to_owned(),
            vars: IndexMap::new(),
            mode,
            host: Host { name: "stage".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
            share: None,
            drill: None,
            session_dir: "/sessions/test".to_owned(),
            version: "0".to_owned(),
        }
    }

    /// The engine records something of its own.
    pub fn record(&mut self, event: EventKind) {
        self.turn(vec![Input::Own(By::ENGINE, event)]);
    }

    pub fn state(&self) -> &State {
        self.machine.state()
    }

    pub fn events(&self) -> &[Arc<Event>] {
        &self.machine.journal().events
    }

    /// The kinds of the events so far, for assertions about their order.
    pub fn story(&self) -> Vec<String> {
        self.events().iter().map(|e| crate::event::describe(e)).collect()
    }

    /// Whether something of this sort has happened.
    pub fn happened(&self, which: impl Fn(&EventKind) -> bool) -> bool {
        self.events().iter().any(|e| which(&e.event))
    }

    /// Asks for a command as the driver, who has seen everything.
    pub fn ask(&mut self, command: Command) -> Result<(), Refusal> {
        let (driver, seen) = (self.driver.clone(), self.state().seq);
        self.ask_as(driver, command, seen)
    }

    /// Somebody comes, with the seat that this gives them; `seat` says whether they only look on.
    pub fn come(&mut self, name: &str, credentials: Credentials, roles: &[&str], seat: Seat) -> Person {
        let mut person = Person { person: name.to_owned(), uid: credentials.uid, seat };
        person.seat = crew::seat_on_arrival(self.state(), &person);
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        let joined = EventKind::OperatorJoined { person: person.clone(), credentials, roles };
        self.turn(vec![Input::Own(By::Person(person.clone()), joined)]);
        person
    }

    /// Somebody is gone.
    pub fn leave(&mut self, person: &Person) {
        let left =
            EventKind::OperatorLeft { person: person.clone(), why: "the connection closed".to_owned() };
        self.turn(vec![Input::Own(By::ENGINE, left)]);
    }

    /// Asks for a command as somebody who has seen everything.
    pub fn ask_of(&mut self, person: &Person, command: Command) -> Result<(), Refusal> {
        let seen = self.state().seq;
        self.ask_as(person.clone(), command, seen)
    }

    /// Several ask in the same moment; all of them have seen the same.
    pub fn ask_at_once(&mut self, asks: Vec<(Person, Command)>) -> Vec<Result<(), Refusal>> {
        let seen_seq = self.state().seq;
        let (asks, answers): (Vec<_>, Vec<_>) = asks
            .into_iter()
            .map(|(operator, command)| {
                let (answer, answered) = oneshot::channel();
                (Input::Ask(Ask { operator, command, seen_seq, answer }), answered)
            })
            .unzip();
        self.turn(asks);
        answers
            .into_iter()
            .map(|mut a| a.try_recv().expect("every command is answered in its turn"))
            .collect()
    }

    pub fn ask_as(&mut self, operator: Person, command: Command, seen_seq: u64) -> Result<(), Refusal> {
        let (answer, mut answered) = oneshot::channel();
        self.turn(vec![Input::Ask(Ask { operator, command, seen_seq, answer })]);
        answered.try_recv().expect("every command is answered in its turn")
    }

    pub fn advance(&mut self) -> Result<(), Refusal> {
        self.ask(Command::Advance { typed: None, over: None })
    }

    /// Nobody can say what became of the step's attempt.
    pub fn lose(&mut self, step: &StepId, evidence: &str) {
        self.lose_but(step, Vec::new(), evidence);
    }

    /// The same; but that is known beside it.
    pub fn lose_but(&mut self, step: &StepId, before: Vec<EventKind>, evidence: &str) {
        let (attempt, evidence) = (self.state().step(step).attempt, evidence.to_owned());
        self.turn(vec![Input::Report(Report::Unknown { before, step: step.clone(), attempt, evidence })]);
    }

    /// Lets time pass.
    pub fn pass(&mut self, duration: Duration) {
        let end = self.now.up_ms + u64::try_from(duration.as_millis()).expect("a test's time");
        while self.now.up_ms < end {
            self.next(end);
        }
    }

    /// Lets time pass until `reached`, for an hour at most.
    pub fn until(&mut self, what: &str, reached: impl Fn(&State) -> bool) {
        let end = self.now.up_ms + 3_600_000;
        while !reached(self.machine.state()) {
            assert!(self.now.up_ms < end, "it did not come to: {what}\n{}", self.story().join("\n"));
            self.next(end);
        }
    }

    /// Time passes without anybody looking: the machine sleeps, or the engine is stopped.
    pub fn sleep(&mut self, duration: Duration) {
        self.set_clock(self.now.up_ms + u64::try_from(duration.as_millis()).expect("a test's time"));
        self.turn(Vec::new());
    }

    /// Somebody sets the wall clock: the boot clock goes on as it went.
    pub fn set_wall_clock(&mut self, by: TimeDelta) {
        self.now.at += by;
    }

    /// A look at the frozen files has told what they are.
    pub fn find_frozen(&mut self, files: &[(&str, &str)]) {
        let files = files.iter().map(|(file, is)| ((*file).to_owned(), Some((*is).to_owned())));
        self.turn(vec![Input::Report(Report::Frozen(files.collect()))]);
    }

    /// The engine dies and another takes over after `down`, on the same boot of the machine or the next: what it had
    /// not recorded is forgotten, what ran outside goes on.
    pub fn die(&mut self, down: Duration, rebooted: bool) {
        let down = u64::try_from(down.as_millis()).expect("a test's time");
        let mut state = State::default();
        self.events().iter().for_each(|event| state.apply(event));
        let last = self.last_sign();
        let (events, samples) = (self.events().to_vec(), self.machine.journal().samples.clone());
        let memory = Memory { events, samples, ..Memory::default() };
        let untold = untold(&state);
        self.machine = Machine::new(state, memory, Redactor::default());
        self.set_clock(self.now.up_ms + down);
        if rebooted {
            self.now.up_ms = 5_000;
            self.boots += 1;
        }
        let now = self.now.up_ms;
        let meanwhile = std::mem::take(&mut self.coming).into_values().flatten();
        self.coming
            .insert(now + 1, meanwhile.filter(|i| !matches!(i, Input::Report(Report::Sampled(_)))).collect());
        let started = EventKind::EngineStarted {
            boot_id: format!("boot {}", self.boots),
            version: "0".to_owned(),
            pid: 2,
            recovered: Vec::new(),
        };
        let gap = (!rebooted).then_some(EventKind::Unobserved { from: last, to: now });
        self.turn(
            gap.into_iter()
                .chain([started])
                .chain(untold)
                .map(|event| Input::Own(By::ENGINE, event))
                .collect(),
        );
    }

    /// The last event or sample: until then somebody looked, as far as anybody can tell.
    fn last_sign(&self) -> u64 {
        let is_start = |event: &&Arc<Event>| matches!(event.event, EventKind::EngineStarted { .. });
        let started = self.events().iter().rev().find(is_start).map_or(0, |event| event.seq);
        let sampled = self.machine.journal().samples.last().filter(|line| line.after >= started);
        let recorded = self.events().last().map_or(0, |event| event.up_ms);
        sampled.map_or(recorded, |line| line.up_ms.max(recorded))
    }

    fn next(&mut self, end: u64) {
        let coming = self.coming.keys().next().copied().unwrap_or(u64::MAX);
        let at = self.look_at.min(coming).min(end).max(self.now.up_ms + 1);
        self.set_clock(at);
        let later = self.coming.split_off(&(at + 1));
        let inputs = std::mem::replace(&mut self.coming, later).into_values().flatten().collect();
        self.turn(inputs);
    }

    fn set_clock(&mut self, up_ms: u64) {
        let passed = i64::try_from(up_ms - self.now.up_ms).expect("a test's time");
        self.now = Now { at: self.now.at + TimeDelta::milliseconds(passed), up_ms };
    }

    fn turn(&mut self, inputs: Vec<Input>) {
        let Turn { answers, effects, next_up_ms, .. } = self.machine.turn(inputs, self.now);
        let known = usize::try_from(self.folded.seq).expect("a test's log");
        for event in &self.machine.journal().events[known..] {
            if let Err(why) = legal(&self.folded, event) {
                panic!(
                    "event {} is not legal: {why}: {:?}\n{}",
                    event.seq,
                    event.event,
                    self.story().join("\n")
                );
            }
            self.folded.apply(event);
        }
        self.look_at = next_up_ms;
        for (answer, result) in answers {
            answer.send(result).expect("the test waits");
        }
        for effect in effects {
            self.carry_out(effect);
        }
        if self.machine.journal().crashed {
            self.take_over();
        }
    }

    /// The engine died over a record. Who takes over finds of each attempt what became of it, or sees to it.
    fn take_over(&mut self) {
        self.die(Duration::from_millis(1), false);
        let told = |step: &StepId| {
            self.coming.values().flatten().any(
                |input| matches!(input, Input::Report(Report::Finished { finish, .. }) if finish.step == *step),
            )
        };
        let mut effects = Vec::new();
        for (step, seen) in self.folded.steps.iter().filter(|(id, s)| s.status.is_open() && !told(id)) {
            let newest = self.events().iter().rev().find(|event| match &event.event {
                EventKind::StepStarted { step: started, .. } if seen.killed.is_none() => started == step,
                EventKind::StepKilled { step: killed, .. } => killed == step,
                _ => false,
            });
            effects.extend(newest.and_then(|event| effect(&self.folded, &event.event)));
        }
        effects.into_iter().for_each(|effect| self.carry_out(effect));
    }

    fn carry_out(&mut self, effect: Effect) {
        let (wait, report) = match effect {
            Effect::Notify(order) => {
                let Notice { notify, of, on, .. } = order.notice;
                self.told.push(order);
                if self.mute {
                    return;
                }
                (STEP_MS, Report::Told(EventKind::Notified { notify, of, on, to: "somebody".to_owned() }))
            }
            Effect::Sample(_) if self.blind => return,
            Effect::Sample(order) => {
                (SAMPLE_MS, Report::Sampled(sample(&order, &self.script, self.now.up_ms)))
            }
            Effect::Step(order) | Effect::Adopt(AdoptOrder { order, .. })
                if self.hanging.contains(&order.step) =>
            {
                return;
            }
            Effect::Step(order) | Effect::Adopt(AdoptOrder { order, .. }) => {
                (STEP_MS, attempt(&order, &mut self.script))
            }
            Effect::End { step, attempt } if self.unendable.contains(&step) => {
                let why = "not permitted to end process 7 as app".to_owned();
                (STEP_MS, Report::EndRefused { step, attempt, why })
            }
            Effect::End { step, attempt } => {
                let finish = StepFinished {
                    step,
                    attempt,
                    passed: false,
                    why: "ended by signal 15".to_owned(),
                    proofs: Vec::new(),
                    exit: Some(143),
                    took_ms: 0,
                    output: None,
                    captures: IndexMap::new(),
                    remains: Vec::new(),
                };
                (STEP_MS, Report::Finished { before: Vec::new(), finish: Box::new(finish) })
            }
        };
        self.coming.entry(self.now.up_ms + wait).or_default().push(Input::Report(report));
    }
}
