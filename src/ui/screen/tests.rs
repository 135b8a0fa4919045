//! The screen in every state, at every size, with hostile text, with and without colour.

mod colourless;
mod hostile;
mod situations;
mod sizes;

use chrono::{FixedOffset, Offset, Utc};
use ratatui::buffer::{Buffer, Cell};

use super::*;
use crate::event::{By, EventKind};
use crate::feed::OutputPiece;
use crate::session::telemetry::{Measure, Presence};
use crate::ui::keymap::Keymap;
use crate::ui::replay::Replay;
use crate::ui::selection::Selection;
use crate::ui::testing::{Story, driver};
use crate::ui::update;

mod sifted;

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

fn shown(story: &mut Story, width: u16, height: u16) -> String {
    let mut view = looking(story, "switch.verify", OUTPUT);
    text(&draw(story, &mut view, &Theme::dark(), width, height))
}

#[test]
fn a_running_cutover_at_every_promised_size() {
    for (width, height) in [(60, 15), (80, 24), (120, 36), (200, 60)] {
        let screen = shown(&mut Story::running(), width, height);
        insta::assert_snapshot!(format!("running_{width}x{height}"), screen);
    }
}

#[test]
fn a_failed_step_says_why_in_one_line() {
    for (width, height) in [(60, 15), (80, 24), (120, 36)] {
        let screen = shown(&mut Story::failed(), width, height);
        insta::assert_snapshot!(format!("failed_{width}x{height}"), screen);
    }
}

#[test]
fn go_and_no_go_differ_in_words_and_in_colour() {
    for (name, mut story) in [("go", Story::go()), ("no_go", Story::no_go())] {
        for (width, height) in [(80, 24), (120, 36)] {
            let mut view = looking(&mut story, "switch.weights", "done\n");
            let buf = draw(&story, &mut view, &Theme::dark(), width, height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), text(&buf));
            // The banner with its styles.
            let banner: Vec<_> = (0..width).map(|x| buf[(x, 2)].clone()).collect();
            let mut line = Buffer::empty(Rect::new(0, 0, width, 1));
            line.content = banner;
            insta::assert_snapshot!(format!("{name}_banner_{width}x{height}"), format!("{line:?}"));
        }
    }
}

#[test]
fn the_way_back_and_old_beside_new_at_every_promised_size() {
    for (width, height) in [(60, 15), (80, 24), (120, 36), (120, 50), (200, 60)] {
        for (name, pane) in [("way_back", Pane::WayBack), ("old_new", Pane::Versus)] {
            let mut story = Story::compared();
            let mut view = looking(&mut story, "switch.verify", OUTPUT);
            view.focus = pane;
            let screen = text(&draw(&story, &mut view, &Theme::dark(), width, height));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen);
            let ascii = text(&draw(&story, &mut view, &Theme::mono().with_ascii(), width, height));
            assert!(ascii.is_ascii(), "{ascii}");
        }
    }
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
fn a_cutover_driven_in_pairs_says_who_is_here_and_who_is_waited_for() {
    for (width, height) in [(60, 15), (80, 24), (120, 36), (200, 60)] {
        let mut story = Story::crewed();
        let mut view = looking(&mut story, "switch.weights", "done\n");
        view.focus = Pane::Crew;
        let present = |person: &str, ago, connections| {
            let active_up_ms = story.now.up_ms - ago;
            Presence { person: person.to_owned(), active_up_ms, connections }
        };
        let presence = vec![present("opsA", 3_000, 1), present("opB", 720_000, 2)];
        story.telemetry.record(Measure::Presence(presence));
        let buf = draw(&story, &mut view, &Theme::dark(), width, height);
        insta::assert_snapshot!(format!("crewed_{width}x{height}"), text(&buf));
        story.tell_by(By::Person(driver()), EventKind::WheelOffered { to: "opB".to_owned() });
        story.driver_leaves();
        let buf = draw(&story, &mut view, &Theme::dark(), width, height);
        insta::assert_snapshot!(format!("driver_away_{width}x{height}"), text(&buf));
        if (width, height) == (120, 36) {
            insta::assert_debug_snapshot!("driver_away_styles", buf);
        }
    }
}

#[test]
fn without_colour_and_in_ascii_every_state_is_still_told() {
    for (name, mut story) in [("no_go", Story::no_go()), ("failed", Story::failed())] {
        let mut view = looking(&mut story, "switch.verify", OUTPUT);
        let mono = draw(&story, &mut view, &Theme::mono(), 120, 36);
        let dark = draw(&story, &mut view, &Theme::dark(), 120, 36);
        assert_eq!(text(&mono), text(&dark));
        let coloured =
            |cell: &&Cell| cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset;
        assert_eq!(mono.content().iter().filter(coloured).count(), 0);
        let ascii = text(&draw(&story, &mut view, &Theme::mono().with_ascii(), 120, 36));
        assert!(ascii.is_ascii(), "{ascii}");
        insta::assert_snapshot!(format!("{name}_ascii_120x36"), ascii);
    }
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
        insta::assert_snapshot!(format!("going_back_{width}x{height}"), screen);
    }
}

/// The number of the event that `is` picks.
fn seq_of(story: &Story, is: impl Fn(&EventKind) -> bool) -> usize {
    1 + story.told.iter().position(|(event, _)| is(&event.event)).expect("it happened")
}

#[test]
fn a_recording_at_every_promised_size() {
    let story = Story::eventful();
    let decided = seq_of(&story, |kind| matches!(kind, EventKind::NoteAdded { .. }));
    let at = story.replayed(decided, 500);
    for (width, height) in [(60, 15), (80, 24), (120, 36), (200, 60)] {
        let screen = text(&draw_replay(&at, &mut View::of_a_recording(), &Theme::dark(), width, height));
        insta::assert_snapshot!(format!("replay_{width}x{height}"), screen);
    }
    let theme = Theme::mono().with_ascii();
    let ascii = text(&draw_replay(&at, &mut View::of_a_recording(), &theme, 120, 36));
    assert!(ascii.is_ascii(), "{ascii}");
    insta::assert_snapshot!("replay_ascii_120x36", ascii);
    let mut zoomed = View::of_a_recording();
    zoomed.zoom = true;
    let zoomed = text(&draw_replay(&at, &mut zoomed, &Theme::dark(), 120, 36));
    insta::assert_snapshot!("replay_timeline_120x36", zoomed);
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
    let cx = Context { state, telemetry, now, keymap: &keymap, operator: None, replay: None };
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
    assert!(screen.contains("PAUSED"), "{screen}");
    view.output.scroll(1_000, 6);
    let screen = text(&draw(&story, &mut view, &Theme::dark(), 120, 36));
    assert!(screen.contains("5 Output switch.weights") && screen.contains("FOLLOW"), "{screen}");
}
