//! The engine: the only place that touches the operator's systems. [`machine`] decides, in one serial loop;
//! [`driver`] acts, under [`shim`]s and through checks; [`start()`] puts a session's engine together.

pub mod driver;
mod fact;
mod hub;
mod journal;
pub mod logout;
pub mod machine;
mod outputs;
pub mod preflight;
mod resume;
mod secrets;
pub mod shim;
mod start;
#[cfg(test)]
mod theatre;
#[cfg(test)]
mod theatre_back;
#[cfg(test)]
mod theatre_crash;
#[cfg(test)]
mod theatre_crew;
#[cfg(test)]
mod theatre_crowd;
#[cfg(test)]
mod theatre_drift;
#[cfg(test)]
mod theatre_gates;
#[cfg(test)]
mod theatre_handover;
#[cfg(test)]
mod theatre_history;
#[cfg(test)]
mod theatre_legal;
#[cfg(test)]
mod theatre_memory;
#[cfg(test)]
mod theatre_metrics;
#[cfg(test)]
mod theatre_notices;
#[cfg(test)]
mod theatre_past;
#[cfg(test)]
mod theatre_resume;
#[cfg(test)]
mod theatre_scenes;
#[cfg(test)]
mod theatre_soak;
#[cfg(test)]
mod theatre_tests;
#[cfg(test)]
mod theatre_undone;
#[cfg(test)]
mod theatre_walks;
#[cfg(test)]
mod theatre_what_if;
mod work;

pub use hub::Engine;
pub use resume::{Resumed, resume};
pub use start::{OpenError, Opening, start};

use tokio::sync::mpsc;

use crate::clock;
use crate::feed::Ask;
use driver::{Driver, Effect};
use hub::{Hub, Subscribe};
use journal::Journal;
use machine::{Input, Machine};

/// How many inputs one turn takes at the most, so that a flood of samples delays no key by long.
const BATCH: usize = 1024;

/// How long an engine that has ended its work waits for those who are still being told.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(12);

/// The loop's surroundings.
struct Loop<J> {
    machine: Machine<J>,
    driver: Box<dyn Driver>,
    inbox: mpsc::UnboundedReceiver<Input>,
    asks: mpsc::Receiver<Ask>,
    joins: mpsc::Receiver<Subscribe>,
    hub: Hub,
    /// What an earlier engine left running; taken over behind the first turn.
    adopt: Vec<Effect>,
}

impl<J: Journal> Loop<J> {
    /// Runs until the session is closed, or an `engine_stopping` is recorded.
    async fn run(mut self) {
        let mut next_up_ms: u64 = 0;
        let mut stopping = false;
        while !stopping && !self.machine.state().is_closed() {
            let wait = std::time::Duration::from_millis(next_up_ms.saturating_sub(clock::up_ms()));
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                Some(ask) = self.asks.recv() => batch.push(Input::Ask(ask)),
                Some(input) = self.inbox.recv() => batch.push(input),
                Some(join) = self.joins.recv() => {
                    self.hub.join(join, self.machine.state());
                    continue;
                }
                () = tokio::time::sleep(wait) => {}
            }
            while batch.len() < BATCH {
                match (self.asks.try_recv(), self.inbox.try_recv()) {
                    (Ok(ask), Ok(input)) => batch.extend([Input::Ask(ask), input]),
                    (Ok(ask), Err(_)) => batch.push(Input::Ask(ask)),
                    (Err(_), Ok(input)) => batch.push(input),
                    (Err(_), Err(_)) => break,
                }
            }
            stopping = batch.iter().any(is_stopping);
            let turn = tokio::task::block_in_place(|| self.machine.turn(batch, clock::now()));
            next_up_ms = turn.next_up_ms;
            self.hub.publish(&turn.events, &turn.measures);
            for (answer, result) in turn.answers {
                // An operator who left meanwhile needs no answer.
                let _ = answer.send(result);
            }
            for effect in self.adopt.drain(..).chain(turn.effects) {
                self.driver.carry_out(effect);
            }
        }
        self.last_words().await;
        self.machine.closed();
        // Whoever still wants to look may: a closed session is shown until its last screen is left.
        drop(self.inbox);
        drop(self.asks);
        while let Some(join) = self.joins.recv().await {
            self.hub.join(join, self.machine.state());
        }
    }
}

impl<J: Journal> Loop<J> {
    /// Waits for those who are being told, for a while, and records what became of it.
    async fn last_words(&mut self) {
        let until = tokio::time::Instant::now() + LAST_WORDS;
        let mut give_up = false;
        while !give_up && !self.machine.state().notices.is_empty() {
            let mut batch = Vec::new();
            tokio::select! {
                Some(ask) = self.asks.recv() => batch.push(Input::Ask(ask)),
                Some(input) = self.inbox.recv() => batch.push(input),
                Some(join) = self.joins.recv() => self.hub.join(join, self.machine.state()),
                () = tokio::time::sleep_until(until) => give_up = true,
            }
            let turn = tokio::task::block_in_place(|| self.machine.last_words(batch, give_up, clock::now()));
            self.hub.publish(&turn.events, &turn.measures);
            for (answer, result) in turn.answers {
                let _ = answer.send(result);
            }
        }
    }
}

fn is_stopping(input: &Input) -> bool {
    matches!(input, Input::Own(_, crate::event::EventKind::EngineStopping { .. }))
}
