//! Which processes are meant: all given keys must fit.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use regex::Regex;

use super::look::{Facts, Kinds};
use super::port;
use crate::check::{Context, resolve};
use crate::clock;
use crate::process::Identity;
use crate::proof;
use crate::redact::Redactor;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::ProcessSelect;

/// How much later than its pid file a process may seem to have been started: clocks are set, files are touched.
const PIDFILE_SLACK_MS: i64 = 60_000;

/// On Linux the kernel cuts names to this many bytes.
const NAME_MAX: usize = 15;

/// A selection with everything inserted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    name: Option<String>,
    cmdline: Option<Regex>,
    exe: Option<PathBuf>,
    /// As it is written, and where it lies.
    pidfile: Option<(String, PathBuf)>,
    port: Option<u16>,
    pub(super) unit: Option<String>,
    uid: Option<u32>,
    /// Of a `start` step: the error is a sentence.
    step: Option<Result<Identity, String>>,
    /// For what a pid file holds instead of a pid.
    redactor: Redactor,
}

/// Where to look.
pub(super) enum Candidates {
    /// Only at these; the remark says why there are fewer than meant.
    These(Vec<u32>, Option<String>),
    All,
}

impl Wanted {
    pub(super) fn new(select: &ProcessSelect, scope: &Scope, ctx: &Context) -> Result<Self, String> {
        let text = |template: &Option<_>| template.as_ref().map(|t| resolve(scope, t)).transpose();
        let pidfile = text(&select.pidfile)?.map(|path| (path.clone(), scope.runbook_dir.join(path)));
        let port = text(&select.port)?.map(|port| port.parse().map_err(|_| format!("{port} is no port")));
        let step = select
            .step
            .as_ref()
            .map(|step| ctx.started(step).ok_or(format!("{step} has started nothing yet")));
        Ok(Self {
            name: text(&select.name)?,
            cmdline: select.cmdline.as_ref().map(|pattern| proof::compile(pattern, scope)).transpose()?,
            exe: text(&select.exe)?.map(|path| scope.runbook_dir.join(path)),
            pidfile,
            port: port.transpose()?,
            unit: text(&select.unit)?,
            uid: text(&select.user)?.map(|user| uid(&user)).transpose()?,
            step,
            redactor: scope.redactor.clone(),
        })
    }

    pub(super) fn kinds(&self) -> Kinds {
        Kinds {
            // A name of full length may be cut; then the arguments show the whole of it.
            arguments: self.cmdline.is_some() || self.name.as_ref().is_some_and(|name| name.len() > NAME_MAX),
            exe: self.exe.is_some() || self.name.as_ref().is_some_and(|name| name.len() > NAME_MAX),
            user: self.uid.is_some(),
        }
    }

    /// Where to look. `hint` are pids that fitted before.
    pub(super) fn candidates(
        &self,
        main_pid: Option<u32>,
        hint: &[u32],
        whole: bool,
    ) -> Result<Candidates, String> {
        let mut lists: Vec<(Vec<u32>, Option<String>)> = Vec::new();
        match &self.step {
            Some(Ok(identity)) if identity.is_alive() => lists.push((vec![identity.pid], None)),
            Some(Ok(identity)) => lists.push((vec![], Some(format!("{} is gone", identity.pid)))),
            Some(Err(why)) => lists.push((vec![], Some(why.clone()))),
            None => {}
        }
        if let Some((name, path)) = &self.pidfile {
            lists.push(self.by_pidfile(name, path)?);
        }
        match main_pid {
            Some(0) => lists.push((vec![], Some("the unit has no main process".to_owned()))),
            Some(pid) => lists.push((vec![pid], None)),
            None => {}
        }
        if let Some(port) = self.port {
            let narrowed = lists.first().map_or(hint, |(pids, _)| pids);
            let owners = port::listeners(port, if whole { &[] } else { narrowed })?;
            let remark = owners.is_empty().then(|| format!("nothing listens on port {port}"));
            lists.push((owners, remark));
        }
        let mut lists = lists.into_iter();
        let Some((mut pids, mut remark)) = lists.next() else { return Ok(Candidates::All) };
        for (others, why) in lists {
            let fewer: Vec<u32> = pids.iter().copied().filter(|pid| others.contains(pid)).collect();
            if fewer.is_empty() && !pids.is_empty() && !others.is_empty() {
                remark = remark.or(Some(format!("{} is not {}", pids[0], others[0])));
            }
            remark = remark.or(why);
            pids = fewer;
        }
        Ok(Candidates::These(pids, remark))
    }

    /// That the process is gone which a `start` step started, or which a pid file names, as a sentence; `None` where one
    /// of them is there, or nothing tells which it was: who was never seen is not known to be gone.
    pub(super) fn gone(&self) -> Option<String> {
        match (&self.step, &self.pidfile) {
            (Some(Ok(identity)), _) => {
                (!identity.is_alive()).then(|| format!("process {} is gone", identity.pid))
            }
            (None, Some((name, path))) => {
                let (pid, _) = self.pid_in(name, path).ok()??;
                Identity::of(pid).is_none().then(|| format!("{name} says {pid}, which is gone"))
            }
            _ => None,
        }
    }

    /// The pid that a pid file holds, and when it was written; `None` where there is no such file.
    fn pid_in(&self, name: &str, path: &Path) -> Result<Option<(u32, DateTime<Utc>)>, String> {
        let at = |e: std::io::Error| format!("{name}: {e}");
        let meta = match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() => meta,
            Ok(_) => return Err(format!("{name} is no regular file")),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(at(e)),
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path).map_err(at)?.take(4096).read_to_end(&mut bytes).map_err(at)?;
        let text = crate::text::decode(&bytes);
        let first = text.lines().next().unwrap_or_default().trim();
        let pid = first.parse::<u32>().ok().filter(|pid| *pid > 0);
        let pid = pid.ok_or_else(|| {
            let held = self.redactor.redact(first);
            format!("{name} holds no pid: \"{}\"", proof::excerpt(&held, 0))
        })?;
        Ok(Some((pid, meta.modified().map_err(at)?.into())))
    }

    /// The process that a pid file names, if it can be the one that wrote it.
    fn by_pidfile(&self, name: &str, path: &Path) -> Result<(Vec<u32>, Option<String>), String> {
        let Some((pid, written)) = self.pid_in(name, path)? else {
            return Ok((vec![], Some(format!("{name} is not there"))));
        };
        let Some(identity) = Identity::of(pid) else {
            return Ok((vec![], Some(format!("{name} says {pid}, which is gone"))));
        };
        // Without another key nothing else would tell a stranger that was given the number later.
        let is_alone = self.name.is_none() && self.exe.is_none() && self.cmdline.is_none();
        let late = started(&identity).map(|at| (at - written).num_milliseconds());
        if let Some(late) = late.filter(|late| is_alone && *late > PIDFILE_SLACK_MS) {
            let late = proof::span(u64::try_from(late).unwrap_or(0));
            return Ok((vec![], Some(format!("{pid} was started {late} after {name} was written"))));
        }
        Ok((vec![pid], None))
    }

    /// Whether a process fits what is asked of its name, command line, program and user.
    pub(super) fn fits(&self, facts: &Facts) -> bool {
        self.name.as_ref().is_none_or(|name| has_name(facts, name))
            && self.cmdline.as_ref().is_none_or(|pattern| pattern.is_match(&facts.arguments.join(" ")))
            && self.exe.as_ref().is_none_or(|exe| runs(facts, exe))
            && self.uid.is_none_or(|uid| facts.uid == Some(uid))
    }
}

fn has_name(facts: &Facts, name: &str) -> bool {
    if name.len() <= NAME_MAX {
        return facts.name == name;
    }
    // A script's own name stands second, behind its interpreter.
    let is_it = |path: &Path| path.file_name().is_some_and(|base| base == name);
    let cut = facts.name.len() >= NAME_MAX && name.starts_with(&facts.name);
    let whole = facts.arguments.iter().take(2).any(|arg| is_it(Path::new(arg)));
    facts.name == name || (cut && (whole || facts.exe.as_deref().is_some_and(is_it)))
}

fn runs(facts: &Facts, exe: &Path) -> bool {
    let Some(running) = &facts.exe else { return false };
    // An upgrade in place leaves the running program without its file.
    let text = running.to_string_lossy();
    let running = Path::new(text.strip_suffix(" (deleted)").unwrap_or(&text));
    running == exe || std::fs::canonicalize(exe).is_ok_and(|exe| exe == running)
}

/// When a process was started, on the clock of the wall.
fn started(identity: &Identity) -> Option<DateTime<Utc>> {
    let now = clock::now();
    #[cfg(target_os = "linux")]
    let started = {
        let up = identity.start_time.checked_mul(1000)? / rustix::param::clock_ticks_per_second();
        now.at - chrono::Duration::milliseconds(i64::try_from(now.up_ms.checked_sub(up)?).ok()?)
    };
    #[cfg(not(target_os = "linux"))]
    let started = DateTime::from_timestamp(i64::try_from(identity.start_time).ok()?, 0)?.min(now.at);
    Some(started)
}

fn uid(user: &str) -> Result<u32, String> {
    if let Ok(uid) = user.parse() {
        return Ok(uid);
    }
    match nix::unistd::User::from_name(user) {
        Ok(Some(found)) => Ok(found.uid.as_raw()),
        Ok(None) => Err(format!("there is no user {user}")),
        Err(e) => Err(format!("the user {user} cannot be looked up: {e}")),
    }
}

/// The selection as an operator reads it.
pub(super) fn shown(select: &ProcessSelect) -> String {
    let mut keys = Vec::new();
    keys.extend(select.name.iter().map(|t| t.as_str().to_owned()));
    keys.extend(select.cmdline.iter().map(|p| format!("/{}/", p.0.as_str())));
    keys.extend(select.exe.iter().map(|t| t.as_str().to_owned()));
    keys.extend(select.pidfile.iter().map(|t| t.as_str().to_owned()));
    keys.extend(select.port.iter().map(|t| format!("port {}", t.as_str())));
    keys.extend(select.unit.iter().map(|t| format!("unit {}", t.as_str())));
    keys.extend(select.user.iter().map(|t| format!("user {}", t.as_str())));
    keys.extend(select.step.iter().map(|s| format!("what {s} started")));
    format!("process {}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str, arguments: &[&str], exe: Option<&str>) -> Facts {
        Facts {
            identity: Identity { pid: 2, start_time: 1, boot_id: String::new() },
            name: name.into(),
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            exe: exe.map(PathBuf::from),
            uid: None,
            rss: 0,
            cpu_ms: 0,
            up_ms: 0,
        }
    }

    #[test]
    fn a_name_that_the_kernel_has_cut_is_known_by_the_rest() {
        let go = "mtproto-proxy-go";
        assert!(has_name(&facts("mtproto-proxy-g", &["/opt/mtproto-proxy-go", "-p"], None), go));
        assert!(has_name(&facts("mtproto-proxy-g", &[], Some("/opt/mtproto-proxy-go")), go));
        assert!(has_name(&facts("mtproto-proxy-g", &["/bin/sh", "./mtproto-proxy-go"], None), go));
        assert!(!has_name(&facts("mtproto-proxy-g", &["/opt/mtproto-proxy-gx"], None), go));
        assert!(!has_name(&facts("sh", &["sh", "mtproto-proxy-go"], None), go));
        assert!(has_name(&facts("nginx", &[], None), "nginx"));
        assert!(!has_name(&facts("nginx-debug", &[], None), "nginx"));
    }

    #[test]
    fn a_program_is_known_after_an_upgrade_in_place() {
        assert!(runs(&facts("a", &[], Some("/opt/a (deleted)")), Path::new("/opt/a")));
        assert!(!runs(&facts("a", &[], Some("/opt/b")), Path::new("/opt/a")));
        assert!(!runs(&facts("a", &[], None), Path::new("/opt/a")));
    }

    #[test]
    fn a_selection_reads_as_it_is_written() {
        let select = ProcessSelect {
            name: Some("go".into()),
            pidfile: Some("run/go.pid".into()),
            ..ProcessSelect::default()
        };
        assert_eq!(shown(&select), "process go, run/go.pid");
    }
}
