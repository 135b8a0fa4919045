//! What keys lead to.

use crossterm::event::{KeyCode, KeyEvent};

use super::cases::*;
use super::fixture::*;
use super::states::*;
use crate::event::Health;
use crate::session::{Command, State, StepStatus, rollback};
use crate::ui::action::Action;
use crate::ui::popups::{self, Context, Opened, Outcome, Popup, Subject};
use crate::ui::testing::text;

#[test]
fn keys_lead_where_the_table_says() {
    for case in cases() {
        let desk = Desk::new(case.state);
        let mut popup = desk.open(case.open);
        assert_eq!(desk.press(&mut popup, case.keys), case.leads_to, "{}: {}", case.name, case.keys);
    }
}

#[test]
fn what_is_not_possible_does_not_open() {
    let desk = Desk::new(at_go());
    let refused = |opened: Opened| opened.err().map(|refusal| refusal.0).unwrap_or_default();
    for (opened, why) in [
        (popups::resume(&desk.cx()), "nothing is paused"),
        (popups::acknowledge(&desk.cx()), "nothing to acknowledge"),
        (popups::kill(&desk.cx(), &start_new()), "is not running"),
        (popups::skip(&desk.cx(), &start_new()), "has passed"),
        (popups::retry(&desk.cx(), &start_new()), "repeatable"),
        (popups::resolve(&desk.cx(), &start_new()), "is known"),
        (popups::confirm(&desk.cx(), &start_new()), "not a question"),
        (popups::veto(&desk.cx(), &"x".into()), "not counting down"),
        (popups::detail(&desk.cx(), &Subject::Event(7)), "nothing more to show"),
    ] {
        let said = refused(opened);
        assert!(said.contains(why), "{said:?} says {why:?}");
    }
    let replay = Context { operator: None, ..desk.cx() };
    for open in [popups::advance, popups::rollback, popups::note, popups::resume] {
        assert!(refused(open(&replay)).contains("nothing can be commanded"));
    }
    assert!(popups::quit(&replay, false).is_ok() && popups::help(&replay).is_ok());
}

#[test]
fn a_dialog_that_was_overtaken_refuses_and_says_what_changed() {
    let mut desk = Desk::new(at_go());
    let mut popup = desk.open(popups::advance);
    health(&mut desk.state, "lag", Health::Failing, "7.2s");
    desk.state.seq = 230;
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    let screen = desk.drawn(&*popup, 120, 60);
    assert!(
        screen.contains("nothing was sent: the gate was GO, is now NO-GO: check lag is failing"),
        "{screen}"
    );
    assert!(screen.contains("GO with override"), "it shows how things stand now");
    // and what it shows now can be answered, on what was seen now
    let outcome = desk.press(&mut popup, "tab type:known tab type:switch tab enter");
    let command = Command::Advance { typed: Some("switch".to_owned()), over: Some("known".to_owned()) };
    assert_eq!(outcome, Outcome::Ask { command, seen: 230 });
}

#[test]
fn a_decisive_event_in_between_is_named() {
    let mut desk = Desk::new(at_go());
    let mut popup = desk.open(popups::rollback);
    (desk.state.seq, desk.state.decisive_seq) = (212, 212);
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    assert!(desk.drawn(&*popup, 120, 40).contains("nothing was sent: event #0212 came in between"));
    let outcome = desk.press(&mut popup, "y");
    let command = Command::Rollback { to: Some("switch".into()), reason: None };
    assert_eq!(outcome, Outcome::Ask { command, seen: 212 });
}

#[test]
fn samples_and_other_events_in_between_do_not_void_a_dialog() {
    let mut desk = Desk::new(at_go());
    let mut popup = desk.open(popups::advance);
    desk.state.seq = 240;
    assert_eq!(desk.press(&mut popup, "y"), advance(None, None));
}

#[test]
fn a_step_that_moved_on_is_not_killed_in_its_new_attempt() {
    let mut desk = Desk::new(step_is("switch.start-new", StepStatus::Running));
    let mut popup = desk.open(|cx| popups::kill(cx, &start_new()));
    desk.state.steps.get_mut("switch.start-new").unwrap().attempt = 3;
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    let screen = desk.drawn(&*popup, 120, 40);
    assert!(screen.contains("was running, attempt 2, is now running, attempt 3"), "{screen}");
    desk.state.steps.get_mut("switch.start-new").unwrap().status = StepStatus::Passed;
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    assert!(desk.drawn(&*popup, 120, 40).contains("nothing to answer any more"));
}

#[test]
fn a_change_shows_before_anything_is_pressed() {
    let mut desk = Desk::new(at_go());
    let popup = desk.open(popups::advance);
    health(&mut desk.state, "lag", Health::Stale, "no sample for 6s");
    assert!(desk.drawn(&*popup, 120, 40).contains("it moved on: the gate was GO"));
}

#[test]
fn an_open_dialog_follows_the_session_and_what_was_asked_before_is_not_armed() {
    let mut desk = Desk::new(at_go());
    let mut popup = desk.open(popups::advance);
    assert_eq!(desk.press(&mut popup, "tab"), Outcome::Stay);
    let focused = |screen: &str| screen.lines().find(|line| line.contains("[>")).map(str::to_owned);
    let before = desk.drawn(&*popup, 120, 60);
    assert!(focused(&before).is_some_and(|line| line.contains("[>GO  y ]")), "{before}");
    health(&mut desk.state, "lag", Health::Failing, "7.2s");
    let screen = desk.drawn(&*popup, 120, 60);
    // What is red shows red, and the button that was in focus is still the same, but not armed.
    assert!(screen.contains("✗ check lag") && screen.contains("7.2s"), "{screen}");
    assert!(focused(&screen).is_some_and(|line| line.contains("[>GO  y  (not armed) ]")), "{screen}");
    // What changed is told to its end, also where there is little room.
    let narrow = desk.drawn(&*popup, 60, 24).replace(['┃', '\n', ' '], "");
    assert!(narrow.contains("isnowNO-GO:checklagisfailing"), "{narrow}");
    // It goes green again: the question is the one that was asked.
    health(&mut desk.state, "lag", Health::Ok, "");
    assert_eq!(desk.drawn(&*popup, 120, 60), before);
    assert_eq!(desk.press(&mut popup, "enter"), advance(None, None));
}

/// Going back over a stage that did nothing brings nothing back.
#[test]
fn a_rollback_begins_with_the_nearest_stage_of_which_anything_is_undone() {
    let mut desk = Desk::new(at_go());
    let nearest = rollback::targets(&desk.state).first().cloned().expect("a target");
    let shown = |desk: &Desk| desk.drawn(&*desk.open(popups::rollback), 120, 60);
    assert!(shown(&desk).contains(&format!("undo down to : {nearest}  1 of")));
    for stage in plan(&mut desk.state).stages.iter_mut().filter(|stage| stage.id == nearest) {
        stage.rollback.clear();
    }
    assert!(shown(&desk).contains("  2 of"), "{}", shown(&desk));
}

#[test]
fn a_choice_stays_with_what_was_chosen_wherever_that_stands_in_its_list_now() {
    let mut desk = Desk::new(asked());
    let mut popup = desk.open(open_confirm);
    desk.press(&mut popup, "tab right");
    let chosen = |popup: &dyn Popup, desk: &Desk| {
        let screen = desk.drawn(popup, 120, 60);
        let line = screen.lines().find(|line| line.contains("item ") && line.contains(" of "))?;
        ["Orders flow", "Invoices flow"].into_iter().find(|item| line.contains(item)).map(str::to_owned)
    };
    let before = chosen(&*popup, &desk).expect("a choice");
    assert_eq!(before, "Invoices flow");
    // The item above it gets its word, and goes from the list.
    desk.state = asked_and_ticked();
    desk.state.steps.get_mut("observe.ask").unwrap().ticks.shift_remove(before.as_str());
    assert_eq!(chosen(&*popup, &desk), Some(before.clone()));
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay, "what moved on is told first");
    assert_eq!(chosen(&*popup, &desk), Some(before.clone()));
    assert_eq!(desk.press(&mut popup, "y"), ticked_item(&before, true, None));
}

#[test]
fn a_question_mark_tells_a_dialogs_keys_and_is_text_where_text_is_typed() {
    let desk = Desk::new(at_no_go());
    let mut popup = desk.open(popups::advance);
    desk.press(&mut popup, "?");
    for (width, height) in [(120, 36), (80, 24)] {
        let screen = desk.drawn(&*popup, width, height);
        assert!(screen.contains("tab moves, enter presses") && screen.contains("esc leaves"), "{screen}");
    }
    desk.press(&mut popup, "tab type:why?");
    assert!(desk.drawn(&*popup, 120, 36).contains("why?"));
}

#[test]
fn what_a_key_does_and_why_not_is_told_whole_on_every_screen() {
    for (open, next) in [(popups::help as fn(&Context) -> Opened, "j"), (popups::palette, "down")] {
        for (width, height) in [(120, 36), (80, 24), (60, 15), (36, 12)] {
            let desk = Desk::new(at_no_go());
            let mut popup = desk.open(open);
            for _ in 0..Action::ALL.len() {
                let screen = desk.drawn(&*popup, width, height);
                let list = screen.lines().count() - 2;
                assert!(!screen.lines().take(list).any(|line| line.contains('…')), "{screen}");
                assert!(width < 80 || !screen.contains('…'), "{screen}");
                desk.press_at(&mut popup, next, width, height);
            }
        }
    }
}

#[test]
fn nothing_times_out_to_go() {
    let mut desk = Desk::new(at_go());
    let popup = desk.open(popups::advance);
    desk.now.up_ms += 1_000_000_000;
    assert!(desk.drawn(&*popup, 120, 40).contains("[>NO-GO"));
}

#[test]
fn a_paste_is_never_a_key_and_never_a_typed_name() {
    let desk = Desk::new(at_no_go());
    let mut popup = desk.open(popups::advance);
    popup.paste("y\r");
    assert!(desk.drawn(&*popup, 120, 60).contains("a paste is never a key"));
    desk.press(&mut popup, "tab");
    popup.paste("known\nsince 02:00");
    desk.press(&mut popup, "tab");
    popup.paste("switch");
    assert!(desk.drawn(&*popup, 120, 60).contains("a paste is refused here"));
    assert_eq!(desk.press(&mut popup, "tab enter"), Outcome::Stay);
    let outcome = desk.press(&mut popup, "shift-tab type:switch tab enter");
    assert_eq!(outcome, advance(Some("switch"), Some("known since 02:00")));
}

#[test]
fn go_is_armed_only_once_all_of_it_was_on_the_screen() {
    let desk = Desk::new(at_go());
    let mut popup = desk.open(popups::rollback);
    assert_eq!(desk.press_at(&mut popup, "y", 60, 15), Outcome::Stay);
    assert!(desk.drawn(&*popup, 60, 15).contains("read to the end first"));
    assert_eq!(desk.press_at(&mut popup, "pgdn y", 60, 15), roll_back("switch", None));
    let mut popup = desk.open(popups::rollback);
    assert_eq!(desk.press_at(&mut popup, "end", 60, 15), Outcome::Stay);
    assert_eq!(desk.press_at(&mut popup, "y", 60, 15), roll_back("switch", None));
}

#[test]
fn after_the_window_a_rollback_needs_its_reason() {
    let mut desk = Desk::new(at_go());
    desk.now.up_ms += 7_200_000;
    let mut popup = desk.open(popups::rollback);
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    assert_eq!(desk.press(&mut popup, "tab tab type:lag tab enter"), roll_back("switch", Some("lag")));
}

#[test]
fn a_gate_that_may_not_be_overridden_has_no_go_at_all() {
    let mut state = before_point_of_no_return();
    plan(&mut state).stages[2].gate.over = crate::runbook::model::Override::Never;
    state.steps.get_mut("observe.ask").unwrap().status = StepStatus::Failed;
    let desk = Desk::new(state);
    let mut popup = desk.open(popups::advance);
    let screen = desk.drawn(&*popup, 120, 60);
    assert!(screen.contains("may never be overridden") && !screen.contains("[ GO"), "{screen}");
    assert_eq!(desk.press(&mut popup, "tab tab enter"), Outcome::Close);
}

#[test]
fn the_countdown_of_a_veto_runs() {
    let mut desk = Desk::new(armed());
    let popup: Box<dyn Popup> = desk.open(|cx| popups::veto(cx, &"switch.readyz.rollback".into()));
    let shows = |desk: &Desk| text(&desk.first_frame(&*popup, 80, 24));
    assert!(shows(&desk).contains("fires in 00:00:12"));
    desk.now.up_ms += 5_000;
    assert!(shows(&desk).contains("fires in 00:00:07"));
}

/// It was opened a moment before the gate was GO, and has no button for that.
#[test]
fn a_yes_without_a_button_is_asked_anew_where_things_moved_on() {
    let mut desk = Desk::new(at_no_go());
    let mut popup = desk.open(popups::advance);
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    assert!(desk.drawn(&*popup, 120, 60).contains("y is not enough here"));
    desk.state = at_go();
    assert_eq!(desk.press(&mut popup, "y"), Outcome::Stay);
    assert!(desk.drawn(&*popup, 120, 60).contains("asked anew: "));
    assert!(matches!(desk.press(&mut popup, "y"), Outcome::Ask { .. }));
}

#[test]
fn a_stray_word_takes_no_warning_away() {
    let mut desk = Desk::new(at_no_go());
    let mut popup = desk.open(popups::advance);
    desk.drawn(&*popup, 120, 60);
    desk.state = at_go();
    for c in "eventually".chars().filter(|c| *c != 'n') {
        assert_eq!(popup.key(KeyEvent::from(KeyCode::Char(c)), &desk.cx()), Outcome::Stay);
    }
    assert_eq!(desk.press(&mut popup, "down"), Outcome::Stay);
    assert!(desk.drawn(&*popup, 120, 60).contains("it moved on: "));
}

/// "all ready" ends in a `y`, and begins with what opens GO.
#[test]
fn words_typed_where_no_text_is_wanted_answer_nothing() {
    let desk = Desk::new(at_go());
    for words in ["y", "ll ready", "yyyyyyyy", "l\n"] {
        let mut popup = desk.open(popups::advance);
        desk.first_frame(&*popup, 120, 60);
        for c in words.chars() {
            let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
            assert_eq!(popup.key(KeyEvent::from(code), &desk.cx()), Outcome::Stay, "{words:?}");
        }
        let screen = text(&desk.first_frame(&*popup, 120, 60));
        assert!(screen.contains("GO  y·]"), "it acts in a moment: {screen}");
        assert!(matches!(desk.press(&mut popup, "y"), Outcome::Ask { .. }), "after a moment it is an answer");
    }
}

#[test]
fn whoever_types_beside_a_field_is_told_where_text_goes() {
    let desk = Desk::new(at_no_go());
    let mut popup = desk.open(popups::advance);
    desk.press(&mut popup, "w");
    assert!(desk.drawn(&*popup, 120, 60).contains("Tab goes to \""), "the override's reason is a text");
    desk.press(&mut popup, "tab w");
    assert!(!desk.drawn(&*popup, 120, 60).contains("Tab goes to \""));
}

#[test]
fn while_the_log_cannot_be_written_there_is_no_go() {
    let mut desk = Desk::new(at_go());
    desk.telemetry.log = crate::session::telemetry::LogHealth::Full("/var: 0 bytes free".to_owned());
    let mut popup = desk.open(popups::advance);
    assert!(desk.drawn(&*popup, 120, 60).contains("the log cannot be written: /var: 0 bytes free"));
    assert_eq!(desk.press(&mut popup, "tab enter"), Outcome::Close);
}

#[test]
fn there_is_no_go_that_the_engine_would_refuse() {
    let paused = State { paused: paused().paused, ..before_the_first() };
    let mut desk = Desk::new(paused);
    let popup = desk.open(popups::advance);
    let screen = desk.drawn(&*popup, 120, 60);
    assert!(screen.contains("NO-GO: 1 missing") && screen.contains("paused by opsB"), "{screen}");
    desk.state = at_no_go();
    desk.operator.seat = crate::event::Seat::Observer;
    let refused = popups::advance(&desk.cx()).expect_err("whoever looks on does not advance");
    assert!(refused.0.contains("only the driver may"), "{refused}");
}
