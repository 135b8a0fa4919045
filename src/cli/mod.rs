//! The command line: one file a subcommand, wiring and nothing else.

mod attach;
mod bundle;
mod cast;
pub mod check;
pub mod crash;
mod ctl;
mod demo;
mod drill;
mod engine;
mod init;
mod knock;
mod launch;
pub mod load;
mod look;
mod manual;
mod operator;
mod paths;
mod place;
pub mod plan;
mod progress;
mod recorded;
mod replay;
mod report;
mod resume;
mod run;
mod say;
mod schema;
mod seal;
mod serve;
mod sessions;
mod ssh_keygen;
mod verify;
mod who;
mod written;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use color_eyre::eyre::Result;

/// Exit codes that are not 0.
pub(crate) mod exit {
    /// An error, or a lost engine.
    pub const ERROR: u8 = 1;
    /// Wrong usage, an invalid runbook, a var without a value.
    pub const USAGE: u8 = 2;
    /// Held, failed, aborted, refused.
    pub const HELD: u8 = 3;
    pub const ROLLED_BACK: u8 = 4;
    pub const ROLLBACK_STUCK: u8 = 9;
}

/// A terminal cockpit for cutovers: a green light is a proof, the way back is always known, nothing is lost.
#[derive(Debug, Parser)]
#[command(
    name = "gonogo",
    version,
    max_term_width = 100,
    after_help = "\
Start with `gonogo demo`: a small real cutover, nothing else needed.

Then, with a runbook of your own:
  gonogo check cutover.toml             what is wrong with it
  gonogo plan cutover.toml --rollback   the way back, before you need it
  gonogo run cutover.toml --simulate    all of it, touching nothing
  gonogo run cutover.toml               live

Environment:
  GONOGO_STATE_DIR   where sessions are kept
                     (else $XDG_STATE_HOME/gonogo, else ~/.local/state/gonogo)
  NO_COLOR           no colour; states stay readable as words

Exit codes:
  0 completed   1 error   2 usage or invalid runbook   3 held, failed, aborted, refused
  4 rolled back   5-8 verify   9 rollback stuck   130/143 interrupted"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Drive a small real cutover in the cockpit; nothing else is needed.
    Demo(demo::Args),
    /// Drive a runbook: start a session of it and open the cockpit.
    Run(run::Args),
    /// Join a session that runs; several may, and one drives.
    Attach(attach::Args),
    /// Bring back a session whose engine is gone.
    Resume(resume::Args),
    /// The engine of one session, as `run` and `resume` start it.
    #[command(hide = true)]
    Engine(engine::Args),
    /// Say everything that is wrong with a runbook, in one pass.
    Check(check::Args),
    /// Show what a runbook would do, or its way back, without doing any of it.
    Plan(plan::Args),
    /// Rehearse a runbook unattended: forward, all the way back, and forward again, with every step timed.
    Drill(drill::Args),
    /// List the sessions: how each stands, and whether an engine drives it.
    Sessions(sessions::Args),
    /// Do from a script what the cockpit's keys do: status, advance, pause, roll back, vote, and the rest.
    Ctl(ctl::Args),
    /// Look at a recorded session in the cockpit: at any moment of it, at any speed; nothing is run.
    Replay(replay::Args),
    /// Say whether a session's record is whole.
    Verify(verify::Args),
    /// Sign a session's record with an SSH key.
    Seal(seal::Args),
    /// Pack a session's record into one archive, with its digest.
    Bundle(bundle::Args),
    /// Say what happened: a session's report, for the change ticket.
    Report(report::Args),
    /// Print a JSON Schema: of the runbook format, for editors, or of a report, for programs.
    Schema(schema::Args),
    /// Write a first runbook to start from.
    Init(init::Args),
    /// Say where everything lies that gonogo reads and keeps.
    Paths(paths::Args),
    /// Print what a shell completes of this command line.
    Completions(manual::Completions),
    /// Print the manual page.
    Man(manual::Man),
    /// Stand-in services for rehearsals: start, stop, and break them.
    Lab(crate::lab::Args),
}

/// Runs the command line.
///
/// # Errors
/// What no subcommand could explain better itself.
pub fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Demo(args) => demo::run(args),
        Command::Run(args) => run::run(args),
        Command::Attach(args) => attach::run(&args),
        Command::Resume(args) => resume::run(&args),
        Command::Engine(args) => engine::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Drill(args) => drill::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        Command::Ctl(args) => ctl::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Seal(args) => seal::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Paths(args) => paths::run(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
        Command::Lab(args) => crate::lab::run(args),
    }
}
