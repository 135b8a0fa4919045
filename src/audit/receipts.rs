//! `receipts.jsonl`: the heads that somebody saw, in their own state folder. A log cannot show that its end was cut off
//! or that all of it was written anew; what was seen of it before can.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::dir::{self, DirError};
use super::line::Hash;
use super::reader::Log;
use crate::event::EventKind;

const FILE: &str = "receipts.jsonl";
/// A longer file is written anew with the last receipt of each session.
const MOST_BYTES: u64 = 1 << 20;

/// One head as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub session: String,
    pub seq: u64,
    /// All 64 digits.
    pub hash: Hash,
    pub at: DateTime<Utc>,
}

/// The heads that this user saw.
#[derive(Debug, Clone)]
pub struct Receipts {
    path: PathBuf,
}

impl Receipts {
    /// Those of the user who runs this process.
    ///
    /// # Errors
    /// There is no state folder.
    pub fn own() -> Result<Self, DirError> {
        Ok(Self::at(dir::state_dir()?.join(FILE)))
    }

    /// Those in a file, which need not be there yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// All receipts of a session, the oldest first. Lines that are none are passed over.
    ///
    /// # Errors
    /// There is a file and it cannot be read.
    pub fn of(&self, session: &str) -> io::Result<Vec<Receipt>> {
        Ok(self.read()?.into_iter().filter(|receipt| receipt.session == session).collect())
    }

    /// The latest head of a session that was seen.
    #[must_use]
    pub fn last(&self, session: &str) -> Option<Receipt> {
        self.of(session).unwrap_or_default().into_iter().max_by_key(|receipt| receipt.seq)
    }

    /// Keeps a head that was seen. Where it cannot be kept there is one receipt less, and nothing else is lost.
    pub fn note(&self, session: &str, seq: u64, hash: &str, at: DateTime<Utc>) {
        let receipt = Receipt { session: session.to_owned(), seq, hash: hash.to_owned(), at };
        if self.append(&receipt).is_ok_and(|length| length > MOST_BYTES) {
            let _ = self.shorten();
        }
    }

    /// Holds a log against every head of its session that was seen.
    ///
    /// # Errors
    /// TRUNCATED or REWRITTEN, or that the receipts cannot be read: a sentence.
    pub fn hold_against(&self, log: &Log) -> Result<(), String> {
        let Some(EventKind::SessionOpened(opened)) = log.events.first().map(|first| &first.event) else {
            return Ok(());
        };
        let seen =
            self.of(&opened.session).map_err(|e| format!("cannot read {}: {e}", self.path.display()))?;
        for Receipt { seq, hash, at, .. } in &seen {
            let what = match log.hash_of(*seq) {
                Some(there) if there == *hash => continue,
                Some(there) => {
                    format!("REWRITTEN: event {seq} of this log has the hash {}, and another", &there[..8])
                }
                None => format!("TRUNCATED: this log ends at event {}, and event {seq}", log.events.len()),
            };
            let (hash, at) = (hash.get(..8).unwrap_or(hash), at.format("%Y-%m-%d %H:%M:%SZ"));
            return Err(format!(
                "{what} ({seq}:{hash}) was seen at {at}. Nothing was changed: keep the session's folder as it \
                 is, and find out who had their hand in it ({} holds what was seen)",
                self.path.display()
            ));
        }
        Ok(())
    }

    fn read(&self) -> io::Result<Vec<Receipt>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let lines = BufReader::new(file).split(b'\n');
        lines.filter_map(|line| line.map(|line| serde_json::from_slice(&line).ok()).transpose()).collect()
    }

    /// Returns the file's length.
    fn append(&self, receipt: &Receipt) -> io::Result<u64> {
        let line = encode(receipt)?;
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&self.path)?;
        let length = file.metadata()?.len();
        let written = file.write(&line)?;
        if written < line.len() {
            // Half a line would spoil the next.
            file.set_len(length)?;
        }
        Ok(length + written as u64)
    }

    fn shorten(&self) -> io::Result<()> {
        let mut last: IndexMap<String, Receipt> = IndexMap::new();
        for receipt in self.read()? {
            match last.get(&receipt.session) {
                Some(known) if known.seq > receipt.seq => {}
                _ => _ = last.insert(receipt.session.clone(), receipt),
            }
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // For its owner alone, as every file of its kind.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        for receipt in last.values() {
            file.write_all(&encode(receipt)?)?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

fn encode(receipt: &Receipt) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(receipt)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::audit::reader;
    use crate::audit::writer::tests::log_with;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).expect("a date")
    }

    fn receipts() -> (tempfile::TempDir, Receipts) {
        let folder = tempfile::tempdir().expect("a folder");
        let receipts = Receipts::at(folder.path().join(FILE));
        (folder, receipts)
    }

    fn log(events: u64) -> Log {
        let (folder, _) = log_with(events);
        reader::read(&folder.path().join(dir::LOG)).expect("whole")
    }

    #[test]
    fn a_log_that_grew_fits_every_head_that_was_seen() {
        let (_folder, receipts) = receipts();
        let log = log(5);
        assert_eq!(receipts.hold_against(&log), Ok(()), "nothing was seen yet");
        for seq in 1..=5 {
            receipts.note("s", seq, &log.hash_of(seq).expect("there"), at());
        }
        assert_eq!(receipts.hold_against(&log), Ok(()));
        assert_eq!(receipts.last("s").expect("seen").seq, 5);
        assert_eq!(receipts.last("another"), None);
    }

    #[test]
    fn a_log_whose_end_was_cut_off_is_truncated_at_every_cut() {
        let whole = log(5);
        for seen in 1..=5 {
            let (_folder, receipts) = receipts();
            receipts.note("s", seen, &whole.hash_of(seen).expect("there"), at());
            for kept in 1..=5 {
                let held = receipts.hold_against(&log(kept));
                assert_eq!(held.is_ok(), kept >= seen, "{seen} seen, {kept} kept: {held:?}");
                assert!(held.is_ok() || held.is_err_and(|why| why.starts_with("TRUNCATED")));
            }
        }
    }

    #[test]
    fn a_log_with_another_event_is_rewritten() {
        let (_folder, receipts) = receipts();
        receipts.note("s", 2, &"0".repeat(64), at());
        let why = receipts.hold_against(&log(3)).expect_err("another");
        assert!(why.starts_with("REWRITTEN: event 2") && why.contains("2:00000000"), "{why}");
    }

    #[test]
    fn the_file_is_its_owners_alone_stays_short_and_keeps_the_last_of_each_session() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, receipts) = receipts();
        let path = folder.path().join(FILE);
        let hash = "a".repeat(64);
        receipts.note("other", 7, &hash, at());
        let lines = usize::try_from(MOST_BYTES).expect("short") / 100;
        let old = serde_json::to_string(&receipts.last("other").expect("noted")).expect("JSON");
        let old = format!("{}\n", old.replace("other", "s")).repeat(lines);
        fs::write(&path, [fs::read(&path).expect("readable"), old.into(), b"torn".to_vec()].concat())
            .expect("written");
        receipts.note("s", 8, &hash, at());
        receipts.note("s", 9, &hash, at());
        assert!(fs::metadata(&path).expect("there").len() < MOST_BYTES / 2);
        let last = |session| receipts.last(session).expect("seen").seq;
        assert_eq!((last("other"), last("s")), (7, 9));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_place_that_takes_no_receipt_stops_nobody() {
        let receipts = Receipts::at("/proc/nowhere/receipts.jsonl".into());
        receipts.note("s", 1, &"a".repeat(64), at());
        assert_eq!(receipts.hold_against(&log(1)), Ok(()));
    }
}
