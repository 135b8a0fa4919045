//! `gonogo seal`: sign a session's record with an SSH key.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::SubsecRound as _;
use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _, eyre};

use super::{exit, ssh_keygen};
use crate::audit::dir;
use crate::audit::seals::{self, Head};
use crate::audit::verify::{Verdict, verify};
use crate::text;

/// What is to be sealed, and with what.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The log's last number and hash are signed with `ssh-keygen -Y sign`, in the namespace gonogo. The seal is two small \
files in the session's folder, seals/SEQ-KEY.seal and .seal.sig; the log itself is not touched. Several people may seal \
one session. Only a record that `gonogo verify` calls CLEAN is sealed.

Examples:
  gonogo seal orders-db --key ~/.ssh/id_ed25519        asks for its passphrase
  gonogo seal orders-db --key ~/.ssh/id_ed25519.pub    the agent holds the key

Check it with `gonogo verify orders-db --allowed-signers FILE`; its help says how to make that file.

Exit codes: 0 sealed   1 error   3 the record is not CLEAN")]
pub(super) struct Args {
    /// A session's name, a part that only one has, or the path of a session's folder or log.
    session: String,
    /// A private SSH key, or a public one whose private half an agent holds.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Runs `gonogo seal`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let path = dir::find(&args.session).map_err(|why| eyre!(why))?;
    let report = verify(&path, &[]).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    if report.verdicts != [Verdict::Clean] {
        for verdict in &report.verdicts {
            anstream::eprintln!("not sealed: {}", text::safe(&verdict.to_string()));
        }
        return Ok(ExitCode::from(exit::HELD));
    }
    let session = report.session.ok_or_else(|| eyre!("{} names no session", path.display()))?;
    std::fs::metadata(&args.key).wrap_err_with(|| format!("cannot read the key {}", args.key.display()))?;
    let at = crate::clock::now().at.trunc_subsecs(0);
    let head = Head { session, seq: report.events, hash: report.hash, at };
    // As the text is read back: a name that no seal can hold is seen before it is signed.
    Head::read(head.to_string().as_bytes()).map_err(|why| eyre!("this session cannot be sealed: {why}"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = seals::keep(folder, &head, |file| ssh_keygen::sign(&args.key, file))?;
    let (seq, hash) = (head.seq, &head.hash[..8]);
    let how = if made.again { "was sealed before" } else { "sealed" };
    anstream::println!("{seq}:{hash} {how} with {}", made.key);
    anstream::println!("{}", text::safe(&made.path.display().to_string()));
    Ok(ExitCode::SUCCESS)
}
