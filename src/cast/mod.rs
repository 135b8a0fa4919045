//! A recorded session as a terminal recording: the cockpit's own screen at every moment at which something moved, as a
//! file that asciinema and its players play. What is drawn is what a replay draws; nobody sits before it.

mod pace;
mod size;
mod tape;

use std::io::{self, Write};

use chrono::Offset as _;
use chrono::Utc;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use crate::audit::outputs;
use crate::feed::OutputReader;
use crate::history::{BandKind, Mark, MarkKind};
use crate::replay::{Player, Recording};
use crate::session::{State, Telemetry};
use crate::ui::paint;
use crate::ui::popups::Context;
use crate::ui::view::Pane;
use crate::ui::{Keymap, Screen, Theme, View};

pub use pace::{Frame, Pace};
pub use size::Size;
use tape::{Head, Tape};

/// How many pieces of an output are read for one screen: it takes two where a long line is cut.
const PIECES: usize = 8;
/// How long the last screen stays.
const LAST_MS: u64 = 1_000;

/// How a session is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    pub size: Size,
    pub pace: Pace,
}

/// Writes all of a session to `to`. The player is moved to its end.
///
/// # Errors
/// It cannot be written.
pub async fn record<W: Write>(player: &mut Player, options: Options, to: W) -> io::Result<W> {
    player.recording().wait_until_surveyed();
    player.to_start();
    let Size { width, height } = options.size;
    let opened = player.recording().opened();
    let head = Head { width, height, timestamp: player.now().at.timestamp(), title: opened.session.clone() };
    let mut tape = Tape::begin(to, &head)?;
    tape.output(0, paint::BEGIN)?;

    let timeline = player.recording().timeline();
    let mut marks = timeline.marks.iter().filter(|mark| is_chapter(mark)).peekable();
    let mut camera = Camera::new(options.size, player.outputs());
    let mut end_ms = 0;
    for frame in frames(player.recording(), options.pace) {
        player.to_time(frame.t_ms);
        while let Some(mark) = marks.next_if(|mark| mark.t_ms <= frame.t_ms) {
            tape.mark(frame.at_ms, &crate::text::safe_line(&mark.label))?;
        }
        let change = camera.take(player).await;
        if !change.is_empty() {
            tape.output(frame.at_ms, &change)?;
        }
        end_ms = frame.at_ms;
    }
    tape.output(end_ms + LAST_MS, &paint::end(height))?;
    tape.end()
}

/// The screens that a session is shown in, as far as it was surveyed.
#[must_use]
pub fn frames(recording: &Recording, pace: Pace) -> Vec<Frame> {
    pace::frames(&moments(recording), pace)
}

/// What somebody who looks for a place in the recording looks for.
fn is_chapter(mark: &Mark) -> bool {
    let kinds = std::iter::once(&mark.kind).chain(mark.also);
    kinds.into_iter().any(|kind| matches!(kind, MarkKind::Stage | MarkKind::Rollback | MarkKind::Failure))
}

/// Every moment at which something happened or was printed.
fn moments(recording: &Recording) -> Vec<u64> {
    let surveyed = recording.surveyed();
    let mut moments: Vec<u64> = (1..=surveyed.events).map(|seq| recording.time_of(seq)).collect();
    let axis = recording.axis();
    for band in &recording.timeline().bands {
        if let BandKind::Step { step, attempt, .. } = &band.kind {
            let folder = outputs::folder(recording.folder(), step, *attempt);
            let started = recording.event_at(band.from_ms);
            let printed =
                outputs::entries(&folder).into_iter().map(|entry| axis.of_up_ms(entry.up_ms, started).0);
            moments.extend(printed.filter(|t_ms| *t_ms <= surveyed.end_ms));
        }
    }
    moments.push(surveyed.end_ms);
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// Takes pictures of the screen.
struct Camera {
    area: Rect,
    view: View,
    theme: Theme,
    keymap: Keymap,
    outputs: OutputReader,
    /// What was taken last.
    shown: Buffer,
}

impl Camera {
    fn new(size: Size, outputs: OutputReader) -> Self {
        let area = Rect::new(0, 0, size.width, size.height);
        Self {
            area,
            view: View::default(),
            theme: Theme::dark(),
            keymap: Keymap::default(),
            outputs,
            shown: Buffer::empty(area),
        }
    }

    /// What a terminal is told to show the screen at the playhead.
    async fn take(&mut self, player: &Player) -> String {
        let (state, telemetry) = (player.state(), player.telemetry());
        self.look(state, telemetry).await;
        let cx = Context::shown(state, telemetry, player.now(), &self.keymap);
        let mut screen = Buffer::empty(self.area);
        Screen { cx, view: &self.view, zone: Utc.fix(), theme: &self.theme }.render(self.area, &mut screen);
        let change = paint::change(&self.shown, &screen);
        self.shown = screen;
        change
    }

    /// Fits the view to what there is, and reads the output that it shows.
    async fn look(&mut self, state: &State, telemetry: &Telemetry) {
        self.view.arrange(self.area, state, telemetry);
        let rows = self.view.rows(Pane::Output);
        for _ in 0..PIECES {
            let Some(wanted) = self.view.output.wanted(rows).filter(|_| rows > 0) else { break };
            let source = wanted.source;
            let piece =
                self.outputs.read(source.step.clone(), source.attempt, wanted.offset, wanted.len).await;
            self.view.output.take(&source, piece);
        }
    }
}
