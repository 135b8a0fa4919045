//! `gonogo lab`: a small real service that stands in for an old and a new runtime, so that the demo and the sample
//! runbooks have something to cut over. It listens on loopback only, and ends by itself when it is forgotten.

mod api;
pub mod demo;
mod faults;
mod idempotency;
mod lifecycle;
mod service;
mod supervise;
mod telemetry;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use color_eyre::eyre::Result;

use faults::Fault;

/// Stand-in services for rehearsals: start, stop, and break them.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  gonogo lab serve --daemonise --name old --port 18800 --pidfile old.pid --log old.log
  curl http://127.0.0.1:18800/readyz
  gonogo lab fault --port 18800 not-ready
  gonogo lab stop --pidfile old.pid")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve /livez, /readyz, /stats, /stats.json, /metrics and two mutating endpoints on 127.0.0.1.
    Serve(Box<Serve>),
    /// Send TERM to the service of a pid file and wait until it is gone.
    Stop {
        /// The file with its process number.
        #[arg(long, value_name = "FILE")]
        pidfile: PathBuf,
        /// How long to wait.
        #[arg(long, value_name = "DURATION", default_value = "8s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
    /// Switch a fault on, or off with `none`.
    Fault {
        /// Where the service listens.
        #[arg(long)]
        port: u16,
        /// slow=500ms, failing, not-ready, leak=8 (MiB/s), errors=5 (per second), ignore-term, exit-on-term=143, tell-secrets, blind (any path is `ok`), lax=auth (or origin, request-id, key, replay, conflict, rate), set=KEY:VALUE (of /stats), crash, none
        fault: Fault,
    },
    /// Run a command, and again 2 s after each time that it ends, as an eager supervisor does.
    Supervise {
        /// Write its own process number here.
        #[arg(long, value_name = "FILE")]
        pidfile: PathBuf,
        /// How often it starts the command before it gives up.
        #[arg(long, default_value_t = 1000)]
        most: u32,
        /// End by itself after this long.
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = humantime::parse_duration)]
        lifetime: Duration,
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
        argv: Vec<String>,
    },
}

/// How a service is started.
#[derive(Debug, Clone, ClapArgs)]
pub struct Serve {
    /// What it calls itself in /stats and in its log.
    #[arg(long)]
    name: String,
    /// Where it listens, on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// What /stats says of its version.
    #[arg(long, default_value = "1.0.0")]
    version: String,
    /// Write its process number here, and take it away at the end.
    #[arg(long, value_name = "FILE")]
    pidfile: Option<PathBuf>,
    /// Where it logs; without it, to stderr.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Return once it listens, and leave it running.
    #[arg(long)]
    daemonise: bool,
    /// Mutating endpoints ask for one of the tokens in this environment variable, separated by commas.
    #[arg(long, value_name = "NAME")]
    tokens_env: Option<String>,
    /// Mutating endpoints refuse any other `Origin` than these, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    origins: Vec<String>,
    /// Mutating endpoints take this many requests at once, and as many more as --per-minute gives back.
    #[arg(long, value_name = "N")]
    burst: Option<u32>,
    /// See --burst.
    #[arg(long, value_name = "N", default_value_t = 60)]
    per_minute: u32,
    /// Be ready only while something listens here.
    #[arg(long, value_name = "HOST:PORT")]
    needs: Option<String>,
    /// One more line of the log at the start.
    #[arg(long, value_name = "LINE")]
    say: Vec<String>,
    /// One more line of /stats, KEY=VALUE; the value `now` is the Unix time of the answer.
    #[arg(long, value_name = "KEY=VALUE", value_parser = telemetry::stat)]
    stat: Vec<(String, String)>,
    /// Be ready only after this long.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    warm_up: Duration,
    /// End by itself after this long.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = humantime::parse_duration)]
    lifetime: Duration,
    /// Faults from the start; `gonogo lab fault --help` lists them.
    #[arg(long)]
    fault: Vec<Fault>,
    /// Set by `--daemonise` in the process that stays.
    #[arg(long, hide = true)]
    detached: bool,
}

/// Runs `gonogo lab …`.
///
/// # Errors
/// What the system says, in a sentence.
pub fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Serve(serve) if serve.daemonise => lifecycle::daemonise(&serve),
        Command::Serve(serve) => service::run(*serve),
        Command::Stop { pidfile, wait } => lifecycle::stop(&pidfile, wait),
        Command::Fault { port, fault } => faults::order(port, &fault),
        Command::Supervise { pidfile, most, lifetime, argv } => {
            supervise::run(&pidfile, most, lifetime, &argv)
        }
    }
}
