//! Those whom a runbook tells of what happens, over real sockets and by real commands: each event once, secrets masked,
//! and a cutover that goes on whatever becomes of it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// A chat service: it keeps what it was sent, and answers the nth request as told.
struct Chat {
    port: u16,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Chat {
    fn answering(answer: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let body = request(&mut stream);
                let count = {
                    let mut kept = kept.lock().expect("no test panics with it");
                    kept.push(serde_json::from_slice(&body).expect("JSON"));
                    kept.len()
                };
                match answer(count) {
                    Some(status) => {
                        let _ = write!(
                            stream,
                            "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                        );
                    }
                    // Held open and never answered, until the other side gives up.
                    None => drop(std::thread::spawn(move || stream.read(&mut [0; 1]))),
                }
            }
        });
        Self { port, bodies }
    }

    fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().expect("no test panics with it").clone()
    }

    fn topics(&self) -> Vec<String> {
        self.bodies().iter().map(|body| body["on"].as_str().expect("a topic").to_owned()).collect()
    }
}

/// Reads one request and returns its body.
fn request(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.trim().parse().expect("a number")];
    stream.read_exact(&mut body).expect("a whole body");
    body
}

struct Told {
    folder: tempfile::TempDir,
    output: Output,
}

/// Drives a small cutover, with these `[[notify]]` in it, whose second stage fails where `fails`.
fn drive(notify: &str, hook: &str, fails: bool, mode: &[&str]) -> Told {
    let folder = tempfile::tempdir().expect("a folder");
    let word = if fails { "no" } else { "done" };
    let runbook = format!(
        "id = \"told\"\ntitle = \"A move\"\nenvironment = \"staging\"\n[secret.hook]\nenv = \"HOOK\"\n{notify}\n\
         [[stage]]\nid = \"one\"\n[[stage.step]]\nid = \"look\"\nrun = [\"echo\", \"done\"]\nexpect.matches = [\"done\"]\n\
         [[stage]]\nid = \"two\"\n[[stage.step]]\nid = \"do\"\nrun = [\"echo\", \"{word}\"]\nexpect.matches = [\"done\"]\n"
    );
    std::fs::write(folder.path().join("runbook.toml"), runbook).expect("written");
    std::fs::write(folder.path().join("answers.toml"), "advance = true\ngate_within = \"30s\"\n")
        .expect("written");
    let output = Command::new(GONOGO)
        .args(["run", "--headless"])
        .args(mode)
        .arg("--answers")
        .arg(folder.path().join("answers.toml"))
        .arg(folder.path().join("runbook.toml"))
        .env("GONOGO_STATE_DIR", folder.path().join("state"))
        .env("HOOK", hook)
        // No proxy of the environment is used.
        .env("http_proxy", "http://127.0.0.1:9")
        .stdin(Stdio::null())
        .output()
        .expect("gonogo runs");
    Told { folder, output }
}

impl Told {
    fn log(&self) -> PathBuf {
        crate::desk::newest_log(&self.folder.path().join("state"))
    }

    fn events(&self) -> Vec<Value> {
        crate::record::hold(&self.log());
        let text = std::fs::read_to_string(self.log()).expect("a log");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The events of these kinds, as kind, topic and reason.
    fn became(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = self.events();
        let notices = events
            .iter()
            .map(|event| &event["event"])
            .filter(|event| event["kind"] == "notified" || event["kind"] == "notify_failed");
        notices.map(|event| (text(&event["kind"]), text(&event["on"]), text(&event["why"]))).collect()
    }
}

#[test]
fn a_chat_service_is_told_by_a_secret_url_and_a_command_on_its_standard_input() {
    let chat = Chat::answering(|_| Some("200 OK"));
    let hook = format!("http://127.0.0.1:{}/T000/not-for-the-log", chat.port);
    let notify = "[[notify]]\non = [\"stage\", \"finished\"]\nwebhook = \"${{ secret.hook }}\"\n\
                  [[notify]]\non = [\"finished\"]\nrun = \"cat >told.json\"\n";
    let told = drive(notify, &hook, false, &["--rehearsal"]);
    assert_eq!(told.output.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.output.stderr));
    assert_eq!(chat.topics(), ["stage", "stage", "finished"]);
    let bodies = chat.bodies();
    let text = bodies[1]["text"].as_str().expect("text");
    assert!(text.starts_with("REHEARSAL [staging] A move: stage two (2 of 2): two (session "), "{text}");
    let log = std::fs::read_to_string(told.log()).expect("a log");
    assert!(!log.contains("not-for-the-log") && log.contains("\"to\":\"webhook secret:hook\""), "{log}");
    // The head that was sent is that of an event in the log.
    let head = bodies[2]["head"].as_str().and_then(|head| head.split_once(':')).expect("seq:hash8");
    let line = log.lines().nth(head.0.parse::<usize>().expect("a number") - 1).expect("that event");
    assert!(line.contains(&format!("\"hash\":\"{}", head.1)), "{head:?}");
    let by_command: Value =
        serde_json::from_slice(&std::fs::read(told.folder.path().join("told.json")).expect("it ran"))
            .expect("JSON");
    assert_eq!(
        (&by_command["what"], &by_command["mode"]),
        (&"session completed".into(), &"rehearsal".into())
    );
    assert!(told.became().iter().all(|(kind, _, _)| kind == "notified"), "{:?}", told.became());
    let verified = Command::new(GONOGO).arg("verify").arg(told.log()).output().expect("gonogo runs");
    let verdict = String::from_utf8_lossy(&verified.stdout);
    assert!(verdict.contains("CLEAN") && !verdict.contains("UNFINISHED"), "{verdict}");
}

#[test]
fn a_hold_is_told_before_a_run_that_stops_there_ends() {
    let chat = Chat::answering(|_| Some("204 No Content"));
    let notify = format!("[[notify]]\non = [\"hold\"]\nwebhook = \"http://127.0.0.1:{}/\"\n", chat.port);
    let told = drive(&notify, "unused-hook", true, &["--rehearsal"]);
    assert_eq!(told.output.status.code(), Some(3));
    assert_eq!(chat.topics(), ["hold"]);
    assert_eq!(told.became(), [("notified".to_owned(), "hold".to_owned(), String::new())]);
}

#[test]
fn what_surely_reached_nobody_is_tried_again_and_what_may_have_is_not() {
    let busy = Chat::answering(|count| Some(if count == 1 { "503 Busy" } else { "200 OK" }));
    let silent = Chat::answering(|_| None);
    let closed = crate::ports::unused();
    let hook =
        |port: u16| format!("[[notify]]\non = [\"finished\"]\nwebhook = \"http://127.0.0.1:{port}/\"\n");
    let notify = hook(busy.port)
        + &hook(silent.port)
        + &hook(closed)
        + "[[notify]]\non = [\"finished\"]\nrun = [\"bash\", \"-c\", \"echo nobody is on call >&2; exit 7\"]\n";
    let told = drive(&notify, "unused-hook", false, &["--rehearsal"]);
    assert_eq!(told.output.status.code(), Some(0), "the cutover goes its way");
    assert_eq!((busy.bodies().len(), silent.bodies().len()), (2, 1));
    let mut became = told.became();
    became.sort();
    let whys: Vec<&str> = became.iter().map(|(_, _, why)| why.as_str()).collect();
    assert_eq!(whys[0], "");
    assert!(whys.contains(&"no answer within 10 s: waiting for the answer"), "{whys:?}");
    assert!(whys.contains(&"exit 7: nobody is on call"), "{whys:?}");
    assert!(whys.iter().any(|why| why.starts_with("connecting: ")), "{whys:?}");
}

#[test]
fn a_simulated_session_tells_nobody() {
    let chat = Chat::answering(|_| Some("200 OK"));
    let notify = format!(
        "[[notify]]\non = [\"stage\", \"finished\"]\nwebhook = \"http://127.0.0.1:{}/\"\n",
        chat.port
    );
    let told = drive(&notify, "unused-hook", false, &["--simulate"]);
    assert_eq!(told.output.status.code(), Some(0));
    assert!(chat.bodies().is_empty() && told.became().is_empty());
}
