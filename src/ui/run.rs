//! The cockpit's loop: keys, what the session tells, and the clock, one after the other, and a frame when something
//! changed. It never waits for the engine or for a file: what takes time runs beside it and comes back as a message.

mod beside;
mod copies;
mod input;
mod told;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{FixedOffset, Local, Offset};
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use tokio::sync::mpsc;

use beside::Returned;
pub use told::Again;
use told::Told;

use super::frames::Frames;
use super::keymap::Keymap;
use super::keys::Keys;
use super::playback::{Live, Playback};
use super::popups::Context;
use super::recorded::Recorded;
use super::replay::{Beside, Steer};
use super::screen::Screen;
use super::signals::{Caught, Signals};
use super::summons::{Bell, Summons};
use super::terminal::Terminal;
use super::theme::Shelf;
use super::view::View;
use crate::clock::{self, Now};
use crate::feed::{Commander, Feed, FeedItem, OutputReader, way_to_resume};
use crate::replay::Player;
use crate::runbook::StepId;
use crate::session::State;
use crate::session::telemetry::Measure;

/// How the cockpit looks and is pressed.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub themes: Shelf,
    pub keymap: Keymap,
    /// Whether the mouse is taken; the terminal selects text with it otherwise.
    pub mouse: bool,
    /// How many frames a second are drawn at most that no key asked for.
    pub frames: Frames,
    /// How the operator is called when something waits for a person.
    pub bell: Bell,
    /// The session ends with this cockpit.
    pub tied: bool,
    /// What is said on arrival: that the engine runs another version than this cockpit, that a theme is broken.
    pub note: Option<String>,
    /// Where copies are laid down; `None` where the environment names no place.
    pub copies: Option<PathBuf>,
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

/// Runs the cockpit on the terminal until the operator leaves, or the terminal does. What comes over `again` is shown in
/// place of a feed that was lost.
///
/// It is to be awaited by `block_on` on a thread of its own, as `main` does: a write to a stalled terminal blocks, and
/// must block nothing else.
///
/// # Errors
/// There is no terminal to run on.
pub async fn cockpit(feed: Feed, again: mpsc::Receiver<Again>, options: Options) -> io::Result<Parting> {
    let Feed { state, telemetry, items, commander, outputs } = feed;
    let playback = Playback::Live(Box::new(Live { state, telemetry, lost: None }));
    let told = Told { items: Some(items), again: Some(again) };
    run(playback, told, commander, outputs, View::default(), options).await
}

/// Runs the same cockpit over a recording. It has nobody to command.
///
/// # Errors
/// There is no terminal to run on.
pub async fn play(player: Player, beside: Beside, options: Options) -> io::Result<Parting> {
    let outputs = player.outputs();
    let playback = Playback::Recorded(Box::new(Recorded::new(player, beside)));
    run(playback, Told::default(), None, outputs, View::of_a_recording(), options).await
}

async fn run(
    playback: Playback,
    mut told: Told,
    commander: Option<Commander>,
    outputs: OutputReader,
    view: View,
    options: Options,
) -> io::Result<Parting> {
    let mut signals = Signals::listen()?;
    let terminal = Terminal::enter(options.mouse)?;
    let mut keys = Keys::of_the_terminal();
    let (back, mut returns) = mpsc::unbounded_channel();
    let mut cockpit = Cockpit {
        playback,
        view,
        options,
        commander,
        outputs,
        terminal,
        back,
        reading: false,
        looking: false,
        searches: 0,
        rewinds: 0,
        due: Due::Now,
        now_up_ms: 0,
        soon_up_ms: 0,
        summons: Summons::default(),
        area: Rect::ZERO,
        tick_up_ms: 0,
        writing_ms: 0,
    };
    cockpit.view.tied = cockpit.options.tied;
    if let Some(note) = cockpit.options.note.take() {
        cockpit.view.note(note);
    }
    let mut batch = Vec::new();
    // The SIGCONT that ended our own stop is still to be heard, and means nothing more.
    let mut continued = false;
    let exit = loop {
        cockpit.turn(clock::now());
        if cockpit.due_in(clock::now()) == Duration::ZERO && cockpit.draw(clock::now()).is_err() {
            break Exit::TerminalGone;
        }
        let wait = cockpit.due_in(clock::now());
        let wait = cockpit.playback.turns_in().map_or(wait, |turn| wait.min(turn));
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
            again = told::next(&mut told.again) => match again {
                Some(Ok(feed)) => told.items = Some(cockpit.come_back(feed)),
                Some(Err(why)) => {
                    cockpit.view.lost = Some(why);
                    cockpit.wants_frame(Due::Soon);
                }
                None => told.again = None,
            },
            count = told::some(&mut told.items, &mut batch) => {
                if count == 0 {
                    told.items = None;
                    let gone = gone(cockpit.playback.state());
                    cockpit.take(FeedItem::Lost(gone));
                }
                batch.drain(..).for_each(|item| cockpit.take(item));
            }
            () = tokio::time::sleep(wait) => {}
        }
    };
    let playback = &cockpit.playback;
    let (state, head) = (playback.state().clone(), playback.telemetry().head.clone());
    Ok(Parting { exit, state, head })
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

#[derive(Debug)]
struct Cockpit {
    playback: Playback,
    view: View,
    options: Options,
    commander: Option<Commander>,
    outputs: OutputReader,
    terminal: Terminal,
    back: mpsc::UnboundedSender<Returned>,
    /// A piece of output is being read.
    reading: bool,
    /// An output is being looked through.
    looking: bool,
    /// The number of the newest search among events; answers of older ones are passed over.
    searches: u64,
    /// How often the session's time went back: what was read before is not true any more.
    rewinds: u64,
    due: Due,
    /// When the next frame that a key asks for may be drawn, and the next that none does.
    now_up_ms: u64,
    soon_up_ms: u64,
    summons: Summons,
    /// The screen of the last frame.
    area: Rect,
    /// When the clock on the screen turns to its next second.
    tick_up_ms: u64,
    /// How long frames have been written so far, all together.
    writing_ms: u64,
}

impl Cockpit {
    /// [`Context::watched_ms`] at that moment.
    fn watched_ms(&self, clock: Now) -> u64 {
        clock.up_ms.saturating_sub(self.writing_ms)
    }

    fn due_in(&self, now: Now) -> Duration {
        let at = match self.due {
            Due::Now => self.now_up_ms,
            Due::Soon => self.soon_up_ms,
            Due::Tick => self.tick_up_ms,
        };
        Duration::from_millis(at.saturating_sub(now.up_ms))
    }

    fn wants_frame(&mut self, due: Due) {
        self.due = self.due.max(due);
    }

    /// Lets a recording play.
    fn turn(&mut self, clock: Now) {
        let before = self.playback.now();
        if let Playback::Recorded(recorded) = &mut self.playback
            && recorded.turn(clock)
        {
            // A log that became shorter takes its time back.
            self.went_back(before);
            self.wants_frame(Due::Soon);
        }
    }

    fn draw(&mut self, clock: Now) -> io::Result<()> {
        self.view.expire(clock.up_ms);
        let area = self.terminal.area()?;
        self.view.arrange(area, self.playback.state(), self.playback.telemetry());
        self.read_output();
        self.look_through_output();
        self.list_events();
        let watched_ms = self.watched_ms(clock);
        let cx = context(&self.playback, &self.options, self.commander.as_ref(), watched_ms);
        let screen = Screen { cx, view: &self.view, zone: zone(cx.now), theme: self.options.themes.theme() };
        self.area = area;
        let bytes = self.terminal.draw(area, |area, buf| screen.render(area, buf))?;
        self.writing_ms += clock::up_ms().saturating_sub(clock.up_ms);
        self.call()?;
        self.due = Due::Tick;
        self.now_up_ms = clock.up_ms + self.options.frames.pause_of_a_key_ms();
        self.soon_up_ms = clock.up_ms + self.options.frames.pause_ms(bytes);
        self.tick_up_ms = clock.up_ms + 1_000 - u64::from(clock.at.timestamp_subsec_millis()).min(999);
        let settles = self.view.popup.as_ref().map(|popup| popup.settles_ms() + self.writing_ms);
        if let Some(settles) = settles.filter(|at| *at > clock.up_ms) {
            self.tick_up_ms = self.tick_up_ms.min(settles);
        }
        Ok(())
    }

    /// Rings where something newly waits for a person; a recording calls nobody.
    fn call(&mut self) -> io::Result<()> {
        let Playback::Live(live) = &self.playback else { return Ok(()) };
        match self.summons.new_call(&live.state) {
            Some(what) => self.terminal.ring(&self.options.bell.rings(&what)),
            None => Ok(()),
        }
    }

    fn left(&self) -> Exit {
        match &self.view.lost {
            Some(why) if !self.playback.state().is_closed() => Exit::Lost(why.clone()),
            None if !self.playback.state().is_closed() && self.commander.is_some() => Exit::Detached,
            _ => Exit::Left,
        }
    }

    fn take(&mut self, item: FeedItem) {
        // A recording tells nothing by itself.
        let Playback::Live(live) = &mut self.playback else { return };
        match item {
            FeedItem::Event(event) => {
                live.state.apply(&event);
                self.wants_frame(Due::Soon);
            }
            FeedItem::Measure(measure) => {
                // Samples wait for the clock: a hundred checks are no reason for a hundred frames.
                let due = match &measure {
                    Measure::Sample { .. } | Measure::Streak { .. } | Measure::LogFile(_) => Due::Tick,
                    Measure::Output { step, .. } => looks_at(&self.view, step),
                    Measure::Log(_) | Measure::Head(_) | Measure::Presence(_) => Due::Soon,
                };
                live.telemetry.record(measure);
                self.wants_frame(due);
            }
            FeedItem::Lost(why) => {
                live.lost.get_or_insert_with(clock::now);
                // What was said first says most: that nothing comes any more follows from it.
                self.view.lost.get_or_insert(why);
                self.wants_frame(Due::Soon);
            }
        }
    }

    /// Shows the session anew, once it has an engine again; what it tells from now on is returned.
    fn come_back(&mut self, feed: Feed) -> mpsc::Receiver<FeedItem> {
        let Feed { state, telemetry, items, commander, outputs } = feed;
        self.playback = Playback::Live(Box::new(Live { state, telemetry, lost: None }));
        (self.commander, self.outputs) = (commander, outputs);
        self.view.lost = None;
        self.view.note("the session has an engine again");
        // An answer that the old engine still gave is of what may be written anew.
        self.view.output.go_back();
        self.rewinds += 1;
        self.wants_frame(Due::Now);
        items
    }

    /// Moves the playhead of a recording.
    fn steer(&mut self, steer: Steer) {
        let before = self.playback.now();
        let Playback::Recorded(recorded) = &mut self.playback else { return };
        if let Some(missed) = recorded.steer(steer) {
            self.view.refuse(missed);
        }
        self.moved(before);
    }

    /// The playhead has moved by hand.
    fn moved(&mut self, before: Now) {
        self.went_back(before);
        self.view.detail_top = 0;
        self.wants_frame(Due::Now);
    }

    /// What was read of an output is not true any more where the session's time went back.
    fn went_back(&mut self, before: Now) {
        if self.playback.now().at < before.at {
            self.view.output.go_back();
            self.rewinds += 1;
        }
    }
}

/// What the screen and its popups may look at.
fn context<'a>(
    playback: &'a Playback,
    options: &'a Options,
    commander: Option<&'a Commander>,
    watched_ms: u64,
) -> Context<'a> {
    let (state, replay) = (playback.state(), playback.replay());
    // A recording is seen as whoever drove then saw it.
    let drove = replay.and_then(|_| state.driver());
    Context {
        state,
        telemetry: playback.telemetry(),
        now: playback.now(),
        watched_ms,
        keymap: &options.keymap,
        operator: commander.map(|commander| &commander.operator).or(drove),
        replay,
    }
}

/// How soon what a step wrote is to be seen.
fn looks_at(view: &View, step: &StepId) -> Due {
    let here = view.output.source.as_ref().is_some_and(|source| source.step == *step);
    if here { Due::Soon } else { Due::Tick }
}

/// What is said of an engine that said nothing on leaving.
fn gone(state: &State) -> String {
    let session = state.opened.as_ref().map_or("SESSION", |opened| opened.session.as_str());
    way_to_resume(session)
}

/// The operator's own clock now: it changes twice a year.
fn zone(now: Now) -> FixedOffset {
    now.at.with_timezone(&Local).offset().fix()
}
