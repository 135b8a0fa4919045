//! An eager supervisor: starts its command again 2 s after each end, so that a crash loop looks alive.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, WrapErr as _};

use super::lifecycle::{remove_own_pidfile, write_pidfile};

const RESTART: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// Runs `argv` over and over until TERM, or until the lifetime is over.
pub fn run(pidfile: &Path, most: u32, lifetime: Duration, argv: &[String]) -> Result<ExitCode> {
    let ended = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&ended))?;
    write_pidfile(pidfile)?;
    let (program, rest) = argv.split_first().expect("clap asks for at least one word");
    let end = Instant::now() + lifetime;
    let ended = || ended.load(Ordering::Relaxed) || Instant::now() >= end;
    for _ in 0..most {
        let mut child =
            Command::new(program).args(rest).spawn().wrap_err_with(|| format!("cannot start {program}"))?;
        while child.try_wait()?.is_none() {
            if ended() {
                // It is gone already, or goes now.
                let _ = child.kill();
                let _ = child.wait();
            }
            std::thread::sleep(LOOK);
        }
        let again = Instant::now() + RESTART;
        while Instant::now() < again && !ended() {
            std::thread::sleep(LOOK);
        }
        if ended() {
            break;
        }
    }
    remove_own_pidfile(pidfile);
    Ok(ExitCode::SUCCESS)
}
