//! `file`: what lies on the disk: there or not, executable, its digest, its age, its text. Also how a report is seen.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Context, Observed, resolve, span};
use crate::clock;
use crate::proof::{self, FileMark, FileSeen, Proof, Text, text};
use crate::runbook::CheckId;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{FileExpect, Sha256Expect, Template, TextExpect};
use crate::text::{decode, plain};

/// How much of a file is judged as text.
const TEXT: usize = 64 << 20;

pub(super) async fn observe(
    id: &CheckId,
    paths: &[Template],
    expect: &FileExpect,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Observed {
    let deadline = clock::up_ms().saturating_add(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let (paths, expect, scope) = (paths.to_vec(), expect.clone(), scope.clone());
    let look = move || judge(&paths, &expect, &scope, deadline);
    match ctx.aside.look(id, timeout, look).await.and_then(|seen| seen) {
        Ok((proofs, value)) => Observed::proven(proofs, value),
        Err(why) => Observed::error(why),
    }
}

fn judge(
    paths: &[Template],
    expect: &FileExpect,
    scope: &Scope,
    deadline: u64,
) -> Result<(Vec<Proof>, String), String> {
    let mut proofs = Vec::new();
    let mut sizes = Vec::new();
    for path in paths {
        let name = resolve(scope, path)?;
        let there = found(&scope.runbook_dir, &name)?;
        let expected = format!("{name} {}", if expect.exists { "is there" } else { "is not there" });
        let seen = match there.as_slice() {
            [] => "there is no such file".to_owned(),
            [one] => format!("{} is there", shown(one, scope)),
            more => format!("{} files, the first is {}", more.len(), shown(&more[0], scope)),
        };
        proofs.push(Proof::new(expected, there.is_empty() != expect.exists, seen));
        for path in there.iter().filter(|_| expect.exists) {
            let meta = std::fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?;
            sizes.push(meta.len());
            proofs.extend(one(path, &shown(path, scope), &meta, expect, scope, deadline)?);
        }
    }
    let value = match sizes.as_slice() {
        [] => "none".to_owned(),
        [one] => proof::bytes(*one),
        more => format!("{} files", more.len()),
    };
    Ok((proofs, value))
}

/// What a path or a glob stands for. A name that exists as it is written is no glob.
fn found(dir: &Path, name: &str) -> Result<Vec<PathBuf>, String> {
    let path = dir.join(name);
    match std::fs::symlink_metadata(&path) {
        // A link to nothing is not there.
        Ok(_) => return Ok(if path.exists() { vec![path] } else { Vec::new() }),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {}
        Err(e) => return Err(format!("{name}: {e}")),
    }
    if !name.contains(['*', '?', '[']) {
        return Ok(Vec::new());
    }
    let pattern = Path::new(&glob::Pattern::escape(&dir.to_string_lossy())).join(name);
    let matches = glob::glob(&pattern.to_string_lossy()).map_err(|e| format!("{name} is no glob: {e}"))?;
    matches.map(|entry| entry.map_err(|e| format!("{name}: {e}"))).collect()
}

fn shown(path: &Path, scope: &Scope) -> String {
    path.strip_prefix(&scope.runbook_dir).unwrap_or(path).display().to_string()
}

fn one(
    path: &Path,
    name: &str,
    meta: &Metadata,
    expect: &FileExpect,
    scope: &Scope,
    deadline: u64,
) -> Result<Vec<Proof>, String> {
    let mut proofs = Vec::new();
    if let Some(wanted) = expect.executable {
        let mode = meta.permissions().mode();
        let is = meta.is_file() && mode & 0o111 != 0;
        let expected = format!("{name} {}", if wanted { "is executable" } else { "is not executable" });
        proofs.push(Proof::new(expected, is == wanted, format!("mode {:04o}", mode & 0o7777)));
    }
    if let Some(max) = expect.max_age {
        let modified: DateTime<Utc> = meta.modified().map_err(|e| format!("{name}: {e}"))?.into();
        let age = (clock::now().at - modified).to_std().unwrap_or_default();
        proofs.push(Proof::new(
            format!("{name} is at most {} old", span(max)),
            age <= max,
            format!("{} old", span(age)),
        ));
    }
    let wants_digest = expect.sha256.is_some() || expect.sha256sums.is_some();
    let wants_text = expect.text != TextExpect::default();
    if !wants_digest && !wants_text {
        return Ok(proofs);
    }
    let (digest, bytes) = read(path, if wants_text { TEXT } else { 0 }, deadline)?;
    if let Some(wanted) = &expect.sha256 {
        proofs.push(pinned(name, &digest, wanted, scope));
    }
    if let Some(sums) = &expect.sha256sums {
        proofs.push(summed(path, name, &digest, sums, scope));
    }
    if wants_text {
        let cut = (meta.len() > TEXT as u64).then_some(TEXT as u64);
        let decoded = decode(&bytes);
        let said = plain(&decoded);
        let leaked = scope.leaks(&said);
        proofs.extend(text(&expect.text, Text { name, text: &scope.masked(said), cut, leaked }, scope));
    }
    Ok(proofs)
}

/// The digest that is written down for the file, in the runbook or in a JSON file.
fn pinned(name: &str, digest: &str, wanted: &Sha256Expect, scope: &Scope) -> Proof {
    let (expected, wanted) = match wanted {
        Sha256Expect::Hex(hex) => (format!("{name} has the sha256 {}", hex.as_str()), resolve(scope, hex)),
        Sha256Expect::InJson { file, pointer } => (
            format!("{name} has the sha256 at {pointer} of {}", file.as_str()),
            in_json(file, pointer, scope),
        ),
    };
    match wanted {
        Err(why) => Proof::new(expected, false, why),
        Ok(wanted) => {
            let met = digest.eq_ignore_ascii_case(wanted.trim());
            let seen = if met {
                format!("sha256 {digest}")
            } else {
                format!("sha256 {digest}, not {}", wanted.trim())
            };
            Proof::new(expected, met, seen)
        }
    }
}

fn in_json(file: &Template, pointer: &str, scope: &Scope) -> Result<String, String> {
    let file = resolve(scope, file)?;
    let document: Value =
        serde_json::from_str(&small(&file, scope)?).map_err(|e| format!("{file} is no JSON: {e}"))?;
    match document.pointer(pointer) {
        Some(Value::String(hex)) => Ok(hex.clone()),
        Some(other) => Err(format!("{file} has {other} at {pointer}, which is no digest")),
        None => Err(format!("{file} has nothing at {pointer}")),
    }
}

/// The digest that a checksum file gives for the file's name.
fn summed(path: &Path, name: &str, digest: &str, sums: &Template, scope: &Scope) -> Proof {
    let expected = format!("{name} has its sha256 of {}", sums.as_str());
    let basename = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let listed = resolve(scope, sums).and_then(|file| Ok((listed(&small(&file, scope)?, &basename), file)));
    match listed {
        Err(why) => Proof::new(expected, false, why),
        Ok((listed, file)) => match listed.as_slice() {
            [] => Proof::new(expected, false, format!("{file} does not list {basename}")),
            [one] if *one == digest => Proof::new(expected, true, format!("sha256 {digest}")),
            [one] => Proof::new(expected, false, format!("sha256 {digest}, not {one}")),
            _ => Proof::new(expected, false, format!("{file} lists {basename} with different digests")),
        },
    }
}

/// The digests that lines of the form `HEX *PATH` give for a basename, in lower case and each once. Paths may be of
/// another machine, with either kind of slash.
fn listed(sums: &str, basename: &str) -> Vec<String> {
    let mut digests: Vec<String> = sums
        .lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter(|(hex, _)| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        .filter(|(_, path)| {
            let path = path.trim();
            let path = path.strip_prefix('*').unwrap_or(path);
            path.rsplit(['/', '\\']).next().is_some_and(|name| name.eq_ignore_ascii_case(basename))
        })
        .map(|(hex, _)| hex.to_ascii_lowercase())
        .collect();
    digests.sort_unstable();
    digests.dedup();
    digests
}

/// A small text file, decoded.
fn small(name: &str, scope: &Scope) -> Result<String, String> {
    const LIMIT: u64 = 4 << 20;
    let mut bytes = Vec::new();
    let file = regular(&scope.runbook_dir.join(name)).map_err(|e| format!("{name}: {e}"))?.0;
    file.take(LIMIT).read_to_end(&mut bytes).map_err(|e| format!("{name}: {e}"))?;
    Ok(decode(&bytes).into_owned())
}

/// All the bytes of a file, where there are not more than `limit`.
pub(super) fn whole(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = regular(path).map_err(|e| e.to_string())?.0;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() > limit {
        return Err(format!("it is larger than {}", proof::bytes(limit as u64)));
    }
    Ok(bytes)
}

/// Opens a regular file; anything else could block for ever.
fn regular(path: &Path) -> std::io::Result<(File, Metadata)> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { Ok((file, meta)) } else { Err(std::io::Error::other("is no regular file")) }
}

/// The digest of a whole file, and its first `keep` bytes; gives up at the deadline (boot clock).
fn read(path: &Path, keep: usize, deadline: u64) -> Result<(String, Vec<u8>), String> {
    let at = |e: std::io::Error| format!("{}: {e}", path.display());
    let (mut file, _) = regular(path).map_err(at)?;
    let mut digest = Sha256::new();
    let mut kept = Vec::new();
    let mut chunk = vec![0; 256 << 10];
    loop {
        let n = file.read(&mut chunk).map_err(at)?;
        if n == 0 {
            return Ok((base16ct::lower::encode_string(&digest.finalize()), kept));
        }
        if clock::up_ms() > deadline {
            return Err(format!("{} is too large to be read in time", path.display()));
        }
        digest.update(&chunk[..n]);
        kept.extend_from_slice(&chunk[..n.min(keep - kept.len())]);
    }
}

/// A file as a report is judged by; `None` where there is none. It reads the whole file.
///
/// # Errors
/// A sentence: it is there and cannot be read.
pub fn see(path: &Path, scope: &Scope) -> Result<Option<FileSeen>, String> {
    let at = |e: std::io::Error| format!("{}: {e}", path.display());
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(at(e)),
    };
    if !meta.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    let (sha256, bytes) = read(path, TEXT, u64::MAX)?;
    let mark =
        FileMark { file: (meta.dev(), meta.ino()), modified: meta.modified().map_err(at)?.into(), sha256 };
    let decoded = decode(&bytes);
    let said = plain(&decoded);
    Ok(Some(FileSeen {
        mark,
        leaked: scope.leaks(&said),
        text: scope.masked(said),
        cut: (meta.len() > TEXT as u64).then_some(TEXT as u64),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::all_met;

    const HEX: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    fn expect() -> FileExpect {
        FileExpect {
            exists: true,
            executable: None,
            sha256: None,
            sha256sums: None,
            max_age: None,
            text: TextExpect::default(),
        }
    }

    /// A folder with `app.bin` that holds `hello`, and whatever else is given.
    fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Scope) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("app.bin"), "hello").unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        let scope = Scope { runbook_dir: dir.path().to_owned(), ..Scope::default() };
        (dir, scope)
    }

    fn green(path: &str, expect: &FileExpect, scope: &Scope) -> bool {
        judge(&[path.into()], expect, scope, u64::MAX).is_ok_and(|(proofs, _)| all_met(&proofs))
    }

    #[test]
    fn a_checksum_file_is_read_by_basename_however_it_was_written() {
        for line in [
            format!("{HEX}  app.bin\n"),
            format!("{HEX} *C:\\build\\out\\App.bin\r\n"),
            format!("\u{feff}{} */Users/x/out/app.bin\r\n", HEX.to_uppercase()),
            format!("{HEX}  other\n{HEX} *dist/app.bin"),
        ] {
            assert_eq!(listed(&decode(line.as_bytes()), "app.bin"), [HEX], "{line:?}");
        }
        assert!(listed(&format!("{HEX}  app.bin.sig\n"), "app.bin").is_empty());
        assert!(listed("zz  app.bin\n", "app.bin").is_empty());
        assert_eq!(listed(&format!("{HEX} a\n{} a\n", HEX.replace('2', "3")), "a").len(), 2);
    }

    #[test]
    fn digests_are_held_against_hex_json_and_sums() {
        let (_dir, scope) = folder(&[
            ("m.json", format!("\u{feff}{{\"sha\":\"{HEX}\",\"none\":null}}").as_bytes()),
            ("sums", format!("{HEX} *x/app.bin").as_bytes()),
        ]);
        let json = |pointer: &str| Sha256Expect::InJson { file: "m.json".into(), pointer: pointer.into() };
        let sha = |wanted| FileExpect { sha256: Some(wanted), ..expect() };
        assert!(green("app.bin", &sha(json("/sha")), &scope));
        assert!(!green("app.bin", &sha(json("/none")), &scope));
        assert!(!green("app.bin", &sha(json("/missing")), &scope));
        assert!(green("app.bin", &sha(Sha256Expect::Hex(HEX.into())), &scope));
        assert!(green("app.bin", &sha(Sha256Expect::Hex(Template(HEX.to_uppercase()))), &scope));
        assert!(!green("m.json", &sha(Sha256Expect::Hex(HEX.into())), &scope));
        assert!(green("app.bin", &FileExpect { sha256sums: Some("sums".into()), ..expect() }, &scope));
        assert!(!green("m.json", &FileExpect { sha256sums: Some("sums".into()), ..expect() }, &scope));
    }

    #[test]
    fn a_glob_must_match_something_and_everything_that_it_matches_must_be_right() {
        let (dir, scope) = folder(&[("a.log", b"fine"), ("b.log", b"SECRET")]);
        let clean = FileExpect {
            text: TextExpect {
                not_matches: vec![crate::runbook::model::Pattern("SECRET".into())],
                ..TextExpect::default()
            },
            ..expect()
        };
        assert!(!green("*.log", &clean, &scope));
        assert!(green("a.*", &clean, &scope));
        assert!(!green("*.none", &expect(), &scope));
        let absent = FileExpect { exists: false, ..expect() };
        assert!(green("*.none", &absent, &scope));
        assert!(!green("*.log", &absent, &scope));
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        assert!(!green("link", &expect(), &scope), "a link to nothing");
        assert!(!green("app.bin", &FileExpect { executable: Some(true), ..expect() }, &scope));
    }

    #[test]
    fn a_fifo_is_an_error_and_no_wait() {
        let (dir, scope) = folder(&[]);
        let path = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let reading = FileExpect { sha256: Some(Sha256Expect::Hex(HEX.into())), ..expect() };
        assert!(judge(&["pipe".into()], &reading, &scope, u64::MAX).unwrap_err().contains("no regular file"));
    }
}
