//! The lines of an output that a filter keeps, as far as they lie round what is on the screen: never all of them.

use std::collections::VecDeque;

use super::Anchor;
use super::scan::{BUDGET, Found, Scanned};
use crate::ui::search::Way;

/// How many lines are kept on either side of what is shown.
const AROUND: usize = 512;

/// A window onto the lines that are kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// From the first byte that was looked at to the last; `None` before anything was.
    looked: Option<(u64, u64)>,
    /// Every line in between that is kept.
    lines: VecDeque<Found>,
    /// The file's last line where it is kept and has no end yet.
    tail: Option<Found>,
    /// The file's length as far as it was looked at.
    seen: u64,
}

impl Kept {
    /// How many lines are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len() + usize::from(self.tail.is_some())
    }

    /// A line that is here.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&Found> {
        self.lines.get(i).or(self.tail.as_ref().filter(|_| i == self.lines.len()))
    }

    /// The first line that begins at `at` or after it.
    #[must_use]
    pub fn line_from(&self, at: u64) -> usize {
        let before = self.lines.partition_point(|line| line.at < at);
        before
            + usize::from(before == self.lines.len() && self.tail.as_ref().is_some_and(|tail| tail.at < at))
    }

    /// Whether it was looked at what is there.
    #[must_use]
    pub fn covers(&self, at: u64) -> bool {
        self.looked.is_some_and(|(from, to)| from <= at && at < to.max(self.seen))
    }

    /// The byte up to which was looked at.
    #[must_use]
    pub fn upto(&self) -> u64 {
        self.looked.map_or(0, |(_, to)| to)
    }

    /// Whether the file was looked at to its end.
    #[must_use]
    pub fn reaches(&self, total: u64) -> bool {
        self.seen >= total
    }

    /// From where and which way to look next, so that `rows` lines round the anchor are here; `None` while they are.
    /// `total` is the file's length.
    #[must_use]
    pub fn wanted(&self, anchor: Anchor, rows: usize, total: u64) -> Option<(u64, Way)> {
        let start = match anchor {
            Anchor::Follow => total,
            Anchor::At(at) => at.min(total),
        };
        let Some((from, to)) = self.looked else { return (total > 0).then_some((start, Way::Down)) };
        let ready = (2 * rows).min(AROUND);
        let away = match anchor {
            // Where much came at once, or the end was far away, it is begun at the end anew.
            Anchor::Follow => total.saturating_sub(to) > 4 * BUDGET,
            Anchor::At(_) => start < from || start > to.max(self.seen),
        };
        if away {
            return Some((start, Way::Down));
        }
        let (above, below) = match anchor {
            Anchor::Follow => (self.len(), 0),
            Anchor::At(at) => (self.line_from(at), self.len() - self.line_from(at)),
        };
        if below < ready && !self.reaches(total) {
            Some((to, Way::Down))
        } else if above < ready && from > 0 {
            Some((from, Way::Up))
        } else {
            None
        }
    }

    /// Takes what was seen from where it was wanted.
    pub fn take(&mut self, scanned: Scanned, way: Way, anchor: Anchor) {
        let (from, to) = (scanned.from, scanned.to);
        match (way, self.looked) {
            (Way::Down, Some((first, last))) if last == from => {
                self.looked = Some((first, to));
                self.lines.extend(scanned.lines);
                self.end(scanned.tail, scanned.end.unwrap_or(to));
            }
            (Way::Up, Some((first, last))) if first == to => {
                self.looked = Some((from, last));
                for line in scanned.lines.into_iter().rev() {
                    self.lines.push_front(line);
                }
            }
            (Way::Down, _) => {
                self.looked = Some((from, to));
                self.lines = scanned.lines.into();
                self.end(scanned.tail, scanned.end.unwrap_or(to));
            }
            // It was asked for before the window went elsewhere.
            (Way::Up, _) => {}
        }
        self.trim(anchor);
    }

    fn end(&mut self, tail: Option<Found>, seen: u64) {
        (self.tail, self.seen) = (tail, seen);
    }

    /// Drops what lies far from what is shown.
    fn trim(&mut self, anchor: Anchor) {
        let Some((from, to)) = &mut self.looked else { return };
        let shown = match anchor {
            Anchor::Follow => self.lines.len(),
            Anchor::At(at) => self.lines.partition_point(|line| line.at < at),
        };
        if let Some(line) = self.lines.get(shown + AROUND) {
            (*to, self.seen, self.tail) = (line.at, line.at, None);
            self.lines.truncate(shown + AROUND);
        }
        if let Some(first) = shown.checked_sub(AROUND).filter(|first| *first > 0) {
            self.lines.drain(..first);
            // What lies before the first line that is left is looked at again when it is wanted.
            *from = self.lines.front().map_or(*to, |line| line.at);
        }
    }
}
