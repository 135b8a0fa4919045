//! Metric checks against real servers, commands, files and processes: what each source gives, and that whatever is no
//! number is never green.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gonogo::check::{Context, Sample, Tracker, sample};
use gonogo::runbook::interpolate::Scope;
use gonogo::runbook::load::Missing;
use gonogo::runbook::model::{Host, Runbook};
use gonogo::runbook::{Inputs, Source, load};
use gonogo::session::telemetry::Verdict;

/// A server that answers every request with what it is told to, and remembers the last request's first line.
struct Server {
    port: u16,
    says: Arc<Mutex<(u16, String)>>,
    asked: Arc<Mutex<String>>,
}

impl Server {
    fn new(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (says, asked) = (Arc::new(Mutex::new((200, body.to_owned()))), Arc::new(Mutex::default()));
        let server = Self { port, says: Arc::clone(&says), asked: Arc::clone(&asked) };
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (mut bytes, mut byte) = (Vec::new(), [0]);
                while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    bytes.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&bytes);
                *asked.lock().expect("no test panics here") =
                    head.lines().next().unwrap_or_default().to_owned();
                let (status, body) = says.lock().expect("no test panics here").clone();
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        server
    }

    fn say(&self, status: u16, body: &str) {
        *self.says.lock().expect("no test panics here") = (status, body.to_owned());
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// Looks at the checks of a runbook as the engine does.
struct Watch {
    runbook: Runbook,
    scope: Scope,
    ctx: Context,
    tracker: Tracker,
}

impl Watch {
    fn new(checks: &str, dir: &Path) -> Self {
        let text = format!("{checks}\n[[stage]]\nid = \"a\"\n[[stage.step]]\nid = \"b\"\nwait = \"1s\"\n");
        let host = Host { name: "bastion".into(), os: "linux".into(), arch: "x86_64".into() };
        let inputs = Inputs { set: Default::default(), host, missing: Missing::Open };
        let source = Source { text, file: "test.toml".into(), dir: dir.to_owned() };
        let loaded = load(&source, &inputs);
        let runbook = loaded.runbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let scope = Scope { runbook_dir: dir.to_owned(), ..Scope::default() };
        let mut tracker = Tracker::of(&runbook);
        tracker.poll(&runbook.checks.keys().cloned().collect(), 0);
        Self { ctx: Context::new(&runbook), runbook, scope, tracker }
    }

    fn one(check: &str) -> Self {
        Self::new(&format!("[check.m]\n{check}"), Path::new("/"))
    }

    async fn look(&mut self) -> Sample {
        self.look_at("m").await
    }

    async fn look_at(&mut self, id: &str) -> Sample {
        let check = self.runbook.check(&id.into()).expect("a check of the test").clone();
        let taken = sample(&check, &self.scope, &self.ctx).await;
        let now = taken.point.up_ms + 1;
        self.tracker.take(taken, now).samples.remove(0)
    }

    /// The number of one look, or why there is none.
    async fn number(&mut self) -> Result<f64, String> {
        let point = self.look().await.point;
        assert_eq!(point.number.is_none(), point.verdict == Verdict::Error, "{point:?}");
        point.number.ok_or(point.reason)
    }
}

const STATS: &str = "uptime\t12\nforward_failed\t3\nlag\tNaN\nhuge\t1e400\nrate\t1,5\n";

#[tokio::test]
async fn a_number_is_read_from_an_answer() {
    let server = Server::new(STATS);
    let http = |pattern: &str| {
        format!("metric = {{ http = \"{}\", regex = '{pattern}' }}\nexpect.max = 5", server.url("/stats"))
    };
    let mut good = Watch::one(&http(r"^forward_failed\t(\d+)$"));
    let point = good.look().await.point;
    assert_eq!((point.verdict, point.number, point.value.as_deref()), (Verdict::Pass, Some(3.0), Some("3")));
    for (pattern, why) in [
        (r"^lag\t(\S+)", "\"NaN\" is no number"),
        (r"^huge\t(\S+)", "\"1e400\" is no number"),
        (r"^rate\t(\S+)", "\"1,5\" is no number"),
        (r"^none\t(\S+)", "matches nothing"),
        (r"\t(\d+)$", "matches 2 times"),
    ] {
        let said = Watch::one(&http(pattern)).number().await.expect_err(pattern);
        assert!(said.contains(why), "{pattern}: {said}");
    }
    for (status, body, why) in [(503, STATS, "status 503"), (404, "x", "status 404"), (200, "", "empty")] {
        server.say(status, body);
        let said = good.number().await.expect_err(why);
        assert!(said.contains(why), "{said}");
    }
    server.say(200, &format!("{}{STATS}", "x\n".repeat(100_000)));
    assert_eq!(good.number().await, Ok(3.0), "what a server tells of itself may be long");
    server.say(200, &"x\n".repeat(3 << 20));
    assert!(good.number().await.expect_err("too large").contains("too large"));
}

#[tokio::test]
async fn a_counter_becomes_a_rate_and_a_reset_is_no_fall() {
    let server = Server::new("n 100");
    let url = server.url("/");
    let mut watch = Watch::one(&format!("metric = {{ http = \"{url}\", series = \"n\", as = \"delta\" }}"));
    assert_eq!(watch.look().await.point.value.as_deref(), Some("0"));
    for (body, risen) in [("n 103", "3"), ("n 2", "5"), ("n 2.5", "5.5")] {
        server.say(200, body);
        // The boot clock counts milliseconds, and two looks of one are one.
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(watch.look().await.point.value.as_deref(), Some(risen));
    }
    let mut rate = Watch::one(&format!("metric = {{ http = \"{url}\", series = \"n\", as = \"rate\" }}"));
    assert_eq!(rate.look().await.point.verdict, Verdict::Pending);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let second = rate.look().await.point;
    assert_eq!((second.verdict, second.value.as_deref()), (Verdict::Pass, Some("0/s")));
}

#[tokio::test]
async fn a_command_and_a_file_give_numbers() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("stats.json"), "\u{feff}{\"good\": 19, \"all\": 20, \"none\": null}")
        .expect("written");
    std::fs::write(dir.path().join("app.log"), "ERROR a\nINFO b\nERROR c\n").expect("written");
    std::fs::write(dir.path().join("empty.log"), "").expect("written");
    let checks = r#"
[check.m]
metric = { file = "stats.json", json = "/good", of = "/all" }
expect.min = 0.95
[check.null]
metric = { file = "stats.json", json = "/none" }
[check.errors]
metric = { file = "app.log", count = '^ERROR' }
expect.max = 1
[check.empty]
metric = { file = "empty.log", count = '^ERROR' }
[check.gone]
metric = { file = "gone.log", count = '^ERROR' }
[check.ran]
metric = { command = "echo lag=7; echo noise=8 >&2", regex = '=(\d+)' }
[check.lied]
metric = { command = "echo lag=7; exit 3", regex = '=(\d+)' }
"#;
    let mut watch = Watch::new(checks, dir.path());
    let mut said = Vec::new();
    for id in ["m", "null", "errors", "empty", "gone", "ran", "lied"] {
        let point = watch.look_at(id).await.point;
        said.push(format!("{id}: {:?} {}", point.verdict, point.value.unwrap_or(point.reason)));
    }
    assert_eq!(
        said,
        [
            "m: Pass 0.95",
            "null: Error null at /none is no data",
            "errors: Failed 2",
            "empty: Error the text is empty, which is no data",
            "gone: Error gone.log: No such file or directory (os error 2)",
            "ran: Pass 7",
            "lied: Error exit 3",
        ]
    );
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn processes_and_the_host_have_figures() {
    let sleeper =
        Running(Command::new("sleep").arg("86399").stdin(Stdio::null()).spawn().expect("it starts"));
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("pid"), sleeper.0.id().to_string()).expect("written");
    let mut checks = "[check.sleeper]\nprocess = { pidfile = \"pid\", name = \"sleep\" }\n".to_owned();
    for field in ["rss", "cpu", "threads", "open_files"] {
        checks += &format!(
            "[check.{field}]\nmetric = {{ process = {{ check = \"sleeper\", field = \"{field}\" }} }}\n"
        );
    }
    for field in ["load", "memory_available", "disk_free"] {
        checks += &format!("[check.{field}]\nmetric = {{ host = \"{field}\" }}\n");
    }
    let mut watch = Watch::new(&checks, dir.path());
    let mut figures = std::collections::HashMap::new();
    for id in ["rss", "cpu", "threads", "open_files", "load", "memory_available", "disk_free"] {
        let point = watch.look_at(id).await.point;
        assert_eq!(point.verdict, Verdict::Pass, "{id}: {}", point.reason);
        figures.insert(id, point.number.expect("it passed"));
    }
    assert_eq!(figures["threads"], 1.0);
    assert!((3.0..100.0).contains(&figures["open_files"]), "{figures:?}");
    assert!(figures["rss"] > 10_000.0 && figures["cpu"] < 50.0, "{figures:?}");
    assert!(figures["load"] >= 0.0 && figures["memory_available"] > 1e6 && figures["disk_free"] > 0.0);
    drop(sleeper);
    for id in ["rss", "cpu", "threads", "open_files"] {
        assert_eq!(watch.look_at(id).await.point.verdict, Verdict::Error, "{id}: nobody is there");
    }
}

#[tokio::test]
async fn a_query_gives_one_number_or_none() {
    let vector = |result: &str| {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#)
    };
    let one = r#"{"metric":{"job":"x"},"value":[1800000000.1,"0.25"]}"#;
    let server = Server::new(&vector(one));
    let url = server.url("/prom/");
    let mut watch = Watch::one(&format!(
        "metric = {{ prometheus = {{ url = \"{url}\", query = 'rate(x{{job=\"a b\"}}[5m])' }} }}\nexpect.max = 1"
    ));
    assert_eq!(watch.number().await, Ok(0.25));
    let asked = server.asked.lock().expect("no test panics here").clone();
    assert_eq!(asked, "GET /prom/api/v1/query?query=rate%28x%7Bjob%3D%22a+b%22%7D%5B5m%5D%29 HTTP/1.1");
    for (status, body, why) in [
        (200, vector(""), "gives nothing, which is no data"),
        (200, vector(&format!("{one},{one}")), "gives 2 series"),
        (200, vector(&one.replace("0.25", "NaN")), "\"NaN\" is no number"),
        (
            400,
            r#"{"status":"error","error":"parse error: x"}"#.to_owned(),
            "refuses the query: parse error: x",
        ),
        (502, "<html>".to_owned(), "status 502"),
    ] {
        server.say(status, &body);
        let said = watch.number().await.expect_err(why);
        assert!(said.contains(why), "{said}");
    }
}

/// A Prometheus of this machine that scrapes itself; `None` where none is installed.
fn prometheus(dir: &Path) -> Option<(Running, u16)> {
    let port = crate::ports::unused();
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs:\n- job_name: itself\n  static_configs: [{{ targets: ['127.0.0.1:{port}'] }}]\n"
    );
    std::fs::write(dir.join("prometheus.yml"), config).expect("written");
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.ok().map(|child| (Running(child), port))
}

#[tokio::test]
async fn a_real_prometheus_is_queried_and_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some((_running, port)) = prometheus(dir.path()) else {
        eprintln!("skipped: no `prometheus` is installed");
        return;
    };
    let url = format!("http://127.0.0.1:{port}");
    let query = |query: &str| {
        Watch::one(&format!("metric = {{ prometheus = {{ url = \"{url}\", query = '{query}' }} }}"))
    };
    let mut up = query("up{job=\"itself\"}");
    let scraped = async {
        while up.number().await != Ok(1.0) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), scraped).await.expect("it scrapes itself");
    assert_eq!(query("scalar(vector(7))").number().await, Ok(7.0));
    for (asked, why) in [
        ("nothing_of_this_name", "gives nothing"),
        ("go_gc_duration_seconds", "gives 5 series"),
        ("up[5m]", "is no number"),
        ("0/0", "\"NaN\" is no number"),
        ("up{", "refuses the query"),
    ] {
        let said = query(asked).number().await.expect_err(asked);
        assert!(said.contains(why), "{asked}: {said}");
    }
    let metrics = format!("{url}/metrics");
    let series =
        |series: &str| Watch::one(&format!("metric = {{ http = \"{metrics}\", series = '{series}' }}"));
    assert!(series("go_goroutines").number().await.expect("it runs") > 0.0);
    assert!(series("prometheus_build_info").number().await.is_ok());
    assert!(series("go_gc_duration_seconds").number().await.expect_err("many").contains("5 series fit"));
}
