//! Which moments of a session a recording shows, and when it shows them: what moves in its own time, what stands still
//! in a glance.

/// The least time between two screens, in milliseconds.
const FRAME_MS: u64 = 100;
/// About how many screens a recording has at most: a longer one shows fewer of them a second.
const MOST: u64 = 2_400;
/// How many screens a stretch without anything gets that is shortened: the clocks are seen to run.
const GLANCES: u64 = 4;
/// What is short enough is shown second by second.
const SECOND_MS: u64 = 1_000;

/// How fast a session is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// How many times as fast as it was.
    pub speed: f64,
    /// How long nothing may happen, in milliseconds of the recording; a longer stretch is shortened to this.
    pub idle_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speed: 1.0, idle_ms: 2_000 }
    }
}

/// A screen of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The moment that it shows, in session time.
    pub t_ms: u64,
    /// When it comes, in milliseconds of the recording.
    pub at_ms: u64,
}

/// The screens of a session in which something moved at `moments`: in session time, from the first to the last, in
/// order.
#[must_use]
pub fn frames(moments: &[u64], pace: Pace) -> Vec<Frame> {
    let mut all: Vec<Frame> = Vec::new();
    let mut at_ms = 0;
    for t_ms in moments.iter().copied() {
        let Some(last) = all.last().copied() else {
            all.push(Frame { t_ms, at_ms: 0 });
            continue;
        };
        let gap = t_ms.saturating_sub(last.t_ms);
        let played = scaled(gap, pace.speed);
        let shown = played.min(pace.idle_ms);
        let between = if shown < played { GLANCES } else { shown / SECOND_MS };
        let part =
            |whole: u64, n: u64| u64::try_from(u128::from(whole) * u128::from(n) / u128::from(between + 1));
        for n in 1..=between {
            let frame = part(gap, n).ok().zip(part(shown, n).ok());
            all.extend(frame.map(|(gap, shown)| Frame { t_ms: last.t_ms + gap, at_ms: at_ms + shown }));
        }
        at_ms += shown;
        all.push(Frame { t_ms, at_ms });
    }
    thinned(&all, FRAME_MS.max(at_ms / MOST))
}

fn scaled(ms: u64, speed: f64) -> u64 {
    // Session times are far below 2^52 ms, and a float that is too large ends at the largest number.
    (ms as f64 / speed.max(f64::MIN_POSITIVE)).round() as u64
}

/// Of screens that come within `least_ms` only the last: it shows what the others did. The first one stays.
fn thinned(all: &[Frame], least_ms: u64) -> Vec<Frame> {
    let mut kept: Vec<Frame> = Vec::new();
    for frame in all.iter().copied() {
        match kept.last_mut() {
            Some(last) if last.at_ms / least_ms == frame.at_ms / least_ms && last.at_ms > 0 => *last = frame,
            _ => kept.push(frame),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(frames: &[Frame]) -> Vec<(u64, u64)> {
        frames.iter().map(|frame| (frame.t_ms, frame.at_ms)).collect()
    }

    #[test]
    fn what_moves_keeps_its_time_and_what_stands_still_is_shortened() {
        let moments = [0, 500, 1_400, 3_400, 603_400, 603_900];
        assert_eq!(
            at(&frames(&moments, Pace::default())),
            [
                (0, 0),
                (500, 500),
                (1_400, 1_400),
                (2_066, 2_066),
                (2_733, 2_733),
                (3_400, 3_400),
                (123_400, 3_800),
                (243_400, 4_200),
                (363_400, 4_600),
                (483_400, 5_000),
                (603_400, 5_400),
                (603_900, 5_900),
            ]
        );
    }

    #[test]
    fn twice_as_fast_takes_half_the_time() {
        let pace = Pace { speed: 2.0, idle_ms: 2_000 };
        assert_eq!(at(&frames(&[0, 600, 1_200], pace)), [(0, 0), (600, 300), (1_200, 600)]);
    }

    #[test]
    fn a_session_of_a_day_has_no_more_screens_than_can_be_looked_at() {
        let moments: Vec<u64> = (0..86_400 * 5).map(|n| n * 200).collect();
        let all = frames(&moments, Pace::default());
        assert!(all.len() as u64 <= MOST + 2, "{}", all.len());
        assert_eq!(all.last().map(|frame| frame.t_ms), moments.last().copied());
    }

    proptest! {
        #[test]
        fn time_never_goes_back_and_the_ends_are_shown(
            gaps in prop::collection::vec(prop_oneof![0_u64..50, 0_u64..5_000, 0_u64..90_000_000], 1..200),
            speed in 0.1_f64..1000.0,
            idle_ms in 0_u64..10_000,
        ) {
            let moments: Vec<u64> = gaps.iter().scan(0, |t, gap| { *t += gap; Some(*t) }).collect();
            let all = frames(&moments, Pace { speed, idle_ms });
            prop_assert_eq!(all[0].t_ms, moments[0]);
            prop_assert_eq!(all[all.len() - 1].t_ms, moments[moments.len() - 1]);
            for pair in all.windows(2) {
                prop_assert!(pair[0].t_ms <= pair[1].t_ms);
                prop_assert!(pair[0].at_ms <= pair[1].at_ms);
                prop_assert!(pair[1].at_ms - pair[0].at_ms <= idle_ms.max(SECOND_MS) + 100, "{:?}", pair);
            }
        }
    }
}
