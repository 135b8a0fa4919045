//! Several people drive one cutover: the wheel, votes, overrides by two, and what happens when somebody vanishes.

use super::theatre::Theatre;
use crate::event::{Credentials, EventKind, Health, Person, Seat};
use crate::session::{Command, StageStatus, gate, second};

const PAIR: &str = r#"
id = "pair"
[roles]
db = ["alice", "%dba"]

[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 1

[[stage]]
id = "switch"
watch = ["new"]
  [[stage.step]]
  id = "start"
  run = ["start"]
  repeatable = true
  [stage.gate]
  GATE

[[stage]]
id = "after"
  [[stage.step]]
  id = "tell"
  run = ["tell"]
"#;

/// A known user of the system.
fn user(uid: u32) -> Credentials {
    Credentials { uid, login_uid: Some(uid), ..Credentials::default() }
}

/// Root whom nobody logged in as anybody else.
fn root(passphrase: bool) -> Credentials {
    Credentials { passphrase, ..Credentials::default() }
}

/// The first stage stands at its gate, which asks for `gate`; opsA drives.
fn at_gate(gate: &str) -> Theatre {
    let mut play = Theatre::new(&PAIR.replace("GATE", gate));
    play.advance().expect("the first stage is entered");
    play.until("it is at its gate", |s| s.stages["switch"].status == StageStatus::AtGate);
    play.until("the check is green", |s| s.is_green(&"new".into()));
    play
}

fn opened() -> Theatre {
    Theatre::new(&PAIR.replace("GATE", "approvals = 1"))
}

fn vote(go: bool) -> Command {
    Command::Vote { stage: "switch".into(), role: None, go, note: None }
}

fn vote_for(role: &str) -> Command {
    Command::Vote { stage: "switch".into(), role: Some(role.to_owned()), go: true, note: None }
}

fn advance() -> Command {
    Command::Advance { typed: None, over: None }
}

fn over(typed: &str) -> Command {
    Command::Advance { typed: Some(typed.to_owned()), over: Some("we saw it answer by hand".to_owned()) }
}

fn second(go: bool) -> Command {
    Command::Second { stage: "switch".into(), go, note: None }
}

fn missing(play: &Theatre) -> String {
    gate::evaluate(play.state(), &"switch".into()).sentences().join("\n")
}

fn status(play: &Theatre) -> StageStatus {
    play.state().stages["switch"].status
}

fn turn(play: &mut Theatre, to: Health) {
    if to == Health::Failing {
        play.script.failing_checks.insert("new".into(), "refused".to_owned());
    } else {
        play.script.failing_checks.remove("new");
    }
    play.until("the check turns", |s| s.check(&"new".into()).health == to);
}

fn refused(answer: Result<(), crate::session::Refusal>, because: &str) {
    let refusal = answer.expect_err(because);
    assert!(refusal.0.contains(because), "expected \"{because}\", got \"{refusal}\"");
}

#[test]
fn the_wheel_passes_when_it_is_offered_and_taken() {
    let mut play = opened();
    let a = play.driver.clone();
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    refused(play.ask_of(&b, Command::OfferWheel { to: "opsA".into() }), "only the driver may");
    refused(play.ask_of(&a, Command::AskWheel), "you have the wheel");
    refused(play.ask_of(&b, Command::AcceptWheel), "not on offer");
    refused(play.ask_of(&b, Command::TakeWheel), "is here: ask for it");
    play.ask_of(&b, Command::AskWheel).expect("a navigator asks");
    assert_eq!(play.state().wheel_asked, ["opsB"]);
    play.ask_of(&a, Command::OfferWheel { to: "opsB".into() }).expect("it is theirs to offer");
    refused(play.ask_of(&a, Command::AcceptWheel), "on offer to opsB");
    play.ask_of(&b, Command::AcceptWheel).expect("it was offered");
    let last: Vec<_> = play.story().into_iter().rev().take(2).collect();
    assert_eq!(last, ["the wheel passes from opsA to opsB", "handover acknowledged"]);
    assert_eq!(play.state().seat_of(&a), Seat::Navigator);
    assert_eq!(play.state().seat_of(&b), Seat::Driver);
    assert!(play.state().wheel_asked.is_empty() && play.state().wheel_offer.is_none());
    refused(play.ask_of(&a, advance()), "only the driver may");
    play.ask_of(&b, advance()).expect("opsB drives");
}

#[test]
fn an_offer_or_an_asking_is_declined_by_either_side() {
    let mut play = opened();
    let a = play.driver.clone();
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    let c = play.come("opsC", user(1002), &[], Seat::Navigator);
    refused(play.ask_of(&b, Command::DeclineWheel), "nobody offers");
    for who in [&a, &b] {
        play.ask_of(&a, Command::OfferWheel { to: "opsB".into() }).expect("offered");
        refused(play.ask_of(&c, Command::DeclineWheel), "from opsA to opsB");
        play.ask_of(who, Command::DeclineWheel).expect("either side declines");
        assert_eq!(play.state().wheel_offer, None);
        assert_eq!(play.state().wheel.as_deref(), Some("opsA"));
    }
    for who in [&a, &b] {
        play.ask_of(&b, Command::AskWheel).expect("asked");
        play.ask_of(who, Command::DeclineWheel).expect("either side ends it");
        assert!(play.state().wheel_asked.is_empty());
    }
}

#[test]
fn the_wheel_is_offered_to_nobody_who_could_not_take_it() {
    let mut play = opened();
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    play.come("guest", user(1002), &[], Seat::Observer);
    play.leave(&b);
    refused(play.ask(Command::OfferWheel { to: "opsB".into() }), "is away");
    refused(play.ask(Command::OfferWheel { to: "guest".into() }), "without `--observe`");
    refused(play.ask(Command::OfferWheel { to: "opsX".into() }), "nobody of the name");
    refused(play.ask(Command::OfferWheel { to: "opsA".into() }), "you have the wheel");
}

/// Somebody always can go on, whoever leaves at whichever moment of a handover.
#[test]
fn whoever_vanishes_leaves_a_cutover_that_somebody_can_drive() {
    for moment in ["before", "asked", "offered", "accepted"] {
        for leaves in [&["opsA"][..], &["opsB"], &["opsA", "opsB"], &["opsB", "opsA"]] {
            for returns in [&[][..], &["opsA"], &["opsB"]] {
                let mut play = opened();
                let people = [play.driver.clone(), play.come("opsB", user(1001), &[], Seat::Navigator)];
                let [a, b] = &people;
                let steps: &[(&Person, Command)] = &[
                    (b, Command::AskWheel),
                    (a, Command::OfferWheel { to: "opsB".into() }),
                    (b, Command::AcceptWheel),
                ];
                let count = ["before", "asked", "offered", "accepted"].iter().position(|m| *m == moment);
                for (who, command) in &steps[..count.expect("it is one of them")] {
                    play.ask_of(who, command.clone()).expect("the handover goes on");
                }
                for person in people.iter().filter(|p| leaves.contains(&p.person.as_str())) {
                    play.leave(person);
                }
                for person in people.iter().filter(|p| returns.contains(&p.person.as_str())) {
                    if play.state().crew[&person.person].left.is_some() {
                        play.come(&person.person, user(person.uid), &[], Seat::Navigator);
                    }
                }
                let told = format!("{moment}: {leaves:?} left, {returns:?} returned");
                if play.state().present().count() == 0 {
                    play.come("opsC", user(1002), &[], Seat::Navigator);
                }
                let driver = play.state().driver().cloned().unwrap_or_else(|| {
                    let left = play.state().present().next().expect("somebody is here").person.clone();
                    play.ask_of(&left, Command::TakeWheel).expect(&told);
                    left
                });
                play.ask_of(&driver, advance()).expect(&told);
                assert!(play.state().wheel_offer.is_none(), "{told}");
            }
        }
    }
}

#[test]
fn a_driver_who_comes_back_only_to_look_on_drives_no_more() {
    let mut play = opened();
    let a = play.driver.clone();
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    let looking = play.come("opsA", user(1000), &[], Seat::Observer);
    refused(play.ask_of(&looking, advance()), "opsA is observer");
    play.ask_of(&a, Command::OfferWheel { to: "opsB".into() }).expect("the first terminal still drives");
    play.leave(&a);
    let looking = play.come("opsA", user(1000), &[], Seat::Observer);
    assert_eq!(play.state().driver(), None);
    refused(play.ask_of(&looking, advance()), "opsA is observer");
    play.ask_of(&b, Command::TakeWheel).expect("its holder only looks on");
}

#[test]
fn two_approvals_take_two_people() {
    let mut play = at_gate("approvals = 2");
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    let guest = play.come("guest", user(1002), &[], Seat::Observer);
    assert_eq!(missing(&play), "0 of 2 approvals");
    refused(play.ask_of(&guest, vote(true)), "an observer may not");
    play.ask(vote(true)).expect("the driver's own vote counts");
    assert_eq!(missing(&play), "1 of 2 approvals (opsA)");
    refused(play.advance(), "1 of 2 approvals");
    refused(play.ask(over("switch")), "does not lift this: 1 of 2 approvals");
    play.ask(vote(true)).expect("once more");
    assert_eq!(missing(&play), "1 of 2 approvals (opsA)");
    let twin = play.come("opsA-over-sudo", Credentials { uid: 0, ..user(1000) }, &[], Seat::Navigator);
    play.ask_of(&twin, vote(true)).expect("a vote is a vote");
    let one = "opsA and opsA-over-sudo are one person (uid 1000) and count once";
    assert_eq!(missing(&play), format!("1 of 2 approvals (opsA-over-sudo); {one}"));
    play.ask_of(&b, vote(true)).expect("a second person");
    assert_eq!(missing(&play), "");
    play.advance().expect("GO");
    assert_eq!(status(&play), StageStatus::Passed);
}

#[test]
fn who_cannot_be_told_apart_counts_as_one_of_one_and_never_of_two() {
    for (needed, go) in [(1, true), (2, false)] {
        let mut play = at_gate(&format!("approvals = {needed}"));
        let b = play.come("root", root(false), &[], Seat::Navigator);
        let c = play.come("root-2", root(false), &[], Seat::Navigator);
        play.ask_of(&b, vote(true)).expect("a vote");
        play.ask_of(&c, vote(true)).expect("a vote");
        assert_eq!(missing(&play).is_empty(), go, "{}", missing(&play));
        if !go {
            let said = missing(&play);
            assert!(said.starts_with("0 of 2 approvals"), "{said}");
            assert!(said.contains("root's vote cannot be told apart: come with `gonogo attach --as NAME`"));
            let named = [("opsB", true), ("opsC", true)];
            for (name, passphrase) in named {
                let person = play.come(name, root(passphrase), &[], Seat::Navigator);
                play.ask_of(&person, vote(true)).expect("a vote");
            }
            assert_eq!(missing(&play), "");
        }
    }
}

#[test]
fn a_no_go_of_anybody_blocks_until_they_say_go() {
    let mut play = at_gate("approvals = 1");
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    play.ask(vote(true)).expect("a vote");
    let no = Command::Vote { stage: "switch".into(), role: None, go: false, note: Some("lag grows".into()) };
    play.ask_of(&b, no).expect("a vote");
    assert_eq!(missing(&play), "opsB votes NO-GO: lag grows");
    refused(play.ask(over("switch")), "does not lift this: opsB votes NO-GO");
    play.leave(&b);
    turn(&mut play, Health::Failing);
    turn(&mut play, Health::Ok);
    assert!(missing(&play).contains("opsB votes NO-GO: lag grows"), "{}", missing(&play));
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    play.ask_of(&b, vote(true)).expect("they changed their mind");
    assert_eq!(missing(&play), "");
}

#[test]
fn a_vote_is_void_once_a_check_failed_or_a_step_ran_again() {
    let mut play = at_gate("approvals = 1");
    play.ask(vote(true)).expect("a vote");
    turn(&mut play, Health::Failing);
    turn(&mut play, Health::Ok);
    assert_eq!(missing(&play), "0 of 1 approval; opsA's GO is void: check new turned failing after it");
    play.ask(vote(true)).expect("a vote about what is there now");
    assert_eq!(missing(&play), "");
    play.ask(Command::Retry { step: "switch.start".into() }).expect("repeatable");
    refused(play.ask(vote(true)), "has not come to its gate yet");
    play.until("it is at its gate again", |s| s.stages["switch"].status == StageStatus::AtGate);
    play.until("the check is green", |s| s.is_green(&"new".into()));
    let void = "0 of 1 approval; opsA's GO is void: step switch.start was started again after it";
    assert_eq!(missing(&play), void);
    refused(play.advance(), "0 of 1 approval");
}

#[test]
fn whether_to_go_on_is_voted_anew_where_a_rollback_came_back_to_the_gate() {
    let mut play = at_gate("approvals = 1");
    let driver = play.driver.clone();
    play.ask_of(&driver, vote(true)).expect("they may");
    play.ask_of(&driver, advance()).expect("GO");
    play.until("the next stage has run", |s| s.stages["after"].status == StageStatus::AtGate);
    play.ask(Command::Rollback { to: Some("after".into()), reason: None }).expect("possible");
    play.until("it came back", |s| s.stages["switch"].gate.is_some() && s.active_rollback().is_none());
    assert_eq!(status(&play), StageStatus::AtGate);
    play.until("what is left serves", |s| s.is_green(&"new".into()));
    refused(play.ask_of(&driver, advance()), "0 of 1");
    play.ask_of(&driver, vote(true)).expect("once more");
    play.ask_of(&driver, advance()).expect("GO");
    assert_eq!(play.state().stages["after"].status, StageStatus::Active);
}

#[test]
fn a_role_is_voted_for_by_who_stands_for_it() {
    let mut play = at_gate("roles = [\"db\", \"app\"]");
    let b = play.come("opsB", user(1001), &["db"], Seat::Navigator);
    let c = play.come("opsC", user(1002), &["app", "db"], Seat::Navigator);
    refused(play.ask(vote_for("db")), "opsA does not stand for db; here for db: opsB, opsC");
    refused(play.ask(vote_for("net")), "asks for db, app, not for net");
    refused(play.ask_of(&c, vote(true)), "say for which role: you stand for db, app");
    play.ask_of(&b, vote(true)).expect("the role is filled in");
    assert_eq!(missing(&play), "no GO for app yet");
    play.ask_of(&c, vote_for("app")).expect("one of two roles");
    assert_eq!(missing(&play), "");
    play.advance().expect("GO");
}

#[test]
fn a_vote_about_an_older_view_is_refused() {
    let mut play = at_gate("approvals = 1");
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    let answers = play.ask_at_once(vec![(play.driver.clone(), vote(true)), (b, vote(false))]);
    assert!(answers[0].is_ok());
    refused(answers[1].clone(), "votes GO at the gate of switch (opsA)");
}

#[test]
fn an_override_by_two_takes_two() {
    let mut play = at_gate("override = \"two\"");
    let a = play.driver.clone();
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    let guest = play.come("guest", user(1002), &[], Seat::Observer);
    let twin = play.come("opsA-over-sudo", Credentials { uid: 0, ..user(1000) }, &[], Seat::Navigator);
    let unknown = play.come("root", root(false), &[], Seat::Navigator);
    turn(&mut play, Health::Failing);
    refused(play.ask_of(&b, second(true)), "nobody asks");
    refused(play.ask(over("after")), "type `switch`");
    play.ask(over("switch")).expect("it is asked");
    assert_eq!(status(&play), StageStatus::AtGate, "one person's word is not enough");
    refused(play.ask_of(&a, second(true)), "a second person answers");
    refused(play.ask_of(&guest, second(true)), "an observer may not");
    refused(play.ask_of(&twin, second(true)), "are one person (uid 1000)");
    refused(play.ask_of(&unknown, second(true)), "root cannot be told apart");
    play.ask_of(&b, second(false)).expect("no is an answer");
    assert!(second::standing(play.state()).is_none());
    play.ask(over("switch")).expect("it is asked again");
    play.ask_of(&b, second(true)).expect("two people");
    assert_eq!(status(&play), StageStatus::Passed);
    let promoted = play.events().iter().rev().find(|e| matches!(e.event, EventKind::Promoted { .. }));
    let promoted = promoted.expect("it was promoted");
    assert_eq!(crate::event::author(&promoted.by), "opsB");
    let EventKind::Promoted { asked_by, overridden, reason, .. } = &promoted.event else { unreachable!() };
    assert_eq!(asked_by.as_deref(), Some("opsA"));
    assert_eq!(overridden, &["check new is failing: failed: refused"]);
    assert_eq!(reason.as_deref(), Some("we saw it answer by hand"));
}

#[test]
fn what_was_asked_of_a_second_person_is_void_once_something_happened() {
    let mut play = at_gate("override = \"two\"\n  accept = [\"calls\"]");
    let b = play.come("opsB", user(1001), &[], Seat::Navigator);
    let on = crate::event::ItemOf::Gate("switch".into());
    let tick = Command::Tick { on, item: "calls".into(), pass: true, note: None };
    play.ask(tick.clone()).expect("ticked");
    turn(&mut play, Health::Failing);
    play.ask(over("switch")).expect("it is asked");
    play.ask_of(&b, tick).expect("ticked once more");
    refused(play.ask_of(&b, second(true)), "is void, ask again: the session moved on");
    play.ask(over("switch")).expect("it is asked anew");
    play.ask_of(&b, second(true)).expect("two people");
}

#[test]
fn whoever_cannot_be_told_apart_asks_nobody_to_second() {
    let mut play = at_gate("override = \"two\"");
    let root = play.come("root", root(false), &[], Seat::Navigator);
    play.leave(&play.driver.clone());
    play.ask_of(&root, Command::TakeWheel).expect("its holder is away");
    turn(&mut play, Health::Failing);
    refused(play.ask_of(&root, over("switch")), "come with `gonogo attach --as NAME`");
}

/// Ten thousand times two terminals advance in the same moment, the wheel now here, now there.
#[test]
fn of_two_advances_at_once_exactly_one_wins_and_the_other_learns_who() {
    let stages: String =
        (0..101).map(|n| format!("[[stage]]\nid = \"s{n}\"\n[stage.gate]\nauto = false\n")).collect();
    for round in 0..100 {
        let mut play = Theatre::new(&stages);
        let people = [play.driver.clone(), play.come("opsB", user(1001), &[], Seat::Navigator)];
        play.advance().expect("the first stage is entered");
        for pair in 0..100 {
            let (holder, other) = (&people[pair % 2], &people[(pair + 1) % 2]);
            let seen = play.state().seq;
            // In one turn of the loop, or in two.
            let answers = if round % 2 == 0 {
                play.ask_at_once(vec![(holder.clone(), advance()), (holder.clone(), advance())])
            } else {
                vec![
                    play.ask_as(holder.clone(), advance(), seen),
                    play.ask_as(holder.clone(), advance(), seen),
                ]
            };
            assert!(answers[0].is_ok(), "{answers:?}");
            refused(answers[1].clone(), &format!("promoted s{pair} ({})", holder.person));
            assert_eq!(play.state().stages[&format!("s{}", pair + 1)[..]].status, StageStatus::AtGate);
            play.ask_of(holder, Command::OfferWheel { to: other.person.clone() }).expect("offered");
            play.ask_of(other, Command::AcceptWheel).expect("accepted");
        }
    }
}
