//! Canaries: two secrets go through a whole session of the real binary, printed, echoed, collected and failed upon in
//! every way that we know of; afterwards no form of them is anywhere but where they were put.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

use crate::desk::log_so_far;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
const TOKEN: &str = "Tr0ub4dor/&3 'q\"$x<y>~Zq9";
const KEY: &str = "first-Line+of/the Key\nsecond&l1ne\"of the key\nab\nlast=Line?of%the$key";

const RUNBOOK: &str = r#"
id = "canaries"
title = "Canaries"
[vars]
port = {}
banner = {}
[secret.token]
env = "CANARY_TOKEN"
[secret.key]
file = "key.pem"
[env]
TOKEN = "${{ secret.token }}"
KEY = "${{ secret.key }}"

[check.echo]
http = { url = "http://127.0.0.1:${{ port }}/echo?k=${{ secret.token }}", method = "POST", headers = { Authorization = "Bearer ${{ secret.token }}" }, body = "${{ secret.key }}" }
expect.matches = ["authorization: .*"]
expect.header = { X-Echo = "x" }
period = "200ms"

[check.red-body]
http = { url = "http://127.0.0.1:${{ port }}/echo", headers = { Authorization = "${{ secret.token }}" }, json = { key = "${{ secret.key }}" } }
expect.not_matches = ["^x+"]
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-header]
http = { url = "http://127.0.0.1:${{ port }}/echo", headers = { Authorization = "${{ secret.token }}" } }
expect.header = { X-Echo = "^never$" }
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-json]
http = { url = "http://127.0.0.1:${{ port }}/json", headers = { Authorization = "${{ secret.token }}" } }
expect.json = { "/token" = "never" }
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-redirect]
http = { url = "http://127.0.0.1:${{ port }}/redirect", headers = { Authorization = "${{ secret.token }}" } }
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-url]
http = "http://127.0.0.1:1/${{ secret.token }}"
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-banner]
tcp = "127.0.0.1:${{ banner }}"
expect.not_matches = ["^x+"]
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-command]
command = ["python3", "say.py"]
expect.not_matches = ["^x+"]
expect.report = { path = "said.json", json = { "/token" = "never" } }
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-file]
file = "dump.txt"
expect.not_matches = ["^x+"]
advisory = true
failure_threshold = 1
period = "200ms"

[check.red-pid]
process = { pidfile = "bad.pid" }
advisory = true
failure_threshold = 1
period = "200ms"

[[stage]]
id = "one"
watch = ["echo", "red-body", "red-header", "red-json", "red-redirect", "red-url", "red-banner", "red-command", "red-file", "red-pid"]
  [[stage.step]]
  id = "print"
  run = ["python3", "print.py"]
  expect.matches = ["^all printed$"]
  expect.report = { path = "report.json", json = { "/overall" = "PASS", "/token" = { exists = true } } }
  capture.shown = "^shown: (.*)$"
  capture.part = "^x+(.{1,8})"
  evidence = ["dump.txt", "dump-*.bin"]
  [[stage.step]]
  id = "ask"
  request = { url = "http://127.0.0.1:${{ port }}/echo?k=${{ secret.token }}", method = "POST", headers = { Authorization = "${{ secret.token }}" }, body = "${{ secret.key }}" }
  expect.matches = ["^x+"]
  capture.echoed = "authorization: (.*)"
  capture.part = "authorization: (.{1,8})"
  [[stage.step]]
  id = "look"
  assert = ["echo"]
  [[stage.step]]
  id = "take"
  collect = ["dump.txt", "report.json"]
  [[stage.step]]
  id = "fail"
  run = ["python3", "print.py"]
  expect.matches = ["never"]
  expect.not_matches = ["^x+"]
  expect.stderr.not_matches = ["^shown: "]
  expect.report = { path = "report.json", json = { "/token" = "never" } }
  evidence = ["dump.txt"]
"#;

/// What both programs begin with: `forms(value)` are the ways in which a program is likely to print a value.
const FORMS: &str = r#"
import base64, json, os, shlex, sys, time, urllib.parse
TOKEN, KEY = os.environ["TOKEN"], os.environ["KEY"]
LONG = "x" * 108
def forms(value):
    raw = value.encode()
    yield value
    for before in (b"", b"u", b"us"):
        for after in (b"", b"x", b"xy"):
            yield base64.b64encode(before + raw + after).decode()
            yield base64.urlsafe_b64encode(before + raw + after).decode()
    yield raw.hex()
    yield raw.hex().upper()
    yield urllib.parse.quote(value, safe="")
    yield urllib.parse.quote_plus(value)
    yield json.dumps(value)
    yield shlex.quote(value)
def all_forms():
    for value in [TOKEN, KEY] + [line for line in KEY.split("\n") if len(line) >= 6]:
        for form in forms(value):
            yield form
"#;

const PRINT: &str = r#"
for out in (sys.stdout, sys.stderr):
    for form in all_forms():
        print("shown: " + form, file=out)
        print(LONG + form + LONG, file=out)
        out.flush()
        half = len(form) // 2
        for part in ("split: " + form[:half], form[half:] + "\n"):
            out.write(part)
            out.flush()
            time.sleep(0.002)
with open("dump.txt", "w") as dump:
    for form in all_forms():
        dump.write(LONG + form + "\n")
with open("dump-" + urllib.parse.quote(TOKEN, safe="") + ".bin", "wb") as dump:
    dump.write(b"\0" * 65530 + KEY.encode() + b"\0" * 70)
with open("report.json", "w") as report:
    json.dump({"overall": "PASS", "token": LONG + TOKEN, "key": KEY, "forms": list(all_forms())}, report)
open("printed", "w").close()
while not os.path.exists("go"):
    time.sleep(0.02)
print("all printed")
"#;

const SAY: &str = r#"
for form in all_forms():
    print(LONG + form)
    print(LONG + form, file=sys.stderr)
with open("said.json", "w") as report:
    json.dump({"token": LONG + TOKEN}, report)
"#;

/// Everything to look for, by what it is: each form of both values and of the key's lines, and the ends of the raw
/// values, which are what is left where one is cut before it is masked.
fn needles() -> Vec<(String, Vec<u8>)> {
    let mut needles = Vec::new();
    let lines = KEY.split('\n').filter(|line| line.len() >= 6);
    for value in [TOKEN, KEY].into_iter().chain(lines) {
        let mut add =
            |what: &str, form: String| needles.push((format!("{what} of {value:?}"), form.into_bytes()));
        add("the value", value.to_owned());
        for shift in 0..3 {
            // The part that is the same whatever stands before and after it.
            let own = &value.as_bytes()[(3 - shift) % 3..];
            let form = STANDARD_NO_PAD.encode(&own[..own.len() / 3 * 3]);
            add("base64", form.replace('+', "-").replace('/', "_"));
            add("base64", form);
        }
        add("hex", base16ct::lower::encode_string(value.as_bytes()));
        add("hex", base16ct::upper::encode_string(value.as_bytes()));
        let url: String = value.bytes().fold(String::new(), |url, b| match b {
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => url + &char::from(b).to_string(),
            b => url + &format!("%{b:02X}"),
        });
        add("the URL form", url.replace("%20", "+"));
        add("the URL form", url);
        let json = Value::from(value).to_string();
        add("the JSON form", json[1..json.len() - 1].to_owned());
        add("the shell form", value.replace('\'', "'\"'\"'"));
        add("the shell form", value.replace('\'', r"'\''"));
        add("the beginning", value[..8].to_owned());
        add("the end", value[value.len() - 8..].to_owned());
    }
    needles
}

/// What was found where.
fn leaks(surfaces: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let needles = needles();
    let finder =
        aho_corasick::AhoCorasick::new(needles.iter().map(|(_, form)| form)).expect("a few patterns");
    let mut found = Vec::new();
    for (place, bytes) in surfaces {
        let hits = finder.find_overlapping_iter(bytes).map(|hit| {
            let from = hit.start().saturating_sub(60);
            let around = String::from_utf8_lossy(&bytes[from..bytes.len().min(hit.end() + 20)]).into_owned();
            format!("{place}: {}: …{around}…", needles[hit.pattern().as_usize()].0)
        });
        found.extend(hits.take(3));
    }
    found
}

/// A web server that gives back what it is sent, and a port that greets with the token.
fn serve() -> (u16, u16) {
    let listen = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (web, banner) = (listen(), listen());
    let ports = [&web, &banner].map(|l| l.local_addr().expect("bound").port());
    std::thread::spawn(move || {
        for stream in web.incoming().flatten() {
            // A client that gives up is its own affair.
            std::thread::spawn(move || answer(stream));
        }
    });
    std::thread::spawn(move || {
        for mut stream in banner.incoming().flatten() {
            let _ = write!(stream, "{}{TOKEN}\r\n", "x".repeat(108));
        }
    });
    ports.into()
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        head.push(line.trim_end().to_owned());
    }
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent)?;
    let long = "x".repeat(108);
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("/").to_owned();
    let (status, more, body) = match path.split('?').next() {
        Some("/json") => ("200 OK", String::new(), serde_json::json!({ "token": long + TOKEN }).to_string()),
        Some("/redirect") => ("302 Found", format!("Location: http://{long}{TOKEN}\r\n"), String::new()),
        _ => {
            let sent = String::from_utf8_lossy(&sent);
            ("200 OK", String::new(), format!("{long}{TOKEN}\n{}\n{sent}\n{long}{KEY}\n", head.join("\n")))
        }
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nX-Echo: {}{TOKEN}\r\n{more}Connection: close\r\n\r\n{body}",
        body.len(),
        "x".repeat(108),
    )
}

/// The command lines of all processes.
fn command_lines() -> Vec<(u32, Vec<u8>)> {
    let entries = std::fs::read_dir("/proc").expect("a /proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, std::fs::read(format!("/proc/{pid}/cmdline")).ok()?))).collect()
}

fn files(dir: &Path, root: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
    for path in std::fs::read_dir(dir).expect("a folder").map(|e| e.expect("readable").path()) {
        let name = path.strip_prefix(root).expect("it lies there").display().to_string();
        if path.is_dir() {
            // Snapshots are exact copies, and say so.
            if name != "snapshots" {
                files(&path, root, into);
            }
        } else if path.is_file() {
            into.insert(name.clone(), std::fs::read(&path).expect("readable"));
        }
        into.insert(format!("the name of {name}"), name.into_bytes());
    }
}

struct World {
    folder: tempfile::TempDir,
    ports: (u16, u16),
}

impl World {
    fn make() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a folder"), ports: serve() };
        let long = "x".repeat(108);
        for (name, content) in [
            ("runbook.toml", RUNBOOK.to_owned()),
            ("answers.toml", "advance = true\ngate_within = \"30s\"\n".to_owned()),
            ("key.pem", format!("{KEY}\n")),
            ("print.py", format!("{FORMS}{PRINT}")),
            ("say.py", format!("{FORMS}{SAY}")),
            ("dump.txt", format!("{long}{TOKEN}\n")),
            ("bad.pid", format!("{long}{TOKEN}\n")),
        ] {
            std::fs::write(world.path(name), content).expect("written");
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self) -> Child {
        let into = |name: &str| std::fs::File::create(self.path(name)).expect("created");
        Command::new(GONOGO)
            .args(["run", "runbook.toml", "--headless", "--answers", "answers.toml"])
            .arg(format!("--set=port={}", self.ports.0))
            .arg(format!("--set=banner={}", self.ports.1))
            .current_dir(self.folder.path())
            .env("GONOGO_STATE_DIR", self.path("state"))
            .env("CANARY_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(into("stdout"))
            .stderr(into("stderr"))
            .spawn()
            .expect("gonogo runs")
    }

    fn session(&self) -> Option<PathBuf> {
        log_so_far(&self.path("state")).and_then(|log| log.parent().map(Path::to_owned))
    }

    fn log(&self) -> String {
        let log = self.session().map(|session| session.join("audit.jsonl"));
        log.and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default()
    }

    /// The checks that have turned red so far.
    fn red(&self) -> Vec<String> {
        let log = self.log();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let red = events.filter(|e| e["event"]["kind"] == "check_changed" && e["event"]["to"] == "failing");
        let mut red: Vec<String> =
            red.map(|e| e["event"]["check"].as_str().expect("a name").to_owned()).collect();
        red.sort();
        red.dedup();
        red
    }

    fn told(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        format!("{}{}", read("stdout"), read("stderr"))
    }
}

#[test]
fn no_form_of_a_secret_is_anywhere_after_a_session_or_in_a_process_list_during_it() {
    let world = World::make();
    let mut run = world.start();
    // All that the session leaves, by place. What a screen shows belongs here too.
    let mut surfaces = BTreeMap::new();
    let all_red = RUNBOOK.matches("[check.red-").count();
    let begun = Instant::now();
    while !world.path("printed").exists() || world.red().len() < all_red {
        let ended = run.try_wait().expect("its state");
        assert!(
            ended.is_none() && begun.elapsed() < Duration::from_secs(120),
            "{ended:?}, red are {:?}\n{}",
            world.red(),
            world.told()
        );
        for (pid, line) in command_lines() {
            surfaces.insert(format!("the command line of process {pid}"), line);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let shown = |what: &str| {
        surfaces.values().any(|line| String::from_utf8_lossy(line).replace('\0', " ").contains(what))
    };
    assert!(shown("gonogo shim ") && shown("python3 print.py") && shown("python3 say.py"), "all were seen");
    std::fs::write(world.path("go"), "").expect("written");
    assert_eq!(run.wait().expect("its end").code(), Some(3), "{}", world.told());

    let session = world.session().expect("a session");
    files(&session, &session, &mut surfaces);
    for name in ["stdout", "stderr"] {
        surfaces.insert(name.to_owned(), std::fs::read(world.path(name)).expect("readable"));
    }
    let log = world.log();
    for step in ["print", "ask", "look", "take", "fail"] {
        let finished = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|e| e["event"]["kind"] == "step_finished" && e["event"]["step"] == format!("one.{step}"));
        let finished = finished.unwrap_or_else(|| panic!("{step} has not finished: {}", world.told()));
        assert_eq!(finished["event"]["passed"], step != "fail", "{finished}");
    }
    let found = leaks(&surfaces);
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
    let masked = |name: &str| {
        surfaces.iter().any(|(place, bytes)| place.contains(name) && bytes.windows(6).any(|w| w == b"******"))
    };
    for name in ["audit.jsonl", "one.print.1/output.log", "dump.txt", "report.json", ".bin"] {
        assert!(masked(name), "nothing was masked in {name}");
    }
}
