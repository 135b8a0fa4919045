//! `gonogo bundle`: the whole record of a session as one archive, with its digest.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};

use super::{place, written};
use crate::audit::bundle::{self, Packed, Record};
use crate::audit::dir;
use crate::audit::verify::{Verdict, verify};
use crate::text;
use crate::ui::format;

/// What is to be packed, and where to.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo bundle orders-db -o /var/tickets/CHG-4711/
         cd /var/tickets/CHG-4711 && sha256sum -c *.sha256

In it are the log, the telemetry, the runbook, what each attempt of each step was told, printed and
ended with, the evidence, the seals, and the reports. Never in it are the snapshots that `restore` works
from, passphrases, and what only the engine needs. Links are not followed. The same record gives the same
archive, byte for byte.

Who gets it unpacks it with `tar xzf` and needs no session folder of their own:
  gonogo verify FOLDER    gonogo replay FOLDER    gonogo report FOLDER

On stdout goes one line as `sha256sum` prints it; the same stands in the file with .sha256 at its end.")]
pub(super) struct Args {
    /// A session's name, a part that only one has, or the path of a session's folder or log; not needed where there is
    /// only one.
    session: Option<String>,
    /// Where to: a file, or a folder that is there. [default: SESSION.tar.gz here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs `gonogo bundle`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let session = place::given_or_only(args.session.as_deref()).map_err(|why| eyre!(why))?;
    let log = dir::find(&session).map_err(|why| eyre!(why))?;
    let name = name_of(&log);
    let archive = match &args.output {
        Some(folder) if folder.is_dir() => folder.join(format!("{name}.tar.gz")),
        Some(file) => file.clone(),
        None => PathBuf::from(format!("{name}.tar.gz")),
    };
    let report = verify(&log, &[]).wrap_err_with(|| format!("cannot read {}", log.display()))?;
    if report.live {
        remark("the session is live: this is its record so far");
    }
    for verdict in report.verdicts.iter().filter(|verdict| **verdict != Verdict::Clean) {
        remark(&format!("verify says {verdict}"));
    }
    let made = super::report::every_form(&log).unwrap_or_else(|why| {
        remark(&format!("no report is packed: {why}"));
        Vec::new()
    });
    let packed = bundle::pack(&Record { log: &log, name: &name, made: &made }, report.live, &archive)?;
    packed.left_out.iter().for_each(|why| remark(why));
    let sums = with_ending(&archive, ".sha256");
    let line = format!("{}  {}\n", packed.sha256, archive.file_name().unwrap_or_default().display());
    written::whole(&sums, line.as_bytes(), 0o600)
        .wrap_err_with(|| format!("cannot write {}", sums.display()))?;
    println!("{}  {}", packed.sha256, archive.display());
    let Packed { files, bytes, .. } = packed;
    remark(&format!("{files} files in {}, its digest beside it in {}", format::bytes(bytes), sums.display()));
    Ok(ExitCode::SUCCESS)
}

fn remark(line: &str) {
    anstream::eprintln!("{}", text::safe(line));
}

/// The session's name as a folder's and a file's name: what would mean something to a shell is replaced.
fn name_of(log: &Path) -> String {
    let own = log.file_name() == Some(OsStr::new(dir::LOG));
    let absolute = std::path::absolute(log).unwrap_or_else(|_| log.to_owned());
    let name = if own { absolute.parent().and_then(Path::file_name) } else { absolute.file_stem() };
    let name = name.unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "session".to_owned() } else { name.to_owned() }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
