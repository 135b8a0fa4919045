//! Whether something was quick enough: within a time, or within what another step took, scaled.

use std::collections::BTreeMap;

use super::{Proof, span};
use crate::runbook::StepId;
use crate::runbook::model::MaxDuration;

/// Judges what something took; `measured` are the times of the steps that it may be held against. A time that nobody
/// knows, of either, is no data and never met.
#[must_use]
pub fn duration(most: &MaxDuration, took_ms: Option<u64>, measured: &BTreeMap<StepId, u64>) -> Proof {
    let (expected, limit) = match most {
        MaxDuration::Time(time) => {
            let limit = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            (format!("it takes at most {}", span(limit)), Ok(limit))
        }
        MaxDuration::OfStep { step, times, plus } => {
            let plus_ms = u64::try_from(plus.as_millis()).unwrap_or(u64::MAX);
            let plus = if plus_ms == 0 { String::new() } else { format!(" + {}", span(plus_ms)) };
            let expected = format!("it takes at most {times} × {step}{plus}");
            let none = || {
                format!("{step} has not passed in this session, so that there is nothing to hold it against")
            };
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "milliseconds"
            )]
            let limit = measured.get(step).map(|ms| (*ms as f64 * times) as u64 + plus_ms).ok_or_else(none);
            (expected, limit)
        }
    };
    let (met, seen) = match (took_ms, limit) {
        (_, Err(why)) => (false, why),
        (None, _) => (false, "how long it took is not known".to_owned()),
        (Some(took), Ok(limit)) => (took <= limit, format!("{took} ms of {limit} ms")),
    };
    Proof::new(expected, met, seen)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_that_nobody_knows_is_never_met() {
        let second = MaxDuration::Time(Duration::from_secs(1));
        let none = BTreeMap::new();
        assert!(duration(&second, Some(1_000), &none).met);
        assert!(!duration(&second, Some(1_001), &none).met);
        assert!(!duration(&second, None, &none).met);
        let plus = Duration::from_millis(500);
        let scaled = MaxDuration::OfStep { step: "prepare.start-c".into(), times: 3.0, plus };
        assert!(!duration(&scaled, Some(0), &none).met);
        let known = [(StepId::from("prepare.start-c"), 1_000)].into();
        assert!(duration(&scaled, Some(3_500), &known).met);
        let late = duration(&scaled, Some(3_501), &known);
        assert_eq!(late.expected, "it takes at most 3 × prepare.start-c + 500 ms");
        assert_eq!((late.met, late.seen.as_str()), (false, "3501 ms of 3500 ms"));
    }
}
