//! Telling people: one at a time for each `[[notify]]`, in order, within a deadline, and never twice. Only what surely
//! reached nobody is tried again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep};

use super::{Surroundings, fit};
use crate::check;
use crate::engine::driver::{NotifyOrder, Report, scope};
use crate::engine::machine::Input;
use crate::event::EventKind;
use crate::runbook::describe::describe_notify;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::NotifyWay;
use crate::session::notices::Notice;

/// How long telling somebody may take, all tries together.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long is waited before each further try.
const DELAYS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// So many may wait for one who is slow; more are not told.
const MOST_WAITING: usize = 16;

/// Where those who are told stand in line, by the number of their `[[notify]]`.
#[derive(Debug, Default)]
pub(super) struct Desk {
    lines: HashMap<u32, Arc<Mutex<()>>>,
}

impl Desk {
    /// Tells somebody in a task of its own, and reports what became of it.
    pub(super) fn tell(
        &mut self,
        around: Arc<Surroundings>,
        order: NotifyOrder,
        inbox: mpsc::UnboundedSender<Input>,
    ) {
        let line = Arc::clone(self.lines.entry(order.notice.notify).or_default());
        // The desk holds one, and everybody in the line one more.
        let is_full = Arc::strong_count(&line) > MOST_WAITING + 1;
        tokio::spawn(async move {
            let told = if is_full {
                Err(format!("{MOST_WAITING} others wait to be told the same way"))
            } else {
                // A fair lock: who came first is told first.
                let _turn = line.lock().await;
                tell(&around, &order).await
            };
            let _ = inbox.send(Input::Report(Report::Told(became(&around, &order, told))));
        });
    }
}

fn became(around: &Surroundings, order: &NotifyOrder, told: Result<(), String>) -> EventKind {
    let Notice { notify, of, on, .. } = order.notice;
    let to = fit(&named(around, order), &around.redactor);
    match told {
        Ok(()) => EventKind::Notified { notify, of, on, to },
        Err(why) => EventKind::NotifyFailed { notify, of, on, to, why: fit(&why, &around.redactor) },
    }
}

/// How somebody is told, as it may be shown.
fn named(around: &Surroundings, order: &NotifyOrder) -> String {
    let secrets = around.secrets.iter().map(|s| (s.name.clone(), format!("secret:{}", s.name)));
    let masked = Scope { secrets: secrets.collect(), ..around.scope.clone() };
    describe_notify(&order.way, &scope(&masked, &order.world, None), around.checks.shell())
}

async fn tell(around: &Surroundings, order: &NotifyOrder) -> Result<(), String> {
    let mut body = order.body.clone();
    around.redactor.redact_json(&mut body);
    let body = body.to_string();
    let scope = scope(&around.scope, &order.world, None);
    let deadline = Instant::now() + DEADLINE;
    match &order.way {
        NotifyWay::Run(command) => {
            check::command::tell(command, &body, &scope, &around.checks, DEADLINE).await
        }
        NotifyWay::Webhook(url) => {
            let (mut delays, mut left) = (DELAYS.into_iter(), DEADLINE);
            loop {
                let untold = match check::http::post(url, &body, &scope, &around.checks, left).await {
                    Ok(()) => return Ok(()),
                    Err(untold) => untold,
                };
                left = deadline.saturating_duration_since(Instant::now());
                let Some(delay) = delays.next().filter(|delay| untold.may_retry && *delay < left) else {
                    return Err(untold.why);
                };
                sleep(delay).await;
                left -= delay;
            }
        }
    }
}
