//! `gonogo resume`: brings back a session whose engine is gone.

use std::collections::HashMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};
use similar::{ChangeTag, TextDiff};

use super::attach::{Afterwards, sit_down};
use super::engine::{Order, Word};
use super::launch::launch;
use super::look::Look;
use super::place::{self, Place};
use super::who::Who;
use super::{exit, run};
use crate::audit::dir;
use crate::audit::reader;
use crate::config::Config;
use crate::engine;
use crate::event::Mode;
use crate::session::State;
use crate::text;
use crate::wire::message::Kind;

/// Which session to bring back.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo resume orders-db

The log is checked before anything is added to it. Commands that went on without an engine are taken over, or \
their recorded end is read; what cannot be known is asked, with the evidence: done, failed, run again, roll back? \
The session keeps to its own copy of the runbook; where the file has changed since, the difference is shown.

Exit codes: those of `gonogo run`.")]
pub(super) struct Args {
    /// A session's name, a part of it that only one has or only one that is not over, or its folder; not needed where
    /// only one waits to be brought back.
    session: Option<String>,
    /// Bring it back, and open no cockpit on it.
    #[arg(long, conflicts_with = "headless")]
    detach: bool,
    /// Go on in the foreground, with a line for each event instead of the cockpit.
    #[arg(long)]
    headless: bool,
    /// With --headless: answer from this file what a person would be asked.
    #[arg(long, value_name = "FILE", requires = "headless")]
    answers: Option<PathBuf>,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    look: Look,
}

/// Runs `gonogo resume`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let place = match &args.session {
        Some(session) => place::find_waiting(session),
        None => place::only_waiting(),
    };
    let place = place.map_err(|why| eyre!(why))?;
    let folder = own_folder(&place)?;
    if place.is_live() {
        let name = text::safe(&place.name).into_owned();
        anstream::eprintln!("gonogo: the engine of {name} runs: `gonogo attach {name}` joins it");
        return Ok(ExitCode::from(exit::HELD));
    }
    show_changes(&folder);
    if args.headless {
        return foreground(&folder, args.answers.as_deref());
    }
    // Said before there is an engine that nobody looks at; of a session that is over there will be none.
    let is_over = recorded(&folder).is_some_and(|state| state.is_closed());
    if !args.detach && !is_over {
        run::needs_terminal()?;
    }
    let config = match args.look.config() {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let findings = match bring_back(&folder)? {
        Ok(findings) => findings,
        Err(code) => return Ok(code),
    };
    if args.detach {
        findings.iter().for_each(|finding| anstream::eprintln!("{}", text::safe(finding)));
        return Ok(ExitCode::SUCCESS);
    }
    // In the cockpit they stand in the log; here they would be read when it is left, and long be past.
    let hello = args.who.hello(Kind::Cockpit)?;
    run::runtime()?.block_on(sit_down(&door_of(&folder)?, hello, config, Afterwards::GoesOn))
}

/// How the session stands by its log; `None` where that cannot be read.
fn recorded(folder: &Path) -> Option<State> {
    reader::read(&folder.join(dir::LOG)).ok().map(|log| State::of(&log.events))
}

/// Says that the engine is gone, and asks whoever sits at a terminal whether to bring it back.
pub(super) fn offer(place: &Place, config: Config) -> Result<ExitCode> {
    let folder = own_folder(place)?;
    let name = text::safe(&place.name).into_owned();
    let state = recorded(&folder);
    if let Some((outcome, _)) = state.as_ref().and_then(|state| state.outcome) {
        anstream::eprintln!("gonogo: {name} is over: {}", outcome.word());
        return Ok(ExitCode::from(exit::HELD));
    }
    let stood = state.map_or_else(String::new, |state| format!("; it was {}", state.situation().word()));
    anstream::eprintln!("the engine of {name} is gone{stood}");
    if !io::stdin().is_terminal() {
        anstream::eprintln!("gonogo: `gonogo resume {name}` brings it back");
        return Ok(ExitCode::from(exit::ERROR));
    }
    show_changes(&folder);
    if !asked("bring it back?")? {
        return Ok(ExitCode::from(exit::HELD));
    }
    if let Err(code) = bring_back(&folder)? {
        return Ok(code);
    }
    let hello = Who::default().hello(Kind::Cockpit)?;
    run::runtime()?.block_on(sit_down(&door_of(&folder)?, hello, config, Afterwards::GoesOn))
}

/// Where the session is now that an engine has opened its door.
fn door_of(folder: &Path) -> Result<Place> {
    place::find(&folder.display().to_string()).map_err(|why| eyre!(why))
}

fn own_folder(place: &Place) -> Result<PathBuf> {
    let folder = place.folder().ok_or_else(|| {
        eyre!("the session {} belongs to another user, who alone can bring it back", place.name)
    })?;
    std::fs::canonicalize(folder).wrap_err_with(|| format!("cannot use {}", folder.display()))
}

/// Starts the engine anew; returns what it found, a sentence each, or the exit code where it does not come back.
fn bring_back(folder: &Path) -> Result<Result<Vec<String>, ExitCode>> {
    let mut given = HashMap::new();
    loop {
        let order = Order::Resume { given: given.clone() };
        let launched = launch(folder, &order).map_err(|why| eyre!(why))?;
        match launched.word {
            Word::Ready { findings, .. } => return Ok(Ok(findings)),
            Word::Refused { why } => {
                anstream::eprintln!("gonogo: {}", text::safe(&why));
                return Ok(Err(ExitCode::from(exit::HELD)));
            }
            Word::Secrets { names, why } => {
                anstream::eprintln!("gonogo: {}", text::safe(&why));
                if !io::stdin().is_terminal() {
                    return Ok(Err(ExitCode::from(exit::HELD)));
                }
                for name in names {
                    let asked = format!("secret {}: ", text::safe(&name));
                    let value =
                        rpassword::prompt_password(asked).wrap_err("a secret cannot be asked for here")?;
                    given.insert(name, value);
                }
            }
        }
    }
}

/// Goes on in this very process, with answers from a file.
fn foreground(folder: &Path, answers: Option<&Path>) -> Result<ExitCode> {
    let log = reader::read(&folder.join(dir::LOG))?;
    let state = State::of(&log.events);
    let mode = state.opened.as_ref().map_or(Mode::Live, |opened| opened.mode);
    let answers = match (answers, state.runbook.as_deref()) {
        (Some(path), Some(runbook)) => match crate::headless::answers::read(path, runbook, mode) {
            Ok(answers) => Some(answers),
            Err(why) => {
                text::safe_lines(&why).for_each(|line| anstream::eprintln!("{line}"));
                return Ok(ExitCode::from(exit::USAGE));
            }
        },
        _ => None,
    };
    let runtime = run::runtime()?;
    let code = runtime.block_on(async {
        match engine::resume(folder, &HashMap::new()) {
            Ok(back) => ExitCode::from(run::foreground(back.engine, answers).await),
            Err(e) => {
                anstream::eprintln!("gonogo: {}", text::safe(&e.to_string()));
                ExitCode::from(exit::HELD)
            }
        }
    });
    runtime.shutdown_background();
    Ok(code)
}

/// Shows how the runbook's file differs from what the session runs.
fn show_changes(folder: &Path) {
    let Some(state) = recorded(folder) else { return };
    let Some(opened) = &state.opened else { return };
    let path = Path::new(&opened.dir).join(&opened.file);
    let shown = text::safe(&path.display().to_string()).into_owned();
    match std::fs::read_to_string(&path) {
        Err(e) => anstream::eprintln!("{shown} cannot be read ({e}): the session keeps to its own copy"),
        Ok(now) if now == opened.runbook => {}
        Ok(now) => {
            anstream::eprintln!(
                "{shown} has changed; the session keeps to its own copy, without these changes:"
            );
            let diff = TextDiff::from_lines(opened.runbook.as_str(), now.as_str());
            for group in diff.grouped_ops(1) {
                for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                    let sign = match change.tag() {
                        ChangeTag::Delete => '-',
                        ChangeTag::Insert => '+',
                        ChangeTag::Equal => ' ',
                    };
                    anstream::eprintln!("  {sign} {}", text::safe(change.value().trim_end_matches('\n')));
                }
            }
        }
    }
}

/// A question at the terminal; only a typed yes is one.
fn asked(question: &str) -> Result<bool> {
    anstream::eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
