//! The service itself: its endpoints, its log, its signals.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use color_eyre::eyre::{Result, WrapErr as _};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::Serve;
use super::faults::{Fault, Faults};
use super::idempotency::{Memory, Seen};
use super::lifecycle;
use crate::clock;

/// How much the leak takes at the most, in MiB.
const LEAK_LIMIT: usize = 256;

struct Service {
    args: Serve,
    born: Instant,
    log: Mutex<Box<dyn std::io::Write + Send>>,
    faults: Mutex<Faults>,
    memory: Mutex<Memory>,
    tokens: Vec<String>,
    requests: AtomicU64,
    successful: AtomicU64,
    forward_failed: AtomicU64,
}

impl Service {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, line: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written does not stop a service.
        let _ = writeln!(log, "{} {line}", clock::now().at.format("%Y-%m-%dT%H:%M:%S%.3fZ"));
        let _ = log.flush();
    }

    /// A well-known sin of real services.
    fn tell_secrets(&self) {
        if self.faults().tell_secrets {
            self.tokens.iter().for_each(|token| self.say(&format!("configuration: token={token}")));
        }
    }

    fn reopen_log(&self) {
        if let Some(log) = &self.args.log
            && let Ok(file) = open_log(log)
        {
            *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(file);
        }
    }
}

fn open_log(path: &std::path::Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Serves until TERM, or until the lifetime is over.
pub fn run(args: Serve) -> Result<ExitCode> {
    let log: Box<dyn std::io::Write + Send> = match &args.log {
        Some(path) => Box::new(open_log(path).wrap_err_with(|| format!("cannot open {}", path.display()))?),
        None => Box::new(std::io::stderr()),
    };
    let tokens = args.tokens_env.as_ref().and_then(|name| std::env::var(name).ok()).unwrap_or_default();
    let mut faults = Faults::default();
    args.fault.iter().for_each(|fault| faults.set(fault));
    let service = Arc::new(Service {
        born: Instant::now(),
        log: Mutex::new(log),
        faults: Mutex::new(faults),
        memory: Mutex::default(),
        tokens: tokens.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect(),
        requests: AtomicU64::new(0),
        successful: AtomicU64::new(0),
        forward_failed: AtomicU64::new(0),
        args,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(service))
}

async fn serve(service: Arc<Service>) -> Result<ExitCode> {
    let port = service.args.port;
    let cannot_listen = || format!("cannot listen on 127.0.0.1:{port}");
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into()).wrap_err_with(cannot_listen)?;
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut reopen = signal(SignalKind::user_defined1())?;
    if let Some(pidfile) = &service.args.pidfile {
        lifecycle::write_pidfile(pidfile)?;
    }
    // Last: whoever sees it listen finds its pid file and may signal it.
    let listener = socket.listen(128).wrap_err_with(cannot_listen)?;
    let Serve { name, version, lifetime, .. } = service.args.clone();
    service.say(&format!("{name} {version} listens on 127.0.0.1:{port}"));
    service.tell_secrets();
    let server = tokio::spawn(axum::serve(listener, routes(Arc::clone(&service))).into_future());
    tokio::spawn(misbehave(Arc::clone(&service)));
    let end = tokio::time::sleep(lifetime);
    tokio::pin!(end);
    let code = loop {
        tokio::select! {
            _ = term.recv() => {
                if service.faults().ignore_term {
                    service.say("SIGTERM received: ignored.");
                    continue;
                }
                service.say("Terminated by SIGTERM.");
                break service.faults().exit_on_term;
            }
            _ = int.recv() => break 0,
            _ = reopen.recv() => {
                service.reopen_log();
                service.say("SIGUSR1 received: log file reopened.");
            }
            () = &mut end => {
                service.say("The lifetime is over.");
                break 0;
            }
        }
    };
    server.abort();
    if let Some(pidfile) = &service.args.pidfile {
        lifecycle::remove_own_pidfile(pidfile);
    }
    Ok(ExitCode::from(code))
}

fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/livez", get(|| async { json_answer(StatusCode::OK, &json!({ "status": "alive" })) }))
        .route("/readyz", get(ready))
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .route("/v1/decisions", post(mutate))
        .route("/v1/telemetry/events", post(mutate))
        .route("/lab/fault", post(take_fault))
        // A known lie of real services: anything else is 200, too.
        .fallback(|| async { "ok\n" })
        .layer(middleware::from_fn_with_state(Arc::clone(&service), count))
        .with_state(service)
}

/// Counts every request, and lets the faults act on it.
async fn count(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/lab/") {
        return next.run(request).await;
    }
    service.requests.fetch_add(1, Ordering::Relaxed);
    let (slow, failing) = {
        let faults = service.faults();
        (faults.slow, faults.failing)
    };
    if let Some(by) = slow {
        tokio::time::sleep(by).await;
    }
    if failing {
        return (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response();
    }
    let answer = next.run(request).await;
    if answer.status().is_success() {
        service.successful.fetch_add(1, Ordering::Relaxed);
    }
    answer
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn ready(State(service): State<Arc<Service>>) -> Response {
    let warm = service.born.elapsed() >= service.args.warm_up;
    if warm && !service.faults().not_ready {
        json_answer(StatusCode::OK, &json!({ "status": "ready" }))
    } else {
        json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready" }))
    }
}

fn counters(service: &Service) -> [(&'static str, u64); 5] {
    [
        ("uptime", service.born.elapsed().as_secs()),
        ("total_requests", service.requests.load(Ordering::Relaxed)),
        ("successful_requests", service.successful.load(Ordering::Relaxed)),
        ("forward_failed", service.forward_failed.load(Ordering::Relaxed)),
        ("pid", u64::from(std::process::id())),
    ]
}

/// Reads one `--stat`.
pub fn stat(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a stat is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

async fn stats(State(service): State<Arc<Service>>) -> String {
    let mut text = format!("name\t{}\nversion\t{}\n", service.args.name, service.args.version);
    for (key, value) in counters(&service) {
        text.push_str(&format!("{key}\t{value}\n"));
    }
    for (key, value) in &service.args.stat {
        match value.as_str() {
            "now" => text.push_str(&format!("{key}\t{}\n", clock::now().at.timestamp())),
            value => text.push_str(&format!("{key}\t{value}\n")),
        }
    }
    text
}

async fn metrics(State(service): State<Arc<Service>>) -> String {
    let mut text = String::new();
    for (key, value) in counters(&service) {
        text.push_str(&format!(
            "# TYPE lab_{key} gauge\nlab_{key}{{name=\"{}\"}} {value}\n",
            service.args.name
        ));
    }
    text
}

async fn mutate(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty());
    let refuse = |status, why: &str| json_answer(status, &json!({ "error": why }));
    if !service.tokens.is_empty() {
        let bearer = header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        let given = bearer.or_else(|| header("x-api-key"));
        if !given.is_some_and(|given| service.tokens.iter().any(|token| token == given)) {
            return refuse(StatusCode::UNAUTHORIZED, "a valid token is required");
        }
    }
    let Some(request_id) = header("x-request-id") else {
        return refuse(StatusCode::BAD_REQUEST, "X-Request-ID is required");
    };
    let Some(key) = header("idempotency-key") else {
        return refuse(StatusCode::BAD_REQUEST, "Idempotency-Key is required");
    };
    let answer =
        json!({ "status": "accepted", "id": uuid::Uuid::now_v7().to_string(), "request_id": request_id });
    let answer = answer.to_string();
    let seen = service.memory.lock().unwrap_or_else(PoisonError::into_inner).see(key, &body, &answer);
    let body = match seen {
        Seen::New => answer,
        Seen::Same(stored) => stored,
        Seen::Other => return refuse(StatusCode::CONFLICT, "the key was used with another payload"),
    };
    (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn take_fault(State(service): State<Arc<Service>>, body: String) -> Response {
    match body.trim().parse::<Fault>() {
        Ok(fault) => {
            service.say(&format!("fault ordered: {fault}"));
            service.faults().set(&fault);
            service.tell_secrets();
            StatusCode::OK.into_response()
        }
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

/// Grows what the faults let grow, ten times a second.
async fn misbehave(service: Arc<Service>) {
    const RATE: u64 = 10;
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(1000 / RATE));
    let (mut leaked, mut failed) = (0, 0);
    loop {
        tick.tick().await;
        let (leak, errors) = {
            let faults = service.faults();
            (faults.leak, faults.errors)
        };
        leaked += leak;
        while leaked >= RATE && hoard.len() < LEAK_LIMIT {
            leaked -= RATE;
            // Written to, so that it is resident.
            hoard.push(vec![1; 1 << 20]);
        }
        failed += errors;
        service.forward_failed.fetch_add(failed / RATE, Ordering::Relaxed);
        failed %= RATE;
    }
}
