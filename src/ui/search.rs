//! Searching in an output file of any size: piece by piece, from a place onwards or backwards.

use regex::bytes::{Regex, RegexBuilder};

use super::output::{PIECE, Source};
use crate::feed::OutputReader;

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    pub words: String,
    pattern: Regex,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Down,
    Up,
}

impl Search {
    /// A search for these words as they are; small letters find capitals too.
    #[must_use]
    pub fn new(words: &str) -> Option<Self> {
        let any_case = !words.chars().any(char::is_uppercase);
        let pattern = RegexBuilder::new(&regex::escape(words)).case_insensitive(any_case).build().ok()?;
        (!words.is_empty()).then(|| Self { words: words.to_owned(), pattern })
    }

    /// Whether it stands in a text.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.pattern.is_match(text.as_bytes())
    }

    /// Where it stands in a text, as byte ranges.
    pub fn found_in<'t>(&self, text: &'t str) -> impl Iterator<Item = (usize, usize)> + use<'t, '_> {
        self.pattern.find_iter(text.as_bytes()).map(|found| (found.start(), found.end()))
    }

    /// The start of the next line with a match at or after `from` (`Way::Down`), or of the last one that begins
    /// before it (`Way::Up`).
    pub async fn find(&self, reader: &OutputReader, source: &Source, from: u64, way: Way) -> Option<u64> {
        // Pieces overlap, so that a match on their border is not missed.
        let overlap = self.words.len().min(PIECE / 2) as u64;
        let step = PIECE as u64 - overlap;
        let mut offset = match way {
            Way::Down => from,
            Way::Up => from.saturating_sub(step),
        };
        loop {
            let piece = reader.read(source.step.clone(), source.attempt, offset, PIECE).await;
            let hits = self.pattern.find_iter(&piece.bytes).map(|found| offset + found.start() as u64);
            let hit = match way {
                Way::Down => hits.into_iter().find(|at| *at >= from),
                Way::Up => hits.into_iter().filter(|at| *at < from).last(),
            };
            if let Some(at) = hit {
                return Some(line_start(reader, source, at).await);
            }
            match way {
                Way::Down if piece.bytes.len() < PIECE => return None,
                Way::Down => offset += step,
                Way::Up if offset == 0 => return None,
                Way::Up => offset = offset.saturating_sub(step),
            }
        }
    }
}

async fn line_start(reader: &OutputReader, source: &Source, at: u64) -> u64 {
    let from = at.saturating_sub(PIECE as u64);
    let len = usize::try_from(at - from).unwrap_or(PIECE);
    if len == 0 {
        return at;
    }
    let piece = reader.read(source.step.clone(), source.attempt, from, len).await;
    piece.bytes.iter().rposition(|byte| *byte == b'\n').map_or(from, |end| from + end as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::OutputPiece;
    use crate::runbook::StepId;
    use tokio::sync::mpsc;

    fn reader(file: Vec<u8>) -> OutputReader {
        let (requests, mut asked) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(read) = asked.recv().await {
                let read: crate::feed::ReadOutput = read;
                let from = usize::try_from(read.offset).unwrap().min(file.len());
                let bytes = file[from..(from + read.len).min(file.len())].to_vec();
                let total = file.len() as u64;
                let _ = read.answer.send(OutputPiece { offset: read.offset, bytes, total, stderr: vec![] });
            }
        });
        OutputReader::new(requests)
    }

    #[tokio::test]
    async fn matches_are_found_across_pieces_both_ways() {
        let mut file = vec![b'.'; 3 * PIECE];
        for at in (99..file.len()).step_by(100) {
            file[at] = b'\n';
        }
        let border = PIECE - 3;
        file[border..border + 6].copy_from_slice(b"NEEDLE");
        let last = 2 * PIECE + 1_000;
        file[last..last + 6].copy_from_slice(b"needle");
        let reader = reader(file);
        let source = Source { step: StepId::from("a.b"), attempt: 1 };
        let needle = Search::new("needle").unwrap();
        let first_line = (border / 100 * 100) as u64;
        let last_line = (last / 100 * 100) as u64;
        let end = 3 * PIECE as u64;
        assert_eq!(needle.find(&reader, &source, 0, Way::Down).await, Some(first_line));
        assert_eq!(needle.find(&reader, &source, first_line + 100, Way::Down).await, Some(last_line));
        assert_eq!(needle.find(&reader, &source, last_line + 100, Way::Down).await, None);
        assert_eq!(needle.find(&reader, &source, end, Way::Up).await, Some(last_line));
        assert_eq!(needle.find(&reader, &source, last_line, Way::Up).await, Some(first_line));
        assert_eq!(needle.find(&reader, &source, first_line, Way::Up).await, None);
        let capitals = Search::new("NEEDLE").unwrap();
        assert_eq!(capitals.find(&reader, &source, end, Way::Up).await, Some(first_line));
    }
}
