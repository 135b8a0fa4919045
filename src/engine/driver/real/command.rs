//! `run` and `start`: a command under its shim, and the judging of what it left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::block_in_place;

use super::files::{self, Texts};
use super::{Attempt, Done, End};
use crate::check;
use crate::engine::driver::Report;
use crate::engine::machine::Input;
use crate::engine::shim::client::{self, Launch, Running};
use crate::engine::shim::evidence::{self, Evidence, evidence};
use crate::engine::shim::record::{End as Ended, Exit, Mode, Spec};
use crate::event::{EventKind, OutputRecord};
use crate::proof::{self, Before, Output, ReportSeen};
use crate::runbook::CheckId;
use crate::runbook::interpolate::Place;
use crate::runbook::model::{Action, Command, Probe, RunExpect, Step, Template};
use crate::runbook::user::{OWN, as_user, kept, variables};
use crate::session::telemetry::OutputProgress;

/// How long a command may take to end after TERM before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How often the growth of a running command's output is told.
const PROGRESS: Duration = Duration::from_millis(200);
/// Bytes that all captures of an attempt may take in the log: they share one line with its proofs.
const LONGEST_CAPTURES: usize = 256 << 10;

impl Attempt {
    pub(super) async fn run(&self, step: &Step, command: &Command, expect: &RunExpect) -> End {
        let launch = || {
            let mode = Mode::Run { output_limit: step.output_limit };
            let spec = self.spec(step, self.argv(command)?, mode)?;
            let before = block_in_place(|| {
                expect.report.iter().map(|report| Before::from(&self.report(&report.path))).collect()
            });
            Ok(Launch { spec, secrets: self.around.secrets.clone(), before })
        };
        let (name, dir) = self.folder();
        let exit = match self.under_shim(&dir, launch).await {
            Ok(exit) => exit,
            Err(end) => return *end,
        };
        let claim = evidence::claim(&dir);
        let ended = match exit.end {
            Ended::Exited { code } => proof::Ended::Code(code),
            Ended::Signaled { signal } => proof::Ended::Signal(signal),
            Ended::ExecFailed { why } => return End::done(Done::failed(why)),
            Ended::Up => proof::Ended::Code(0),
        };
        let mut before = claim.iter().flat_map(|claim| claim.before.clone());
        let reports: Vec<ReportSeen> = expect
            .report
            .iter()
            .map(|report| ReportSeen {
                begun: claim.as_ref().map_or(self.begun.at, |claim| claim.at),
                before: before.next().unwrap_or(Before::NotKnown),
                after: block_in_place(|| self.report(&report.path)),
            })
            .collect();
        let texts = block_in_place(|| match &exit.output {
            Some(told) => Texts::read(&dir, told),
            None => Texts::unread("its shim told of none"),
        });
        let told = exit.output.unwrap_or_default();
        let cut = (told.dropped > 0).then_some(step.output_limit);
        let leaked = told.masked > 0;
        let [both, stdout, stderr] =
            [&texts.both, &texts.stdout, &texts.stderr].map(|text| text.as_deref().map_err(String::as_str));
        let output = Output { both, stdout, stderr, cut, leaked };
        // From its claim, where that is known: an engine that was away adds nothing to what the command took.
        let took_ms = claim.map(|claim| exit.up_ms.saturating_sub(claim.up_ms));
        let mut proofs = proof::run(expect, ended, output, &reports, &self.scope);
        let most = expect.max_duration.as_ref();
        proofs.extend(most.map(|most| proof::duration(most, took_ms, &self.order.world.took)));
        let mut done = Done {
            proofs,
            exit: Some(ended.code()),
            output: Some(OutputRecord {
                path: format!("{name}/output.log"),
                bytes: told.bytes,
                sha256: told.sha256.clone(),
                dropped: told.dropped,
            }),
            remains: exit.remain,
            took_ms,
            ..Done::default()
        };
        if let Some(error) = told.error {
            done.failed = true;
            done.why = Some(format!("its output could not be written whole: {error}"));
        }
        if told.dropped > 0 {
            done.before.push(EventKind::OutputCut {
                step: self.order.step.clone(),
                attempt: self.order.attempt,
                kept: told.kept,
                dropped: told.dropped,
            });
        }
        if proof::all_met(&done.proofs) {
            match both {
                Ok(both) => self.capture(step, both, &mut done),
                Err(_) if step.capture.is_empty() => {}
                Err(why) => {
                    done.failed = true;
                    done.why = Some(format!("nothing can be captured: its output cannot be read: {why}"));
                }
            }
        }
        End::done(done)
    }

    pub(super) async fn start(
        &self,
        step: &Step,
        argv: &[Template],
        log: &Template,
        min_uptime: Duration,
    ) -> End {
        let launch = || {
            let argv: Result<Vec<String>, String> = argv.iter().map(|a| self.text(a)).collect();
            let min_uptime_ms = u64::try_from(min_uptime.as_millis()).unwrap_or(u64::MAX);
            let spec = self.spec(
                step,
                argv?,
                Mode::Start { log: self.path(log)?, min_uptime_ms, seen_out: self.is_seen_out(step) },
            )?;
            Ok(Launch { spec, secrets: self.around.secrets.clone(), before: Vec::new() })
        };
        let dir = self.folder().1;
        let exit = match self.under_shim(&dir, launch).await {
            Ok(exit) => exit,
            Err(end) => return *end,
        };
        let its_log = self.path(log).map_or_else(|why| why, |log| format!("its log is {}", log.display()));
        let min = humantime::format_duration(min_uptime);
        let early = |how: String| {
            End::done(Done::failed(format!("it {how} before it had been up for {min}; {its_log}")))
        };
        match exit.end {
            Ended::Up => match files::started_process(&dir) {
                Some(process) if process.is_alive() => End::Launched(process),
                Some(process) => {
                    let pid = process.pid;
                    End::done(Done::failed(format!(
                        "it was up for {min}, and process {pid} is gone since; {its_log}"
                    )))
                }
                None => End::unknown("it was started, but its process is not recorded".to_owned()),
            },
            Ended::Exited { code } => early(format!("exited with {code}")),
            Ended::Signaled { signal } => early(format!("was ended by signal {signal}")),
            Ended::ExecFailed { why } => End::done(Done::failed(why)),
        }
    }

    /// Whether a `signal` asks how the process of this `start` ends.
    fn is_seen_out(&self, start: &Step) -> bool {
        let runbook = &self.order.runbook;
        let starts = |check: &CheckId| match runbook.check(check).map(|check| &check.probe) {
            Some(Probe::Process { select, .. }) => select.step.as_ref() == Some(&start.id),
            _ => false,
        };
        runbook.all_steps().any(|step| match &step.action {
            Action::Signal { process, expect, .. } => !expect.exit.is_empty() && starts(process),
            _ => false,
        })
    }

    fn argv(&self, command: &Command) -> Result<Vec<String>, String> {
        match command {
            Command::Argv(argv) => argv.iter().map(|a| self.text(a)).collect(),
            Command::Shell(line) => {
                let line = self.scope.resolve(line, Place::Shell).map_err(|e| e.to_string())?;
                Ok(self.order.runbook.shell.iter().cloned().chain([line]).collect())
            }
        }
    }

    fn environment(&self, step: &Step) -> Result<BTreeMap<String, String>, String> {
        let mut env: BTreeMap<String, String> = check::command::inherited().collect();
        let own =
            [self.scope.session_id.clone(), self.order.step.to_string(), self.order.attempt.to_string()];
        env.extend(OWN.map(str::to_owned).into_iter().zip(own));
        for (name, value) in variables(&self.order.runbook, step) {
            env.insert(name.clone(), self.text(value)?);
        }
        Ok(env)
    }

    fn spec(&self, step: &Step, argv: Vec<String>, mode: Mode) -> Result<Spec, String> {
        let env = self.environment(step)?;
        let cwd: PathBuf = match &step.cwd {
            Some(cwd) => self.path(cwd)?,
            None => self.order.runbook.dir.clone(),
        };
        let argv = match &step.user {
            Some(user) => as_user(user, &argv, kept(&self.order.runbook, step)),
            None => argv,
        };
        Ok(Spec { argv, cwd, env, umask: 0o022, user: step.user.clone(), mode })
    }

    /// Brings the command to its durable result: launches it where nothing was spawned for this attempt yet, and
    /// awaits it, whoever launched it. Errors are how the attempt ends otherwise.
    async fn under_shim(
        &self,
        dir: &Path,
        order: impl FnOnce() -> Result<Launch, String>,
    ) -> Result<Exit, Box<End>> {
        let mut known = evidence(dir);
        if known == Evidence::NotStarted {
            known = match self.launch(dir, order).await {
                Ok(running) => self.watch(running).await,
                // Somebody may have been faster: the shim that an engine started with its last breath.
                Err(why) => match evidence(dir) {
                    Evidence::NotStarted => return Err(Box::new(End::done(Done::failed(why)))),
                    known => known,
                },
            };
        }
        if let Evidence::Running { shim } = known {
            known = self.watch(Running::adopt(dir, shim)).await;
        }
        match known {
            Evidence::Exited(exit) => Ok(exit),
            Evidence::NotStarted => {
                Err(Box::new(End::done(Done::failed("its shim ended before it had started the command"))))
            }
            Evidence::Unknown { why } => Err(Box::new(End::unknown(why))),
            Evidence::Running { .. } => {
                Err(Box::new(End::unknown("its shim runs but no longer answers".to_owned())))
            }
        }
    }

    /// Starts the command, unless the attempt is to end already: then nothing may start it any more.
    async fn launch(
        &self,
        dir: &Path,
        order: impl FnOnce() -> Result<Launch, String>,
    ) -> Result<Running, String> {
        if self.is_to_end() {
            let why = "it was ended before it had started";
            return Err(client::forbid(dir, why)
                .map_or_else(|e| format!("{why}, which could not be recorded: {e}"), |()| why.to_owned()));
        }
        client::launch(&self.around.program, dir, order()?).await.map_err(|e| e.to_string())
    }

    /// Waits for the result, tells how the output grows, and hands on each word to end.
    async fn watch(&self, mut running: Running) -> Evidence {
        let log = self.folder().1.join("output.log");
        let asker = running.asker();
        let mut told = OutputProgress { attempt: self.order.attempt, ..OutputProgress::default() };
        let (mut asked, mut refusable) = (0, false);
        let mut progress = tokio::time::interval(PROGRESS);
        loop {
            tokio::select! {
                evidence = running.wait() => {
                    self.tell_progress(&log, &mut told);
                    return evidence;
                }
                times = self.told_again(asked) => {
                    asked = times;
                    let stopped = asker.stop(GRACE);
                    refusable = stopped.is_ok();
                    if let Err(e) = stopped {
                        self.end_refused(e.to_string());
                    }
                }
                _ = progress.tick() => {
                    self.tell_progress(&log, &mut told);
                    if let Some(refused) = refusable.then(|| asker.refused()).flatten() {
                        refusable = false;
                        self.end_refused(refused.why);
                    }
                }
            }
        }
    }

    fn end_refused(&self, why: String) {
        let (step, attempt) = (self.order.step.clone(), self.order.attempt);
        let _ = self.inbox.send(Input::Report(Report::EndRefused { step, attempt, why }));
    }

    fn tell_progress(&self, log: &Path, told: &mut OutputProgress) {
        let bytes = std::fs::metadata(log).map_or(0, |m| m.len());
        let pid = told.pid.or_else(|| evidence::spawned(log.parent()?).map(|command| command.pid));
        let progress = OutputProgress { bytes, pid, ..*told };
        if progress == *told {
            return;
        }
        told.clone_from(&progress);
        let _ = self.inbox.send(Input::Report(Report::Output { step: self.order.step.clone(), progress }));
    }

    fn report(&self, path: &Template) -> Result<Option<proof::FileSeen>, String> {
        check::file::see(&self.path(path)?, &self.scope)
    }

    /// Takes the captures; one that cannot be taken fails the step, and so do more than one fact can hold.
    pub(super) fn capture(&self, step: &Step, output: &str, done: &mut Done) {
        for (name, capture) in &step.capture {
            match proof::capture(name, capture, output, &self.scope) {
                Ok(value) => {
                    done.captures.insert(name.clone(), value);
                }
                Err(e) => {
                    done.failed = true;
                    done.why = Some(e.to_string());
                }
            }
        }
        let bytes: usize =
            done.captures.values().map(|value| serde_json::json!(value).to_string().len()).sum();
        if bytes > LONGEST_CAPTURES {
            done.captures.clear();
            done.failed = true;
            done.why = Some(format!(
                "its captures take {bytes} bytes of the log, and {LONGEST_CAPTURES} are the most"
            ));
        }
    }
}
