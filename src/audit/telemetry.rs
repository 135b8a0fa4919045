//! `telemetry.jsonl`: samples, at most one line a second. Nothing depends on it, so nothing waits for it; its length
//! and digest go into the log at each checkpoint.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::dir::{self, create_new};
use crate::session::telemetry::Measure;

mod line;
mod read;

use line::{Kept, Line};
pub use read::{Sampled, Samples};

/// The least time between two lines.
const LINE_MS: u64 = 1000;

/// The telemetry file of one session.
#[derive(Debug, Default)]
pub struct TelemetryFile {
    /// `None` where it could not be created or written: the session goes on without.
    file: Option<File>,
    hash: Sha256,
    length: u64,
    pending: Vec<Kept>,
    written_up_ms: u64,
}

#[derive(Deserialize)]
struct When {
    up_ms: u64,
}

impl TelemetryFile {
    /// Creates the file in a session's folder.
    #[must_use]
    pub fn create(folder: &Path) -> Self {
        Self { file: create_new(&folder.join(dir::TELEMETRY)).ok(), ..Self::default() }
    }

    /// Goes on with the file in a session's folder; a line that a crash tore off is cut. `vouched` is the length and
    /// the digest that the log knows of. Says what is not as the log knows it.
    #[must_use]
    pub fn reopen(folder: &Path, vouched: Option<(u64, &str)>) -> (Self, Option<String>) {
        let path = folder.join(dir::TELEMETRY);
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)
            .and_then(|file| {
                dir::only_ours(&file.metadata()?).map_err(io::Error::other)?;
                Self::go_on(file, vouched)
            });
        match opened {
            Ok((telemetry, true)) => (telemetry, None),
            Ok((telemetry, false)) => {
                let why = "telemetry.jsonl is not what the log knows of it: samples were changed or lost";
                (telemetry, Some(why.to_owned()))
            }
            Err(e) => (Self::default(), Some(format!("telemetry.jsonl cannot be gone on with: {e}"))),
        }
    }

    /// Reads what is there, and whether it begins as it is vouched for.
    fn go_on(file: File, vouched: Option<(u64, &str)>) -> io::Result<(Self, bool)> {
        let mut telemetry = Self::default();
        let mut fits = vouched.is_none_or(|(bytes, _)| bytes == 0);
        let mut lines = BufReader::new(&file);
        let (mut line, mut last) = (Vec::new(), Vec::new());
        while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            telemetry.hash.update(&line);
            telemetry.length += line.len() as u64;
            last.clone_from(&line);
            line.clear();
            if let Some((bytes, sha256)) = vouched.filter(|(bytes, _)| *bytes == telemetry.length) {
                fits = telemetry.mark() == (bytes, sha256.to_owned());
            }
        }
        if fits {
            file.set_len(telemetry.length)?;
        } else {
            // Another hand was in it: what it left is kept as it is.
            telemetry.hash.update(&line);
            telemetry.length += line.len() as u64;
        }
        telemetry.file = Some(file);
        telemetry.written_up_ms = serde_json::from_slice(&last).map_or(0, |When { up_ms }| up_ms);
        Ok((telemetry, fits))
    }

    /// Keeps a measure; writes a line when a second has passed since the last. `after` is the last event's number.
    pub fn keep(&mut self, after: u64, up_ms: u64, measure: &Measure) {
        self.pending.extend(Kept::of(measure));
        if up_ms >= self.written_up_ms + LINE_MS {
            self.write(after, up_ms);
        }
    }

    fn write(&mut self, after: u64, up_ms: u64) {
        if self.pending.is_empty() {
            return;
        }
        self.written_up_ms = up_ms;
        let s = std::mem::take(&mut self.pending).into_iter().map(|kept| kept.written_at(up_ms)).collect();
        let Ok(mut line) = serde_json::to_vec(&Line { after, up_ms, s }) else { return };
        line.push(b'\n');
        let Some(file) = &mut self.file else { return };
        if file.write_all(&line).is_err() {
            // A torn line would not fit its digest: what stood before is kept, nothing more is written.
            let _ = file.set_len(self.length);
            self.file = None;
            return;
        }
        self.hash.update(&line);
        self.length += line.len() as u64;
    }

    /// When the last line was written, on the boot clock; 0 before the first.
    #[must_use]
    pub fn written_up_ms(&self) -> u64 {
        self.written_up_ms
    }

    /// Makes what was written durable; where that fails nothing more is written.
    pub fn sync(&mut self) {
        self.file = self.file.take().filter(|file| file.sync_data().is_ok());
    }

    /// How far the file goes: length and SHA-256.
    #[must_use]
    pub fn mark(&self) -> (u64, String) {
        (self.length, base16ct::lower::encode_string(&self.hash.clone().finalize()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Identity;
    use crate::session::telemetry::{ProcessSeen, SamplePoint, Verdict};

    fn sample(took_ms: u32) -> Measure {
        let point = SamplePoint {
            up_ms: 0,
            took_ms,
            verdict: Verdict::Pass,
            value: None,
            number: None,
            judged: None,
            reason: String::new(),
        };
        Measure::Sample { check: "a".into(), point, processes: Vec::new() }
    }

    /// A file of two lines, vouched for after the first.
    fn two_lines() -> (tempfile::TempDir, (u64, String), (u64, String)) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut telemetry = TelemetryFile::create(folder.path());
        telemetry.keep(1, 1_000, &sample(1));
        let first = telemetry.mark();
        telemetry.keep(2, 2_000, &sample(2));
        (folder, first, telemetry.mark())
    }

    fn reopen(folder: &Path, mark: &(u64, String)) -> (TelemetryFile, Option<String>) {
        TelemetryFile::reopen(folder, Some((mark.0, &mark.1)))
    }

    #[test]
    fn what_was_sampled_is_read_back_as_it_was() {
        let point = |up_ms, value: Option<&str>, number, reason: &str| SamplePoint {
            up_ms,
            took_ms: 12,
            verdict: if reason.is_empty() { Verdict::Pass } else { Verdict::Failed },
            value: value.map(str::to_owned),
            number,
            judged: None,
            reason: reason.to_owned(),
        };
        let identity = Identity { pid: 7, start_time: 88, boot_id: String::new() };
        let process = ProcessSeen { identity, name: "web".to_owned(), cpu: Some(0.5), rss: 9, up_ms: 4 };
        let points = [
            (point(950, Some("200"), Some(200.0), ""), vec![]),
            (point(960, Some("7.2s"), Some(7.2), "7.2s > 5s"), vec![]),
            (point(970, Some("200"), None, ""), vec![]),
            (point(980, None, None, "nothing listens"), vec![]),
            (point(990, Some("pid 7"), None, ""), vec![process]),
        ];
        let samples =
            points.map(|(point, processes)| Measure::Sample { check: "a".into(), point, processes });
        let folder = tempfile::tempdir().expect("a folder");
        let mut telemetry = TelemetryFile::create(folder.path());
        for (number, sample) in (1_u64..).zip(&samples) {
            telemetry.keep(number, 1_000 * number, sample);
        }
        let path = folder.path().join(dir::TELEMETRY);
        let mut file = OpenOptions::new().append(true).open(&path).expect("it is there");
        file.write_all(b"no line of ours\n{\"after\":9,\"up_ms\":9000,\"s\":[[\"a\",\"pass\",null,3]]}")
            .expect("written");
        let mut reader = Samples::open(&path).expect("it is there");
        for (number, sample) in (1_u64..).zip(samples) {
            let line = reader.next().expect("readable").expect("a line");
            assert_eq!(line, Sampled { after: number, up_ms: 1_000 * number, samples: vec![sample] });
        }
        assert_eq!(reader.next().expect("readable"), None, "it is not whole yet");
        file.write_all(b"\n").expect("written");
        let line = reader.next().expect("readable").expect("it is whole now");
        assert_eq!(
            line.samples,
            [sample(3)].map(|sample| match sample {
                Measure::Sample { check, point, processes } => {
                    Measure::Sample { check, point: SamplePoint { up_ms: 9_000, ..point }, processes }
                }
                other => other,
            })
        );
    }

    #[test]
    fn it_is_gone_on_with_where_it_was_left_and_a_torn_line_is_cut() {
        let (folder, first, second) = two_lines();
        let path = folder.path().join(dir::TELEMETRY);
        for torn in ["", "{\"after\":3,\"up"] {
            OpenOptions::new()
                .append(true)
                .open(&path)
                .and_then(|mut file| file.write_all(torn.as_bytes()))
                .expect("written");
            let (telemetry, lost) = reopen(folder.path(), &first);
            assert_eq!((telemetry.mark(), lost), (second.clone(), None));
        }
        let (mut telemetry, _) = reopen(folder.path(), &second);
        telemetry.keep(3, 9_000, &sample(3));
        let (again, lost) = reopen(folder.path(), &telemetry.mark());
        assert_eq!(again.written_up_ms(), 9_000, "the last sign of whoever sampled");
        assert_eq!((again.mark(), lost), (telemetry.mark(), None));
        assert_eq!(fs::read_to_string(&path).expect("readable").lines().count(), 3);
    }

    #[test]
    fn a_file_that_is_not_as_the_log_knows_it_is_said_so_and_kept() {
        let spoil: [fn(&Path); 4] = [
            |path| fs::remove_file(path).expect("removed"),
            |path| fs::write(path, "").expect("written"),
            |path| fs::write(path, "no\nline of ours\n, torn").expect("written"),
            |path| File::options().write(true).open(path).and_then(|f| f.set_len(9)).expect("cut"),
        ];
        for spoil in spoil {
            let (folder, first, _) = two_lines();
            let path = folder.path().join(dir::TELEMETRY);
            spoil(&path);
            let before = fs::read(&path).unwrap_or_default();
            let (mut telemetry, lost) = reopen(folder.path(), &first);
            assert!(lost.is_some_and(|why| why.contains("telemetry.jsonl")));
            telemetry.keep(3, 9_000, &sample(3));
            let after = fs::read(&path).expect("it goes on");
            assert!(after.starts_with(&before) && after.len() > before.len());
            let digest = base16ct::lower::encode_string(&Sha256::digest(&after));
            assert_eq!(telemetry.mark(), (after.len() as u64, digest));
        }
    }
}
