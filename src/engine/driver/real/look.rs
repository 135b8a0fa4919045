//! `request` and `assert`: one request, one fresh look at each check.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, join_all};

use super::{Attempt, Done, tidy};
use crate::check::{self, Meter, Sample};
use crate::proof::{self, Body, Proof};
use crate::runbook::CheckId;
use crate::runbook::model::{Check, HttpExpect, HttpTarget, Probe, Step};
use crate::session::telemetry::Verdict;

/// How long a request may take where the step does not say.
const REQUEST: Duration = Duration::from_secs(30);

impl Attempt {
    /// One request, never repeated by itself.
    pub(super) async fn request(&self, step: &Step, target: &HttpTarget, expect: &HttpExpect) -> Done {
        let timeout = step.timeout.unwrap_or(REQUEST);
        let answer = tokio::select! {
            answer = check::http::request(target, expect, &self.scope, &self.around.checks, timeout) => answer,
            () = self.told_to_end() => return Done::failed("the request was given up"),
        };
        let (proofs, answer) = match answer {
            Ok(answered) => answered,
            Err(why) => return Done::failed(why),
        };
        let mut done = Done { proofs, ..Done::default() };
        if proof::all_met(&done.proofs) {
            let body = if let Body::Whole(body) = &answer.body { body } else { "" };
            self.capture(step, body, &mut done);
        }
        done
    }

    /// One fresh look at each check; anything but a pass fails the step now.
    pub(super) async fn assert(&self, checks: &[CheckId]) -> Done {
        let plans = checks.iter().filter_map(|id| self.order.runbook.check(id)).filter(|check| check.applies);
        let looks = plans.map(|check| async move { judged(&check.id, &self.look(check).await) });
        let proofs = tokio::select! {
            proofs = join_all(looks) => proofs,
            () = self.told_to_end() => return Done::failed("the looks were given up"),
        };
        Done { proofs, ..Done::default() }
    }

    /// Looks once; at an `any`, at all its members: the first that passes speaks for it.
    fn look<'a>(&'a self, check: &'a Check) -> BoxFuture<'a, Sample> {
        async move {
            let Probe::Any(members) = &check.probe else {
                let mut sample = check::sample(check, &self.scope, &self.around.checks).await;
                if let Some(mut meter) = Meter::of(check) {
                    meter.judge(&mut sample.point, &self.order.world.baselines);
                }
                tidy(&mut sample, &self.around.redactor);
                return sample;
            };
            let plans = members.iter().filter_map(|id| self.order.runbook.check(id)).filter(|c| c.applies);
            let mut looks = join_all(plans.map(|member| self.look(member))).await;
            let best = looks.iter().position(|look| look.point.verdict == Verdict::Pass).unwrap_or(0);
            if looks.is_empty() {
                check::sample(check, &self.scope, &self.around.checks).await
            } else {
                looks.swap_remove(best)
            }
        }
        .boxed()
    }
}

fn judged(id: &CheckId, sample: &Sample) -> Proof {
    let point = &sample.point;
    let (met, seen) = match point.verdict {
        Verdict::Pass => (true, point.value.clone().unwrap_or_else(|| "ok".to_owned())),
        Verdict::Failed => (false, point.reason.clone()),
        Verdict::Error => (false, format!("it could not be observed: {}", point.reason)),
        Verdict::Pending => (false, format!("too little was seen: {}", point.reason)),
    };
    Proof { expected: format!("check {id} passes now"), met, seen }
}
