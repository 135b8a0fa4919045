//! Old beside new, as far as the record has both.

use std::collections::HashMap;

use crate::audit::telemetry::Sampled;
use crate::report::model::{Number, Versus};
use crate::runbook::CheckId;
use crate::runbook::number::Unit;
use crate::session::State;
use crate::session::telemetry::{Measure, Verdict};
use crate::session::versus::rule;

/// What the checks that are held against a baseline came to.
#[derive(Debug, Default)]
pub(super) struct Compared {
    seen: HashMap<CheckId, Seen>,
}

#[derive(Debug)]
struct Seen {
    newest: f64,
    /// The least headroom of all samples.
    least: Option<f64>,
}

impl Compared {
    /// Takes the next line of samples; `state` knows every baseline.
    pub fn sampled(&mut self, sampled: &Sampled, state: &State) {
        for measure in &sampled.samples {
            let Measure::Sample { check, point, .. } = measure else { continue };
            let judged = matches!(point.verdict, Verdict::Pass | Verdict::Failed);
            let Some(newest) = point.judged.filter(|number| judged && number.is_finite()) else { continue };
            let plan = state.runbook.as_ref().and_then(|runbook| runbook.check(check));
            let Some(rule) = plan.and_then(rule) else { continue };
            let old = state.baselines.get(&rule.baseline).and_then(|checks| checks.get(&rule.check));
            let room = old.and_then(|old| rule.headroom(old.value, newest)).map(|headroom| headroom.room);
            let least = self.seen.get(check).and_then(|seen| seen.least);
            let least = [least, room].into_iter().flatten().reduce(f64::min);
            self.seen.insert(check.clone(), Seen { newest, least });
        }
    }

    /// Each check with its baseline, in the plan's order.
    pub fn finish(&self, state: &State) -> Vec<Versus> {
        let checks = state.runbook.iter().flat_map(|runbook| runbook.checks.values());
        let rules = checks.filter(|check| check.applies).filter_map(|check| Some((check, rule(check)?)));
        let versus = rules.map(|(check, rule)| {
            let unit = Unit::of(check);
            let number = |value: f64| Number { value, shown: unit.show(value) };
            let old = state.baselines.get(&rule.baseline).and_then(|checks| checks.get(&rule.check));
            let seen = self.seen.get(&check.id);
            let (least, most) = old.map_or((None, None), |old| rule.bounds(old.value));
            let room = old.zip(seen).and_then(|(old, seen)| rule.headroom(old.value, seen.newest));
            Versus {
                check: check.id.to_string(),
                baseline: format!("{}.{}", rule.baseline, rule.check),
                old: old.map(|old| number(old.value)),
                old_samples: old.map_or(0, |old| old.samples),
                new: seen.map(|seen| number(seen.newest)),
                least: least.map(number),
                most: most.map(number),
                headroom: room.map(|headroom| number(headroom.room)),
                smallest_headroom: seen.and_then(|seen| seen.least).map(number),
            }
        });
        versus.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Measured;
    use crate::runbook::load::{Inputs, Missing, Source, load};
    use crate::runbook::model::Host;
    use crate::session::telemetry::SamplePoint;

    const BOOK: &str = r#"
[check.p95]
metric = { file = "p95", regex = '(\d+)' }
unit = "ms"
expect.vs = { baseline = "old", max_times = 1.2 }
[[stage]]
id = "a"
watch = ["p95"]
[[stage.step]]
id = "measure"
baseline = { name = "old", checks = ["p95"], window = "1m" }
"#;

    fn state(baseline: bool) -> State {
        let source = Source { text: BOOK.to_owned(), file: "a.toml".into(), dir: "/".into() };
        let host = Host { name: "h".into(), os: "linux".into(), arch: "x86_64".into() };
        let loaded = load(&source, &Inputs { set: Default::default(), host, missing: Missing::Error });
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let mut state = State { runbook: loaded.runbook.map(Arc::new), ..State::default() };
        if baseline {
            let old = Measured { value: 50.0, shown: "50 ms".to_owned(), samples: 6 };
            state.baselines.insert("old".to_owned(), [("p95".into(), old)].into());
        }
        state
    }

    fn finished(state: &State, numbers: &[(f64, Verdict)]) -> Versus {
        let sample = |(at, (judged, verdict)): (usize, &(f64, Verdict))| Measure::Sample {
            check: "p95".into(),
            point: SamplePoint {
                up_ms: at as u64,
                took_ms: 1,
                verdict: *verdict,
                value: None,
                number: None,
                judged: Some(*judged),
                reason: String::new(),
            },
            processes: Vec::new(),
        };
        let samples = numbers.iter().enumerate().map(sample).collect();
        let mut compared = Compared::default();
        compared.sampled(&Sampled { after: 1, up_ms: 9, samples }, state);
        compared.finish(state).remove(0)
    }

    #[test]
    fn old_stands_beside_what_was_judged_last_and_the_smallest_headroom_is_kept() {
        use Verdict::{Failed, Pass, Pending};
        let one = finished(&state(true), &[(55.0, Pass), (63.0, Failed), (51.0, Pass), (900.0, Pending)]);
        let shown = |number: &Option<Number>| number.as_ref().map(|n| n.shown.clone()).unwrap_or_default();
        assert_eq!((shown(&one.old), one.old_samples, shown(&one.new)), ("50 ms".into(), 6, "51 ms".into()));
        assert_eq!((shown(&one.least), shown(&one.most)), (String::new(), "60 ms".into()));
        assert_eq!((shown(&one.headroom), shown(&one.smallest_headroom)), ("9 ms".into(), "-3 ms".into()));
    }

    #[test]
    fn without_a_baseline_nothing_is_compared() {
        let one = finished(&state(false), &[(55.0, Verdict::Failed)]);
        assert_eq!((one.old, one.most, one.headroom, one.smallest_headroom), (None, None, None, None));
    }
}
