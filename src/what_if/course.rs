//! The recorded course once more under another runbook. What people did and what came from outside is as recorded;
//! what samples, gates, soaks and triggers make of it is worked out anew, in the order in which the engine would.

mod follow;
mod judge;
mod samples;

use std::collections::{BTreeSet, VecDeque};
use std::iter::Peekable;
use std::sync::Arc;

use super::differences::Differences;
use super::{Beyond, CheckJudged, Finding, Subject};
use crate::audit::telemetry::Sampled;
use crate::check::{Change, Tracker};
use crate::clock::Now;
use crate::event::{By, Event, EventKind, Health};
use crate::history::{Axis, Timeline};
use crate::runbook::id::ROLLBACK;
use crate::runbook::model::{Action, Probe, Runbook, TriggerWhen};
use crate::runbook::{CheckId, StageId};
use crate::session::{State, TriggerState, starting, watch};
use samples::{Arrival, JudgedAgain};

/// Closer than this two moments are one: the engine looks once a second, and a sample's arrival is not recorded to
/// the millisecond.
pub(crate) const ONE_MOMENT_MS: u64 = 2_000;

/// So long may the engine be without a look before it records that nobody observed anything.
pub(crate) const LATEST_LOOK_MS: u64 = 4_000;

/// How many rounds may follow one another at one moment; more is a fault in the rules.
const MOST_ROUNDS: usize = 10_000;

/// What came of it.
pub(super) struct Course {
    /// What would have happened, as far as the recording tells.
    pub timeline: Timeline,
    /// Gates, soaks and triggers as they would have turned.
    pub turns: Vec<(u64, EventKind)>,
    pub findings: Vec<Finding>,
    pub checks: Vec<CheckJudged>,
    pub beyond: Option<Beyond>,
    /// Where it ends.
    pub end_ms: u64,
}

struct Walk<'a> {
    events: &'a [Arc<Event>],
    runbook: Arc<Runbook>,
    again: Vec<JudgedAgain>,
    /// Whose health is worked out anew.
    anew: BTreeSet<CheckId>,
    /// Whose samples are looked at: those, and what `failures` are counted of.
    tracked: BTreeSet<CheckId>,
    counts_failures: bool,
    polled: BTreeSet<CheckId>,
    tracker: Tracker,
    /// What the tracker said that has not happened yet.
    queue: VecDeque<Change>,
    state: State,
    axis: Axis,
    /// The numbers of the events with which another boot of the machine began.
    boots: Vec<u64>,
    /// The recorded event in hand: its place, its clocks, where it lies.
    last: Option<(usize, Now, u64)>,
    /// When triggers and gates want to be asked again.
    next: Option<u64>,
    /// The stage that would promote itself, and since when.
    ready: Option<(StageId, u64)>,
    course: Course,
    over: bool,
}

/// Walks the events and the samples under what `differences` make of the runbook.
pub(super) fn walk(
    events: &[Arc<Event>],
    samples: impl Iterator<Item = Sampled>,
    recorded: &Runbook,
    differences: &Differences,
) -> Course {
    let runbook = Arc::new(differences.runbook.clone());
    let anew = with_those_made_of(&runbook, differences.checks.clone());
    let counted = runbook.triggers.iter().filter(|t| matches!(t.condition, TriggerWhen::Failures { .. }));
    let counted: BTreeSet<CheckId> = counted.map(|t| t.check.clone()).collect();
    let counts_failures = !counted.is_empty();
    let tracked = with_members(&runbook, anew.union(&counted).cloned().collect());
    let again = differences.checks.iter().filter_map(|id| JudgedAgain::of(id, recorded, &runbook)).collect();
    let judged = |check: &CheckId| CheckJudged { check: check.clone(), samples: 0, now_bad: 0, now_good: 0 };
    let judged = differences.checks.iter().map(judged);
    let mut walk = Walk {
        events,
        again,
        tracker: Tracker::new(runbook.checks.values().filter(|check| tracked.contains(&check.id))),
        runbook,
        anew,
        tracked,
        counts_failures,
        polled: BTreeSet::new(),
        queue: VecDeque::new(),
        state: State::default(),
        axis: Axis::default(),
        boots: boots(events),
        last: None,
        next: None,
        ready: None,
        course: Course {
            timeline: Timeline::default(),
            turns: Vec::new(),
            findings: Vec::new(),
            checks: judged.collect(),
            beyond: None,
            end_ms: 0,
        },
        over: false,
    };
    walk.run(samples);
    walk.course
}

fn boots(events: &[Arc<Event>]) -> Vec<u64> {
    let mut known: Option<&str> = None;
    let mut boots = Vec::new();
    for event in events {
        if let EventKind::EngineStarted { boot_id, .. } = &event.event {
            boots.extend(known.is_some_and(|known| known != boot_id).then_some(event.seq));
            known = Some(boot_id);
        }
    }
    boots
}

/// These and every `any` that is made of one of them.
fn with_those_made_of(runbook: &Runbook, mut checks: BTreeSet<CheckId>) -> BTreeSet<CheckId> {
    loop {
        let made_of = |members: &[CheckId]| members.iter().any(|member| checks.contains(member));
        let more: Vec<CheckId> = runbook
            .checks
            .values()
            .filter(|check| matches!(&check.probe, Probe::Any(members) if made_of(members)))
            .map(|check| check.id.clone())
            .filter(|id| !checks.contains(id))
            .collect();
        if more.is_empty() {
            return checks;
        }
        checks.extend(more);
    }
}

/// These and what they are made of.
fn with_members(runbook: &Runbook, of: BTreeSet<CheckId>) -> BTreeSet<CheckId> {
    let mut all = BTreeSet::new();
    let mut todo: Vec<CheckId> = of.into_iter().collect();
    while let Some(id) = todo.pop() {
        if let Some(Probe::Any(members)) = runbook.check(&id).map(|check| &check.probe) {
            todo.extend(members.iter().filter(|member| !all.contains(*member)).cloned());
        }
        all.insert(id);
    }
    all
}

/// What follows by itself from samples and time: it is worked out anew.
fn is_turn(event: &EventKind) -> bool {
    match event {
        EventKind::GateChanged { stage, .. } => stage.as_str() != ROLLBACK,
        EventKind::SoakStarted { .. }
        | EventKind::SoakBroken { .. }
        | EventKind::SoakReached { .. }
        | EventKind::TriggerArmed { .. }
        | EventKind::TriggerCleared { .. }
        | EventKind::TriggerFired { .. } => true,
        _ => false,
    }
}

/// What comes with nothing but time.
fn comes_by_time(event: &EventKind) -> bool {
    matches!(
        event,
        EventKind::SoakReached { .. }
            | EventKind::TriggerArmed { .. }
            | EventKind::TriggerFired { .. }
            | EventKind::CheckChanged { to: Health::Stale, .. }
    )
}

/// What the rules themselves led to: before it they were asked.
fn is_of_the_rules(event: &Event, runbook: &Runbook) -> bool {
    let by_rules = match &event.event {
        EventKind::StepFinished(finish) => {
            let action = runbook.step(&finish.step).map(|step| &step.action);
            action.is_some_and(|a| starting::is_judged_here(a) || matches!(a, Action::Start { .. }))
        }
        EventKind::StepStarted { .. }
        | EventKind::StageEntered { .. }
        | EventKind::Promoted { .. }
        | EventKind::RollbackStarted { .. }
        | EventKind::StageRolledBack { .. }
        | EventKind::RollbackStuck { .. }
        | EventKind::RollbackFinished { .. }
        | EventKind::SessionClosed { .. } => true,
        _ => false,
    };
    by_rules && !matches!(event.by, By::Person(_))
}

impl Walk<'_> {
    fn run(&mut self, samples: impl Iterator<Item = Sampled>) {
        let mut arrivals = self.arrivals(samples).peekable();
        let events = self.events;
        let mut from = 0;
        while from < events.len() && !self.over {
            let up_ms = events[from].up_ms;
            let starts = |event: &Event| matches!(event.event, EventKind::EngineStarted { .. });
            let length = events[from..].iter().take_while(|e| e.up_ms == up_ms).count();
            let turn = &events[from..from + length];
            let ends = from + length;
            self.time_passes(turn, &mut arrivals);
            if self.over {
                break;
            }
            for (at, event) in (from..).zip(turn) {
                self.event(at, event);
                if self.over {
                    break;
                }
            }
            // An engine that died over its record did not come to ask the rules.
            let dies = events.get(ends).is_some_and(|event| {
                starts(event)
                    || matches!(event.event, EventKind::Unobserved { .. })
                        && events[ends..].iter().take(3).any(|event| starts(event))
            });
            if !dies && !self.over {
                let now = turn[length - 1].now();
                self.follow(now);
            }
            from = ends;
        }
        if !self.over {
            self.course.end_ms = self.axis.end_ms();
        }
    }

    /// What happens between the last turn and this one: samples arrive, and times are up that somebody observed.
    fn time_passes(&mut self, turn: &[Arc<Event>], arrivals: &mut Peekable<impl Iterator<Item = Arrival>>) {
        let Some((at, last, _)) = self.last else { return };
        let up_ms = turn[0].up_ms;
        let boot = self.boots.partition_point(|began| *began <= self.events[at].seq);
        let ends = turn.iter().any(|event| self.boots.contains(&event.seq));
        // What the turn says to have come by time came with it, however late that look was.
        let seen_late = turn.iter().any(|event| comes_by_time(&event.event));
        let mut observed = up_ms;
        for event in turn {
            match &event.event {
                EventKind::Unobserved { from, .. } => observed = observed.min((*from).max(last.up_ms)),
                EventKind::LogRecovered { .. } => observed = observed.min(last.up_ms),
                _ => {}
            }
        }
        loop {
            let due =
                arrivals.peek().filter(|a| a.boot < boot || (a.boot == boot && (ends || a.up_ms <= up_ms)));
            let arrives = due.map(|arrival| arrival.up_ms);
            // What was due before the last event and did not come was due for an engine that died over its record.
            let time = self.next.into_iter().chain(self.stale_at()).filter(|at| *at > last.up_ms).min();
            let looked = arrives.is_some_and(|at| at < up_ms);
            let late = |at: u64| seen_late && !looked && up_ms - at <= LATEST_LOOK_MS;
            let time = time.filter(|at| !ends && *at < observed && !late(*at));
            match (arrives, time) {
                (Some(at), time) if time.is_none_or(|time| at <= time) => {
                    let Some(arrival) = arrivals.next() else { return };
                    self.arrive(arrival, ends || at >= observed);
                }
                (_, Some(at)) => self.follow(self.at(at)),
                _ => return,
            }
            if self.over {
                return;
            }
        }
    }

    fn stale_at(&self) -> Option<u64> {
        if self.anew.is_empty() { None } else { self.tracker.next_deadline() }
    }

    /// The clocks at a boot-clock time after the last event.
    fn at(&self, up_ms: u64) -> Now {
        self.last.map_or(Now { at: chrono::DateTime::UNIX_EPOCH, up_ms }, |(_, last, _)| {
            Axis::after(last, up_ms.saturating_sub(last.up_ms))
        })
    }

    fn t_ms(&self, now: Now) -> u64 {
        self.last.map_or(0, |(_, last, t_ms)| t_ms + now.up_ms.saturating_sub(last.up_ms))
    }

    /// One recorded event: taken as it is, or asked for anew.
    fn event(&mut self, at: usize, event: &Event) {
        let now = event.now();
        let t_ms = self.axis.push(event);
        self.last = Some((at, now, t_ms));
        if is_turn(&event.event) || is_of_the_rules(event, &self.runbook) || self.is_of_a_sample(event) {
            self.follow(now);
        }
        if self.over || is_turn(&event.event) {
            return;
        }
        match &event.event {
            EventKind::CheckChanged { check, to, .. } => {
                if self.tracked.contains(check) {
                    let polls = *to != Health::Idle;
                    if polls {
                        self.polled.insert(check.clone())
                    } else {
                        self.polled.remove(check)
                    };
                    let changes = self.tracker.poll(&self.polled, now.up_ms);
                    self.note(changes);
                }
                if self.anew.contains(check) {
                    return;
                }
            }
            EventKind::EngineStarted { .. } if self.state.boot_id.is_some() => {
                let tracked = self.runbook.checks.values().filter(|check| self.tracked.contains(&check.id));
                self.tracker = Tracker::new(tracked);
                self.polled.clear();
                self.queue.clear();
            }
            // Nothing counted down here that could be vetoed.
            EventKind::TriggerVetoed { trigger, .. }
                if !matches!(self.state.triggers.get(trigger), Some(TriggerState::Armed { .. })) =>
            {
                return;
            }
            _ => self.judge(event, t_ms),
        }
        if self.over {
            return;
        }
        self.happen(event.by.clone(), event.event.clone(), now);
        if let EventKind::SessionOpened(_) = &event.event {
            // The stages and steps are the recorded ones; what is judged again is as asked.
            self.state.runbook = Some(Arc::clone(&self.runbook));
        }
        if let EventKind::StepStarted { .. } | EventKind::GateChanged { .. } = &event.event {
            self.fence(&event.event, now);
        }
    }

    /// A change that is worked out anew: the engine recorded what its samples had said by then.
    fn is_of_a_sample(&self, event: &Event) -> bool {
        let by_engine = matches!(event.by, By::Engine(_));
        matches!(&event.event, EventKind::CheckChanged { check, .. } if by_engine && self.anew.contains(check))
    }

    /// A step's fence, or that of the way back's gate, for the checks that are judged again.
    fn fence(&mut self, event: &EventKind, now: Now) {
        for check in watch::fenced(&self.state, event, now) {
            let health = self.state.check(&check).health;
            if self.anew.contains(&check) && matches!(health, Health::Ok | Health::Stale) {
                let (reason, since) = (starting::FENCE.to_owned(), now.up_ms);
                let (from, to) = (health, Health::Pending);
                let fenced =
                    EventKind::CheckChanged { check: check.clone(), from, to, reason, value: None, since };
                self.happen(By::ENGINE, fenced, now);
            }
            let changes = self.tracker.fence(&check, now.up_ms);
            self.note(changes);
        }
    }

    /// Beyond this the recording tells nothing.
    fn end(&mut self, t_ms: u64, why: String) {
        self.diverge(t_ms, why, true);
        self.course.end_ms = t_ms;
        self.over = true;
    }

    /// From here on the course is another.
    fn diverge(&mut self, t_ms: u64, why: String, ends: bool) {
        match &mut self.course.beyond {
            Some(beyond) => beyond.ends |= ends,
            beyond => *beyond = Some(Beyond { t_ms, why, ends }),
        }
    }

    fn find(&mut self, t_ms: u64, subject: Subject, recorded: &str, what_if: String) {
        let seq = self.last.map_or(0, |(at, ..)| self.events[at].seq);
        let recorded = recorded.to_owned();
        self.course.findings.push(Finding { t_ms, seq, subject, recorded, what_if });
    }
}

fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
