//! Up and down in whatever panel is in focus: what is selected moves, or what is read.

use crate::ui::lists;
use crate::ui::output::Anchor;
use crate::ui::popups::Context;
use crate::ui::selection::{Selection, row_in_hand, stage_in_hand};
use crate::ui::view::{Pane, View};

/// Where to.
#[derive(Clone, Copy)]
pub(super) enum Move {
    By(isize),
    Top,
    Bottom,
}

/// How many rows a page of the panel in focus has.
pub(super) fn page(view: &View) -> isize {
    match view.focus {
        Pane::Output => isize::try_from(view.output.page(view.rows(Pane::Output))).unwrap_or(1),
        pane => page_of(view, pane),
    }
}

/// How many rows a page of that panel has.
pub(super) fn page_of(view: &View, pane: Pane) -> isize {
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

/// Selects a row of the list in focus by its place; nothing where the panel is no list.
pub(super) fn select(view: &mut View, cx: &Context, row: usize) {
    let Some(shown) = lists::shown(view.focus, view, cx.state, cx.telemetry) else { return };
    let place = |row| isize::try_from(row).unwrap_or(isize::MAX);
    scroll(view, cx, Move::By(place(row) - place(shown.at.unwrap_or(0))));
}

/// Moves in the panel in focus.
pub(super) fn scroll(view: &mut View, cx: &Context, go: Move) {
    let selection = Selection::of(view, cx.state, cx.telemetry);
    let sift = view.sift(view.focus).clone();
    match view.focus {
        Pane::Stages => {
            let all: Vec<_> = lists::stages(cx.state, &sift).into_iter().cloned().collect();
            let chosen = moved(&all, selection.stage.as_ref(), go);
            if chosen != selection.stage {
                view.step = None;
                view.output.anchor = Anchor::Follow;
            }
            // Back on the stage in hand, the selection goes with it again.
            view.stage = chosen.filter(|stage| stage_in_hand(cx.state).as_ref() != Some(stage));
        }
        Pane::Steps => {
            let all = lists::steps(cx.state, selection.stage.as_ref(), &sift);
            let chosen = moved(&all, selection.step.as_ref(), go);
            if chosen != selection.step {
                view.output.anchor = Anchor::Follow;
            }
            view.step = chosen.filter(|row| row_in_hand(cx.state, &all).as_ref() != Some(row));
        }
        Pane::Checks => {
            let all: Vec<_> = lists::checks(cx.state, cx.telemetry, &sift).into_iter().cloned().collect();
            view.check = moved(&all, selection.check.as_ref(), go);
        }
        Pane::Processes => {
            let all = lists::processes(cx.state, cx.telemetry, &sift);
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
            let all: Vec<_> = lists::events(cx.state, &sift).into_iter().map(|event| event.seq).collect();
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
        Pane::WayBack => view.back = moved(&lists::back(cx.state, &sift), selection.back.as_ref(), go),
        Pane::Versus => {
            let all = lists::versus(cx.state, cx.telemetry, &sift);
            view.versus = moved(&all, selection.versus.as_ref(), go);
        }
        // Their rows are a recording's events, through which the playhead moves.
        Pane::Timeline | Pane::Events => {}
        Pane::Crew => {
            let crew = lists::people(cx.state, &sift).into_iter();
            let all: Vec<_> = crew.map(|operator| operator.person.person.clone()).collect();
            view.person = moved(&all, selection.person.as_ref(), go);
        }
    }
}
