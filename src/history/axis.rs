//! Session time: one line from the first event on, over every boot. Inside a boot it is the boot clock, which neither
//! jumps nor sleeps; between two boots only the wall clock can tell, and it never leads back.

use chrono::TimeDelta;

use crate::clock::Now;
use crate::event::{Event, EventKind};

/// Where every moment of a session lies, in milliseconds since its first event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// One for each boot, in order; none before the first event.
    boots: Vec<Boot>,
    /// The last event's clocks, and where it lies.
    last: Option<(Now, u64)>,
}

/// A boot of the machine, as far as the session ran in it.
#[derive(Debug, Clone, PartialEq)]
struct Boot {
    /// Its first event.
    seq: u64,
    /// Where that lies, and its boot clock.
    t_ms: u64,
    up_ms: u64,
    id: Option<String>,
}

impl Axis {
    /// The axis of these events.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut axis = Self::default();
        for event in events {
            axis.push(event);
        }
        axis
    }

    /// Takes the next event, and says where it lies.
    pub fn push(&mut self, event: &Event) -> u64 {
        let t_ms = self.place(event);
        self.last = Some((event.now(), t_ms));
        t_ms
    }

    fn place(&mut self, event: &Event) -> u64 {
        let id = match &event.event {
            EventKind::EngineStarted { boot_id, .. } => Some(boot_id.clone()),
            _ => None,
        };
        let Some((last, last_ms)) = self.last else {
            self.boots.push(Boot { seq: event.seq, t_ms: 0, up_ms: event.up_ms, id });
            return 0;
        };
        let Some(boot) = self.boots.last_mut() else { return last_ms };
        let anew = id.as_ref().zip(boot.id.as_ref()).is_some_and(|(new, known)| new != known);
        if anew {
            let passed = (event.at - last.at).num_milliseconds();
            let t_ms = last_ms + u64::try_from(passed).unwrap_or(0);
            self.boots.push(Boot { seq: event.seq, t_ms, up_ms: event.up_ms, id });
            return t_ms;
        }
        boot.id = boot.id.take().or(id);
        boot.t_ms.saturating_add(event.up_ms.saturating_sub(boot.up_ms)).max(last_ms)
    }

    /// Where the last event lies: how long the session is so far.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.last.map_or(0, |(_, t_ms)| t_ms)
    }

    /// Where a reading of the boot clock lies that was taken while `after` was the last event's number, as a line of
    /// telemetry is; and the boot's name.
    #[must_use]
    pub fn of_up_ms(&self, up_ms: u64, after: u64) -> (u64, Option<&str>) {
        let boot = self.boots.iter().rev().find(|boot| boot.seq <= after).or_else(|| self.boots.first());
        let Some(boot) = boot else { return (0, None) };
        // A sample may be older than the first event of its boot: only a resume's first looks are.
        let t_ms = (boot.t_ms + up_ms).saturating_sub(boot.up_ms);
        (t_ms, boot.id.as_deref())
    }

    /// The clocks `later_ms` after an event's.
    #[must_use]
    pub fn after(event: Now, later_ms: u64) -> Now {
        let later = TimeDelta::milliseconds(i64::try_from(later_ms).unwrap_or(i64::MAX));
        let at = event.at.checked_add_signed(later).unwrap_or(event.at);
        Now { at, up_ms: event.up_ms.saturating_add(later_ms) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::event::By;

    fn event(seq: u64, at_s: i64, up_ms: u64, event: EventKind) -> Event {
        let at = DateTime::from_timestamp(at_s, 0).expect("a time");
        Event { seq, at, up_ms, by: By::ENGINE, event }
    }

    fn starts(boot: &str) -> EventKind {
        let (boot_id, version) = (boot.to_owned(), String::new());
        EventKind::EngineStarted { boot_id, version, pid: 1, recovered: Vec::new() }
    }

    #[test]
    fn inside_a_boot_the_boot_clock_counts_and_between_two_the_wall_clock() {
        let events = [
            event(1, 1_000, 50_000, EventKind::Paused),
            event(2, 1_000, 50_001, starts("one")),
            // The wall clock jumps back by an hour, and nothing lies before what came before.
            event(3, -2_600, 60_000, EventKind::Paused),
            // The same boot, another engine.
            event(4, -2_590, 70_000, starts("one")),
            event(5, -2_000, 300, starts("two")),
            event(6, -1_999, 1_300, EventKind::Paused),
        ];
        let mut axis = Axis::default();
        let places: Vec<_> = events.iter().map(|event| axis.push(event)).collect();
        assert_eq!(places, [0, 1, 10_000, 20_000, 610_000, 611_000]);
        assert_eq!(axis.end_ms(), 611_000);
        assert_eq!(axis, Axis::of(&events));
        assert_eq!(axis.of_up_ms(65_000, 3), (15_000, Some("one")));
        assert_eq!(axis.of_up_ms(800, 5), (610_500, Some("two")));
        assert_eq!(axis.of_up_ms(200, 5), (609_900, Some("two")), "before the boot's first event");
        assert_eq!(Axis::default().of_up_ms(5, 1), (0, None));
    }
}
