//! `gonogo demo`: the cockpit on the sample runbook, against services of its own.

use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::Result;

use super::attach::Afterwards;
use super::load::{RunbookArgs, VarArgs};
use super::look::Look;
use super::run::{self, Settings};
use super::who::Who;
use crate::event::Mode;
use crate::lab::demo::DemoWorld;

/// How the demo is run.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo demo

A service gives its port to its successor, both on this machine. Press ? for the keys, a to go on, b to roll \
back, q to leave. A demo ends with its cockpit or its terminal, and what was started for it is stopped; a session of \
`gonogo run` goes on without either. The record stays: `gonogo verify`, `gonogo report` and `gonogo replay` read it.")]
pub(super) struct Args {
    /// Drive it without a cockpit, with the demo's own answers.
    #[arg(long)]
    headless: bool,
    #[command(flatten)]
    look: Look,
}

/// Makes the demo's world, drives it, and cleans it up.
pub(super) fn run(args: Args) -> Result<ExitCode> {
    let world = DemoWorld::make()?;
    run::drive(Settings {
        runbook: RunbookArgs {
            runbook: world.runbook.clone(),
            vars: VarArgs { set: world.vars.clone(), vars: None },
        },
        answers: args.headless.then(|| world.answers.clone()),
        headless: args.headless,
        mode: Mode::Rehearsal,
        name: None,
        share: None,
        who: Who::default(),
        look: args.look,
        // Its services end with it, so there would be nothing to go on with.
        afterwards: Afterwards::Ends,
    })
}
