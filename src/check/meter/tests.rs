use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::runbook::model::{HostField, MetricSource};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn meter(reading: Reading, expect: MetricExpect) -> Meter {
    let metric = Metric { source: MetricSource::Host(HostField::Load), reading, expect };
    let mut check = crate::check::tracker::tests::check("m", |_| {});
    check.probe = Probe::Metric(Box::new(metric));
    Meter::of(&check).expect("it is a metric")
}

fn expect() -> MetricExpect {
    MetricExpect { min_samples: 1, ..MetricExpect::default() }
}

fn over(seconds: u64, aggregate: Aggregate) -> MetricExpect {
    MetricExpect { window: Some(secs(seconds)), aggregate: Some(aggregate), ..expect() }
}

fn point(up_ms: u64, number: f64) -> SamplePoint {
    let reason = "it was not judged yet".to_owned();
    SamplePoint {
        up_ms,
        took_ms: 1,
        verdict: Verdict::Pending,
        value: None,
        number: Some(number),
        judged: None,
        reason,
    }
}

fn compared(meter: &mut Meter, at: u64, number: f64, baselines: &Baselines) -> SamplePoint {
    let mut point = point(at, number);
    meter.judge(&mut point, baselines);
    point
}

fn judged(meter: &mut Meter, at: u64, number: f64) -> SamplePoint {
    compared(meter, at, number, &Baselines::new())
}

/// The verdicts of numbers that come a second apart.
fn verdicts(meter: &mut Meter, numbers: &[f64]) -> Vec<Verdict> {
    let each = numbers.iter().enumerate();
    each.map(|(i, number)| judged(meter, 1000 * (i as u64 + 1), *number).verdict).collect()
}

/// What the numbers make, as it is shown.
fn made(meter: &mut Meter, numbers: &[f64]) -> String {
    let each = numbers.iter().enumerate();
    let last = each.map(|(i, number)| judged(meter, 1000 * (i as u64 + 1), *number)).last();
    last.and_then(|point| point.value).unwrap_or_else(|| "-".to_owned())
}

use Verdict::{Error, Failed, Pass, Pending};

#[test]
fn a_number_is_judged_by_its_limits_and_stays_as_it_was_read() {
    let mut meter = meter(Reading::Value, MetricExpect { min: Some(1.0), max: Some(2.0), ..expect() });
    assert_eq!(verdicts(&mut meter, &[1.0, 2.0, 2.1, 0.9]), [Pass, Pass, Failed, Failed]);
    let high = judged(&mut meter, 9_000, 2.5);
    assert_eq!((high.number, high.value.as_deref()), (Some(2.5), Some("2.5")));
    assert_eq!(high.reason, "2.5, and the most is 2");
    assert_eq!(judged(&mut meter, 10_000, 1.5).reason, "");
}

#[test]
fn what_is_no_number_is_an_error_and_what_has_none_stays_as_it_is() {
    let mut meter = meter(Reading::Value, expect());
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(judged(&mut meter, 1_000, number).verdict, Error);
    }
    let mut error =
        SamplePoint { number: None, verdict: Error, reason: "refused".into(), ..point(1_000, 0.0) };
    let before = error.clone();
    meter.judge(&mut error, &Baselines::new());
    assert_eq!(error, before);
}

#[test]
fn a_limit_that_is_no_number_is_never_met() {
    for limit in [f64::NAN, f64::NEG_INFINITY] {
        let mut meter = meter(Reading::Value, MetricExpect { max: Some(limit), ..expect() });
        assert_eq!(judged(&mut meter, 1_000, 0.0).verdict, Failed);
    }
}

#[test]
fn a_rate_takes_two_looks_and_is_per_second() {
    let mut meter = meter(Reading::Rate, MetricExpect { max: Some(2.0), ..expect() });
    let first = judged(&mut meter, 0, 100.0);
    assert_eq!((first.verdict, &*first.reason), (Pending, "a rate takes a second look"));
    let second = judged(&mut meter, 2_000, 103.0);
    assert_eq!((second.verdict, second.value.as_deref(), second.number), (Pass, Some("1.5/s"), Some(103.0)));
    assert_eq!(judged(&mut meter, 3_000, 106.0).verdict, Failed);
}

#[test]
fn a_counter_that_fell_was_reset_and_began_at_0() {
    let mut rate = meter(Reading::Rate, expect());
    assert_eq!(made(&mut rate, &[100.0, 4.0]), "4/s");
    let mut delta = meter(Reading::Delta, expect());
    assert_eq!(made(&mut delta, &[100.0, 103.0, 2.0, 5.0]), "8");
    assert_eq!(judged(&mut delta, 9_000, -1.0).verdict, Error, "no counter is below 0");
}

#[test]
fn a_delta_counts_from_the_first_look_in_the_stage_whatever_is_fenced() {
    let mut meter = meter(Reading::Delta, MetricExpect { max: Some(3.0), ..expect() });
    assert_eq!(verdicts(&mut meter, &[50.0, 52.0]), [Pass, Pass]);
    meter.fence();
    let after = judged(&mut meter, 5_000, 54.0);
    assert_eq!((after.verdict, &*after.reason), (Failed, "4, and the most is 3"));
    meter.enter_stage();
    assert_eq!(judged(&mut meter, 6_000, 54.0).value.as_deref(), Some("0"));
    judged(&mut meter, 7_000, 57.0);
    meter.start();
    assert_eq!(judged(&mut meter, 8_000, 57.0).value.as_deref(), Some("0"));
}

#[test]
fn what_was_read_before_the_fence_is_judged_no_more() {
    let mut rate = meter(Reading::Rate, expect());
    judged(&mut rate, 1_000, 5.0);
    rate.fence();
    assert_eq!(judged(&mut rate, 2_000, 9.0).verdict, Pending);
    let mut mean = meter(Reading::Value, MetricExpect { min_samples: 2, ..over(60, Aggregate::Mean) });
    assert_eq!(verdicts(&mut mean, &[100.0, 100.0]), [Pending, Pass]);
    mean.fence();
    assert_eq!(judged(&mut mean, 3_000, 1.0).verdict, Pending);
    assert_eq!(judged(&mut mean, 4_000, 3.0).value.as_deref(), Some("2"));
}

#[test]
fn too_few_numbers_are_no_verdict() {
    let expect = MetricExpect { max: Some(9.0), min_samples: 3, ..over(10, Aggregate::Mean) };
    let mut meter = meter(Reading::Value, expect);
    assert_eq!(verdicts(&mut meter, &[1.0, 1.0, 1.0]), [Pending, Pending, Pass]);
    let late = judged(&mut meter, 20_000, 1.0);
    assert_eq!((late.verdict, &*late.reason), (Pending, "1 of 3 numbers in 10s"), "the others are too old");
}

#[test]
fn each_aggregate_makes_what_it_says() {
    let numbers = [4.0, 1.0, 3.0, 2.0, 10.0];
    for (aggregate, wanted) in [
        (Aggregate::Last, "10"),
        (Aggregate::Mean, "4"),
        (Aggregate::Min, "1"),
        (Aggregate::Max, "10"),
        (Aggregate::P50, "3"),
        (Aggregate::P95, "10"),
        (Aggregate::P99, "10"),
        (Aggregate::Slope(secs(1)), "1.3/1s"),
    ] {
        assert_eq!(made(&mut meter(Reading::Value, over(60, aggregate)), &numbers), wanted, "{aggregate:?}");
    }
    let steady: Vec<f64> = (0..100).map(f64::from).collect();
    let hundred = over(1000, Aggregate::P95);
    assert_eq!(made(&mut meter(Reading::Value, hundred), &steady), "94");
    let slope = over(1000, Aggregate::Slope(secs(3600)));
    assert_eq!(made(&mut meter(Reading::Value, slope), &steady), "3600/1h");
}

#[test]
fn one_number_has_no_slope() {
    let mut meter = meter(Reading::Value, over(60, Aggregate::Slope(secs(60))));
    assert_eq!(verdicts(&mut meter, &[1.0, 1.0]), [Pending, Pass]);
}

#[test]
fn the_mean_of_a_rate_is_the_whole_rise_by_the_whole_time() {
    let mut meter = meter(Reading::Rate, over(60, Aggregate::Mean));
    judged(&mut meter, 0, 0.0);
    judged(&mut meter, 1_000, 9.0);
    assert_eq!(judged(&mut meter, 10_000, 10.0).value.as_deref(), Some("1/s"));
}

fn baseline(old: f64) -> Baselines {
    let old = Measured { value: old, shown: old.to_string(), samples: 5 };
    Baselines::from([("c".to_owned(), [("m".into(), old)].into())])
}

#[test]
fn a_comparison_has_two_sides_and_says_its_headroom() {
    let vs = Vs { baseline: "c".into(), check: "m".into(), upper: Some((3.0, 5.0)), lower: Some((0.5, 1.0)) };
    let mut meter = meter(Reading::Value, MetricExpect { vs: Some(vs), ..expect() });
    let old = baseline(10.0);
    for (number, verdict, said) in
        [(35.0, Pass, "35, headroom 0"), (20.0, Pass, "20, headroom 15"), (4.0, Pass, "4, headroom 0")]
    {
        let point = compared(&mut meter, 1_000, number, &old);
        assert_eq!((point.verdict, point.value.as_deref()), (verdict, Some(said)), "{number}");
    }
    for (number, said) in [
        (35.1, "35.1, and the most is 35: the old system had 10"),
        (3.9, "3.9, and the least is 4: the old system had 10"),
    ] {
        let point = compared(&mut meter, 1_000, number, &old);
        assert_eq!((point.verdict, &*point.reason), (Failed, said));
    }
}

#[test]
fn without_its_baseline_a_comparison_is_no_verdict() {
    let vs = Vs { baseline: "c".into(), check: "m".into(), upper: Some((2.0, 0.0)), lower: None };
    let mut meter = meter(Reading::Value, MetricExpect { vs: Some(vs), ..expect() });
    let point = judged(&mut meter, 1_000, 0.0);
    assert_eq!((point.verdict, &*point.reason), (Pending, "the baseline c of m was not taken"));
    assert_eq!(compared(&mut meter, 2_000, 0.0, &baseline(f64::NAN)).verdict, Pending);
}

#[test]
fn what_is_measured_has_enough_numbers_of_its_own_time() {
    let mut meter = meter(Reading::Value, expect());
    meter.keep(secs(60));
    for at in [1_000, 2_000, 3_000, 4_000] {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        judged(&mut meter, at, at as f64);
    }
    let measured = meter.measured(2_000).expect("three numbers");
    assert_eq!((measured.shown.as_str(), measured.samples), ("3000", 3));
    assert_eq!(meter.measured(3_000), Err("2 of 3 numbers were read".to_owned()));
    assert_eq!(meter.measured(9_000), Err("0 of 3 numbers were read".to_owned()));
}

proptest! {
    #[test]
    fn a_counter_rises_by_all_that_it_counted_however_often_it_is_reset(
        steps in prop::collection::vec((0_u32..1000, any::<bool>()), 1..60)
    ) {
        let (mut counter, mut total) = (7.0_f64, 0.0_f64);
        let mut rate = meter(Reading::Rate, over(10_000, Aggregate::Mean));
        let mut delta = meter(Reading::Delta, expect());
        judged(&mut rate, 0, counter);
        judged(&mut delta, 0, counter);
        for (i, (step, reset)) in steps.iter().enumerate() {
            let step = f64::from(*step);
            // A reset is only seen where the counter has not come as far as it was.
            if *reset && step < counter {
                counter = step;
            } else {
                counter += step;
            }
            total += step;
            let at = 1000 * (i as u64 + 1);
            judged(&mut rate, at, counter);
            judged(&mut delta, at, counter);
        }
        let seconds = steps.len() as f64;
        let mean = mean(rate.numbers.make_contiguous());
        prop_assert!((mean - total / seconds).abs() < 1e-6, "{} is not {}", mean, total / seconds);
        prop_assert_eq!(delta.risen.expect("it was read").1, total);
    }

    #[test]
    fn nothing_is_green_without_enough_numbers(
        looks in prop::collection::vec((1_u64..5_000, prop::option::of(-1e6_f64..1e6), 0_u8..12), 1..80),
        least in 1_u32..6,
        window in 1_u64..20,
        reading in prop::sample::select(vec![Reading::Value, Reading::Rate, Reading::Delta]),
        aggregate in prop::sample::select(vec![
            Aggregate::Last, Aggregate::Mean, Aggregate::Min, Aggregate::Max, Aggregate::P99,
            Aggregate::Slope(Duration::from_secs(60)),
        ]),
    ) {
        let mut meter = meter(reading, MetricExpect { min_samples: least, ..over(window, aggregate) });
        let (mut at, mut read): (u64, Vec<u64>) = (0, Vec::new());
        for (after, number, fence) in looks {
            at += after;
            if fence == 0 {
                meter.fence();
                read.clear();
            }
            let number = number.unwrap_or(f64::NAN);
            let point = judged(&mut meter, at, number);
            if number.is_finite() && (reading == Reading::Value || number >= 0.0) {
                read.push(at);
            }
            let enough = read.iter().filter(|then| **then + window * 1000 > at).count() >= least as usize;
            prop_assert!(point.verdict != Pass || (enough && number.is_finite()), "{:?}", point);
        }
    }
}
