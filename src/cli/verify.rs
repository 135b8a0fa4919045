//! `gonogo verify`: is the record whole?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};
use serde_json::json;

use crate::audit::dir;
use crate::audit::reader::Tail;
use crate::audit::receipts::{Receipt, Receipts};
use crate::audit::verify::{Anchor, Report, verify};
use crate::event::{Event, EventKind};
use crate::text;

/// What is to be verified.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Exit codes:
  0 CLEAN, CLEAN UNFINISHED   5 TORN TAIL   6 BROKEN
  7 TRUNCATED, REWRITTEN, MISSING (against an anchor)   8 OUTPUT CHANGED

Example: gonogo verify orders-db --anchor 211:9f3ca1b2

Without an anchor nobody can see that the end was cut off or that all of it was written anew: note the \
head that a run ends with, in the change ticket for one.")]
pub(super) struct Args {
    /// A session's name, a part that only one has, or the path of a session's folder or log.
    session: String,
    /// Hold the log against a head that somebody noted, as the cockpit and the end of a run show it.
    #[arg(long, value_name = "SEQ:HASH")]
    anchor: Vec<Anchor>,
    /// Hold the log against the heads that somebody saw of it, as their `receipts.jsonl` keeps them.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `gonogo verify`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let path = match dir::find(&args.session) {
        Ok(path) => path,
        // With an anchor a log that is gone is a verdict, not a slip of the pen.
        Err(_) if !args.anchor.is_empty() || args.receipts.is_some() => args.session.clone().into(),
        Err(why) => return Err(eyre!(why)),
    };
    let mut anchors = args.anchor.clone();
    if let Some(receipts) = &args.receipts {
        anchors.extend(seen(receipts, &path)?);
    }
    let report = verify(&path, &anchors).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    if args.json {
        println!("{}", as_json(&report));
    } else {
        print(&report);
    }
    Ok(ExitCode::from(report.code()))
}

/// What is in somebody's receipts of the session whose log is at `log`.
fn seen(receipts: &Path, log: &Path) -> Result<Vec<Anchor>> {
    let unreadable = || format!("cannot read {}", receipts.display());
    std::fs::metadata(receipts).wrap_err_with(unreadable)?;
    let session = name_of(log).ok_or_else(|| eyre!("{} names no session", log.display()))?;
    let seen = Receipts::at(receipts.to_owned()).of(&session).wrap_err_with(unreadable)?;
    if seen.is_empty() {
        return Err(eyre!("{} holds nothing of session {session}", receipts.display()));
    }
    Ok(seen.into_iter().map(|Receipt { seq, hash, .. }| Anchor { seq, hash }).collect())
}

/// The session's name as its log gives it, or where that is gone, its folder's.
fn name_of(log: &Path) -> Option<String> {
    let first = Tail::open(log, 0).and_then(|mut tail| tail.next(1)).ok().flatten();
    let opened = first.and_then(|line| serde_json::from_slice::<Event>(&line.bytes).ok());
    match opened.map(|event| event.event) {
        Some(EventKind::SessionOpened(opened)) => Some(opened.session),
        _ => Some(log.parent()?.file_name()?.to_string_lossy().into_owned()),
    }
}

fn print(report: &Report) {
    let live = if report.live { " (live)" } else { "" };
    for verdict in &report.verdicts {
        anstream::println!("{}{live}", text::safe(&verdict.to_string()));
    }
    if let Some(head) = &report.head {
        anstream::println!("{} events, head {head}", report.events);
    }
    if !report.anchored {
        anstream::println!("not anchored: a cut tail or a whole rewrite would not be seen");
    }
    for finding in &report.findings {
        anstream::println!("note: {}", text::safe(finding));
    }
}

fn as_json(report: &Report) -> serde_json::Value {
    let verdicts: Vec<_> = report
        .verdicts
        .iter()
        .map(|v| json!({ "verdict": v.word(), "code": v.code(), "text": v.to_string() }))
        .collect();
    json!({
        "verdicts": verdicts,
        "code": report.code(),
        "live": report.live,
        "anchored": report.anchored,
        "events": report.events,
        "head": report.head,
        "findings": report.findings,
    })
}
