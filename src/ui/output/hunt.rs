//! What is looked for in an output beside the loop: the next place of a search, the lines that a filter keeps, and how
//! many there are of both. One look at a time; what is newest and nearest to the screen goes first.

use super::kept::Kept;
use super::scan::{Scan, Scanned};
use super::tally::Tally;
use super::{Output, Source};
use crate::ui::search::{Search, Way};
use crate::ui::sift::Sift;

/// What is searched for and kept in an output, and what is known of both.
#[derive(Debug, Default)]
pub struct Sifted {
    filter: Option<Search>,
    search: Option<Search>,
    pub(super) kept: Kept,
    kept_tally: Tally,
    found_tally: Tally,
    hunt: Option<Hunt>,
    /// Counts what was asked for: an answer to something older is passed over.
    number: u64,
}

/// The next place of a search, on its way.
#[derive(Debug, Clone, Copy)]
struct Hunt {
    way: Way,
    /// It was looked through up to here.
    at: u64,
    /// The line on top when it began, which is none that it is for.
    top: u64,
}

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Hunt,
    Kept,
    KeptTally,
    FoundTally,
}

/// A look that is to be taken beside the loop.
#[derive(Debug)]
pub struct Look {
    purpose: For,
    number: u64,
    /// Where it goes on from; the scan begins later where there is known to be nothing in between.
    at: u64,
    scan: Scan,
}

/// What a look saw.
#[derive(Debug)]
pub struct Looked {
    purpose: For,
    number: u64,
    source: Source,
    way: Way,
    scanned: Scanned,
}

impl Look {
    /// Looks, and says for what.
    pub async fn run(self, reader: &crate::feed::OutputReader) -> Looked {
        let Self { purpose, number, at, scan } = self;
        let (source, way, from) = (scan.source.clone(), scan.way, scan.from);
        let mut scanned = scan.run(reader).await;
        match way {
            _ if from == at => {}
            Way::Down => scanned.from = at,
            Way::Up => scanned.to = at,
        }
        Looked { purpose, number, source, way, scanned }
    }
}

/// How a look went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// Something else is asked for by now.
    Nowhere,
    On,
    /// The next place is on the screen.
    Found,
    /// There is no further place that way.
    Missed(Way),
}

/// What is known of a search or a filter: how many lines have it, and whether all were counted, else how much of the
/// file was in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub lines: u64,
    pub counted: Option<u64>,
}

impl Sifted {
    /// The same asked for, and nothing known of it.
    pub(super) fn anew(&self) -> Self {
        let (filter, search) = (self.filter.clone(), self.search.clone());
        Self { filter, search, number: self.number + 1, ..Self::default() }
    }
}

impl Output {
    /// Whether only some lines are shown.
    pub(super) fn is_filtered(&self) -> bool {
        self.sifted.filter.is_some()
    }

    /// Searches and filters for what the view says from now on.
    pub fn sift(&mut self, sift: &Sift) {
        let sifted = &mut self.sifted;
        let (filter, search) = (sift.filter.as_ref(), sift.search.as_ref());
        if sifted.filter.as_ref() != filter {
            let number = sifted.number + 1;
            *sifted =
                Sifted { filter: filter.cloned(), search: search.cloned(), number, ..Sifted::default() };
        } else if sifted.search.as_ref() != search {
            (sifted.search, sifted.found_tally, sifted.hunt) = (search.cloned(), Tally::default(), None);
            sifted.number += 1;
        }
    }

    /// Goes to the next place of what is searched for; what was under way is given up.
    pub fn hunt(&mut self, way: Way, rows: usize) {
        if self.source.is_none() {
            return;
        }
        let top = self.top(rows);
        // The last screen counts as not seen yet: the newest match may be on it.
        let at = if way == Way::Up && self.unseen().is_none() { self.total } else { top };
        self.sifted.hunt = Some(Hunt { way, at, top });
        self.sifted.number += 1;
    }

    /// What to look at next, so that what is asked for is here; `None` where all of it is.
    #[must_use]
    pub fn look(&self, rows: usize) -> Option<Look> {
        let (source, sifted) = (self.source.clone()?, &self.sifted);
        let total = self.total;
        let filter = sifted.filter.iter();
        let both = || filter.clone().chain(&sifted.search).cloned().collect::<Vec<_>>();
        let look = |purpose, sieve: Vec<Search>, tally: Option<&Tally>, (at, way), enough| {
            let from = tally.map_or(at, |tally| tally.skip(at, way));
            let scan = Scan { source: source.clone(), sieve, from, way, total, enough };
            Some(Look { purpose, number: sifted.number, at, scan })
        };
        if let Some(Hunt { way, at, .. }) = sifted.hunt.filter(|_| sifted.search.is_some()) {
            return look(For::Hunt, both(), Some(&sifted.found_tally), (at, way), Some(1));
        }
        if sifted.filter.is_some() {
            let only = || filter.clone().cloned().collect::<Vec<_>>();
            if let Some((from, way)) = sifted.kept.wanted(self.anchor, rows, total) {
                return look(For::Kept, only(), Some(&sifted.kept_tally), (from, way), Some(rows.max(1)));
            }
            if let Some(from) = sifted.kept_tally.wants(total) {
                return look(For::KeptTally, only(), None, (from, Way::Down), None);
            }
        }
        let from = sifted.found_tally.wants(total).filter(|_| sifted.search.is_some())?;
        look(For::FoundTally, both(), None, (from, Way::Down), None)
    }

    /// Takes what a look saw.
    pub fn looked(&mut self, looked: Looked) -> Went {
        let Looked { purpose, number, source, way, scanned } = looked;
        if number != self.sifted.number || self.source.as_ref() != Some(&source) {
            return Went::Nowhere;
        }
        let sifted = &mut self.sifted;
        match purpose {
            For::Kept => sifted.kept.take(scanned, way, self.anchor),
            For::KeptTally => sifted.kept_tally.take(&scanned),
            For::FoundTally => sifted.found_tally.take(&scanned),
            For::Hunt => {
                let Some(hunt) = &mut sifted.hunt else { return Went::Nowhere };
                let line = match way {
                    Way::Down => {
                        let mut lines = scanned.lines.iter().chain(&scanned.tail);
                        lines.find(|line| line.at > hunt.top)
                    }
                    Way::Up => scanned.lines.last(),
                };
                if let Some(at) = line.map(|line| line.at) {
                    sifted.hunt = None;
                    self.anchor_at(at);
                    return Went::Found;
                }
                if scanned.end.is_some() {
                    sifted.hunt = None;
                    return Went::Missed(way);
                }
                hunt.at = if way == Way::Down { scanned.to } else { scanned.from };
            }
        }
        Went::On
    }

    /// How many lines the filter keeps.
    #[must_use]
    pub fn kept_count(&self) -> Option<Count> {
        self.sifted.filter.as_ref().map(|_| self.count(&self.sifted.kept_tally))
    }

    /// How many lines have what is searched for, among those that are kept.
    #[must_use]
    pub fn found_count(&self) -> Option<Count> {
        self.sifted.search.as_ref().map(|_| self.count(&self.sifted.found_tally))
    }

    /// Up to where the next place was looked for so far, in hundredths of the file; `None` while none is.
    #[must_use]
    pub fn hunting(&self) -> Option<u64> {
        self.sifted.hunt.map(|hunt| self.hundredths(hunt.at))
    }

    /// Where in the file lines are looked for that the filter keeps, in hundredths; `None` while enough of them are here.
    #[must_use]
    pub fn keeping(&self, rows: usize) -> Option<u64> {
        let wanted = self.sifted.kept.wanted(self.anchor, rows, self.total);
        wanted.filter(|_| self.is_filtered()).map(|(from, _)| self.hundredths(from))
    }

    fn count(&self, tally: &Tally) -> Count {
        let counted = tally.wants(self.total).map(|upto| self.hundredths(upto));
        Count { lines: tally.count(), counted }
    }

    /// How far into the file a byte lies, in hundredths.
    pub(super) fn hundredths(&self, at: u64) -> u64 {
        (u128::from(at) * 100).checked_div(u128::from(self.total)).map_or(0, |part| part.min(100) as u64)
    }
}
