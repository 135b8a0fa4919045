//! `ssh-keygen`, which signs a seal and says whose signature one is: the convention that operators already have for
//! signed commits.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::audit::seals::{NAMESPACE, Seal, Signature};

const NAME: &str = "ssh-keygen";

/// Signs a file with a private key, or with one that an agent holds where `key` is its public half. A passphrase is
/// asked for on the terminal.
///
/// # Errors
/// A sentence.
pub(super) fn sign(key: &Path, file: &Path) -> Result<(), String> {
    let mut command = keygen(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]);
    // What it asks of a person, and why it does not sign, it says itself.
    let status = command.arg(key).arg(file).stdout(Stdio::null()).status().map_err(|e| not_run(&e))?;
    if status.success() {
        return Ok(());
    }
    let key = key.display();
    Err(format!(
        "{NAME} did not sign with {key}: what it says stands above. With a key that an agent holds, give its public \
         key's file; `ssh-add -l` lists what it holds"
    ))
}

/// Says whose a seal's signature is, going by a file of allowed signers.
///
/// # Errors
/// A sentence: nothing could be checked.
pub(super) fn check(allowed: &Path, seal: &Seal) -> Result<Signature, String> {
    // The bytes that were read, wherever the file has gone since.
    let kept = tempfile::NamedTempFile::new().and_then(|mut file| {
        file.write_all(&seal.signature)?;
        Ok(file)
    });
    let kept = kept.map_err(|e| format!("cannot keep a signature in a temporary file: {e}"))?;
    let signature = kept.path();
    let mut of_the_key = keygen(["-Y", "check-novalidate", "-n", NAMESPACE, "-s"]);
    if !ask(of_the_key.arg(signature), &seal.text)?.status.success() {
        return Ok(Signature::Bad("its signature is not of what it says".to_owned()));
    }
    let mut find = keygen(["-Y", "find-principals", "-f"]);
    let found = ask(find.arg(allowed).arg("-s").arg(signature), b"")?;
    let principals = String::from_utf8_lossy(&found.stdout).into_owned();
    for principal in principals.lines().filter(|name| found.status.success() && !name.is_empty()) {
        let mut verify = keygen(["-Y", "verify", "-n", NAMESPACE, "-I", principal, "-f"]);
        if ask(verify.arg(allowed).arg("-s").arg(signature), &seal.text)?.status.success() {
            return Ok(Signature::By(principal.to_owned()));
        }
    }
    Ok(Signature::Unknown)
}

fn keygen<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(NAME);
    command.args(args);
    command
}

/// Runs it with `input`, quietly.
fn ask(command: &mut Command, input: &[u8]) -> Result<Output, String> {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = pipes.spawn().map_err(|e| not_run(&e))?;
    // Far less than a pipe holds; one that wants none of it says so by its status.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input);
    }
    child.wait_with_output().map_err(|e| not_run(&e))
}

fn not_run(e: &io::Error) -> String {
    if e.kind() == io::ErrorKind::NotFound {
        return format!(
            "{NAME} is not installed: it is in the package openssh-client (Debian, Ubuntu) or openssh (Fedora, RHEL, \
             Alpine)"
        );
    }
    format!("{NAME} cannot be run: {e}")
}
