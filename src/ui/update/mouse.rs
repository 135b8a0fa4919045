//! The mouse: a click takes a panel and selects the row that it lies on, takes a tab, or does what a hint says; the wheel
//! scrolls what lies under it. It never acts on a cutover: a hint of the cutover opens its dialog, and dialogs take keys
//! alone.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::scroll::{Move, scroll, select};
use super::{Effect, act, listed};
use crate::ui::action::Action;
use crate::ui::popups::Context;
use crate::ui::replay::Steer;
use crate::ui::screen::Target;
use crate::ui::view::{Pane, View};

/// How many lines of text a notch of the wheel goes.
const NOTCH: isize = 3;

/// Whether this may change anything; moving about does not.
#[must_use]
pub fn heeds(event: MouseEvent) -> bool {
    use MouseEventKind::{Down, ScrollDown, ScrollUp};
    matches!(event.kind, Down(MouseButton::Left) | ScrollUp | ScrollDown)
}

/// Takes a click or a turn of the wheel on `target`, which is what lies there on the screen.
pub fn mouse(view: &mut View, event: MouseEvent, target: Option<Target>, cx: &Context) -> Effect {
    let by = match event.kind {
        MouseEventKind::ScrollUp => -1,
        MouseEventKind::ScrollDown => 1,
        _ => 0,
    };
    if let Some(popup) = &mut view.popup {
        popup.wheel(by * NOTCH, cx);
        return Effect::Nothing;
    }
    if view.typing.is_some() {
        // The line is for the panel that it began in.
        return Effect::Nothing;
    }
    match target {
        Some(Target::Pane(pane) | Target::Row(pane, _)) if by != 0 => turn(view, pane, by, cx),
        Some(Target::Row(Pane::Events, row)) => {
            view.focus = Pane::Events;
            let event = cx.replay.and_then(|replay| replay.list.events.get(row));
            event.map_or(Effect::Nothing, |event| Effect::Steer(Steer::To(event.seq)))
        }
        Some(Target::Row(pane, row)) => {
            view.focus = pane;
            select(view, cx, row);
            Effect::Nothing
        }
        Some(Target::Pane(pane) | Target::Tab(pane)) if by == 0 => {
            view.focus = pane;
            Effect::Nothing
        }
        Some(Target::Hint(Action::Pause)) if by == 0 => {
            let key = cx.keymap.key(Action::Pause);
            view.refuse(format!("a click never acts on the cutover: {key} pauses"));
            Effect::Nothing
        }
        Some(Target::Hint(action)) if by == 0 => {
            view.toast = None;
            // A stray click takes nobody out of a cutover unasked.
            act(view, if action == Action::Detach { Action::Quit } else { action }, cx)
        }
        _ => Effect::Nothing,
    }
}

fn turn(view: &mut View, pane: Pane, by: isize, cx: &Context) -> Effect {
    view.focus = pane;
    let text = matches!(pane, Pane::Output | Pane::Detail);
    let to = if by < 0 { Action::Up } else { Action::Down };
    if let Some(effect) = listed(view, to) {
        return effect;
    }
    scroll(view, cx, Move::By(if text { by * NOTCH } else { by }));
    Effect::Nothing
}

#[cfg(test)]
mod tests;
