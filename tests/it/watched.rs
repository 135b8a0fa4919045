//! Process and command checks against real processes: identity, zombies, pid files that lie, groups that are ended.

use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;

use gonogo::check::{Context, Sample, sample};
use gonogo::process::Identity;
use gonogo::runbook::interpolate::Scope;
use gonogo::runbook::model::{
    Bound, Check, Command, MaxRestarts, Pattern, Probe, ProcessExpect, ProcessSelect, ReportExpect, Rule,
    RunExpect, Template, TextExpect,
};
use gonogo::session::telemetry::Verdict;

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn new(program: &str, arguments: &[&str]) -> Self {
        Self::with(program, arguments, &[])
    }

    fn with(program: &str, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Process::new(program);
        let command = command.args(arguments).envs(env.iter().copied());
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

fn check(probe: Probe) -> Check {
    Check {
        id: "watched".into(),
        title: String::new(),
        applies: true,
        probe,
        period: Duration::from_secs(2),
        timeout: Duration::from_secs(10),
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 1,
        unit: None,
        advisory: false,
    }
}

fn up() -> ProcessExpect {
    let (max_rss, max_cpu) = (None, None);
    ProcessExpect { running: true, count: None, max_rss, max_cpu, max_restarts: None, env: [].into() }
}

fn down() -> ProcessExpect {
    ProcessExpect { running: false, ..up() }
}

fn process(select: ProcessSelect, expect: ProcessExpect) -> Check {
    check(Probe::Process { select, expect })
}

fn pidfile(dir: &Path) -> ProcessSelect {
    ProcessSelect { pidfile: Some(path(&dir.join("app.pid"))), ..ProcessSelect::default() }
}

fn path(path: &Path) -> Template {
    Template(path.to_str().expect("a plain path").to_owned())
}

async fn look(check: &Check, ctx: &Context) -> Sample {
    sample(check, &Scope::default(), ctx).await
}

async fn said(check: &Check) -> (Verdict, String) {
    let point = look(check, &Context::default()).await.point;
    (point.verdict, point.reason)
}

/// A name that only this test's processes have: a copy of `sleep` under it.
fn copy_of_sleep(dir: &Path, name: &str) -> String {
    let copy = dir.join(name);
    std::fs::copy("/bin/sleep", &copy).expect("sleep is there");
    copy.to_str().expect("a plain path").to_owned()
}

#[tokio::test]
async fn a_process_is_followed_by_identity_through_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let program = copy_of_sleep(dir.path(), "gonogo-long-name-of-a-proxy");
    let select =
        ProcessSelect { name: Some("gonogo-long-name-of-a-proxy".into()), ..ProcessSelect::default() };
    let (runs, gone, ctx) = (process(select.clone(), up()), process(select, down()), Context::default());
    assert_eq!(look(&gone, &ctx).await.point.verdict, Verdict::Pass);
    for _ in 0..3 {
        let running = Running::new(&program, &["600"]);
        let seen = look(&runs, &ctx).await;
        assert_eq!(seen.point.verdict, Verdict::Pass, "{}", seen.point.reason);
        assert_eq!(seen.processes.len(), 1);
        assert_eq!(Some(&seen.processes[0].identity), Identity::of(running.pid()).as_ref());
        assert!(seen.processes[0].rss > 0);
        assert_eq!(look(&gone, &ctx).await.point.verdict, Verdict::Failed);
        drop(running);
        assert_eq!(look(&runs, &ctx).await.point.verdict, Verdict::Failed);
        assert_eq!(look(&gone, &ctx).await.point.verdict, Verdict::Pass);
    }
}

#[tokio::test]
async fn a_zombie_is_gone() {
    let mut running = Running::new("sleep", &["600"]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.pid"), running.pid().to_string()).unwrap();
    let runs = process(pidfile(dir.path()), up());
    assert_eq!(said(&runs).await.0, Verdict::Pass);
    running.0.kill().unwrap();
    while Identity::of(running.pid()).is_some() {
        std::thread::yield_now();
    }
    let (verdict, reason) = said(&runs).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains(&format!("says {}, which is gone", running.pid())), "{reason}");
    running.0.wait().unwrap();
}

#[tokio::test]
async fn a_pid_file_that_lies_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.pid");
    let runs = process(pidfile(dir.path()), up());
    let (verdict, reason) = said(&runs).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains("app.pid is not there"), "{reason}");

    for garbage in ["", "abc\n", "0\n", "-1", "99999999999"] {
        std::fs::write(&file, garbage).unwrap();
        assert_eq!(said(&runs).await.0, Verdict::Error, "{garbage:?}");
    }

    let running = Running::new("sleep", &["600"]);
    std::fs::write(&file, format!("\u{feff}{}\r\nmore\r\n", running.pid())).unwrap();
    assert_eq!(said(&runs).await.0, Verdict::Pass);
    let named = |name: &str| process(ProcessSelect { name: Some(name.into()), ..pidfile(dir.path()) }, up());
    assert_eq!(said(&named("sleep")).await.0, Verdict::Pass);
    let (verdict, reason) = said(&named("mtproto-proxy")).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains(&format!("none: {} is sleep", running.pid())), "{reason}");

    // Written a day before the process was started: the number is somebody else's by now.
    let yesterday = std::time::SystemTime::now() - Duration::from_secs(86_400 + 60);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(yesterday).unwrap();
    let (verdict, reason) = said(&runs).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains("was started 24 h after"), "{reason}");
}

#[tokio::test]
async fn what_listens_on_a_port_is_found_with_its_memory_and_cpu() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let select = ProcessSelect { port: Some(Template(port.to_string())), ..ProcessSelect::default() };
    let seen = look(&process(select.clone(), up()), &Context::default()).await;
    assert_eq!(seen.point.verdict, Verdict::Pass, "{}", seen.point.reason);
    assert_eq!(seen.processes[0].identity.pid, std::process::id());
    assert_eq!(said(&process(select.clone(), down())).await.0, Verdict::Failed);
    drop(listener);
    let (verdict, reason) = said(&process(select, up())).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains(&format!("nothing listens on port {port}")), "{reason}");

    let running = Running::new("sh", &["-c", "while :; do :; done"]);
    let ctx = Context::default();
    let step = "switch.start-go".into();
    let select = ProcessSelect { step: Some("switch.start-go".into()), ..ProcessSelect::default() };
    let idle = process(select.clone(), ProcessExpect { max_cpu: Some(1.0), ..up() });
    let (verdict, reason) = (look(&idle, &ctx).await.point.verdict, look(&idle, &ctx).await.point.reason);
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains("switch.start-go has started nothing yet"), "{reason}");
    ctx.note_started(step, Identity::of(running.pid()).expect("it runs"));
    // The share of a process is measured between two looks: on a busy machine it may not have spun in between.
    let mut seen = look(&idle, &ctx).await;
    while seen.processes[0].cpu.is_none_or(|cpu| cpu <= 1.0) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        seen = look(&idle, &ctx).await;
    }
    assert_eq!(seen.point.verdict, Verdict::Failed, "it spins: {seen:?}");
    let small = process(select, ProcessExpect { max_rss: Some(1), ..up() });
    assert_eq!(look(&small, &ctx).await.point.verdict, Verdict::Failed);
}

#[tokio::test]
async fn a_crash_loop_that_a_supervisor_hides_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let pidfile = folder.path().join("flapper.pid");
    let most = MaxRestarts { count: 2, within: Duration::from_secs(600) };
    let select = ProcessSelect {
        pidfile: Some(Template(pidfile.to_string_lossy().into_owned())),
        ..ProcessSelect::default()
    };
    let check = process(select, ProcessExpect { max_restarts: Some(most), ..up() });
    let ctx = Context::default();
    let mut verdicts = Vec::new();
    for _ in 0..5 {
        // At every look it runs, as its supervisor says, and it is another one each time.
        let running = Running::new("sleep", &["1000"]);
        std::fs::write(&pidfile, running.pid().to_string()).expect("written");
        let seen = look(&check, &ctx).await;
        let unchanged = look(&check, &ctx).await;
        assert_eq!(seen.point.verdict, unchanged.point.verdict);
        verdicts.push((seen.point.verdict, seen.point.reason));
    }
    let passed = verdicts.iter().filter(|(verdict, _)| *verdict == Verdict::Pass).count();
    assert_eq!(passed, 3, "{verdicts:?}");
    assert!(verdicts[4].1.contains("started anew 4 times within 10 min"), "{verdicts:?}");
}

#[tokio::test]
async fn the_environment_is_the_running_process_s_own() {
    let running = Running::with(
        "sleep",
        &["1000"],
        &[("MODE", "python"), ("DB_OPEN", "20"), ("TOKENS", "a-secret-of-theirs")],
    );
    let by_step = |env: &[(&str, Rule)]| {
        let env = env.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone())).collect();
        let select = ProcessSelect { step: Some("switch.start-go".into()), ..ProcessSelect::default() };
        process(select, ProcessExpect { env, ..up() })
    };
    let ctx = Context::default();
    ctx.note_started("switch.start-go".into(), Identity::of(running.pid()).expect("it runs"));
    let exists = |exists| Rule { exists: Some(exists), ..Rule::default() };
    let mode = |mode: &str| Rule { equals: Some(mode.into()), ..Rule::default() };
    let enough = Rule { min: Some(Bound::Constant(5.0)), ..Rule::default() };
    let good = by_step(&[
        ("MODE", mode("python")),
        ("DB_OPEN", enough),
        ("TOKENS", exists(true)),
        ("NONE", exists(false)),
    ]);
    let seen = look(&good, &ctx).await;
    assert_eq!(seen.point.verdict, Verdict::Pass, "{seen:?}");
    let seen = look(&by_step(&[("MODE", mode("csharp-hybrid"))]), &ctx).await;
    assert_eq!(seen.point.verdict, Verdict::Failed);
    assert!(seen.point.reason.contains("MODE") && seen.point.reason.contains("python"), "{seen:?}");
    let seen = look(&by_step(&[("TOKENS", exists(false))]), &ctx).await;
    assert_eq!(seen.point.verdict, Verdict::Failed);
    assert!(!seen.point.reason.contains("a-secret"), "{seen:?}");
}

fn command(line: &str, expect: RunExpect) -> Check {
    let shell = ["bash", "-euo", "pipefail", "-c", line];
    check(Probe::Command { command: Command::Argv(shell.iter().map(|arg| (*arg).into()).collect()), expect })
}

#[tokio::test]
async fn a_command_is_judged_by_its_exit_and_by_what_it_says() {
    let says = |pattern: &str| RunExpect {
        text: TextExpect { matches: vec![Pattern(pattern.into())], ..TextExpect::default() },
        ..RunExpect::default()
    };
    assert_eq!(said(&command("echo lag=3", says(r"^lag=\d$"))).await.0, Verdict::Pass);
    assert_eq!(said(&command("echo lag=3 >&2", says(r"^lag=\d$"))).await.0, Verdict::Pass);
    let (verdict, reason) = said(&command("true", says("."))).await;
    assert_eq!(
        (verdict, &*reason),
        (Verdict::Failed, "no match in an empty text (expected: output matches /./)")
    );
    let (verdict, reason) = said(&command("false | cat", RunExpect::default())).await;
    assert_eq!((verdict, &*reason), (Verdict::Failed, "exit 1 (expected: exit is 0)"));
    let none = check(Probe::Command {
        command: Command::Argv(vec!["/no/such".into()]),
        expect: RunExpect::default(),
    });
    let (verdict, reason) = said(&none).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.starts_with("/no/such cannot be started"), "{reason}");
    let endless = Check { timeout: Duration::from_millis(300), ..command("yes", RunExpect::default()) };
    let (verdict, reason) = said(&endless).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.starts_with("bash did not end within"), "{reason}");
}

#[tokio::test]
async fn yesterdays_report_is_red_and_todays_is_green() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.txt");
    std::fs::write(&report, "PASS\n").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(14 * 3600 + 60);
    std::fs::File::options().write(true).open(&report).unwrap().set_modified(old).unwrap();
    let expect = || RunExpect {
        report: vec![ReportExpect {
            dated: None,
            path: path(&report),
            text: TextExpect { matches: vec![Pattern("^PASS$".into())], ..TextExpect::default() },
        }],
        ..RunExpect::default()
    };
    let (verdict, reason) = said(&command("echo fine", expect())).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains("is from 14 h before this attempt"), "{reason}");
    let rewrite = format!("echo PASS > {}", report.display());
    assert_eq!(said(&command(&rewrite, expect())).await.0, Verdict::Pass);
    let utf16 = format!(r"printf '\xff\xfeP\0A\0S\0S\0\r\0\n\0' > {}", report.display());
    assert_eq!(said(&command(&utf16, expect())).await.0, Verdict::Pass);
    let remove = format!("rm {}", report.display());
    assert_eq!(said(&command(&remove, expect())).await.0, Verdict::Failed);
}

#[tokio::test]
async fn a_command_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let background = format!("sleep 600 & echo $! > {}; echo fine", pid.display());
    assert_eq!(said(&command(&background, RunExpect::default())).await.0, Verdict::Pass);
    let pid: u32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    while Identity::of(pid).is_some() {
        tokio::task::yield_now().await;
    }
}
