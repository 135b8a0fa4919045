//! Whoever dies, and whenever: an attempt starts once, and its result is known or said to be unknown.

use super::*;

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
async fn a_held_program_outlives_its_file() {
    let step = Step::sh("echo fine");
    let binary = step.path("gonogo");
    std::fs::copy(env!("CARGO_BIN_EXE_gonogo"), &binary).expect("copied");
    let held = Program::held(&binary).expect("open");
    std::fs::remove_file(&binary).expect("removed");
    exited(launch(&held, &step.dir(), step.launch.clone()).await.expect("it starts").wait().await);
    assert_eq!(step.output(), "fine\n");
}
