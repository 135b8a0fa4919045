//! The player: a playhead over a recording. Nothing in it reads a clock; it is told how much real time has passed.

mod seek;

pub use seek::Way;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::At;
use super::outputs::Outputs;
use super::recording::{Recording, Surveyed};
use super::sampled::SampledAt;
use crate::audit::dir;
use crate::clock::Now;
use crate::event::Event;
use crate::feed::OutputReader;
use crate::history::Axis;
use crate::session::telemetry::OutputProgress;
use crate::session::{State, Telemetry};

/// How many times faster than it happened a session can be played.
pub const SPEEDS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
/// A stretch without events that is longer than this is idle.
const IDLE_MS: u64 = 5_000;
/// How much of an idle stretch is still played at either end.
const LEAD_MS: u64 = 1_000;

/// A stretch without events that was jumped over, in session time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    pub from_ms: u64,
    pub to_ms: u64,
}

/// A playhead over a recording, and what was known there. Between two events the state is that of the earlier one, and
/// the clocks run on.
#[derive(Debug)]
pub struct Player {
    recording: Arc<Recording>,
    /// The boot that the real clock counts from.
    boot_id: String,
    t_ms: u64,
    seq: u64,
    state: State,
    /// The clocks at the last event, and where it lies.
    event: (Now, u64),
    sampled: SampledAt,
    outputs: Outputs,
    playhead: Arc<AtomicU64>,
    playing: bool,
    following: bool,
    speed: usize,
    skip_idle: bool,
    skipped: Option<Skipped>,
    /// Where to go once the survey has come there.
    wanted: Option<At>,
    surveyed: Surveyed,
    /// The real boot clock at the last turn.
    turned: Option<u64>,
}

impl Player {
    /// A player at the first event, standing still. `boot_id` names the boot that the real clock of [`Player::turn`]
    /// counts from, so that a session that runs on this machine is followed at its own time.
    #[must_use]
    pub fn new(recording: Recording, boot_id: &str) -> Self {
        let shared = &recording.shared;
        let folder = recording.folder();
        let mut player = Self {
            boot_id: boot_id.to_owned(),
            t_ms: 0,
            seq: 0,
            state: State::default(),
            event: (Now { at: chrono::DateTime::UNIX_EPOCH, up_ms: 0 }, 0),
            sampled: SampledAt::new(Arc::clone(shared), folder.join(dir::TELEMETRY)),
            outputs: Outputs::new(Arc::clone(shared), folder.to_owned()),
            playhead: Arc::default(),
            playing: false,
            following: false,
            speed: 0,
            skip_idle: false,
            skipped: None,
            wanted: None,
            surveyed: recording.surveyed(),
            turned: None,
            recording: Arc::new(recording),
        };
        player.place(0, 1);
        player
    }

    /// What is played.
    #[must_use]
    pub fn recording(&self) -> &Arc<Recording> {
        &self.recording
    }

    /// How far the recording was surveyed at the last turn, and what that says of it.
    #[must_use]
    pub fn surveyed(&self) -> &Surveyed {
        &self.surveyed
    }

    /// The playhead, in milliseconds of session time.
    #[must_use]
    pub fn t_ms(&self) -> u64 {
        self.t_ms
    }

    /// The last event that has happened at the playhead.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Where the session ends so far; of one that is followed, the playhead may be later.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.surveyed.end_ms.max(self.t_ms)
    }

    /// The state at the playhead.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What had been sampled and written at the playhead. Who pressed keys is not recorded, and so nobody is idle.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        self.sampled.telemetry()
    }

    /// The clocks as they were at the playhead.
    #[must_use]
    pub fn now(&self) -> Now {
        let (now, lies) = self.event;
        Axis::after(now, self.t_ms.saturating_sub(lies))
    }

    /// The last event that has happened at the playhead.
    #[must_use]
    pub fn event(&self) -> Option<Arc<Event>> {
        self.recording.event(self.seq)
    }

    /// Reads the steps' outputs as they had grown at the playhead, wherever that is when they are read.
    #[must_use]
    pub fn outputs(&self) -> OutputReader {
        let shared = Arc::clone(&self.recording.shared);
        Outputs::new(shared, self.recording.folder().to_owned()).serve(Arc::clone(&self.playhead))
    }

    /// Whether the playhead moves by itself.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing || self.following
    }

    /// Whether the playhead stays at the end of a session that goes on.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.following
    }

    /// Nothing more has happened yet.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.t_ms >= self.surveyed.end_ms && self.seq >= self.surveyed.events
    }

    /// How many times faster than it happened it is played.
    #[must_use]
    pub fn speed(&self) -> u32 {
        SPEEDS[self.speed]
    }

    /// Whether stretches without events are jumped over.
    #[must_use]
    pub fn skips_idle(&self) -> bool {
        self.skip_idle
    }

    /// The stretch that was jumped over last, until the next event is played or the playhead is moved.
    #[must_use]
    pub fn skipped(&self) -> Option<Skipped> {
        self.skipped
    }

    /// Where the playhead is to go once the survey has come there.
    #[must_use]
    pub fn wanted(&self) -> Option<At> {
        self.wanted
    }

    /// Plays on; at the end of a session that goes on it is followed, and at the end of any other there is nothing to
    /// play.
    pub fn play(&mut self) {
        self.playing = true;
    }

    /// Stands still.
    pub fn pause(&mut self) {
        (self.playing, self.following) = (false, false);
    }

    /// Goes to the end and stays there while the session goes on.
    pub fn follow(&mut self) {
        self.to_end();
        (self.playing, self.following) = (true, true);
    }

    /// The next speed up.
    pub fn faster(&mut self) {
        self.speed = (self.speed + 1).min(SPEEDS.len() - 1);
    }

    /// The next speed down.
    pub fn slower(&mut self) {
        self.speed = self.speed.saturating_sub(1);
    }

    /// The fastest of [`SPEEDS`] that is not above this.
    pub fn set_speed(&mut self, speed: u32) {
        self.speed = SPEEDS.iter().rposition(|known| *known <= speed).unwrap_or(0);
    }

    /// Whether stretches without events are to be jumped over.
    pub fn set_skip_idle(&mut self, skip: bool) {
        self.skip_idle = skip;
        self.skipped = None;
    }

    /// Real time has passed: it is `real_up_ms` on the boot clock now. Whether there is anything new to show.
    pub fn turn(&mut self, real_up_ms: u64) -> bool {
        let passed = real_up_ms.saturating_sub(self.turned.replace(real_up_ms).unwrap_or(real_up_ms));
        let before = (self.t_ms, self.seq, self.is_playing(), self.wanted);
        let surveyed = self.recording.surveyed();
        let news = surveyed != self.surveyed;
        let anew = surveyed.round != self.surveyed.round;
        if anew && !surveyed.whole && surveyed.end_ms < self.t_ms {
            // The playhead stays where it is until the survey has come there again, or it is known that it cannot.
            return false;
        }
        self.surveyed = surveyed;
        if anew {
            self.begin_anew();
        }
        if let Some(at) = self.wanted {
            // What cannot be found in all of it is not waited for.
            if self.go_to(at).is_err() {
                self.wanted = None;
            }
        }
        if self.following {
            self.place_at(self.live_end_ms(real_up_ms));
        } else if self.playing && self.wanted.is_none() {
            self.advance(passed.saturating_mul(self.speed().into()));
        } else if news {
            // Samples and outputs of this very moment may have come to light.
            self.place(self.t_ms, self.seq);
        }
        news || before != (self.t_ms, self.seq, self.is_playing(), self.wanted)
    }

    /// Plays so many milliseconds of the session.
    fn advance(&mut self, mut ms: u64) {
        let end_ms = self.end_ms();
        let mut t_ms = self.t_ms;
        while self.skip_idle && ms > 0 && t_ms < end_ms {
            let seq = self.recording.event_at(t_ms);
            let last_ms = self.recording.time_of(seq);
            let next_ms = if seq < self.surveyed.events { self.recording.time_of(seq + 1) } else { end_ms };
            if next_ms - t_ms.min(next_ms) > IDLE_MS && t_ms - last_ms.min(t_ms) >= LEAD_MS {
                self.skipped = Some(Skipped { from_ms: t_ms, to_ms: next_ms - LEAD_MS });
                t_ms = next_ms - LEAD_MS;
            } else if self.skipped.is_some_and(|skipped| last_ms > skipped.from_ms) {
                self.skipped = None;
            }
            // Up to the next event, or to where the idle part of the stretch begins.
            let idle = next_ms - t_ms.min(next_ms) > IDLE_MS;
            let until = if idle { (last_ms + LEAD_MS).max(t_ms + 1) } else { next_ms.max(t_ms + 1) };
            let played = ms.min(until - t_ms);
            t_ms += played;
            ms -= played;
        }
        let t_ms = t_ms.saturating_add(ms).min(end_ms);
        self.place_at(t_ms);
        if t_ms == end_ms && self.surveyed.whole {
            self.following = self.surveyed.live;
            self.playing = self.surveyed.live;
        }
    }

    /// Where a session that goes on is now: at its own time, where that can be told.
    fn live_end_ms(&self, real_up_ms: u64) -> u64 {
        let end_ms = self.end_ms();
        if !self.surveyed.live {
            return end_ms;
        }
        let axis = self.recording.axis();
        let (now_ms, boot) = axis.of_up_ms(real_up_ms, self.surveyed.events);
        if boot == Some(self.boot_id.as_str()) { now_ms.max(end_ms) } else { end_ms }
    }

    /// The log became shorter: everything was found anew, at least up to the playhead.
    fn begin_anew(&mut self) {
        let shared = Arc::clone(&self.recording.shared);
        let folder = self.recording.folder().to_owned();
        self.sampled = SampledAt::new(Arc::clone(&shared), folder.join(dir::TELEMETRY));
        self.outputs = Outputs::new(shared, folder);
        self.seq = 0;
        self.place_at(self.t_ms.min(self.surveyed.end_ms));
    }

    /// How far the outputs had grown whose end is not recorded yet at the playhead.
    fn tell_outputs(&mut self) {
        let output = &mut self.sampled.telemetry_mut().output;
        output.clear();
        for (step, state) in &self.state.steps {
            let ended = state.finish.as_ref().is_some_and(|finish| finish.attempt == state.attempt);
            if state.attempt == 0 || ended {
                continue;
            }
            let bytes = self.outputs.written_by(step, state.attempt, self.t_ms);
            if bytes > 0 {
                output.insert(step.clone(), OutputProgress { attempt: state.attempt, bytes, pid: None });
            }
        }
    }
}
