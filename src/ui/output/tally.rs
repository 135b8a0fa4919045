//! How many lines of an output have what is searched for, and roughly where: what has none need not be looked through
//! again.

use super::scan::Scanned;
use crate::ui::search::Way;

/// How many stretches of the file are told apart.
const SPANS: usize = 4096;

/// Lines counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Stretches of the file one after the other: where each ends, and how many lines it has.
    spans: Vec<(u64, u64)>,
    hits: u64,
    /// The last line has it, and no end yet.
    tail: bool,
    /// The file's length when it was counted to its end.
    seen: u64,
}

impl Tally {
    /// Where to count on, while the file is longer than what was counted.
    #[must_use]
    pub fn wants(&self, total: u64) -> Option<u64> {
        (total > self.seen).then(|| self.upto())
    }

    /// Takes what was seen from where it wanted to go on.
    pub fn take(&mut self, scanned: &Scanned) {
        if scanned.from != self.upto() {
            // The file is another than it was.
            *self = Self::default();
            return;
        }
        self.hits += scanned.hits;
        self.tail = scanned.tail.is_some();
        self.seen = scanned.end.unwrap_or(scanned.to);
        if scanned.to > scanned.from {
            self.spans.push((scanned.to, scanned.hits));
        }
        if self.spans.len() >= SPANS {
            let halved = self.spans.chunks(2).map(|pair| {
                let end = pair.last().map_or(0, |(end, _)| *end);
                (end, pair.iter().map(|(_, hits)| hits).sum())
            });
            self.spans = halved.collect();
        }
    }

    /// How many lines were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.hits + u64::from(self.tail)
    }

    /// Up to which byte was counted.
    #[must_use]
    pub fn upto(&self) -> u64 {
        self.spans.last().map_or(0, |(end, _)| *end)
    }

    /// How far a look from `at` may go at once, because there is nothing up to there.
    #[must_use]
    pub fn skip(&self, at: u64, way: Way) -> u64 {
        let span = |i: usize| (if i == 0 { 0 } else { self.spans[i - 1].0 }, self.spans[i]);
        match way {
            Way::Down => {
                let first = self.spans.partition_point(|(end, _)| *end <= at);
                let empty = (first..self.spans.len()).map(span).take_while(|(_, (_, hits))| *hits == 0);
                empty.last().map_or(at, |(_, (end, _))| end)
            }
            Way::Up if at > self.upto() => at,
            Way::Up => {
                let after = self.spans.partition_point(|(end, _)| *end < at);
                let spans = (0..self.spans.len().min(after + 1)).rev().map(span);
                let empty = spans.take_while(|(_, (_, hits))| *hits == 0);
                empty.last().map_or(at, |(begin, _)| begin)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(hits: &[u64]) -> Tally {
        let mut tally = Tally::default();
        for (i, hits) in hits.iter().enumerate() {
            let from = i as u64 * 100;
            tally.take(&Scanned { from, to: from + 100, hits: *hits, ..Scanned::default() });
        }
        tally
    }

    #[test]
    fn what_has_nothing_is_passed_over_both_ways() {
        let tally = counted(&[0, 0, 3, 0, 0, 1, 0]);
        assert_eq!((tally.count(), tally.upto()), (4, 700));
        assert_eq!(tally.skip(0, Way::Down), 200);
        assert_eq!(tally.skip(150, Way::Down), 200);
        assert_eq!(tally.skip(250, Way::Down), 250);
        assert_eq!(tally.skip(300, Way::Down), 500);
        assert_eq!(tally.skip(650, Way::Down), 700);
        assert_eq!(tally.skip(900, Way::Down), 900, "nothing is known there");
        assert_eq!(tally.skip(700, Way::Up), 600);
        assert_eq!(tally.skip(500, Way::Up), 300);
        assert_eq!(tally.skip(450, Way::Up), 300);
        assert_eq!(tally.skip(200, Way::Up), 0);
        assert_eq!(tally.skip(250, Way::Up), 250);
        assert_eq!(tally.skip(900, Way::Up), 900);
    }

    #[test]
    fn a_file_of_any_size_is_counted_in_little_room() {
        let hits: Vec<u64> = (0..20_000).map(|i| u64::from(i == 12_345)).collect();
        let tally = counted(&hits);
        assert!(tally.spans.len() < SPANS);
        assert_eq!((tally.count(), tally.upto()), (1, 2_000_000));
        let near = tally.skip(0, Way::Down);
        assert!(near <= 1_234_500 && near > 1_200_000, "{near}");
    }

    #[test]
    fn a_last_line_without_an_end_counts_once() {
        let tail = super::super::scan::Found { at: 90, bytes: b"x".to_vec(), stderr: false };
        let mut tally = Tally::default();
        tally.take(&Scanned { to: 90, hits: 2, tail: Some(tail), end: Some(95), ..Scanned::default() });
        assert_eq!((tally.count(), tally.wants(95), tally.wants(120)), (3, None, Some(90)));
        tally.take(&Scanned { from: 90, to: 120, hits: 1, end: Some(120), ..Scanned::default() });
        assert_eq!((tally.count(), tally.wants(120)), (3, None));
    }
}
