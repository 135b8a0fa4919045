//! `gonogo attach`: the cockpit on a session whose engine runs in a process of its own.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};

use tokio::sync::watch;

use super::knock::knock;
use super::look::{self, Look};
use super::place::{self, Place};
use super::say::say;
use super::who::Who;
use super::{exit, resume, run};
use crate::audit::receipts::Receipts;
use crate::clock;
use crate::config::Config;
use crate::text;
use crate::ui::run::{Exit, Options, Parting, cockpit};
use crate::wire::client::{Attached, Head};
use crate::wire::message::{Hello, Kind};

/// How often the log's head that this cockpit has seen is kept.
const KEEP_HEAD: Duration = Duration::from_secs(5);

/// Whom to join, and as what.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  gonogo attach                      the only session that runs
  gonogo attach orders-db            by a part of its name
  gonogo attach orders-db --observe  look on: every key but pause is refused
  gonogo attach orders-db --for db   vote and confirm for the role db

Several may be attached at once. One drives, whoever has the wheel; press H to ask for it or to hand it over. \
Leaving with d, a lost connection or a dead terminal changes nothing of the session.

Where two people come as the same user (both as root, say) the engine cannot tell them apart. Then each gives a \
name, and a passphrase that belongs to that name for this session; the first use sets it:
  gonogo attach orders-db --as anna")]
pub(super) struct Args {
    /// A session's name, a part of it that only one has or only one that runs, or its folder; not needed where only one
    /// runs.
    session: Option<String>,
    /// Look on only.
    #[arg(long)]
    observe: bool,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    look: Look,
}

/// Runs `gonogo attach`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let place = match &args.session {
        Some(session) => place::find_live(session),
        None => place::only_live(),
    };
    let place = place.map_err(|why| eyre!(why))?;
    let config = match args.look.config() {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if !place.is_live() {
        return resume::offer(&place, config);
    }
    let mut hello = args.who.hello(Kind::Cockpit)?;
    hello.observe = args.observe;
    run::runtime()?.block_on(sit_down(&place, hello, config, Afterwards::GoesOn))
}

/// What becomes of the session when its cockpit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    GoesOn,
    /// It was made for this cockpit alone.
    Ends,
}

/// Opens the cockpit on a session's engine and stays until the operator leaves.
pub(super) async fn sit_down(
    place: &Place,
    hello: Hello,
    config: Config,
    afterwards: Afterwards,
) -> Result<ExitCode> {
    let Attached { feed, session, note, head, .. } = match knock(place, hello, kept_head(&place.name)).await {
        Ok(attached) => attached,
        Err(e) => {
            anstream::eprintln!("gonogo: {}", text::safe(&e.to_string()));
            return Ok(ExitCode::from(exit::HELD));
        }
    };
    let keeper = tokio::spawn(keep_heads(session.clone(), head.clone()));
    let tied = afterwards == Afterwards::Ends;
    let parting = cockpit(feed, Options { tied, ..look::options(config, note) }).await;
    keeper.abort();
    keep_head(&session, &head);
    let Parting { exit, state, head } =
        parting.wrap_err("the cockpit needs a terminal; `--headless` does without one")?;
    let session = text::safe(&session).into_owned();
    let (said, code) = match exit {
        Exit::Left => (run::how_it_stands(&state), run::exit_code(&state)),
        Exit::Detached | Exit::TerminalGone if tied => {
            ("ends with its cockpit".to_owned(), ExitCode::from(exit::HELD))
        }
        Exit::Detached | Exit::TerminalGone => (
            format!("goes on without this cockpit: `gonogo attach {session}` comes back to it"),
            ExitCode::SUCCESS,
        ),
        Exit::Lost(why) => (why, ExitCode::from(exit::ERROR)),
        Exit::Signalled(signal) => {
            let code = ExitCode::from(128 + u8::try_from(signal).unwrap_or(0));
            let what = if tied { "ends with its cockpit, which was" } else { "goes on; this cockpit was" };
            (format!("{what} ended by signal {signal}"), code)
        }
    };
    say(format!("session {session} {}", text::safe(&said)));
    if let Some(folder) = place.folder() {
        say(format!("record  {}", text::safe(&folder.display().to_string())));
    }
    if let Some(head) = head {
        say(format!("head    {head}"));
    }
    if state.is_closed() || tied {
        say(format!("later   gonogo report {session}, gonogo replay {session}"));
    }
    Ok(code)
}

/// Keeps what this cockpit has seen of the log's head, so that nobody can cut it off or write it anew unseen.
async fn keep_heads(session: String, mut head: watch::Receiver<Head>) {
    while head.changed().await.is_ok() {
        keep_head(&session, &head);
        tokio::time::sleep(KEEP_HEAD).await;
    }
}

/// The head that was seen last of a session: what an engine shows is to go on from there.
fn kept_head(session: &str) -> Option<Head> {
    let kept = Receipts::own().ok()?.last(session)?;
    Some(Head { seq: kept.seq, hash: kept.hash })
}

fn keep_head(session: &str, head: &watch::Receiver<Head>) {
    let Head { seq, hash } = head.borrow().clone();
    if seq > 0 {
        // Without a state folder there is nowhere to keep it.
        if let Ok(receipts) = Receipts::own() {
            receipts.note(session, seq, &hash, clock::now().at);
        }
    }
}
