//! Clicks and the wheel on every place of a screen.

use chrono::{FixedOffset, Offset as _, Utc};
use crossterm::event::KeyModifiers;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget as _;

use super::*;
use crate::ui::keymap::Keymap;
use crate::ui::layout::Layout;
use crate::ui::screen::Screen;
use crate::ui::testing::{Story, driver};
use crate::ui::theme::Theme;

const KINDS: [MouseEventKind; 3] =
    [MouseEventKind::Down(MouseButton::Left), MouseEventKind::ScrollUp, MouseEventKind::ScrollDown];

/// A screen of a story, and what a click there leads to.
struct Desk {
    story: Story,
    view: View,
    area: Rect,
}

impl Desk {
    fn new(story: Story, width: u16, height: u16) -> Self {
        let mut desk = Self { story, view: View::default(), area: Rect::new(0, 0, width, height) };
        desk.arrange();
        desk
    }

    fn arrange(&mut self) {
        self.view.arrange(self.area, &self.story.state, &self.story.telemetry);
    }

    fn drawn(&self) -> Vec<String> {
        let (keymap, operator, theme) = (Keymap::default(), driver(), Theme::dark());
        let screen =
            Screen { cx: self.cx(&keymap, &operator), view: &self.view, zone: zone(), theme: &theme };
        let mut buf = Buffer::empty(self.area);
        screen.render(self.area, &mut buf);
        let line = |row: Rect| row.columns().map(|cell| buf[(cell.x, cell.y)].symbol().to_owned()).collect();
        self.area.rows().map(line).collect()
    }

    fn cx<'a>(&'a self, keymap: &'a Keymap, operator: &'a crate::event::Person) -> Context<'a> {
        let (state, telemetry) = (&self.story.state, &self.story.telemetry);
        Context {
            state,
            telemetry,
            now: self.story.now,
            watched_ms: 0,
            keymap,
            operator: Some(operator),
            replay: None,
        }
    }

    fn at(&mut self, kind: MouseEventKind, column: u16, row: u16) -> Effect {
        let (keymap, operator, theme) = (Keymap::default(), driver(), Theme::dark());
        let mut view = std::mem::take(&mut self.view);
        let cx = self.cx(&keymap, &operator);
        let target =
            Screen { cx, view: &view, zone: zone(), theme: &theme }.at(self.area, Position::new(column, row));
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        let effect = mouse(&mut view, event, target, &cx);
        self.view = view;
        self.arrange();
        effect
    }

    /// Clicks on the first place where `text` is drawn.
    fn click(&mut self, text: &str) -> Effect {
        let lines = self.drawn();
        let found = lines.iter().enumerate().find_map(|(y, line)| {
            Some((line.split(text).next()?.chars().count(), y)).filter(|_| line.contains(text))
        });
        let (x, y) = found.unwrap_or_else(|| panic!("no `{text}` in\n{}", lines.join("\n")));
        let [x, y] = [x, y].map(|at| u16::try_from(at).unwrap());
        self.at(MouseEventKind::Down(MouseButton::Left), x, y)
    }
}

fn zone() -> FixedOffset {
    Utc.fix()
}

#[test]
fn no_click_and_no_wheel_anywhere_asks_the_engine_for_anything() {
    for (width, height) in [(120, 36), (80, 24), (60, 15), (20, 4)] {
        let mut desk = Desk::new(Story::go(), width, height);
        for (column, row) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            for kind in KINDS {
                let effect = desk.at(kind, column, row);
                let harmless = matches!(effect, Effect::Nothing | Effect::NextTheme);
                assert!(harmless, "{kind:?} at {column}:{row} leads to {effect:?}");
                // A dialog that a hint opened takes clicks everywhere, and does nothing of it.
                if desk.view.popup.is_some() {
                    for place in (0..width).step_by(3).flat_map(|x| (0..height).map(move |y| (x, y))) {
                        assert_eq!(desk.at(kind, place.0, place.1), Effect::Nothing);
                    }
                    desk.view = View::default();
                    desk.arrange();
                }
            }
        }
    }
}

#[test]
fn a_click_takes_the_panel_or_the_tab_or_does_what_the_hint_says() {
    let mut wide = Desk::new(Story::go(), 120, 36);
    wide.click("2 Checks");
    assert_eq!(wide.view.focus, Pane::Checks);
    assert_eq!(wide.click("d detach"), Effect::Nothing);
    assert!(wide.view.popup.take().is_some(), "it asks");
    wide.click("? help");
    assert!(wide.view.popup.is_some());

    let mut narrow = Desk::new(Story::go(), 80, 24);
    narrow.click("6 Audit");
    assert_eq!(narrow.view.focus, Pane::Audit);
    assert_eq!(narrow.click("p pause"), Effect::Nothing);
    let said = narrow.view.toast.as_ref().map(|toast| toast.text.as_str());
    assert_eq!(said, Some("a click never acts on the cutover: p pauses"));
}

#[test]
fn the_wheel_scrolls_what_lies_under_it() {
    let mut desk = Desk::new(Story::go(), 120, 36);
    let before = desk.view.selection().check.clone();
    desk.at(MouseEventKind::ScrollDown, 100, 8);
    assert_eq!(desk.view.focus, Pane::Checks);
    assert_ne!(desk.view.selection().check, before);
}

#[test]
fn a_click_on_a_row_selects_it_wherever_its_list_stands() {
    for (width, height, zoom) in [(120, 36, false), (80, 24, false), (80, 24, true), (60, 15, false)] {
        let mut desk = Desk::new(Story::go(), width, height);
        for pane in [Pane::Stages, Pane::Checks, Pane::Steps, Pane::Audit, Pane::WayBack] {
            (desk.view.focus, desk.view.zoom) = (pane, zoom);
            desk.arrange();
            let lists = |desk: &Desk| {
                let Story { state, telemetry, .. } = &desk.story;
                crate::ui::lists::shown(pane, &desk.view, state, telemetry).expect("a list")
            };
            // The line that was clicked has words of the row that is selected then.
            let words = lists(&desk).words;
            let mut clicked = 0;
            let area = Layout::of(desk.area, &desk.view).pane(pane);
            for y in area.rows().map(|row| row.y) {
                let line = desk.drawn()[usize::from(y)].clone();
                let before: String = line.chars().skip(area.x.into()).take(area.width.into()).collect();
                let effect = desk.at(MouseEventKind::Down(MouseButton::Left), area.x + 8, y);
                assert_eq!((effect, desk.view.focus), (Effect::Nothing, pane));
                let at = lists(&desk).at.expect("one is selected");
                let name = words[at].split("  ").find(|word| word.len() > 3 && before.contains(word));
                clicked += usize::from(name.is_some());
            }
            assert!(clicked >= words.len().min(3), "{pane:?} at {width}x{height}: {clicked} of {words:?}");
        }
    }
    let mut desk = Desk::new(Story::go(), 120, 36);
    desk.click("new-readyz");
    let selected = desk.view.selection().check.as_ref().map(|id| id.to_string());
    assert_eq!((desk.view.focus, selected.as_deref()), (Pane::Checks, Some("new-readyz")));
    // A click beside the rows takes the panel and leaves what is selected.
    desk.click("1 Stages");
    desk.click("2 Checks");
    let selected = desk.view.selection().check.as_ref().map(|id| id.to_string());
    assert_eq!((desk.view.focus, selected.as_deref()), (Pane::Checks, Some("new-readyz")));
}

#[test]
fn a_click_on_an_event_of_a_recording_takes_the_playhead_there() {
    let story = Story::go();
    let (Story { state, telemetry, now, .. }, replay) = story.replayed(9, 0);
    let (keymap, mut view) = (Keymap::replay(), View::of_a_recording());
    let cx = Context {
        state: &state,
        telemetry: &telemetry,
        now,
        watched_ms: 0,
        keymap: &keymap,
        operator: None,
        replay: Some(&replay),
    };
    let event = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 0,
        row: 0,
        modifiers: KeyModifiers::NONE,
    };
    let seq = replay.list.events[2].seq;
    let effect = mouse(&mut view, event, Some(Target::Row(Pane::Events, 2)), &cx);
    assert_eq!(effect, Effect::Steer(Steer::To(seq)));
}
