//! Reads what earlier sessions of a runbook teach, off the records that lie beside a session's own: newest first, and
//! no further back than is asked. Only a record that is whole counts; one that is not is named.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;

use super::dir::LOG;
use super::receipts::Receipts;
use super::verify::{Anchor, verify};
use super::{below, line, reader};
use crate::event::{DrillPart, Mode, PastDrill, PastGate, PastSession, PastSessions, SessionHead};
use crate::runbook::StageId;
use crate::runbook::load::id_of;
use crate::runbook::model::Runbook;
use crate::session::past::Chronicle;

/// So many folders are looked into at the most.
const FARTHEST: usize = 400;
/// So many records are read whole to find a way back that was measured.
const MOST_MEASURED: usize = 12;

/// What the sessions beside the one in the folder `own` teach of `runbook`.
#[must_use]
pub fn read(own: &Path, runbook: &Runbook) -> PastSessions {
    let Some((shelf, name)) = own.parent().zip(own.file_name()) else { return PastSessions::default() };
    let gates = || runbook.stages.iter().filter(|stage| stage.applies);
    let mut reading = Reading {
        shelf,
        runbook,
        row: gates().map(|stage| stage.gate.consecutive_sessions.saturating_sub(1)).max().unwrap_or(0),
        unbroken: gates().filter(|s| s.gate.consecutive_sessions > 1).map(|s| s.id.clone()).collect(),
        drills: gates().filter_map(|s| Some(s.gate.drilled.as_ref()?.environment.clone())).collect(),
        receipts: Receipts::own().ok(),
        anchors: IndexMap::new(),
        whole: 0,
        past: PastSessions::default(),
    };
    for name in newest_first(shelf, &name.to_string_lossy()).iter().take(FARTHEST) {
        if reading.is_enough() {
            break;
        }
        reading.miss(Some(name));
        reading.look_at(name);
    }
    reading.miss(None);
    reading.past
}

/// The names of the sessions on a shelf but `own`. Each begins with its date.
fn newest_first(shelf: &Path, own: &str) -> Vec<String> {
    let names = fs::read_dir(shelf).into_iter().flatten().flatten();
    let mut names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name != own && name.starts_with(|c: char| c.is_ascii_digit()));
    names.sort_unstable_by(|a, b| b.cmp(a));
    names
}

struct Reading<'a> {
    /// The folder that the sessions lie in.
    shelf: &'a Path,
    runbook: &'a Runbook,
    /// How many live sessions the gates ask for before this one, and the gates whose row is not broken yet.
    row: u32,
    unbroken: Vec<StageId>,
    /// The environments of the drills that are asked for and not found yet; `None`: any.
    drills: Vec<Option<String>>,
    /// The heads that this user saw.
    receipts: Option<Receipts>,
    /// The heads that later sessions saw, by session.
    anchors: IndexMap<String, Vec<Anchor>>,
    /// How many records were read whole.
    whole: usize,
    past: PastSessions,
}

/// What a record says first, before anything of it is verified.
enum First {
    Opens(Box<Opens>),
    /// Nothing was recorded, so that nothing has run.
    Nothing,
    /// Why it says nothing, a phrase.
    Broken(String),
}

#[derive(Deserialize)]
struct Opens {
    session: String,
    runbook: String,
    sha256: String,
    file: String,
    mode: Mode,
    #[serde(default)]
    drill: Option<DrillPart>,
}

impl Reading<'_> {
    /// Nothing that is asked is open any more.
    fn is_enough(&self) -> bool {
        !self.wants_row() && !self.wants_rollback() && self.drills.is_empty()
    }

    fn wants_rollback(&self) -> bool {
        self.past.rollback.is_none() && self.whole < MOST_MEASURED
    }

    fn wants_row(&self) -> bool {
        !self.unbroken.is_empty() && self.past.live.len() < self.row as usize
    }

    fn look_at(&mut self, name: &str) {
        match first(&self.shelf.join(name)) {
            First::Opens(opens) if !self.is_of_this_runbook(&opens) => {}
            First::Opens(opens) => match opens.mode {
                Mode::Simulated => {}
                // A copy: the session itself is looked at under its own name.
                Mode::Live if opens.session != name && self.is_here(&opens.session) => {}
                Mode::Live => self.live(name),
                Mode::Rehearsal => self.rehearsal(name, opens.drill.as_ref()),
            },
            First::Nothing => {}
            First::Broken(why) if self.is_named_after_this_runbook(name) => self.lost(name, why),
            First::Broken(_) => {}
        }
    }

    fn is_here(&self, session: &str) -> bool {
        self.shelf.join(session).join(LOG).exists()
    }

    fn is_of_this_runbook(&self, opens: &Opens) -> bool {
        opens.sha256 == self.runbook.sha256
            || id_of(&opens.runbook, &opens.file).is_some_and(|id| id == self.runbook.id)
    }

    /// A record that does not even say of which runbook it is: its name does, `DATE-TIME-ID`, with a number where
    /// that was taken.
    fn is_named_after_this_runbook(&self, name: &str) -> bool {
        let rest = name.splitn(3, '-').nth(2).and_then(|rest| rest.strip_prefix(self.runbook.id.as_str()));
        rest.is_some_and(|rest| {
            let number = rest.strip_prefix('-').unwrap_or(rest);
            number.chars().all(|c| c.is_ascii_digit())
        })
    }

    /// Live sessions newer than `name` (`None`: all that are left) of which a later one saw a record that is not here
    /// any more.
    fn miss(&mut self, name: Option<&str>) {
        let is_due = |seen: &String| name.is_none_or(|name| seen.as_str() > name);
        let mut gone: Vec<String> = self.anchors.keys().filter(|seen| is_due(seen)).cloned().collect();
        gone.retain(|seen| !self.is_here(seen));
        gone.sort_unstable_by(|a, b| b.cmp(a));
        for seen in gone {
            self.anchors.shift_remove(&seen);
            self.lost(&seen, "its record is gone, and a later session saw it".to_owned());
        }
    }

    /// A session whose record counts for nothing.
    fn lost(&mut self, name: &str, why: String) {
        if self.wants_row() {
            self.unbroken.clear();
            let (session, gates) = (name.to_owned(), IndexMap::new());
            self.past.live.push(PastSession { session, head: None, gates, broken: Some(why) });
        }
    }

    fn live(&mut self, name: &str) {
        if !self.wants_row() && !self.wants_rollback() {
            return;
        }
        let (chronicle, head) = match self.chronicle(name) {
            Ok(read) => read,
            Err(why) => return self.lost(name, why),
        };
        self.measure(&chronicle);
        if !self.wants_row() {
            return;
        }
        for earlier in chronicle.state().past.iter().flat_map(|past| &past.live) {
            if let Some(SessionHead { seq, sha256, .. }) = earlier.head.clone() {
                self.anchors.entry(earlier.session.clone()).or_default().push(Anchor { seq, hash: sha256 });
            }
        }
        let asking = self.runbook.stages.iter().filter(|s| s.applies && s.gate.consecutive_sessions > 1);
        let gates: IndexMap<StageId, PastGate> =
            asking.map(|stage| (stage.id.clone(), chronicle.word(&stage.id))).collect();
        let broken = chronicle.broken();
        self.unbroken.retain(|stage| broken.is_none() && gates.get(stage).is_some_and(|gate| gate.go));
        self.past.live.push(PastSession { session: name.to_owned(), head: Some(head), gates, broken });
    }

    fn rehearsal(&mut self, name: &str, part: Option<&DrillPart>) {
        let after = part.and_then(|part| part.after.as_ref()).filter(|_| !self.drills.is_empty());
        if after.is_none() && !self.wants_rollback() {
            return;
        }
        // A rehearsal whose record is not whole teaches nothing, and breaks nothing.
        let Ok((forward, head)) = self.chronicle(name) else { return };
        self.measure(&forward);
        if let Some(after) = after {
            self.drill(&forward, head, after);
        }
    }

    /// Takes a drill that was good: its last part says which session was its first.
    fn drill(&mut self, forward: &Chronicle, head: SessionHead, after: &SessionHead) {
        let Some(finished) = forward.state().last.filter(|_| forward.went_forward_again()) else { return };
        // Its first part may have been read by its own name only.
        if Path::new(&after.session).components().count() != 1 {
            return;
        }
        let Ok((back, seen)) = self.chronicle(&after.session) else { return };
        let same = |chronicle: &Chronicle| {
            let opened = chronicle.state().opened.as_ref()?;
            Some((opened.sha256.clone(), opened.vars.clone(), opened.drill.as_ref()?.soak_ms))
        };
        if seen != *after || !back.went_forward_and_back() || same(&back) != same(forward) {
            return;
        }
        self.measure(&back);
        let environment = forward.environment().cloned();
        if !self.past.drills.iter().any(|drill| drill.environment == environment) {
            self.drills.retain(|asked| asked.is_some() && *asked != environment);
            let soak_ms = forward.drill().and_then(|part| part.soak_ms);
            let (finished, forward) = (finished.at, head);
            self.past.drills.push(PastDrill { environment, finished, back: seen, forward, soak_ms });
        }
    }

    /// Takes what a record measured that no newer one did.
    fn measure(&mut self, chronicle: &Chronicle) {
        if self.past.rollback.is_none() {
            self.past.rollback.clone_from(&chronicle.rollback);
        }
        for (step, measured) in &chronicle.steps {
            self.past.steps.entry(step.clone()).or_insert_with(|| measured.clone());
        }
    }

    /// Verifies a record and reads all of it.
    ///
    /// # Errors
    /// Why it counts for nothing, a phrase.
    fn chronicle(&mut self, name: &str) -> Result<(Chronicle, SessionHead), String> {
        self.whole += 1;
        let path = self.shelf.join(name).join(LOG);
        let mut anchors = self.anchors.get(name).cloned().unwrap_or_default();
        let seen = self.receipts.as_ref().map(|receipts| receipts.of(name)).transpose();
        let seen = seen.map_err(|e| format!("what was seen of it cannot be read: {e}"))?.unwrap_or_default();
        anchors.extend(seen.into_iter().map(|seen| Anchor { seq: seen.seq, hash: seen.hash }));
        let report = verify(&path, &anchors).map_err(|e| format!("its record cannot be read: {e}"))?;
        if let Some(verdict) = report.verdicts.iter().find(|verdict| verdict.code() > 0) {
            return Err(format!("its record is {verdict}"));
        }
        let log = reader::read(&path).map_err(|e| e.to_string())?;
        if log.hash != report.hash {
            return Err("its record is being written".to_owned());
        }
        if report.session.as_deref() != Some(name) {
            let of = report.session.unwrap_or_default();
            return Err(format!("its record is that of session {of}"));
        }
        let mut chronicle = Chronicle::default();
        for event in &log.events {
            chronicle.take(event).map_err(|why| format!("nobody recorded it so: {why}"))?;
        }
        let head = SessionHead { session: name.to_owned(), seq: log.events.len() as u64, sha256: log.hash };
        Ok((chronicle, head))
    }
}

/// The first line of the record in `folder`. It is held against its own hash, so that what it says of itself is what
/// was written there.
fn first(folder: &Path) -> First {
    #[derive(Deserialize)]
    struct Line {
        event: Opens,
    }
    let mut bytes = Vec::new();
    let read = below::open(folder, Path::new(LOG)).and_then(|file| {
        let most = line::LONGEST as u64 + 1;
        BufReader::new(file).take(most).read_until(b'\n', &mut bytes)
    });
    match read {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return First::Broken(format!("its record cannot be read: {e}"));
        }
        Ok(1..) => {}
        Ok(0) | Err(_) if nothing_ran(folder) => return First::Nothing,
        Ok(0) | Err(_) => return First::Broken("its record is gone".to_owned()),
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let opens = line::check(text)
        .map_err(str::to_owned)
        .and_then(|_| serde_json::from_slice(text).map_err(|e| e.to_string()));
    match opens {
        Ok(Line { event }) => First::Opens(Box::new(event)),
        Err(why) => First::Broken(format!("its record is broken in its first line: {why}")),
    }
}

/// No step of the session in `folder` has left anything.
fn nothing_ran(folder: &Path) -> bool {
    fs::read_dir(folder.join("steps")).map_or(true, |mut steps| steps.next().is_none())
}
