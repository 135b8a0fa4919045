//! A record is signed with a real `ssh-keygen`, a key file's or an agent's key, and whose signature it is is told.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::audit::copy;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// A session of its own, and the keys of two people.
struct Sealing {
    session: tempfile::TempDir,
    keys: tempfile::TempDir,
}

impl Sealing {
    /// `None` where there is no `ssh-keygen`.
    fn new() -> Option<Self> {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            eprintln!("SKIPPED: ssh-keygen is not installed");
            return None;
        }
        let sealing = Self { session: copy(), keys: tempfile::tempdir().expect("a folder") };
        for who in ["opsA", "opsB"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"])
                .arg(sealing.key(who))
                .output();
            assert!(made.expect("it runs").status.success());
        }
        Some(sealing)
    }

    fn key(&self, who: &str) -> PathBuf {
        self.keys.path().join(who)
    }

    fn public(&self, who: &str) -> PathBuf {
        self.key(who).with_extension("pub")
    }

    /// The file of allowed signers, as the help says to make it.
    fn allowed(&self, who: &[&str]) -> PathBuf {
        let path = self.keys.path().join("allowed_signers");
        let line = |who: &&str| {
            let key = std::fs::read_to_string(self.public(who)).expect("a key");
            format!("{who}@example.com namespaces=\"gonogo\" {key}")
        };
        std::fs::write(&path, who.iter().map(line).collect::<String>()).expect("written");
        path
    }

    fn seal(&self, key: &Path) -> Output {
        self.gonogo(&["seal"], &[Path::new("--key"), key])
    }

    fn verify(&self, allowed: Option<&Path>) -> (Option<i32>, String) {
        let flags = allowed.map(|file| [Path::new("--allowed-signers"), file]);
        let output = self.gonogo(&["verify"], flags.as_ref().map_or(&[], |flags| &flags[..]));
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn gonogo(&self, words: &[&str], paths: &[&Path]) -> Output {
        let mut command = Command::new(GONOGO);
        command.args(words).arg(self.session.path()).args(paths).stdin(Stdio::null());
        command.env("SSH_AUTH_SOCK", self.keys.path().join("agent")).output().expect("gonogo runs")
    }

    /// The text of the only seal.
    fn only(&self) -> PathBuf {
        let folder = std::fs::read_dir(self.session.path().join("seals")).expect("seals");
        let mut seals =
            folder.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "seal"));
        let seal = seals.next().expect("a seal");
        assert_eq!(seals.next(), None);
        seal
    }
}

fn sealed(output: &Output) -> bool {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn who_sealed_a_record_is_told_and_a_second_person_may_too() {
    let Some(sealing) = Sealing::new() else { return };
    let allowed = sealing.allowed(&["opsA", "opsB"]);
    let (code, text) = sealing.verify(Some(&allowed));
    assert!(code == Some(7) && text.contains("NOT SEALED"), "{text}");
    assert!(sealed(&sealing.seal(&sealing.key("opsA"))));
    let (code, text) = sealing.verify(Some(&allowed));
    assert!(code == Some(0) && text.contains("by opsA@example.com"), "{text}");
    assert!(!text.contains("not anchored"), "{text}");
    let (code, text) = sealing.verify(None);
    assert!(code == Some(0) && text.contains("not checked") && text.contains("not anchored"), "{text}");
    assert!(sealed(&sealing.seal(&sealing.key("opsB"))));
    let (code, text) = sealing.verify(Some(&allowed));
    assert!(code == Some(0) && text.contains("by opsA@") && text.contains("by opsB@"), "{text}");
    let (code, text) = sealing.verify(Some(&sealing.allowed(&["opsB"])));
    assert!(code == Some(7) && text.contains("UNKNOWN SIGNER") && text.contains("by opsB@"), "{text}");
}

#[test]
fn a_seal_is_what_ssh_keygen_itself_accepts() {
    let Some(sealing) = Sealing::new() else { return };
    assert!(sealed(&sealing.seal(&sealing.key("opsA"))));
    let text = sealing.only();
    let verify = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", "gonogo", "-I", "opsA@example.com", "-f"])
        .arg(sealing.allowed(&["opsA"]))
        .arg("-s")
        .arg(text.with_extension("seal.sig"))
        .stdin(std::fs::File::open(&text).expect("there"))
        .output()
        .expect("it runs");
    assert!(verify.status.success(), "{verify:?}");
}

#[test]
fn a_key_that_only_the_agent_holds_seals_by_its_public_half() {
    let Some(sealing) = Sealing::new() else { return };
    let socket = sealing.keys.path().join("agent");
    let mut agent =
        match Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn() {
            Ok(agent) => agent,
            Err(e) => return eprintln!("SKIPPED: ssh-agent cannot be started: {e}"),
        };
    while !socket.exists() {
        assert!(agent.try_wait().expect("asked").is_none(), "the agent ended");
        std::thread::yield_now();
    }
    let added = Command::new("ssh-add").arg(sealing.key("opsA")).env("SSH_AUTH_SOCK", &socket).output();
    assert!(added.expect("it runs").status.success());
    std::fs::remove_file(sealing.key("opsA")).expect("removed");
    let output = sealing.seal(&sealing.public("opsA"));
    agent.kill().and_then(|()| agent.wait()).expect("ended");
    assert!(sealed(&output));
    assert_eq!(sealing.verify(Some(&sealing.allowed(&["opsA"]))).0, Some(0));
    let without = sealing.seal(&sealing.public("opsB"));
    assert!(without.status.success(), "its private half lies beside it");
    std::fs::remove_file(sealing.key("opsA")).expect_err("it is gone");
    let nobody = sealing.seal(&sealing.public("opsA"));
    let why = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(nobody.status.code() == Some(1) && why.contains("ssh-add -l"), "{why}");
}

#[test]
fn a_seal_with_another_text_or_signature_is_bad() {
    let Some(sealing) = Sealing::new() else { return };
    let allowed = sealing.allowed(&["opsA", "opsB"]);
    assert!(sealed(&sealing.seal(&sealing.key("opsA"))));
    let (seal, sig) = (sealing.only(), sealing.only().with_extension("seal.sig"));
    let (text, signature) =
        (std::fs::read_to_string(&seal).expect("there"), std::fs::read_to_string(&sig).expect("there"));

    // Another time, which only the signature vouches for.
    let year = text.replace("sealed: 20", "sealed: 21");
    std::fs::write(&seal, &year).expect("written");
    let (code, said) = sealing.verify(Some(&allowed));
    assert!(code == Some(7) && said.contains("BAD SEAL") && said.contains("not of what it says"), "{said}");
    assert_eq!(sealing.verify(None).0, Some(0), "nobody looked at its signature");

    // Made for something else.
    std::fs::write(&seal, &text).expect("written");
    std::fs::remove_file(&sig).expect("removed");
    let mut git = Command::new("ssh-keygen");
    git.args(["-q", "-Y", "sign", "-n", "git", "-f"]).arg(sealing.key("opsA")).arg(&seal);
    let signed = git.stdin(Stdio::null()).output().expect("it runs").status.success();
    assert!(signed && sig.exists());
    let (code, said) = sealing.verify(Some(&allowed));
    assert!(code == Some(7) && said.contains("BAD SEAL"), "{said}");

    // Of another session, and no signature at all.
    std::fs::write(&sig, &signature).expect("written");
    std::fs::write(&seal, text.replace("session: ", "session: x")).expect("written");
    let (code, said) = sealing.verify(None);
    assert!(code == Some(7) && said.contains("another session"), "{said}");
    std::fs::write(&seal, &text).expect("written");
    std::fs::File::create(&sig).and_then(|mut file| file.write_all(b"junk")).expect("written");
    let (code, said) = sealing.verify(None);
    assert!(code == Some(7) && said.contains("BAD SEAL"), "{said}");
}

#[test]
fn a_sealed_head_is_held_against_the_log_whoever_made_it() {
    let Some(sealing) = Sealing::new() else { return };
    assert!(sealed(&sealing.seal(&sealing.key("opsA"))));
    let log = sealing.session.path().join("audit.jsonl");
    let whole = std::fs::read(&log).expect("a log");
    let cut = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').expect("two lines") + 1;
    std::fs::write(&log, &whole[..cut]).expect("cut");
    let (code, text) = sealing.verify(None);
    assert!(code == Some(7) && text.contains("TRUNCATED"), "{text}");
    std::fs::remove_file(&log).expect("removed");
    let (code, text) = sealing.verify(None);
    assert!(code == Some(7) && text.contains("MISSING"), "{text}");
}

#[test]
fn only_a_clean_record_is_sealed_and_nothing_is_left_where_it_is_not() {
    let Some(sealing) = Sealing::new() else { return };
    let log = sealing.session.path().join("audit.jsonl");
    let whole = std::fs::read(&log).expect("a log");
    for end in
        [whole.len() - 1, whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').expect("lines") + 1]
    {
        std::fs::write(&log, &whole[..end]).expect("cut");
        let output = sealing.seal(&sealing.key("opsA"));
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains("not sealed: "));
    }
    assert!(!sealing.session.path().join("seals").exists());
}

#[test]
fn without_ssh_keygen_it_is_said_where_to_get_it() {
    let Some(sealing) = Sealing::new() else { return };
    assert!(sealed(&sealing.seal(&sealing.key("opsA"))));
    for words in [&["seal", "--key"][..], &["verify", "--allowed-signers"][..]] {
        let mut command = Command::new(GONOGO);
        command.arg(words[0]).arg(sealing.session.path()).arg(words[1]);
        command.arg(if words[0] == "seal" { sealing.key("opsB") } else { sealing.allowed(&["opsA"]) });
        let output = command.env("PATH", sealing.keys.path()).stdin(Stdio::null()).output().expect("it runs");
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && why.contains("openssh-client"), "{why}");
    }
}
