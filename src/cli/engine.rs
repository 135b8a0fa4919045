//! `gonogo engine DIR`: the engine of one session in a process of its own, which no terminal and no login can take
//! with it. It is told what to do in one line on stdin and answers with one line on stdout; from then on it holds
//! nothing of whoever started it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{exit, serve};
use crate::engine::{self, Engine, OpenError, Opening};
use crate::process;
use crate::wire::server::{self, About};

/// The longest order: a runbook and its vars.
const LONGEST: u64 = 4 << 20;

/// The engine's command line.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The session's folder.
    dir: PathBuf,
}

/// What an engine is to do, one line on its stdin.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub(super) enum Order {
    /// Open a new session.
    Open(Box<Opening>),
    /// Bring the session in the folder back; `given` are values of secrets whose reference leads nowhere.
    Resume { given: std::collections::HashMap<String, String> },
}

/// What an engine answers, one line on its stdout.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub(super) enum Word {
    /// It runs, and can be attached to.
    Ready {
        session: String,
        folder: PathBuf,
        /// What a resume found, a sentence each.
        findings: Vec<String>,
    },
    /// Why it does not.
    Refused { why: String },
    /// These secrets lead nowhere; their values are to be given.
    Secrets { names: Vec<String>, why: String },
}

/// Runs the engine until its session is over and nobody looks on any more, or a signal ends it.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    // It fails only for the leader of a group, who needs none.
    let _ = rustix::process::setsid();
    process::keep_memory_private();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let order = match read_order() {
        Ok(order) => order,
        Err(why) => return Ok(say(&Word::Refused { why })),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .wrap_err("cannot start the engine's threads")?;
    let code = runtime.block_on(attend(&args.dir, order));
    // Commands live on under their shims; nothing of this process waits for them.
    runtime.shutdown_background();
    Ok(code)
}

fn read_order() -> Result<Order, String> {
    let mut line = String::new();
    let read = io::stdin().lock().take(LONGEST).read_line(&mut line);
    if read.is_err() || !line.ends_with('\n') {
        return Err("the order on stdin is not whole; `gonogo run` gives it".to_owned());
    }
    serde_json::from_str(&line).map_err(|e| format!("the order on stdin is not readable: {e}"))
}

async fn attend(dir: &Path, order: Order) -> ExitCode {
    let mut ends = match Ends::listen() {
        Ok(ends) => ends,
        Err(e) => return say(&Word::Refused { why: format!("cannot listen for signals: {e}") }),
    };
    let raised = match order {
        Order::Open(opening) => engine::start(&opening).map(|engine| (engine, Vec::new())),
        Order::Resume { given } => engine::resume(dir, &given).map(|back| (back.engine, back.findings)),
    };
    let (engine, findings) = match raised {
        Ok(raised) => raised,
        Err(OpenError::Secrets { names, why }) => return say(&Word::Secrets { names, why }),
        Err(e) => return say(&Word::Refused { why: e.to_string() }),
    };
    let listening = match serve::open(&engine).await {
        Ok(listening) => listening,
        Err(why) => {
            engine.stop(&why);
            engine.ended().await;
            return say(&Word::Refused { why });
        }
    };
    let folder = engine.session_dir.clone();
    say(&Word::Ready { session: engine.session.clone(), folder: folder.clone(), findings });
    if let Err(e) = leave_the_terminal(&folder) {
        tracing::warn!("cannot write engine.log: {e}");
    }
    tokio::select! {
        served = server::serve(listening, engine.clone(), About::default()) => match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                tracing::error!("{e}");
                stopped(&engine, "cannot tell people apart").await
            }
        },
        signal = ends.next() => stopped(&engine, &format!("signal {signal}")).await,
    }
}

/// Stops: it is recorded, and what runs goes on under its shim.
async fn stopped(engine: &Engine, why: &str) -> ExitCode {
    engine.stop(why);
    engine.ended().await;
    ExitCode::from(exit::ERROR)
}

/// Says the one word that whoever started it waits for.
fn say(word: &Word) -> ExitCode {
    let mut out = io::stdout().lock();
    // Nobody may be listening any more: the session is there all the same.
    let _ = serde_json::to_writer(&mut out, word).map_err(io::Error::from).and_then(|()| writeln!(out));
    let _ = out.flush();
    ExitCode::from(exit::ERROR)
}

/// Lets go of whatever terminal or pipe it was started from; what it still has to say goes into `engine.log`.
fn leave_the_terminal(folder: &Path) -> io::Result<()> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join("engine.log"))?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&log)?;
    // Fails only where something listens already.
    let _ = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).try_init();
    std::env::set_current_dir("/")
}

/// The signals that end an engine.
struct Ends(Vec<(&'static str, Signal)>);

impl Ends {
    fn listen() -> io::Result<Self> {
        let kinds = [
            ("TERM", SignalKind::terminate()),
            ("INT", SignalKind::interrupt()),
            ("HUP", SignalKind::hangup()),
            ("QUIT", SignalKind::quit()),
        ];
        kinds.into_iter().map(|(name, kind)| Ok((name, signal(kind)?))).collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) -> &'static str {
        std::future::poll_fn(|cx| {
            for (name, signal) in &mut self.0 {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*name);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
