//! Samples, silence and fences, and what the tracker makes of them.

use super::*;
use crate::runbook::model::{HostField, Metric, MetricExpect, MetricSource, Probe, Reading, TcpExpect};
use crate::session::telemetry::{SamplePoint, Verdict};

pub fn check(id: &str, set: impl FnOnce(&mut Check)) -> Check {
    let expect =
        TcpExpect { open: true, max_latency: None, text: crate::runbook::model::TextExpect::default() };
    let mut check = Check {
        id: id.into(),
        title: id.into(),
        applies: true,
        probe: Probe::Tcp { address: "127.0.0.1:1".into(), expect },
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(3),
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 1,
        unit: None,
        advisory: false,
    };
    set(&mut check);
    check
}

fn any(id: &str, members: &[&str]) -> Check {
    check(id, |c| c.probe = Probe::Any(members.iter().map(|m| CheckId::from(*m)).collect()))
}

fn tracker(checks: &[Check], now: u64) -> Tracker {
    let mut tracker = Tracker::new(checks);
    tracker.poll(&checks.iter().map(|c| c.id.clone()).collect(), now);
    tracker
}

fn taken(id: &str, begun: u64, verdict: Verdict) -> Sample {
    let reason = if verdict == Verdict::Pass { String::new() } else { "status 503".to_owned() };
    let point = SamplePoint {
        up_ms: begun,
        took_ms: 5,
        verdict,
        value: Some("503".into()),
        number: None,
        judged: None,
        reason,
    };
    Sample { check: id.into(), point, processes: Vec::new() }
}

/// Feeds samples that begin at these moments; gives the health after each.
fn feed(tracker: &mut Tracker, id: &str, samples: &[(u64, Verdict)]) -> Vec<Health> {
    let mut health = Vec::new();
    for (begun, verdict) in samples {
        tracker.sample(&taken(id, *begun, *verdict), begun + 5);
        health.push(tracker.health(&id.into()));
    }
    health
}

use Health::{Failing, Idle, Ok as Green, Pending, Stale};
use Verdict::{Error, Failed, Pass, Pending as Early};

#[test]
fn thresholds_count_samples_in_a_row() {
    let mut t = tracker(&[check("a", |c| c.success_threshold = 2)], 0);
    let samples = [
        (0, Pass),
        (10, Pass),
        (20, Failed),
        (30, Failed),
        (40, Pass),
        (50, Failed),
        (60, Error),
        (70, Failed),
        (80, Pass),
        (90, Pass),
    ];
    assert_eq!(
        feed(&mut t, "a", &samples),
        [Pending, Green, Green, Green, Green, Green, Green, Failing, Failing, Green]
    );
}

#[test]
fn a_change_says_why_and_since_the_first_sample_of_its_streak() {
    let mut t = tracker(&[check("a", |_| {})], 0);
    feed(&mut t, "a", &[(0, Pass), (10, Failed), (20, Failed)]);
    let change = t.sample(&taken("a", 30, Error), 35).remove(0);
    assert_eq!((change.from, change.to, change.since), (Green, Failing, 10));
    assert_eq!(change.reason, "error: status 503 (3 in a row)");
    assert_eq!(change.value.as_deref(), Some("503"));
    assert_eq!(t.bad_since(&"a".into()), Some(10));
}

#[test]
fn the_old_systems_last_good_answer_proves_nothing_after_the_fence() {
    let mut t = tracker(&[check("a", |_| {})], 0);
    feed(&mut t, "a", &[(0, Pass)]);
    assert_eq!(t.due(1_000), [CheckId::from("a")]);
    let change = t.fence(&"a".into(), 1_010).remove(0);
    assert_eq!((change.from, change.to, &*change.reason), (Green, Pending, "fence"));
    assert!(t.due(1_011).is_empty(), "one is still under way");
    assert!(t.sample(&taken("a", 1_000, Pass), 1_020).is_empty(), "it began before the fence");
    assert!(t.sample(&taken("a", 1_010, Pass), 1_020).is_empty(), "it did not begin after it");
    assert_eq!(t.health(&"a".into()), Pending);
    assert_eq!(t.due(1_030), [CheckId::from("a")], "at once, not a period later");
    assert_eq!(t.sample(&taken("a", 1_030, Pass), 1_040)[0].to, Green);
}

#[test]
fn a_fence_breaks_good_rows_and_leaves_a_failing_check_failing() {
    let mut t = tracker(&[check("a", |c| c.success_threshold = 2)], 0);
    feed(&mut t, "a", &[(0, Pass)]);
    t.fence(&"a".into(), 10);
    assert_eq!(feed(&mut t, "a", &[(20, Pass), (30, Pass)]), [Pending, Green]);
    feed(&mut t, "a", &[(40, Failed), (50, Failed), (60, Failed)]);
    assert!(t.fence(&"a".into(), 70).is_empty());
    assert_eq!(t.bad_since(&"a".into()), Some(40), "no trigger is put off");
    assert_eq!(feed(&mut t, "a", &[(80, Pass), (90, Pass)]), [Failing, Green]);
}

#[test]
fn the_initial_delay_counts_from_the_fence() {
    let mut t = tracker(&[check("a", |c| c.initial_delay = Duration::from_secs(5))], 0);
    assert!(t.due(4_999).is_empty());
    assert_eq!(t.due(5_000).len(), 1);
    t.sample(&taken("a", 5_000, Pass), 5_010);
    t.fence(&"a".into(), 6_000);
    assert!(t.due(11_000).is_empty());
    assert!(t.sample(&taken("a", 7_000, Failed), 7_010).is_empty());
    assert_eq!(t.due(11_001).len(), 1);
}

#[test]
fn silence_for_three_periods_is_stale_and_breaks_the_row() {
    let mut t = tracker(&[check("a", |c| c.failure_threshold = 2)], 0);
    feed(&mut t, "a", &[(0, Pass), (10_000, Failed)]);
    assert_eq!(t.next_deadline(), Some(40_005));
    assert!(t.tick(40_004).is_empty());
    let change = t.tick(60_000).remove(0);
    assert_eq!((change.to, change.since), (Stale, 40_005));
    assert_eq!(t.next_deadline(), None);
    assert_eq!(feed(&mut t, "a", &[(60_000, Failed), (70_000, Failed)]), [Pending, Failing]);
    let late = t.sample(&taken("a", 200_000, Pass), 200_005);
    assert_eq!(
        late.iter().map(|c| c.to).collect::<Vec<_>>(),
        [Stale, Green],
        "a gap is seen, whoever comes first"
    );
}

#[test]
fn a_sample_that_comes_too_early_to_judge_is_never_green_and_leaves_what_is_failing() {
    let mut t = tracker(&[check("a", |c| c.failure_threshold = 2)], 0);
    let samples = [(0, Early), (10, Pass), (20, Early), (30, Failed), (40, Early), (50, Failed)];
    assert_eq!(feed(&mut t, "a", &samples), [Pending, Green, Pending, Pending, Pending, Pending]);
    assert_eq!(feed(&mut t, "a", &[(60, Error), (70, Early)]), [Failing, Failing]);
    assert_eq!(t.bad_since(&"a".into()), Some(50));
    assert_eq!(t.next_deadline(), Some(30_075), "it was heard of");
}

#[test]
fn a_pending_check_that_is_never_heard_of_is_stale() {
    let mut t = tracker(&[check("a", |_| {})], 0);
    t.due(0);
    assert_eq!(t.tick(30_000)[0].to, Stale);
}

#[test]
fn polling_starts_and_stops() {
    let checks = [check("a", |_| {}), check("b", |_| {}), check("off", |c| c.applies = false)];
    let mut t = Tracker::new(&checks);
    assert!(t.due(0).is_empty());
    let changes = t.poll(&["a".into(), "off".into()].into(), 0);
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (t.health(&"a".into()), t.health(&"b".into()), t.health(&"off".into())),
        (Pending, Idle, Idle)
    );
    feed(&mut t, "a", &[(0, Pass)]);
    assert!(t.poll(&["a".into()].into(), 10).is_empty(), "what is polled goes on");
    assert_eq!(t.poll(&["b".into()].into(), 20)[0].to, Idle);
    assert!(t.sample(&taken("a", 15, Failed), 25).is_empty());
    t.poll(&["a".into()].into(), 30);
    assert_eq!(t.health(&"a".into()), Pending, "what it was before proves nothing now");
}

#[test]
fn no_two_samples_of_one_check_are_under_way() {
    let mut t = tracker(&[check("a", |c| c.period = Duration::from_secs(1))], 0);
    assert_eq!(t.due(0).len(), 1);
    assert!(t.due(5_000).is_empty());
    assert_eq!(t.next_due(5_000), None);
    t.sample(&taken("a", 0, Pass), 5_000);
    assert_eq!(t.due(5_000).len(), 1, "overdue: at once");
    t.sample(&taken("a", 5_000, Pass), 5_005);
    assert!(t.due(5_999).is_empty());
    assert_eq!(t.next_due(5_005), Some(6_000));
    assert_eq!(t.due(6_010).len(), 1);
    t.sample(&taken("a", 6_010, Pass), 6_015);
    assert_eq!(t.next_due(6_015), Some(7_000), "a late start does not drift");
}

#[test]
fn many_starts_are_spread_and_stay_so() {
    let checks: Vec<Check> =
        (0..200).map(|i| check(&format!("c{i}"), |c| c.period = Duration::from_secs(1))).collect();
    let mut t = tracker(&checks, 0);
    let mut begun = std::collections::HashMap::<CheckId, Vec<u64>>::new();
    let mut now = 0;
    while now < 5_000 {
        let due = t.due(now);
        assert!(due.len() <= 16);
        for id in due {
            begun.entry(id.clone()).or_default().push(now);
            t.sample(&taken(id.as_str(), now, Pass), now);
        }
        now = t.next_due(now).unwrap();
    }
    for starts in begun.values() {
        assert_eq!(starts.len(), 5);
        assert!(starts.windows(2).all(|w| w[1] - w[0] == 1_000), "{starts:?}");
    }
}

#[test]
fn a_thousand_checks_a_second_keep_their_rate() {
    let checks: Vec<Check> =
        (0..1_000).map(|i| check(&format!("c{i}"), |c| c.period = Duration::from_secs(1))).collect();
    let mut t = tracker(&checks, 0);
    let (mut now, mut started) = (0, 0);
    while now < 10_000 {
        for id in t.due(now) {
            started += 1;
            t.sample(&taken(id.as_str(), now, Pass), now);
        }
        now = t.next_due(now).unwrap();
    }
    assert_eq!(started, 10_000);
}

#[test]
fn any_is_green_while_one_of_its_members_is() {
    let mut t = Tracker::new(&[
        check("a", |_| {}),
        check("b", |c| c.failure_threshold = 1),
        any("both", &["a", "b"]),
    ]);
    t.poll(&["both".into()].into(), 0);
    let both = |t: &Tracker| t.health(&"both".into());
    assert_eq!((both(&t), t.health(&"a".into())), (Pending, Pending), "its members are polled with it");
    assert_eq!(t.due(0), [CheckId::from("a"), CheckId::from("b")]);
    feed(&mut t, "b", &[(0, Failed)]);
    assert_eq!(both(&t), Pending);
    feed(&mut t, "a", &[(0, Pass)]);
    assert_eq!(both(&t), Green);
    feed(&mut t, "b", &[(10, Pass)]);
    feed(&mut t, "a", &[(10, Failed), (20, Failed), (30, Failed)]);
    assert_eq!(both(&t), Green);
    let changes = t.sample(&taken("b", 40, Failed), 45);
    assert_eq!(
        changes.iter().map(|c| (c.check.as_str(), c.to)).collect::<Vec<_>>(),
        [("b", Failing), ("both", Failing)]
    );
    assert_eq!(t.bad_since(&"both".into()), Some(40));
    feed(&mut t, "a", &[(50, Pass)]);
    assert_eq!(both(&t), Green);
    let fenced = t.fence(&"both".into(), 60);
    assert_eq!((both(&t), t.health(&"a".into())), (Pending, Pending));
    assert_eq!(fenced.len(), 2);
    t.poll(&BTreeSet::new(), 70);
    assert_eq!((both(&t), t.health(&"a".into())), (Idle, Idle));
}

fn metric(id: &str, source: MetricSource, expect: MetricExpect) -> Check {
    let metric = Metric { source, reading: Reading::Value, expect };
    check(id, |c| c.probe = Probe::Metric(Box::new(metric)))
}

fn looked(id: &str, begun: u64, took_ms: u32, verdict: Verdict) -> Sample {
    let mut sample = taken(id, begun, verdict);
    sample.point.took_ms = took_ms;
    sample
}

#[test]
fn a_latency_lives_on_the_looks_of_the_check_that_it_follows() {
    let expect = MetricExpect { max: Some(100.0), min_samples: 1, ..MetricExpect::default() };
    let slow = metric("slow", MetricSource::Latency("a".into()), expect);
    let mut t = Tracker::new(&[check("a", |_| {}), slow]);
    t.poll(&["slow".into()].into(), 0);
    assert_eq!(t.health(&"a".into()), Pending, "it is polled with it");
    assert_eq!(t.due(0), [CheckId::from("a")], "it has no looks of its own");
    let first = t.take(looked("a", 0, 40, Pass), 40);
    let made = &first.samples[1];
    assert_eq!((made.check.as_str(), made.point.number, made.point.verdict), ("slow", Some(40.0), Pass));
    assert_eq!(made.point.value.as_deref(), Some("40 ms"));
    assert_eq!((t.health(&"a".into()), t.health(&"slow".into())), (Green, Green));
    let second = t.take(looked("a", 10_000, 400, Failed), 10_400);
    assert_eq!(second.samples[1].point.reason, "400 ms, and the most is 100 ms");
    let third = t.take(looked("a", 20_000, 1, Error), 20_001);
    let point = &third.samples[1].point;
    assert_eq!((point.verdict, point.number, &*point.reason), (Error, None, "a: status 503"));
    t.fence(&"slow".into(), 30_000);
    assert_eq!((t.health(&"a".into()), t.health(&"slow".into())), (Green, Pending));
}

#[test]
fn numbers_from_before_the_fence_make_nothing_green() {
    let expect =
        MetricExpect { window: Some(Duration::from_secs(60)), min_samples: 2, ..MetricExpect::default() };
    let mut t = tracker(&[metric("m", MetricSource::Host(HostField::Load), expect)], 0);
    let mut look = |begun: u64| {
        let mut sample = taken("m", begun, Early);
        sample.point.number = Some(1.0);
        let taken = t.take(sample, begun + 5);
        if begun == 20_000 {
            t.fence(&"m".into(), 25_000);
        }
        (taken.samples[0].point.verdict, taken.changes.first().map(|change| change.to))
    };
    assert_eq!(look(0), (Early, None));
    assert_eq!(look(10_000), (Pass, Some(Green)));
    assert_eq!(look(20_000), (Pass, None));
    assert_eq!(look(25_000), (Early, None), "it did not begin after the fence");
    assert_eq!(look(30_000), (Early, None));
    assert_eq!(look(40_000), (Pass, Some(Green)));
}

#[test]
fn bad_samples_are_counted_within_a_window() {
    let mut t = tracker(&[check("a", |_| {})], 0);
    feed(&mut t, "a", &[(0, Failed), (10_000, Pass), (20_000, Error), (30_000, Pass), (40_000, Failed)]);
    let count = |seconds| t.bad_within(&"a".into(), Duration::from_secs(seconds), 50_000);
    assert_eq!((count(5), count(10), count(30), count(60)), (0, 1, 2, 3));
}

#[test]
fn a_stale_check_that_is_fenced_may_become_stale_again() {
    let mut tracker = tracker(&[check("a", |_| {})], 0);
    tracker.tick(60_000);
    assert_eq!(tracker.health(&"a".into()), Health::Stale);
    tracker.fence(&"a".into(), 60_000);
    assert_eq!(tracker.health(&"a".into()), Health::Pending);
    let changes = tracker.tick(120_000);
    assert_eq!(changes.iter().map(|change| change.to).collect::<Vec<_>>(), [Health::Stale]);
}
