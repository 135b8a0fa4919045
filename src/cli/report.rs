//! `gonogo report`: what happened, for the change ticket.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};
use color_eyre::eyre::{Result, WrapErr as _, eyre};

use super::cast::{self, CastArgs};
use super::{place, progress, written};
use crate::audit::dir;
use crate::audit::progress::Progress;
use crate::audit::verify::Anchor;
use crate::report::{self, Report, against};
use crate::text;

/// What is to be reported, and how.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo report orders-db -o report.md
         gonogo report orders-db --format json | jq .stages
         gonogo report orders-db --against 20260901-2100-orders-db
         gonogo report orders-db --format asciicast -o orders-db.cast && asciinema play orders-db.cast

In it: the outcome and the verdict of `verify`, who decided what, when and on what knowledge, stages as
planned and as they went, every proof, overrides and their reasons, notes, evidence with digests. A session
that is not closed gives a report so far; a log without its folder one that says what is missing.
What others wrote is escaped: nothing in it is Markdown or HTML.

The JSON form is described by `gonogo schema report` (and `gonogo schema comparison` with --against).")]
pub(super) struct Args {
    /// A session's name, a part that only one has, or the path of a session's folder or log; not needed where there is
    /// only one.
    session: Option<String>,
    /// The form.
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// Hold it against another session of the runbook: durations, retries, red times, what differed.
    #[arg(long, value_name = "OTHER")]
    against: Option<String>,
    /// Hold the log against a head that somebody noted, as `gonogo verify --anchor` does.
    #[arg(long, value_name = "SEQ:HASH")]
    anchor: Vec<Anchor>,
    /// Where to, instead of stdout: a file, which is replaced as a whole.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    cast: CastArgs,
}

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown, to paste into a change ticket.
    Md,
    /// One page that opens in any browser, without a network.
    Html,
    /// JSON, for a program.
    Json,
    /// The cockpit's screen as a terminal recording, asciicast v2: `asciinema play` plays it.
    Asciicast,
}

/// Runs `gonogo report`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let session = place::given_or_only(args.session.as_deref()).map_err(|why| eyre!(why))?;
    let log = dir::find(&session).map_err(|why| eyre!(why))?;
    let other = args.against.as_deref().map(dir::find).transpose().map_err(|why| eyre!(why))?;
    if let Some(output) = &args.output {
        for log in [Some(&log), other.as_ref()].into_iter().flatten() {
            spares(output, log)?;
        }
    }
    let written = match (args.format, other) {
        (Format::Asciicast, None) => cast::record(&log, &args.cast)?,
        (Format::Asciicast, Some(_)) => {
            return Err(eyre!("two sessions side by side are written as md, html or json"));
        }
        (format, None) => {
            let report = gathered(&log, &args.anchor)?;
            match format {
                Format::Md => report::markdown(&report),
                Format::Html => report::html::page(&report, log.parent()),
                _ => report::json(&report),
            }
        }
        (format, Some(other)) => {
            let report = gathered(&log, &args.anchor)?;
            let comparison = against::compare(&report, &gathered(&other, &[])?);
            match format {
                Format::Md => against::markdown(&comparison),
                Format::Html => report::html::against::page(&comparison),
                _ => report::json(&comparison),
            }
        }
    };
    match &args.output {
        Some(output) => {
            written::whole(output, written.as_bytes(), 0o666)
                .wrap_err_with(|| format!("cannot write {}", output.display()))?;
        }
        None => {
            let written = if io::stdout().is_terminal() { on_a_terminal(&written) } else { written };
            match io::stdout().write_all(written.as_bytes()) {
                // Whoever read it has seen enough.
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {}
                written => written.wrap_err("cannot write to stdout")?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// As it is read on a terminal: what could steer one is made visible. A pipe and a file get it as it is.
fn on_a_terminal(written: &str) -> String {
    text::safe_lines(written).fold(String::with_capacity(written.len()), |all, line| all + &line + "\n")
}

/// The report in every form, by the names of its files.
///
/// # Errors
/// The log cannot be read, or holds no session.
pub(super) fn every_form(log: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let report = gathered(log, &[])?;
    Ok(vec![
        ("report.md".to_owned(), report::markdown(&report).into_bytes()),
        ("report.html".to_owned(), report::html::page(&report, log.parent()).into_bytes()),
        ("report.json".to_owned(), report::json(&report).into_bytes()),
    ])
}

/// Gathers a report, and says how far that is where it takes long.
fn gathered(log: &Path, anchors: &[Anchor]) -> Result<Report> {
    let progress = Progress::default();
    let named = log.display().to_string();
    Ok(progress::during(&named, &progress, || report::gather(log, anchors, &progress))?)
}

/// Refuses to write over anything of a session's own.
fn spares(output: &Path, log: &Path) -> Result<()> {
    let folder = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::canonicalize(parent)
    };
    let into = folder(output).wrap_err_with(|| format!("there is no folder for {}", output.display()))?;
    let of = folder(log).wrap_err_with(|| format!("cannot look at {}", log.display()))?;
    let same = fs::canonicalize(output).ok().zip(fs::canonicalize(log).ok()).is_some_and(|(a, b)| a == b);
    let a_session = ["steps", dir::RUNBOOK, dir::TELEMETRY].iter().any(|name| of.join(name).exists());
    if same || (a_session && into.starts_with(&of)) {
        return Err(eyre!(
            "{} lies in the session's own folder, where nothing is added to the record: choose another place",
            output.display()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_report_steers_the_terminal_that_it_is_read_on() {
        let hostile = "# a \u{9b}2J title \u{202e}\n{\"text\": \"\u{9d}52;c;aGk=\u{9c}\"}\n";
        let shown = on_a_terminal(hostile);
        assert_eq!(shown.lines().count(), 2);
        assert!(shown.chars().all(|c| c == '\n' || text::is_allowed(c)), "{shown:?}");
        assert_eq!(on_a_terminal("a | b\n\n- c\n"), "a | b\n\n- c\n");
    }
}
