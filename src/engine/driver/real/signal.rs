//! `signal`: sends one to the processes of a check, and watches what must follow.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::block_in_place;

use super::files::log_since;
use super::{Attempt, Done};
use crate::check;
use crate::engine::shim::evidence;
use crate::engine::shim::record::End;
use crate::process::{self, Identity};
use crate::proof::{self, Ended, Proof};
use crate::runbook::CheckId;
use crate::runbook::model::{Check, LogExpect, Probe, SignalExpect, TextExpect};

/// How often the process and the log are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long a log line, or the end, may take where nothing says how long.
const PATIENCE: Duration = Duration::from_secs(10);

impl Attempt {
    pub(super) async fn signal(&self, process: &CheckId, signal: &str, expect: &SignalExpect) -> Done {
        let Some(number) = process::signal_named(signal) else {
            return Done::failed(format!("there is no signal called {signal}"));
        };
        let Some(plan) = self.order.runbook.check(process) else {
            return Done::failed(format!("there is no check {process}"));
        };
        let seen = check::sample(plan, &self.scope, &self.around.checks).await;
        let targets: Vec<Identity> = seen.processes.iter().map(|p| p.identity.clone()).collect();
        if targets.is_empty() {
            if let (Some(within), Some(why)) = (only_to_be_gone(expect), self.gone(plan)) {
                let seen = format!("it was gone before {signal} was sent: {why}");
                return Done { proofs: vec![Proof::new(gone_within(within), true, seen)], ..Done::default() };
            }
            return Done::failed(format!(
                "check {process} sees no process to send {signal} to: {}",
                seen.point.reason
            ));
        }
        let log = match expect.log.as_ref().map(|log| self.log_start(log)).transpose() {
            Ok(log) => log,
            Err(why) => return Done::failed(why),
        };
        let (mut proofs, mut exit) = (Vec::new(), None);
        for target in &targets {
            let expected = format!("{signal} reaches process {}", target.pid);
            match process::signal(target, number) {
                Ok(()) => proofs.push(Proof { expected, met: true, seen: "sent".to_owned() }),
                Err(e) => proofs.push(Proof { expected, met: false, seen: e.to_string() }),
            }
        }
        if proof::all_met(&proofs) {
            tokio::select! {
                (more, code) = self.follow(expect, &targets, log.as_ref()) => {
                    proofs.extend(more);
                    exit = code;
                }
                () = self.told_to_end() => return Done { proofs, ..Done::failed("the watch was given up") },
            }
        }
        Done { proofs, exit, ..Done::default() }
    }

    /// That the process is gone which the check looks at, where that is known.
    fn gone(&self, plan: &Check) -> Option<String> {
        let Probe::Process { select, .. } = &plan.probe else { return None };
        block_in_place(|| check::process::gone(select, &self.scope, &self.around.checks))
    }

    /// Which processes of the check are alive now, for an operator who has to say what became of the signal.
    pub(super) async fn processes_now(&self, process: &CheckId) -> String {
        let Some(plan) = self.order.runbook.check(process) else {
            return format!("there is no check {process}");
        };
        let seen = check::sample(plan, &self.scope, &self.around.checks).await;
        let pids: Vec<String> = seen.processes.iter().map(|p| p.identity.pid.to_string()).collect();
        match pids.as_slice() {
            [] => format!("check {process} sees no process now"),
            [one] => format!("check {process} sees process {one} alive now"),
            all => format!("check {process} sees processes {} alive now", all.join(", ")),
        }
    }

    fn log_start(&self, expect: &LogExpect) -> Result<(PathBuf, u64), String> {
        let path = self.path(&expect.path)?;
        match std::fs::metadata(&path) {
            Ok(meta) => Ok((path, meta.len())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok((path, 0)),
            // From its beginning it would show what it said before.
            Err(e) => Err(format!("{} cannot be looked at: {e}", path.display())),
        }
    }

    /// Waits until everything that must follow was seen, or its time is over. Returns the exit besides, where there is
    /// one.
    async fn follow(
        &self,
        expect: &SignalExpect,
        targets: &[Identity],
        log: Option<&(PathBuf, u64)>,
    ) -> (Vec<Proof>, Option<i32>) {
        let asks_exit = !expect.exit.is_empty();
        let mut endings: Vec<Ending> = if asks_exit {
            targets.iter().map(|target| Ending::of(target, &self.around.session_dir)).collect()
        } else {
            Vec::new()
        };
        let longer = if log.is_some() || asks_exit { PATIENCE } else { Duration::ZERO };
        let patience = expect.gone_within.unwrap_or(PATIENCE).max(longer);
        let start = tokio::time::Instant::now();
        let mut gone_after = None;
        loop {
            if gone_after.is_none() && !targets.iter().any(Identity::is_alive) {
                gone_after = Some(start.elapsed());
            }
            let logged = self.log_proofs(expect, log);
            let gone =
                expect.gone_within.is_none_or(|within| gone_after.is_some() || start.elapsed() > within);
            endings.iter_mut().for_each(Ending::look);
            // Its shim records it right behind the end; one that has gone records nothing any more.
            let settled = endings.iter().all(|ending| ending.ended.is_some() || !ending.may_come());
            let told = logged.iter().all(|p| p.met) && settled;
            if (gone && told) || start.elapsed() >= patience {
                let mut proofs = logged;
                proofs.extend(expect.gone_within.map(|within| gone_proof(within, gone_after)));
                proofs.extend(endings.iter().map(|ending| ending.proof(&expect.exit)));
                let exit = endings.first().and_then(|ending| ending.ended).map(Ended::code);
                return (proofs, exit);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the log has said since the signal.
    fn log_proofs(&self, expect: &SignalExpect, log: Option<&(PathBuf, u64)>) -> Vec<Proof> {
        let (Some(expect), Some((path, from))) = (&expect.log, log) else { return Vec::new() };
        let wanted = TextExpect { matches: expect.matches.clone(), ..TextExpect::default() };
        let name = shown(path);
        match block_in_place(|| log_since(path, *from)) {
            Ok(text) => {
                let text = proof::Text { name: &name, text: &text, cut: None, leaked: false };
                proof::text(&wanted, text, &self.scope)
            }
            Err(e) => proof::unread(&wanted, &name, &e.to_string(), &self.scope),
        }
    }
}

/// How one process ends, as the shim that started it sees it.
struct Ending {
    process: Identity,
    /// The folder of the attempt that started it; `None` where none in this session did whose shim sees it out.
    folder: Option<PathBuf>,
    ended: Option<Ended>,
}

impl Ending {
    fn of(process: &Identity, session_dir: &Path) -> Self {
        let folders = std::fs::read_dir(session_dir.join("steps")).into_iter().flatten().flatten();
        let folder = folders.map(|entry| entry.path()).find(|folder| evidence::sees_out(folder, process));
        Self { process: process.clone(), folder, ended: None }
    }

    /// Whether its end may still be recorded.
    fn may_come(&self) -> bool {
        self.folder.as_ref().is_some_and(|folder| evidence::sees_out(folder, &self.process))
    }

    fn look(&mut self) {
        let ended = self.folder.as_ref().and_then(|folder| evidence::ended(folder));
        self.ended = ended.and_then(|ended| match ended.end {
            End::Exited { code } => Some(Ended::Code(code)),
            End::Signaled { signal } => Some(Ended::Signal(signal)),
            End::ExecFailed { .. } | End::Up => None,
        });
    }

    /// No known exit is no proof.
    fn proof(&self, allowed: &[i32]) -> Proof {
        if let Some(ended) = self.ended {
            return proof::exit(allowed, ended);
        }
        let pid = self.process.pid;
        let seen = if self.process.is_alive() {
            format!("process {pid} has not ended")
        } else {
            format!("nobody saw how process {pid} ended: the shim that started it is gone")
        };
        Proof { seen, met: false, ..proof::exit(allowed, Ended::Code(0)) }
    }
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| "log".to_owned(), |n| n.to_string_lossy().into_owned())
}

/// How soon it is to be gone, where nothing else is expected: then it may have gone before. What it was to say, or how it
/// was to end, cannot be seen any more.
fn only_to_be_gone(expect: &SignalExpect) -> Option<Duration> {
    expect.gone_within.filter(|_| expect.log.is_none() && expect.exit.is_empty())
}

fn gone_within(within: Duration) -> String {
    format!("the process is gone within {}", humantime::format_duration(within))
}

fn gone_proof(within: Duration, gone_after: Option<Duration>) -> Proof {
    let seen = match gone_after {
        Some(after) => format!(
            "gone after {}",
            humantime::format_duration(Duration::from_millis(
                u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
            ))
        ),
        None => "it is still there".to_owned(),
    };
    Proof { expected: gone_within(within), met: gone_after.is_some_and(|after| after <= within + LOOK), seen }
}
