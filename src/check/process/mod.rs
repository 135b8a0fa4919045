//! `process`: whether the processes that are meant run, by identity and not by number. Their CPU and memory come
//! along. A look costs what is watched, not what runs.

mod environ;
mod look;
mod port;
mod restarts;
mod select;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use self::look::{Facts, Kinds};
use self::restarts::Restarts;
use self::select::{Candidates, Wanted};
use super::{Context, Observed, command, span};
use crate::clock;
use crate::process::Identity;
use crate::proof::{self, Proof};
use crate::runbook::CheckId;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{ProcessExpect, ProcessSelect};
use crate::session::telemetry::ProcessSeen;

/// After this long all processes are gone through again, for more of those that are known already.
const RESCAN_MS: u64 = 10_000;

/// CPU is measured over at least so long.
const CPU_OVER_MS: u64 = 200;

/// What is known of processes from one look to the next.
#[derive(Debug, Default)]
pub struct Watch {
    /// Found by each check, and when all processes were gone through for it.
    known: HashMap<CheckId, (Vec<u32>, u64)>,
    /// What came and went, of each check that counts it.
    restarts: HashMap<CheckId, Restarts>,
    cpu: HashMap<Identity, Cpu>,
    /// The last look at all processes.
    scan: Option<Scan>,
}

#[derive(Debug)]
struct Scan {
    begun: u64,
    kinds: Kinds,
    found: Vec<Facts>,
}

/// CPU time used so far, in milliseconds, and when that was seen.
#[derive(Debug)]
struct Cpu {
    at: u64,
    used: u64,
    percent: Option<f64>,
}

/// What one look found.
pub(super) struct Found {
    pub seen: Vec<ProcessSeen>,
    /// What stood in the way.
    pub remark: Option<String>,
    /// How often something was started anew within the time that counts.
    restarts: usize,
}

pub(super) async fn observe(
    id: &CheckId,
    select: &ProcessSelect,
    expect: &ProcessExpect,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Observed {
    let need = Need {
        cpu: expect.max_cpu.is_some(),
        // Where the green is that nothing is there, or nothing more, only a look at everything proves it.
        whole: !expect.running || expect.count.is_some(),
        restarts_within: expect.max_restarts.map(|restarts| restarts.within),
    };
    match found(id, select, need, scope, ctx, timeout).await {
        Ok(found) => judge(&select::shown(select), expect, found, scope),
        Err(why) => Observed::error(why),
    }
}

/// That the very process is gone that is meant, as a sentence; `None` where it is there, or nobody knows which it was.
pub(crate) fn gone(select: &ProcessSelect, scope: &Scope, ctx: &Context) -> Option<String> {
    Wanted::new(select, scope, ctx).ok()?.gone()
}

/// What a look must find out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Need {
    /// How much of the CPU they use, even where that takes a second look.
    pub cpu: bool,
    /// All that fit, and not only those that are known already.
    pub whole: bool,
    /// How often something was started anew within this time.
    pub restarts_within: Option<Duration>,
}

/// The processes that fit.
pub(super) async fn found(
    id: &CheckId,
    select: &ProcessSelect,
    need: Need,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<Found, String> {
    let looked = tokio::time::timeout(timeout, async {
        let wanted = Wanted::new(select, scope, ctx)?;
        let main_pid = match &wanted.unit {
            Some(unit) => Some(main_pid(unit, timeout).await?),
            None => None,
        };
        let found = look(id, &wanted, main_pid, need.whole, need.restarts_within, ctx).await?;
        if need.cpu && found.seen.iter().any(|process| process.cpu.is_none()) {
            tokio::time::sleep(Duration::from_millis(CPU_OVER_MS + 50)).await;
            return look(id, &wanted, main_pid, need.whole, need.restarts_within, ctx).await;
        }
        Ok(found)
    });
    looked.await.unwrap_or_else(|_| Err(format!("not looked at within {}", span(timeout))))
}

async fn look(
    id: &CheckId,
    wanted: &Wanted,
    main_pid: Option<u32>,
    whole: bool,
    within: Option<Duration>,
    ctx: &Context,
) -> Result<Found, String> {
    let (id, wanted, watch) = (id.clone(), wanted.clone(), Arc::clone(&ctx.processes));
    let begun = clock::up_ms();
    let look = move || {
        let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        let (facts, remark) = watch.look(&id, &wanted, main_pid, whole, begun)?;
        let now = clock::up_ms();
        let restarts = within.map_or(0, |within| watch.restarts(&id, &facts, within, now));
        let seen = facts.into_iter().map(|facts| watch.seen(facts, now)).collect();
        Ok(Found { seen, remark, restarts })
    };
    tokio::task::spawn_blocking(look).await.map_err(|e| format!("the look at the processes failed: {e}"))?
}

impl Watch {
    /// What fits `wanted` now, as far as it is alive: a zombie is gone.
    fn look(
        &mut self,
        id: &CheckId,
        wanted: &Wanted,
        main_pid: Option<u32>,
        whole: bool,
        begun: u64,
    ) -> Result<(Vec<Facts>, Option<String>), String> {
        let kinds = wanted.kinds();
        let known = self.known.get(id);
        let hint = known.map_or(&[][..], |(pids, _)| pids);
        let (facts, remark) = match wanted.candidates(main_pid, hint, whole)? {
            Candidates::These(pids, remark) => {
                let (fit, unfit) =
                    look::at(&pids, kinds)?.into_iter().partition::<Vec<_>, _>(|facts| wanted.fits(facts));
                let strangers =
                    unfit.iter().map(|facts| format!("{} is {}", facts.identity.pid, facts.name)).next();
                self.known.insert(id.clone(), (pids, begun));
                (fit, strangers.or(remark))
            }
            Candidates::All => {
                let recent = known.filter(|(_, at)| !whole && begun.saturating_sub(*at) < RESCAN_MS);
                let mut facts = match recent {
                    Some((pids, _)) => {
                        look::at(pids, kinds)?.into_iter().filter(|f| wanted.fits(f)).collect()
                    }
                    None => Vec::new(),
                };
                if facts.is_empty() {
                    facts = self.scan(kinds, begun)?.into_iter().filter(|f| wanted.fits(f)).collect();
                    let pids = facts.iter().map(|f: &Facts| f.identity.pid).collect();
                    self.known.insert(id.clone(), (pids, begun));
                }
                (facts, None)
            }
        };
        Ok((facts, remark))
    }

    /// How often what fits was started anew within the last so long.
    fn restarts(&mut self, id: &CheckId, facts: &[Facts], within: Duration, now: u64) -> usize {
        let restarts = self.restarts.entry(id.clone()).or_default();
        restarts.take(facts, now);
        restarts.since(now.saturating_sub(u64::try_from(within.as_millis()).unwrap_or(u64::MAX)))
    }

    /// All processes. One scan serves all checks that began before it.
    fn scan(&mut self, kinds: Kinds, begun: u64) -> Result<Vec<Facts>, String> {
        if let Some(scan) = self.scan.as_ref().filter(|scan| scan.begun >= begun && scan.kinds.cover(kinds)) {
            return Ok(scan.found.clone());
        }
        let at = clock::up_ms();
        let found = look::all(kinds)?;
        self.scan = Some(Scan { begun: at, kinds, found: found.clone() });
        Ok(found)
    }

    fn seen(&mut self, facts: Facts, now: u64) -> ProcessSeen {
        const KEPT: usize = 1024;
        if self.cpu.len() > KEPT {
            self.cpu.retain(|_, cpu| now.saturating_sub(cpu.at) < RESCAN_MS);
        }
        let cpu = self.cpu.entry(facts.identity.clone()).or_insert(Cpu {
            at: now,
            used: facts.cpu_ms,
            percent: None,
        });
        let over = now.saturating_sub(cpu.at);
        if over >= CPU_OVER_MS {
            #[expect(clippy::cast_precision_loss, reason = "per cent of milliseconds")]
            let percent = facts.cpu_ms.saturating_sub(cpu.used) as f64 * 100.0 / over as f64;
            *cpu = Cpu { at: now, used: facts.cpu_ms, percent: Some(percent) };
        }
        ProcessSeen {
            identity: facts.identity,
            name: facts.name,
            cpu: cpu.percent,
            rss: facts.rss,
            up_ms: facts.up_ms,
        }
    }
}

fn judge(what: &str, expect: &ProcessExpect, found: Found, scope: &Scope) -> Observed {
    let Found { seen, remark, restarts } = found;
    let value = match seen.as_slice() {
        [] => "none".to_owned(),
        [one] => format!("pid {}", one.identity.pid),
        more => format!("{} processes", more.len()),
    };
    let with_remark = match &remark {
        Some(remark) if seen.is_empty() => format!("none: {remark}"),
        _ => value.clone(),
    };
    let mut proofs = Vec::new();
    let expected = format!("{what} {}", if expect.running { "runs" } else { "does not run" });
    proofs.push(Proof::new(expected, seen.is_empty() != expect.running, with_remark));
    if let Some(count) = expect.count {
        let met = u32::try_from(seen.len()).is_ok_and(|n| n == count);
        proofs.push(Proof::new(
            format!("{what}: {count} processes"),
            met,
            format!("{} processes", seen.len()),
        ));
    }
    if let Some(max) = expect.max_rss.filter(|_| expect.running) {
        let most = seen.iter().map(|p| p.rss).max();
        let text = most.map_or("no process, which is no data".to_owned(), proof::bytes);
        let met = most.is_some_and(|rss| rss > 0 && rss <= max);
        proofs.push(Proof::new(format!("{what} has at most {} of memory", proof::bytes(max)), met, text));
    }
    if let Some(max) = expect.max_cpu.filter(|_| expect.running) {
        let all: Option<Vec<f64>> = seen.iter().map(|p| p.cpu).collect();
        let most = all.into_iter().flatten().reduce(f64::max);
        let text = most.map_or("not measured yet, which is no data".to_owned(), |cpu| format!("{cpu:.0} %"));
        proofs.push(Proof::new(
            format!("{what} takes at most {max} % of a core"),
            most.is_some_and(|cpu| cpu <= max),
            text,
        ));
    }
    if let Some(most) = expect.max_restarts {
        let within = span(most.within);
        proofs.push(Proof::new(
            format!("{what} is started anew at most {} times within {within}", most.count),
            u32::try_from(restarts).is_ok_and(|restarts| restarts <= most.count),
            format!("started anew {restarts} times within {within}"),
        ));
    }
    if expect.running {
        proofs.extend(environ::judge(what, &expect.env, &seen, scope));
    }
    #[expect(clippy::cast_precision_loss, reason = "shown as a graph")]
    let number = (!seen.is_empty()).then(|| seen.iter().map(|p| p.rss).sum::<u64>() as f64);
    Observed { number, processes: seen, ..Observed::proven(proofs, value) }
}

/// The main process of a systemd unit; 0 where it has none.
async fn main_pid(unit: &str, timeout: Duration) -> Result<u32, String> {
    let argv = ["systemctl", "show", "-p", "MainPID", "--value", "--", unit].map(str::to_owned);
    let ran = command::run(&argv, &Vec::new(), std::path::Path::new(""), timeout).await?;
    let said = String::from_utf8_lossy(&ran.stdout);
    match (ran.ended.code(), said.trim().parse()) {
        (0, Ok(pid)) => Ok(pid),
        _ => Err(format!("systemctl does not name the main process of {unit}: {}", first_line(&ran.both))),
    }
}

fn first_line(bytes: &[u8]) -> String {
    let text = crate::text::decode(bytes);
    proof::excerpt(text.lines().next().unwrap_or("it said nothing"), 0)
}
