//! Where everything is on the screen, for any size: named rectangles, some of them empty. No size is refused.

use ratatui::layout::Rect;

use super::view::{Board, Pane, STACK, View};

/// From how many columns on there are three columns of panels.
const THIRD_COLUMN: u16 = 180;
/// From how many rows for its panels on a narrower screen has a third row of them.
const THIRD_ROW: u16 = 36;

/// How much fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// All panels.
    Wide,
    /// Tabs, one panel, a little output.
    Tabs,
    /// Header, banner and one panel without a box.
    Small,
    /// A line or two.
    Tiny,
}

impl Size {
    /// What fits into `area`.
    #[must_use]
    pub fn of(area: Rect) -> Self {
        match (area.width, area.height) {
            (120.., 30..) => Self::Wide,
            (72.., 20..) => Self::Tabs,
            (36.., 6..) => Self::Small,
            _ => Self::Tiny,
        }
    }
}

/// Named parts of the screen. What is not shown is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub size: Size,
    pub header: Rect,
    pub banner: Rect,
    pub tabs: Rect,
    /// One line of the newest event, where the audit panel is not shown.
    pub news: Rect,
    pub hints: Rect,
    /// The panels of the stack lie on top of each other.
    pub stacked: bool,
    panes: [Rect; Pane::ALL.len()],
}

impl Layout {
    /// Divides `area` as the view has it: with zoom the panel in focus gets all that the panels would.
    #[must_use]
    pub fn of(area: Rect, view: &View) -> Self {
        let size = Size::of(area);
        let none = Rect { width: 0, height: 0, ..area };
        let (header, banner, tabs, news, hints) = (none, none, none, none, none);
        let panes = [none; Pane::ALL.len()];
        let mut layout = Self { size, header, banner, tabs, news, hints, stacked: false, panes };
        layout.divide(area, view);
        layout
    }

    fn divide(&mut self, mut rest: Rect, view: &View) {
        let replay = view.board == Board::Replay;
        match self.size {
            Size::Wide => {
                self.header = take_top(&mut rest, 2);
                self.banner = take_top(&mut rest, 1);
                self.hints = take_bottom(&mut rest, 1);
                if view.zoom {
                    self.set(view.focus, rest);
                } else if replay {
                    self.replay_panels(rest, view.focus);
                } else {
                    let focused = Some(view.focus).filter(|pane| STACK.contains(pane));
                    self.panels(rest, focused.or(view.stacked));
                }
            }
            Size::Tabs => {
                self.header = take_top(&mut rest, 2);
                self.banner = take_top(&mut rest, 1);
                self.tabs = take_top(&mut rest, 1);
                self.hints = take_bottom(&mut rest, 1);
                self.news = take_bottom(&mut rest, 1);
                if replay && view.focus != Pane::Timeline && !view.zoom {
                    self.set(Pane::Timeline, take_top(&mut rest, 3));
                }
                if view.focus != Pane::Output && !view.zoom {
                    self.set(Pane::Output, take_bottom(&mut rest, 5));
                }
                self.set(view.focus, rest);
            }
            Size::Small => {
                // Until when the way back is open is worth a line of a list, where there are ten.
                let header = if replay || rest.height >= 14 { 2 } else { 1 };
                self.header = take_top(&mut rest, header);
                self.banner = take_top(&mut rest, 1);
                self.hints = take_bottom(&mut rest, 1);
                // A list of two rows does, where the log's newest number would else be missing.
                let news = u16::from(rest.height > 2);
                self.news = take_bottom(&mut rest, news);
                if replay && view.focus != Pane::Timeline && !view.zoom && rest.height > 6 {
                    self.set(Pane::Timeline, take_top(&mut rest, 2));
                }
                self.set(view.focus, rest);
            }
            Size::Tiny => {
                self.banner = take_top(&mut rest, 1);
                self.news = take_top(&mut rest, 1);
                self.header = take_top(&mut rest, 1);
                self.set(Pane::Stages, rest);
            }
        }
    }

    /// Where a panel is.
    #[must_use]
    pub fn pane(&self, pane: Pane) -> Rect {
        self.panes[pane as usize]
    }

    /// Whether a panel has a box round it.
    #[must_use]
    pub fn boxed(&self, pane: Pane) -> bool {
        // On a narrow screen the timeline is a strip over the panel in focus.
        let strip = pane == Pane::Timeline && self.pane(pane).height < 5;
        matches!(self.size, Size::Wide | Size::Tabs) && !strip
    }

    /// How many rows of content a panel shows.
    #[must_use]
    pub fn rows(&self, pane: Pane) -> u16 {
        let border = if self.boxed(pane) { 2 } else { 0 };
        self.pane(pane).height.saturating_sub(border)
    }

    /// How many columns of content a panel shows.
    #[must_use]
    pub fn cols(&self, pane: Pane) -> u16 {
        let border = if self.boxed(pane) { 2 } else { 0 };
        self.pane(pane).width.saturating_sub(border)
    }

    fn set(&mut self, pane: Pane, area: Rect) {
        self.panes[pane as usize] = area;
    }

    fn panels(&mut self, mut rest: Rect, stacked: Option<Pane>) {
        let last = 4 + rest.height.saturating_sub(24) / 8;
        let last = take_bottom(&mut rest, last);
        // The log has the longer lines.
        let crew = (last.width * 5 / 12).min(64);
        let audit = Rect { width: last.width - crew, ..last };
        self.set(Pane::Audit, audit);
        self.set(Pane::Crew, Rect { x: audit.right(), width: crew, ..last });
        let whole = rest.height;
        if rest.width >= THIRD_COLUMN {
            let upper = thirds(take_top(&mut rest, whole * 43 / 100));
            let middle = thirds(take_top(&mut rest, whole * 30 / 100));
            self.row([Pane::Stages, Pane::Checks, Pane::WayBack], upper);
            self.row([Pane::Steps, Pane::Processes, Pane::Versus], middle);
        } else if whole >= THIRD_ROW {
            self.row([Pane::Stages, Pane::Checks], halves(take_top(&mut rest, whole * 34 / 100)));
            self.row([Pane::Steps, Pane::Processes], halves(take_top(&mut rest, whole * 24 / 100)));
            self.row([Pane::WayBack, Pane::Versus], halves(take_top(&mut rest, whole * 22 / 100)));
        } else {
            self.stacked = true;
            let on_top = stacked.unwrap_or(Pane::Processes);
            self.row([Pane::Stages, Pane::Checks], halves(take_top(&mut rest, whole * 43 / 100)));
            self.row([Pane::Steps, on_top], halves(take_top(&mut rest, whole * 30 / 100)));
        }
        self.set(Pane::Output, rest);
    }

    /// The panels of a replay: one that has no place of its own takes a neighbour's while it is in focus.
    fn replay_panels(&mut self, mut rest: Rect, focus: Pane) {
        let timeline = if rest.height < 30 { 7 } else { 8 };
        self.set(Pane::Timeline, take_top(&mut rest, timeline));
        let output = 4 + rest.height.saturating_sub(18) / 5;
        let output = take_bottom(&mut rest, output);
        let left = if focus == Pane::Steps { Pane::Steps } else { Pane::Stages };
        let right = if matches!(focus, Pane::Processes | Pane::Versus) { focus } else { Pane::Checks };
        let detail = if matches!(focus, Pane::Crew | Pane::WayBack) { focus } else { Pane::Detail };
        let upper = rest.height * 45 / 100;
        self.row([left, right], halves(take_top(&mut rest, upper)));
        self.row([Pane::Events, detail], halves(rest));
        self.set(Pane::Output, output);
    }

    fn row<const N: usize>(&mut self, panes: [Pane; N], areas: [Rect; N]) {
        panes.into_iter().zip(areas).for_each(|(pane, area)| self.set(pane, area));
    }
}

fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    taken
}

fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.y + rest.height, height, ..*rest }
}

fn halves(area: Rect) -> [Rect; 2] {
    let left = Rect { width: area.width / 2, ..area };
    [left, Rect { x: area.x + left.width, width: area.width - left.width, ..area }]
}

fn thirds(area: Rect) -> [Rect; 3] {
    let left = Rect { width: area.width / 3, ..area };
    let [middle, right] = halves(Rect { x: area.x + left.width, width: area.width - left.width, ..area });
    [left, middle, right]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looking(board: Board, focus: Pane, zoom: bool) -> View {
        let mut view = View::default();
        (view.board, view.focus, view.zoom) = (board, focus, zoom);
        view
    }

    #[test]
    fn nothing_lies_outside_the_screen_or_over_something_else() {
        for (width, height) in (1..=250).flat_map(|width| (1..=80).map(move |height| (width, height))) {
            let area = Rect::new(0, 0, width, height);
            for board in [Board::Cockpit, Board::Replay] {
                for (focus, zoom) in
                    [Pane::Stages, Pane::Output, Pane::Crew].into_iter().zip([false, true, false])
                {
                    let view = looking(board, focus, zoom);
                    let l = Layout::of(area, &view);
                    let parts = [l.header, l.banner, l.tabs, l.news, l.hints];
                    let parts: Vec<Rect> = parts.into_iter().chain(l.panes).collect();
                    let covered: u32 = parts.iter().map(|r| r.area()).sum();
                    assert_eq!(covered, area.area(), "{width}x{height} {board:?} {focus:?} {zoom}");
                    assert!(parts.iter().all(|r| area.intersection(*r).area() == r.area()));
                }
            }
        }
    }

    #[test]
    fn every_panel_of_a_board_is_on_the_screen_once_it_has_the_focus() {
        for (width, height) in [(120, 36), (120, 30), (80, 24), (60, 15)] {
            for board in [Board::Cockpit, Board::Replay] {
                for focus in board.panes() {
                    let view = looking(board, *focus, false);
                    let layout = Layout::of(Rect::new(0, 0, width, height), &view);
                    assert!(layout.rows(*focus) > 1, "{width}x{height} {board:?} {focus:?}");
                }
            }
        }
    }

    #[test]
    fn the_sizes_that_are_promised() {
        let size = |width, height| Size::of(Rect::new(0, 0, width, height));
        assert_eq!(size(120, 36), Size::Wide);
        assert_eq!(size(120, 30), Size::Wide);
        assert_eq!(size(80, 24), Size::Tabs);
        assert_eq!(size(60, 15), Size::Small);
        assert_eq!(size(20, 3), Size::Tiny);
    }
}
