//! What a command is started with: what the spec says and nothing else, no secret on the disk.

use super::*;

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
