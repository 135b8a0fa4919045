//! Keys and what they do: to the view here, to the cutover as an [`Effect`] that the loop carries out.

mod mouse;
mod open;
mod scroll;
#[cfg(test)]
mod tests;

pub use mouse::{heeds, mouse};
pub use open::open;
use scroll::{Move, page, page_of, scroll, select};

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Group};
use super::copy::Extent;
use super::keymap::Pressed;
use super::lists;
use super::popups::{self, Context, Opened, Outcome, Subject, Unwritten};
use super::replay::{Filter, Steer};
use super::search::{Search, Way};
use super::view::{Board, Pane, Typed, Typing, View};
use crate::replay;
use crate::session::{Command, Refusal};

/// What is left to do after a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Nothing,
    /// Ask the engine; `seen` is the event up to which the operator had seen the session.
    Ask {
        command: Command,
        seen: u64,
    },
    /// Ask the engine; the file at `path` goes along.
    Attach {
        command: Command,
        path: PathBuf,
        seen: u64,
    },
    /// Search in the output, from what is on the screen.
    Find(Way),
    /// Search in a recording's events, from the playhead.
    FindEvent(Way),
    /// Move a recording's playhead.
    Steer(Steer),
    /// Copy from the panel in focus.
    Copy(Extent),
    /// Take the next theme.
    NextTheme,
    /// Take the mouse, or give it back to the terminal.
    Mouse,
    /// List a recording's events as the view's filter says.
    List,
    Leave,
}

/// Takes a key press.
pub fn key(view: &mut View, key: KeyEvent, cx: &Context) -> Effect {
    view.toast = None;
    if let Some(mut popup) = view.popup.take() {
        let outcome = popup.key(key, cx);
        return match outcome {
            Outcome::Stay => {
                view.popup = Some(popup);
                Effect::Nothing
            }
            Outcome::Close => Effect::Nothing,
            Outcome::Ask { command, seen } => Effect::Ask { command, seen },
            Outcome::Attach { command, path, seen } => Effect::Attach { command, path, seen },
            Outcome::Run(action) => act(view, action, cx),
            Outcome::Show(subject) => {
                show(view, popups::detail(cx, &subject));
                Effect::Nothing
            }
            Outcome::Leave => Effect::Leave,
        };
    }
    if view.typing.is_some() {
        return type_line(view, key, cx);
    }
    match cx.keymap.press(&mut view.keys, key.into()) {
        Pressed::Action(action) => act(view, action, cx),
        Pressed::Nothing if key.modifiers.contains(KeyModifiers::CONTROL) => {
            let help = cx.keymap.key(Action::Help);
            let detach = cx.keymap.key(Action::Detach);
            view.refuse(format!("nothing acts on ctrl here: {detach} leaves, {help} shows every key"));
            Effect::Nothing
        }
        Pressed::Nothing if key.code == KeyCode::Esc => escape(view),
        Pressed::More | Pressed::Nothing => Effect::Nothing,
    }
}

/// Ends the search in the panel in focus, else its filter.
fn escape(view: &mut View) -> Effect {
    let pane = view.sifted();
    let sift = view.sift_mut(pane);
    if sift.search.take().is_some() || sift.filter.take().is_some() {
        return Effect::Nothing;
    }
    if pane == Pane::Events && !view.filter.is_all() {
        view.filter = Filter::default();
        return Effect::List;
    }
    Effect::Nothing
}

/// Takes pasted text: it is never a key.
pub fn paste(view: &mut View, text: &str) {
    if let Some(popup) = &mut view.popup {
        popup.paste(text);
    } else if let Some(typing) = &mut view.typing {
        typing.text.extend(text.lines().next().unwrap_or_default().chars().take(200));
    }
}

fn type_line(view: &mut View, key: KeyEvent, cx: &Context) -> Effect {
    let Some(typing) = &mut view.typing else { return Effect::Nothing };
    match key.code {
        KeyCode::Esc => return left(view),
        KeyCode::Enter => {
            let typed = view.typing.take();
            return typed.map_or(Effect::Nothing, |typed| ended(view, typed, cx));
        }
        KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => typing.text.clear(),
        KeyCode::Backspace => {
            typing.text.pop();
        }
        KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => typing.text.push(c),
        _ => {}
    }
    Effect::Nothing
}

/// A line that was left: what it was for is given up, and nothing else.
fn left(view: &mut View) -> Effect {
    match view.typing.take().map(|typing| typing.what) {
        Some(Typed::Filter(Pane::Events)) => {
            view.filter = Filter::default();
            return Effect::List;
        }
        Some(Typed::Filter(pane)) => view.sift_mut(pane).filter = None,
        Some(Typed::Search(pane)) => view.sift_mut(pane).search = None,
        None => {}
    }
    Effect::Nothing
}

/// What follows on a line that was typed.
fn ended(view: &mut View, typed: Typing, cx: &Context) -> Effect {
    match typed {
        Typing { text, what: Typed::Filter(Pane::Events) } => {
            view.filter = view.filter.typed(&text);
            Effect::List
        }
        Typing { text, what: Typed::Filter(pane) } => {
            view.sift_mut(pane).filter = Search::new(&text);
            Effect::Nothing
        }
        Typing { text, what: Typed::Search(pane) } => {
            let search = Search::new(&text);
            let nothing = search.is_none();
            view.sift_mut(pane).search = search;
            match pane {
                _ if nothing => Effect::Nothing,
                Pane::Events => Effect::FindEvent(Way::Down),
                // From the end of a log that is followed, what was is above.
                Pane::Output if view.output.unseen().is_none() => Effect::Find(Way::Up),
                Pane::Output => Effect::Find(Way::Down),
                _ => find_row(view, cx, Found::First),
            }
        }
    }
}

/// Which of the rows that were found is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The selected one, else the next.
    First,
    Next(Way),
}

/// Selects a row of the list in focus that has the words of its search; round the end.
fn find_row(view: &mut View, cx: &Context, which: Found) -> Effect {
    let pane = view.sifted();
    let shown = lists::shown(pane, view, cx.state, cx.telemetry).unwrap_or_default();
    let Some(search) = &view.sift(pane).search else { return Effect::Nothing };
    let (rows, at) = (shown.words.len(), shown.at.unwrap_or(0));
    let mut order = (0..rows).map(|by| match which {
        Found::First => (at + by) % rows,
        Found::Next(Way::Down) => (at + 1 + by) % rows,
        Found::Next(Way::Up) => (at + 2 * rows - 1 - by) % rows,
    });
    match order.find(|row| search.is_in(&shown.words[*row])) {
        Some(row) => select(view, cx, row),
        None => {
            let words = crate::text::safe(&search.words).into_owned();
            view.refuse(format!("no row of {} has \"{words}\"", pane.title()));
        }
    }
    Effect::Nothing
}

fn act(view: &mut View, action: Action, cx: &Context) -> Effect {
    if cx.replay.is_some() {
        if action.group() == Group::Cutover && action != Action::Open {
            view.refuse(popups::RECORDED);
            return Effect::Nothing;
        }
        if let Some(effect) = over_a_recording(view, action, cx) {
            return effect;
        }
    }
    if let Some(why) = &view.lost
        && !cx.state.is_closed()
        && action.group() == Group::Cutover
        && action != Action::Open
    {
        view.refuse(why.clone());
        return Effect::Nothing;
    }
    match action {
        action if action.needs_recording() && cx.replay.is_none() => view.refuse(popups::NOT_RECORDED),
        Action::Pause => return pause(view, cx),
        Action::Detach if view.tied && !cx.state.is_closed() && view.lost.is_none() => {
            show(view, open(view, Action::Quit, cx));
        }
        Action::Detach => return Effect::Leave,
        Action::Quit if cx.state.is_closed() || view.lost.is_some() => return Effect::Leave,
        Action::Focus(pane) => view.focus = view.board.like(pane),
        Action::NextPane => view.focus = view.board.step(view.focus, 1),
        Action::PreviousPane => view.focus = view.board.step(view.focus, view.board.panes().len() - 1),
        Action::Copy => return Effect::Copy(Extent::Row),
        Action::CopyPanel => return Effect::Copy(Extent::Panel),
        Action::Zoom => view.zoom = !view.zoom,
        Action::Wrap => view.wrap = !view.wrap,
        Action::Theme => return Effect::NextTheme,
        Action::Mouse => return Effect::Mouse,
        Action::Search => {
            view.typing = Some(Typing { text: String::new(), what: Typed::Search(view.sifted()) });
        }
        Action::Filter => {
            let pane = view.sifted();
            let filter = view.sift(pane).filter.as_ref();
            let text = filter.map_or_else(String::new, |filter| filter.words.clone());
            let text = if pane == Pane::Events { view.filter.text.clone() } else { text };
            view.typing = Some(Typing { text, what: Typed::Filter(pane) });
        }
        Action::Note if !view.unwritten.is_empty() => write_again(view, cx),
        Action::SearchNext => return find(view, cx, Way::Down),
        Action::SearchPrevious => return find(view, cx, Way::Up),
        Action::Left => view.left = view.left.saturating_sub(8),
        Action::Right => view.left = (view.left + 8).min(16_000),
        Action::Up => scroll(view, cx, Move::By(-1)),
        Action::Down => scroll(view, cx, Move::By(1)),
        Action::PageUp => scroll(view, cx, Move::By(-page(view))),
        Action::PageDown => scroll(view, cx, Move::By(page(view))),
        Action::Top => scroll(view, cx, Move::Top),
        Action::Bottom => scroll(view, cx, Move::Bottom),
        _ => show(view, open(view, action, cx)),
    }
    Effect::Nothing
}

/// To the next place of what is searched for in the panel in focus.
fn find(view: &mut View, cx: &Context, way: Way) -> Effect {
    let pane = view.sifted();
    if view.sift(pane).search.is_none() {
        view.refuse(format!("{} searches first", cx.keymap.key(Action::Search)));
        return Effect::Nothing;
    }
    match pane {
        Pane::Output => Effect::Find(way),
        Pane::Events => Effect::FindEvent(way),
        _ => find_row(view, cx, Found::Next(way)),
    }
}

/// What an action does to a recording; `None` where it does what it does live.
fn over_a_recording(view: &mut View, action: Action, cx: &Context) -> Option<Effect> {
    let steer = |steer| Some(Effect::Steer(steer));
    let way = |on| if on { replay::Way::Forward } else { replay::Way::Back };
    match action {
        Action::Play => steer(Steer::Play),
        Action::NextEvent | Action::PreviousEvent => steer(Steer::Event(way(action == Action::NextEvent))),
        Action::MinuteOn | Action::MinuteBack => steer(Steer::Minute(way(action == Action::MinuteOn))),
        Action::NextStage | Action::PreviousStage => steer(Steer::Stage(way(action == Action::NextStage))),
        Action::NextMark | Action::PreviousMark => steer(Steer::Mark(way(action == Action::NextMark))),
        Action::NextFailure | Action::PreviousFailure => {
            let on = action == Action::NextFailure;
            Some(match view.sift(view.sifted()).search {
                None => Effect::Steer(Steer::Failure(way(on))),
                Some(_) => find(view, cx, if on { Way::Down } else { Way::Up }),
            })
        }
        Action::Faster => steer(Steer::Faster),
        Action::Slower => steer(Steer::Slower),
        Action::SkipIdle => steer(Steer::SkipIdle),
        Action::Tenth(tenth) => steer(Steer::Tenth(tenth)),
        Action::ErrorsOnly => {
            view.filter.errors_only = !view.filter.errors_only;
            Some(Effect::List)
        }
        Action::AsItWas => {
            view.board = match view.board {
                Board::Replay => Board::Cockpit,
                Board::Cockpit => Board::Replay,
            };
            view.focus = view.board.like(view.focus);
            Some(Effect::Nothing)
        }
        Action::WhatIf => {
            if cx.replay.is_some_and(|replay| replay.what_if.is_some()) {
                show(view, popups::detail(cx, &Subject::WhatIf));
            } else {
                view.refuse("there is no what-if: start with `gonogo replay SESSION --what-if RUNBOOK`");
            }
            Some(Effect::Nothing)
        }
        // There is nothing to ask about: a recording goes on by itself, or not at all.
        Action::Quit => Some(Effect::Leave),
        _ => listed(view, action),
    }
}

/// What moves in a list moves the playhead where the list is that of the events.
fn listed(view: &View, action: Action) -> Option<Effect> {
    if view.board != Board::Replay || !matches!(view.focus, Pane::Timeline | Pane::Events) {
        return None;
    }
    let page = page_of(view, Pane::Events);
    let steer = match action {
        Action::Up => Steer::Listed(-1),
        Action::Down => Steer::Listed(1),
        Action::PageUp => Steer::Listed(-page),
        Action::PageDown => Steer::Listed(page),
        Action::Top => Steer::First,
        Action::Bottom => Steer::Last,
        _ => return None,
    };
    Some(Effect::Steer(steer))
}

/// Lays a popup over the screen, or says why there is none.
fn show(view: &mut View, opened: Opened) {
    match opened {
        Ok(popup) => view.popup = Some(popup),
        Err(Refusal(why)) => view.refuse(why),
    }
}

/// Takes back a note that was not written: its dialog opens again with all that was typed, at once, or where something
/// else has the keys, with the key for a note.
pub fn unwritten(view: &mut View, note: Unwritten, cx: &Context) {
    let busy = view.popup.is_some() || view.typing.is_some();
    if busy {
        let key = cx.keymap.key(Action::Note);
        view.refuse(format!("a note was not written, {key} has its words still: {}", note.why));
    }
    view.unwritten.push(note);
    if !busy {
        write_again(view, cx);
    }
}

fn write_again(view: &mut View, cx: &Context) {
    let Some(note) = view.unwritten.last() else { return };
    match popups::note_again(cx, note) {
        Ok(popup) => {
            view.popup = Some(popup);
            view.unwritten.pop();
        }
        Err(Refusal(why)) => view.refuse(why),
    }
}

fn pause(view: &mut View, cx: &Context) -> Effect {
    if cx.operator.is_none() {
        view.refuse(popups::RECORDED);
    } else if let Some(pause) = &cx.state.paused {
        let resume = cx.keymap.key(Action::Resume);
        view.refuse(format!("paused already, by {}: {resume} resumes", pause.by));
    } else {
        return Effect::Ask { command: Command::Pause, seen: cx.state.seq };
    }
    Effect::Nothing
}
