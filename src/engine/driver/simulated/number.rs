//! The numbers of a simulated system: such that each metric is well within its limits.

use crate::runbook::model::{Aggregate, Metric, Reading};
use crate::session::Baselines;

/// What a metric reads at this moment of the boot clock.
#[must_use]
pub fn number(metric: &Metric, baselines: &Baselines, up_ms: u64) -> f64 {
    let level = level(metric, baselines);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since the machine was started")]
    let seconds = up_ms as f64 / 1000.0;
    match (metric.reading, metric.expect.aggregate()) {
        (Reading::Value, Aggregate::Slope(per)) => level * seconds / per.as_secs_f64(),
        (Reading::Value, _) => level,
        (Reading::Rate, _) => level * seconds,
        // A counter that stands still has risen by 0, and one that must rise does.
        (Reading::Delta, _) if metric.expect.min.is_some_and(|min| min > 0.0) => level * seconds,
        (Reading::Delta, _) => 0.0,
    }
}

/// A number between the limits, those that follow from a baseline among them.
fn level(metric: &Metric, baselines: &Baselines) -> f64 {
    let expect = &metric.expect;
    let old = expect.vs.as_ref().and_then(|vs| Some((vs, baselines.get(&vs.baseline)?.get(&vs.check)?)));
    let (least_vs, most_vs) = old.map_or((None, None), |(vs, old)| vs.bounds(old.value));
    let least = [expect.min, least_vs].into_iter().flatten().reduce(f64::max);
    let most = [expect.max, most_vs].into_iter().flatten().reduce(f64::min);
    match (least, most) {
        (Some(least), Some(most)) => f64::midpoint(least, most),
        (None, Some(most)) => most - most.abs() / 2.0,
        (Some(least), None) => least + least.abs() / 2.0 + 1.0,
        (None, None) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::model::{HostField, MetricExpect, MetricSource, Vs};

    #[test]
    fn a_simulated_number_is_within_its_limits() {
        let metric = |min, max| Metric {
            source: MetricSource::Host(HostField::Load),
            reading: Reading::Value,
            expect: MetricExpect { min, max, ..MetricExpect::default() },
        };
        for (min, max) in [
            (None, None),
            (Some(0.0), None),
            (None, Some(0.0)),
            (Some(-5.0), Some(-1.0)),
            (None, Some(-3.0)),
            (Some(7.0), Some(7.0)),
        ] {
            let number = number(&metric(min, max), &Baselines::new(), 5_000);
            assert!(
                min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max),
                "{min:?} {max:?}"
            );
        }
        let mut compared = metric(None, None);
        let vs =
            Vs { baseline: "c".into(), check: "a".into(), upper: Some((3.0, 1.0)), lower: Some((2.0, 0.0)) };
        compared.expect.vs = Some(vs);
        let old = crate::event::Measured { value: 10.0, shown: "10".into(), samples: 3 };
        let baselines = Baselines::from([("c".to_owned(), [("a".into(), old)].into())]);
        assert!((20.0..=31.0).contains(&number(&compared, &baselines, 0)));
    }
}
