//! What keys lead to, as a table: a dialog, the state it opens on, what is pressed, and what comes of it.

use super::fixture::*;
use super::states::*;
use crate::event::{ItemOf, NoteTag, Resolution};
use crate::runbook::StageId;
use crate::session::{Command, State, StepStatus};
use crate::ui::action::Action;
use crate::ui::popups::{self, Context, Opened, Outcome, Subject};

/// A dialog, the state it opens on, keys, and what they lead to.
pub struct Case {
    pub name: &'static str,
    pub state: State,
    pub open: fn(&Context) -> Opened,
    pub keys: &'static str,
    pub leads_to: Outcome,
}

pub fn ask(command: Command) -> Outcome {
    Outcome::Ask { command, seen: 211 }
}

pub fn advance(typed: Option<&str>, over: Option<&str>) -> Outcome {
    ask(Command::Advance { typed: typed.map(str::to_owned), over: over.map(str::to_owned) })
}

pub fn ticked(pass: bool, note: Option<&str>) -> Outcome {
    ask(Command::Tick {
        on: ItemOf::Gate("switch".into()),
        item: "Support sees no tickets".to_owned(),
        pass,
        note: note.map(str::to_owned),
    })
}

pub fn ticked_item(item: &str, pass: bool, note: Option<&str>) -> Outcome {
    let on = ItemOf::Step("observe.ask".into());
    ask(Command::Tick { on, item: item.to_owned(), pass, note: note.map(str::to_owned) })
}

pub fn confirmed(yes: bool, note: Option<&str>) -> Outcome {
    ask(Command::Confirm { step: "observe.ask".into(), yes, note: note.map(str::to_owned) })
}

pub fn resolved(outcome: Resolution) -> Outcome {
    ask(Command::Resolve { step: "switch.start-new".into(), outcome, reason: "seen".to_owned() })
}

pub fn roll_back(to: &str, reason: Option<&str>) -> Outcome {
    ask(Command::Rollback { to: Some(StageId::from(to)), reason: reason.map(str::to_owned) })
}

pub fn noted(tag: NoteTag, text: &str) -> Outcome {
    ask(Command::Note { tag, text: text.to_owned(), attached: None })
}

pub fn open_tick(cx: &Context) -> Opened {
    popups::tick(cx, &"switch".into(), "Support sees no tickets")
}

pub fn open_confirm(cx: &Context) -> Opened {
    popups::confirm(cx, &"observe.ask".into())
}

pub fn cases() -> Vec<Case> {
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
