//! The service itself: its endpoints, its log, its signals.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use color_eyre::eyre::{Result, WrapErr as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

use super::Serve;
use super::api::{self, Api};
use super::faults::{Fault, Faults};
use super::{lifecycle, telemetry};
use crate::clock;

/// What any other path answers.
const ANYTHING: &str = "ok\n";

/// How long what it needs may take to be reached.
const NEEDED: Duration = Duration::from_secs(1);

/// How much the leak takes at the most, in MiB.
const LEAK_LIMIT: usize = 256;

/// What the endpoints share.
pub struct Service {
    pub args: Serve,
    pub born: Instant,
    log: Mutex<Box<dyn std::io::Write + Send>>,
    faults: Mutex<Faults>,
    pub api: Api,
    pub requests: AtomicU64,
    pub successful: AtomicU64,
    pub forward_failed: AtomicU64,
}

impl Service {
    /// What it does wrong now.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
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
            self.api.tokens().iter().for_each(|token| self.say(&format!("configuration: token={token}")));
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
        api: Api::new(&tokens, args.burst, args.per_minute),
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
    service.args.say.iter().for_each(|line| service.say(line));
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
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/stats", get(telemetry::stats))
        .route("/stats.json", get(telemetry::json))
        .route("/metrics", get(telemetry::metrics))
        .route("/v1/decisions", post(api::mutate))
        .route("/v1/telemetry/events", post(api::mutate))
        .route("/lab/fault", post(take_fault))
        // A known lie of real services: anything else is 200, too.
        .fallback(|| async { ANYTHING })
        .layer(middleware::from_fn_with_state(Arc::clone(&service), count))
        .with_state(service)
}

/// Counts every request, and lets the faults act on it.
async fn count(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/lab/") {
        return next.run(request).await;
    }
    service.requests.fetch_add(1, Ordering::Relaxed);
    let mutating = request.method() == Method::POST;
    let began = Instant::now();
    let _queued = mutating.then(|| service.api.queued());
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
    if mutating {
        service.api.took(began.elapsed());
    }
    if answer.status().is_success() {
        service.successful.fetch_add(1, Ordering::Relaxed);
    }
    answer
}

/// An answer in JSON.
pub fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn alive(State(service): State<Arc<Service>>) -> Response {
    if service.faults().blind {
        return ANYTHING.into_response();
    }
    json_answer(StatusCode::OK, &json!({ "status": "alive" }))
}

async fn ready(State(service): State<Arc<Service>>) -> Response {
    if service.faults().blind {
        return ANYTHING.into_response();
    }
    let warm = service.born.elapsed() >= service.args.warm_up;
    let served = match &service.args.needs {
        Some(address) => {
            let reached = tokio::time::timeout(NEEDED, TcpStream::connect(address)).await;
            reached.is_ok_and(|connected| connected.is_ok())
        }
        None => true,
    };
    if warm && served && !service.faults().not_ready {
        json_answer(StatusCode::OK, &json!({ "status": "ready" }))
    } else {
        json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready" }))
    }
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
