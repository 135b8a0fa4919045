//! Is the record whole? Reads a log as bytes, judges it, and holds what lies beside it against the digests in it.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::chain::{Chain, End, Entry};
use super::dir;

/// A wall clock that differs from the boot clock by more than this between two events has jumped.
const JUMP_MS: i64 = 2_000;

/// What somebody kept of a log: event `seq` had a hash that begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    pub seq: u64,
    /// At least 8 hex digits.
    pub hash: String,
}

impl std::str::FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no anchor: it is SEQ:HASH, with at least 8 hex digits, as in 17:9f3ca1b2")
        };
        let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or_else(wrong)?;
        let digits = (8..=64).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits {
            return Err(wrong());
        }
        Ok(Self { seq, hash: hash.to_ascii_lowercase() })
    }
}

/// One judgement of a log; the highest code counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    /// No closing event.
    Unfinished,
    /// Bytes after the last LF.
    TornTail {
        bytes: u64,
    },
    /// Line from 1, byte from 0.
    Broken {
        line: u64,
        byte: u64,
        why: String,
    },
    /// The log ends before an anchor.
    Truncated {
        anchor: u64,
        last: u64,
    },
    /// Another event stands where an anchor was.
    Rewritten {
        anchor: u64,
    },
    /// There is an anchor and no log.
    Missing,
    OutputChanged {
        path: String,
        why: String,
    },
}

impl Verdict {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Clean | Self::Unfinished => 0,
            Self::TornTail { .. } => 5,
            Self::Broken { .. } => 6,
            Self::Truncated { .. } | Self::Rewritten { .. } | Self::Missing => 7,
            Self::OutputChanged { .. } => 8,
        }
    }

    /// Its name.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Clean => "CLEAN",
            Self::Unfinished => "CLEAN UNFINISHED",
            Self::TornTail { .. } => "TORN TAIL",
            Self::Broken { .. } => "BROKEN",
            Self::Truncated { .. } => "TRUNCATED",
            Self::Rewritten { .. } => "REWRITTEN",
            Self::Missing => "MISSING",
            Self::OutputChanged { .. } => "OUTPUT CHANGED",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Clean => Ok(()),
            Self::Unfinished => f.write_str(": the session was not closed"),
            Self::TornTail { bytes } => write!(f, ": {bytes} bytes after the last whole line"),
            Self::Broken { line, byte, why } => write!(f, ": line {line}, byte {byte}: {why}"),
            Self::Truncated { anchor, last } => {
                write!(f, ": it ends at event {last}, and event {anchor} was seen once")
            }
            Self::Rewritten { anchor } => write!(f, ": event {anchor} is not the one that was seen once"),
            Self::Missing => f.write_str(": there is no log"),
            Self::OutputChanged { path, why } => write!(f, ": {path}: {why}"),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Never empty; the gravest first.
    pub verdicts: Vec<Verdict>,
    /// An engine holds the session, so that bytes after the last LF are only on their way.
    pub live: bool,
    pub anchored: bool,
    pub events: u64,
    /// `seq:hash8` of the last good line.
    pub head: Option<String>,
    /// What is worth knowing and breaks nothing: clocks that jumped, files that were not looked at.
    pub findings: Vec<String>,
}

impl Report {
    /// The exit code: the highest of its verdicts'.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.verdicts.iter().map(Verdict::code).max().unwrap_or(0)
    }
}

/// A file whose length and digest stand in the log.
struct Vouched {
    path: String,
    bytes: u64,
    sha256: String,
    /// The file may go on behind these bytes.
    grows: bool,
}

/// Judges the log at `path`, against what somebody kept of it.
///
/// # Errors
/// It cannot be read.
pub fn verify(path: &Path, anchors: &[Anchor]) -> io::Result<Report> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let live = dir::is_live(&folder);
    let mut report = Report {
        verdicts: Vec::new(),
        live,
        anchored: !anchors.is_empty(),
        events: 0,
        head: None,
        findings: Vec::new(),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !anchors.is_empty() => {
            report.verdicts.push(Verdict::Missing);
            return Ok(report);
        }
        Err(e) => return Err(e),
    };
    let mut reading = Reading::new(anchors);
    let mut chain = Chain::new();
    let log = BufReader::with_capacity(1 << 17, file);
    let end = match chain.walk(log, strictly, |value, hash| reading.take(&value, hash))? {
        End::Whole { torn: 0 } if chain.seq == 0 => chain.broken("the log is empty"),
        end => end,
    };
    match end {
        End::Broken { line, byte, why } => reading.verdicts.push(Verdict::Broken { line, byte, why }),
        End::Whole { torn } if torn > 0 && !live => reading.verdicts.push(Verdict::TornTail { bytes: torn }),
        End::Whole { .. } => {}
    }
    reading.judge_anchors(anchors);
    report.events = chain.seq;
    report.head = (chain.seq > 0).then(|| format!("{}:{}", chain.seq, &chain.hash[..8]));
    report.findings = reading.findings;
    report.verdicts = reading.verdicts;
    // A log that was copied out stands alone; beside anything else of a session, everything must be there.
    let in_its_session =
        ["steps", dir::RUNBOOK, dir::TELEMETRY].iter().any(|name| folder.join(name).exists());
    if in_its_session {
        report.verdicts.extend(reading.vouched.iter().filter_map(|v| changed(&folder, v)));
    } else if !reading.vouched.is_empty() {
        report
            .findings
            .push("outputs, evidence and telemetry were not looked at: only the log is here".to_owned());
    }
    if report.verdicts.is_empty() {
        report.verdicts.push(if reading.closed { Verdict::Clean } else { Verdict::Unfinished });
    }
    report.verdicts.sort_by_key(|v| std::cmp::Reverse(v.code()));
    Ok(report)
}

/// Reads a line as any build may have written it, and only as it is written: a key twice, another order, a number in
/// another form are not ours.
pub(super) fn strictly(bytes: &[u8]) -> Result<Entry<Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let value: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    let as_we_write_it = value.to_string();
    if as_we_write_it != text || !has_our_keys(&value) {
        return Err("it is not written as a log line is".to_owned());
    }
    let seq = value["seq"].as_u64().ok_or("its number is no number")?;
    let opens = value["event"]["kind"].as_str().ok_or("its event has no kind")? == "session_opened";
    Ok(Entry { seq, opens, what: value })
}

/// What was gathered along the log.
struct Reading {
    /// The last good line's number.
    seq: u64,
    closed: bool,
    verdicts: Vec<Verdict>,
    findings: Vec<String>,
    vouched: Vec<Vouched>,
    /// The hashes of the anchored events, as they are.
    anchored: Vec<(u64, String)>,
    wanted: BTreeSet<u64>,
    clocks: Option<(DateTime<Utc>, u64)>,
}

impl Reading {
    fn new(anchors: &[Anchor]) -> Self {
        Self {
            seq: 0,
            closed: false,
            verdicts: Vec::new(),
            findings: Vec::new(),
            vouched: Vec::new(),
            anchored: Vec::new(),
            wanted: anchors.iter().map(|a| a.seq).collect(),
            clocks: None,
        }
    }

    /// Takes what one line holds.
    fn take(&mut self, value: &Value, hash: &str) {
        let event = &value["event"];
        let kind = event["kind"].as_str().unwrap_or_default();
        self.seq += 1;
        if self.wanted.contains(&self.seq) {
            self.anchored.push((self.seq, hash.to_owned()));
        }
        self.closed = kind == "session_closed";
        self.clocks(value, kind);
        self.vouch(event, kind);
    }

    fn clocks(&mut self, value: &Value, kind: &str) {
        let at = value["at"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let (Some(at), Some(up_ms)) = (at, value["up_ms"].as_u64()) else { return };
        let at = at.with_timezone(&Utc);
        // The boot clock begins anew with a boot, which only an engine start tells.
        if let Some((last_at, last_up)) = self.clocks.filter(|_| kind != "engine_started") {
            if up_ms < last_up {
                self.findings.push(format!(
                    "event {}: the boot clock went back by {} ms",
                    self.seq,
                    last_up - up_ms
                ));
            } else {
                let passed = i64::try_from(up_ms - last_up).unwrap_or(i64::MAX);
                let jump = (at - last_at).num_milliseconds().saturating_sub(passed);
                if jump.abs() > JUMP_MS {
                    self.findings.push(format!("event {}: the wall clock jumped by {jump} ms", self.seq));
                }
            }
        }
        self.clocks = Some((at, up_ms));
    }

    fn vouch(&mut self, event: &Value, kind: &str) {
        let of = |record: &Value| {
            Some(Vouched {
                path: record["path"].as_str()?.to_owned(),
                bytes: record["bytes"].as_u64()?,
                sha256: record["sha256"].as_str()?.to_owned(),
                grows: false,
            })
        };
        match kind {
            "step_finished" => self.vouched.extend(of(&event["output"])),
            "evidence_added" => self.vouched.extend(of(event)),
            "session_opened" => {
                let (Some(text), Some(sha256)) = (event["runbook"].as_str(), event["sha256"].as_str()) else {
                    return;
                };
                let (path, bytes) = (dir::RUNBOOK.to_owned(), text.len() as u64);
                self.vouched.push(Vouched { path, bytes, sha256: sha256.to_owned(), grows: false });
            }
            "checkpoint" => {
                let (bytes, sha256) = (event["telemetry_bytes"].as_u64(), event["telemetry_sha256"].as_str());
                if let (Some(bytes), Some(sha256)) = (bytes, sha256) {
                    // The newest speaks for all before it.
                    self.vouched.retain(|v| !v.grows);
                    let path = dir::TELEMETRY.to_owned();
                    self.vouched.push(Vouched { path, bytes, sha256: sha256.to_owned(), grows: true });
                }
            }
            _ => {}
        }
    }

    fn judge_anchors(&mut self, anchors: &[Anchor]) {
        // Behind a broken line nothing can be held against anything: it counts as not there.
        let beyond = anchors.iter().filter(|anchor| anchor.seq > self.seq);
        self.verdicts.extend(beyond.map(|a| Verdict::Truncated { anchor: a.seq, last: self.seq }));
        for anchor in anchors {
            if self.anchored.iter().any(|(seq, hash)| *seq == anchor.seq && !hash.starts_with(&anchor.hash)) {
                self.verdicts.push(Verdict::Rewritten { anchor: anchor.seq });
            }
        }
    }
}

fn has_our_keys(value: &Value) -> bool {
    const KEYS: [&str; 7] = ["seq", "at", "up_ms", "by", "event", "prev", "hash"];
    value.as_object().is_some_and(|object| object.keys().eq(KEYS))
}

/// How a file differs from what the log says of it.
fn changed(folder: &Path, vouched: &Vouched) -> Option<Verdict> {
    let relative = PathBuf::from(&vouched.path);
    let found = |why: String| Some(Verdict::OutputChanged { path: vouched.path.clone(), why });
    if !relative.components().all(|c| matches!(c, Component::Normal(_))) {
        return found("the path leaves the session's folder".to_owned());
    }
    let path = folder.join(&relative);
    let length = match std::fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() => meta.len(),
        Ok(_) => return found("it is not a file any more".to_owned()),
        Err(e) => return found(e.to_string()),
    };
    if length < vouched.bytes || length > vouched.bytes && !vouched.grows {
        return found(format!("it is {length} bytes long, and was {}", vouched.bytes));
    }
    match digest(&path, vouched.bytes) {
        Ok(sha256) if sha256 == vouched.sha256 => None,
        Ok(_) => found("its content is not what it was".to_owned()),
        Err(e) => found(e.to_string()),
    }
}

fn digest(path: &Path, bytes: u64) -> io::Result<String> {
    let mut file = File::open(path)?.take(bytes);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(base16ct::lower::encode_string(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}
