//! How often something was started anew. A supervisor that starts it again every two seconds hides a crash loop from
//! whoever only asks whether it runs; another pid or another start time does not lie.

use std::collections::{BTreeSet, VecDeque};

use super::look::Facts;
use crate::process::Identity;

/// What one check has seen come and go.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// Alive at the last look.
    alive: Vec<Identity>,
    /// How many went for which nothing has come yet.
    gone: usize,
    /// When those that took the place of others were started, on the boot clock, oldest first.
    times: VecDeque<u64>,
}

/// More than this nobody counts: what happens so often is no more to be told apart.
const KEPT: usize = 1_000;

impl Restarts {
    /// Takes in what was seen at `now`. What came when nothing was missing is growth, and no restart.
    pub fn take(&mut self, seen: &[Facts], now: u64) {
        let before: BTreeSet<_> = self.alive.iter().map(key).collect();
        let alive: BTreeSet<_> = seen.iter().map(|facts| key(&facts.identity)).collect();
        self.gone += before.difference(&alive).count();
        let mut came: Vec<u64> = seen
            .iter()
            .filter(|facts| !before.contains(&key(&facts.identity)))
            .map(|facts| now.saturating_sub(facts.up_ms))
            .collect();
        came.sort_unstable();
        let restarted = came.len().min(self.gone);
        self.gone -= restarted;
        self.times.extend(&came[came.len() - restarted..]);
        while self.times.len() > KEPT {
            self.times.pop_front();
        }
        self.alive = seen.iter().map(|facts| facts.identity.clone()).collect();
    }

    /// How many since this boot-clock time.
    pub fn since(&self, from: u64) -> usize {
        self.times.iter().filter(|at| **at >= from).count()
    }
}

fn key(identity: &Identity) -> (u32, u64) {
    (identity.pid, identity.start_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pid: u32, start_time: u64, up_ms: u64) -> Facts {
        let identity = Identity { pid, start_time, boot_id: String::new() };
        let name = "web".to_owned();
        Facts { identity, name, arguments: vec![], exe: None, uid: None, rss: 1, cpu_ms: 1, up_ms }
    }

    #[test]
    fn another_start_is_a_restart_also_under_the_same_pid_and_after_a_gap() {
        let mut restarts = Restarts::default();
        restarts.take(&[facts(7, 1, 50)], 1_000);
        assert_eq!(restarts.since(0), 0, "what was there at first was started by somebody");
        restarts.take(&[facts(7, 2, 100)], 3_000);
        assert_eq!(restarts.since(0), 1);
        restarts.take(&[], 5_000);
        restarts.take(&[facts(9, 3, 500)], 7_000);
        assert_eq!((restarts.since(0), restarts.since(6_500), restarts.since(6_501)), (2, 1, 0));
        restarts.take(&[facts(9, 3, 2_500)], 9_000);
        assert_eq!(restarts.since(0), 2, "the same one is no restart");
    }

    #[test]
    fn more_of_them_is_no_restart() {
        let mut restarts = Restarts::default();
        restarts.take(&[facts(7, 1, 50)], 1_000);
        restarts.take(&[facts(7, 1, 50), facts(8, 1, 10), facts(9, 1, 10)], 2_000);
        assert_eq!(restarts.since(0), 0);
        restarts.take(&[facts(7, 1, 50), facts(10, 5, 10), facts(11, 5, 10), facts(12, 5, 9)], 3_000);
        assert_eq!(restarts.since(0), 2, "one of the three is new");
    }
}
