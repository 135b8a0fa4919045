//! What keys do, pressed one after the other over a story.

use super::*;
use crate::ui::keymap::Keymap;
use crate::ui::selection::Selection;
use crate::ui::testing::{Story, driver};

fn press(view: &mut View, story: &Story, keys: &str) -> Effect {
    let keymap = Keymap::default();
    let operator = driver();
    let cx = Context {
        state: &story.state,
        telemetry: &story.telemetry,
        now: story.now,
        watched_ms: 0,
        keymap: &keymap,
        operator: Some(&operator),
        replay: None,
    };
    let mut effect = Effect::Nothing;
    for text in keys.split(' ') {
        let one: crate::ui::keymap::Key = text.parse().expect("a key");
        let modifiers = if one.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        effect = key(view, KeyEvent::new(one.code, modifiers), &cx);
    }
    effect
}

/// Presses keys over the recording of a story, at its event `seq`.
fn over(view: &mut View, story: &Story, seq: usize, keys: &str) -> Effect {
    let (Story { state, telemetry, now, .. }, replay) = story.replayed(seq, 0);
    let keymap = Keymap::replay();
    let (state, telemetry, replay) = (&state, &telemetry, Some(&replay));
    let cx =
        Context { state, telemetry, now, watched_ms: 0, keymap: &keymap, operator: state.driver(), replay };
    let mut effect = Effect::Nothing;
    for text in keys.split(' ') {
        let one: crate::ui::keymap::Key = text.parse().expect("a key");
        let modifiers = if one.shift { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
        effect = key(view, KeyEvent::new(one.code, modifiers), &cx);
    }
    effect
}

#[test]
fn over_a_recording_keys_move_the_playhead_and_none_acts() {
    let story = Story::go();
    let mut view = View::of_a_recording();
    use crate::replay::Way::{Back, Forward};
    for (keys, steer) in [
        ("space", Steer::Play),
        ("right", Steer::Event(Forward)),
        ("shift-left", Steer::Minute(Back)),
        ("}", Steer::Stage(Forward)),
        ("N", Steer::Failure(Back)),
        ("]", Steer::Mark(Forward)),
        ("7", Steer::Tenth(7)),
        ("j", Steer::Listed(1)),
        ("G", Steer::Last),
    ] {
        assert_eq!(over(&mut view, &story, 9, keys), Effect::Steer(steer), "{keys}");
    }
    let commands = ["a", "p", "P", "b", "r", "s", "x", "V", "v", "H", "c"];
    for seq in [2, 9, story.told.len()] {
        for keys in commands {
            let effect = over(&mut view, &story, seq, keys);
            let said = view.toast.take().map(|toast| toast.text);
            assert_eq!((effect, said.as_deref()), (Effect::Nothing, Some(popups::RECORDED)), "{keys}");
            assert!(view.popup.is_none(), "{keys}");
        }
        // Nor does looking at what a person was asked lead to an answer.
        for pane in Board::Replay.panes() {
            view.focus = *pane;
            assert_eq!(over(&mut view, &story, seq, "enter"), Effect::Nothing);
            let asks = over(&mut view, &story, seq, "y");
            assert!(!matches!(asks, Effect::Ask { .. } | Effect::Attach { .. }), "{pane:?}");
            view.popup = None;
        }
    }
    assert_eq!(over(&mut view, &story, 9, "q"), Effect::Leave);
}

#[test]
fn over_a_recording_what_is_typed_lists_and_finds_events_and_esc_takes_it_back() {
    let story = Story::go();
    let mut view = View::of_a_recording();
    assert_eq!(over(&mut view, &story, 9, "f o n : s w i t c h enter"), Effect::List);
    assert_eq!(view.filter.text, "on:switch");
    assert_eq!(over(&mut view, &story, 9, "e"), Effect::List);
    assert!(view.filter.errors_only && view.filter.text == "on:switch");
    assert_eq!(over(&mut view, &story, 9, "/ s o a k enter"), Effect::FindEvent(Way::Down));
    assert_eq!(over(&mut view, &story, 9, "N"), Effect::FindEvent(Way::Up));
    assert_eq!(over(&mut view, &story, 9, "esc"), Effect::Nothing);
    assert_eq!(over(&mut view, &story, 9, "n"), Effect::Steer(Steer::Failure(replay::Way::Forward)));
    assert_eq!(over(&mut view, &story, 9, "esc"), Effect::List);
    assert!(view.filter.is_all());
    view.focus = Pane::Output;
    assert_eq!(over(&mut view, &story, 9, "/ x enter"), Effect::Find(Way::Up));
    // Another panel has a search of its own, and without one `n` goes to the next failure.
    view.focus = Pane::Checks;
    assert_eq!(over(&mut view, &story, 9, "n"), Effect::Steer(Steer::Failure(replay::Way::Forward)));
    assert_eq!(over(&mut view, &story, 9, "/ r e a d y enter n"), Effect::Nothing);
    // The other look has a panel for what was in focus.
    view.focus = Pane::Detail;
    over(&mut view, &story, 9, "o");
    assert_eq!((view.board, view.focus), (Board::Cockpit, Pane::Audit));
    over(&mut view, &story, 9, "o");
    assert_eq!((view.board, view.focus), (Board::Replay, Pane::Events));
}

#[test]
fn a_pause_asks_nothing_and_no_key_toggles() {
    let mut story = Story::running();
    let mut view = View::default();
    let asked = Effect::Ask { command: Command::Pause, seen: story.state.seq };
    assert_eq!(press(&mut view, &story, "p"), asked);
    story.tell_by(crate::event::By::Person(driver()), crate::event::EventKind::Paused);
    assert_eq!(press(&mut view, &story, "p"), Effect::Nothing);
    assert_eq!(view.toast.expect("an answer").text, "paused already, by opsA: P resumes");
}

#[test]
fn what_cannot_be_done_now_says_why_in_one_line() {
    let story = Story::running();
    for keys in ["P", "V", "n", "ctrl-c"] {
        let mut view = View::default();
        assert_eq!(press(&mut view, &story, keys), Effect::Nothing);
        let said = view.toast.unwrap_or_else(|| panic!("{keys} says nothing")).text;
        assert!(!said.is_empty() && !said.contains('\n') && view.popup.is_none(), "{keys}: {said}");
    }
}

#[test]
fn leaving_is_asked_while_a_session_runs_and_not_after() {
    let mut view = View::default();
    assert_eq!(press(&mut view, &Story::running(), "q"), Effect::Nothing);
    assert!(view.popup.is_some());
    let mut lost = View::default();
    lost.lost = Some("gone".to_owned());
    assert_eq!(press(&mut lost, &Story::running(), "q"), Effect::Leave);
    let mut story = Story::running();
    assert_eq!(press(&mut View::default(), &story, "d"), Effect::Leave);
    let outcome = crate::event::Outcome::Aborted;
    story.tell(crate::event::EventKind::SessionClosed { outcome, reason: None });
    assert_eq!(press(&mut View::default(), &story, "q"), Effect::Leave);
}

#[test]
fn enter_opens_what_waits_for_a_person_first() {
    let mut story = Story::opened();
    story.enter("freeze");
    story.start("freeze.told");
    for focus in ["1", "3", "5"] {
        let mut view = View::default();
        press(&mut view, &story, &format!("{focus} enter"));
        let popup = format!("{:?}", view.popup.expect("the question"));
        assert!(popup.contains("freeze.told"), "{popup}");
    }
}

#[test]
fn a_search_is_typed_and_pasted_text_is_no_key() {
    let story = Story::running();
    let mut view = View::default();
    press(&mut view, &story, "5 / w a");
    paste(&mut view, "rn\nq");
    assert_eq!(press(&mut view, &story, "enter"), Effect::Find(Way::Up));
    assert_eq!(view.sift(Pane::Output).search.as_ref().expect("a search").words, "warn");
    assert_eq!(press(&mut view, &story, "N"), Effect::Find(Way::Up));
    press(&mut view, &story, "esc");
    assert!(view.sift(Pane::Output).is_none());
    paste(&mut view, "q");
    assert!(view.popup.is_none());
}

#[test]
fn each_list_is_searched_and_filtered_for_itself_and_esc_undoes_one_after_the_other() {
    let mut story = Story::running();
    story.turn("new-readyz", crate::event::Health::Failing, "status 503, expected 200");
    let mut view = View::default();
    let shown = |view: &View| {
        let shown = lists::shown(view.focus, view, &story.state, &story.telemetry).expect("a list");
        let at = shown.at.map(|at| shown.words[at].clone()).unwrap_or_default();
        (shown.words.len(), at)
    };
    let all = story.state.runbook.as_ref().expect("a runbook").checks.len();
    press(&mut view, &story, "2 f f a i l enter");
    let (kept, at) = shown(&view);
    assert!(kept == 1 && all > 1 && at.contains("new-readyz") && at.contains("503"), "{kept} of {all}: {at}");
    // What moves moves among what is kept, and another panel keeps all it has.
    press(&mut view, &story, "j j G");
    assert_eq!(shown(&view), (kept, at));
    press(&mut view, &story, "1");
    assert_eq!(shown(&view).0, story.state.stages.len());
    press(&mut view, &story, "2 esc");
    assert_eq!(shown(&view).0, all);

    // A search goes round the end, both ways, and its words may be gone before their filter is.
    press(&mut view, &story, "1 g g / e enter");
    let first = shown(&view).1;
    let mut seen = vec![first.clone()];
    loop {
        press(&mut view, &story, "n");
        let next = shown(&view).1;
        if next == first {
            break;
        }
        seen.push(next);
        assert!(seen.len() <= story.state.stages.len(), "it goes round: {seen:?}");
    }
    assert!(seen.len() > 1, "{seen:?}");
    press(&mut view, &story, "N");
    assert_eq!(Some(&shown(&view).1), seen.last());
    press(&mut view, &story, "f e enter esc");
    assert!(view.sift(Pane::Stages).search.is_none() && view.sift(Pane::Stages).filter.is_some());
    press(&mut view, &story, "esc");
    assert!(view.sift(Pane::Stages).is_none());
    press(&mut view, &story, "/ q q q enter");
    assert_eq!(view.toast.expect("an answer").text, "no row of Stages has \"qqq\"");
}

#[test]
fn a_search_that_stays_on_its_stage_leaves_the_chosen_step() {
    let story = Story::running();
    let mut view = View::default();
    press(&mut view, &story, "3 G");
    let (stage, chosen) = {
        let selection = Selection::of(&view, &story.state, &story.telemetry);
        (selection.stage.expect("a stage"), selection.step)
    };
    assert!(view.step.is_some(), "a step is chosen that is not in hand");
    let keys: Vec<String> = stage.as_str().chars().map(String::from).collect();
    press(&mut view, &story, &format!("1 / {} enter", keys.join(" ")));
    let selection = Selection::of(&view, &story.state, &story.telemetry);
    assert_eq!((selection.stage, selection.step), (Some(stage), chosen));
}

#[test]
fn a_note_that_is_not_written_keeps_its_words_and_says_why() {
    let story = Story::running();
    let mut view = View::default();
    let text: Vec<String> = "lag".chars().map(String::from).collect();
    let written = press(&mut view, &story, &format!("c {} tab right tab . / x enter", text.join(" ")));
    let Effect::Attach { command, path, .. } = written.clone() else { panic!("{written:?}") };
    assert!(view.popup.is_none());
    let keymap = Keymap::default();
    let operator = driver();
    let (state, telemetry) = (&story.state, &story.telemetry);
    let cx = Context {
        state,
        telemetry,
        now: story.now,
        watched_ms: 0,
        keymap: &keymap,
        operator: Some(&operator),
        replay: None,
    };
    let note = Unwritten { why: "./x is not there".into(), ..Unwritten::of(&command, Some(&path)).unwrap() };
    // While another dialog is open it waits, and says so.
    press(&mut view, &story, "q");
    unwritten(&mut view, note.clone(), &cx);
    let said = view.toast.as_ref().expect("it is said").text.clone();
    assert!(said.contains("c has its words still: ./x is not there"), "{said}");
    press(&mut view, &story, "esc c");
    assert!(format!("{:?}", view.popup).contains("not written: ./x is not there"));
    assert_eq!(press(&mut view, &story, "enter"), written);
    assert!(view.unwritten.is_empty());
    // With nothing in the way it opens by itself; what is thrown away is gone.
    unwritten(&mut view, note, &cx);
    assert!(view.popup.is_some());
    press(&mut view, &story, "esc c");
    assert!(!format!("{:?}", view.popup).contains("not written"));
}

#[test]
fn a_filter_that_keeps_nothing_leaves_nothing_to_act_on() {
    let story = Story::failed();
    let mut view = View::default();
    press(&mut view, &story, "3 r");
    assert!(view.popup.take().is_some(), "the failed step can be run again");
    press(&mut view, &story, "f n o w h e r e enter r");
    assert!(view.popup.is_none(), "a step that is not in sight is not acted on");
    assert!(view.toast.as_ref().is_some_and(|toast| toast.text.starts_with("no step is selected")));
    for pane in Board::Cockpit.panes().iter().filter(|pane| **pane != Pane::Output) {
        view.focus = *pane;
        press(&mut view, &story, "f n o w h e r e enter");
        press(&mut view, &story, "j k G g g enter");
        view.popup = None;
    }
}
