//! The cockpit's loop: keys, what the session tells, and the clock, one after the other, and a frame when something
//! changed. It never waits for the engine or for a file: what takes time runs beside it and comes back as a message.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{FixedOffset, Local, Offset};
use crossterm::event::{Event as Input, EventStream, KeyEventKind};
use futures_util::StreamExt as _;
use ratatui::widgets::Widget as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::keymap::Keymap;
use super::output::Source;
use super::popups::Context;
use super::screen::Screen;
use super::search::Way;
use super::terminal::Terminal;
use super::theme::Theme;
use super::update::{self, Effect};
use super::view::View;
use crate::clock::{self, Now};
use crate::feed::{Commander, Feed, FeedItem, OutputPiece, OutputReader};
use crate::session::telemetry::Measure;
use crate::session::{Command, Refusal, State, Telemetry};

/// The least time between two frames that no key asked for, in milliseconds.
const FRAME_MS: u64 = 66;

/// How many items of the feed are folded between two looks at the keys.
const BATCH: usize = 256;

/// How the cockpit looks and is pressed.
#[derive(Debug, Clone)]
pub struct Options {
    pub theme: Theme,
    pub keymap: Keymap,
    /// What is said on arrival: that the engine runs another version than this cockpit.
    pub note: Option<String>,
}

impl Options {
    /// As the environment has it: `NO_COLOR` chooses a theme without colour; `ascii`, or a locale that is not UTF-8,
    /// characters that every terminal has.
    #[must_use]
    pub fn from_env(ascii: bool) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let theme = if set("NO_COLOR").is_some() {
            // Without it crossterm resets bold and reverse after each word.
            crossterm::style::force_color_output(true);
            Theme::mono()
        } else {
            Theme::dark()
        };
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
        let utf8 = locale.is_none_or(|locale| {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let theme = if ascii || !utf8 { theme.with_ascii() } else { theme };
        Self { theme, keymap: Keymap::default(), note: None }
    }
}

/// Why the cockpit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The operator left a session that is over, or that was only shown.
    Left,
    /// The operator left, and the session goes on.
    Detached,
    /// The operator left after the engine was gone; why it was.
    Lost(String),
    /// The terminal is gone; the session is not.
    TerminalGone,
    /// By this signal.
    Signalled(i32),
}

/// How a cockpit was left.
#[derive(Debug)]
pub struct Parting {
    pub exit: Exit,
    /// What was on the screen last.
    pub state: State,
    /// The log's head then, `seq:hash8`.
    pub head: Option<String>,
}

/// Runs the cockpit on the terminal until the operator leaves, or the terminal does.
///
/// It is to be awaited by `block_on` on a thread of its own, as `main` does: a write to a stalled terminal blocks, and
/// must block nothing else.
///
/// # Errors
/// There is no terminal to run on.
pub async fn cockpit(feed: Feed, options: Options) -> io::Result<Parting> {
    let mut signals = Signals::listen()?;
    let terminal = Terminal::enter()?;
    let mut keys = EventStream::new();
    let (back, mut returns) = mpsc::unbounded_channel();
    let Feed { state, telemetry, mut items, commander, outputs } = feed;
    let mut cockpit = Cockpit {
        state,
        telemetry,
        view: View::default(),
        options,
        commander,
        outputs,
        terminal,
        back,
        reading: false,
        searches: 0,
        due: Due::Now,
        drawn_up_ms: 0,
        tick_up_ms: 0,
    };
    if let Some(note) = cockpit.options.note.take() {
        cockpit.view.note(note);
    }
    let mut batch = Vec::with_capacity(BATCH);
    let mut open = true;
    // The SIGCONT that ended our own stop is still to be heard, and means nothing more.
    let mut continued = false;
    let exit = loop {
        if cockpit.due_in(clock::now()) == Duration::ZERO && cockpit.draw(clock::now()).is_err() {
            break Exit::TerminalGone;
        }
        let wait = cockpit.due_in(clock::now());
        tokio::select! {
            biased;
            caught = signals.next() => match caught {
                Caught::Stop => {
                    cockpit.terminal.leave();
                    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
                    if cockpit.terminal.enter_again().is_err() {
                        break Exit::TerminalGone;
                    }
                    continued = true;
                    cockpit.due = Due::Now;
                }
                Caught::Continue if std::mem::take(&mut continued) => {}
                Caught::Continue => {
                    if cockpit.terminal.enter_again().is_err() {
                        break Exit::TerminalGone;
                    }
                    cockpit.due = Due::Now;
                }
                Caught::End(signal) => break Exit::Signalled(signal),
            },
            input = keys.next() => match input {
                Some(Ok(input)) => {
                    if cockpit.input(input) {
                        break cockpit.left();
                    }
                }
                Some(Err(_)) | None => break Exit::TerminalGone,
            },
            returned = returns.recv() => {
                if let Some(returned) = returned {
                    cockpit.returned(returned);
                }
            }
            count = items.recv_many(&mut batch, BATCH), if open => {
                open = count > 0;
                if !open {
                    let gone = gone(&cockpit.state);
                    cockpit.take(FeedItem::Lost(gone));
                }
                batch.drain(..).for_each(|item| cockpit.take(item));
            }
            () = tokio::time::sleep(wait) => {}
        }
    };
    let Cockpit { state, telemetry, .. } = cockpit;
    Ok(Parting { exit, state, head: telemetry.head })
}

/// When the next frame is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// With the clock, once a second.
    Tick,
    /// Once the last frame is old enough.
    Soon,
    Now,
}

/// What ran beside the loop and is done.
#[derive(Debug)]
enum Returned {
    Answer(Result<(), Refusal>),
    Piece(Source, OutputPiece),
    Found { search: u64, source: Source, way: Way, at: Option<u64> },
}

#[derive(Debug)]
struct Cockpit {
    state: State,
    telemetry: Telemetry,
    view: View,
    options: Options,
    commander: Option<Commander>,
    outputs: OutputReader,
    terminal: Terminal,
    back: mpsc::UnboundedSender<Returned>,
    /// A piece of output is being read.
    reading: bool,
    /// The number of the newest search; answers of older ones are passed over.
    searches: u64,
    due: Due,
    drawn_up_ms: u64,
    /// When the clock on the screen turns to its next second.
    tick_up_ms: u64,
}

impl Cockpit {
    fn due_in(&self, now: Now) -> Duration {
        let at = match self.due {
            Due::Now => 0,
            Due::Soon => self.drawn_up_ms + FRAME_MS,
            Due::Tick => self.tick_up_ms,
        };
        Duration::from_millis(at.saturating_sub(now.up_ms))
    }

    fn wants_frame(&mut self, due: Due) {
        self.due = self.due.max(due);
    }

    fn draw(&mut self, now: Now) -> io::Result<()> {
        self.view.expire(now);
        let area = self.terminal.area()?;
        self.view.arrange(area, &self.state, &self.telemetry);
        self.read_output();
        let cx = Context {
            state: &self.state,
            telemetry: &self.telemetry,
            now,
            keymap: &self.options.keymap,
            operator: self.commander.as_ref().map(|commander| &commander.operator),
        };
        let screen = Screen { cx, view: &self.view, zone: zone(now), theme: &self.options.theme };
        self.terminal.draw(area, |area, buf| screen.render(area, buf))?;
        self.due = Due::Tick;
        self.drawn_up_ms = now.up_ms;
        self.tick_up_ms = now.up_ms + 1_000 - u64::from(now.at.timestamp_subsec_millis()).min(999);
        Ok(())
    }

    /// Takes what the terminal sent; true when the operator leaves.
    fn input(&mut self, input: Input) -> bool {
        self.wants_frame(Due::Now);
        let cx = Context {
            state: &self.state,
            telemetry: &self.telemetry,
            now: clock::now(),
            keymap: &self.options.keymap,
            operator: self.commander.as_ref().map(|commander| &commander.operator),
        };
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => {
                if let Some(commander) = &self.commander {
                    commander.active();
                }
                match update::key(&mut self.view, key, &cx) {
                    Effect::Nothing => {}
                    Effect::Ask { command, seen } => self.ask(command, None, seen),
                    Effect::Attach { command, path, seen } => self.ask(command, Some(path), seen),
                    Effect::Find(way) => self.find(way),
                    Effect::Leave => return true,
                }
            }
            Input::Paste(text) => update::paste(&mut self.view, &text),
            _ => {}
        }
        false
    }

    /// Asks the engine beside the loop, with a file where one goes along.
    fn ask(&mut self, command: Command, file: Option<PathBuf>, seen: u64) {
        let Some(commander) = self.commander.clone() else {
            self.view.refuse("this is a recording: it cannot be commanded", clock::now());
            return;
        };
        let back = self.back.clone();
        tokio::spawn(async move {
            let answer = match file {
                Some(path) => commander.ask_with_file(command, &at_home(path), seen).await,
                None => commander.ask(command, seen).await,
            };
            let _ = back.send(Returned::Answer(answer));
        });
    }

    fn left(&self) -> Exit {
        match &self.view.lost {
            Some(why) if !self.state.is_closed() => Exit::Lost(why.clone()),
            None if !self.state.is_closed() && self.commander.is_some() => Exit::Detached,
            _ => Exit::Left,
        }
    }

    fn take(&mut self, item: FeedItem) {
        match item {
            FeedItem::Event(event) => {
                self.state.apply(&event);
                self.wants_frame(Due::Soon);
            }
            FeedItem::Measure(measure) => {
                // Samples wait for the clock: a hundred checks are no reason for a hundred frames.
                self.wants_frame(match &measure {
                    Measure::Sample { .. } | Measure::Streak { .. } => Due::Tick,
                    Measure::Output { step, .. } => self.looks_at(step),
                    Measure::Log(_) | Measure::Head(_) | Measure::Presence(_) => Due::Soon,
                });
                self.telemetry.record(measure);
            }
            FeedItem::Lost(why) => {
                self.view.lost.get_or_insert(why);
                self.wants_frame(Due::Soon);
            }
        }
    }

    fn looks_at(&self, step: &crate::runbook::StepId) -> Due {
        let here = self.view.output.source.as_ref().is_some_and(|source| source.step == *step);
        if here { Due::Soon } else { Due::Tick }
    }

    /// Reads the piece of output that the screen wants next, one at a time.
    fn read_output(&mut self) {
        let rows = self.view.rows(super::view::Pane::Output);
        if self.reading || rows == 0 {
            return;
        }
        let Some(wanted) = self.view.output.wanted(rows) else { return };
        self.reading = true;
        let (reader, back) = (self.outputs.clone(), self.back.clone());
        tokio::spawn(async move {
            let source = wanted.source;
            let piece = reader.read(source.step.clone(), source.attempt, wanted.offset, wanted.len).await;
            let _ = back.send(Returned::Piece(source, piece));
        });
    }

    fn find(&mut self, way: Way) {
        let output = &self.view.output;
        let (Some(search), Some(source)) = (self.view.search.clone(), output.source.clone()) else { return };
        let (first, after) = output.span(self.view.rows(super::view::Pane::Output));
        let from = match (way, output.unseen().is_none()) {
            // The last screen counts as not seen yet: the newest match may be on it.
            (Way::Up, true) => after,
            (Way::Up, false) => first,
            (Way::Down, _) => output.line_after(first),
        };
        self.searches += 1;
        let (reader, back, number) = (self.outputs.clone(), self.back.clone(), self.searches);
        tokio::spawn(async move {
            let at = search.find(&reader, &source, from, way).await;
            let _ = back.send(Returned::Found { search: number, source, way, at });
        });
    }

    fn returned(&mut self, returned: Returned) {
        match returned {
            Returned::Answer(Ok(())) => {}
            Returned::Answer(Err(Refusal(why))) => {
                self.view.refuse(why, clock::now());
                self.wants_frame(Due::Now);
            }
            Returned::Piece(source, piece) => {
                self.reading = false;
                let follows = self.view.output.unseen().is_none();
                self.view.output.take(&source, piece);
                self.wants_frame(if follows { Due::Soon } else { Due::Now });
            }
            Returned::Found { search, source, way, at } if search == self.searches => {
                match at {
                    Some(at) if self.view.output.source.as_ref() == Some(&source) => {
                        self.view.output.anchor_at(at);
                    }
                    Some(_) => {}
                    None => {
                        let side = if way == Way::Down { "below" } else { "above" };
                        self.view.refuse(format!("no match {side}"), clock::now());
                    }
                }
                self.wants_frame(Due::Now);
            }
            Returned::Found { .. } => {}
        }
    }
}

/// A path that begins with `~/` as a shell would take it.
fn at_home(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path,
    }
}

/// What is said of an engine that said nothing on leaving.
fn gone(state: &State) -> String {
    let session = state.opened.as_ref().map_or("SESSION", |opened| opened.session.as_str());
    format!("the engine is gone: `gonogo resume {session}` brings it back")
}

/// The operator's own clock now: it changes twice a year.
fn zone(now: Now) -> FixedOffset {
    now.at.with_timezone(&Local).offset().fix()
}

/// The signals that the terminal must survive.
struct Signals {
    ends: Vec<(i32, Signal)>,
    stop: Signal,
    continued: Signal,
}

enum Caught {
    End(i32),
    Stop,
    Continue,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        use nix::libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
        let ends = [SIGTERM, SIGHUP, SIGINT, SIGQUIT].into_iter();
        let ends = ends.map(|number| Ok((number, signal(SignalKind::from_raw(number))?)));
        Ok(Self {
            ends: ends.collect::<io::Result<_>>()?,
            stop: signal(SignalKind::from_raw(SIGTSTP))?,
            continued: signal(SignalKind::from_raw(SIGCONT))?,
        })
    }

    async fn next(&mut self) -> Caught {
        std::future::poll_fn(|cx| {
            for (number, signal) in &mut self.ends {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(Caught::End(*number));
                }
            }
            if self.stop.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready(Caught::Stop);
            }
            self.continued.poll_recv(cx).map(|_| Caught::Continue)
        })
        .await
    }
}
