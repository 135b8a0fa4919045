//! Is the record whole? Reads a log as bytes, judges it, and holds what lies beside it against the digests in it.

mod beside;
mod reading;
mod said;
mod verdict;

use std::fs::File;
use std::io;
use std::path::Path;

use super::chain::{Bytes, Chain, Counted, End};
use super::dir;
use super::progress::Progress;
use super::seals::{self, Seal, Signature};
use crate::session::Snapshot;
use reading::Reading;
pub use verdict::{Anchor, Verdict};

/// A log that is being written is looked at so often before it counts as broken: what was never acknowledged may be
/// taken back and written anew under the reader's eyes.
const LOOKS: u32 = 4;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Never empty; the gravest first.
    pub verdicts: Vec<Verdict>,
    /// An engine holds the session, so that bytes after the last LF are only on their way.
    pub live: bool,
    pub anchored: bool,
    /// The session's name as the log gives it.
    pub session: Option<String>,
    pub events: u64,
    /// `seq:hash8` of the last good line.
    pub head: Option<String>,
    /// All of that line's hash; zeros where there is none.
    pub hash: String,
    /// The seals beside the log.
    pub seals: Vec<Seal>,
    /// The sets of exact copies that the log vouches for: whoever knows how they lie in their folders holds them
    /// against it.
    pub snapshots: Vec<Snapshot>,
    /// What is worth knowing and breaks nothing: clocks that jumped, files that were not looked at.
    pub findings: Vec<String>,
}

impl Report {
    /// The exit code: the highest of its verdicts'.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.verdicts.iter().map(Verdict::code).max().unwrap_or(0)
    }

    /// Has every seal's signature looked at by `check`. Where there is no seal that is a judgement too: somebody
    /// expected one.
    ///
    /// # Errors
    /// What `check` could not do.
    pub fn check_seals<E>(&mut self, check: impl Fn(&Seal) -> Result<Signature, E>) -> Result<(), E> {
        let mut verdicts = Vec::new();
        for seal in &mut self.seals {
            // One that is none was judged already.
            let Ok(head) = &seal.head else { continue };
            seal.verdict = check(seal)?;
            let name = seal.name.clone();
            match &seal.verdict {
                Signature::NotChecked => {}
                Signature::By(_) if head.seq == self.events => self.anchored = true,
                Signature::By(_) => {
                    let more = self.events.saturating_sub(head.seq);
                    self.findings.push(format!("{more} events came after what {name} seals"));
                }
                Signature::Unknown => {
                    let key = seal.key.clone().unwrap_or_default();
                    verdicts.push(Verdict::UnknownSigner { seal: name, key });
                }
                Signature::Bad(why) => verdicts.push(Verdict::BadSeal { seal: name, why: why.clone() }),
            }
        }
        if self.seals.is_empty() {
            verdicts.push(Verdict::NotSealed);
        }
        self.add(verdicts);
        Ok(())
    }

    /// Takes the seals beside the log, and judges what no signature needs to be looked at for.
    fn judge_seals(&mut self, seals: io::Result<Vec<Seal>>) {
        let bad = |seal: &str, why: &str| Verdict::BadSeal { seal: seal.to_owned(), why: why.to_owned() };
        match seals {
            Err(e) => self.add([bad(seals::FOLDER, &e.to_string())]),
            Ok(mut seals) => {
                // A log that is broken from its first line on has no name to hold against.
                for seal in &mut seals {
                    let of = seal.head.as_ref().ok().map(|head| &head.session);
                    if self.session.is_some() && of.is_some_and(|of| Some(of) != self.session.as_ref()) {
                        seal.head = Err("it seals another session".to_owned());
                    }
                }
                self.add(seals.iter().filter_map(|s| Some(bad(&s.name, s.head.as_ref().err()?))));
                self.seals = seals;
            }
        }
    }

    /// Adds judgements, in their place.
    pub fn add(&mut self, verdicts: impl IntoIterator<Item = Verdict>) {
        self.verdicts.extend(verdicts);
        if self.code() > 0 {
            self.verdicts.retain(|verdict| verdict.code() > 0);
        }
        self.verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.code()));
    }
}

/// Judges the log at `path`, against what somebody kept of it.
///
/// # Errors
/// It cannot be read.
pub fn verify(path: &Path, anchors: &[Anchor]) -> io::Result<Report> {
    watched(path, anchors, &Progress::default())
}

/// The same, telling how far it is.
///
/// # Errors
/// It cannot be read.
pub fn watched(path: &Path, anchors: &[Anchor], progress: &Progress) -> io::Result<Report> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let seals = seals::list(folder);
    let sealed = seals.as_deref().unwrap_or_default().iter().filter_map(|seal| seal.head.as_ref().ok());
    let sealed = sealed.map(|head| Anchor { seq: head.seq, hash: head.hash.clone() });
    let mut look = 1;
    let held: Vec<Anchor> = anchors.iter().cloned().chain(sealed).collect();
    loop {
        let live = dir::is_live(folder);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound && !held.is_empty() => {
                return Ok(Report { seals: seals.unwrap_or_default(), ..missing(live) });
            }
            Err(e) => return Err(e),
        };
        let length = file.metadata()?.len();
        progress.begin("holding the log against its digests", length);
        let counted = Counted { bytes: &file, progress };
        let (mut report, reading) = judge(&counted, length, Chain::new(), live, &held)?;
        report.anchored = !anchors.is_empty();
        // Somebody wrote meanwhile, or has only just begun to.
        let unsteady = report.code() > 0 && (live || dir::is_live(folder));
        if unsteady && look < LOOKS {
            look += 1;
            continue;
        }
        if beside::is_session(folder) {
            progress.begin("holding what lies beside it against its digests", 0);
            let vouched = reading.vouched.iter().chain(&reading.telemetry);
            report.add(vouched.filter_map(|vouched| beside::changed(folder, vouched)));
        } else if !reading.vouched.is_empty() {
            let alone = "outputs, evidence and telemetry were not looked at: only the log is here";
            report.findings.push(alone.to_owned());
        }
        report.judge_seals(seals);
        report.snapshots = reading.snapshots;
        return Ok(report);
    }
}

/// Judges the bytes of a log up to `end`, from where `chain` has come on.
fn judge(
    log: &(impl Bytes + ?Sized),
    end: u64,
    mut chain: Chain,
    live: bool,
    anchors: &[Anchor],
) -> io::Result<(Report, Reading)> {
    let mut reading = Reading::new(anchors.iter());
    let walked = chain.walk(log, end, said::read, |said, now| reading.take(said, now.seq, || now.hash()))?;
    let mut verdicts: Vec<Verdict> = anchors.iter().filter_map(|a| reading.judge(a, chain.seq)).collect();
    let mut findings = reading.findings();
    match walked {
        End::Whole { torn: 0 } if chain.seq == 0 && live => {
            findings.push("nothing is recorded yet".to_owned());
        }
        End::Whole { torn: 0 } if chain.seq == 0 => {
            let why = "the log is empty".to_owned();
            verdicts.push(Verdict::Broken { line: 1, byte: 0, why });
        }
        End::Whole { torn } if torn > 0 && !live => verdicts.push(Verdict::TornTail { bytes: torn }),
        End::Whole { .. } => {}
        End::Broken { line, byte, why } => verdicts.push(Verdict::Broken { line, byte, why }),
    }
    if verdicts.is_empty() {
        verdicts.push(if reading.closed { Verdict::Clean } else { Verdict::Unfinished });
    }
    let hash = chain.hash();
    let mut report = Report {
        verdicts: Vec::new(),
        live,
        anchored: !anchors.is_empty(),
        session: reading.session.clone(),
        events: chain.seq,
        head: (chain.seq > 0).then(|| format!("{}:{}", chain.seq, &hash[..8])),
        hash,
        seals: Vec::new(),
        snapshots: Vec::new(),
        findings,
    };
    report.add(verdicts);
    Ok((report, reading))
}

/// There are anchors and no log.
fn missing(live: bool) -> Report {
    Report {
        verdicts: vec![Verdict::Missing],
        live,
        anchored: true,
        session: None,
        events: 0,
        head: None,
        hash: Chain::new().hash(),
        seals: Vec::new(),
        snapshots: Vec::new(),
        findings: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
