//! What keys lead to.

use super::fixture::*;
use super::states::*;
use crate::event::{Health, ItemOf, NoteTag, Resolution};
use crate::runbook::StageId;
use crate::session::{Command, State, StepStatus};
use crate::ui::action::Action;
use crate::ui::popups::{self, Context, Opened, Outcome, Popup, Subject};

/// A dialog, the state it opens on, keys, and what they lead to.
struct Case {
    name: &'static str,
    state: State,
    open: fn(&Context) -> Opened,
    keys: &'static str,
    leads_to: Outcome,
}

fn ask(command: Command) -> Outcome {
    Outcome::Ask { command, seen: 211 }
}

fn advance(typed: Option<&str>, over: Option<&str>) -> Outcome {
    ask(Command::Advance { typed: typed.map(str::to_owned), over: over.map(str::to_owned) })
}

fn ticked(pass: bool, note: Option<&str>) -> Outcome {
    ask(Command::Tick {
        on: ItemOf::Gate("switch".into()),
        item: "Support sees no tickets".to_owned(),
        pass,
        note: note.map(str::to_owned),
    })
}

fn ticked_item(item: &str, pass: bool, note: Option<&str>) -> Outcome {
    let on = ItemOf::Step("observe.ask".into());
    ask(Command::Tick { on, item: item.to_owned(), pass, note: note.map(str::to_owned) })
}

fn confirmed(yes: bool, note: Option<&str>) -> Outcome {
    ask(Command::Confirm { step: "observe.ask".into(), yes, note: note.map(str::to_owned) })
}

fn resolved(outcome: Resolution) -> Outcome {
    ask(Command::Resolve { step: "switch.start-new".into(), outcome, reason: "seen".to_owned() })
}

fn roll_back(to: &str, reason: Option<&str>) -> Outcome {
    ask(Command::Rollback { to: Some(StageId::from(to)), reason: reason.map(str::to_owned) })
}

fn noted(tag: NoteTag, text: &str) -> Outcome {
    ask(Command::Note { tag, text: text.to_owned(), attached: None })
}

fn open_tick(cx: &Context) -> Opened {
    popups::tick(cx, &"switch".into(), "Support sees no tickets")
}

fn open_confirm(cx: &Context) -> Opened {
    popups::confirm(cx, &"observe.ask".into())
}

fn cases() -> Vec<Case> {
    let case = |name, state, open, keys, leads_to| Case { name, state, open, keys, leads_to };
    let go: fn(&Context) -> Opened = popups::advance;
    let retry: fn(&Context) -> Opened = |cx| popups::retry(cx, &start_new());
    let skip: fn(&Context) -> Opened = |cx| popups::skip(cx, &start_new());
    let kill: fn(&Context) -> Opened = |cx| popups::kill(cx, &start_new());
    let resolve: fn(&Context) -> Opened = |cx| popups::resolve(cx, &start_new());
    let veto: fn(&Context) -> Opened = |cx| popups::veto(cx, &"switch.readyz.rollback".into());
    let detail: fn(&Context) -> Opened = |cx| popups::detail(cx, &Subject::Step(start_new()));
    let abort = Command::Abort { reason: "done".to_owned() };
    let vetoed = |reason: Option<&str>| {
        ask(Command::Veto { trigger: "switch.readyz.rollback".into(), reason: reason.map(str::to_owned) })
    };
    let skipped = ask(Command::Skip { step: start_new(), reason: "not here".to_owned() });
    vec![
        case("y is GO", at_go(), go, "y", advance(None, None)),
        case("the focus starts on NO-GO", at_go(), go, "enter", Outcome::Close),
        case("n is NO-GO", at_go(), go, "n", Outcome::Close),
        case("esc is NO-GO", at_go(), go, "esc", Outcome::Close),
        case("tab goes to GO, enter activates it", at_go(), go, "tab enter", advance(None, None)),
        case("arrows go there too", at_go(), go, "right enter", advance(None, None)),
        case("and back", at_go(), go, "right left enter", Outcome::Close),
        case("ctrl-y is nothing", at_go(), go, "ctrl-y alt-y", Outcome::Stay),
        case("y does not override", at_no_go(), go, "y", Outcome::Stay),
        case("an override needs its reason", at_no_go(), go, "tab tab type:switch tab enter", Outcome::Stay),
        case("an override needs the name", at_no_go(), go, "tab type:lag tab tab enter", Outcome::Stay),
        case(
            "enter in a field activates nothing",
            at_no_go(),
            go,
            "tab type:lag tab type:switch enter",
            Outcome::Stay,
        ),
        case(
            "an override with both",
            at_no_go(),
            go,
            "tab type:lag tab type:switch tab enter",
            advance(Some("switch"), Some("lag")),
        ),
        case(
            "in a field y and n are text",
            at_no_go(),
            go,
            "tab type:yn tab type:switch tab enter",
            advance(Some("switch"), Some("yn")),
        ),
        case(
            "a wrong name does not arm",
            at_no_go(),
            go,
            "tab type:lag tab type:swItch tab enter",
            Outcome::Stay,
        ),
        case("y does not cross a point of no return", before_point_of_no_return(), go, "y", Outcome::Stay),
        case(
            "its name does",
            before_point_of_no_return(),
            go,
            "tab type:drop-old tab enter",
            advance(Some("drop-old"), None),
        ),
        case("the smallest rollback comes first", at_go(), popups::rollback, "y", roll_back("switch", None)),
        case(
            "its reason is taken where given",
            at_go(),
            popups::rollback,
            "tab tab type:lag tab enter",
            roll_back("switch", Some("lag")),
        ),
        case(
            "beyond a stage y is not enough",
            at_go(),
            popups::rollback,
            "tab right shift-tab y",
            Outcome::Stay,
        ),
        case(
            "beyond a stage its name is typed",
            at_go(),
            popups::rollback,
            "tab right tab tab type:freeze tab enter",
            roll_back("freeze", None),
        ),
        case("n stays", at_go(), popups::rollback, "n", Outcome::Close),
        case(
            "a checklist is ticked item by item",
            asked(),
            open_confirm,
            "y",
            ticked_item("Orders flow", true, None),
        ),
        case(
            "another item is chosen",
            asked(),
            open_confirm,
            "tab right shift-tab y",
            ticked_item("Invoices flow", true, None),
        ),
        case("an item fails with a note only", asked(), open_confirm, "tab tab tab tab enter", Outcome::Stay),
        case(
            "with a note it fails",
            asked(),
            open_confirm,
            "tab tab type:none tab tab enter",
            ticked_item("Orders flow", false, Some("none")),
        ),
        case(
            "a ticked checklist leaves the question",
            asked_and_ticked(),
            open_confirm,
            "y",
            confirmed(true, None),
        ),
        case("n says no", asked_and_ticked(), open_confirm, "n", confirmed(false, None)),
        case("esc leaves it open", asked_and_ticked(), open_confirm, "esc", Outcome::Close),
        case(
            "an answer takes a note",
            asked_and_ticked(),
            open_confirm,
            "tab type:yes tab tab enter",
            confirmed(true, Some("yes")),
        ),
        case("y ticks", at_go(), open_tick, "y", ticked(true, None)),
        case("failing needs a note", at_go(), open_tick, "tab tab enter", Outcome::Stay),
        case("failing with a note", at_go(), open_tick, "tab type:no tab enter", ticked(false, Some("no"))),
        case(
            "retry",
            step_is("switch.start-new", StepStatus::Failed),
            retry,
            "y",
            ask(Command::Retry { step: start_new() }),
        ),
        case(
            "skip needs a reason",
            step_is("switch.start-new", StepStatus::Failed),
            skip,
            "y",
            Outcome::Stay,
        ),
        case(
            "skip",
            step_is("switch.start-new", StepStatus::Failed),
            skip,
            "tab type:not tab shift-tab space type:here tab enter",
            skipped,
        ),
        case(
            "kill",
            step_is("switch.start-new", StepStatus::Running),
            kill,
            "y",
            ask(Command::Kill { step: start_new() }),
        ),
        case("let it run", step_is("switch.start-new", StepStatus::Running), kill, "enter", Outcome::Close),
        case(
            "unknown: y is no answer",
            step_is("switch.start-new", StepStatus::Unknown),
            resolve,
            "y",
            Outcome::Stay,
        ),
        case(
            "unknown: done",
            step_is("switch.start-new", StepStatus::Unknown),
            resolve,
            "tab type:seen tab enter",
            resolved(Resolution::Done),
        ),
        case(
            "unknown: failed",
            step_is("switch.start-new", StepStatus::Unknown),
            resolve,
            "tab type:seen tab tab enter",
            resolved(Resolution::Failed),
        ),
        case(
            "unknown: run again",
            step_is("switch.start-new", StepStatus::Unknown),
            resolve,
            "tab type:seen tab tab tab enter",
            resolved(Resolution::RunAgain),
        ),
        case("resume", paused(), popups::resume, "y", ask(Command::Resume)),
        case("veto", armed(), veto, "y", vetoed(None)),
        case("veto with a reason", armed(), veto, "tab type:known tab enter", vetoed(Some("known"))),
        case("not answering is no veto", armed(), veto, "enter", Outcome::Close),
        case("acknowledge", unacknowledged(), popups::acknowledge, "y", ask(Command::Acknowledge)),
        case(
            "a note is typed and entered",
            at_go(),
            popups::note,
            "type:hello enter",
            noted(NoteTag::Observation, "hello"),
        ),
        case("an empty note is none", at_go(), popups::note, "enter", Outcome::Stay),
        case(
            "a note has a tag",
            at_go(),
            popups::note,
            "type:hello tab right right tab tab enter",
            noted(NoteTag::Bug, "hello"),
        ),
        case(
            "a note takes a file along",
            at_go(),
            popups::note,
            "type:hello tab tab type:/tmp/lag.png enter",
            Outcome::Attach {
                command: Command::Note {
                    tag: NoteTag::Observation,
                    text: "hello".to_owned(),
                    attached: None,
                },
                path: "/tmp/lag.png".into(),
                seen: 211,
            },
        ),
        case("esc throws it away", at_go(), popups::note, "type:hello esc", Outcome::Close),
        case("quit asks", at_go(), |cx| popups::quit(cx, false), "enter", Outcome::Close),
        case(
            "a running session is not left with y",
            at_go(),
            |cx| popups::quit(cx, false),
            "y",
            Outcome::Stay,
        ),
        case("detach", at_go(), |cx| popups::quit(cx, false), "d", Outcome::Leave),
        case("detach with enter", at_go(), |cx| popups::quit(cx, false), "tab tab enter", Outcome::Leave),
        case("a d in the reason is text", at_go(), |cx| popups::quit(cx, false), "tab d", Outcome::Stay),
        case(
            "abort needs a reason",
            at_go(),
            |cx| popups::quit(cx, false),
            "tab tab tab enter",
            Outcome::Stay,
        ),
        case("abort", at_go(), |cx| popups::quit(cx, false), "tab type:done tab tab enter", ask(abort)),
        case(
            "the help runs the selected line",
            at_go(),
            popups::help,
            "j j j enter",
            Outcome::Run(Action::RollBack),
        ),
        case("the help filters", at_go(), popups::help, "/ type:sign enter esc", Outcome::Stay),
        case(
            "the palette takes what matches best",
            at_go(),
            popups::palette,
            "type:rlbk enter",
            Outcome::Run(Action::RollBack),
        ),
        case(
            "the palette selects",
            at_go(),
            popups::palette,
            "type:pane down up enter",
            Outcome::Run(Action::NextPane),
        ),
        case(
            "the palette finds what has no key here",
            at_go(),
            popups::palette,
            "type:errors-only enter",
            Outcome::Run(Action::ErrorsOnly),
        ),
        case(
            "the palette does nothing where nothing matches",
            at_go(),
            popups::palette,
            "type:zqzq enter",
            Outcome::Stay,
        ),
        case("the help finds", at_go(), popups::help, "/ type:write enter enter", Outcome::Run(Action::Note)),
        case(
            "a detail closes",
            step_is("switch.start-new", StepStatus::Failed),
            detail,
            "j pgdn G esc",
            Outcome::Close,
        ),
    ]
}

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
    assert!(desk.drawn(&*popup, 80, 24).contains("fires in 00:00:12"));
    desk.now.up_ms += 5_000;
    assert!(desk.drawn(&*popup, 80, 24).contains("fires in 00:00:07"));
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
    assert!(refused.0.contains("needs the driver seat"), "{refused}");
}
