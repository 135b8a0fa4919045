//! A line of `telemetry.jsonl`: `{"after":SEQ,"up_ms":…,"s":[[check,outcome,value,ms,ago,more],…]}`.
//!
//! `after` is the last event's number and `up_ms` the boot clock when the line was written. Of each sample: how long it
//! took, how long before `up_ms` it began, and, only where there is any of it, `{"n":…,"j":…,"why":…,"p":[…]}`: its number
//! where the value is not that number's own text, what the numbers make that a metric is judged by, why it was not good, and the processes seen
//! (`[pid,start_time,name,cpu,rss,up_ms]`).

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::event::Identity;
use crate::runbook::CheckId;
use crate::session::telemetry::{Measure, ProcessSeen, SamplePoint, Verdict};

/// A line as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub after: u64,
    pub up_ms: u64,
    pub s: Vec<Kept>,
}

/// One sample of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    check: CheckId,
    verdict: Verdict,
    value: Option<String>,
    took_ms: u32,
    /// Milliseconds from its beginning to when the line was written; until then, when it began.
    ago_ms: u64,
    more: More,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct More {
    /// `None` where the value says it: `Some(None)` is a value that is no number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    n: Option<Option<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    j: Option<f64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    p: Vec<Process>,
}

/// `[pid, start_time, name, cpu, rss, up_ms]`.
type Process = (u32, u64, String, Option<f64>, u64, u64);

/// A key that is there is `Some`, whatever it holds.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn as_number(value: Option<&str>) -> Option<f64> {
    value.and_then(|value| value.parse().ok()).filter(|number: &f64| number.is_finite())
}

impl Kept {
    /// What is kept of a measure; `None` where it is no sample.
    pub fn of(measure: &Measure) -> Option<Self> {
        let Measure::Sample { check, point, processes } = measure else { return None };
        let number = point.number.filter(|number| number.is_finite());
        let processes = processes.iter();
        let more = More {
            n: (number != as_number(point.value.as_deref())).then_some(number),
            j: point.judged.filter(|number| number.is_finite()),
            why: point.reason.clone(),
            p: processes
                .map(|p| (p.identity.pid, p.identity.start_time, p.name.clone(), p.cpu, p.rss, p.up_ms))
                .collect(),
        };
        Some(Self {
            check: check.clone(),
            verdict: point.verdict,
            value: point.value.clone(),
            took_ms: point.took_ms,
            ago_ms: point.up_ms,
            more,
        })
    }

    /// The sample as it goes into a line that is written at `up_ms`.
    pub fn written_at(self, up_ms: u64) -> Self {
        Self { ago_ms: up_ms.saturating_sub(self.ago_ms), ..self }
    }

    /// The sample of a line that was written at `up_ms`, in the boot of that name.
    pub fn into_measure(self, up_ms: u64, boot_id: &str) -> Measure {
        let number = self.more.n.unwrap_or_else(|| as_number(self.value.as_deref()));
        let point = SamplePoint {
            up_ms: up_ms.saturating_sub(self.ago_ms),
            took_ms: self.took_ms,
            verdict: self.verdict,
            value: self.value,
            number,
            judged: self.more.j,
            reason: self.more.why,
        };
        let process = |(pid, start_time, name, cpu, rss, up_ms): Process| ProcessSeen {
            identity: Identity { pid, start_time, boot_id: boot_id.to_owned() },
            name,
            cpu,
            rss,
            up_ms,
        };
        Measure::Sample {
            check: self.check,
            point,
            processes: self.more.p.into_iter().map(process).collect(),
        }
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let more = (self.more != More::default()).then_some(&self.more);
        let mut seq = to.serialize_seq(Some(5 + usize::from(more.is_some())))?;
        seq.serialize_element(&self.check)?;
        seq.serialize_element(&self.verdict)?;
        seq.serialize_element(&self.value)?;
        seq.serialize_element(&self.took_ms)?;
        seq.serialize_element(&self.ago_ms)?;
        if let Some(more) = more {
            seq.serialize_element(more)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Kept;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("[check, outcome, value, ms, ago, more]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Kept, A::Error> {
                let short = |at: usize| serde::de::Error::invalid_length(at, &"a sample");
                Ok(Kept {
                    check: seq.next_element()?.ok_or_else(|| short(0))?,
                    verdict: seq.next_element()?.ok_or_else(|| short(1))?,
                    value: seq.next_element()?.ok_or_else(|| short(2))?,
                    took_ms: seq.next_element()?.ok_or_else(|| short(3))?,
                    // Lines of the first builds end here: they were written within a second of the sample.
                    ago_ms: seq.next_element()?.unwrap_or(0),
                    more: seq.next_element()?.unwrap_or_default(),
                })
            }
        }

        from.deserialize_seq(Reader)
    }
}
