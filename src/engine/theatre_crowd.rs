//! People who do anything at any moment: whatever they do, a gate is never passed with fewer people than it asks for,
//! whoever only looks on changes nothing, and at most one of them drives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::theatre::Theatre;
use crate::event::{By, Credentials, Event, EventKind, Health, ItemOf, Person, Principal, Seat};
use crate::session::{Command, StageStatus, second};

const ONE_GATE: &str = r#"
id = "walk"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 1

[[stage]]
id = "one"
watch = ["new"]
  [[stage.step]]
  id = "do"
  run = ["do"]
  repeatable = true
  skippable = true
  [stage.gate]
  GATE

[[stage]]
id = "end"
  [stage.gate]
  approvals = 1
"#;

/// The gates that are walked to, and how many people they ask for.
const GATES: &[(&str, usize)] = &[
    ("approvals = 1", 1),
    ("approvals = 2", 2),
    ("approvals = 3\n  roles = [\"db\"]", 3),
    ("approvals = 2\n  accept = [\"calls\"]", 2),
    ("override = \"two\"", 0),
];

/// A walk is repeated by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }
}

/// Names and who is behind them: two are one login, two cannot be told apart, one root is known by passphrase.
fn people() -> Vec<(&'static str, Credentials)> {
    let user = |uid, login| Credentials { uid, login_uid: Some(login), ..Credentials::default() };
    let root = |passphrase| Credentials { passphrase, ..Credentials::default() };
    vec![
        ("opsA", user(1000, 1000)),
        ("opsA-sudo", user(0, 1000)),
        ("opsB", user(1001, 1001)),
        ("root", root(false)),
        ("root-2", root(false)),
        ("opsC", root(true)),
    ]
}

fn command(dice: &mut Dice) -> Command {
    let stage = if dice.roll(8) == 0 { "end" } else { "one" };
    let (go, role) = (dice.roll(5) > 0, (dice.roll(3) == 0).then(|| "db".to_owned()));
    let (step, on) = ("one.do", ItemOf::Gate("one".into()));
    match dice.roll(25) {
        0..8 => Command::Vote { stage: stage.into(), role, go, note: None },
        8..11 => Command::Advance { typed: None, over: None },
        11..13 => Command::Advance { typed: Some(stage.to_owned()), over: Some("it is well".to_owned()) },
        13..16 => Command::Second { stage: stage.into(), go, note: None },
        16 => Command::AskWheel,
        17 => Command::OfferWheel { to: (*dice.of(&["opsA", "opsB", "root", "opsC"])).to_owned() },
        18 => Command::AcceptWheel,
        19 => Command::DeclineWheel,
        20 => Command::TakeWheel,
        21 => Command::Retry { step: step.into() },
        22 => Command::Skip { step: step.into(), reason: "by hand".to_owned() },
        23 => Command::Tick { on, item: "calls".into(), pass: true, note: None },
        _ if go => Command::Resume,
        _ => Command::Pause,
    }
}

/// What the log alone says, by rules of its own.
#[derive(Default)]
struct Witness {
    /// How many people the gate asks for.
    needed: usize,
    people: BTreeMap<String, (Option<Principal>, Seat)>,
    /// Who said GO since the last thing that made such words void.
    go: BTreeMap<String, Option<Principal>>,
    /// Who said NO-GO and not GO since, by name.
    against: BTreeSet<String>,
    asked: Option<(String, Option<Principal>)>,
    promoted: usize,
    lifted: usize,
}

impl Witness {
    fn sees(&mut self, event: &Event) {
        if let By::Person(person) = &event.by {
            self.is_no_observer(person, event);
        }
        match &event.event {
            EventKind::OperatorJoined { person, credentials, .. } => {
                let principal = credentials.principal(&person.person);
                self.people.insert(person.person.clone(), (principal, person.seat));
            }
            EventKind::Voted { go, .. } => {
                let name = crate::event::author(&event.by);
                let principal = self.people[&name].0.clone();
                if *go {
                    self.against.remove(&name);
                    self.go.insert(name, principal);
                } else {
                    self.go.retain(|n, p| *n != name && (p.is_none() || *p != principal));
                    self.against.insert(name);
                }
            }
            EventKind::CheckChanged { to: Health::Failing, .. } | EventKind::StepSkipped { .. } => {
                self.go.clear();
            }
            EventKind::StepStarted { .. } | EventKind::StageEntered { .. } => {
                self.go.clear();
                self.against.clear();
            }
            EventKind::OverrideAsked { .. } => {
                let name = crate::event::author(&event.by);
                let principal = self.people[&name].0.clone();
                self.asked = Some((name, principal));
            }
            EventKind::Promoted { stage, overridden, asked_by, .. } => {
                self.promoted += 1;
                let known: BTreeSet<_> = self.go.values().flatten().collect();
                let needed = if stage.as_str() == "one" { self.needed } else { 1 };
                let have = if needed == 1 { self.go.len() } else { known.len() };
                assert!(have >= needed, "{stage} was promoted by {:?}", self.go);
                let one_login = |name: &String| name.starts_with("opsA");
                let stands =
                    self.against.iter().find(|name| !(one_login(name) && self.go.keys().any(one_login)));
                assert_eq!(stands, None, "{stage} was promoted against somebody's word");
                // Where one approval is enough, one person overrides too.
                assert!(overridden.is_empty() || needed == 1 || asked_by.is_some());
                if asked_by.is_some() {
                    self.lifted += 1;
                    let second = self.people[&crate::event::author(&event.by)].0.clone();
                    let (by, first) = self.asked.take().expect("somebody asked");
                    assert_eq!(asked_by.as_ref(), Some(&by));
                    assert!(first.is_some() && second.is_some() && first != second, "{first:?} {second:?}");
                }
            }
            _ => {}
        }
    }

    fn is_no_observer(&self, person: &Person, event: &Event) {
        use EventKind as E;
        let looks_on = self.people.get(&person.person).is_some_and(|(_, seat)| *seat == Seat::Observer);
        let harmless = matches!(event.event, E::Paused | E::CommandRefused { .. } | E::OperatorJoined { .. });
        assert!(!looks_on || harmless, "an observer made this: {:?}", event.event);
    }
}

fn walk(seed: u64) -> Witness {
    let mut dice = Dice(seed);
    let (gate, needed) = GATES[usize::try_from(seed).expect("small") % GATES.len()];
    let mut play = Theatre::new(&ONE_GATE.replace("GATE", gate));
    let (mut witness, mut seen) = (Witness { needed, ..Witness::default() }, 0);
    let people = people();
    play.advance().expect("the first stage is entered");
    play.until("it is at its gate", |s| s.stages["one"].status == StageStatus::AtGate);
    for _ in 0..200 {
        let (name, credentials) = dice.of(&people).clone();
        let here = play.state().crew.get(name).filter(|operator| operator.left.is_none());
        match (here.map(|operator| operator.person.clone()), dice.roll(30)) {
            (_, 0) => drop(play.script.failing_checks.insert("new".into(), "refused".to_owned())),
            (_, 1..3) => drop(play.script.failing_checks.remove("new")),
            (_, 3..6) => play.pass(Duration::from_millis(1_500)),
            (Some(person), 6) => play.leave(&person),
            (None, _) => {
                let seat = if dice.roll(4) == 0 { Seat::Observer } else { Seat::Navigator };
                let roles: &[&str] = if dice.roll(2) == 0 { &["db"] } else { &[] };
                play.come(name, credentials, roles, seat);
            }
            (Some(mut person), _) => {
                // Whatever seat somebody claims, what counts is where they sit.
                person.seat =
                    *dice.of(&[Seat::Driver, Seat::Navigator, person.seat, person.seat, Seat::Observer]);
                let mut asked = command(&mut dice);
                if second::standing(play.state()).is_some() && dice.roll(2) == 0 {
                    asked = Command::Second { stage: "one".into(), go: true, note: None };
                }
                // Most advances are the driver's, or no walk would come far.
                let advances = matches!(asked, Command::Advance { .. }) && dice.roll(4) > 0;
                let driver = play.state().driver().cloned().filter(|_| advances);
                let person = driver.unwrap_or(person);
                let seq = play.state().seq;
                let seen = if dice.roll(6) == 0 { seq.saturating_sub(3) } else { seq };
                drop(play.ask_as(person, asked, seen));
            }
        }
        for event in &play.events()[seen..] {
            witness.sees(event);
        }
        seen = play.events().len();
        let state = play.state();
        let drivers: Vec<_> = state.crew.values().filter(|o| o.person.seat == Seat::Driver).collect();
        assert!(drivers.len() <= 1 && drivers.iter().all(|o| Some(&o.person.person) == state.wheel.as_ref()));
        let voted = |status| !matches!(status, StageStatus::AtGate | StageStatus::Passed);
        assert!(state.stages.values().all(|s| !voted(s.status) || s.standing().count() == 0));
    }
    witness
}

#[test]
fn no_walk_passes_a_gate_with_fewer_people_than_it_asks_for() {
    let (mut promoted, mut lifted) = (0, 0);
    for seed in 0..100 {
        let witness = walk(seed);
        promoted += witness.promoted;
        lifted += witness.lifted;
    }
    // Walks that came nowhere would prove nothing.
    assert!(promoted > 30 && lifted > 1, "{promoted} promoted, {lifted} of them by an override");
}

#[test]
fn whoever_only_looks_on_may_pause_and_nothing_else() {
    for roll in 0..100 {
        let mut play = Theatre::new(&ONE_GATE.replace("GATE", GATES[0].0));
        play.advance().expect("the first stage is entered");
        play.until("it is at its gate", |s| s.stages["one"].status == StageStatus::AtGate);
        let guest = play.come("guest", people()[2].1.clone(), &["db"], Seat::Observer);
        let mut asked = command(&mut Dice(roll));
        if roll < 3 {
            let on = ItemOf::Gate("one".into());
            asked = [
                Command::Tick { on, item: "x".into(), pass: true, note: None },
                Command::Rollback { to: None, reason: None },
                Command::Abort { reason: "x".into() },
            ][usize::try_from(roll).expect("three")]
            .clone();
        }
        let before = play.state().stages["one"].clone();
        let answer = play.ask_of(&guest, asked.clone());
        assert_eq!(answer.is_ok(), asked == Command::Pause, "{asked:?}: {answer:?}");
        assert_eq!(play.state().stages["one"].votes, before.votes);
        assert_eq!(play.state().wheel.as_deref(), Some("opsA"));
    }
}
