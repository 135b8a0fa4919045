//! A session without a cockpit: one line an event, and the answers of a file where a person would be asked.

pub mod answers;
mod next;

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::clock::{self, Now};
use crate::event::{Event, EventKind, StepFinished, author, describe};
use crate::feed::{Commander, Feed, FeedItem, OutputReader};
use crate::session::telemetry::Measure;
use crate::session::window::{self, Standing};
use crate::session::{Command, State, handover};
use crate::text;
use answers::Answers;
use next::{HELD, Next, Tried, next};

/// How often the state is looked at where nothing happens.
const LOOK: Duration = Duration::from_millis(500);

/// How much of a failed step's output is printed at the most.
const LAST_LINES: usize = 5;
const LAST_BYTES: u64 = 4096;

/// Drives the session until it is over or a question stays open; returns the exit code. Without answers it only shows
/// what others drive, until it is over. `stand_ins` ask, by name, in the place of people who are not there.
pub async fn drive(mut feed: Feed, answers: Option<Answers>, stand_ins: HashMap<String, Commander>) -> u8 {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        say("cannot listen for signals");
        return 1;
    };
    let mut state = std::mem::take(&mut feed.state);
    for event in &state.recent {
        print(event);
    }
    let mut tried = Tried::default();
    let mut last_refusal = None;
    let mut said = String::new();
    let mut outside = Outside::default();
    loop {
        let now = clock::now();
        outside.warn(&state, now);
        let mut wait = LOOK;
        let asks = match next(&state, answers.as_ref(), &tried, now) {
            Next::Stop { code, why } if answers.is_some() || state.is_closed() => {
                say(&why);
                return code;
            }
            Next::Stop { .. } => {
                let waits = handover::status_line(&state, now);
                if waits != said {
                    say(&format!("{waits} (`gonogo attach` or `gonogo ctl` goes on)"));
                    said = waits;
                }
                None
            }
            Next::Ask(command) => {
                if let Command::Retry { step } = &command {
                    tried.retried.insert(step.clone());
                }
                Some((feed.commander.as_ref(), command))
            }
            Next::AskAs(person, command) => {
                Some((stand_ins.get(&person).or(feed.commander.as_ref()), command))
            }
            Next::Wait { until_up_ms } => {
                wait = until_up_ms
                    .map_or(LOOK, |until| Duration::from_millis(until.saturating_sub(now.up_ms)).min(LOOK));
                None
            }
        };
        if let Some((commander, command)) = asks {
            let Some(commander) = commander else { return HELD };
            match commander.ask(command.clone(), state.seq).await {
                Ok(()) => last_refusal = None,
                // Something happened in between: look again. The same refusal of the same state is final.
                Err(refusal) => {
                    let seen = Some((state.decisive_seq, refusal.0.clone()));
                    if last_refusal == seen {
                        say(&format!("cannot {}: {refusal}", command.word()));
                        return HELD;
                    }
                    last_refusal = seen;
                }
            }
        }
        tokio::select! {
            item = feed.items.recv() => match item {
                Some(item) => take(&mut state, item, &feed.outputs).await,
                None if state.is_closed() => {}
                None => {
                    say("the engine is gone");
                    return 1;
                }
            },
            () = tokio::time::sleep(wait) => {}
            _ = term.recv() => return interrupted("TERM", 143),
            _ = int.recv() => return interrupted("INT", 130),
        }
        while let Ok(item) = feed.items.try_recv() {
            take(&mut state, item, &feed.outputs).await;
        }
    }
}

/// What was said of the change window.
#[derive(Debug, Default)]
struct Outside(Option<bool>);

impl Outside {
    /// Says once that work is done before the change window, and once that it is after it.
    fn warn(&mut self, state: &State, now: Now) {
        let is_over = match window::standing(state, now) {
            Some(Standing::Before { .. }) => false,
            Some(Standing::After { .. }) => true,
            _ => return,
        };
        if self.0 != Some(is_over) {
            self.0 = Some(is_over);
            window::warning(state, now).iter().for_each(|warning| say(warning));
        }
    }
}

async fn take(state: &mut State, item: FeedItem, outputs: &OutputReader) {
    match item {
        FeedItem::Event(event) => {
            print(&event);
            if let EventKind::StepFinished(finished) = &event.event
                && !finished.passed
            {
                last_words(outputs, finished).await;
            }
            state.apply(&event);
        }
        FeedItem::Measure(Measure::Log(health)) => say(&health.sentence()),
        FeedItem::Measure(_) => {}
        FeedItem::Lost(why) => say(&why),
    }
}

/// Prints the last lines that a failed step said: nobody has a panel of its output here.
async fn last_words(outputs: &OutputReader, finished: &StepFinished) {
    let Some(output) = &finished.output else { return };
    let from = output.bytes.saturating_sub(LAST_BYTES);
    let piece = outputs.read(finished.step.clone(), finished.attempt, from, LAST_BYTES as usize).await;
    let said = String::from_utf8_lossy(&piece.bytes);
    // What was cut into is no line.
    let said = match said.split_once('\n') {
        Some((_, whole)) if from > 0 => whole,
        _ => &said,
    };
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        let _ = writeln!(anstream::stdout(), "              | {}", text::safe_line(line));
    }
}

fn interrupted(signal: &str, code: u8) -> u8 {
    say(&format!("interrupted by {signal}; running commands live on under their shims"));
    code
}

/// One line an event on stdout. Where nobody reads any more, nobody misses it: the log has it.
fn print(event: &Arc<Event>) {
    let _ = writeln!(anstream::stdout(), "{}", line(event));
}

/// An event as a headless run prints it.
#[must_use]
pub fn line(event: &Event) -> String {
    let time = event.at.format("%H:%M:%S%.3fZ");
    let (author, what) = (author(&event.by), describe(event));
    format!("{time} #{:<4} {:<10} {}", event.seq, text::safe(&author), text::safe(&what))
}

fn say(why: &str) {
    let _ = writeln!(anstream::stderr(), "gonogo: {}", text::safe(why));
}
