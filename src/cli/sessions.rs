//! `gonogo sessions`: the sessions that can be seen from here, newest first.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};
use futures_util::future::join_all;
use nix::unistd::{Uid, User};
use serde::Serialize;
use tokio::time::timeout;

use super::place::{self, Place};
use super::recorded::{self, Recorded};
use crate::clock::{self, Now};
use crate::session::State;
use crate::session::handover::status_line;
use crate::text;
use crate::ui::format;
use crate::wire::client::{Attached, connect};
use crate::wire::message::{Hello, Kind};

/// How many of those that are over are listed where not all are asked for.
const LAST: usize = 10;
/// How long somebody else's engine may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Which sessions.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo sessions --json | jq -r '.[] | select(.engine == \"gone\") | .session'

The unfinished ones are always listed, of those that are over the last ten; --all lists all. ENGINE is
  LIVE   an engine drives it: `gonogo attach SESSION`
  GONE   it is not over and no engine drives it: `gonogo resume SESSION` brings it back
  over   it ended as its state says
  ?      its log cannot be read, or it is somebody else's and its engine does not answer you

With --json, an array of objects, newest first, with these keys; null where something is not known:
  session   its name                        title     its runbook's title
  engine    live, gone, over, unknown       gone_since  when its engine was last known to run
  state     acknowledging, running, holding, rolling_back, rollback_stuck, rolled_back, completed, aborted
  standing  the state as a sentence         paused    whether it is paused
  mode      live, rehearsal, simulated      driver    who has the wheel
  here      who is attached: person, seat, roles, since
  opened    when it was opened              elapsed_ms  how long it has run
  head      the log's head, SEQ:HASH        log       the log's path
  owner     whose it is, where it is somebody else's
  problem   what is wrong with its log

It looks in the folder of your own sessions, and in $GONOGO_SHARE_DIR (default /run/gonogo), where those lie that
others share with `run --share`.")]
pub(super) struct Args {
    /// List those that are over too, however many.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One session, as it is listed.
#[derive(Debug, Default, Serialize)]
struct Row {
    session: String,
    title: Option<String>,
    engine: Engine,
    gone_since: Option<DateTime<Utc>>,
    state: Option<String>,
    standing: Option<String>,
    paused: Option<bool>,
    mode: Option<&'static str>,
    driver: Option<String>,
    here: Vec<Here>,
    opened: Option<DateTime<Utc>>,
    elapsed_ms: Option<u64>,
    head: Option<String>,
    log: Option<String>,
    owner: Option<String>,
    problem: Option<String>,
    /// The folder that its commands run in, where that is not there any more: such as a demo's.
    #[serde(skip)]
    missing: Option<String>,
}

/// Whether anybody drives a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
enum Engine {
    Live,
    Gone,
    Over,
    #[default]
    Unknown,
}

/// Somebody who is attached.
#[derive(Debug, Serialize)]
pub(super) struct Here {
    pub person: String,
    pub seat: &'static str,
    pub roles: Vec<String>,
    pub since: DateTime<Utc>,
}

impl Here {
    /// Everybody who is there.
    pub(super) fn all(state: &State) -> Vec<Self> {
        let here = state.present().map(|operator| Self {
            person: operator.person.person.clone(),
            seat: state.seat_of(&operator.person).word(),
            roles: operator.roles.clone(),
            since: operator.since.at,
        });
        here.collect()
    }

    /// `opsB (navigator, for db) since 2026-11-20 08:50Z`.
    pub(super) fn in_words(&self) -> String {
        let roles =
            if self.roles.is_empty() { String::new() } else { format!(", for {}", self.roles.join(", ")) };
        format!("{} ({}{roles}) since {}", self.person, self.seat, format::date_minute(self.since))
    }
}

/// Runs `gonogo sessions`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let places = place::all().map_err(|why| eyre!(why))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .wrap_err("cannot start a connection's thread")?;
    let mut rows = runtime.block_on(join_all(places.iter().map(row)));
    let mut over = 0;
    rows.retain(|row| {
        over += usize::from(row.engine == Engine::Over);
        args.all || row.engine != Engine::Over || over <= LAST
    });
    if args.json {
        println!("{}", text::visible_json(serde_json::to_string_pretty(&rows)?));
    } else if rows.is_empty() {
        anstream::println!("no sessions yet: `gonogo demo` starts one");
    } else {
        print(&rows, over.saturating_sub(if args.all { over } else { LAST }))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn row(place: &Place) -> Row {
    match &place.log {
        Some(log) => own(place, log),
        None => shared(place).await,
    }
}

/// A session whose log lies here.
fn own(place: &Place, log: &Path) -> Row {
    let session = place.name.clone();
    let row = Row { session, log: Some(log.display().to_string()), ..Row::default() };
    let Ok(Recorded { state, log: read, last_sign }) = recorded::read(log) else {
        return Row { problem: Some(recorded::problem(log)), ..row };
    };
    let live = place.is_live();
    let (engine, now) = match live {
        true => (Engine::Live, clock::now()),
        false => (Engine::Gone, state.last.unwrap_or_else(clock::now)),
    };
    let torn =
        (read.torn > 0 && !live).then(|| format!("TORN TAIL: {} bytes after the last whole line", read.torn));
    let gone_since = (!live && !state.is_closed()).then_some(last_sign);
    let folder = state.opened.as_ref().map(|opened| opened.dir.clone());
    let missing = folder.filter(|folder| !Path::new(folder).exists());
    Row { gone_since, missing, head: Some(read.head()), problem: torn, ..row.standing(&state, engine, now) }
}

/// A session of which only the socket lies here: its engine is asked.
async fn shared(place: &Place) -> Row {
    let owner = place.owner.map(|uid| match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {uid}"),
    });
    let row = Row { session: place.name.clone(), owner, ..Row::default() };
    let Some(door) = &place.door else { return row };
    match timeout(ANSWER, connect(door, Hello::new(Kind::Ctl))).await {
        Ok(Ok(Attached { feed, head, .. })) => {
            let head = head.borrow().short();
            Row { head, ..row.standing(&feed.state, Engine::Live, clock::now()) }
        }
        Ok(Err(e)) => Row { problem: Some(e.to_string()), ..row },
        Err(_) => Row { problem: Some("its engine does not answer".to_owned()), ..row },
    }
}

impl Row {
    fn standing(self, state: &State, engine: Engine, now: Now) -> Self {
        let engine = if state.is_closed() { Engine::Over } else { engine };
        Self {
            title: state.runbook.as_ref().map(|runbook| runbook.title.clone()),
            engine,
            state: Some(state.situation().word().replace(' ', "_")),
            standing: Some(status_line(state, now)),
            paused: Some(state.paused.is_some()),
            mode: state.opened.as_ref().map(|opened| opened.mode.word()),
            driver: state.wheel.clone(),
            here: if engine == Engine::Live { Here::all(state) } else { Vec::new() },
            opened: state.started.map(|started| started.at),
            elapsed_ms: Some(state.elapsed_ms(state.outcome.map_or(now, |(_, at)| at))),
            ..self
        }
    }
}

/// The rows as aligned columns; what needs somebody is told below its row.
fn print(rows: &[Row], left_out: usize) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let head = ["SESSION", "ENGINE", "MODE", "T+", "DRIVER", "STATE"].map(str::to_owned);
    let cells: Vec<[String; 6]> = rows.iter().map(columns).collect();
    let width = |column: usize| {
        let all = cells.iter().chain(std::iter::once(&head));
        all.map(|cells| text::width(&cells[column])).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let aligned = |cells: &[String; 6]| {
        let padded = cells[..5]
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}  ", " ".repeat(width.saturating_sub(text::width(cell)))));
        format!("{}{}", padded.collect::<String>(), cells[5])
    };
    if io::stdout().is_terminal() {
        writeln!(out, "{}", aligned(&head))?;
    }
    for (row, cells) in rows.iter().zip(&cells) {
        writeln!(out, "{}", aligned(cells))?;
        for detail in details(row) {
            writeln!(out, "    {}", text::safe_line(&detail))?;
        }
    }
    if left_out > 0 {
        writeln!(out, "… and {left_out} more that are over: --all lists them")?;
    }
    Ok(())
}

fn columns(row: &Row) -> [String; 6] {
    let engine = match row.engine {
        Engine::Live => "LIVE",
        Engine::Gone => "GONE",
        Engine::Over => "over",
        Engine::Unknown => "?",
    };
    let state = match (&row.standing, &row.problem) {
        (Some(standing), _) => standing.clone(),
        (None, Some(problem)) => problem.clone(),
        (None, None) => "nothing is known of it".to_owned(),
    };
    let cell = |text: &str| text::safe_line(text).into_owned();
    [
        cell(&row.session),
        engine.to_owned(),
        row.mode.unwrap_or("-").to_owned(),
        row.elapsed_ms.map_or_else(|| "-".to_owned(), format::clock),
        row.driver.as_deref().map_or_else(|| "-".to_owned(), cell),
        cell(&state),
    ]
}

fn details(row: &Row) -> Vec<String> {
    let mut lines = Vec::new();
    if row.engine != Engine::Over {
        lines.extend(row.title.clone());
    }
    lines.extend(row.owner.as_ref().map(|owner| format!("shared by {owner}")));
    if let Some(since) = row.gone_since {
        let since = since.format("%Y-%m-%d %H:%M:%SZ");
        let session = &row.session;
        lines.push(format!("its engine is gone since {since}: `gonogo resume {session}` brings it back"));
        lines.extend(row.missing.as_ref().map(|folder| {
            format!(
                "its folder {folder} is gone too: once back, `gonogo ctl {session} abort REASON` closes it"
            )
        }));
    }
    if row.engine == Engine::Live && row.here.is_empty() {
        lines.push(format!("nobody is here: `gonogo attach {}` joins it", row.session));
    }
    if !row.here.is_empty() {
        let here: Vec<String> = row.here.iter().map(Here::in_words).collect();
        lines.push(format!("here: {}", here.join(", ")));
    }
    if let (Some(problem), Some(_)) = (&row.problem, &row.standing) {
        lines.push(problem.clone());
    }
    lines
}
