//! Puts a session's engine together: its folder, its locks, its secrets, its log with the first events, its loop.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use tokio::sync::mpsc;

use super::driver::Driver;
use super::driver::real::{Real, Surroundings};
use super::driver::simulated::Simulated;
use super::hub::{Engine, Hub};
use super::journal::SessionLog;
use super::machine::{Input, Machine};
use super::shim::client::Program;
use super::shim::record::Secret;
use super::{Loop, outputs};
use crate::audit::dir::{DirError, SessionDir};
use crate::audit::writer::LogError;
use crate::check;
use crate::clock;
use crate::event::{By, EventKind, LOG_FORMAT, Mode, SessionOpened};
use crate::redact::{Redactor, TooShort};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Host, Runbook, SecretSource};
use crate::session::State;

/// What a session is opened with.
#[derive(Debug)]
pub struct Opening {
    pub runbook: Runbook,
    /// The runbook's file, as it was given.
    pub file: PathBuf,
    /// The session's name after its date; the runbook's id where nothing else is asked for.
    pub name: String,
    pub mode: Mode,
    pub host: Host,
}

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("secret `{name}`: {why}")]
    Secret { name: String, why: String },
    #[error(transparent)]
    TooShort(#[from] TooShort),
    #[error(transparent)]
    Folder(#[from] DirError),
    #[error("cannot start: {0}")]
    Io(#[from] std::io::Error),
    #[error("the log cannot be written: {0}")]
    Log(#[from] LogError),
}

/// Opens a session and starts its engine on the current runtime.
///
/// # Errors
/// [`OpenError`], a sentence. Nothing of the runbook has run.
pub fn start(opening: Opening) -> Result<Engine, OpenError> {
    let secrets = read_secrets(&opening.runbook)?;
    let redactor = Redactor::new(secrets.iter().map(|s| (s.name.as_str(), s.value.as_str())))?;
    let now = clock::now();
    let name = session_name(now.at, &opening.name);
    let cutover = (opening.mode != Mode::Simulated).then_some(opening.runbook.id.as_str());
    let dir = SessionDir::create(&name, cutover)?;
    dir.keep_runbook(opening.runbook.text.as_bytes())?;
    let session_dir = dir.path().to_owned();
    let opened = opened_event(&opening, &session_dir, dir.name());
    let log = SessionLog::create(dir)?;

    let (inbox, inbox_end) = mpsc::unbounded_channel();
    let (asks, asks_end) = mpsc::channel(256);
    let (joins, joins_end) = mpsc::channel(16);
    let (output_asks, output_asks_end) = mpsc::channel(64);
    let driver: Box<dyn Driver> = if opening.mode == Mode::Simulated {
        Box::new(Simulated::new(inbox.clone()))
    } else {
        let scope = Scope {
            secrets: secrets.iter().map(|s| (s.name.clone(), s.value.clone())).collect(),
            session_id: opened.session.clone(),
            session_dir: session_dir.clone(),
            runbook_dir: opening.runbook.dir.clone(),
            ..Scope::default()
        };
        let around = Surroundings {
            scope,
            session_dir: session_dir.clone(),
            secrets,
            redactor: redactor.clone(),
            program: Program::own()?,
            checks: check::Context::new(&opening.runbook),
        };
        Box::new(Real::new(around, inbox.clone()))
    };
    let started = EventKind::EngineStarted {
        boot_id: clock::boot_id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        recovered: Vec::new(),
    };
    for event in [EventKind::SessionOpened(Box::new(opened)), started] {
        let _ = inbox.send(Input::Own(By::ENGINE, event));
    }

    let machine = Machine::new(State::default(), log, redactor);
    let hub = Hub::default();
    tokio::spawn(Loop { machine, driver, inbox: inbox_end, asks: asks_end, joins: joins_end, hub }.run());
    tokio::spawn(outputs::serve(session_dir.clone(), output_asks_end));
    Ok(Engine { joins, asks, outputs: output_asks, inbox, session_dir })
}

fn session_name(at: DateTime<Utc>, name: &str) -> String {
    format!("{}-{name}", at.format("%Y%m%d-%H%M%S"))
}

fn opened_event(opening: &Opening, session_dir: &std::path::Path, session: &str) -> SessionOpened {
    let runbook = &opening.runbook;
    let vars: IndexMap<String, String> =
        runbook.vars.iter().filter_map(|(name, var)| Some((name.clone(), var.value.clone()?))).collect();
    SessionOpened {
        format: LOG_FORMAT,
        session: session.to_owned(),
        runbook: runbook.text.to_string(),
        sha256: runbook.sha256.clone(),
        dir: runbook.dir.display().to_string(),
        file: opening.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        vars,
        mode: opening.mode,
        host: opening.host.clone(),
        session_dir: session_dir.display().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The secrets' values, by reference only.
fn read_secrets(runbook: &Runbook) -> Result<Vec<Secret>, OpenError> {
    let read = |(name, source): (&String, &SecretSource)| {
        let fail = |why: String| OpenError::Secret { name: name.clone(), why };
        let value = match source {
            SecretSource::Env(var) => std::env::var(var).map_err(|_| {
                fail(format!("the environment variable {var} is not set; set it and start again"))
            })?,
            SecretSource::File(path) => {
                let path = runbook.dir.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| fail(format!("cannot read {}: {e}", path.display())))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
        };
        Ok(Secret { name: name.clone(), value })
    };
    runbook.secrets.iter().map(read).collect()
}
