//! Observations: one file a kind ([`http`], [`tcp`], [`dns`], [`process`], [`file`], [`command`], [`metric`]), each giving one
//! sample within one deadline; [`meter`] makes verdicts of numbers, and [`tracker`] makes health of verdicts.

mod aside;
pub mod command;
pub mod dns;
pub mod file;
pub mod http;
pub mod meter;
mod metric;
pub mod name;
pub mod process;
mod snapshots;
pub mod tcp;
pub mod tracker;

pub use aside::Aside;
pub use meter::Meter;
pub use tracker::{Change, Tracker};

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;

use crate::clock;
use crate::guard::Prints;
use crate::process::Identity;
use crate::proof::{self, Proof};
use crate::runbook::interpolate::{Place, Scope};
use crate::runbook::model::{Check, Probe, ProcessSelect, Runbook, Template};
use crate::runbook::{CheckId, StepId};
use crate::session::Guarded;
use crate::session::telemetry::{Measure, ProcessSeen, SamplePoint, Verdict};

/// One look at one check.
#[derive(Debug, Clone)]
pub struct Sample {
    pub check: CheckId,
    pub point: SamplePoint,
    /// What a process check saw.
    pub processes: Vec<ProcessSeen>,
}

impl Sample {
    /// How long a look took, as the sample of a check that lives on it. Where nothing could be observed the time says
    /// nothing: who refuses at once is not fast.
    fn latency(check: CheckId, of: &Self) -> Self {
        let SamplePoint { up_ms, took_ms, verdict, reason, .. } = &of.point;
        let (verdict, number, reason) = match verdict {
            Verdict::Error => (Verdict::Error, None, format!("{}: {reason}", of.check)),
            _ => (Verdict::Pending, Some(f64::from(*took_ms)), String::new()),
        };
        let (up_ms, took_ms) = (*up_ms, *took_ms);
        let point = SamplePoint { up_ms, took_ms, verdict, value: None, number, judged: None, reason };
        Self { check, point, processes: Vec::new() }
    }
}

impl From<Sample> for Measure {
    fn from(Sample { check, point, processes }: Sample) -> Self {
        Self::Sample { check, point, processes }
    }
}

/// What all looks share: clients, name lookups, the processes that are known. One for each engine.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What a command given as text is handed to.
    shell: Vec<String>,
    /// For every command.
    env: IndexMap<String, Template>,
    names: name::Names,
    http: Arc<http::Clients>,
    processes: Arc<Mutex<process::Watch>>,
    started: Arc<Mutex<HashMap<StepId, Identity>>>,
    /// Which processes each `process` check means, for those who ask for their figures.
    meant: HashMap<CheckId, ProcessSelect>,
    /// The files that are looked after, for those who look after them.
    guarded: Arc<(PathBuf, Guarded)>,
    prints: Arc<Mutex<Prints>>,
    /// For looks at file systems.
    pub(crate) aside: Aside,
}

impl Context {
    /// For the checks of this runbook.
    #[must_use]
    pub fn new(runbook: &Runbook) -> Self {
        let meant = runbook.checks.values().filter_map(|check| match &check.probe {
            Probe::Process { select, .. } => Some((check.id.clone(), select.clone())),
            _ => None,
        });
        Self {
            shell: runbook.shell.clone(),
            env: runbook.env.clone(),
            meant: meant.collect(),
            ..Self::default()
        }
    }

    /// What a command given as text is handed to.
    #[must_use]
    pub fn shell(&self) -> &[String] {
        &self.shell
    }

    /// Lets checks know what a `start` step has started.
    pub fn note_started(&self, step: StepId, process: Identity) {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).insert(step, process);
    }

    /// What a look at files that are looked after needs to know beside this: which they are now, and where the session
    /// keeps what is its own. `None` where `check` is no such look.
    #[must_use]
    pub fn guarding(&self, check: &Check, session_dir: &Path, guarded: &Guarded) -> Option<Self> {
        let guards = matches!(check.probe, Probe::Snapshots(_));
        guards.then(|| Self { guarded: Arc::new((session_dir.to_owned(), guarded.clone())), ..self.clone() })
    }

    fn started(&self, step: &StepId) -> Option<Identity> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).get(step).cloned()
    }
}

/// What was observed, or why nothing could be.
#[derive(Debug)]
struct Observed {
    seen: Seen,
    value: Option<String>,
    number: Option<f64>,
    processes: Vec<ProcessSeen>,
}

/// What a look makes of what was observed.
#[derive(Debug)]
enum Seen {
    Proofs(Vec<Proof>),
    /// What could not be observed.
    Error(String),
    /// There is a number, or nothing yet to be wrong with: several looks together tell.
    Unjudged(String),
}

impl Observed {
    fn new(seen: Seen) -> Self {
        Self { seen, value: None, number: None, processes: Vec::new() }
    }

    fn proven(proofs: Vec<Proof>, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::new(Seen::Proofs(proofs)) }
    }

    fn error(why: impl Into<String>) -> Self {
        Self::new(Seen::Error(why.into()))
    }

    fn number(number: f64) -> Self {
        let seen = Seen::Unjudged("it was not judged yet".to_owned());
        Self { number: Some(number), ..Self::new(seen) }
    }

    fn nothing_yet(why: impl Into<String>) -> Self {
        Self::new(Seen::Unjudged(why.into()))
    }
}

/// Looks once; the number of a metric is judged by a [`Meter`]. It ends within the check's timeout, whatever the other side does.
pub async fn sample(check: &Check, scope: &Scope, ctx: &Context) -> Sample {
    let begun = clock::up_ms();
    // The kinds keep the timeout themselves and say how far they came; this is for what none of them foresees.
    let guard = check.timeout + Duration::from_millis(200);
    let observed = match tokio::time::timeout(guard, observe(check, scope, ctx)).await {
        Ok(observed) => observed,
        Err(_) => Observed::error(format!("no result within {}", span(check.timeout))),
    };
    let (verdict, reason) = match &observed.seen {
        Seen::Error(why) => (Verdict::Error, why.clone()),
        Seen::Unjudged(why) => (Verdict::Pending, why.clone()),
        Seen::Proofs(proofs) => match proof::why_not(proofs) {
            None => (Verdict::Pass, String::new()),
            Some(why) => (Verdict::Failed, why),
        },
    };
    let took_ms = u32::try_from(clock::up_ms().saturating_sub(begun)).unwrap_or(u32::MAX);
    let point = SamplePoint {
        up_ms: begun,
        took_ms,
        verdict,
        value: observed.value,
        number: observed.number,
        judged: None,
        reason,
    };
    Sample { check: check.id.clone(), point, processes: observed.processes }
}

async fn observe(check: &Check, scope: &Scope, ctx: &Context) -> Observed {
    match &check.probe {
        Probe::Http { target, expect } => http::observe(target, expect, scope, ctx, check.timeout).await,
        Probe::Tcp { address, expect } => tcp::observe(address, expect, scope, ctx, check.timeout).await,
        Probe::Dns { query, expect } => dns::observe(query, expect, scope, ctx, check.timeout).await,
        Probe::Process { select, expect } => {
            process::observe(&check.id, select, expect, scope, ctx, check.timeout).await
        }
        Probe::File { paths, expect } => {
            file::observe(&check.id, paths, expect, scope, ctx, check.timeout).await
        }
        Probe::Command { command, expect } => {
            command::observe(command, expect, scope, ctx, check.timeout).await
        }
        Probe::Metric(metric) => metric::observe(&check.id, &metric.source, scope, ctx, check.timeout).await,
        Probe::Snapshots(steps) => snapshots::observe(&check.id, steps, ctx, check.timeout).await,
        Probe::Any(_) | Probe::Frozen(_) => Observed::error("it has no samples of its own"),
    }
}

fn resolve(scope: &Scope, template: &Template) -> Result<String, String> {
    scope.resolve(template, Place::Plain).map_err(|e| e.to_string())
}

fn span(duration: Duration) -> String {
    proof::span(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
