//! Spawning the command exactly as the order says, and saying in a sentence why it could not be.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{Access, Mode, access};
use rustix::io::Errno;

use super::record::Spec;
use crate::process;

/// Where a program is looked for when the command's environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// Spawns the command: own process group, stdin empty, only its own environment, the order's umask.
///
/// # Errors
/// A sentence that names the path.
pub fn spawn(spec: &Spec, stdout: Stdio, stderr: Stdio) -> Result<Child, String> {
    check_cwd(&spec.cwd)?;
    let program = find(spec)?;
    let mut command = Command::new(&program);
    command
        .arg0(&spec.argv[0])
        .args(&spec.argv[1..])
        .env_clear()
        .envs(&spec.env)
        .current_dir(&spec.cwd)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        // Not a session of its own: the shim's has no terminal, and only a session's leader could acquire one.
        .process_group(0);
    let own = rustix::process::umask(Mode::from_raw_mode(spec.umask as rustix::fs::RawMode & 0o777));
    let spawned = process::with_own_limits(|| command.spawn());
    rustix::process::umask(own);
    spawned.map_err(|e| check_cwd(&spec.cwd).err().unwrap_or_else(|| explain(&program, spec, &e)))
}

/// The log of a process that belongs to the host, for its stdout and stderr: appended, private where new.
///
/// # Errors
/// A sentence that names the path.
pub fn own_log(path: &Path) -> Result<(Stdio, Stdio), String> {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .and_then(|log| Ok((Stdio::from(log.try_clone()?), Stdio::from(log))))
        .map_err(|e| format!("the log {} cannot be opened: {}", path.display(), plain(&e)))
}

fn check_cwd(cwd: &Path) -> Result<(), String> {
    match std::fs::metadata(cwd) {
        Err(e) => Err(format!("the working directory {} cannot be entered: {}", cwd.display(), plain(&e))),
        Ok(meta) if !meta.is_dir() => {
            Err(format!("the working directory {} is not a directory", cwd.display()))
        }
        Ok(_) => access(cwd, Access::EXEC_OK).map_err(|e| {
            format!("the working directory {} cannot be entered: {}", cwd.display(), plain(&e.into()))
        }),
    }
}

/// The absolute path of the program, by the command's own `PATH` and working directory.
fn find(spec: &Spec) -> Result<PathBuf, String> {
    let name = spec.argv.first().filter(|name| !name.is_empty()).ok_or("the command is empty")?;
    if name.contains('/') {
        return Ok(spec.cwd.join(name));
    }
    let path = spec.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let found: Vec<PathBuf> =
        path.split(':').map(|dir| spec.cwd.join(dir).join(name)).filter(|file| file.is_file()).collect();
    match found.iter().find(|file| access(file.as_path(), Access::EXEC_OK).is_ok()).or(found.first()) {
        Some(file) => Ok(file.clone()),
        None => Err(format!("the program {name} is not in PATH ({path})")),
    }
}

fn explain(program: &Path, spec: &Spec, error: &io::Error) -> String {
    let shown = program.display();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) if program.exists() => match interpreter(program) {
            Some(name) => format!("{shown} asks for the interpreter {name}, which is not there"),
            None => {
                format!("{shown} needs a program loader that is not there (was it built for another system?)")
            }
        },
        Some(Errno::NOENT) => format!("the program {shown} is not there"),
        Some(Errno::ACCESS) if program.is_dir() => format!("{shown} is a directory, not a program"),
        Some(Errno::ACCESS) => format!(
            "{shown} may not be executed: permission denied (is it chmod +x, and its filesystem not noexec?)"
        ),
        Some(Errno::NOEXEC) => {
            format!("{shown} is not a program: neither a known binary format nor a first line with #!")
        }
        Some(Errno::TOOBIG) => {
            let bytes: usize = spec.argv.iter().map(String::len).sum::<usize>()
                + spec.env.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
            format!("{shown} cannot take {bytes} bytes of arguments and environment: the system allows less")
        }
        Some(Errno::TXTBSY) => {
            format!("{shown} is open for writing (text file busy): somebody is replacing it right now")
        }
        _ if spec.argv.iter().any(|arg| arg.as_bytes().contains(&0)) => {
            format!("an argument of {shown} contains a NUL byte")
        }
        _ => format!("{shown} could not be started: {}", plain(error)),
    }
}

/// The program that the first line of a script names.
fn interpreter(script: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(File::open(script).ok()?.take(256)).read_until(b'\n', &mut line).ok()?;
    String::from_utf8_lossy(line.strip_prefix(b"#!")?).split_ascii_whitespace().next().map(str::to_owned)
}

/// The system's words without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
