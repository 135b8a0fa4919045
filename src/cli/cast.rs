//! `gonogo report --format asciicast`: a session as a terminal recording.

use std::path::Path;
use std::time::Duration;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _};

use super::run;
use crate::cast::{self, Options, Pace, Size};
use crate::replay::{Player, Recording};

/// How it is recorded.
#[derive(Debug, ClapArgs)]
pub(super) struct CastArgs {
    /// asciicast: how large the recorded terminal is.
    #[arg(long, value_name = "COLUMNSxROWS", default_value_t)]
    size: Size,
    /// asciicast: how many times as fast as it was.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    speed: u32,
    /// asciicast: where nothing happens for longer than this, so much is shown of it.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration)]
    idle: Duration,
}

/// Records the session whose log is at `log`, for asciinema and its players.
///
/// # Errors
/// There is not one good event in the log.
pub(super) fn record(log: &Path, args: &CastArgs) -> Result<String> {
    let mut player = Player::new(Recording::open(log)?, "");
    let idle_ms = u64::try_from(args.idle.as_millis()).unwrap_or(u64::MAX);
    let options = Options { size: args.size, pace: Pace { speed: args.speed.into(), idle_ms } };
    let recorded = cast::record(&mut player, options, Vec::new());
    let recorded = run::runtime()?.block_on(recorded).wrap_err("the recording cannot be made")?;
    String::from_utf8(recorded).wrap_err("the recording is no text")
}
