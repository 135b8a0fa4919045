//! The screen in every state, at every size, with hostile text, with and without colour.

mod colourless;
mod hostile;
mod pictures;
mod situations;
mod sizes;

use chrono::{FixedOffset, Offset, Utc};
use ratatui::buffer::{Buffer, Cell};

use super::*;
use crate::event::EventKind;
use crate::feed::OutputPiece;
use crate::ui::keymap::Keymap;
use crate::ui::replay::Replay;
use crate::ui::selection::Selection;
use crate::ui::testing::{Story, driver};
use crate::ui::update;

mod sifted;
mod zoomed;

const OUTPUT: &str = "SELECT count(*) -> 18 442 rows (expected >= 18 000)  ok\n\
    WARN replica orders-db-3 lag 6.9s, retry 7/10 in 10s\n\
    checking read path on 3 replicas\n";

fn draw(story: &Story, view: &mut View, theme: &Theme, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
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
    view.arrange(area, &story.state, &story.telemetry);
    let mut buf = Buffer::empty(area);
    Screen { cx, view, zone: Utc.fix(), theme }.render(area, &mut buf);
    buf
}

/// The recording of a story, at a moment of it.
fn draw_replay(at: &(Story, Replay), view: &mut View, theme: &Theme, width: u16, height: u16) -> Buffer {
    let (Story { state, telemetry, now, .. }, replay) = at;
    let area = Rect::new(0, 0, width, height);
    let keymap = Keymap::replay();
    let cx = Context {
        state,
        telemetry,
        now: *now,
        watched_ms: 0,
        keymap: &keymap,
        operator: state.driver(),
        replay: Some(replay),
    };
    view.arrange(area, state, telemetry);
    let mut buf = Buffer::empty(area);
    Screen { cx, view, zone: Utc.fix(), theme }.render(area, &mut buf);
    buf
}

fn text(buf: &Buffer) -> String {
    let rows = buf.content().chunks(buf.area.width.into());
    let rows = rows.map(|row| row.iter().map(Cell::symbol).collect::<String>());
    rows.map(|row| row.trim_end().to_owned() + "\n").collect()
}

/// A view that has read `output` of the step in hand.
fn looking(story: &mut Story, step: &str, output: &str) -> View {
    story.printed(step, output.len() as u64);
    let mut view = View::default();
    view.arrange(Rect::new(0, 0, 120, 36), &story.state, &story.telemetry);
    let source = view.output.source.clone().expect("a step has run");
    let piece = OutputPiece {
        offset: 0,
        bytes: output.as_bytes().to_vec(),
        total: output.len() as u64,
        stderr: vec![(56, 109)],
    };
    view.output.take(&source, piece);
    view
}

#[test]
fn a_panel_of_the_stack_stays_on_top_until_another_is_wanted() {
    let story = Story::compared();
    let mut view = View::default();
    let theme = Theme::dark();
    let seen = |view: &mut View, focus| {
        view.focus = focus;
        text(&draw(&story, view, &theme, 120, 36))
    };
    assert!(seen(&mut view, Pane::WayBack).contains("8 Way back"));
    let stays = seen(&mut view, Pane::Stages);
    assert!(stays.contains("last start") && stays.contains("4 Procs  9 Old|new ✗1"), "{stays}");
    assert!(seen(&mut view, Pane::Processes).contains("8 Back  9 Old|new ✗1"));
}

#[test]
fn the_header_says_when_it_is_too_late_and_when_nothing_is_known() {
    let second = |story: &Story, width| {
        let screen = text(&draw(story, &mut View::default(), &Theme::dark(), width, 36));
        screen.lines().nth(1).unwrap_or_default().to_owned()
    };
    let mut story = Story::compared();
    assert!(second(&story, 120).contains("LAST SAFE ROLLBACK START 02:44Z "), "{}", second(&story, 120));
    story.wait(43 * 60 + 30);
    assert!(second(&story, 120).contains("TOO LATE TO BE BACK BY 02:45Z"), "{}", second(&story, 120));
    assert!(second(&story, 80).contains("TOO LATE: 02:45Z"), "{}", second(&story, 80));
    story.wait(3_600);
    assert!(second(&story, 80).contains("CLOSED 02:45Z"), "{}", second(&story, 80));
    let mut untimed = Story::compared();
    let mut runbook = (**untimed.state.runbook.as_ref().expect("it has one")).clone();
    runbook.stages.iter_mut().flat_map(|stage| &mut stage.rollback).for_each(|step| step.estimate = None);
    untimed.state.runbook = Some(runbook.into());
    let line = second(&untimed, 120);
    assert!(line.contains("time unknown") && line.contains("before 02:45Z"), "{line}");
}

#[test]
fn a_rollback_counts_down_where_until_then_stood_when_one_could_begin() {
    let mut story = Story::eventful();
    story.start("switch.weights-back");
    story.wait(12);
    for (width, height) in [(60, 15), (80, 24), (120, 36), (200, 60)] {
        let screen = text(&draw(&story, &mut View::default(), &Theme::dark(), width, height));
        assert!(screen.contains("0/2") && screen.contains("0:28 left as written"), "{screen}");
        assert!(!screen.contains("LAST SAFE"), "{screen}");
    }
}

#[test]
fn how_long_a_stage_has_taken_goes_on_while_the_machine_restarts() {
    let started = |boot: &str| {
        let (boot_id, version, recovered) = (boot.to_owned(), "0.1.0".to_owned(), Vec::new());
        EventKind::EngineStarted { boot_id, version, pid: 4711, recovered }
    };
    let mut story = Story::opened();
    story.tell(started("first"));
    story.enter("freeze");
    story.wait(3_600);
    story.now.up_ms = 5_000;
    story.tell(started("second"));
    story.wait(30);
    let screen = text(&draw(&story, &mut View::default(), &Theme::dark(), 120, 36));
    let line = screen.lines().find(|line| line.contains(">  1 Freeze")).unwrap_or_default();
    assert!(line.contains(" 1:00:30"), "{screen}");
}

#[test]
fn the_cockpit_as_it_was_differs_from_the_live_one_in_its_badge_and_its_hints_alone() {
    for mut story in [Story::running(), Story::failed(), Story::no_go(), Story::crewed(), Story::eventful()] {
        // The replay is as of the last event, and has what was sampled by then.
        let later_ms = story.now.up_ms - story.state.last.expect("an event").up_ms;
        let at = story.replayed(story.told.len(), later_ms);
        for (width, height) in [(60, 15), (80, 24), (120, 36), (200, 60)] {
            let mut view = looking(&mut story, "switch.verify", OUTPUT);
            let live = text(&draw(&story, &mut view, &Theme::dark(), width, height));
            view.board = Board::Cockpit;
            let mut at = (at.0.clone(), at.1.clone());
            at.0.telemetry = story.telemetry.clone();
            let then = text(&draw_replay(&at, &mut view, &Theme::dark(), width, height));
            let lines = live.lines().zip(then.lines()).enumerate();
            let last = usize::from(height) - 1;
            for (row, (live, then)) in lines.filter(|(row, _)| *row > 0 && *row < last) {
                assert_eq!(live, then, "row {row} at {width}x{height}");
            }
            assert!(then.lines().next().is_some_and(|header| header.contains("REPLAY")), "{then}");
        }
    }
}

#[test]
fn keys_move_the_focus_and_the_selection_by_name() {
    let mut story = Story::running();
    let mut view = View::default();
    let keymap = Keymap::default();
    let operator = driver();
    let press = |view: &mut View, story: &Story, keys: &str| {
        for key in keys.split(' ') {
            let key: crate::ui::keymap::Key = key.parse().unwrap();
            let cx = Context {
                state: &story.state,
                telemetry: &story.telemetry,
                now: story.now,
                watched_ms: 0,
                keymap: &keymap,
                operator: Some(&operator),
                replay: None,
            };
            update::key(view, crossterm::event::KeyEvent::from(key.code), &cx);
        }
    };
    press(&mut view, &story, "3 j");
    let selected = Selection::of(&view, &story.state, &story.telemetry).step;
    assert_eq!(selected, Some(crate::ui::view::StepRow::Step("switch.weights".into())));
    story.start("switch.weights");
    assert_eq!(Selection::of(&view, &story.state, &story.telemetry).step, selected);
    press(&mut view, &story, "1 k z");
    assert_eq!(Selection::of(&view, &story.state, &story.telemetry).stage, Some("freeze".into()));
    assert!(view.zoom && view.step.is_none());
    press(&mut view, &story, "j");
    assert_eq!(view.stage, None, "back on the stage in hand, the selection follows it");
    press(&mut view, &story, "P esc n");
    assert!(view.toast.is_some() && view.popup.is_none());
}

#[test]
fn the_clock_of_the_operator_stands_beside_utc() {
    let mut view = View::default();
    let story = Story::running();
    let keymap = Keymap::default();
    let (state, telemetry, now) = (&story.state, &story.telemetry, story.now);
    let cx = Context::shown(state, telemetry, now, &keymap);
    let area = Rect::new(0, 0, 120, 36);
    let zone = FixedOffset::east_opt(3_600).unwrap();
    view.arrange(area, state, telemetry);
    let mut buf = Buffer::empty(area);
    Screen { cx, view: &view, zone, theme: &Theme::dark() }.render(area, &mut buf);
    assert!(text(&buf).contains("02:01:03Z  (03:01 +01:00)"), "{}", text(&buf));
}

#[test]
fn output_that_is_read_stays_while_the_cutover_goes_on() {
    let mut story = Story::running();
    let lines: String = (0..100).map(|n| format!("line {n}\n")).collect();
    let mut view = looking(&mut story, "switch.verify", &lines);
    view.focus = Pane::Output;
    view.output.scroll(-50, 6);
    story.finish("switch.verify", true, "seen");
    story.start("switch.weights");
    let screen = text(&draw(&story, &mut view, &Theme::dark(), 120, 36));
    assert!(screen.contains("5 Output switch.verify") && screen.contains("| line 44 "), "{screen}");
    assert!(screen.contains("PAUSED 0 new"), "{screen}");
    view.output.scroll(1_000, 6);
    let screen = text(&draw(&story, &mut view, &Theme::dark(), 120, 36));
    assert!(screen.contains("5 Output switch.weights") && screen.contains("FOLLOW"), "{screen}");
}
