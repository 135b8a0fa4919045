//! Keys and what they do: to the view here, to the cutover as an [`Effect`] that the loop carries out.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Group};
use super::crew;
use super::keymap::Pressed;
use super::output::Anchor;
use super::panels::{check_order, process_rows, step_rows};
use super::popups::{self, Context, Opened, Outcome, Subject};
use super::replay::{Filter, Steer};
use super::search::{Search, Way};
use super::selection::{Selection, row_in_hand, stage_in_hand};
use super::view::{Board, Pane, Searched, StepRow, Typed, Typing, View};
use crate::replay;
use crate::runbook::StepId;
use crate::runbook::model::Action as StepAction;
use crate::session::{Command, Refusal, StageStatus, State, StepStatus, TriggerState, second};

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
        return type_line(view, key);
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

/// Ends the search, else the filter.
fn escape(view: &mut View) -> Effect {
    if view.search.take().is_some() || view.filter.is_all() {
        return Effect::Nothing;
    }
    view.filter = Filter::default();
    Effect::List
}

/// Takes pasted text: it is never a key.
pub fn paste(view: &mut View, text: &str) {
    if let Some(popup) = &mut view.popup {
        popup.paste(text);
    } else if let Some(typing) = &mut view.typing {
        typing.text.extend(text.lines().next().unwrap_or_default().chars().take(200));
    }
}

fn type_line(view: &mut View, key: KeyEvent) -> Effect {
    let Some(typing) = &mut view.typing else { return Effect::Nothing };
    match key.code {
        KeyCode::Esc | KeyCode::Enter => {
            let typed = view.typing.take().filter(|_| key.code == KeyCode::Enter);
            return ended(view, typed);
        }
        KeyCode::Backspace => {
            typing.text.pop();
        }
        KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => typing.text.push(c),
        _ => {}
    }
    Effect::Nothing
}

/// What follows on a line that was typed, or left.
fn ended(view: &mut View, typed: Option<Typing>) -> Effect {
    match typed {
        None => escape(view),
        Some(Typing { text, what: Typed::Filter }) => {
            view.filter = view.filter.typed(&text);
            Effect::List
        }
        Some(Typing { text, what: Typed::Search(place) }) => {
            view.search = Search::new(&text);
            view.searched = place;
            match place {
                _ if view.search.is_none() => Effect::Nothing,
                Searched::Events => Effect::FindEvent(Way::Down),
                // From the end of a log that is followed, what was is above.
                Searched::Output if view.output.unseen().is_none() => Effect::Find(Way::Up),
                Searched::Output => Effect::Find(Way::Down),
            }
        }
    }
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
    match action {
        Action::Pause => return pause(view, cx),
        Action::Detach => return Effect::Leave,
        Action::Quit if cx.state.is_closed() || view.lost.is_some() => return Effect::Leave,
        Action::Focus(pane) => view.focus = pane,
        Action::NextPane => view.focus = view.board.step(view.focus, 1),
        Action::PreviousPane => view.focus = view.board.step(view.focus, view.board.panes().len() - 1),
        Action::Zoom => view.zoom = !view.zoom,
        Action::Search => {
            view.focus = Pane::Output;
            view.typing = Some(Typing { text: String::new(), what: Typed::Search(Searched::Output) });
        }
        Action::SearchNext if view.search.is_some() => return Effect::Find(Way::Down),
        Action::SearchPrevious if view.search.is_some() => return Effect::Find(Way::Up),
        Action::SearchNext | Action::SearchPrevious => {
            view.refuse(format!("{} searches first", cx.keymap.key(Action::Search)));
        }
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
            let search = if on { Way::Down } else { Way::Up };
            Some(match (&view.search, view.searched) {
                (None, _) => Effect::Steer(Steer::Failure(way(on))),
                (Some(_), Searched::Events) => Effect::FindEvent(search),
                (Some(_), Searched::Output) => Effect::Find(search),
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
        Action::Filter => {
            let text = view.filter.text.clone();
            view.typing = Some(Typing { text, what: Typed::Filter });
            Some(Effect::Nothing)
        }
        Action::Search if view.focus != Pane::Output => {
            let what = Typed::Search(Searched::Events);
            view.typing = Some(Typing { text: String::new(), what });
            Some(Effect::Nothing)
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
        _ if matches!(view.focus, Pane::Timeline | Pane::Events) => listed(view, action),
        _ => None,
    }
}

/// What moves in a list moves the playhead where the list is that of the events.
fn listed(view: &View, action: Action) -> Option<Effect> {
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

/// Opens what an action opens, or says why there is nothing to open.
///
/// # Errors
/// The refusal, in words that an operator reads.
pub fn open(view: &View, action: Action, cx: &Context) -> Opened {
    let selection = Selection::of(view, cx.state, cx.telemetry);
    let on_step = |opens: fn(&Context, &StepId) -> Opened| match selection.step_id() {
        Some(step) => opens(cx, step),
        None => {
            Err(Refusal::new(format!("no step is selected: choose one in panel {}", Pane::Steps.number())))
        }
    };
    match action {
        Action::Advance if cx.state.needs_acknowledgement() => popups::acknowledge(cx),
        Action::Advance => popups::advance(cx),
        Action::Resume => popups::resume(cx),
        Action::RollBack => popups::rollback(cx),
        Action::Retry => on_step(popups::retry),
        Action::Skip => on_step(popups::skip),
        Action::Kill => on_step(popups::kill),
        Action::Veto => match armed(cx.state) {
            Some(trigger) => popups::veto(cx, trigger),
            None => Err(Refusal::new("no trigger is counting down")),
        },
        Action::Vote => popups::vote(cx),
        Action::Wheel => popups::wheel(cx),
        Action::Note => popups::note(cx),
        Action::Help => popups::help(cx),
        Action::Quit => popups::quit(cx),
        Action::Open => open_selected(view, &selection, cx),
        other => Err(Refusal::new(format!("{other} opens nothing"))),
    }
}

fn armed(state: &State) -> Option<&crate::runbook::TriggerId> {
    let armed = state.triggers.iter().filter_map(|(id, trigger)| match trigger {
        TriggerState::Armed { fires_at, .. } => Some((fires_at, id)),
        _ => None,
    });
    armed.min().map(|(_, id)| id)
}

fn open_selected(view: &View, selection: &Selection, cx: &Context) -> Opened {
    let nothing = || Err(Refusal::new("nothing is selected"));
    match view.focus {
        Pane::Stages => open_stage(selection, cx),
        Pane::Steps => match &selection.step {
            Some(StepRow::Step(step)) => open_step(step, cx),
            Some(StepRow::Item(stage, _) | StepRow::Votes(stage)) if cx.replay.is_some() => {
                popups::detail(cx, &Subject::Stage(stage.clone()))
            }
            Some(StepRow::Item(stage, item)) => popups::tick(cx, stage, item),
            Some(StepRow::Votes(_)) => popups::vote(cx),
            None => nothing(),
        },
        Pane::Checks => match &selection.check {
            Some(check) => popups::detail(cx, &Subject::Check(check.clone())),
            None => nothing(),
        },
        Pane::Processes => match &selection.process {
            Some((check, _)) => popups::detail(cx, &Subject::Check(check.clone())),
            None => nothing(),
        },
        Pane::Output => match selection.output(cx.state) {
            Some(source) => open_step(&source.step, cx),
            None => nothing(),
        },
        Pane::Audit => match selection.event.or(cx.state.recent.back().map(|event| event.seq)) {
            Some(seq) => popups::detail(cx, &Subject::Event(seq)),
            None => nothing(),
        },
        Pane::Timeline | Pane::Events | Pane::Detail => match cx.replay {
            Some(replay) if replay.seq > 0 => popups::detail(cx, &Subject::Event(replay.seq)),
            _ => nothing(),
        },
        Pane::Crew => match &selection.person {
            Some(person) => popups::detail(cx, &Subject::Person(person.clone())),
            None => nothing(),
        },
    }
}

/// What the stage in hand asks of people, the most pressing first; else the stage's detail.
fn open_stage(selection: &Selection, cx: &Context) -> Opened {
    let Some(stage) = &selection.stage else { return Err(Refusal::new("there is no stage yet")) };
    if cx.replay.is_some() {
        return popups::detail(cx, &Subject::Stage(stage.clone()));
    }
    if cx.state.needs_acknowledgement() {
        return popups::acknowledge(cx);
    }
    if view_is_on_hand(stage, cx.state) {
        if second::standing(cx.state).is_some() {
            return popups::vote(cx);
        }
        if let Some(step) = cx.state.questions().first() {
            return open_step(step, cx);
        }
        let seen = cx.state.stages.get(stage);
        let items = cx.state.stage_plan(stage).map(|plan| plan.gate.accept.as_slice()).unwrap_or_default();
        let left = |item: &&String| seen.is_some_and(|seen| !seen.ticks.contains_key(*item));
        let at_gate = seen.is_some_and(|seen| seen.status == StageStatus::AtGate);
        if let Some(item) = items.iter().find(left).filter(|_| at_gate) {
            return popups::tick(cx, stage, item);
        }
        if at_gate && cx.operator.is_some_and(|me| crew::wants_vote(cx.state, stage, me)) {
            return popups::vote(cx);
        }
    }
    popups::detail(cx, &Subject::Stage(stage.clone()))
}

fn view_is_on_hand(stage: &crate::runbook::StageId, state: &State) -> bool {
    state.active_rollback().is_some() || stage_in_hand(state).as_ref() == Some(stage)
}

fn open_step(step: &StepId, cx: &Context) -> Opened {
    let asks = cx.state.step_plan(step).is_some_and(|plan| matches!(plan.action, StepAction::Confirm { .. }));
    match cx.state.step(step).status {
        _ if cx.replay.is_some() => popups::detail(cx, &Subject::Step(step.clone())),
        StepStatus::Unknown => popups::resolve(cx, step),
        StepStatus::Waiting if asks => popups::confirm(cx, step),
        _ => popups::detail(cx, &Subject::Step(step.clone())),
    }
}

#[derive(Clone, Copy)]
enum Move {
    By(isize),
    Top,
    Bottom,
}

fn page(view: &View) -> isize {
    page_of(view, view.focus)
}

fn page_of(view: &View, pane: Pane) -> isize {
    let rows = view.rows(pane);
    isize::try_from(rows.saturating_sub(1).max(1)).unwrap_or(1)
}

/// The element that lies `go` from the selected one; at most the first or the last.
fn moved<T: Clone + PartialEq>(all: &[T], selected: Option<&T>, go: Move) -> Option<T> {
    let last = all.len().checked_sub(1)?;
    let at = selected.and_then(|one| all.iter().position(|other| other == one)).unwrap_or(0);
    let to = match go {
        Move::By(by) => at.saturating_add_signed(by).min(last),
        Move::Top => 0,
        Move::Bottom => last,
    };
    all.get(to).cloned()
}

fn scroll(view: &mut View, cx: &Context, go: Move) {
    let selection = Selection::of(view, cx.state, cx.telemetry);
    match view.focus {
        Pane::Stages => {
            let all: Vec<_> = cx.state.stages.keys().cloned().collect();
            let chosen = moved(&all, selection.stage.as_ref(), go);
            if chosen != selection.stage {
                view.step = None;
                view.output.anchor = Anchor::Follow;
            }
            // Back on the stage in hand, the selection goes with it again.
            view.stage = chosen.filter(|stage| stage_in_hand(cx.state).as_ref() != Some(stage));
        }
        Pane::Steps => {
            let all = step_rows(cx.state, selection.stage.as_ref());
            let chosen = moved(&all, selection.step.as_ref(), go);
            if chosen != selection.step {
                view.output.anchor = Anchor::Follow;
            }
            view.step = chosen.filter(|row| row_in_hand(cx.state, &all).as_ref() != Some(row));
        }
        Pane::Checks => {
            let all: Vec<_> = check_order(cx.state).into_iter().cloned().collect();
            view.check = moved(&all, selection.check.as_ref(), go);
        }
        Pane::Processes => {
            let all = process_rows(cx.state, cx.telemetry);
            view.process = moved(&all, selection.process.as_ref(), go);
        }
        Pane::Output => {
            let rows = view.rows(Pane::Output);
            match go {
                Move::By(by) => view.output.scroll(by, rows),
                Move::Top => view.output.anchor_at(0),
                Move::Bottom => view.output.anchor = Anchor::Follow,
            }
        }
        Pane::Audit => {
            let all: Vec<_> = cx.state.recent.iter().map(|event| event.seq).collect();
            let newest = all.last().copied();
            let chosen = moved(&all, selection.event.or(newest).as_ref(), go);
            view.event = chosen.filter(|seq| Some(*seq) != newest);
        }
        Pane::Detail => {
            view.detail_top = match go {
                Move::By(by) => view.detail_top.saturating_add_signed(by),
                Move::Top => 0,
                Move::Bottom => usize::MAX,
            };
        }
        // Their rows are a recording's events, through which the playhead moves.
        Pane::Timeline | Pane::Events => {}
        Pane::Crew => {
            let crew = crew::order(cx.state).into_iter();
            let all: Vec<_> = crew.map(|operator| operator.person.person.clone()).collect();
            view.person = moved(&all, selection.person.as_ref(), go);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::Keymap;
    use crate::ui::testing::{Story, driver};

    fn press(view: &mut View, story: &Story, keys: &str) -> Effect {
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
        let cx = Context { state, telemetry, now, keymap: &keymap, operator: state.driver(), replay };
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
        press(&mut view, &story, "/ w a");
        paste(&mut view, "rn\nq");
        assert_eq!(press(&mut view, &story, "enter"), Effect::Find(Way::Up));
        assert_eq!(view.search.as_ref().expect("a search").words, "warn");
        assert_eq!(press(&mut view, &story, "N"), Effect::Find(Way::Up));
        press(&mut view, &story, "esc");
        assert!(view.search.is_none());
        paste(&mut view, "q");
        assert!(view.popup.is_none());
    }
}
