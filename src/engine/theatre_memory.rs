//! The log of the stage: a list, which can be made to fail and to tear.

use std::sync::Arc;

use super::journal::Journal;
use crate::audit::telemetry::Sampled;
use crate::clock::Now;
use crate::event::Event;
use crate::session::telemetry::{LogHealth, Measure};

/// A log in memory, which can be made to fail.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub events: Vec<Arc<Event>>,
    /// Each sample, as if it had a line of its own.
    pub samples: Vec<Sampled>,
    /// What every write says until it is healed.
    pub broken: Option<LogHealth>,
    /// The disk is full but for a reserve; what is said of it.
    pub reserve: Option<LogHealth>,
    /// After how many records the engine dies in the middle of one, and how many events of that come to the disk.
    pub crash: Option<(usize, usize)>,
    /// Whether it has.
    pub crashed: bool,
}

impl Journal for Memory {
    fn append(&mut self, events: &[Arc<Event>]) -> Result<String, LogHealth> {
        match (&self.broken, self.crash) {
            (Some(health), _) => Err(health.clone()),
            (None, Some((0, kept))) => {
                self.events.extend(events.iter().take(kept).cloned());
                self.crashed = true;
                Err(LogHealth::Failed("the engine died".to_owned()))
            }
            (None, crash) => {
                self.crash = crash.map(|(records, kept)| (records - 1, kept));
                self.events.extend(events.iter().cloned());
                Ok(format!("{}:memory", self.events.len()))
            }
        }
    }

    fn recover(&mut self, _urgent: bool) -> Result<u64, LogHealth> {
        self.broken.clone().map_or(Ok(0), Err)
    }

    fn mind_the_disk(&mut self) -> Option<LogHealth> {
        self.reserve.clone()
    }

    fn keep(&mut self, after: u64, now: Now, measure: &Measure) {
        // Who died over the record did not come to keep it.
        if let (Measure::Sample { .. }, false) = (measure, self.crashed) {
            let mut sampled = Sampled { after, up_ms: now.up_ms, samples: vec![measure.clone()] };
            if let [Measure::Sample { point, .. }] = sampled.samples.as_mut_slice() {
                point.took_ms = u32::try_from(now.up_ms - point.up_ms).expect("a test's time");
            }
            self.samples.push(sampled);
        }
    }

    fn telemetry_mark(&mut self) -> Option<(u64, String)> {
        None
    }
}
