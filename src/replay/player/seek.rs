//! Where the playhead goes: by events, by marks, to moments as people write them.

use std::sync::atomic::Ordering;

use super::Player;
use crate::history::Mark;
use crate::replay::At;
use crate::replay::survey::EVERY;

/// Onwards or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Forward,
    Back,
}

impl Player {
    /// Goes so many events on, or back, and stands still. From between two events, one back is to the earlier.
    pub fn step(&mut self, events: i64) {
        self.moved();
        self.playing = false;
        let between = events < 0 && self.t_ms > self.recording.time_of(self.seq);
        let seq = self.seq.saturating_add_signed(events + i64::from(between));
        self.place_on(seq);
    }

    /// Goes so many milliseconds on, or back.
    pub fn move_by(&mut self, ms: i64) {
        self.moved();
        self.place_at(self.t_ms.saturating_add_signed(ms).min(self.end_ms()));
    }

    /// Goes to the next mark on this way that `which` picks; where there is none nothing moves.
    pub fn to_mark(&mut self, way: Way, which: impl Fn(&Mark) -> bool) -> Option<Mark> {
        let timeline = self.recording.timeline();
        let mut marks = timeline.marks.iter().filter(|mark| which(mark));
        let between = self.t_ms > self.recording.time_of(self.seq);
        let mark = match way {
            Way::Forward => marks.find(|mark| mark.seq > self.seq),
            Way::Back => marks.rfind(|mark| mark.seq < self.seq || between && mark.seq == self.seq),
        }?;
        self.moved();
        self.place_on(mark.seq);
        Some(mark.clone())
    }

    /// Goes to so many tenths of the session.
    pub fn to_tenth(&mut self, tenth: u8) {
        self.moved();
        let end_ms = self.end_ms();
        let t_ms = u128::from(end_ms) * u128::from(tenth.min(10)) / 10;
        self.place_at(u64::try_from(t_ms).unwrap_or(end_ms));
    }

    /// Goes to the first event.
    pub fn to_start(&mut self) {
        self.moved();
        self.place(0, 1);
    }

    /// Goes to where the session ends so far.
    pub fn to_end(&mut self) {
        self.moved();
        self.surveyed = self.recording.surveyed();
        self.place_at(self.surveyed.end_ms);
    }

    /// Goes to an event.
    pub fn to_event(&mut self, seq: u64) {
        self.moved();
        self.place_on(seq);
    }

    /// Goes to a moment of session time.
    pub fn to_time(&mut self, t_ms: u64) {
        self.moved();
        self.place_at(t_ms.min(self.end_ms()));
    }

    /// Goes to a moment as people write it, as soon as the survey has come there.
    ///
    /// # Errors
    /// A sentence: the session has no such moment.
    pub fn seek(&mut self, at: At) -> Result<(), String> {
        self.moved();
        self.surveyed = self.recording.surveyed();
        self.go_to(at)
    }

    /// Goes there, or notes where to go.
    pub(super) fn go_to(&mut self, at: At) -> Result<(), String> {
        let start = self.recording.clocks(0, 1).map(|now| now.at).unwrap_or_default();
        let (events, end_ms) = (self.surveyed.events, self.end_ms());
        let until = || self.recording.clocks(end_ms, events).map_or(start, |now| now.at).format("%H:%M:%SZ");
        let missed = |what: &str| {
            let (from, until) = (start.format("%F %H:%M:%SZ"), until());
            format!("{what}: the session has {events} events from {from} to {until}")
        };
        let (t_ms, seq) = match at {
            At::Seq(seq) => (self.recording.time_of(seq), Some(seq)),
            At::Time(t_ms) => (t_ms, None),
            At::By(ms) => (self.t_ms.saturating_add_signed(ms), None),
            At::Daytime(_) | At::Wall(_) => {
                let wall = if let At::Daytime(time) = at { At::day_of(start, time) } else { self.wall(at) };
                if wall.timestamp() < start.timestamp() {
                    return Err(missed("that is before it began"));
                }
                // The second in which it ended is part of it.
                let last = self.recording.clocks(end_ms, events).map_or(start, |now| now.at);
                let beyond = if wall.timestamp() > last.timestamp() { end_ms.saturating_add(1) } else { 0 };
                (self.recording.time_at(wall).min(end_ms).max(beyond), None)
            }
        };
        let there = seq.map_or(t_ms <= end_ms, |seq| (1..=events).contains(&seq));
        if !there && !self.surveyed.whole {
            self.wanted = Some(at);
            return Ok(());
        }
        self.wanted = None;
        match seq {
            Some(seq) if there => self.place(t_ms, seq),
            Some(seq) => return Err(missed(&format!("there is no event {seq}"))),
            None if there => self.place_at(t_ms),
            None => return Err(missed("that is after its end")),
        }
        Ok(())
    }

    fn wall(&self, at: At) -> chrono::DateTime<chrono::Utc> {
        match at {
            At::Wall(wall) => wall,
            _ => self.now().at,
        }
    }

    /// Somebody moved the playhead.
    fn moved(&mut self) {
        self.following = false;
        self.skipped = None;
        self.wanted = None;
    }

    pub(super) fn place_at(&mut self, t_ms: u64) {
        self.place(t_ms, self.recording.event_at(t_ms));
    }

    fn place_on(&mut self, seq: u64) {
        let seq = seq.clamp(1, self.recording.events().max(1));
        self.place(self.recording.time_of(seq), seq);
    }

    /// Puts the playhead at a moment, of which `seq` is the last event.
    pub(super) fn place(&mut self, t_ms: u64, seq: u64) {
        if seq != self.seq {
            if seq > self.seq && seq - self.seq < EVERY && self.seq > 0 {
                for event in self.recording.events_between(self.seq + 1, seq) {
                    self.state.apply(&event);
                }
            } else {
                self.state = self.recording.state_at(seq);
            }
            self.seq = seq;
            let lies = self.recording.time_of(seq);
            self.event = self.state.last.map_or(self.event, |last| (last, lies));
            self.sampled.telemetry_mut().head = self.recording.head(seq);
        }
        self.t_ms = t_ms;
        self.playhead.store(t_ms, Ordering::Relaxed);
        self.sampled.go_to(t_ms);
        self.tell_outputs();
    }
}
