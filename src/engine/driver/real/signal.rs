//! `signal`: sends one to the processes of a check, and watches what must follow.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::log_since;
use super::{Attempt, Done};
use crate::check;
use crate::process::{self, Identity};
use crate::proof::{self, Proof};
use crate::runbook::CheckId;
use crate::runbook::model::{LogExpect, SignalExpect, TextExpect};

/// How often the process and the log are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long a log line may take where nothing says how long.
const LOG_PATIENCE: Duration = Duration::from_secs(10);

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
            return Done::failed(format!(
                "check {process} sees no process to send {signal} to: {}",
                seen.point.reason
            ));
        }
        let log = match expect.log.as_ref().map(|log| self.log_start(log)).transpose() {
            Ok(log) => log,
            Err(why) => return Done::failed(why),
        };
        let mut proofs = Vec::new();
        for target in &targets {
            let expected = format!("{signal} reaches process {}", target.pid);
            match process::signal(target, number) {
                Ok(()) => proofs.push(Proof { expected, met: true, seen: "sent".to_owned() }),
                Err(e) => proofs.push(Proof { expected, met: false, seen: e.to_string() }),
            }
        }
        if proof::all_met(&proofs) {
            tokio::select! {
                more = self.follow(expect, &targets, log.as_ref()) => proofs.extend(more),
                () = self.told_to_end() => return Done { proofs, ..Done::failed("the watch was given up") },
            }
        }
        Done { proofs, ..Done::default() }
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
        let length = std::fs::metadata(&path).map_or(0, |m| m.len());
        Ok((path, length))
    }

    /// Waits until everything that must follow was seen, or its time is over.
    async fn follow(
        &self,
        expect: &SignalExpect,
        targets: &[Identity],
        log: Option<&(PathBuf, u64)>,
    ) -> Vec<Proof> {
        let patience = expect.gone_within.unwrap_or(LOG_PATIENCE).max(if log.is_some() {
            LOG_PATIENCE
        } else {
            Duration::ZERO
        });
        let start = tokio::time::Instant::now();
        let mut gone_after = None;
        loop {
            if gone_after.is_none() && !targets.iter().any(Identity::is_alive) {
                gone_after = Some(start.elapsed());
            }
            let logged = self.log_proofs(expect, log);
            let gone =
                expect.gone_within.is_none_or(|within| gone_after.is_some() || start.elapsed() > within);
            let told = logged.iter().all(|p| p.met);
            if (gone && told) || start.elapsed() >= patience {
                let mut proofs = logged;
                proofs.extend(expect.gone_within.map(|within| gone_proof(within, gone_after)));
                return proofs;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the log has said since the signal.
    fn log_proofs(&self, expect: &SignalExpect, log: Option<&(PathBuf, u64)>) -> Vec<Proof> {
        let (Some(expect), Some((path, from))) = (&expect.log, log) else { return Vec::new() };
        let text = log_since(path, *from);
        let wanted = TextExpect { matches: expect.matches.clone(), ..TextExpect::default() };
        let name = shown(path);
        proof::text(&wanted, proof::Text { name: &name, text: &text, cut: None, leaked: false }, &self.scope)
    }
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| "log".to_owned(), |n| n.to_string_lossy().into_owned())
}

fn gone_proof(within: Duration, gone_after: Option<Duration>) -> Proof {
    let within_text = humantime::format_duration(within);
    let seen = match gone_after {
        Some(after) => format!(
            "gone after {}",
            humantime::format_duration(Duration::from_millis(
                u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
            ))
        ),
        None => "it is still there".to_owned(),
    };
    Proof {
        expected: format!("the process is gone within {within_text}"),
        met: gone_after.is_some_and(|after| after <= within + LOOK),
        seen,
    }
}
