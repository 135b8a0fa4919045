//! Starting in the background, pid files, and stopping.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};

use super::Serve;
use crate::process::{self, Identity, SignalError};

/// How long a service may take until it listens.
const START: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// Starts the service as a process of its own and returns once it listens.
pub fn daemonise(serve: &Serve) -> Result<ExitCode> {
    if let Some(pid) = serve.pidfile.as_deref().and_then(read_pid).filter(|pid| Identity::of(*pid).is_some())
    {
        bail!("{} runs already as process {pid}", serve.name);
    }
    if answers(serve.port) {
        bail!("port {} is in use already", serve.port);
    }
    // Its own process group: a signal to whoever started it does not reach it.
    let mut child = Command::new(std::env::current_exe()?)
        .args(std::env::args().skip(1).filter(|arg| arg != "--daemonise"))
        .arg("--detached")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(if serve.log.is_some() { Stdio::piped() } else { Stdio::null() })
        .spawn()
        .wrap_err("cannot start the service")?;
    let begun = Instant::now();
    while begun.elapsed() < START {
        if let Some(status) = child.try_wait()? {
            let why = child.stderr.take().map(BufReader::new).and_then(|r| {
                r.lines()
                    .map_while(Result::ok)
                    .find(|line| !line.trim().is_empty() && !line.starts_with("Error"))
            });
            return Err(eyre!("{} ended with {status}: {}", serve.name, why.unwrap_or_default().trim()));
        }
        if answers(serve.port) {
            println!("started {} pid {}", serve.name, child.id());
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(LOOK);
    }
    let _ = child.kill();
    bail!("{} did not listen within {}", serve.name, humantime::format_duration(START))
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_millis(200)).is_ok()
}

fn read_pid(pidfile: &Path) -> Option<u32> {
    fs::read_to_string(pidfile).ok()?.trim().parse().ok()
}

/// Writes this process's pid.
pub fn write_pidfile(pidfile: &Path) -> Result<()> {
    fs::write(pidfile, format!("{}\n", std::process::id()))
        .wrap_err_with(|| format!("cannot write {}", pidfile.display()))
}

/// Removes the pid file if it is still this process's.
pub fn remove_own_pidfile(pidfile: &Path) {
    if read_pid(pidfile) == Some(std::process::id()) {
        // Somebody else may have removed it first.
        let _ = fs::remove_file(pidfile);
    }
}

/// Sends TERM to the process of a pid file and waits until it is gone.
pub fn stop(pidfile: &Path, wait: Duration) -> Result<ExitCode> {
    let shown = pidfile.display();
    let Some(pid) = read_pid(pidfile) else {
        println!("not running: no pid in {shown}");
        return Ok(ExitCode::SUCCESS);
    };
    let Some(identity) = Identity::of(pid) else {
        println!("not running: process {pid} of {shown} is gone");
        let _ = fs::remove_file(pidfile);
        return Ok(ExitCode::SUCCESS);
    };
    match process::signal(&identity, rustix::process::Signal::TERM) {
        Ok(()) | Err(SignalError::Gone(_)) => {}
        Err(e) => return Err(e.into()),
    }
    let begun = Instant::now();
    while identity.is_alive() {
        if begun.elapsed() > wait {
            eprintln!("process {pid} did not end within {}", humantime::format_duration(wait));
            return Ok(ExitCode::FAILURE);
        }
        std::thread::sleep(LOOK);
    }
    println!("stopped process {pid}");
    Ok(ExitCode::SUCCESS)
}
