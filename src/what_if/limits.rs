//! One recorded sample under other limits. Only what a sample holds can be judged again: its status, how long it took,
//! the processes that were seen.

use std::time::Duration;

use crate::proof::{self, Proof};
use crate::runbook::model::{HttpExpect, Metric, MetricExpect, Probe, ProcessExpect, TcpExpect};
use crate::session::telemetry::{ProcessSeen, SamplePoint, Verdict};

/// A limit of which a sample tells whether it was kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// Empty: 200 to 299.
    Status(Vec<u16>),
    /// None: it may take as long as it takes.
    Latency(Option<Duration>),
    Count(Option<u32>),
    /// Bytes.
    MaxRss(Option<u64>),
    /// Per cent of one core.
    MaxCpu(Option<f64>),
    /// What a metric's numbers are held against: the key and its value. The tracker's meter judges them again.
    Number(&'static str, Option<String>),
}

/// The limits of a probe; those of one kind have the same ones in the same order.
#[must_use]
pub fn of(probe: &Probe) -> Vec<Limit> {
    match probe {
        Probe::Http { expect, .. } => {
            vec![Limit::Status(expect.status.clone()), Limit::Latency(expect.max_latency)]
        }
        Probe::Tcp { expect, .. } if expect.open => vec![Limit::Latency(expect.max_latency)],
        Probe::Process { expect, .. } if expect.running => {
            vec![Limit::Count(expect.count), Limit::MaxRss(expect.max_rss), Limit::MaxCpu(expect.max_cpu)]
        }
        Probe::Process { expect, .. } => vec![Limit::Count(expect.count)],
        Probe::Metric(metric) => numbers(&metric.expect),
        _ => Vec::new(),
    }
}

fn numbers(expect: &MetricExpect) -> Vec<Limit> {
    vec![
        Limit::Number("max", expect.max.map(|max| max.to_string())),
        Limit::Number("min", expect.min.map(|min| min.to_string())),
        Limit::Number("window", expect.window.map(span)),
        Limit::Number("aggregate", Some(format!("{:?}", expect.aggregate()).to_lowercase())),
        Limit::Number("min_samples", Some(expect.min_samples.to_string())),
        Limit::Number("vs", expect.vs.as_ref().map(|vs| format!("{vs:?}"))),
    ]
}

/// The probe without its limits: what is left must be the same for samples of one to be judged as the other's.
#[must_use]
pub fn without(probe: &Probe) -> Probe {
    match probe.clone() {
        Probe::Http { target, expect } => {
            let expect = HttpExpect { status: Vec::new(), max_latency: None, ..expect };
            Probe::Http { target, expect }
        }
        Probe::Tcp { address, expect } if expect.open => {
            Probe::Tcp { address, expect: TcpExpect { max_latency: None, ..expect } }
        }
        Probe::Process { select, expect } if expect.running => {
            let expect = ProcessExpect { count: None, max_rss: None, max_cpu: None, ..expect };
            Probe::Process { select, expect }
        }
        Probe::Process { select, expect } => {
            Probe::Process { select, expect: ProcessExpect { count: None, ..expect } }
        }
        Probe::Metric(metric) => {
            Probe::Metric(Box::new(Metric { expect: MetricExpect::default(), ..*metric }))
        }
        other => other,
    }
}

impl Limit {
    /// What it is called in the runbook, and its value: `max_latency 500ms`.
    #[must_use]
    pub fn shown(&self) -> String {
        let (name, value) = match self {
            Self::Status(allowed) if allowed.is_empty() => ("status", Some("200 to 299".to_owned())),
            Self::Status(allowed) => {
                let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
                ("status", Some(list.join(", ")))
            }
            Self::Latency(max) => ("max_latency", max.map(span)),
            Self::Count(count) => ("count", count.map(|count| count.to_string())),
            Self::MaxRss(max) => ("max_rss", max.map(proof::bytes)),
            Self::MaxCpu(max) => ("max_cpu", max.map(|max| format!("{max}"))),
            Self::Number(name, value) => (*name, value.clone()),
        };
        format!("{name} {}", value.unwrap_or_else(|| "no limit".to_owned()))
    }

    /// Whether a reason names it as what was not met first.
    fn is_named(&self, reason: &str) -> bool {
        let Some((_, expected)) = reason.split_once("(expected: ") else { return false };
        match self {
            Self::Status(_) => expected.starts_with("status is "),
            Self::Latency(_) => {
                expected.starts_with("answer within ") || expected.starts_with("connects within ")
            }
            Self::Count(_) => expected.contains(" processes)"),
            Self::MaxRss(_) => expected.contains(" of memory)"),
            Self::MaxCpu(_) => expected.contains(" of a core)"),
            Self::Number(..) => false,
        }
    }

    /// Whether a sample kept it; `None` where there is no limit. The time that a sample took holds a little more than
    /// the answer itself: milliseconds.
    fn kept(&self, point: &SamplePoint, processes: &[ProcessSeen]) -> Option<Proof> {
        Some(match self {
            Self::Number(..) => return None,
            Self::Status(allowed) => {
                let status = point.value.as_deref().and_then(|value| value.parse::<u16>().ok());
                let met = status.is_some_and(|status| match allowed.as_slice() {
                    [] => (200..300).contains(&status),
                    list => list.contains(&status),
                });
                let seen = status.map_or("no status".to_owned(), |status| format!("status {status}"));
                Proof::new(self.shown(), met, seen)
            }
            Self::Latency(max) => {
                let took = Duration::from_millis(point.took_ms.into());
                let expected = format!("answer within {}", span((*max)?));
                Proof::new(expected, took <= (*max)?, format!("after {} ms", point.took_ms))
            }
            Self::Count(count) => {
                let count = (*count)?;
                let met = u32::try_from(processes.len()).is_ok_and(|seen| seen == count);
                Proof::new(format!("{count} processes"), met, format!("{} processes", processes.len()))
            }
            Self::MaxRss(max) => {
                let max = (*max)?;
                let most = processes.iter().map(|p| p.rss).max();
                let seen = most.map_or("no process, which is no data".to_owned(), proof::bytes);
                let met = most.is_some_and(|rss| rss > 0 && rss <= max);
                Proof::new(format!("at most {} of memory", proof::bytes(max)), met, seen)
            }
            Self::MaxCpu(max) => {
                let max = (*max)?;
                let all: Option<Vec<f64>> = processes.iter().map(|p| p.cpu).collect();
                let most = all.into_iter().flatten().reduce(f64::max);
                let seen =
                    most.map_or("not measured, which is no data".to_owned(), |cpu| format!("{cpu:.0} %"));
                let met = most.is_some_and(|cpu| cpu <= max);
                Proof::new(format!("at most {max} % of a core"), met, seen)
            }
        })
    }
}

/// The sample as it would have been judged. What was not observed stays so; what failed for anything else than a limit
/// stays failed.
#[must_use]
pub fn judge(old: &[Limit], new: &[Limit], point: &SamplePoint, processes: &[ProcessSeen]) -> SamplePoint {
    let observed = matches!(point.verdict, Verdict::Pass | Verdict::Failed);
    if !observed || old == new {
        return point.clone();
    }
    let passed = point.verdict == Verdict::Pass;
    if !passed {
        let broke = |limit: &&Limit| limit.kept(point, processes).is_some_and(|proof| !proof.met);
        let broken = old.iter().filter(broke).count();
        let of_a_limit = old.iter().any(|limit| limit.is_named(&point.reason));
        if !of_a_limit || unmet(&point.reason) > broken.max(1) {
            return point.clone();
        }
    }
    let proofs: Vec<Proof> = old
        .iter()
        .zip(new)
        // What the same limit said is known; what it is held against now was measured a little otherwise.
        .filter(|(old, new)| old != new || !passed)
        .filter_map(|(_, new)| new.kept(point, processes))
        .collect();
    let why = if proofs.is_empty() { None } else { proof::why_not(&proofs) };
    let verdict = if why.is_none() { Verdict::Pass } else { Verdict::Failed };
    SamplePoint { verdict, reason: why.unwrap_or_default(), ..point.clone() }
}

/// How many expectations were not met, as `proof::why_not` tells it.
fn unmet(reason: &str) -> usize {
    let more = reason.strip_suffix(" more)").and_then(|text| text.rsplit_once(" (and "));
    1 + more.and_then(|(_, n)| n.parse::<usize>().ok()).unwrap_or(0)
}

fn span(duration: Duration) -> String {
    proof::span(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
