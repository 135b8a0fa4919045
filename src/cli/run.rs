//! `gonogo run`: loads a runbook, starts its engine, and opens the cockpit, or prints where there is none.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::{Child, ExitCode};
use std::time::Duration;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use tokio::runtime::Runtime;

use super::attach::{Afterwards, sit_down};
use super::engine::{Order, Word};
use super::knock::knock;
use super::launch::{Launched, launch};
use super::load::{RunbookArgs, load_or_report};
use super::look::Look;
use super::place::{self, Place};
use super::who::Who;
use super::{exit, operator, say, serve};
use crate::audit::dir;
use crate::config::Config;
use crate::engine::{self, Engine, Opening, logout, preflight};
use crate::event::{Credentials, Mode, Outcome, Person, Seat};
use crate::feed::{Commander, Feed};
use crate::headless::answers::Answers;
use crate::process::{self, Identity};
use crate::runbook::load::Missing;
use crate::session::{Command, Situation, State, StepStatus, roles};
use crate::text;
use crate::wire::message::{Hello, Kind};
use crate::wire::peer;
use crate::wire::server::{self, About};

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
    /// Print a line for each event instead of opening the cockpit; without --answers others drive it, by `attach` or
    /// `ctl`.
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
    /// Let the members of this group attach: the socket lies in $GONOGO_SHARE_DIR (default /run/gonogo).
    #[arg(long, value_name = "GROUP")]
    share: Option<String>,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    look: Look,
}

/// A session to drive.
#[derive(Debug)]
pub(super) struct Settings {
    pub runbook: RunbookArgs,
    pub answers: Option<PathBuf>,
    pub headless: bool,
    pub mode: Mode,
    pub name: Option<String>,
    pub share: Option<String>,
    pub who: Who,
    pub look: Look,
    pub afterwards: Afterwards,
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
        share: args.share,
        who: args.who,
        look: args.look,
        afterwards: Afterwards::GoesOn,
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
        Some(path) => match crate::headless::answers::read(path, &runbook, settings.mode) {
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
    let file = std::fs::canonicalize(&settings.runbook.runbook).wrap_err("the runbook is gone")?;
    let name = settings.name.as_ref().unwrap_or(&runbook.id);
    let opening = Opening {
        share: settings.share.clone(),
        ..Opening::new(&runbook, file, name, settings.mode, super::load::this_host())
    };
    if !settings.headless && settings.mode != Mode::Simulated {
        say_what_a_logout_does();
    }
    if settings.headless {
        return in_front(&opening, answers);
    }
    // Said before there is a session that nobody looks at.
    needs_terminal()?;
    let config = match settings.look.config() {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    behind(opening, &settings, config)
}

/// Fails where a cockpit would have no terminal to be on.
pub(super) fn needs_terminal() -> Result<()> {
    if !io::stdout().is_terminal() {
        bail!("the cockpit needs a terminal; `--headless` does without one");
    }
    Ok(())
}

/// While there is still time to start it otherwise.
fn say_what_a_logout_does() {
    if let Some(warning) = logout::warning(&logout::Host::this(&operator::person().person)) {
        anstream::eprintln!("gonogo: {}", text::safe(&warning));
    }
}

/// The engine in this very process, and a line for each event.
fn in_front(opening: &Opening, answers: Option<Answers>) -> Result<ExitCode> {
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        match engine::start(opening) {
            Ok(engine) => ExitCode::from(foreground(engine, answers).await),
            Err(e) => refused(&e.to_string()),
        }
    });
    // Commands live on under their shims; nothing of this process waits for them.
    runtime.shutdown_background();
    Ok(code)
}

/// The engine in a process of its own, which no terminal takes with it, and the cockpit on it.
fn behind(opening: Opening, settings: &Settings, config: Config) -> Result<ExitCode> {
    let hello = settings.who.hello(Kind::Cockpit)?;
    let dir = dir::state_dir()?.join("sessions").join(&opening.name);
    let Launched { mut child, word } = match launch(&dir, &Order::Open(Box::new(opening))) {
        Ok(launched) => launched,
        Err(why) => return Ok(refused(&why)),
    };
    let folder = match word {
        Word::Ready { folder, .. } => folder,
        Word::Refused { why } | Word::Secrets { why, .. } => return Ok(refused(&why)),
    };
    let place = place::find(&folder.display().to_string()).map_err(|why| eyre!(why))?;
    let runtime = runtime()?;
    let code = runtime.block_on(sit_down(&place, hello.clone(), config, settings.afterwards));
    if settings.afterwards == Afterwards::Ends {
        runtime.block_on(abort(&place, hello));
        stop(&mut child);
    }
    code
}

/// Closes a session that is not to be gone on with, so that nobody is offered to; one that is over already stays so.
async fn abort(place: &Place, hello: Hello) {
    let Ok(attached) = knock(place, hello, None).await else { return };
    if let Some(commander) = attached.feed.commander {
        let reason = "its cockpit was left, and it was made for that".to_owned();
        let _ = commander.ask(Command::Abort { reason }, attached.feed.state.seq).await;
    }
}

/// Ends an engine that is not to outlive its cockpit.
fn stop(child: &mut Child) {
    if let Some(engine) = Identity::of_child(child.id()) {
        // One that has ended already needs no signal.
        let _ = process::signal(&engine, rustix::process::Signal::TERM);
    }
    let _ = child.wait();
}

/// Brings those to the controls who vote by the file, and how each of them asks. `own` is who drives the run.
async fn stand_ins(engine: &Engine, answers: Option<&Answers>, own: &str) -> HashMap<String, Commander> {
    let mut voters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for voter in answers.iter().flat_map(|answers| answers.vote.values().flatten()) {
        voters.entry(voter.person.clone()).or_default().extend(voter.role.clone());
    }
    let mut commanders = HashMap::new();
    for (name, roles) in voters.into_iter().filter(|(name, _)| name != own) {
        // Root by passphrase: one person for each name of the file.
        let credentials = Credentials { passphrase: true, ..Credentials::default() };
        let person = Person { person: name.clone(), uid: credentials.uid, seat: Seat::Navigator };
        let feed = engine.arrive(person, credentials, roles).await;
        commanders.extend(feed.and_then(|feed| feed.commander).map(|commander| (name, commander)));
    }
    commanders
}

/// How long those who are attached to a headless run may take to hear how it ended.
const FAREWELL: Duration = Duration::from_secs(2);

/// Drives a session whose engine runs in this process; others may attach to it meanwhile.
/// Returns the exit code.
pub(super) async fn foreground(engine: Engine, answers: Option<Answers>) -> u8 {
    let listening = match serve::open(&engine).await {
        Ok(listening) => listening,
        Err(why) => {
            stop_and_say(&engine, &why).await;
            return say(&why);
        }
    };
    let own = operator::person();
    let mut roles = given_roles(&engine, &own).await;
    roles.extend(answers.iter().flat_map(|answers| answers.stands_for.clone()));
    // Without answers nobody sits here: the wheel is for whoever attaches.
    let (feed, resident) = match &answers {
        Some(_) => {
            let feed = engine.arrive(own.clone(), operator::credentials(), roles.clone()).await;
            (feed, Some((own.clone(), roles)))
        }
        None => (engine.feed(own.clone()).await, None),
    };
    let Some(feed) = feed else { return say("the engine ended before it had begun") };
    let about = About { resident, ..About::default() };
    let served = tokio::spawn(server::serve(listening, engine.clone(), about));
    let stand_ins = stand_ins(&engine, answers.as_ref(), &own.person).await;
    let code = crate::headless::drive(feed, answers, stand_ins).await;
    stop_and_say(&engine, "the headless run ended").await;
    // Whoever is attached gets the last events; with nobody there this takes no time.
    let _ = tokio::time::timeout(FAREWELL, served).await;
    code
}

/// What the runbook lets somebody stand for.
async fn given_roles(engine: &Engine, own: &Person) -> Vec<String> {
    let groups = peer::groups_of(&own.person);
    let runbook = engine.feed(own.clone()).await.and_then(|feed| feed.state.runbook);
    // Only a claim is ever refused, and nothing is claimed here.
    runbook.and_then(|book| roles::roles_of(&book, &own.person, &groups, &[]).ok()).unwrap_or_default()
}

/// Stops the engine and says where the record lies.
async fn stop_and_say(engine: &Engine, reason: &str) {
    engine.stop(reason);
    engine.ended().await;
    let Some(Feed { state, telemetry, .. }) = engine.feed(operator::person()).await else { return };
    say::say(format!("session {}", how_it_stands(&state)));
    say::say(format!("record  {}", text::safe(&engine.session_dir.display().to_string())));
    if let Some(head) = telemetry.head {
        say::say(format!("head    {head}"));
    }
    if let Some(opened) = state.opened.as_ref().filter(|_| !state.is_closed()) {
        let session = text::safe(&opened.session);
        say::say(format!("next    gonogo resume {session}: it goes on from there, or back"));
    }
}

/// How a session stands that is left, as a phrase.
pub(super) fn how_it_stands(state: &State) -> String {
    match &state.outcome {
        Some(_) => state.stands(),
        None => {
            let runs = state.steps.values().any(|step| step.status == StepStatus::Running);
            let commands = if runs { "; running commands live on under their shims" } else { "" };
            format!("left while {}{commands}", state.situation().word())
        }
    }
}

/// The exit code for how a session stands.
pub(super) fn exit_code(state: &State) -> ExitCode {
    match (&state.outcome, state.situation()) {
        (Some((Outcome::Completed, _)), _) => ExitCode::SUCCESS,
        (Some((Outcome::RolledBack, _)), _) => ExitCode::from(exit::ROLLED_BACK),
        (None, Situation::RollbackStuck) => ExitCode::from(exit::ROLLBACK_STUCK),
        _ => ExitCode::from(exit::HELD),
    }
}

/// The threads of an engine or a cockpit.
pub(super) fn runtime() -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().wrap_err("cannot start threads")
}

fn refused(why: &str) -> ExitCode {
    ExitCode::from(say(why))
}

fn say(why: &str) -> u8 {
    anstream::eprintln!("gonogo: {}", text::safe(why));
    exit::HELD
}
