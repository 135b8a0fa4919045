//! What came of a command: its end, its output, what it leaves running.

use super::*;

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
    let log = step.path("own.log");
    until("it knows what to do when asked", || std::fs::read(&log).is_ok_and(|log| !log.is_empty())).await;
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
