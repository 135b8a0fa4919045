//! `gonogo run`: loads a runbook, starts its engine, and opens the cockpit, or prints where there is none.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _};

use super::load::{RunbookArgs, load_or_report};
use super::{exit, operator};
use crate::engine::{self, Engine, Opening, preflight};
use crate::event::{Mode, Outcome};
use crate::process;
use crate::runbook::load::Missing;
use crate::session::{Situation, State, StepStatus};
use crate::text;
use crate::ui::run::{Exit, Options, cockpit};

/// How a session is started.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  gonogo run cutover.toml --simulate          see it whole, touching nothing
  gonogo run cutover.toml --set port=9000     live, with a value for a var
  gonogo run cutover.toml --headless --answers answers.toml

A file of answers says what a person would press; at the first question that it leaves open the run ends \
with exit code 3:
  advance = true                    # go on where a gate is GO
  gate_within = \"10m\"               # a gate that is not GO by then is a hold
  point_of_no_return = [\"retire\"]   # the ones that it may cross

Exit codes:
  0 completed   1 error   2 usage or invalid runbook   3 held, failed, aborted, refused
  4 rolled back   9 rollback stuck   130/143 interrupted")]
pub(super) struct Args {
    #[command(flatten)]
    runbook: RunbookArgs,
    /// Print a line for each event instead of opening the cockpit.
    #[arg(long)]
    headless: bool,
    /// With --headless: answer from this file what a person would be asked.
    #[arg(long, value_name = "FILE", requires = "headless")]
    answers: Option<PathBuf>,
    /// Touch nothing: steps take their estimate and pass.
    #[arg(long)]
    simulate: bool,
    /// Mark the session as a rehearsal.
    #[arg(long, conflicts_with = "simulate")]
    rehearsal: bool,
    /// The session's name behind its date (default: the runbook's id).
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// Draw with characters that every terminal has.
    #[arg(long)]
    ascii: bool,
}

/// A session to drive.
#[derive(Debug)]
pub(super) struct Settings {
    pub runbook: RunbookArgs,
    pub answers: Option<PathBuf>,
    pub headless: bool,
    pub mode: Mode,
    pub name: Option<String>,
    pub ascii: bool,
}

/// Runs `gonogo run`.
pub(super) fn run(args: Args) -> Result<ExitCode> {
    let mode = match (args.simulate, args.rehearsal) {
        (true, _) => Mode::Simulated,
        (_, true) => Mode::Rehearsal,
        _ => Mode::Live,
    };
    drive(Settings {
        runbook: args.runbook,
        answers: args.answers,
        headless: args.headless,
        mode,
        name: args.id,
        ascii: args.ascii,
    })
}

/// Starts a session and stays with it until it ends or the operator leaves.
pub(super) fn drive(settings: Settings) -> Result<ExitCode> {
    process::keep_memory_private();
    let runbook = match load_or_report(&settings.runbook, Missing::Error) {
        Ok(runbook) => runbook,
        Err(code) => return Ok(code),
    };
    let answers = match &settings.answers {
        Some(path) => match crate::headless::answers::read(path, &runbook) {
            Ok(answers) => Some(answers),
            Err(why) => {
                text::safe_lines(&why).for_each(|line| anstream::eprintln!("{line}"));
                return Ok(ExitCode::from(exit::USAGE));
            }
        },
        None => None,
    };
    if settings.mode != Mode::Simulated {
        let problems = preflight::problems(&runbook);
        if !problems.is_empty() {
            problems.iter().for_each(|problem| anstream::eprintln!("gonogo: {}", text::safe(problem)));
            return Ok(ExitCode::from(exit::HELD));
        }
    }
    let driver = operator::driver();
    let file = std::fs::canonicalize(&settings.runbook.runbook).wrap_err("the runbook is gone")?;
    let name = settings.name.as_ref().unwrap_or(&runbook.id);
    let opening = Opening::new(&runbook, file, name, settings.mode, super::load::this_host());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .wrap_err("cannot start the engine's threads")?;
    let code = runtime.block_on(async {
        let engine = match engine::start(&opening) {
            Ok(engine) => engine,
            Err(e) => {
                anstream::eprintln!("gonogo: {}", text::safe(&e.to_string()));
                return Ok(ExitCode::from(exit::ERROR));
            }
        };
        let Some(feed) = engine.arrive(driver, operator::credentials(), Vec::new()).await else {
            anstream::eprintln!("gonogo: the engine ended before it had begun");
            return Ok(ExitCode::from(exit::ERROR));
        };
        if settings.headless {
            let code = crate::headless::drive(feed, answers).await;
            leave(&engine, "the headless run ended").await;
            return Ok(ExitCode::from(code));
        }
        let left = cockpit(feed, Options::from_env(settings.ascii)).await.map(|parting| parting.exit);
        let reason = match &left {
            Ok(Exit::Left | Exit::Detached) => "the operator left the cockpit".to_owned(),
            Ok(Exit::Lost(why)) => why.clone(),
            Ok(Exit::TerminalGone) => "the terminal is gone".to_owned(),
            Ok(Exit::Signalled(signal)) => format!("signal {signal}"),
            Err(e) => format!("there is no terminal: {e}"),
        };
        let state = leave(&engine, &reason).await;
        let left = left.wrap_err("the cockpit needs a terminal; `--headless` does without one")?;
        Ok::<_, color_eyre::Report>(match left {
            Exit::Signalled(signal) => ExitCode::from(128 + u8::try_from(signal).unwrap_or(0)),
            _ => exit_code(state.as_ref()),
        })
    })?;
    // Commands live on under their shims; nothing of this process waits for them.
    runtime.shutdown_background();
    Ok(code)
}

/// Stops the engine and says where the record lies; returns the last state.
async fn leave(engine: &Engine, reason: &str) -> Option<State> {
    engine.stop(reason);
    engine.ended().await;
    let state = engine.feed(operator::driver()).await?.state;
    let how = state.outcome.as_ref().map_or_else(
        || {
            let runs = state.steps.values().any(|step| step.status == StepStatus::Running);
            let commands = if runs { "; running commands live on under their shims" } else { "" };
            format!("left while {}{commands}", state.situation().word())
        },
        |(outcome, _)| outcome.word().to_owned(),
    );
    anstream::eprintln!("session {how}");
    anstream::eprintln!("record  {}", text::safe(&engine.session_dir.display().to_string()));
    if let Some(head) = engine.head().await {
        anstream::eprintln!("head    {head}");
    }
    Some(state)
}

fn exit_code(state: Option<&State>) -> ExitCode {
    let Some(state) = state else { return ExitCode::from(exit::ERROR) };
    match (&state.outcome, state.situation()) {
        (Some((Outcome::Completed, _)), _) => ExitCode::SUCCESS,
        (Some((Outcome::RolledBack, _)), _) => ExitCode::from(exit::ROLLED_BACK),
        (None, Situation::RollbackStuck) => ExitCode::from(exit::ROLLBACK_STUCK),
        _ => ExitCode::from(exit::HELD),
    }
}
