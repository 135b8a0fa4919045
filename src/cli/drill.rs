//! `gonogo drill`: a runbook forward, all the way back, and forward again, unattended, as two rehearsal sessions; every
//! stage and every step is timed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _};

use super::load::{RunbookArgs, load_or_report, this_host};
use super::{exit, run, written};
use crate::audit::dir::LOG;
use crate::audit::outputs;
use crate::audit::reader::{self, Log};
use crate::clock;
use crate::engine::{self, Opening, preflight};
use crate::event::{DrillPart, EventKind, Mode, SessionHead};
use crate::headless::answers::{self, Answers};
use crate::headless::line;
use crate::process;
use crate::report::drill::model::{Direction, Judged, Leg, Runbook as Drilled, ShortSoak, Verdict};
use crate::report::drill::{Drill, legs, summary};
use crate::report::json;
use crate::report::words::span_of;
use crate::runbook::load::Missing;
use crate::runbook::model::Runbook;
use crate::session::past::turning_point;
use crate::text;

/// How long a gate may take beyond its soak where the answers do not say.
const PATIENCE: Duration = Duration::from_mins(5);
/// So much of an output goes into the verbose log; all of it lies in the session's folder.
const MOST_OUTPUT: usize = 1 << 20;

/// Which runbook, and what is kept of it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo drill cutover.toml --set env=staging --soak 10s --report drill.json --log drill.log

It goes forward to the last gate from which all the way back is open, waits until that is GO, rolls everything \
back, and goes forward again to the end: two sessions, marked as rehearsals, that `gonogo sessions` lists. A gate \
with `drilled` takes it, and the cockpit shows the time that its way back took.

Without --answers it acknowledges and advances, and ends at the first question that needs a person; a gate that is \
not GO 5 minutes after its soak could have been reached is a hold.

Exit codes:
  0 good   1 error   2 usage or invalid runbook   3 held, failed, refused
  4 rolled back where it should have gone on   9 rollback stuck   130/143 interrupted")]
pub(super) struct Args {
    #[command(flatten)]
    runbook: RunbookArgs,
    /// Answer from this file what a person would be asked; see `gonogo run --help`.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Cut longer soaks to this; the report says which.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    soak: Option<Duration>,
    /// Write the report here, as JSON: `gonogo schema drill` says what is in it.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write a verbose log here: every event of both sessions, and what each command printed.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// Runs `gonogo drill`.
///
/// # Errors
/// A session cannot be recorded, or what was asked for cannot be written.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    process::keep_memory_private();
    let runbook = match load_or_report(&args.runbook, Missing::Error) {
        Ok(runbook) => runbook,
        Err(code) => return Ok(code),
    };
    let answers = match answers(args, &runbook) {
        Ok(answers) => answers,
        Err(why) => return Ok(refused(&why, exit::USAGE)),
    };
    let Some(turns) = turning_point(&runbook).map(|stage| stage.id.clone()) else {
        let why = "its first stage is a point of no return: there is no way back to drill";
        return Ok(refused(why, exit::HELD));
    };
    let problems = preflight::problems(&runbook);
    if !problems.is_empty() {
        return Ok(refused(&problems.join("\n"), exit::HELD));
    }
    let file = std::fs::canonicalize(&args.runbook.runbook).wrap_err("the runbook is gone")?;
    let drill = Course { runbook: &runbook, file, soak: args.soak };
    let started = clock::now();

    let mut sessions = Vec::new();
    let there = Answers { turn_at: Some(turns.clone()), ..answers.clone() };
    let (mut code, back) = drill.session(None, there)?;
    sessions.extend(back);
    // One that was rolled back and was good goes on from where everything is as it was.
    let came_back = sessions.first().is_some_and(|Session { log, .. }| {
        let legs = legs(log);
        legs.len() == 2 && legs.iter().all(|leg| leg.verdict == Verdict::Good)
    });
    if let Some(first) = sessions.first().filter(|_| came_back) {
        let (again, forward) = drill.session(Some(first.head()), answers)?;
        code = again;
        sessions.extend(forward);
    }
    let report = drill.report(&sessions, turns.to_string(), started, code);
    if let Some(path) = &args.log {
        let log: String = sessions.iter().map(Session::verbose).collect();
        written::whole(path, log.as_bytes(), 0o600)
            .wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.report {
        written::whole(path, json(&report).as_bytes(), 0o666)
            .wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    summary(&report).iter().for_each(|line| anstream::eprintln!("{}", text::safe_line(line)));
    Ok(ExitCode::from(code))
}

/// What the drill answers where a person would be asked.
fn answers(args: &Args, runbook: &Runbook) -> Result<Answers, String> {
    let mut answers = match &args.answers {
        Some(path) => answers::read(path, runbook, Mode::Rehearsal)?,
        None => Answers { acknowledge: true, advance: true, ..Answers::default() },
    };
    let soaks = runbook.stages.iter().filter_map(|stage| stage.gate.soak);
    let longest = soaks.map(|soak| args.soak.map_or(soak, |most| soak.min(most))).max();
    answers.gate_within.get_or_insert(longest.unwrap_or_default() + PATIENCE);
    // Where it turns back is the drill's own business.
    answers.roll_back_at = None;
    Ok(answers)
}

/// A session of the drill, as recorded.
struct Session {
    folder: PathBuf,
    log: Log,
}

struct Course<'a> {
    runbook: &'a Runbook,
    file: PathBuf,
    soak: Option<Duration>,
}

impl Course<'_> {
    /// Drives one session to its end; the exit code, and its record where there is one.
    fn session(&self, after: Option<SessionHead>, answers: Answers) -> Result<(u8, Option<Session>)> {
        let soak_ms = self.soak.map(|soak| u64::try_from(soak.as_millis()).unwrap_or(u64::MAX));
        let name = format!("{}-drill", self.runbook.id);
        let opening = Opening {
            drill: Some(DrillPart { after, soak_ms }),
            ..Opening::new(self.runbook, self.file.clone(), &name, Mode::Rehearsal, this_host())
        };
        let runtime = run::runtime()?;
        let (code, folder) = runtime.block_on(async {
            match engine::start(&opening) {
                Ok(engine) => {
                    let folder = engine.session_dir.clone();
                    (run::foreground(engine, Some(answers)).await, Some(folder))
                }
                Err(e) => (say(&e.to_string()), None),
            }
        });
        // Commands live on under their shims; nothing of this process waits for them.
        runtime.shutdown_background();
        let Some(folder) = folder else { return Ok((code, None)) };
        let log = reader::read(&folder.join(LOG)).wrap_err("the drill's record cannot be read")?;
        Ok((code, Some(Session { folder, log })))
    }

    fn report(&self, sessions: &[Session], turned_at: String, started: clock::Now, code: u8) -> Drill {
        let legs: Vec<Leg> = sessions.iter().flat_map(|session| legs(&session.log)).collect();
        let failed = legs.iter().find(|leg| leg.verdict == Verdict::Failed);
        let verdict = if legs.len() == 3 && failed.is_none() { Verdict::Good } else { Verdict::Failed };
        let why = match (verdict, failed) {
            (Verdict::Good, _) => String::new(),
            (Verdict::Failed, Some(leg)) => leg.why.clone(),
            (Verdict::Failed, None) => "a session could not be started".to_owned(),
        };
        Drill {
            format: 1,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            runbook: Drilled {
                id: self.runbook.id.clone(),
                title: self.runbook.title.clone(),
                environment: self.runbook.environment.clone(),
                file: self.file.display().to_string(),
                sha256: self.runbook.sha256.clone(),
                vars: self
                    .runbook
                    .vars
                    .iter()
                    .filter_map(|(name, var)| Some((name.clone(), var.value.clone()?)))
                    .collect(),
            },
            host: this_host().name,
            started: started.at,
            finished: clock::now().at,
            verdict,
            why,
            exit_code: code,
            turned_at,
            soak: self.shortened(),
            over_estimate: over_estimate(&legs),
            legs,
        }
    }

    fn shortened(&self) -> Option<ShortSoak> {
        let most = self.soak?;
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let stages = self.runbook.stages.iter().filter(|stage| stage.applies);
        let longer = stages.filter_map(|stage| Some((stage.id.to_string(), stage.gate.soak?)));
        let written_ms: indexmap::IndexMap<String, u64> =
            longer.filter(|(_, soak)| *soak > most).map(|(stage, soak)| (stage, ms(soak))).collect();
        (!written_ms.is_empty()).then(|| ShortSoak { most_ms: ms(most), written_ms })
    }
}

/// What took longer than it was estimated to, a phrase each.
fn over_estimate(legs: &[Leg]) -> Vec<String> {
    let mut over = Vec::new();
    for leg in legs {
        let word = match leg.direction {
            Direction::Forward => "forward",
            Direction::Back => "back",
        };
        let stages = leg.stages.iter().map(|s| (&s.stage, s.took_ms, s.estimate_ms, s.judged));
        let steps = leg.steps.iter().map(|s| (&s.step, s.took_ms, s.estimate_ms, s.judged));
        for (name, took, estimate, judged) in stages.chain(steps) {
            if let (Judged::OverEstimate, Some(took), Some(estimate)) = (judged, took, estimate) {
                over.push(format!("{word}: {name} took {}", span_of(took, estimate)));
            }
        }
    }
    over
}

impl Session {
    fn head(&self) -> SessionHead {
        let name = self.folder.file_name().map(|name| name.to_string_lossy().into_owned());
        SessionHead {
            session: name.unwrap_or_default(),
            seq: self.log.events.len() as u64,
            sha256: self.log.hash.clone(),
        }
    }

    /// Every event, and behind the end of each command what it printed.
    fn verbose(&self) -> String {
        let mut said = format!("=== {}\n", text::safe_line(&self.folder.display().to_string()));
        for event in &self.log.events {
            said.push_str(&line(event));
            said.push('\n');
            let EventKind::StepFinished(finish) = &event.event else { continue };
            let Some(output) = &finish.output else { continue };
            let folder = outputs::folder(&self.folder, &finish.step, finish.attempt);
            let piece = outputs::read(&folder, 0, MOST_OUTPUT, output.bytes);
            for line in text::safe_lines(&String::from_utf8_lossy(&piece.bytes)) {
                said.push_str("    | ");
                said.push_str(&line);
                said.push('\n');
            }
            let rest = output.bytes.saturating_sub(piece.bytes.len() as u64);
            if rest > 0 {
                let path = Path::new(&output.path).display();
                said.push_str(&format!("    … and {rest} more bytes in {path}\n"));
            }
        }
        said
    }
}

fn say(why: &str) -> u8 {
    text::safe_lines(why).for_each(|line| anstream::eprintln!("gonogo: {line}"));
    exit::HELD
}

fn refused(why: &str, code: u8) -> ExitCode {
    say(why);
    ExitCode::from(code)
}
