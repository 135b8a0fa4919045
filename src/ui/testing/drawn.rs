//! Scenes to draw: a moment of a cutover and how it is looked at, as a buffer, as text, and as a picture: the text with
//! what its styles mean.

use std::fmt::Write as _;

use chrono::{Offset as _, Utc};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::widgets::Widget as _;

use super::{Story, driver};
use crate::event::Person;
use crate::feed::OutputPiece;
use crate::ui::keymap::Keymap;
use crate::ui::popups::{Context, Opened};
use crate::ui::replay::Replay;
use crate::ui::screen::Screen;
use crate::ui::theme::{ROLES, Theme};
use crate::ui::view::{Pane, View};

/// The sizes at which everything is promised to be of use.
pub const PROMISED: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 36), (200, 60)];

/// Opens a popup.
pub type Open = fn(&Context) -> Opened;

/// A moment, and how it is looked at.
pub struct Scene {
    pub name: String,
    pub story: Story,
    /// What a replay shows beside it.
    pub replay: Option<Replay>,
    pub view: View,
    pub operator: Person,
    pub keymap: Keymap,
}

impl Scene {
    /// A cutover under way.
    pub fn live(name: &str, story: Story) -> Self {
        let (name, view) = (name.to_owned(), View::default());
        Self { name, story, replay: None, view, operator: driver(), keymap: Keymap::default() }
    }

    /// The recording of a story, `later_ms` after its event `seq`.
    pub fn recorded(name: &str, story: &Story, seq: usize, later_ms: u64) -> Self {
        let (story, replay) = story.replayed(seq, later_ms);
        let (replay, view) = (Some(replay), View::of_a_recording());
        Self { replay, view, keymap: Keymap::replay(), ..Self::live(name, story) }
    }

    /// With this panel in focus.
    pub fn focused(mut self, pane: Pane) -> Self {
        self.view.focus = pane;
        self
    }

    /// With the panel in focus over the whole screen.
    pub fn zoomed(mut self) -> Self {
        self.view.zoom = true;
        self
    }

    /// With this printed by the step whose output is looked at, some of it as an error.
    pub fn printing(mut self, output: &[u8]) -> Self {
        self.view.arrange(Rect::new(0, 0, 120, 36), &self.story.state, &self.story.telemetry);
        let Some(source) = self.view.output.source.clone() else { return self };
        let total = output.len() as u64;
        self.story.printed(source.step.as_str(), total);
        self.view.arrange(Rect::new(0, 0, 120, 36), &self.story.state, &self.story.telemetry);
        let piece = OutputPiece { offset: 0, bytes: output.to_vec(), total, stderr: vec![(56, 109)] };
        self.view.output.take(&source, piece);
        self
    }

    /// Under a popup.
    pub fn under(mut self, open: Open) -> Self {
        let popup = open(&self.cx()).expect("it opens here");
        self.view.popup = Some(popup);
        self
    }

    /// What a popup may look at here.
    pub fn cx(&self) -> Context<'_> {
        let (state, telemetry, now) = (&self.story.state, &self.story.telemetry, self.story.now);
        let operator = Some(&self.operator);
        Context {
            state,
            telemetry,
            now,
            watched_ms: now.up_ms,
            keymap: &self.keymap,
            operator,
            replay: self.replay.as_ref(),
        }
    }

    /// A frame of that size.
    pub fn draw(&mut self, theme: &Theme, (width, height): (u16, u16)) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        self.view.arrange(area, &self.story.state, &self.story.telemetry);
        let mut buf = Buffer::empty(area);
        Screen { cx: self.cx(), view: &self.view, zone: Utc.fix(), theme }.render(area, &mut buf);
        buf
    }

    /// The text of a frame.
    pub fn text(&mut self, size: (u16, u16)) -> String {
        text(&self.draw(&Theme::dark(), size))
    }
}

/// The text of all cells, row by row.
pub fn text(buf: &Buffer) -> String {
    let rows = buf.content().chunks(buf.area.width.into());
    let rows = rows.map(|row| row.iter().map(Cell::symbol).collect::<String>());
    rows.map(|row| row.trim_end().to_owned() + "\n").collect()
}

/// The text of a frame that was drawn in [`meanings`], and under it, for each row, which columns are more than plain text.
pub fn picture(buf: &Buffer) -> String {
    let mut picture = text(buf);
    picture.push_str("── what the styles mean ──\n");
    for (y, row) in buf.content().chunks(buf.area.width.into()).enumerate() {
        let runs = runs(row);
        if !runs.is_empty() {
            let _ = writeln!(picture, "{y:2}{runs}");
        }
    }
    picture
}

/// A theme that says of each cell which roles it was drawn in: as its ink, what lies under it, and what marks it.
pub fn meanings() -> Theme {
    let channel = |role: &str| match role {
        "selected" => "bg",
        "found" => "underline_color",
        _ => "fg",
    };
    let line = |(n, role): (usize, &&str)| match *role {
        "text" => "text = {}\n".to_owned(),
        role => format!("{role} = {{ {} = \"{n}\" }}\n", channel(role)),
    };
    let (theme, wrong) = Theme::parse(&ROLES.iter().enumerate().map(line).collect::<String>());
    assert!(wrong.is_empty(), "{wrong:?}");
    theme
}

/// Which roles a cell was drawn in; nothing of plain text.
fn role(cell: &Cell) -> String {
    let of = |colour| match colour {
        Color::Indexed(n) => ROLES[usize::from(n)],
        _ => "",
    };
    let parts = [of(cell.fg), of(cell.bg), of(cell.underline_color)];
    let mut role = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("+");
    if cell.modifier != Modifier::empty() {
        let _ = write!(role, "+{:?}", cell.modifier);
    }
    role
}

/// The stretches of a row that are not plain text, by their columns. A blank has only what lies under it.
fn runs(row: &[Cell]) -> String {
    let mut runs: Vec<(String, usize, usize)> = Vec::new();
    for (x, cell) in row.iter().enumerate() {
        let plain =
            cell.bg == Color::Reset && cell.underline_color == Color::Reset && cell.modifier.is_empty();
        if cell.symbol() == " " && plain {
            continue;
        }
        let role = role(cell);
        match runs.last_mut() {
            Some((last, _, end)) if *last == role => *end = x,
            _ => runs.push((role, x, x)),
        }
    }
    let mut line = String::new();
    for (role, from, to) in runs.into_iter().filter(|(role, ..)| !role.is_empty()) {
        let _ = match from == to {
            true => write!(line, "  {from} {role}"),
            false => write!(line, "  {from}-{to} {role}"),
        };
    }
    line
}
