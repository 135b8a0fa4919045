//! A recording on the screen: keys move its player, and what its own panels show is made anew when the playhead has
//! moved. What looks through the whole log runs beside the loop.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::lists;
use super::replay::{Beside, Filter, List, Moment, Play, Record, Replay, Steer, moment};
use super::search::Search;
use super::theme::Mark;
use super::view::{Pane, View};
use crate::clock::Now;
use crate::event::{By, describe};
use crate::history::{BandKind, Decision, MarkKind};
use crate::replay::{Chain, Player, Recording, Surveyed, Way};
use crate::session::StageStatus;

/// How often the playhead moves while it plays: as often as a frame may be drawn.
const PLAYING: Duration = Duration::from_millis(66);
/// How often is looked whether more of the log was read.
const READING: Duration = Duration::from_millis(200);
/// The same once all of it was.
const STILL: Duration = Duration::from_secs(1);

/// How many events are looked through at once.
const BATCH: u64 = 8_192;

/// How many events are shown on either side of the playhead, where no filter says which.
const AROUND: usize = 4;

/// A minute, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// A recording, its player, and what the screen shows of both.
#[derive(Debug)]
pub struct Recorded {
    pub player: Player,
    pub replay: Replay,
    listing: Listing,
    /// What the list was made for.
    listed: Option<(u64, u64, usize)>,
}

/// The events that a filter leaves.
#[derive(Debug, Default)]
struct Listing {
    filter: Filter,
    /// Their numbers, in order.
    found: Vec<u64>,
    /// The last event that was looked at.
    upto: u64,
    /// Somebody is looking.
    looking: bool,
    /// Counts the filters; what was found for an older one is passed over.
    number: u64,
}

/// Events to look through for a filter, beside the loop.
#[derive(Debug)]
pub struct Look {
    recording: Arc<Recording>,
    filter: Filter,
    among: RangeInclusive<u64>,
    number: u64,
}

/// What a [`Look`] found.
#[derive(Debug)]
pub struct Listed {
    found: Vec<u64>,
    upto: u64,
    number: u64,
}

/// Every event that is listed, to be written down beside the loop.
#[derive(Debug)]
pub struct Everything {
    recording: Arc<Recording>,
    filter: Filter,
    /// Those that the filter leaves among the first events ...
    found: Vec<u64>,
    /// ... up to this one: the others are still to be looked at.
    upto: u64,
}

/// How many events are written down at the most.
const WRITTEN: u64 = 100_000;

/// An event that is searched for, beside the loop.
#[derive(Debug)]
pub struct Hunt {
    recording: Arc<Recording>,
    filter: Filter,
    search: Search,
    from: u64,
    way: Way,
}

impl Recorded {
    /// A recording with its playhead where the player has it.
    #[must_use]
    pub fn new(player: Player, beside: Beside) -> Self {
        let recording = player.recording();
        let from = recording.clocks(0, 1).unwrap_or_else(|| player.now());
        let replay = Replay {
            cursor_ms: 0,
            seq: 0,
            play: Play { playing: false, speed: 1, skips_idle: false },
            from,
            end_ms: 0,
            events: 0,
            record: Record {
                verdict: (Mark::Pending, String::new()),
                by: String::new(),
                seal: beside.seal,
                live: false,
            },
            timeline: Arc::default(),
            list: List::default(),
            moment: None,
            what_if: beside.what_if.map(Arc::new),
        };
        let mut recorded = Self { player, replay, listing: Listing::default(), listed: None };
        recorded.look();
        recorded
    }

    /// How soon it is to be turned again.
    #[must_use]
    pub fn turns_in(&self) -> Duration {
        if self.player.is_playing() {
            PLAYING
        } else if self.player.surveyed().whole {
            STILL
        } else {
            READING
        }
    }

    /// Real time has passed; whether there is anything new to show. A screen has no time finer than a second.
    pub fn turn(&mut self, clock: Now) -> bool {
        let shown = self.shown();
        let news = self.player.turn(clock.up_ms) && self.shown() != shown;
        if news {
            self.look();
        }
        news
    }

    /// What a screen can tell apart.
    fn shown(&self) -> (u64, i64, bool, Surveyed) {
        let player = &self.player;
        (player.seq(), player.now().at.timestamp(), player.is_playing(), player.surveyed().clone())
    }

    /// Moves the playhead as a key says; a sentence where it cannot.
    pub fn steer(&mut self, steer: Steer) -> Option<&'static str> {
        let player = &mut self.player;
        let mut missed = None;
        match steer {
            Steer::Play if player.is_playing() => player.pause(),
            Steer::Play => {
                if player.is_at_end() && !player.surveyed().live {
                    player.to_start();
                }
                player.play();
            }
            Steer::Faster => player.faster(),
            Steer::Slower => player.slower(),
            Steer::SkipIdle => player.set_skip_idle(!player.skips_idle()),
            Steer::Event(way) => player.step(if way == Way::Forward { 1 } else { -1 }),
            Steer::Minute(way) => player.move_by(if way == Way::Forward { MINUTE_MS } else { -MINUTE_MS }),
            Steer::Stage(way) => missed = self.seek_stage(way),
            Steer::Failure(way) => {
                let mark = player.to_mark(way, |mark| mark.is(MarkKind::Failure));
                missed = mark.is_none().then(|| said(way, "no failure after this", "no failure before this"));
            }
            Steer::Mark(way) => {
                let mark = player.to_mark(way, |mark| mark.is(MarkKind::Decision) || mark.is(MarkKind::Note));
                missed = mark.is_none().then(|| {
                    said(way, "no decision and no note after this", "no decision and no note before this")
                });
            }
            Steer::Tenth(tenth) => player.to_tenth(tenth),
            Steer::Listed(by) => self.by_listed(by),
            Steer::To(seq) => self.seek_listed(seq),
            Steer::First => self.seek_listed(self.listing.found.first().copied().unwrap_or(1)),
            Steer::Last if self.listing.filter.is_all() => player.to_end(),
            Steer::Last => self.seek_listed(self.listing.found.last().copied().unwrap_or(u64::MAX)),
        }
        self.look();
        missed
    }

    fn seek_stage(&mut self, way: Way) -> Option<&'static str> {
        let timeline = self.player.recording().timeline();
        let mut begins = timeline.bands.iter().filter_map(|band| match band.kind {
            BandKind::Stage { status: StageStatus::Active | StageStatus::RollingBack, .. } => {
                Some(band.from_ms)
            }
            _ => None,
        });
        let here = self.player.t_ms();
        let there = match way {
            Way::Forward => begins.find(|from_ms| *from_ms > here),
            Way::Back => begins.rfind(|from_ms| *from_ms < here),
        };
        match there {
            Some(from_ms) => self.player.to_time(from_ms),
            None => return Some(said(way, "no stage begins after this", "no stage began before this")),
        }
        None
    }

    /// Goes by so many of the events that are listed.
    fn by_listed(&mut self, by: isize) {
        if self.listing.filter.is_all() {
            let by = i64::try_from(by).unwrap_or(0);
            return self.player.step(by);
        }
        let found = &self.listing.found;
        let seq = self.player.seq();
        // From between two of them, one on is to the later.
        let at = found.partition_point(|one| *one < seq);
        let there = found.get(at) == Some(&seq);
        let at = if by > 0 && !there { at.wrapping_sub(1) } else { at };
        let to = at.wrapping_add_signed(by);
        let to = if by > 0 {
            to.min(found.len().saturating_sub(1))
        } else if to > at {
            0
        } else {
            to
        };
        if let Some(seq) = found.get(to).copied() {
            self.seek_listed(seq);
        }
    }

    fn seek_listed(&mut self, seq: u64) {
        self.player.to_event(seq);
    }

    /// Goes to an event that was found.
    pub fn go_to(&mut self, seq: u64) {
        self.player.to_event(seq);
        self.look();
    }

    /// Looks at what the player has now.
    fn look(&mut self) {
        let moment = self.replay.moment.take().filter(|moment| moment.event.seq == self.player.seq());
        let moment = moment.or_else(|| self.moment().map(Arc::new));
        let player = &self.player;
        let recording = player.recording();
        let surveyed = player.surveyed();
        let replay = &mut self.replay;
        replay.play =
            Play { playing: player.is_playing(), speed: player.speed(), skips_idle: player.skips_idle() };
        (replay.cursor_ms, replay.end_ms, replay.events) = (player.t_ms(), player.end_ms(), surveyed.events);
        replay.timeline = recording.timeline();
        let mark = match &surveyed.chain {
            Chain::Holds => Mark::Ok,
            Chain::Reading => Mark::Pending,
            Chain::Torn { .. } => Mark::Warn,
            Chain::Broken { .. } | Chain::Unreadable { .. } => Mark::Fail,
        };
        replay.record.verdict = (mark, surveyed.sentence());
        replay.record.live = surveyed.live;
        if replay.record.by.is_empty()
            && let Some(mark) = replay.timeline.marks.iter().find(|mark| mark.by.is_some())
        {
            let host = &recording.opened().host.name;
            replay.record.by = format!("{}@{host}", mark.by.as_deref().unwrap_or_default());
        }
        replay.seq = player.seq();
        replay.moment = moment.map(|mut moment| {
            // More of the log may have been read since.
            let next = moment::next(&replay.timeline, &moment.event, moment.t_ms);
            if next != moment.next {
                Arc::make_mut(&mut moment).next = next;
            }
            moment
        });
    }

    fn moment(&self) -> Option<Moment> {
        let (player, recording) = (&self.player, self.player.recording());
        let event = player.event()?;
        let t_ms = recording.time_of(event.seq);
        let person = matches!(event.by, By::Person(_));
        let before = || recording.state_at(event.seq - 1);
        let decision = person.then(|| Decision::of(&event, &before())).flatten();
        let hash = |seq| recording.head(seq).and_then(|head| Some(head.split_once(':')?.1.to_owned()));
        let prev = if event.seq > 1 { hash(event.seq - 1) } else { Some("none".to_owned()) };
        let hashes = prev.zip(hash(event.seq));
        let next = moment::next(&recording.timeline(), &event, t_ms);
        Some(Moment { event, t_ms, decision, hashes, next })
    }

    /// Lists the events round the playhead; what is still to be looked through for it, where a filter says which.
    pub fn list(&mut self, view: &View) -> Option<Look> {
        if self.listing.filter != view.filter {
            let number = self.listing.number + 1;
            self.listing = Listing { filter: view.filter.clone(), number, ..Listing::default() };
            self.listed = None;
        }
        let rows = view.rows(Pane::Events).max(AROUND);
        let recording = self.player.recording();
        let (seq, events) = (self.player.seq(), self.player.surveyed().events);
        let listing = &mut self.listing;
        if listing.filter.is_all() {
            let made_for = (seq, events.min(seq + rows as u64), rows);
            if self.listed.replace(made_for) != Some(made_for) {
                let list =
                    recording.events_between(seq.saturating_sub(rows as u64).max(1), seq + rows as u64);
                self.replay.list = List { events: list, count: Some(events) };
            }
            self.replay.list.count = Some(events);
            return None;
        }
        let made_for = (seq, listing.upto, rows);
        if self.listed.replace(made_for) != Some(made_for) {
            let at = listing.found.partition_point(|one| *one <= seq);
            let near = at.saturating_sub(rows)..(at + rows).min(listing.found.len());
            let list = listing.found[near].iter().filter_map(|seq| recording.event(*seq)).collect();
            let count = (listing.upto >= events).then_some(listing.found.len() as u64);
            self.replay.list = List { events: list, count };
        }
        if listing.looking || listing.upto >= events {
            return None;
        }
        listing.looking = true;
        let among = listing.upto + 1..=events.min(listing.upto + BATCH);
        let (filter, number) = (listing.filter.clone(), listing.number);
        Some(Look { recording: Arc::clone(recording), filter, among, number })
    }

    /// Takes what was found for the list.
    pub fn listed(&mut self, listed: Listed) {
        if listed.number == self.listing.number {
            self.listing.looking = false;
            self.listing.found.extend(listed.found);
            self.listing.upto = listed.upto;
        }
    }

    /// Every event that the view's filter leaves.
    #[must_use]
    pub fn everything(&self, view: &View) -> Everything {
        let (recording, filter) = (Arc::clone(self.player.recording()), view.filter.clone());
        let known = Some(&self.listing).filter(|listing| listing.filter == filter);
        let (found, upto) = known.map_or((Vec::new(), 0), |known| (known.found.clone(), known.upto));
        Everything { recording, filter, found, upto }
    }

    /// The event that the view's search looks for next.
    #[must_use]
    pub fn hunt(&self, view: &View, way: Way) -> Option<Hunt> {
        let (recording, filter) = (Arc::clone(self.player.recording()), view.filter.clone());
        let search = view.sift(Pane::Events).search.clone()?;
        Some(Hunt { recording, filter, search, from: self.player.seq(), way })
    }
}

fn said(way: Way, after: &'static str, before: &'static str) -> &'static str {
    if way == Way::Forward { after } else { before }
}

impl Look {
    /// Looks through the events; it reads the log.
    #[must_use]
    pub fn look(self) -> Listed {
        let Self { recording, filter, among, number } = self;
        let events = recording.events_between(*among.start(), *among.end());
        let found = events.iter().filter(|event| filter.lists(event)).map(|event| event.seq).collect();
        Listed { found, upto: *among.end(), number }
    }
}

impl Everything {
    /// A line for each event; it reads the log, all that is there of it.
    #[must_use]
    pub fn lines(self) -> Vec<String> {
        let Self { recording, filter, mut found, upto } = self;
        recording.wait_until_surveyed();
        let events = recording.events();
        let (shown, count) = if filter.is_all() {
            (recording.events_between(1, events.min(WRITTEN)), events)
        } else {
            let mut at = upto;
            while at < events {
                let among = at + 1..=events.min(at + BATCH);
                at = *among.end();
                let look =
                    Look { recording: Arc::clone(&recording), filter: filter.clone(), among, number: 0 };
                found.extend(look.look().found);
            }
            let first = found.iter().take(usize::try_from(WRITTEN).unwrap_or(usize::MAX));
            (first.filter_map(|seq| recording.event(*seq)).collect(), found.len() as u64)
        };
        let more = count.saturating_sub(WRITTEN);
        let lines = shown.iter().map(|event| lists::event(event));
        lines.chain((more > 0).then(|| format!("and {more} more"))).collect()
    }
}

impl Hunt {
    /// Looks for the event, on to the end of the log or back to its beginning; it reads the log.
    #[must_use]
    pub fn hunt(self) -> Option<u64> {
        let Self { recording, filter, search, from, way } = self;
        let hit = |event: &std::sync::Arc<crate::event::Event>| {
            filter.lists(event) && search.found_in(&describe(event)).next().is_some()
        };
        let last = recording.events();
        let mut at = from;
        loop {
            let (low, high) = match way {
                Way::Forward if at < last => (at + 1, last.min(at + BATCH)),
                Way::Back if at > 1 => (at.saturating_sub(BATCH).max(1), at - 1),
                _ => return None,
            };
            let events = recording.events_between(low, high);
            let found = match way {
                Way::Forward => events.iter().find(|event| hit(event)),
                Way::Back => events.iter().rev().find(|event| hit(event)),
            };
            if let Some(event) = found {
                return Some(event.seq);
            }
            at = if way == Way::Forward { high } else { low };
        }
    }
}
