//! `gonogo attach`: the cockpit on a session whose engine runs in a process of its own.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};

use tokio::sync::{mpsc, watch};

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
use crate::ui::run::{Again, Exit, Options, Parting, cockpit};
use crate::wire::client::{Attached, ConnectError, Head};
use crate::wire::message::{Hello, Kind};

/// How often the log's head that this cockpit has seen is kept.
const KEEP_HEAD: Duration = Duration::from_secs(5);
/// How often a session without an engine is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
    let entered = knock(place, hello.clone(), kept_head(&place.name)).await;
    let Attached { feed, session, note, head, .. } = match entered {
        Ok(attached) => attached,
        Err(e) => {
            anstream::eprintln!("gonogo: {}", text::safe(&e.to_string()));
            return Ok(ExitCode::from(exit::HELD));
        }
    };
    let (again, feeds) = mpsc::channel(1);
    let keeper = tokio::spawn(stay(place.clone(), hello, head, again));
    let tied = afterwards == Afterwards::Ends;
    let parting = cockpit(feed, feeds, Options { tied, ..look::options(config, note) }).await;
    keeper.await.wrap_err("what was seen of the log's head was not kept")?;
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
        Exit::Lost(why) => (format!("lost its engine: {why}"), ExitCode::from(exit::ERROR)),
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

/// Keeps what the cockpit sees of the log's head, and comes in again each time that the session has an engine after it
/// was lost, until the cockpit is left.
async fn stay(place: Place, hello: Hello, mut head: watch::Receiver<Head>, again: mpsc::Sender<Again>) {
    loop {
        tokio::select! {
            () = keep_heads(&place.name, &mut head) => {}
            () = again.closed() => return keep_head(&place.name, &head),
        }
        let attached = tokio::select! {
            attached = come_back(&place, &hello) => attached,
            () = again.closed() => return,
        };
        let feed = attached.map(|attached| {
            head = attached.head;
            attached.feed
        });
        let shown = feed.is_ok();
        // A cockpit that was just left needs neither.
        let _ = again.send(feed.map_err(|e| e.to_string())).await;
        if !shown {
            return;
        }
    }
}

/// Comes in again once the session has an engine.
///
/// # Errors
/// It has one that does not let us in, or that shows another log than was seen here.
async fn come_back(place: &Place, hello: &Hello) -> Result<Attached, ConnectError> {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        match knock(place, hello.clone(), kept_head(&place.name)).await {
            Err(
                ConnectError::NoEngine { .. }
                | ConnectError::NotListening { .. }
                | ConnectError::Silent
                | ConnectError::Lost(_),
            ) => {}
            answer => return answer,
        }
    }
}

/// Keeps what this cockpit has seen of the log's head, so that nobody can cut it off or write it anew unseen, for as long
/// as there is an engine.
async fn keep_heads(session: &str, head: &mut watch::Receiver<Head>) {
    let mut kept = 0;
    loop {
        let seq = head.borrow().seq;
        if seq != kept {
            keep_head(session, head);
            kept = seq;
        }
        // Nothing is waited for but the engine's end.
        let gone = tokio::time::timeout(KEEP_HEAD, head.wait_for(|_| false)).await.is_ok();
        if gone {
            return keep_head(session, head);
        }
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
