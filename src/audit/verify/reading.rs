//! What is gathered along a log: what it vouches for, how its clocks went, what stands where an anchor is.

use std::collections::BTreeMap;

use super::beside::Vouched;
use super::said::{Said, What};
use super::{Anchor, Verdict};
use crate::audit::line::Hash;
use crate::session::Snapshot;

/// A wall clock that differs from the boot clock by more than this between two events has jumped.
const JUMP_MS: i64 = 2_000;
/// More findings than these are counted and not told.
const MOST_FINDINGS: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Reading {
    pub closed: bool,
    /// The session's name, as the log gives it.
    pub session: Option<String>,
    pub vouched: Vec<Vouched>,
    /// The newest word on the telemetry speaks for all before it.
    pub telemetry: Option<Vouched>,
    /// The sets of copies that steps made.
    pub snapshots: Vec<Snapshot>,
    findings: Vec<String>,
    untold: u64,
    /// The hashes of the anchored events, as they are.
    anchored: BTreeMap<u64, Option<Hash>>,
    clocks: Option<(i64, u64)>,
    boot: Option<String>,
}

impl Reading {
    pub fn new<'a>(anchors: impl Iterator<Item = &'a Anchor>) -> Self {
        Self { anchored: anchors.map(|anchor| (anchor.seq, None)).collect(), ..Self::default() }
    }

    /// Takes what event `seq` says; `hash` tells its hash to who asks.
    pub fn take(&mut self, said: Said, seq: u64, hash: impl FnOnce() -> Hash) {
        if !self.anchored.is_empty()
            && let Some(there) = self.anchored.get_mut(&seq)
        {
            *there = Some(hash());
        }
        // Who is told how it ended is told when it has.
        self.closed = said.what == What::Closes || (self.closed && said.what == What::Tells);
        let reboot = match &said.what {
            What::Starts(boot) => {
                std::mem::replace(&mut self.boot, boot.clone()).is_some_and(|last| Some(last) != self.boot)
            }
            _ => false,
        };
        self.clocks(said.clocks, seq, reboot);
        match said.what {
            What::Nothing | What::Starts(_) | What::Closes | What::Tells => {}
            What::Opens { session, runbook } => {
                self.session = session;
                self.vouched.extend(runbook);
            }
            What::Vouches(vouched) => self.vouched.push(vouched),
            What::Copies(taken) => self.snapshots.push(taken),
            What::Measured(vouched) => self.telemetry = Some(vouched),
        }
    }

    /// Holds two readings of both clocks against each other. The boot clock begins anew with a boot, and how long that
    /// took nobody knows.
    fn clocks(&mut self, now: Option<(i64, u64)>, seq: u64, reboot: bool) {
        let Some((at, up_ms)) = now else {
            self.find(format!("event {seq}: when it happened cannot be read"));
            return;
        };
        if let Some((last_at, last_up)) = self.clocks {
            if reboot {
                if at < last_at - JUMP_MS {
                    let back = last_at - at;
                    self.find(format!("event {seq}: the wall clock went back by {back} ms over a boot"));
                }
            } else if up_ms < last_up {
                self.find(format!("event {seq}: the boot clock went back by {} ms", last_up - up_ms));
            } else {
                let passed = i64::try_from(up_ms - last_up).unwrap_or(i64::MAX);
                let jump = (at - last_at).saturating_sub(passed);
                if jump.abs() > JUMP_MS {
                    self.find(format!("event {seq}: the wall clock jumped by {jump} ms"));
                }
            }
        }
        self.clocks = Some((at, up_ms));
    }

    fn find(&mut self, finding: String) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.untold += 1;
        }
    }

    /// What was found along the log.
    pub fn findings(&mut self) -> Vec<String> {
        let mut findings = std::mem::take(&mut self.findings);
        if self.untold > 0 {
            findings.push(format!("{} more of that kind", self.untold));
        }
        findings
    }

    /// Holds a log of `last` good events against an anchor. Behind a broken line nothing can be held against anything:
    /// it counts as not there.
    pub fn judge(&self, anchor: &Anchor, last: u64) -> Option<Verdict> {
        match self.anchored.get(&anchor.seq)? {
            None => Some(Verdict::Truncated { anchor: anchor.seq, last }),
            Some(hash) if hash.starts_with(&anchor.hash) => None,
            Some(_) => Some(Verdict::Rewritten { anchor: anchor.seq }),
        }
    }
}
