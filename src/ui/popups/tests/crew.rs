//! The dialogs of a cutover that is driven in pairs: votes, overrides by two, the wheel.

use super::fixture::*;
use super::states::*;
use crate::event::{NoteTag, Person, Seat};
use crate::session::{Command, Note, State, WheelOffer};
use crate::ui::popups::{self, Outcome, Popup};

fn desk(state: State, operator: Person) -> Desk {
    Desk { operator, ..Desk::new(state) }
}

fn ask(command: Command) -> Outcome {
    Outcome::Ask { command, seen: 211 }
}

fn voted(role: Option<&str>, go: bool, note: Option<&str>) -> Outcome {
    let (role, note) = (role.map(str::to_owned), note.map(str::to_owned));
    ask(Command::Vote { stage: "switch".into(), role, go, note })
}

fn seconded(go: bool, note: Option<&str>) -> Outcome {
    ask(Command::Second { stage: "switch".into(), go, note: note.map(str::to_owned) })
}

fn screen(desk: &Desk, popup: &dyn Popup) -> String {
    desk.drawn(popup, 120, 80)
}

/// Opens, presses, and says what it led to.
fn led(desk: &Desk, open: fn(&popups::Context) -> popups::Opened, keys: &str) -> Outcome {
    let mut popup = desk.open(open);
    desk.press(&mut popup, keys)
}

#[test]
fn a_vote_is_go_no_go_or_none_and_the_focus_is_on_no_go() {
    let desk = desk(voting(), navigator());
    for (keys, leads_to) in [
        ("y", voted(Some("app"), true, None)),
        ("n", voted(Some("app"), false, None)),
        ("enter", voted(Some("app"), false, None)),
        ("esc", Outcome::Close),
        ("left enter", Outcome::Close),
        ("right enter", voted(Some("app"), true, None)),
        ("tab type:yn shift-tab enter", voted(Some("app"), false, Some("yn"))),
        ("tab type:yn tab enter", voted(Some("app"), true, Some("yn"))),
    ] {
        assert_eq!(led(&desk, popups::vote, keys), leads_to, "{keys}");
    }
}

#[test]
fn a_no_needs_no_reading_and_a_go_does() {
    let desk = desk(voting(), navigator());
    for (key, leads_to) in [("n", voted(Some("app"), false, None)), ("y", Outcome::Stay)] {
        let mut popup = desk.open(popups::vote);
        assert_eq!(desk.press_at(&mut popup, key, 80, 14), leads_to, "{key}");
    }
}

#[test]
fn who_stands_for_several_roles_chooses_one() {
    let mut state = voting();
    state.crew.get_mut("opsB").unwrap().roles = vec!["db".to_owned(), "app".to_owned()];
    let desk = desk(state, navigator());
    assert_eq!(led(&desk, popups::vote, "y"), voted(Some("db"), true, None));
    let mut popup = desk.open(popups::vote);
    let outcome = desk.press(&mut popup, "tab right tab tab enter");
    assert_eq!(outcome, voted(Some("app"), true, None), "{}", screen(&desk, &*popup));
}

#[test]
fn the_roll_call_says_who_said_what_and_which_votes_are_void() {
    let desk = desk(voting(), navigator());
    let shown = screen(&desk, &*desk.open(popups::vote));
    for line in
        ["db   opsA  GO     02:50:37Z", "opsC  GO     02:49:07Z  VOID: readyz failed after it", "no answer"]
    {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
}

#[test]
fn an_observer_and_a_stage_that_is_not_at_its_gate_get_no_vote() {
    let observer = Person { person: "opsD".to_owned(), uid: 2073, seat: Seat::Observer };
    let watched = desk(voting(), observer);
    let why = popups::vote(&watched.cx()).unwrap_err().0;
    assert_eq!(why, "an observer may not vote: opsD only looks on");
    let mut state = voting();
    entered(&mut state, "switch", crate::session::StageStatus::Active, 900_000);
    let early = desk(state, navigator());
    assert!(popups::vote(&early.cx()).unwrap_err().0.contains("has not come to its gate yet"));
}

#[test]
fn a_vote_in_between_is_shown_before_another_is_cast() {
    let mut desk = desk(voting(), navigator());
    let mut popup = desk.open(popups::vote);
    desk.state.stages.get_mut("switch").unwrap().votes[0].go = false;
    (desk.state.seq, desk.state.decisive_seq) = (214, 214);
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    assert!(screen(&desk, &*popup).contains("nothing was sent: "), "{}", screen(&desk, &*popup));
}

#[test]
fn an_override_by_two_is_asked_for_by_one() {
    let desk = desk(at_no_go_of_two(), Desk::new(at_go()).operator);
    let mut popup = desk.open(popups::advance);
    let shown = screen(&desk, &*popup);
    for line in ["a second person must confirm", "could confirm it: opsB", "ASK A SECOND PERSON"] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    let outcome = desk.press(&mut popup, "tab type:lag tab type:switch tab enter");
    let asked = Command::Advance { typed: Some("switch".to_owned()), over: Some("lag".to_owned()) };
    assert_eq!(outcome, ask(asked));
}

#[test]
fn a_second_person_types_the_stage_and_sees_what_it_lifts() {
    let desk = desk(override_asked(), navigator());
    let shown = screen(&desk, &*desk.open(popups::vote));
    for line in
        ["opsA asks to override the gate of switch", "reason: known lag", "check lag is failing: 7.2s"]
    {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    for (keys, leads_to) in [
        ("y", Outcome::Stay),
        ("enter", seconded(false, None)),
        ("esc", Outcome::Close),
        ("right enter", Outcome::Stay),
        ("tab tab type:switch tab enter", seconded(true, None)),
        ("tab type:seen tab type:switch tab enter", seconded(true, Some("seen"))),
    ] {
        assert_eq!(led(&desk, popups::vote, keys), leads_to, "{keys}");
    }
    let mut popup = desk.open(popups::vote);
    desk.press(&mut popup, "tab tab");
    popup.paste("switch");
    assert!(screen(&desk, &*popup).contains("a paste is refused here"));
}

#[test]
fn who_asked_for_an_override_takes_it_back_and_does_not_second_it() {
    let desk = desk(override_asked(), Desk::new(at_go()).operator);
    let mut popup = desk.open(popups::vote);
    let shown = screen(&desk, &*popup);
    assert!(shown.contains("a second person answers") && !shown.contains("[ GO"), "{shown}");
    assert_eq!(desk.press(&mut popup, "n"), seconded(false, None));
}

#[test]
fn the_wheel_is_offered_by_one_and_taken_by_the_other() {
    let driver = Desk::new(at_go()).operator;
    let offers = desk(crewed(), driver.clone());
    assert_eq!(led(&offers, popups::wheel, "y"), ask(Command::OfferWheel { to: "opsB".to_owned() }));
    assert_eq!(led(&offers, popups::wheel, "enter"), Outcome::Close);
    let offered = desk(wheel_offered(), driver);
    assert_eq!(led(&offered, popups::wheel, "y"), ask(Command::DeclineWheel));
    let taker = desk(wheel_offered(), navigator());
    let mut popup = taker.open(popups::wheel);
    assert_eq!(taker.press_at(&mut popup, "y", 80, 24), Outcome::Stay);
    assert!(taker.drawn(&*popup, 80, 24).contains("read to the end first"));
    assert_eq!(taker.press_at(&mut popup, "end", 80, 24), Outcome::Stay);
    assert_eq!(taker.press_at(&mut popup, "y", 80, 24), ask(Command::AcceptWheel));
}

#[test]
fn the_wheel_is_asked_for_while_its_holder_is_here_and_taken_when_not() {
    let beside = desk(crewed(), navigator());
    assert_eq!(led(&beside, popups::wheel, "y"), ask(Command::AskWheel));
    assert_eq!(led(&beside, popups::wheel, "s"), Outcome::Show(popups::Subject::Handover));
    let mut away = beside;
    away.state.crew.get_mut("opsA").unwrap().left = Some(ago(130_000));
    let mut popup = away.open(popups::wheel);
    let shown = screen(&away, &*popup);
    assert!(shown.contains("opsA has the wheel and is away since 02:48:57Z"), "{shown}");
    assert_eq!(away.press(&mut popup, "y"), ask(Command::TakeWheel));
}

#[test]
fn a_wheel_that_moved_on_is_not_taken() {
    let mut desk = desk(wheel_offered(), navigator());
    let mut popup = desk.open(popups::wheel);
    desk.state.wheel_offer = None;
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    let shown = screen(&desk, &*popup);
    assert!(shown.contains("the wheel was offered to you by opsA, is now opsA's"), "{shown}");
}

#[test]
fn an_observer_reads_where_the_session_stands_and_is_told_why_not_more() {
    let observer = Person { person: "opsD".to_owned(), uid: 2073, seat: Seat::Observer };
    let desk = desk(crewed(), observer);
    let popup = desk.open(popups::wheel);
    let shown = screen(&desk, &*popup);
    assert!(shown.contains(": opsD only looks on"), "{shown}");
    assert_eq!(led(&desk, popups::wheel, "s"), Outcome::Show(popups::Subject::Handover));
}

#[test]
fn each_key_of_an_observer_says_why_it_is_not_for_one() {
    use crate::ui::action::Action;
    let observer = Person { person: "opsD".to_owned(), uid: 2073, seat: Seat::Observer };
    let desk = desk(voting(), observer);
    for action in [
        Action::Advance,
        Action::Resume,
        Action::RollBack,
        Action::Retry,
        Action::Skip,
        Action::Kill,
        Action::Vote,
        Action::Note,
    ] {
        let why = popups::why_not(action, &desk.cx()).unwrap_or_default();
        let said = why.ends_with(", and opsD is observer") || why.ends_with(": opsD only looks on");
        assert!(said, "{action}: {why}");
    }
    assert_eq!(popups::why_not(Action::Pause, &desk.cx()), None);
}

#[test]
fn where_the_session_stands_is_told_whole() {
    let mut state = override_asked();
    state.notes.push_back(Note {
        seq: 200,
        tag: NoteTag::Decision,
        text: "dba accepts the lag until 03:00".to_owned(),
        by: "opsC".to_owned(),
        at: ago(300_000).at,
        attached: None,
    });
    let desk = desk(state, navigator());
    let shown = screen(&desk, &*desk.open(|cx| popups::detail(cx, &popups::Subject::Handover)));
    for line in [
        "wheel: opsA   here: opsA, opsB, opsD",
        "opsA asks a second person to override the gate of switch: known lag, INC-7781",
        "check lag is failing: 7.2s, expected at most 5s  released by: lag green",
        "no step runs",
        "back to before freeze: 4 steps, about 1m 20s",
        "opsC decision  dba accepts the lag until 03:00",
    ] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
}

#[test]
fn names_and_notes_that_mean_harm_never_reach_a_cell() {
    let harm = "x\u{1b}[2J\u{1b}]0;t\u{7}\u{202e}gpj.exe\u{200b}\u{9b}31m\r\u{ad}\u{e0041}\n".repeat(3);
    let mut state = override_asked();
    let gate = &mut plan(&mut state).stages[1].gate;
    (gate.approvals, gate.roles) = (2, vec!["app".to_owned()]);
    let mut votes = voting().stages["switch"].votes.clone();
    for vote in &mut votes {
        (vote.person, vote.note) = (harm.clone(), Some(harm.clone()));
        (vote.void, vote.also) = (Some(harm.clone()), vec![harm.clone()]);
    }
    let switch = state.stages.get_mut("switch").unwrap();
    switch.votes = votes;
    switch.override_asked.as_mut().unwrap().reason = harm.clone();
    let mut other = state.crew["opsB"].clone();
    (other.person.person, other.roles) = (harm.clone(), vec![harm.clone()]);
    other.credentials.ssh = Some(harm.clone());
    state.crew.insert(harm.clone(), other);
    state.wheel_asked = vec![harm.clone()];
    let offered = WheelOffer { from: harm.clone(), to: "opsB".to_owned() };
    let states = [state.clone(), State { wheel_offer: Some(offered), ..state.clone() }];
    let opens: [&dyn Fn(&popups::Context) -> popups::Opened; 5] = [
        &popups::vote,
        &popups::advance,
        &popups::wheel,
        &|cx| popups::detail(cx, &popups::Subject::Handover),
        &|cx| popups::detail(cx, &popups::Subject::Person(harm.clone())),
    ];
    for state in states {
        for operator in [navigator(), Desk::new(at_go()).operator] {
            let desk = desk(state.clone(), operator);
            for open in opens {
                // Whoever does not drive is refused the advance, in words without a name.
                let Ok(popup) = open(&desk.cx()) else { continue };
                for (width, height) in [(120, 60), (60, 15), (20, 8)] {
                    for cell in desk.buffer(&*popup, width, height).content() {
                        let shown = cell.symbol().chars().all(crate::text::is_allowed);
                        assert!(shown, "{popup:?}: {:?}", cell.symbol());
                    }
                }
            }
        }
    }
}
