//! `gonogo verify`: is the record whole?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};
use serde_json::json;

use super::{place, progress, ssh_keygen};
use crate::audit::dir;
use crate::audit::progress::Progress;
use crate::audit::reader::Tail;
use crate::audit::receipts::{Receipt, Receipts};
use crate::audit::seals::{Seal, Signature};
use crate::audit::verify::{Anchor, Report, Verdict, watched};
use crate::event::{Event, EventKind};
use crate::guard;
use crate::text;

/// What is to be verified.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Exit codes, the highest of what was found:
  0 CLEAN, CLEAN UNFINISHED (not closed yet)
  1 it cannot be read
  5 TORN TAIL       bytes after the last whole line, and no engine that is writing them
  6 BROKEN          a line was changed, taken out, put in or moved
  7 TRUNCATED       it ends before a head that was given, seen or sealed
    REWRITTEN       another event stands where such a head was
    MISSING         there is no log at all
    NOT SEALED, UNKNOWN SIGNER, BAD SEAL   with --allowed-signers (the last one always)
  8 OUTPUT CHANGED  an output, evidence, telemetry, a snapshot's copy or the kept runbook is not what was recorded

Examples:
  gonogo verify orders-db --anchor 211:9f3ca1b2 --anchor 187:c0ffee00
  gonogo verify orders-db --receipts ~opsB/.local/state/gonogo/receipts.jsonl
  gonogo verify orders-db --allowed-signers ~/.ssh/allowed_signers

Without any of these nobody can see that the end was cut off or that all of it was written anew: note the head that a \
run ends with, in the change ticket for one, or seal it (`gonogo seal`).

A file of allowed signers has a line for each person, a name and the public key, as for signed commits:
  echo \"opsA@example.com namespaces=\\\"gonogo\\\" $(cat opsA.pub)\" >> allowed_signers

--json prints one object:
  code       the exit code            verdicts   [{verdict, code, text}], the gravest first
  live       an engine is writing it  anchored   a head from outside was held against it
  session    its name, or null        events     how many whole, good lines
  head       \"SEQ:HASH\" or null       hash       all 64 digits of the last good line's
  seals      [{file, seq, hash, sealed, key, checked, signer, text}]; signer and seq may be null
  findings   sentences: clocks that jumped, what was not looked at")]
pub(super) struct Args {
    /// A session's name, a part that only one has, or the path of a session's folder or log; not needed where there is
    /// only one.
    session: Option<String>,
    /// Hold the log against a head that somebody noted, as the cockpit and the end of a run show it.
    #[arg(long, value_name = "SEQ:HASH")]
    anchor: Vec<Anchor>,
    /// Hold the log against the heads that somebody saw of it, as their `receipts.jsonl` keeps them.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Check who sealed it: a file of names and public SSH keys, as git's gpg.ssh.allowedSignersFile.
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `gonogo verify`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let session = place::given_or_only(args.session.as_deref()).map_err(|why| eyre!(why))?;
    let path = match dir::find(&session) {
        Ok(path) => path,
        // With an anchor a log that is gone is a verdict, not a slip of the pen.
        Err(_) if !args.anchor.is_empty() || args.receipts.is_some() => session.into(),
        Err(why) => return Err(eyre!(why)),
    };
    let mut anchors = args.anchor.clone();
    if let Some(receipts) = &args.receipts {
        anchors.extend(seen(receipts, &path)?);
    }
    let (progress, named) = (Progress::default(), path.display().to_string());
    let verified = progress::during(&named, &progress, || watched(&path, &anchors, &progress));
    let mut report = verified.wrap_err_with(|| format!("cannot read {}", path.display()))?;
    hold_copies(&mut report, path.parent().unwrap_or(Path::new("")));
    if let Some(allowed) = &args.allowed_signers {
        std::fs::File::open(allowed).wrap_err_with(|| format!("cannot read {}", allowed.display()))?;
        let checked = report.check_seals(|seal| ssh_keygen::check(allowed, seal));
        checked.map_err(|why| eyre!("the seals cannot be checked: {why}"))?;
    }
    if args.json {
        println!("{}", text::visible_json(as_json(&report).to_string()));
    } else {
        print(&report);
    }
    Ok(ExitCode::from(report.code()))
}

/// Holds what `snapshot` steps copied against the log. It never leaves its host, so that it is not in a bundle.
fn hold_copies(report: &mut Report, folder: &Path) {
    if report.snapshots.is_empty() {
        return;
    }
    if !folder.join("snapshots").is_dir() {
        report
            .findings
            .push("the copies that snapshot steps made were not looked at: they are not here".to_owned());
        return;
    }
    let changed = report.snapshots.iter().flat_map(|taken| guard::changed(folder, taken));
    let verdict = |(path, why): (PathBuf, String)| Verdict::OutputChanged {
        path: path.display().to_string(),
        why: format!("it {why}"),
    };
    let verdicts: Vec<Verdict> = changed.map(verdict).collect();
    report.add(verdicts);
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
    for seal in &report.seals {
        anstream::println!("seal {}", text::safe(&seal.to_string()));
    }
    if report.seals.iter().any(|seal| seal.verdict == Signature::NotChecked && seal.head.is_ok()) {
        anstream::println!("note: seals are checked with --allowed-signers FILE");
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
    let seals: Vec<_> = report.seals.iter().map(seal_as_json).collect();
    json!({
        "verdicts": verdicts,
        "code": report.code(),
        "live": report.live,
        "anchored": report.anchored,
        "session": report.session,
        "events": report.events,
        "head": report.head,
        "hash": report.hash,
        "seals": seals,
        "findings": report.findings,
    })
}

fn seal_as_json(seal: &Seal) -> serde_json::Value {
    let head = seal.head.as_ref().ok();
    let signer = match &seal.verdict {
        Signature::By(who) => Some(who),
        _ => None,
    };
    json!({
        "file": seal.name,
        "seq": head.map(|head| head.seq),
        "hash": head.map(|head| &head.hash),
        "sealed": head.map(|head| head.at),
        "key": seal.key,
        "checked": seal.verdict != Signature::NotChecked,
        "signer": signer,
        "text": seal.to_string(),
    })
}
