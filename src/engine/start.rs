//! Puts a session's engine together: its folder, its locks, its secrets, its log with the first events, its loop.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::driver::real::{Real, Surroundings};
use super::driver::simulated::Simulated;
use super::driver::{Driver, Effect};
use super::hub::{Engine, Hub};
use super::journal::SessionLog;
use super::machine::{Input, Machine};
use super::shim::client::Program;
use super::shim::record::Secret;
use super::{Loop, outputs, secrets};
use crate::audit::dir::{Cutover, DirError, SessionDir};
use crate::audit::past;
use crate::audit::reader::ReadError;
use crate::audit::writer::LogError;
use crate::check;
use crate::clock;
use crate::event::{By, DrillPart, EventKind, LOG_FORMAT, Mode, SessionOpened};
use crate::redact::{Redactor, TooShort};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Host, Runbook};
use crate::session::{State, read_plan};

/// What a session is opened with: all that an engine in a process of its own needs to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Opening {
    /// The session's name, with its date; a number is added where it is taken.
    pub name: String,
    /// The runbook's text, and where its file lies.
    pub text: String,
    pub file: PathBuf,
    /// Every var and what it stands for.
    pub vars: IndexMap<String, String>,
    pub mode: Mode,
    pub host: Host,
    /// The group that may attach besides the session's owner.
    #[serde(default)]
    pub share: Option<String>,
    /// Which part of a drill it is.
    #[serde(default)]
    pub drill: Option<DrillPart>,
    /// Values of secrets whose reference leads nowhere, by name, as an operator gave them.
    #[serde(default)]
    pub given: HashMap<String, String>,
}

impl Opening {
    /// A session of `runbook`, which was read from `file`, under the name `name` and today's date.
    #[must_use]
    pub fn new(runbook: &Runbook, file: PathBuf, name: &str, mode: Mode, host: Host) -> Self {
        let vars = runbook.vars.iter().filter_map(|(name, var)| Some((name.clone(), var.value.clone()?)));
        Self {
            name: format!("{}-{name}", clock::now().at.format("%Y%m%d-%H%M%S")),
            text: runbook.text.to_string(),
            file,
            vars: vars.collect(),
            mode,
            host,
            share: None,
            drill: None,
            given: HashMap::new(),
        }
    }
}

/// Why a session cannot be opened, or brought back.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the runbook cannot be read by this build: `gonogo check` says why")]
    Runbook,
    /// These secrets lie nowhere; they can be given.
    #[error("{why}; set it and start again")]
    Secrets { names: Vec<String>, why: String },
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
    #[error("the log cannot be gone on with: {0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Receipt(String),
    #[error("the log cannot be gone on with: event {seq} does not follow from what is before it: {why}")]
    Illegal { seq: u64, why: String },
    #[error("the session is over: {0}")]
    Over(&'static str),
}

/// Opens a session and starts its engine on the current runtime.
///
/// # Errors
/// [`OpenError`], a sentence. Nothing of the runbook has run.
pub fn start(opening: &Opening) -> Result<Engine, OpenError> {
    let mut opened = opened_event(opening);
    let runbook = read_plan(&opened).ok_or(OpenError::Runbook)?;
    let (secrets, redactor) = secrets::read(&runbook, &opening.given, &opened)?;
    let cutover = (opening.mode != Mode::Simulated)
        .then_some(Cutover { id: runbook.id.as_str(), runbook: &opening.file });
    let dir = SessionDir::create(&opening.name, cutover)?;
    dir.keep_runbook(opening.text.as_bytes())?;
    dir.name().clone_into(&mut opened.session);
    opened.session_dir = dir.path().display().to_string();
    let past = past::read(dir.path(), &runbook);
    let log = SessionLog::create(dir)?;
    let started = engine_started(Vec::new());
    let first = vec![
        EventKind::SessionOpened(Box::new(opened.clone())),
        started,
        EventKind::PastSessions(Box::new(past)),
    ];
    raise(Parts {
        opened,
        runbook,
        secrets,
        redactor,
        log,
        state: State::default(),
        first,
        adopt: Vec::new(),
    })
}

/// What an engine is put together from.
pub(super) struct Parts {
    pub opened: SessionOpened,
    pub runbook: Runbook,
    pub secrets: Vec<Secret>,
    pub redactor: Redactor,
    pub log: SessionLog,
    /// The fold of the log as it is on disk.
    pub state: State,
    /// What is recorded before anything else.
    pub first: Vec<EventKind>,
    /// Attempts that an earlier engine started, taken over once that is on disk.
    pub adopt: Vec<Effect>,
}

/// Starts the loop and what is around it.
pub(super) fn raise(parts: Parts) -> Result<Engine, OpenError> {
    let Parts { opened, runbook, secrets, redactor, log, state, first, adopt } = parts;
    let session_dir = PathBuf::from(&opened.session_dir);
    let (inbox, inbox_end) = mpsc::unbounded_channel();
    let (asks, asks_end) = mpsc::channel(256);
    let (joins, joins_end) = mpsc::channel(16);
    let (output_asks, output_asks_end) = mpsc::channel(64);
    let driver: Box<dyn Driver> = if opened.mode == Mode::Simulated {
        Box::new(Simulated::new(inbox.clone()))
    } else {
        let scope = Scope {
            secrets: secrets.iter().map(|s| (s.name.clone(), s.value.clone())).collect(),
            redactor: redactor.clone(),
            session_id: opened.session.clone(),
            session_dir: session_dir.clone(),
            runbook_dir: runbook.dir.clone(),
            ..Scope::default()
        };
        let around = Surroundings {
            scope,
            session_dir: session_dir.clone(),
            secrets,
            redactor: redactor.clone(),
            program: Program::own()?,
            checks: check::Context::new(&runbook),
            frozen: Mutex::default(),
        };
        around.recall(&state);
        Box::new(Real::new(around, inbox.clone()))
    };
    for event in first {
        let _ = inbox.send(Input::Own(By::ENGINE, event));
    }
    let machine = Machine::new(state, log, redactor.clone());
    let hub = Hub::default();
    tokio::spawn(
        Loop { machine, driver, inbox: inbox_end, asks: asks_end, joins: joins_end, hub, adopt }.run(),
    );
    tokio::spawn(outputs::serve(session_dir.clone(), output_asks_end));
    Ok(Engine { joins, asks, outputs: output_asks, inbox, session: opened.session, session_dir, redactor })
}

pub(super) fn engine_started(recovered: Vec<String>) -> EventKind {
    EventKind::EngineStarted {
        boot_id: clock::boot_id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        recovered,
    }
}

fn opened_event(opening: &Opening) -> SessionOpened {
    let dir = opening.file.parent().unwrap_or(Path::new("/"));
    SessionOpened {
        format: LOG_FORMAT,
        session: opening.name.clone(),
        runbook: opening.text.clone(),
        sha256: base16ct::lower::encode_string(&Sha256::digest(opening.text.as_bytes())),
        dir: dir.display().to_string(),
        file: opening.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        vars: opening.vars.clone(),
        mode: opening.mode,
        host: opening.host.clone(),
        share: opening.share.clone(),
        drill: opening.drill.clone(),
        session_dir: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
