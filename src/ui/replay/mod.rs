//! A recording as the screen shows it beside the state at its playhead: where the playhead stands, what is listed, what
//! came next. Made anew from the player when that moved; the screen draws it without effects.

mod filter;
pub mod moment;

pub use filter::Filter;
pub use moment::Moment;

use std::sync::Arc;

use crate::clock::Now;
use crate::event::Event;
use crate::history::Timeline;
use crate::replay::Way;

use super::theme::Mark;

/// What is known of a recording, with its playhead somewhere in it.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Where the playhead stands: session time, and the last event at or before it.
    pub cursor_ms: u64,
    pub seq: u64,
    pub play: Play,
    /// When the first event happened.
    pub from: Now,
    /// How far the recording goes, as far as it is read.
    pub end_ms: u64,
    pub events: u64,
    pub record: Record,
    pub timeline: Arc<Timeline>,
    pub list: List,
    /// What is known of the event at the playhead; `None` before the first.
    pub moment: Option<Arc<Moment>>,
    /// `None` where nobody asked.
    pub what_if: Option<Arc<WhatIf>>,
}

/// What is known of a recording from elsewhere than its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Whether somebody sealed it.
    pub seal: Option<String>,
    pub what_if: Option<WhatIf>,
}

/// What would have gone another way under other limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// When, in session time.
    pub at_ms: Vec<u64>,
    /// All of it, line by line.
    pub table: String,
}

/// How it plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Play {
    pub playing: bool,
    /// Times as fast as it was.
    pub speed: u32,
    pub skips_idle: bool,
}

/// What the record is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `chain ok 388/388`, or what is wrong with it.
    pub verdict: (Mark, String),
    /// Whether somebody sealed it; `None` where that is not known.
    pub seal: Option<String>,
    /// Who drove first, and on which host.
    pub by: String,
    /// An engine writes to it still.
    pub live: bool,
}

/// The events that are listed round the playhead.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// In the order of the log.
    pub events: Vec<Arc<Event>>,
    /// How many there are in all; `None` while they are being looked for.
    pub count: Option<u64>,
}

/// What a key does to a playhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    Play,
    Faster,
    Slower,
    SkipIdle,
    /// By one event.
    Event(Way),
    Minute(Way),
    Stage(Way),
    Failure(Way),
    /// To a decision or a note.
    Mark(Way),
    Tenth(u8),
    /// By so many of the events that are listed.
    Listed(isize),
    /// To the event of that number.
    To(u64),
    First,
    Last,
}
