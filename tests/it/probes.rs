//! Checks against servers that misbehave, on real sockets: each look ends in time, says how far it came, opens one
//! connection and sends one request.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gonogo::check::{Context, Sample, sample};
use gonogo::runbook::interpolate::Scope;
use gonogo::runbook::model::{Check, HttpExpect, HttpTarget, Pattern, Probe, TcpExpect, TextExpect};
use gonogo::session::telemetry::Verdict;

/// How long a look may take where the other side never lets it end.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A server that counts its connections and does the same with each.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn new(behave: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, behave) = (Arc::clone(&connections), Arc::new(behave));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let behave = Arc::clone(&behave);
                std::thread::spawn(move || behave(stream));
            }
        });
        Self { port, connections }
    }

    /// Answers each request with these bytes and closes.
    fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |mut stream| {
            head(&mut stream);
            let _ = stream.write_all(&answer);
        })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn http(&self) -> Check {
        http(&format!("http://127.0.0.1:{}/", self.port))
    }
}

/// Reads a request's head.
fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Holds a connection open until the other side closes it.
fn hold(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).is_ok_and(|n| n > 0) {}
}

fn check(probe: Probe) -> Check {
    Check {
        id: "probe".into(),
        title: String::new(),
        applies: true,
        probe,
        period: Duration::from_secs(10),
        timeout: TIMEOUT,
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 1,
        unit: None,
        advisory: false,
    }
}

fn target(url: &str) -> HttpTarget {
    HttpTarget {
        url: url.into(),
        method: "GET".into(),
        headers: indexmap::IndexMap::new(),
        body: None,
        json: None,
        follow_redirects: 0,
        insecure: false,
        ca: None,
        proxy: None,
    }
}

fn http(url: &str) -> Check {
    check(Probe::Http { target: target(url), expect: HttpExpect::default() })
}

fn matching(mut check: Check, pattern: &str) -> Check {
    if let Probe::Http { expect, .. } = &mut check.probe {
        expect.text.matches = vec![Pattern(pattern.into())];
    }
    check
}

fn following(mut check: Check, redirects: u32) -> Check {
    if let Probe::Http { target, .. } = &mut check.probe {
        target.follow_redirects = redirects;
    }
    check
}

fn tcp(port: u16, open: bool, pattern: Option<&str>) -> Check {
    let matches = pattern.iter().map(|p| Pattern((*p).into())).collect();
    let text = TextExpect { matches, ..TextExpect::default() };
    check(Probe::Tcp {
        address: (&*format!("127.0.0.1:{port}")).into(),
        expect: TcpExpect { open, max_latency: None, text },
    })
}

/// One look, by a context of its own.
async fn look(check: &Check) -> Sample {
    let (scope, ctx) = (Scope::default(), Context::default());
    // Far above the timeout: this only ends a test that would hang.
    tokio::time::timeout(Duration::from_secs(30), sample(check, &scope, &ctx)).await.expect("a look ends")
}

/// What a look says: the verdict and the reason.
async fn said(check: &Check) -> (Verdict, String) {
    let sample = look(check).await;
    (sample.point.verdict, sample.point.reason)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready";

#[tokio::test]
async fn a_good_answer_is_a_pass_and_a_wrong_one_a_failure() {
    let server = Server::saying(OK);
    let sample = look(&matching(server.http(), "^ready$")).await;
    assert_eq!((sample.point.verdict, sample.point.value.as_deref()), (Verdict::Pass, Some("200")));
    let (verdict, reason) = said(&matching(server.http(), "^alive$")).await;
    assert_eq!(
        (verdict, &*reason),
        (Verdict::Failed, "no match in 1 line; the last: \"ready\" (expected: body matches /^alive$/)")
    );
    let down = Server::saying("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        said(&down.http()).await,
        (Verdict::Failed, "status 503 (expected: status is 200 to 299)".to_owned())
    );
}

#[tokio::test]
async fn a_server_that_never_lets_go_costs_the_timeout_and_the_reason_says_the_phase() {
    let silent = |mut stream: TcpStream| {
        head(&mut stream);
        hold(&mut stream);
    };
    let slow_head = |mut stream: TcpStream| {
        head(&mut stream);
        let mut send = |bytes: &[u8]| stream.write_all(bytes).and_then(|()| stream.flush());
        let mut alive = send(b"HTTP/1.1 200 OK\r\nX-Slow: ").is_ok();
        while alive {
            std::thread::sleep(Duration::from_millis(20));
            alive = send(b"x").is_ok();
        }
    };
    let slow_body = |mut stream: TcpStream| {
        head(&mut stream);
        let mut alive = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").is_ok();
        while alive {
            std::thread::sleep(Duration::from_millis(20));
            alive = stream.write_all(b"x").is_ok();
        }
    };
    for (server, doing) in [
        (Server::new(silent), "waiting for the answer"),
        (Server::new(slow_head), "waiting for the answer"),
        (Server::new(slow_body), "reading the body"),
    ] {
        let (verdict, reason) = said(&server.http()).await;
        assert_eq!((verdict, reason), (Verdict::Error, format!("no answer within 2 s: {doing}")));
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn tls_with_a_server_that_speaks_none_ends_while_connecting() {
    let server = Server::new(|mut stream| hold(&mut stream));
    let (verdict, reason) = said(&http(&format!("https://127.0.0.1:{}/", server.port))).await;
    assert_eq!((verdict, &*reason), (Verdict::Error, "no answer within 2 s: connecting"));
}

#[tokio::test]
async fn an_endless_body_is_never_matched_in_part() {
    let endless = |mut stream: TcpStream| {
        head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nready\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    };
    let server = Server::new(endless);
    let (verdict, reason) = said(&matching(server.http(), "^ready$")).await;
    assert_eq!(
        (verdict, &*reason),
        (Verdict::Failed, "body too large: more than 64 KiB (expected: body matches /^ready$/)")
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn broken_answers_are_errors_and_are_not_asked_again() {
    let long_header = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20));
    for (name, answer) in [
        ("closed without a reply", String::new()),
        ("half a head", "HTTP/1.1 200 OK\r\nX-".to_owned()),
        ("NUL in the status line", "HTTP/1.1 200 O\0K\r\n\r\n".to_owned()),
        ("ESC in the status line", "HTTP/1.1 200 \x1b[2JOK\r\n\r\n".to_owned()),
        ("not HTTP", "220 mail.example ESMTP\r\n".to_owned()),
        ("a head without end", long_header),
        ("bad chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned()),
        ("less than promised", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nready".to_owned()),
    ] {
        let server = Server::saying(answer);
        let (verdict, reason) = said(&server.http()).await;
        assert_eq!(verdict, Verdict::Error, "{name}: {reason}");
        assert!(!reason.contains(['\0', '\x1b']), "{name}: {reason:?}");
        assert_eq!(server.connections(), 1, "{name}");
    }
}

#[tokio::test]
async fn large_heads_within_the_limit_and_an_interim_answer_are_fine() {
    let large = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(64 << 10));
    assert_eq!(said(&Server::saying(large).http()).await.0, Verdict::Pass);
    assert_eq!(
        said(&Server::saying(format!("HTTP/1.1 100 Continue\r\n\r\n{OK}")).http()).await.0,
        Verdict::Pass
    );
}

#[tokio::test]
async fn a_refused_or_reset_connection_is_an_error() {
    let port = crate::ports::unused();
    let (verdict, reason) = said(&http(&format!("http://127.0.0.1:{port}/"))).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.starts_with("connecting: ") && reason.contains("refused"), "{reason}");
    // Closing with the request unread resets.
    let server = Server::new(|stream| {
        let _ = stream.peek(&mut [0]);
        drop(stream);
    });
    assert_eq!(said(&server.http()).await.0, Verdict::Error);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_known_is_an_error_that_says_so() {
    let (verdict, reason) = said(&http("http://nowhere.invalid/")).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("looking up"), "{reason}");
}

#[tokio::test]
async fn redirects_are_failures_unless_they_stay_with_the_host() {
    let other = Server::saying(OK);
    let elsewhere = Server::saying(format!(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{}/\r\nContent-Length: 0\r\n\r\n",
        other.port
    ));
    let (verdict, reason) = said(&elsewhere.http()).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains("status 302, a redirect to http://127.0.0.1"), "{reason}");
    assert_eq!(said(&following(elsewhere.http(), 3)).await.0, Verdict::Failed);
    assert_eq!(other.connections(), 0, "another port is another service");

    let home = Server::new(|mut stream| {
        let answer = match head(&mut stream).starts_with("GET /ready ") {
            true => OK.to_owned(),
            false => "HTTP/1.1 302 Found\r\nLocation: /ready\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    assert_eq!(said(&following(home.http(), 1)).await.0, Verdict::Pass);
    assert_eq!(home.connections(), 2);

    let circle = Server::saying("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(said(&following(circle.http(), 2)).await.0, Verdict::Failed);
    assert_eq!(circle.connections(), 3);
}

#[tokio::test]
async fn a_backend_that_died_behind_an_open_connection_fails_the_next_look() {
    let alive = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_alive = Arc::clone(&alive);
    let server = Server::new(move |mut stream| {
        // Keeps the connection open as long as anybody wants it, and answers only while it lives.
        while !head(&mut stream).is_empty() && is_alive.load(Ordering::SeqCst) {
            let _ = stream.write_all(OK.as_bytes());
        }
        let _ = stream.shutdown(Shutdown::Both);
    });
    let ctx = Context::default();
    let check = server.http();
    assert_eq!(sample(&check, &Scope::default(), &ctx).await.point.verdict, Verdict::Pass);
    assert_eq!(sample(&check, &Scope::default(), &ctx).await.point.verdict, Verdict::Pass);
    assert_eq!(server.connections(), 2, "each look has a connection of its own");
    alive.store(false, Ordering::SeqCst);
    assert_eq!(sample(&check, &Scope::default(), &ctx).await.point.verdict, Verdict::Error);
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_request_sends_what_it_was_told_and_once() {
    let (tell, told) = std::sync::mpsc::channel();
    let server = Server::new(move |mut stream| {
        let head = head(&mut stream);
        let length =
            head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        let _ = stream.read_exact(&mut body);
        let _ = tell.send((head, String::from_utf8_lossy(&body).into_owned()));
        let _ =
            stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 21\r\n\r\n{\"status\":\"accepted\"}");
    });
    let mut target = target(&format!("http://127.0.0.1:{}/v1/decisions", server.port));
    target.method = "post".into();
    target.headers = [("X-Request-ID".to_owned(), "${{ id }}".into())].into();
    target.json = Some(serde_json::json!({"marker": "${{ id }}", "n": 1}));
    let scope = Scope { captures: [("id".to_owned(), "run-7".to_owned())].into(), ..Scope::default() };
    let expect = HttpExpect { status: vec![202], ..HttpExpect::default() };
    let (proofs, answer) =
        gonogo::check::http::request(&target, &expect, &scope, &Context::default(), TIMEOUT).await.unwrap();
    assert!(gonogo::proof::all_met(&proofs), "{proofs:?}");
    assert_eq!(answer.body, gonogo::proof::Body::Whole(r#"{"status":"accepted"}"#.into()));
    let (head, body) = told.recv().unwrap();
    assert!(head.starts_with("POST /v1/decisions HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("x-request-id: run-7\r\n") && head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    assert_eq!(body, r#"{"marker":"run-7","n":1}"#);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn lookups_that_hang_do_not_hold_up_the_others() {
    let server = Server::saying(OK);
    let check = server.http();
    let ctx = Context::default();
    // Names under .invalid take as long as the system's resolver likes; addresses and other checks do not wait.
    let hung: Vec<Check> = (0..50).map(|i| http(&format!("http://host-{i}.invalid/"))).collect();
    let scope = Scope::default();
    let others = futures_util::future::join_all(hung.iter().map(|check| sample(check, &scope, &ctx)));
    let (others, good) = tokio::join!(others, sample(&check, &scope, &ctx));
    assert_eq!(good.point.verdict, Verdict::Pass, "{}", good.point.reason);
    assert!(others.iter().all(|sample| sample.point.verdict == Verdict::Error));
}

#[tokio::test]
async fn tcp_tells_open_from_closed_and_reads_the_banner() {
    let server = Server::new(|mut stream| {
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        hold(&mut stream);
    });
    assert_eq!(said(&tcp(server.port, true, None)).await.0, Verdict::Pass);
    assert_eq!(said(&tcp(server.port, true, Some("^220 "))).await.0, Verdict::Pass);
    let (verdict, reason) = said(&tcp(server.port, true, Some("^554 "))).await;
    assert_eq!(
        (verdict, &*reason),
        (
            Verdict::Failed,
            "no match in 1 line; the last: \"220 mail.example ESMTP\" (expected: banner matches /^554 /)"
        )
    );
    assert_eq!(said(&tcp(server.port, false, None)).await.0, Verdict::Failed);
    let port = crate::ports::unused();
    assert_eq!(said(&tcp(port, false, None)).await.0, Verdict::Pass);
    let (verdict, reason) = said(&tcp(port, true, None)).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.starts_with("connection refused"), "{reason}");
}
