//! `gonogo replay`: the cockpit over a recorded session.

use std::io::{IsTerminal as _, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};

use super::look::{self, Look};
use super::{place, progress, run};
use crate::audit::telemetry::Samples;
use crate::audit::{dir, seals};
use crate::clock;
use crate::replay::{At, Player, Recording};
use crate::runbook::diagnostic::Severity;
use crate::text;
use crate::ui::replay::{Beside, WhatIf};
use crate::ui::run::{Exit, Options, play};
use crate::what_if;

/// What is replayed, and from where on.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  gonogo replay orders-db                   by a part of its name, from the beginning
  gonogo replay orders-db --at 02:41:42     at the first such time (UTC) after it began
  gonogo replay audit.jsonl --at 211        a log wherever it lies, at its event 211
  gonogo replay orders-db --at T+00:40:00 --speed 50
  gonogo replay orders-db --what-if stricter.toml | less    a table, without a screen

Space plays and halts, left and right go by event, n to the next failure, 0 to 9 by tenths, o shows the cockpit as it \
was; ? lists every key. A log that is still being written is followed once its end is reached. Nothing is run, nothing \
is connected to, and nothing is written: no key here acts on the cutover.")]
pub(super) struct Args {
    /// A session's name, a part that only one has, or the path of a session's folder or log; not needed where there is
    /// only one.
    session: Option<String>,
    /// Begin there: an event's number, a time of day in UTC, a whole time, or T+ and the time since the session began.
    #[arg(long, value_name = "TIME|SEQ", allow_hyphen_values = true)]
    at: Option<At>,
    /// How many times faster than it happened it plays, from 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    speed: u32,
    /// Judge the recorded samples again under this runbook's limits, soaks and triggers, and show where gates and
    /// triggers would have gone another way.
    #[arg(long, value_name = "RUNBOOK")]
    what_if: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

/// Runs `gonogo replay`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let session = place::given_or_only(args.session.as_deref()).map_err(|why| eyre!(why))?;
    let place = place::find(&session).map_err(|why| eyre!(why))?;
    let Some(log) = &place.log else {
        let name = text::safe(&place.name).into_owned();
        return Err(eyre!("session {name} is somebody else's, who keeps its log: ask them for a copy of it"));
    };
    let what_if = match &args.what_if {
        Some(runbook) => Some(judged(log, runbook)?),
        None => None,
    };
    if let Some(what_if) = what_if.as_ref().filter(|_| !stdout().is_terminal()) {
        print!("{}", what_if::table(what_if));
        return Ok(ExitCode::SUCCESS);
    }
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(eyre!(
            "a replay needs a terminal for its keys and its screen: run `gonogo replay {}` on one",
            text::safe(&session)
        ));
    }
    let recording = Recording::open(log)?;
    let mut player = Player::new(recording, &clock::boot_id());
    player.set_speed(args.speed);
    if let Some(at) = args.at {
        player.seek(at).map_err(|why| eyre!("--at: {why}"))?;
    }
    let what_if = what_if.map(|what_if| WhatIf {
        at_ms: what_if.marks.iter().map(|mark| mark.t_ms).collect(),
        table: what_if::table(&what_if),
    });
    let beside = Beside { seal: sealed(log), what_if };
    let config = match args.look.config() {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let keymap = config.replay_keymap.clone();
    let options = Options { keymap, ..look::options(config, None) };
    let parting =
        run::runtime()?.block_on(play(player, beside, options)).wrap_err("a replay needs a terminal")?;
    Ok(match parting.exit {
        Exit::Signalled(signal) => ExitCode::from(128 + u8::try_from(signal).unwrap_or(0)),
        _ => ExitCode::SUCCESS,
    })
}

/// Whether somebody sealed the log; what the seal is worth `verify` says.
fn sealed(log: &Path) -> Option<String> {
    let seals = seals::list(log.parent()?).ok()?;
    let last = seals.iter().filter_map(|seal| Some(seal.head.as_ref().ok()?.seq)).max();
    Some(last.map_or_else(|| "not sealed".to_owned(), |seq| format!("sealed at #{seq}, not checked here")))
}

/// What would have gone another way under the runbook at `runbook`.
fn judged(log: &Path, runbook: &Path) -> Result<what_if::WhatIf> {
    let recording = Recording::open(log)?;
    let said = || {
        let surveyed = recording.surveyed();
        let what = format!("{}: reading the log", text::safe(&log.display().to_string()));
        progress::line(&what, surveyed.events, surveyed.lines, |lines| format!("{lines} events"))
    };
    progress::shown(said, || recording.wait_until_surveyed());
    let events = recording.events_between(1, recording.events());
    let unread = || format!("cannot read {}", runbook.display());
    let text = std::fs::read_to_string(runbook).wrap_err_with(unread)?;
    let file = runbook.display().to_string();
    let loaded = what_if::load(recording.opened(), text.clone(), file.clone());
    for diagnostic in loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error) {
        anstream::eprintln!("{}", diagnostic.render(&file, &text, true));
    }
    let Some(asked) = loaded.runbook else {
        return Err(eyre!("{} is no runbook: mend it first (`gonogo check`)", text::safe(&file)));
    };
    // Without telemetry nothing was sampled, and the judge says so.
    let samples = Samples::open(&log.with_file_name(dir::TELEMETRY)).ok();
    let samples =
        samples.into_iter().flat_map(|mut samples| std::iter::from_fn(move || samples.next().ok().flatten()));
    Ok(what_if::judge(&events, samples, &asked)?)
}
