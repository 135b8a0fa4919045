//! What is searched for in a panel, and which of its rows are kept: each panel has its own.

use super::search::Search;

/// A panel's search and filter.
#[derive(Debug, Clone, Default)]
pub struct Sift {
    /// What `n` and `N` go through.
    pub search: Option<Search>,
    /// Rows without it are not shown.
    pub filter: Option<Search>,
}

/// No search and no filter.
pub const NONE: &Sift = &Sift { search: None, filter: None };

/// How many of a panel's rows are what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub rows: usize,
    pub kept: usize,
    /// Of those that are kept.
    pub found: usize,
}

impl Sift {
    /// Whether everything is shown as it is.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.search.is_none() && self.filter.is_none()
    }

    /// Whether a row with these words is shown.
    #[must_use]
    pub fn keeps(&self, words: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_in(words))
    }

    /// The rows that are shown, by the words that each has.
    pub fn keep<T>(&self, mut rows: Vec<T>, words: impl Fn(&T) -> String) -> Vec<T> {
        if self.filter.is_some() {
            rows.retain(|row| self.keeps(&words(row)));
        }
        rows
    }

    /// Counts the rows that have these words.
    pub fn tally(&self, rows: impl Iterator<Item = String>) -> Tally {
        let mut tally = Tally::default();
        for words in rows {
            tally.rows += 1;
            if self.keeps(&words) {
                tally.kept += 1;
                tally.found += usize::from(self.search.as_ref().is_some_and(|search| search.is_in(&words)));
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_counts_among_what_the_filter_keeps() {
        let rows = || ["web OK", "db FAIL", "dns FAIL late"].map(str::to_owned).into_iter();
        let mut sift = Sift::default();
        assert!(sift.is_none());
        assert_eq!(sift.tally(rows()), Tally { rows: 3, kept: 3, found: 0 });
        sift.filter = Search::new("fail");
        sift.search = Search::new("d");
        assert_eq!(sift.tally(rows()), Tally { rows: 3, kept: 2, found: 2 });
        sift.search = Search::new("LATE");
        assert_eq!(sift.tally(rows()).found, 0, "capitals are meant");
        assert_eq!(sift.keep(rows().collect(), Clone::clone), ["db FAIL", "dns FAIL late"]);
    }
}
