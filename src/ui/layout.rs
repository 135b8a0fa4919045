//! Where everything is on the screen, for any size: named rectangles, some of them empty. No size is refused.

use ratatui::layout::Rect;

use super::view::Pane;

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
    pub stages: Rect,
    pub checks: Rect,
    pub steps: Rect,
    pub processes: Rect,
    pub output: Rect,
    pub audit: Rect,
    pub crew: Rect,
    /// One line of the newest event, where the audit panel is not shown.
    pub news: Rect,
    pub hints: Rect,
}

impl Layout {
    /// Divides `area`; with `zoom` the panel in focus gets all that the panels would.
    #[must_use]
    pub fn of(area: Rect, focus: Pane, zoom: bool) -> Self {
        let size = Size::of(area);
        let mut layout = Self { size, ..Self::empty(area) };
        let mut rest = area;
        match size {
            Size::Wide => {
                layout.header = take_top(&mut rest, 2);
                layout.banner = take_top(&mut rest, 1);
                layout.hints = take_bottom(&mut rest, 1);
                if zoom {
                    *layout.pane_mut(focus) = rest;
                } else {
                    layout.panels(rest);
                }
            }
            Size::Tabs => {
                layout.header = take_top(&mut rest, 2);
                layout.banner = take_top(&mut rest, 1);
                layout.tabs = take_top(&mut rest, 1);
                layout.hints = take_bottom(&mut rest, 1);
                layout.news = take_bottom(&mut rest, 1);
                if focus != Pane::Output && !zoom {
                    layout.output = take_bottom(&mut rest, 5);
                }
                *layout.pane_mut(focus) = rest;
            }
            Size::Small => {
                layout.header = take_top(&mut rest, 1);
                layout.banner = take_top(&mut rest, 1);
                layout.hints = take_bottom(&mut rest, 1);
                let news = u16::from(rest.height > 4);
                layout.news = take_bottom(&mut rest, news);
                *layout.pane_mut(focus) = rest;
            }
            Size::Tiny => {
                layout.banner = take_top(&mut rest, 1);
                layout.news = take_top(&mut rest, 1);
                layout.header = take_top(&mut rest, 1);
                layout.stages = rest;
            }
        }
        layout
    }

    /// Where a panel is.
    #[must_use]
    pub fn pane(&self, pane: Pane) -> Rect {
        match pane {
            Pane::Stages => self.stages,
            Pane::Checks => self.checks,
            Pane::Steps => self.steps,
            Pane::Processes => self.processes,
            Pane::Output => self.output,
            Pane::Audit => self.audit,
            Pane::Crew => self.crew,
        }
    }

    /// How many rows of content a panel shows.
    #[must_use]
    pub fn rows(&self, pane: Pane) -> u16 {
        let border = if matches!(self.size, Size::Wide | Size::Tabs) { 2 } else { 0 };
        self.pane(pane).height.saturating_sub(border)
    }

    fn empty(area: Rect) -> Self {
        let none = Rect { width: 0, height: 0, ..area };
        Self {
            size: Size::Tiny,
            header: none,
            banner: none,
            tabs: none,
            stages: none,
            checks: none,
            steps: none,
            processes: none,
            output: none,
            audit: none,
            crew: none,
            news: none,
            hints: none,
        }
    }

    fn pane_mut(&mut self, pane: Pane) -> &mut Rect {
        match pane {
            Pane::Stages => &mut self.stages,
            Pane::Checks => &mut self.checks,
            Pane::Steps => &mut self.steps,
            Pane::Processes => &mut self.processes,
            Pane::Output => &mut self.output,
            Pane::Audit => &mut self.audit,
            Pane::Crew => &mut self.crew,
        }
    }

    fn panels(&mut self, mut rest: Rect) {
        let last = 4 + rest.height.saturating_sub(24) / 8;
        let last = take_bottom(&mut rest, last);
        // The log has the longer lines.
        let crew = (last.width * 5 / 12).min(64);
        self.audit = Rect { width: last.width - crew, ..last };
        self.crew = Rect { x: self.audit.right(), width: crew, ..last };
        let upper = rest.height * 43 / 100;
        let middle = rest.height * 30 / 100;
        (self.stages, self.checks) = halves(take_top(&mut rest, upper));
        (self.steps, self.processes) = halves(take_top(&mut rest, middle));
        self.output = rest;
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

fn halves(area: Rect) -> (Rect, Rect) {
    let left = Rect { width: area.width / 2, ..area };
    (left, Rect { x: area.x + left.width, width: area.width - left.width, ..area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lies_outside_the_screen_or_over_something_else() {
        for width in 1..=250 {
            for height in 1..=80 {
                for focus in [Pane::Stages, Pane::Output, Pane::Crew] {
                    for zoom in [false, true] {
                        let area = Rect::new(0, 0, width, height);
                        let l = Layout::of(area, focus, zoom);
                        let parts = [
                            l.header,
                            l.banner,
                            l.tabs,
                            l.stages,
                            l.checks,
                            l.steps,
                            l.processes,
                            l.output,
                            l.audit,
                            l.crew,
                            l.news,
                            l.hints,
                        ];
                        let covered: u32 = parts.iter().map(|r| r.area()).sum();
                        assert_eq!(covered, area.area(), "{width}x{height} {focus:?} {zoom}");
                        assert!(parts.iter().all(|r| area.intersection(*r).area() == r.area()));
                    }
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
