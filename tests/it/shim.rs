//! The shim as the engine uses it: the real binary, real commands, real deaths.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gonogo::engine::shim::client::{Launch, LaunchError, Program, Running, launch};
use gonogo::engine::shim::evidence::{Evidence, ended, evidence, sees_out};
use gonogo::engine::shim::index;
use gonogo::engine::shim::record::{Command, End, Exit, Mode, Secret, Spec, Started};
use gonogo::process::{Identity, descendants, signal};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

const GRACE: Duration = Duration::from_secs(10);

/// One attempt in a folder of its own.
struct Step {
    root: tempfile::TempDir,
    launch: Launch,
}

impl Step {
    fn new<const N: usize>(argv: [&str; N]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let env = BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").expect("a PATH"))]);
        let spec = Spec {
            argv: argv.map(str::to_owned).to_vec(),
            cwd: root.path().to_owned(),
            env,
            umask: 0o022,
            user: None,
            mode: Mode::Run { output_limit: 64 << 20 },
        };
        Self { root, launch: Launch { spec, secrets: Vec::new(), before: Vec::new() } }
    }

    fn sh(script: &str) -> Self {
        Self::new(["bash", "-c", script])
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.launch.spec.env.insert(name.into(), value.into());
        self
    }

    fn secret(mut self, value: &str) -> Self {
        self.launch.secrets.push(Secret { name: "proxy".into(), value: value.into() });
        self
    }

    fn limit(mut self, output_limit: u64) -> Self {
        self.launch.spec.mode = Mode::Run { output_limit };
        self
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("step")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    async fn start(&self) -> Running {
        launch(&program(), &self.dir(), self.launch.clone()).await.expect("it starts")
    }

    async fn exit(&self) -> Exit {
        exited(self.start().await.wait().await)
    }

    fn output(&self) -> String {
        String::from_utf8_lossy(&self.bytes("output.log")).into_owned()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir().join(name)).expect("the file is there")
    }

    fn command(&self) -> Identity {
        let record: Command = serde_json::from_slice(&self.bytes("command.json")).expect("whole");
        record.command
    }

    fn shim(&self) -> Identity {
        let record: Started = serde_json::from_slice(&self.bytes("started.json")).expect("whole");
        record.shim
    }
}

fn program() -> Program {
    Program::at(env!("CARGO_BIN_EXE_gonogo"))
}

fn exited(evidence: Evidence) -> Exit {
    match evidence {
        Evidence::Exited(exit) => exit,
        other => panic!("no exit: {other:?}"),
    }
}

/// Waits for a condition; the limit is only there to end a broken test.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain until {what}");
}

fn pid_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[tokio::test]
async fn the_result_is_the_commands_own_with_digest_and_both_streams() {
    let step = Step::sh("echo one; echo two >&2; printf three; exit 3");
    let exit = step.exit().await;
    assert_eq!((&exit.end, exit.stopped, &exit.remain), (&End::Exited { code: 3 }, false, &vec![]));
    let again = exit.clone();
    let output = exit.output.expect("a run has output");
    let bytes = step.bytes("output.log");
    assert_eq!((output.bytes, output.kept, output.dropped), (13, 13, 0));
    assert_eq!(output.sha256, base16ct::lower::encode_string(&Sha256::digest(&bytes)));
    let text = step.output();
    for line in ["one\n", "two\n", "three"] {
        assert!(text.contains(line), "{text}");
    }
    let index = String::from_utf8(step.bytes("output.idx")).expect("text");
    let entries: Vec<_> = index.lines().map(|line| index::Entry::parse(line).expect("a record")).collect();
    let of_two =
        entries.iter().rfind(|e| e.offset <= text.find("two").expect("there") as u64).expect("a record");
    assert_eq!(of_two.source, index::Source::Err, "{index}");
    assert_eq!(evidence(&step.dir()), Evidence::Exited(again));
}

#[tokio::test]
async fn a_signal_is_not_an_exit_status() {
    assert_eq!(Step::sh("kill -SEGV $$").exit().await.end, End::Signaled { signal: 11 });
}

#[tokio::test]
async fn a_held_pipe_does_not_hold_the_result_and_late_bytes_go_elsewhere() {
    let step =
        Step::sh("(until [ -e go ]; do sleep 0.01; done; echo late) & echo $! >pid; echo early; exit 4");
    let exit = step.exit().await;
    assert_eq!(exit.end, End::Exited { code: 4 });
    assert!(exit.remain.contains(&pid_in(&step.path("pid")).expect("a pid")), "{:?}", exit.remain);
    let before = step.bytes("output.log");
    assert_eq!(before, b"early\n");
    let shim = step.shim();
    assert!(shim.is_alive(), "it waits for whoever holds the pipes");
    std::fs::write(step.path("go"), "").expect("written");
    until("the shim has ended", || !shim.is_alive()).await;
    assert_eq!((step.bytes("output.log"), step.bytes("late.log")), (before, b"late\n".to_vec()));
}

#[tokio::test]
async fn a_daemon_that_holds_no_pipe_outlives_the_shim_unharmed() {
    let step = Step::sh("setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >pid");
    let exit = step.exit().await;
    let daemon = Identity::of(pid_in(&step.path("pid")).expect("a pid")).expect("it lives");
    assert_eq!((exit.end, exit.remain), (End::Exited { code: 0 }, vec![daemon.pid]));
    let shim = step.shim();
    until("the shim has ended", || !shim.is_alive()).await;
    assert!(daemon.is_alive());
    signal(&daemon, Signal::KILL).expect("ours");
}

#[tokio::test]
async fn a_stop_leaves_no_descendant_however_it_hides() {
    let shapes = [
        ("plain", "sleep 1000 & echo $! >pid; wait"),
        ("ignores TERM", "trap '' TERM; echo $$ >pid; while :; do sleep 0.05; done"),
        ("own session", "setsid bash -c 'trap \"\" TERM; echo $$ >pid; sleep 1000'; true"),
        ("double fork", "(setsid bash -c 'echo $$ >pid; sleep 1000' &) ; exec sleep 1000"),
        (
            "left behind without pipes",
            "setsid bash -c 'echo $$ >pid; exec sleep 1000' >/dev/null 2>&1 & sleep 1000",
        ),
        ("many", "for i in {1..100}; do (setsid sleep 1000 &); done; echo $$ >pid; sleep 1000; true"),
        ("forks without end", "trap '' TERM; echo $$ >pid; while :; do setsid sleep 1000 & sleep 0.01; done"),
        ("stopped", "echo $$ >pid; kill -STOP $$"),
        ("leader gone", "(trap '' TERM; echo $BASHPID >pid; sleep 1000; sleep 1000) & sleep 1000"),
    ];
    for (shape, script) in shapes {
        let step = Step::sh(script);
        let mut running = step.start().await;
        until(shape, || pid_in(&step.path("pid")).is_some()).await;
        let shim = step.shim();
        let family = descendants(shim.pid);
        running.stop(Duration::from_millis(300)).expect("asked");
        let exit = exited(running.wait().await);
        assert!(exit.stopped && matches!(exit.end, End::Signaled { .. }), "{shape}: {exit:?}");
        assert_eq!(exit.remain, Vec::<u32>::new(), "{shape}");
        for one in family {
            assert!(!one.identity.is_alive(), "{shape}: {one:?}");
        }
        until("the shim has ended", || !shim.is_alive()).await;
    }
}

#[tokio::test]
async fn a_stop_gives_the_command_its_grace_to_clean_up() {
    let step = Step::sh("trap 'echo cleaned; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    let mut running = step.start().await;
    until("the trap is set", || step.output().contains("ready")).await;
    running.stop(GRACE).expect("asked");
    let exit = exited(running.wait().await);
    assert_eq!((exit.end, exit.stopped), (End::Exited { code: 7 }, true));
    assert!(step.output().lines().any(|line| line == "cleaned"), "{}", step.output());
}

#[tokio::test]
async fn a_second_stop_shortens_the_first() {
    let step = Step::sh("trap '' TERM; echo ready; while :; do sleep 0.01; done");
    let mut running = step.start().await;
    until("the trap is set", || step.output().contains("ready")).await;
    running.stop(Duration::from_secs(100_000)).expect("asked");
    running.asker().stop(Duration::ZERO).expect("asked again");
    assert_eq!(exited(running.wait().await).end, End::Signaled { signal: 9 });
}

#[tokio::test]
async fn an_unfinished_line_is_seen_before_it_ends() {
    let step = Step::sh("printf 'Continue? [y/N] '; until [ -e go ]; do sleep 0.01; done; echo yes");
    let mut running = step.start().await;
    until("the prompt is seen", || step.output() == "Continue? [y/N] ").await;
    std::fs::write(step.path("go"), "").expect("written");
    exited(running.wait().await);
    assert_eq!(step.output(), "Continue? [y/N] yes\n");
}

#[tokio::test]
async fn streams_mix_by_whole_lines() {
    let step = Step::sh("for i in 1 2 3; do printf 'out%s' $i; echo err$i >&2; echo put; done");
    step.exit().await;
    let mut lines: Vec<_> = step.output().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["err1", "err2", "err3", "out1put", "out2put", "out3put"]);
}

#[tokio::test]
async fn one_endless_line_is_bounded_on_disk_and_in_memory() {
    let step =
        Step::sh("head -c 30000000 /dev/zero | tr '\\0' x; grep VmHWM /proc/$PPID/status").limit(100_000);
    let output = step.exit().await.output.expect("a run has output");
    assert_eq!(output.kept, 100_000 + 65_536);
    assert_eq!(output.bytes, step.bytes("output.log").len() as u64);
    let text = step.output();
    assert!(text.contains("… 29") && text.contains(" bytes were cut …\n"));
    let words = text.find("VmHWM").expect("the end is kept");
    let peak: u64 =
        text[words..].split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    assert!(peak < 40_000, "{peak} KiB");
    assert_eq!(output.kept + output.dropped, 30_000_000 + (text.len() - words) as u64);
}

#[tokio::test]
async fn an_attempt_never_starts_twice() {
    let step = Step::sh("echo run >>tally; sleep 0.2");
    let mut running = step.start().await;
    let again = launch(&program(), &step.dir(), step.launch.clone()).await;
    assert!(matches!(again, Err(LaunchError::Refused(why)) if why.contains("started before")));
    exited(running.wait().await);
    let again = launch(&program(), &step.dir(), step.launch.clone()).await;
    assert!(matches!(again, Err(LaunchError::Refused(_))));
    assert_eq!(std::fs::read_to_string(step.path("tally")).expect("it ran"), "run\n");
}

#[tokio::test]
async fn a_shim_killed_at_any_moment_never_lets_the_attempt_start_twice() {
    for delay in 0..30 {
        let step = Step::sh("echo run >>tally");
        let starting = tokio::spawn({
            let (dir, order) = (step.dir(), step.launch.clone());
            async move { launch(&program(), &dir, order).await.is_ok() }
        });
        until("the attempt is claimed or lost", || step.dir().join("started.json").exists()).await;
        tokio::time::sleep(Duration::from_micros(delay * 100)).await;
        if let Evidence::Running { shim } = evidence(&step.dir()) {
            let _ = signal(&shim, Signal::KILL);
        }
        starting.await.expect("no panic");
        assert!(launch(&program(), &step.dir(), step.launch.clone()).await.is_err());
        // Who is killed is not dead at once.
        let runs_on = || matches!(evidence(&step.dir()), Evidence::Running { .. });
        until("its shim is gone or done", || !runs_on()).await;
        match evidence(&step.dir()) {
            Evidence::Exited(exit) => assert_eq!(exit.end, End::Exited { code: 0 }),
            Evidence::Unknown { .. } => {}
            other => panic!("{other:?}"),
        }
        let runs = std::fs::read_to_string(step.path("tally")).unwrap_or_default();
        assert!(runs.lines().count() <= 1, "{runs}");
    }
}

#[tokio::test]
async fn an_order_that_is_not_whole_starts_nothing() {
    let step = Step::sh("echo run >tally");
    std::fs::create_dir(step.dir()).expect("a folder");
    let whole = serde_json::json!({ "spec": step.launch.spec, "secrets": [] }).to_string();
    for order in ["", "{", &whole[..whole.len() - 1], &whole] {
        let mut shim = std::process::Command::new(env!("CARGO_BIN_EXE_gonogo"))
            .arg("shim")
            .arg(step.dir())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("the shim");
        let mut stdin = shim.stdin.take().expect("piped");
        std::io::Write::write_all(&mut stdin, order.as_bytes()).expect("written");
        drop(stdin);
        assert_eq!(shim.wait().expect("it ends").code(), Some(1));
        assert_eq!(evidence(&step.dir()), Evidence::NotStarted);
    }
    assert!(!step.path("tally").exists());
}

#[tokio::test]
async fn the_command_survives_the_death_of_whoever_started_it() {
    let step =
        Step::sh("until [ -e go ]; do echo waiting; echo also >&2; sleep 0.01; done; echo done; exit 5");
    std::fs::create_dir(step.dir()).expect("a folder");
    let order = serde_json::json!({ "spec": step.launch.spec, "secrets": [] }).to_string();
    std::fs::write(step.path("order"), format!("{order}\n")).expect("written");
    // The parent reads the shim's stdout through a pipe, and dies with it.
    let mut parent = std::process::Command::new("bash")
        .args(["-c", "\"$0\" shim \"$1\" <order | cat", env!("CARGO_BIN_EXE_gonogo")])
        .arg(step.dir())
        .current_dir(step.root.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the parent");
    until("the command writes", || {
        step.dir().join("output.log").exists() && step.output().contains("waiting")
    })
    .await;
    let shim = step.shim();
    for one in descendants(parent.id()) {
        if one.identity != shim && !descendants(shim.pid).iter().any(|d| d.identity == one.identity) {
            let _ = signal(&one.identity, Signal::KILL);
        }
    }
    parent.kill().and_then(|()| parent.wait()).expect("killed");
    assert_eq!(evidence(&step.dir()), Evidence::Running { shim: shim.clone() });
    for deadly in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::PIPE, Signal::USR1, Signal::TSTP] {
        signal(&shim, deadly).expect("the shim lives");
    }
    let mut running = Running::adopt(&step.dir(), shim);
    std::fs::write(step.path("go"), "").expect("written");
    let exit = exited(running.wait().await);
    assert_eq!((exit.end, exit.stopped), (End::Exited { code: 5 }, false));
    assert!(step.output().ends_with("done\n"));
}

#[tokio::test]
async fn an_adopted_shim_can_be_stopped() {
    let step = Step::sh("echo ready; sleep 1000");
    drop(step.start().await);
    until("it runs", || step.output().contains("ready")).await;
    let Evidence::Running { shim } = evidence(&step.dir()) else { panic!("it runs") };
    let mut running = Running::adopt(&step.dir(), shim);
    running.stop(GRACE).expect("asked");
    let exit = exited(running.wait().await);
    assert_eq!((exit.end, exit.stopped), (End::Signaled { signal: 15 }, true));
}

#[tokio::test]
async fn a_killed_shim_leaves_the_result_unknown() {
    let step = Step::sh("sleep 1000");
    let mut running = step.start().await;
    let command = step.command();
    signal(&step.shim(), Signal::KILL).expect("ours");
    let Evidence::Unknown { why } = running.wait().await else { panic!("nobody can know") };
    assert!(why.contains("gone without an exit record") && why.contains("still alive"), "{why}");
    running.stop(GRACE).expect("a shim that is gone is no error");
    signal(&command, Signal::KILL).expect("ours");
    until("the command is gone", || !command.is_alive()).await;
    let Evidence::Unknown { why } = evidence(&step.dir()) else { panic!("nobody can know") };
    assert!(why.contains("is gone too"), "{why}");
}

#[tokio::test]
async fn what_cannot_be_executed_is_said_with_its_path() {
    let root = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str, mode| {
        let path = root.path().join(name);
        std::fs::write(&path, content).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
        path.to_str().expect("text").to_owned()
    };
    let busy = file("busy", "", 0o755);
    std::fs::copy("/bin/true", &busy).expect("copied");
    let _writer = std::fs::OpenOptions::new().append(true).open(&busy).expect("open for writing");
    let folder = root.path().to_str().expect("text").to_owned();
    let table = [
        ("/nowhere/prog".to_owned(), "the program /nowhere/prog is not there"),
        ("no-such-program".to_owned(), "no-such-program is not in PATH"),
        (file("plain", "#!/bin/sh\n", 0o644), "plain may not be executed"),
        (file("text", "hello\n", 0o755), "text is not a program"),
        (
            file("lost", "#!/no/such/sh -e\n", 0o755),
            "asks for the interpreter /no/such/sh, which is not there",
        ),
        (folder, "is a directory"),
        (busy, "text file busy"),
        (String::new(), "the command is empty"),
    ];
    for (program, expected) in table {
        let step = Step::new([&program]);
        let exit = step.exit().await;
        let End::ExecFailed { why } = exit.end else { panic!("{program}: {:?}", exit.end) };
        assert!(why.contains(expected), "{why}");
        assert!(!step.dir().join("command.json").exists());
    }

    let step = Step::sh("true").env("BIG", &"x".repeat(3 << 20));
    let End::ExecFailed { why } = step.exit().await.end else { panic!("E2BIG") };
    assert!(why.contains("bytes of arguments and environment"), "{why}");

    let mut step = Step::sh("true");
    step.launch.spec.cwd = step.path("missing");
    let End::ExecFailed { why } = step.exit().await.end else { panic!("no cwd") };
    assert!(why.contains("the working directory") && why.contains("/missing"), "{why}");

    assert_eq!(Step::sh("exit 127").exit().await.end, End::Exited { code: 127 }, "not the same thing");
}

#[tokio::test]
async fn the_command_sees_exactly_what_the_spec_says() {
    let mut step = Step::new(["env"]).env("ONLY", "this");
    step.launch.spec.env.remove("PATH");
    step.exit().await;
    assert_eq!(step.output(), "ONLY=this\n");

    let script = "readlink /proc/$$/fd/0; pwd; umask; grep SigBlk /proc/self/status; \
        set -- $(cat /proc/$$/stat); [ $1 = $5 ] && echo leads its group; echo tty $7; echo \"$0\"";
    let mut step = Step::new(["bash", "-c", script, "an argument with 'quotes' and $blanks"]);
    step.launch.spec.umask = 0o027;
    step.exit().await;
    let cwd = step.root.path().canonicalize().expect("there");
    let expected = format!(
        "/dev/null\n{}\n0027\nSigBlk:\t0000000000000000\nleads its group\ntty 0\nan argument with 'quotes' and $blanks\n",
        cwd.display()
    );
    assert_eq!(step.output(), expected);
}

#[tokio::test]
async fn neither_ignored_signals_nor_open_files_leak_into_the_command() {
    let step = Step::new(["grep", "SigIgn", "/proc/self/status"]);
    let files = Step::new(["ls", "/proc/self/fd"]);
    for step in [&step, &files] {
        std::fs::create_dir(step.dir()).expect("a folder");
        let order = serde_json::json!({ "spec": step.launch.spec, "secrets": [] }).to_string();
        std::fs::write(step.path("order"), format!("{order}\n")).expect("written");
        let parent = "trap '' HUP INT TERM USR1 PIPE; exec 7<order 9>leak; \"$0\" shim \"$1\" <order";
        let status = std::process::Command::new("bash")
            .args(["-c", parent, env!("CARGO_BIN_EXE_gonogo")])
            .arg(step.dir())
            .current_dir(step.root.path())
            .stdout(std::process::Stdio::null())
            .status()
            .expect("the parent");
        assert!(status.success());
    }
    let ignored =
        u64::from_str_radix(step.output().trim_start_matches("SigIgn:").trim(), 16).expect("a mask");
    // 32 and 33 are the C library's own, which it ignores in whatever it spawns.
    assert_eq!(ignored & !(0b11 << 31), 0, "{ignored:x}");
    assert_eq!(files.output(), "0\n1\n2\n3\n");
}

#[tokio::test]
async fn a_secret_never_reaches_the_disk_wherever_the_reads_are_cut() {
    let secret = "c4nary+Value/9";
    let script = "printf 'a %s b\\n' \"$S\"; for ((i = 0; i < ${#S}; i++)); do printf %s \"${S:i:1}\"; sleep 0.02; done; \
         echo; printf %s \"$S\" | base64; printf %s \"$S\" | od -An -tx1 | tr -d ' '; printf %s \"${S:0:8}\" >&2";
    let step = Step::sh(script).env("S", secret).secret(secret);
    let exit = step.exit().await;
    assert_eq!(exit.output.expect("a run has output").masked, 4);
    assert_eq!(step.output(), "a ****** b\n******\n******\n******\nc4nary+V");
    for entry in std::fs::read_dir(step.dir()).expect("a folder").flatten() {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).expect("a file")).into_owned();
        assert!(!text.contains(secret), "{:?}: {text}", entry.path());
    }
    assert!(String::from_utf8_lossy(&step.bytes("spec.json")).contains("secret:proxy#14"));
}

#[tokio::test]
async fn a_short_secret_is_refused_by_name() {
    let step = Step::sh("true").secret("12345");
    let refused = launch(&program(), &step.dir(), step.launch.clone()).await.expect_err("too short");
    assert!(refused.to_string().contains("`proxy`"), "{refused}");
    assert_eq!(evidence(&step.dir()), Evidence::NotStarted);
}

#[tokio::test]
async fn files_are_private_whatever_the_umask() {
    let mut step = Step::sh("umask; (until [ -e go ]; do sleep 0.01; done; echo late) &");
    step.launch.spec.umask = 0;
    step.exit().await;
    assert_eq!(step.output(), "0000\n");
    std::fs::write(step.path("go"), "").expect("written");
    let shim = step.shim();
    until("the shim has ended", || !shim.is_alive()).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&step.dir()), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(step.dir()).expect("a folder").flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().expect("text"));
    }
    names.sort();
    let all =
        ["command.json", "exit.json", "late.log", "output.idx", "output.log", "spec.json", "started.json"];
    assert_eq!(names, all);
}

#[tokio::test]
async fn a_started_process_belongs_to_the_host_and_stays() {
    let mut step = Step::sh("echo up; echo also >&2; exec sleep 1000");
    std::fs::write(step.path("own.log"), "before\n").expect("written");
    step.launch.spec.mode = Mode::Start { log: "own.log".into(), min_uptime_ms: 300, seen_out: false };
    let exit = step.exit().await;
    assert_eq!((exit.end, exit.output), (End::Up, None));
    let (command, shim) = (step.command(), step.shim());
    until("the shim has left", || !shim.is_alive()).await;
    assert!(command.is_alive());
    assert_eq!(std::fs::read_to_string(step.path("own.log")).expect("there"), "before\nup\nalso\n");
    signal(&command, Signal::KILL).expect("ours");
}

#[tokio::test]
async fn a_started_process_whose_end_is_asked_for_is_seen_out_by_its_shim() {
    let mut step = Step::sh("trap 'exit 3' TERM; (sleep 0.1 &); echo up; while :; do sleep 0.05; done");
    step.launch.spec.mode = Mode::Start { log: "own.log".into(), min_uptime_ms: 100, seen_out: true };
    assert_eq!(step.exit().await.end, End::Up);
    let (command, shim) = (step.command(), step.shim());
    // The step is over: a word to end it does no harm to what belongs to the host.
    signal(&shim, Signal::TERM).expect("ours");
    assert!(sees_out(&step.dir(), &command) && ended(&step.dir()).is_none());
    signal(&command, Signal::TERM).expect("ours");
    until("the shim has left", || !shim.is_alive()).await;
    assert_eq!(ended(&step.dir()).map(|ended| ended.end), Some(End::Exited { code: 3 }));
    assert!(!command.is_alive());
}

#[tokio::test]
async fn a_started_process_that_dies_early_is_not_up() {
    let mut step = Step::sh("echo cannot bind; exit 98");
    step.launch.spec.mode = Mode::Start { log: "new.log".into(), min_uptime_ms: 1_000_000, seen_out: true };
    assert_eq!(step.exit().await.end, End::Exited { code: 98 });
    let log = step.path("new.log");
    assert_eq!(std::fs::metadata(&log).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(log).expect("there"), "cannot bind\n");
}

#[tokio::test]
async fn a_held_program_outlives_its_file() {
    let step = Step::sh("echo fine");
    let binary = step.path("gonogo");
    std::fs::copy(env!("CARGO_BIN_EXE_gonogo"), &binary).expect("copied");
    let held = Program::held(&binary).expect("open");
    std::fs::remove_file(&binary).expect("removed");
    exited(launch(&held, &step.dir(), step.launch.clone()).await.expect("it starts").wait().await);
    assert_eq!(step.output(), "fine\n");
}
